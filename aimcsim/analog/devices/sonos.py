"""Charge-trap memory (SONOS) of 40 nm technology, read below threshold: its current stands for a conductance.

Source: V. Agrawal et al., "Subthreshold operation of SONOS analog memory to enable accurate low-power neural network
inference", IEDM 2022, figures 10 and 11. Fits as in CrossSim 3.2, `SONOS`, with their published digits.
"""

from __future__ import annotations

import math
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

DAY_S: Final = 86400.0
LAST_DAY: Final = 5
# Rows: 0 to 5 days after programming. Shift of the mean in nA: powers of the current in nA.
SHIFT_NA: Final = (
    (0.0,) * 11,
    (6.83650e-01, 6.51250e-03, -4.03163e-04, 3.37944e-06, -1.87435e-08, 5.88902e-11, -1.07685e-13, 1.17751e-16,
     -7.60016e-20, 2.67255e-23, -3.94954e-27),
    (6.60925e-01, 8.60627e-03, -1.72936e-04, 7.44096e-07, -5.94866e-09, 2.36734e-11, -4.83740e-14, 5.56072e-17,
     -3.65397e-20, 1.28405e-23, -1.87450e-27),
    (1.15821e00, 1.96116e-02, -4.70807e-04, 3.67510e-06, -2.08786e-08, 6.59752e-11, -1.19499e-13, 1.28435e-16,
     -8.11574e-20, 2.78802e-23, -4.02057e-27),
    (8.72216e-01, 1.70926e-02, -2.23370e-04, 1.57526e-06, -1.32779e-08, 5.08256e-11, -1.01251e-13, 1.14633e-16,
     -7.46124e-20, 2.60559e-23, -3.78724e-27),
    (1.15294e00, 1.03149e-02, -6.05199e-05, 1.76086e-08, -6.46690e-09, 3.39044e-11, -7.53872e-14, 8.98185e-17,
     -6.00346e-20, 2.12615e-23, -3.11099e-27),
)  # fmt: skip
SPREAD_NA: Final = (19.88665, 25.59102, 28.72753, 31.04318, 33.76214, 34.57909)
SPREAD_SCALE_NA: Final = (176.3115, 186.85544, 193.56834, 198.90332, 204.77023, 207.34309)
READ_NA: Final = 12.58037
READ_SCALE_NA: Final = 215.36557


@register
@dataclass(frozen=True, kw_only=True)
class Sonos(DeviceModel):
    """The mean shifts by a polynomial of tenth order in the current, I; sigma = A (1 - exp(-I / B)), I after the shift.

    Both change from day to day up to the fifth, straight in between. Each read adds noise with A = 12.58 nA,
    B = 215.4 nA.

    Parameters
    ----------
    i_max_na : float      Current that stands for g_max, nA; measured up to 3200 nA, drift up to 1600 nA.
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
        """Return the conductance up to five days after programming."""
        days = checked_time("sonos", time_s, high=LAST_DAY * DAY_S) / DAY_S
        day = min(math.floor(days), LAST_DAY - 1)
        ends = ((1.0 - (days - day), day), (days - day, day + 1))
        shift = sum((part * elementary.polynomial(SHIFT_NA[row], self.target_na) for part, row in ends), start=0.0)
        spread, scale = (sum(part * table[row] for part, row in ends) for table in (SPREAD_NA, SPREAD_SCALE_NA))
        mean_na = self.target_na + shift
        current_na = mean_na + saturating(spread, scale, mean_na) * self.deviates
        held: Reals = np.maximum(current_na, 0.0) / self.i_max_na
        return held


def saturating(height: float, scale: float, x: Reals) -> Reals:
    """Return ``height * (1 - exp(-x / scale))``, not below 0."""
    rising: Reals = np.maximum(height * (1.0 - elementary.exp(-x / scale)), 0.0)
    return rising
