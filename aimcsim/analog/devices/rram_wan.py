"""Resistive memory of the NeuRRAM chip: how conductances spread after programming.

Source: W. Wan et al., "A compute-in-memory chip based on resistive random-access memory", Nature 608, 2022, extended
data figure 3. Fits as in aihwkit 1.2, `ReRamWan2022NoiseModel` (three times), and CrossSim 3.2, `RRAMWan` (1 s). The
former applies its fit for 40 uS unscaled at other values of g_max; here it is scaled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from aimcsim.analog.devices import elementary
from aimcsim.analog.devices.base import (
    DeviceModel,
    Reals,
    checked_target,
    checked_time,
    one_of,
    ranged,
    register,
)
from aimcsim.analog.devices.fixed import FixedState
from aimcsim.analog.devices.power_law import with_noise
from aimcsim.analog.draws import Draws
from aimcsim.errors import InputError

DAY_S: Final = 86400.0
SPREAD_US: Final[Mapping[float, tuple[float, ...]]] = {  # seconds -> powers of u, for a g_max of 40 uS
    1.0: (0.348, 16.030, -43.853, 45.393, -16.815),
    DAY_S: (0.701, 22.086, -50.773, 47.095, -16.458),
    2 * DAY_S: (0.782, 20.274, -43.507, 37.062, -11.934),
}
SPREAD_G_MAX_US: Final = 40.0
SPREAD_AT_1_S_US: Final = (1.053, 2.374e-1, -1.167e-2, 1.536e-4)  # powers of G in uS


@register
@dataclass(frozen=True, kw_only=True)
class RramWan(DeviceModel):
    """g(t) = max(0, target + sigma(u, t) xi), sigma a polynomial of fourth order in u at 1 s, 1 day and 2 days.

    Parameters
    ----------
    between : str           ``refuse``: other times are errors. ``log_time``: between 1 s and 2 days sigma runs straight
                            in log t from one measured time to the next.
    spread_scale : float    On sigma.

    Assumes: a device that is off by so many sigmas is so at all times (the source gives spreads, not single devices);
    sigma over g_max does not depend on g_max.
    """

    name: ClassVar[str] = "rram_wan"
    redrawn: ClassVar[str] = "spread once per programming; it grows with time"
    restatable: ClassVar[bool] = True

    between: str = one_of("refuse", "log_time")
    spread_scale: float = ranged(1.0, 0.0, 100.0)

    def program(self, target: ArrayLike, draws: Draws) -> RramWanState:
        """Return devices programmed to `target`."""
        u = checked_target(self.name, target)
        return RramWanState(u, self._deviates(u, draws), self.between)

    def restated(self, state: RramWanState, conductance: Reals, draws: Draws) -> RramWanState:
        """Return devices of the same targets, drawn again: `conductance` holds spread, which sigma is not for."""
        return replace(state, deviates=self._deviates(state.target, draws))

    def _deviates(self, target: Reals, draws: Draws) -> Reals:
        return self.spread_scale * draws.normal("programming", target.shape)


@dataclass(frozen=True, slots=True)
class RramWanState:
    """Targets and, for each device, by how many sigmas it is off."""

    target: Reals
    deviates: Reals
    between: str

    @property
    def programmed(self) -> Reals:
        """Conductance at 1 s, the first measured time."""
        return self.conductance(1.0)

    def conductance(self, time_s: float) -> Reals:
        """Return the conductance at a measured time or, with ``log_time``, between two of them."""
        sigma = self._spread_us(time_s) / SPREAD_G_MAX_US
        spread: Reals = np.maximum(self.target + sigma * self.deviates, 0.0)
        return spread

    def _spread_us(self, time_s: float) -> Reals:
        if time_s in SPREAD_US:
            return elementary.polynomial(SPREAD_US[time_s], self.target)
        if self.between == "refuse":
            measured = ", ".join(f"{time:g}" for time in SPREAD_US)
            raise InputError(
                f"time_s: rram_wan is measured at {measured} s (got {time_s}); between=log_time interpolates"
            )
        checked_time("rram_wan", time_s, 1.0, 2 * DAY_S)
        times = list(SPREAD_US)
        after = next(index for index, time in enumerate(times) if time > time_s)
        early, late = times[after - 1], times[after]
        part = math.log(time_s / early) / math.log(late / early)
        ends = (elementary.polynomial(SPREAD_US[time], self.target) for time in (early, late))
        return (1.0 - part) * next(ends) + part * next(ends)


@register
@dataclass(frozen=True, kw_only=True)
class RramWanOneSecond(DeviceModel):
    """sigma = 1.053 + 0.2374 G - 0.01167 G^2 + 0.0001536 G^3 uS at 1 s, G the target in uS, measured up to 39.26 uS.

    Parameters
    ----------
    g_max_us : float    Largest conductance, uS.

    Assumes: no change after 1 s.
    """

    name: ClassVar[str] = "rram_wan_1s"
    redrawn: ClassVar[str] = "programming noise once per programming"

    g_max_us: float = ranged(39.26, 0.1, 39.26)

    def program(self, target: ArrayLike, draws: Draws) -> FixedState:
        """Return devices programmed to `target`."""
        u = checked_target(self.name, target)
        sigma = elementary.polynomial(SPREAD_AT_1_S_US, u * self.g_max_us) / self.g_max_us
        return FixedState(self.name, with_noise(u, np.maximum(sigma, 0.0), draws))
