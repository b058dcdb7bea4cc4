"""Resistive memory with optimised programming, and its current-voltage curve.

Source: V. Milo et al., "Optimized programming algorithms for multilevel RRAM in hardware neural networks", IRPS 2021,
figure 4 (algorithm IGVVA-100). Fits as in CrossSim 3.2, `RRAMMilo`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from aimcsim.analog.devices import elementary
from aimcsim.analog.devices.base import DeviceModel, Reals, checked_target, ranged, register
from aimcsim.analog.devices.fixed import FixedState
from aimcsim.analog.devices.power_law import with_noise
from aimcsim.analog.draws import Draws
from aimcsim.errors import InputError

LEAST_US: Final = 50.0
PROGRAMMING_US: Final = (4.782321, -0.009107)  # powers of G in uS
SQUARE_TERM: Final = (7.063e-3, 5.711e-3, 1.541e-3, 1.388e-4)  # powers of log10 G in S; A / V^2
CUBIC_TERM: Final = (1.2968e-3, 6.7919e-4, 8.871e-5)  # A / V^3
VOLTAGE_END_V: Final = 0.5


@register
@dataclass(frozen=True, kw_only=True)
class RramMilo(DeviceModel):
    """sigma = 4.782321 - 0.009107 G uS from 50 to 225 uS; I = G V + N2 V^2 + N3 V^3 with N2, N3 polynomials in log10 G.

    Parameters
    ----------
    g_max_us : float    Largest conductance, uS.

    Assumes: no drift. The curve is measured from 0 to 0.5 V.
    """

    name: ClassVar[str] = "rram_milo"
    redrawn: ClassVar[str] = "programming noise once per programming"

    g_max_us: float = ranged(225.0, LEAST_US, 225.0)

    def program(self, target: ArrayLike, draws: Draws) -> FixedState:
        """Return devices programmed to `target`, at least 50 uS."""
        u = checked_target(self.name, target, low=LEAST_US / self.g_max_us)
        sigma = elementary.polynomial(PROGRAMMING_US, u * self.g_max_us) / self.g_max_us
        return FixedState(self.name, with_noise(u, sigma, draws))

    def current(self, conductance: Reals, voltage_v: Reals) -> Reals:
        """Return the current over g_max, volts; 0 where the conductance is 0.

        Raises
        ------
        InputError    If a voltage is outside 0..0.5 V.
        """
        if not np.all((voltage_v >= 0.0) & (voltage_v <= VOLTAGE_END_V)):
            raise InputError(f"voltage_v: rram_milo is measured from 0 to {VOLTAGE_END_V} V")
        g_max_s = self.g_max_us * 1e-6
        log_g = elementary.log10(np.where(conductance > 0.0, conductance, 1.0) * g_max_s)
        square = elementary.polynomial(SQUARE_TERM, log_g) / g_max_s
        cubic = elementary.polynomial(CUBIC_TERM, log_g) / g_max_s
        bent = voltage_v * (conductance + voltage_v * (square + voltage_v * cubic))
        return np.where(conductance > 0.0, bent, 0.0)
