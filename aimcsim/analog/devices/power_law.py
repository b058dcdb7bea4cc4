"""Devices whose conductance falls as a power of time and carries 1/f noise in proportion to itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aimcsim.analog.devices import elementary
from aimcsim.analog.devices.base import Reals, checked_time
from aimcsim.analog.devices.flicker import Flicker
from aimcsim.analog.draws import Draws


@dataclass(frozen=True, slots=True)
class PowerLawState:
    """Conductance ``max(0, g_d + g_d * strength * flicker(T))``, g_d being ``programmed * (T / t_0) ** -exponent``.

    Attributes
    ----------
    model : str             Name of the model, for errors.
    programmed : float64    Fractions of g_max.
    exponent : float64      nu of each device.
    strength : float64      Standard deviation of the noise over g_d where the noise law is 1.
    start_s : float         t_0, when the devices were first read after programming; T = t + t_0.
    flicker : Flicker
    """

    model: str
    programmed: Reals
    exponent: Reals
    strength: Reals
    start_s: float
    flicker: Flicker

    def conductance(self, time_s: float) -> Reals:
        """Return the conductance `time_s` after the first read, with drift and 1/f noise."""
        elapsed_s = checked_time(self.model, time_s) + self.start_s
        drifted = self.programmed * elementary.exp(-self.exponent * elementary.log(elapsed_s / self.start_s))
        noisy: Reals = np.maximum(drifted + drifted * self.strength * self.flicker.value(elapsed_s), 0.0)
        return noisy


def with_noise(target: Reals, sigma: Reals | float, draws: Draws) -> Reals:
    """Return `target` with normal programming noise of `sigma`, not below 0."""
    noisy: Reals = np.maximum(target + sigma * draws.normal("programming", target.shape), 0.0)
    return noisy


def drift_exponents(mean: Reals, deviation: Reals, draws: Draws) -> Reals:
    """Return one exponent for each device: the magnitude of a normal number."""
    exponents: Reals = np.abs(mean + deviation * draws.normal("drift exponent", mean.shape))
    return exponents
