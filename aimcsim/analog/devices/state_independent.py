"""A plain model for studies: noise of programming and drift that do not depend on the state.

Source: aihwkit 1.2, `StateIndependentNoiseModel`; no device in particular.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from aimcsim.analog.devices.base import DeviceModel, Reals, checked_target, ranged, register
from aimcsim.analog.devices.flicker import Flicker
from aimcsim.analog.devices.power_law import PowerLawState, drift_exponents, with_noise
from aimcsim.analog.draws import Draws

START_S: Final = 20.0
READ_S: Final = 250e-9


@register
@dataclass(frozen=True, kw_only=True)
class StateIndependent(DeviceModel):
    """sigma 0.2 uS; nu = |0.1 + 0.05 xi|; 1/f noise of 1 uS times g_d / g_max where its law is 1.

    Parameters
    ----------
    g_max_us : float            Largest conductance, uS.
    programming_us : float      sigma.
    drift_mean, drift_deviation : float
    read_us : float             1/f noise of a device at g_max.
    """

    name: ClassVar[str] = "state_independent"
    redrawn: ClassVar[str] = (
        "programming noise and drift exponent once per programming; 1/f noise follows the time of read"
    )
    restatable: ClassVar[bool] = True

    g_max_us: float = ranged(25.0, 0.1, 1e6)
    programming_us: float = ranged(0.2, 0.0, 1e6)
    drift_mean: float = ranged(0.1, 0.0, 10.0)
    drift_deviation: float = ranged(0.05, 0.0, 10.0)
    read_us: float = ranged(1.0, 0.0, 1e6)

    def program(self, target: ArrayLike, draws: Draws) -> PowerLawState:
        """Return devices programmed to `target`."""
        u = checked_target(self.name, target)
        programmed = with_noise(u, np.full_like(u, self.programming_us / self.g_max_us), draws)
        exponent = drift_exponents(np.full_like(u, self.drift_mean), np.full_like(u, self.drift_deviation), draws)
        strength = np.full_like(u, self.read_us / self.g_max_us)
        return PowerLawState(self.name, programmed, exponent, strength, START_S, Flicker(draws, u.shape, READ_S))

    def restated(self, state: PowerLawState, conductance: Reals, draws: Draws) -> PowerLawState:
        """Return `state` as if its devices stood at `conductance`, with the drift exponents that it has."""
        return replace(state, programmed=conductance)
