"""Phase-change memory of the HERMES chips in 14 nm technology, with one or two devices for each side of a weight.

Source: M. Le Gallo et al., Nature Electronics 6, 2023 (the chip); R. Khaddam-Aljameh et al., IEEE Journal of
Solid-State Circuits 57, 2022 (the core); A. Vasilopoulos et al., IEEE Transactions on Electron Devices 70, 2023 (drift
and noise by state). Coefficients as in aihwkit 1.2, `PCMHermesNoiseModel`.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from aimcsim.analog.devices import elementary
from aimcsim.analog.devices.base import DeviceModel, Reals, checked_target, ranged, register
from aimcsim.analog.devices.flicker import Flicker
from aimcsim.analog.devices.power_law import PowerLawState, drift_exponents, with_noise
from aimcsim.analog.draws import Draws

READ_S: Final = 512e-9
LEAST_U: Final = 1e-7  # where logarithms of u stop


@dataclass(frozen=True, slots=True)
class Branches:
    """``low < slope * log u + offset < high`` below `border`, a polynomial in u from there on."""

    border: float
    slope: float
    offset: float
    low: float
    high: float
    powers: tuple[float, ...]

    def __call__(self, u: Reals) -> Reals:
        """Return the value at each u."""
        below = np.clip(self.slope * elementary.log(np.maximum(u, LEAST_U)) + self.offset, self.low, self.high)
        return np.where(u < self.border, below, elementary.polynomial(self.powers, u))


DRIFT_MEAN: Final = Branches(0.0945, -0.0387, -0.0182, 0.072, 0.13, (0.0736, -0.0126, -0.0436))


@dataclass(frozen=True, kw_only=True)
class HermesPcm(DeviceModel):
    """What both arrangements share: programming noise, drift and 1/f noise, each a function of u = target / g_max.

    Parameters
    ----------
    programming_scale : float   On the deviation of programming.
    drift_scale : float         On the drift exponent.
    read_scale : float          On the strength of the 1/f noise.
    """

    redrawn: ClassVar[str] = (
        "programming noise and drift exponent once per programming; 1/f noise follows the time of read"
    )
    restatable: ClassVar[bool] = True
    g_max_us: ClassVar[float]
    start_s: ClassVar[float]
    programming_us: ClassVar[tuple[float, ...]]

    programming_scale: float = ranged(1.0, 0.0, 100.0)
    drift_scale: float = ranged(1.0, 0.0, 100.0)
    read_scale: float = ranged(1.0, 0.0, 100.0)

    def program(self, target: ArrayLike, draws: Draws) -> PowerLawState:
        """Return devices programmed to `target`."""
        u = checked_target(self.name, target)
        programmed = with_noise(u, self.programming_scale * self.programming_sigma(u), draws)
        exponent = self.drift_scale * drift_exponents(DRIFT_MEAN(u), self.drift_deviation(u), draws)
        strength = self.read_scale * self.read_strength(programmed)
        return PowerLawState(self.name, programmed, exponent, strength, self.start_s, Flicker(draws, u.shape, READ_S))

    def restated(self, state: PowerLawState, conductance: Reals, draws: Draws) -> PowerLawState:
        """Return `state` as if its devices stood at `conductance`, with the drift exponents that it has."""
        strength = self.read_scale * self.read_strength(conductance)
        return replace(state, programmed=conductance, strength=strength)

    def programming_sigma(self, u: Reals) -> Reals:
        """Return the deviation of programming over g_max."""
        return elementary.polynomial(self.programming_us, u) / self.g_max_us

    @abstractmethod
    def drift_deviation(self, u: Reals) -> Reals:
        """Return the deviation of the drift exponent."""

    @abstractmethod
    def read_strength(self, u: Reals) -> Reals:
        """Return the strength of 1/f noise over the conductance."""


@register
@dataclass(frozen=True, kw_only=True)
class HermesTwoDevices(HermesPcm):
    """Two devices in parallel, together up to 20.7 uS.

    sigma = 0.16603 + 4.71806 u - 8.48101 u^2 + 4.68961 u^3 uS; time counts from 300 s after programming.
    """

    name: ClassVar[str] = "pcm_hermes_two"
    g_max_us: ClassVar[float] = 20.7
    start_s: ClassVar[float] = 300.0
    programming_us: ClassVar[tuple[float, ...]] = (0.16603, 4.71806, -8.48101, 4.68961)

    def drift_deviation(self, u: Reals) -> Reals:
        """Return the deviation of the drift exponent."""
        return Branches(0.3055, -0.0117, -0.0057, 0.0091, 0.04, (0.0073, 0.0093, -0.0118))(u)

    def read_strength(self, u: Reals) -> Reals:
        """Return the strength of 1/f noise over the conductance."""
        return Branches(0.16, -0.0117, -0.0069, 0.015, 0.04, (0.0123, 0.0211, -0.0280, 0.0069))(u)


@register
@dataclass(frozen=True, kw_only=True)
class HermesOneDevice(HermesPcm):
    """A single device, up to 10.35 uS.

    sigma = 0.15782 + 2.32444 u - 2.16311 u^2 + 0.68842 u^3 uS; time counts from 200 s after programming.
    """

    name: ClassVar[str] = "pcm_hermes_one"
    g_max_us: ClassVar[float] = 10.35
    start_s: ClassVar[float] = 200.0
    programming_us: ClassVar[tuple[float, ...]] = (0.15782, 2.32444, -2.16311, 0.68842)

    def drift_deviation(self, u: Reals) -> Reals:
        """Return the deviation of the drift exponent."""
        return Branches(0.3039, -0.0120, -0.0023, 0.0124, 0.04, (0.0104, 0.0116, -0.0165))(u)

    def read_strength(self, u: Reals) -> Reals:
        """Return the strength of 1/f noise over the conductance."""
        return Branches(0.1591, -0.0078, 0.0038, 0.0179, 0.04, (0.0088, 0.0768, -0.1352, 0.0664))(u)
