"""Differences between dies: what all devices of one die share."""

from __future__ import annotations

from dataclasses import dataclass

from aimcsim.analog.draws import Draws
from aimcsim.errors import ConfigError


@dataclass(frozen=True, slots=True)
class DieToDie:
    """Every conductance of a die is multiplied by one factor, normal around 1 and not below 0.

    Differences between devices of one die are part of a device model; those between reads are its `read_sigma`.

    Parameters
    ----------
    deviation : float    Standard deviation of the factor, 0 to 1.

    Raises
    ------
    ConfigError    If it is outside.
    """

    deviation: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.deviation <= 1.0:
            raise ConfigError(f"die_to_die.deviation must be a number from 0 to 1 (got {self.deviation!r})")

    def factor(self, die: Draws) -> float:
        """Return the factor of the die whose place is `die`; it is the same for all who ask."""
        return max(0.0, 1.0 + self.deviation * float(die.normal("die to die", 1)[0]))
