"""Charge-trap memory (SONOS) of 40 nm technology, read below threshold: its current stands for a conductance.

Source: V. Agrawal et al., "Subthreshold operation of SONOS analog memory to enable accurate low-power neural network
inference", IEDM 2022, figures 10a, 10b and 11b. Fits as in CrossSim, `SONOS`, in the edition of 2026 that its release
3.2 computes with. Editions up to 2025 have other polynomials for the shift of the mean, which fall by 246 nA at 1600 nA
after one day; those are not used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from aimcsim.analog.devices import elementary
from aimcsim.analog.devices.base import (
    DeviceModel,
    ReadRedraw,
    Reals,
    checked_target,
    checked_time,
    one_of,
    ranged,
    register,
)
from aimcsim.analog.draws import Draws
from aimcsim.errors import InputError

DAY_S: Final = 86400.0
LAST_DAY: Final = 5
DRIFT_MAX_NA: Final = 1800.0  # from here on the shift of the mean was not measured
# Day by day, from programming to five days later.
# fmt: off
SHIFT_NA: Final = (  # of the mean, powers of the target in nA
    (0.0,) * 11,
    (1.72684e-01, 5.72552e-02, -6.85715e-04, 3.50271e-06, -9.37682e-09, 1.40575e-11,
     -1.19803e-14, 5.41293e-18, -8.85448e-22, -1.66869e-25, 5.95180e-29),
    (2.50712e-01, 6.62195e-02, -6.83218e-04, 2.99442e-06, -6.78255e-09, 7.70482e-12,
     -3.04983e-15, -2.15919e-18, 2.94617e-21, -1.23359e-24, 1.85329e-28),
    (-1.75300e-02, 9.76883e-02, -9.63791e-04, 4.55551e-06, -1.22391e-08, 1.93786e-11,
     -1.85899e-14, 1.07659e-17, -3.58211e-21, 5.96785e-25, -3.30410e-29),
    (4.03338e-02, 1.03111e-01, -1.04740e-03, 4.83961e-06, -1.28132e-08, 1.99484e-11,
     -1.85139e-14, 1.00008e-17, -2.84944e-21, 3.01008e-25, 1.18747e-29),
    (3.19927e-01, 1.06596e-01, -1.04054e-03, 4.50290e-06, -1.10352e-08, 1.56477e-11,
     -1.27592e-14, 5.45513e-18, -7.26841e-22, -2.43893e-25, 7.14608e-29),
)
# fmt: on
SPREAD_NA: Final = (19.88665, 25.59102, 28.72753, 31.04318, 33.76214, 34.57909)
SPREAD_SCALE_NA: Final = (176.3115, 186.85544, 193.56834, 198.90332, 204.77023, 207.34309)
READ_NA: Final = 12.58037
READ_SCALE_NA: Final = 215.36557


@register
@dataclass(frozen=True, kw_only=True)
class Sonos(DeviceModel):
    """I = max(0, m + sigma xi), m = target + shift(target), sigma = A (1 - exp(-m / B)).

    The shift of the mean is 0 at first, a polynomial of tenth order day by day (at five days +4 nA at 100 nA, -41 nA at
    1600 nA), and straight in between. A grows from 19.9 nA to 34.6 nA on the fifth day and B from 176 nA to 207 nA,
    straight from one day to the next. Each read adds noise of the same form with A = 12.58 nA, B = 215.4 nA.

    Parameters
    ----------
    i_max_na : float      Current that stands for g_max, nA. From 1800 nA on there is no time but 0.
    read_noise : str      ``on`` or ``off``.

    Assumes: a device that is off by so many sigmas is so at all times (the source gives spreads).
    """

    name: ClassVar[str] = "sonos"
    redrawn: ClassVar[str] = "spread once per programming; it grows with time. Read noise for each phase"

    i_max_na: float = ranged(1600.0, 1.0, 3200.0)
    read_noise: str = one_of("on", "off")

    @property
    def read_redraw(self) -> ReadRedraw:
        """Each array read is a measurement of its own."""
        return "phase" if self.read_noise == "on" else "never"

    def program(self, target: ArrayLike, draws: Draws) -> SonosState:
        """Return devices programmed to `target`."""
        u = checked_target(self.name, target)
        return SonosState(u * self.i_max_na, draws.normal("programming", u.shape), self.i_max_na)

    def read_sigma(self, conductance: Reals) -> Reals:
        """Return the deviation of the noise of one read."""
        if self.read_noise == "off":
            return np.zeros_like(conductance)
        return saturating(READ_NA, READ_SCALE_NA, conductance * self.i_max_na) / self.i_max_na


@dataclass(frozen=True, slots=True)
class SonosState:
    """Target currents in nA and, for each device, by how many sigmas it is off."""

    target_na: Reals
    deviates: Reals
    i_max_na: float

    @property
    def programmed(self) -> Reals:
        """Conductance right after programming."""
        return self.conductance(0.0)

    def conductance(self, time_s: float) -> Reals:
        """Return the conductance up to five days after programming.

        Raises
        ------
        InputError    If `time_s` is no time that was measured with such currents.
        """
        days = checked_time("sonos", time_s, high=LAST_DAY * DAY_S) / DAY_S
        if days > 0.0 and self.i_max_na >= DRIFT_MAX_NA:
            raise InputError(
                f"time_s: sonos was measured later than 0 s with i_max_na below {DRIFT_MAX_NA:g}"
                f" (got {time_s}, i_max_na {self.i_max_na:g})"
            )
        mean_na = self.target_na + elementary.polynomial(_between(SHIFT_NA, days), self.target_na)
        height, scale = _between(tuple(zip(SPREAD_NA, SPREAD_SCALE_NA, strict=True)), days)
        current_na = mean_na + saturating(height, scale, mean_na) * self.deviates
        held: Reals = np.maximum(current_na, 0.0) / self.i_max_na
        return held


def _between(rows: Sequence[Sequence[float]], days: float) -> tuple[float, ...]:
    """Return the row of a time, each number straight from one day to the next."""
    day = min(math.floor(days), LAST_DAY - 1)
    late = days - day
    return tuple((1.0 - late) * a + late * b for a, b in zip(rows[day], rows[day + 1], strict=True))


def saturating(height: float, scale: float, x: Reals) -> Reals:
    """Return ``height * (1 - exp(-x / scale))``, not below 0."""
    rising: Reals = np.maximum(height * (1.0 - elementary.exp(-x / scale)), 0.0)
    return rising
