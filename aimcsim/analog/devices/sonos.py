"""Charge-trap memory (SONOS) of 40 nm technology, read below threshold: its current stands for a conductance.

Source: V. Agrawal et al., "Subthreshold operation of SONOS analog memory to enable accurate low-power neural network
inference", IEDM 2022, figures 10a and 11b. Fits as in CrossSim, `SONOS`. The slow shift of the mean (figure 10b) is not
modelled: the polynomials in CrossSim's repository disagree with what its release 3.2 was seen to compute.
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
# Day by day, from programming to five days later.
SPREAD_NA: Final = (19.88665, 25.59102, 28.72753, 31.04318, 33.76214, 34.57909)
SPREAD_SCALE_NA: Final = (176.3115, 186.85544, 193.56834, 198.90332, 204.77023, 207.34309)
READ_NA: Final = 12.58037
READ_SCALE_NA: Final = 215.36557


@register
@dataclass(frozen=True, kw_only=True)
class Sonos(DeviceModel):
    """I = max(0, target + sigma xi), sigma = A (1 - exp(-target / B)).

    A grows from 19.9 nA to 34.6 nA on the fifth day and B from 176 nA to 207 nA, straight from one day to the next.
    Each read adds noise of the same form with A = 12.58 nA, B = 215.4 nA.

    Parameters
    ----------
    i_max_na : float      Current that stands for g_max, nA.
    read_noise : str      ``on`` or ``off``.

    Assumes: no shift of the mean, which leaves out 0.7 % of the error after one day and 5 % after five; a device that
    is off by so many sigmas is so at all times (the source gives spreads).
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
        spread, scale = (sum(part * table[row] for part, row in ends) for table in (SPREAD_NA, SPREAD_SCALE_NA))
        current_na = self.target_na + saturating(spread, scale, self.target_na) * self.deviates
        held: Reals = np.maximum(current_na, 0.0) / self.i_max_na
        return held


def saturating(height: float, scale: float, x: Reals) -> Reals:
    """Return ``height * (1 - exp(-x / scale))``, not below 0."""
    rising: Reals = np.maximum(height * (1.0 - elementary.exp(-x / scale)), 0.0)
    return rising
