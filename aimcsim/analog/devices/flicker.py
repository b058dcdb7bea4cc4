"""1/f noise as a trajectory: one device read at two times shows noise that belongs together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.draws import Draws

BAND_RATIO: Final = 4.0  # of the periods at the ends of a band
# Cell of a band over the period in its middle, exp(C - gamma - log 2 pi): see Flicker, c.
CELL_PER_PERIOD: Final = 0.128805450919694


@dataclass(frozen=True, slots=True)
class Flicker:
    """1/f noise of unit strength, of many devices, as a function of the time since they were programmed.

    Publications give the noise that has gathered by the time T: normal, of variance

        L(T) = log((T + t_read) / (2 t_read)),

    which is the power of the spectrum 1/f between the frequencies 1 / (T + t_read) and 1 / (2 t_read). This class is a
    process in T with that variance at every T and with that spectrum:

    a. log(period / 2 t_read) is cut into bands of equal width w = log 4. Band k adds sqrt(v_k) x_k(T), where
       v_k = L(T) - k w, at least 0 and at most w. The v_k add up to L(T): slow bands join as time passes, and the
       variance is exact at every T.
    b. x_k is white noise, one normal for each cell of length D_k, seen through the lobe h(s) = cos(pi s / 2), |s| <= 1
       cell: x_k(T) = h(s) z_j + h(1 - s) z_(j+1) at a fraction s of cell j. Since h(s)^2 + h(1 - s)^2 = 1, its variance
       is 1 at every time. Where the cells begin is drawn once for each band and array, so the covariance at a distance
       of s cells is h's correlation with itself, r(s) = (2 - s) cos(pi s / 2) / 2 + sin(pi |s| / 2) / pi up to s = 2,
       and 0 beyond.
    c. Summed over many narrow bands, whose cells are as long as c periods, the covariance at a distance d between
       t_read and T is the integral of r(d / D) over log D up to c T, which is log(c T / d) - C with
       C = integral of (1 - r(s) - [s > 1]) / s over all s > 0 = 0.365641. The spectrum 1/f cut off below 1 / T has
       log(T / d) - gamma - log(2 pi), gamma being Euler's constant. So c = exp(C - gamma - log(2 pi)). Bands of width
       log 4 meet it to 0.09, where the variance is 14.5 at 1 s and 31.7 at 1 year.

    The normals of cell j of band k are named by (k, j): what is read at T depends on the seed and T alone, not on what
    else was read or when.

    Parameters
    ----------
    draws : Draws       The place of these devices.
    shape : tuple       Of the array of devices.
    read_s : float      t_read, the time one measurement takes.
    """

    draws: Draws
    shape: tuple[int, ...]
    read_s: float

    def variance(self, elapsed_s: float) -> float:
        """Return L: 0 until one measurement has passed."""
        return max(0.0, math.log((elapsed_s + self.read_s) / (2.0 * self.read_s)))

    def value(self, elapsed_s: float) -> NDArray[np.float64]:
        """Return the noise of every device `elapsed_s` after it was programmed: normal with variance L."""
        total = np.zeros(self.shape)
        left, width, band = self.variance(elapsed_s), math.log(BAND_RATIO), 0
        while left > 0.0:
            self._add_band(total, band, math.sqrt(min(left, width)), elapsed_s)
            left, band = left - width, band + 1
        return total

    def _add_band(self, total: NDArray[np.float64], band: int, size: float, elapsed_s: float) -> None:
        """Add `size` times x of band number `band` to `total`."""
        draws = self.draws.child("band", band)
        period_s = 2.0 * self.read_s * BAND_RATIO ** (band + 0.5)
        cells = elapsed_s / (CELL_PER_PERIOD * period_s) + float(draws.uniform("first cell", 1)[0])
        number = math.floor(cells)
        fraction = cells - number
        draws.child("cell", number).add_normal(total, "flicker", size * math.cos(math.pi / 2 * fraction))
        draws.child("cell", number + 1).add_normal(total, "flicker", size * math.sin(math.pi / 2 * fraction))
