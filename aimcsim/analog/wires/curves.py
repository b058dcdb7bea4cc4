"""Current-voltage curves of cells: what a cell of conductance g conducts at a voltage that is not near zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.devices.elementary import log10, polynomial
from aimcsim.analog.devices.rram_milo import CUBIC_TERM, SQUARE_TERM
from aimcsim.errors import ConfigError

Floats = NDArray[np.float64]


class CellCurve(Protocol):
    """Current of cells as a function of conductance and voltage; `g` and `volts` broadcast."""

    def current(self, g: Floats, volts: Floats) -> Floats:
        """Return the currents, ampere; 0 at 0 volts."""
        ...

    def slope(self, g: Floats, volts: Floats) -> Floats:
        """Return their derivatives by voltage, siemens; positive where the curve can be used."""
        ...


@dataclass(frozen=True, slots=True)
class CubicCurve:
    """``g (V - cubic V^3)``, V in volts.

    It rises up to ``1 / sqrt(3 cubic)``, 1.15 V for the default.

    Source: CrossSim 3.2, `CubicDevice`.
    """

    cubic: float = 0.25

    def __post_init__(self) -> None:
        if not (np.isfinite(self.cubic) and self.cubic >= 0):
            raise ConfigError(f"cubic must be finite and not negative (got {self.cubic})")

    def current(self, g: Floats, volts: Floats) -> Floats:
        """Return the currents, ampere."""
        return g * (volts - self.cubic * volts * volts * volts)

    def slope(self, g: Floats, volts: Floats) -> Floats:
        """Return their derivatives by voltage, siemens."""
        return g * (1.0 - 3.0 * self.cubic * volts * volts)


@dataclass(frozen=True, slots=True)
class MiloCurve:
    """``g V + n2 V^2 + n3 V^3``, with n2 and n3 polynomials in log10 of g in siemens: HfO2 RRAM, 50 to 225 uS.

    Not symmetric: a cell conducts more one way than the other. Measured within 0.5 V.

    Source: Milo et al., IRPS 2021, Fig. 1, as fitted in CrossSim 3.2, `RRAMMilo`.
    """

    def current(self, g: Floats, volts: Floats) -> Floats:
        """Return the currents, ampere.

        Raises
        ------
        ConfigError    If a conductance is not positive.
        """
        n2, n3 = _milo_factors(g)
        return volts * (g + volts * (n2 + volts * n3))

    def slope(self, g: Floats, volts: Floats) -> Floats:
        """Return their derivatives by voltage, siemens.

        Raises
        ------
        ConfigError    If a conductance is not positive.
        """
        n2, n3 = _milo_factors(g)
        return g + volts * (2.0 * n2 + volts * 3.0 * n3)


def _milo_factors(g: Floats) -> tuple[Floats, Floats]:
    """Return what multiplies V^2 and V^3."""
    if not (g > 0).all():
        raise ConfigError(f"g must be positive for the Milo curve, which is of its logarithm (got {g.min()})")
    decades = log10(g)
    return polynomial(SQUARE_TERM, decades), polynomial(CUBIC_TERM, decades)
