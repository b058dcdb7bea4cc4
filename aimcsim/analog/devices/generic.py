"""Devices of no particular kind: without error, with a cubic current-voltage curve, or with noise of a stated law.

Source: the laws of CrossSim 3.2, `GenericDevice` and `CubicDevice`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from aimcsim.analog.devices.base import DeviceModel, ReadRedraw, Reals, checked_target, one_of, ranged, register
from aimcsim.analog.devices.fixed import FixedState
from aimcsim.analog.draws import Draws


@register
@dataclass(frozen=True, kw_only=True)
class Ideal(DeviceModel):
    """Holds what it was told for ever, and reads without noise."""

    name: ClassVar[str] = "ideal"
    redrawn: ClassVar[str] = "nothing"

    def program(self, target: ArrayLike, draws: Draws) -> FixedState:
        """Return devices that hold `target`; nothing is drawn."""
        return FixedState(self.name, checked_target(self.name, target))


@register
@dataclass(frozen=True, kw_only=True)
class Cubic(DeviceModel):
    """Holds what it was told; I = G (V - bend V^3).

    Parameters
    ----------
    bend : float    1 / V^2.
    """

    name: ClassVar[str] = "cubic"
    redrawn: ClassVar[str] = "nothing"

    bend: float = ranged(0.25, 0.0, 1.0)

    def program(self, target: ArrayLike, draws: Draws) -> FixedState:
        """Return devices that hold `target`; nothing is drawn."""
        return FixedState(self.name, checked_target(self.name, target))

    def current(self, conductance: Reals, voltage_v: Reals) -> Reals:
        """Return the current over g_max, volts."""
        return conductance * (voltage_v - self.bend * (voltage_v * voltage_v * voltage_v))


@register
@dataclass(frozen=True, kw_only=True)
class Generic(DeviceModel):
    """Noise of programming and of reading, each of one law: g + e, g (1 + e) or g + e / g; not below 0.

    Parameters
    ----------
    distribution : str    Of e in programming: ``normal``, or ``uniform`` within half its size to both sides.
    law : str             ``independent`` of the conductance (fractions of g_max), ``proportional`` or ``inverse``
                          (which leaves a conductance of 0 alone).
    programming : float   Size of e in programming: its deviation, or the width of the uniform distribution.
    read : float          Deviation of e, normal, in a single read, of the same law.
    redraw : str          Whether reads are drawn anew for each ``phase`` or each ``product``.
    """

    name: ClassVar[str] = "generic"
    redrawn: ClassVar[str] = (
        "programming noise once per programming; read noise for each phase or product, as `redraw` says"
    )

    distribution: str = one_of("normal", "uniform")
    law: str = one_of("independent", "proportional", "inverse")
    programming: float = ranged(0.0, 0.0, 10.0)
    read: float = ranged(0.0, 0.0, 10.0)
    redraw: ReadRedraw = one_of("phase", "product")  # noqa: RUF009 - a field, as its siblings

    @property
    def read_redraw(self) -> ReadRedraw:
        """What `redraw` says, if reads are noisy."""
        return self.redraw if self.read > 0.0 else "never"

    def program(self, target: ArrayLike, draws: Draws) -> FixedState:
        """Return devices programmed to `target`."""
        u = checked_target(self.name, target)
        if self.distribution == "normal":
            error = draws.normal("programming", u.shape)
        else:
            error = draws.uniform("programming", u.shape) - 0.5
        return FixedState(self.name, np.maximum(u + self.programming * self._scale(u) * error, 0.0))

    def read_sigma(self, conductance: Reals) -> Reals:
        """Return the deviation of the noise of one read."""
        return self.read * self._scale(conductance)

    def _scale(self, g: Reals) -> Reals:
        match self.law:
            case "proportional":
                return g
            case "inverse":
                return np.divide(1.0, g, out=np.zeros_like(g), where=g > 0.0)
            case _:
                return np.ones_like(g)
