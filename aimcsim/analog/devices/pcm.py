"""Phase-change memory in general: doped Ge2Sb2Te5 mushroom cells of 90 nm technology.

Source: S. R. Nandakumar et al., "Phase-change memory models for deep learning training and inference", ICECS 2019
(drift, 1/f noise); V. Joshi et al., "Accurate deep neural network inference using computational phase-change memory",
Nature Communications 11, 2473, 2020 (programming). Coefficients as in aihwkit 1.2, `PCMLikeNoiseModel`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from aimcsim.analog.devices import elementary
from aimcsim.analog.devices.base import DeviceModel, Reals, checked_target, ranged, register
from aimcsim.analog.devices.flicker import Flicker
from aimcsim.analog.devices.power_law import PowerLawState, drift_exponents, with_noise
from aimcsim.analog.draws import Draws

PROGRAMMING_US: Final = (0.26348, 1.9650, -1.1731)  # powers of u, for a g_max of 25 uS
PROGRAMMING_G_MAX_US: Final = 25.0
START_S: Final = 20.0
READ_S: Final = 250e-9
LEAST_U: Final = 1e-7  # where logarithms of u stop


@register
@dataclass(frozen=True, kw_only=True)
class Pcm(DeviceModel):
    """Phase-change memory: noise of programming, drift as a power of time, 1/f noise.

    With u = target / g_max: sigma = (0.26348 + 1.9650 u - 1.1731 u^2) uS * g_max / 25 uS; nu = |mu + s xi|,
    mu = -0.0155 log u + 0.0244 within 0.049..0.1, s = -0.0125 log u - 0.0059 within 0.008..0.045; strength of the
    1/f noise min(0.2, 0.0088 / u_p^0.65) with u_p as programmed.

    Parameters
    ----------
    g_max_us : float            Largest conductance, uS.
    programming_scale : float   On sigma.
    drift_scale : float         On nu.
    read_scale : float          On the strength of the 1/f noise.

    Assumes: sigma over g_max does not depend on g_max.
    """

    name: ClassVar[str] = "pcm"
    redrawn: ClassVar[str] = (
        "programming noise and drift exponent once per programming; 1/f noise follows the time of read"
    )
    restatable: ClassVar[bool] = True

    g_max_us: float = ranged(25.0, 1.0, 50.0)
    programming_scale: float = ranged(1.0, 0.0, 100.0)
    drift_scale: float = ranged(1.0, 0.0, 100.0)
    read_scale: float = ranged(1.0, 0.0, 100.0)

    def program(self, target: ArrayLike, draws: Draws) -> PowerLawState:
        """Return devices programmed to `target`."""
        u = checked_target(self.name, target)
        programmed = with_noise(u, self.programming_scale * programming_sigma(u), draws)
        exponent = self.drift_scale * drift_exponents(*drift_statistics(u), draws)
        strength = self.read_scale * read_strength(programmed)
        return PowerLawState(self.name, programmed, exponent, strength, START_S, Flicker(draws, u.shape, READ_S))

    def restated(self, state: PowerLawState, conductance: Reals, draws: Draws) -> PowerLawState:
        """Return `state` as if its devices stood at `conductance`, with the drift exponents that it has."""
        strength = self.read_scale * read_strength(conductance)
        return replace(state, programmed=conductance, strength=strength)


def programming_sigma(u: Reals) -> Reals:
    """Return the deviation of programming over g_max."""
    return elementary.polynomial(PROGRAMMING_US, u) / PROGRAMMING_G_MAX_US


def drift_statistics(u: Reals) -> tuple[Reals, Reals]:
    """Return mean and deviation of the drift exponent."""
    log_u = elementary.log(np.maximum(u, LEAST_U))
    return np.clip(-0.0155 * log_u + 0.0244, 0.049, 0.1), np.clip(-0.0125 * log_u - 0.0059, 0.008, 0.045)


def read_strength(u: Reals) -> Reals:
    """Return the strength of 1/f noise over the conductance."""
    strength: Reals = np.minimum(0.2, 0.0088 / np.maximum(elementary.power(np.maximum(u, LEAST_U), 0.65), 1e-3))
    return strength
