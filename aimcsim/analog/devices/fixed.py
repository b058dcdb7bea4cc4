"""Devices that keep what was programmed."""

from __future__ import annotations

from dataclasses import dataclass

from aimcsim.analog.devices.base import Reals, checked_time


@dataclass(frozen=True, slots=True)
class FixedState:
    """Devices without a known drift: their conductance is what was programmed, at any time."""

    model: str
    programmed: Reals

    def conductance(self, time_s: float) -> Reals:
        """Return the programmed conductance."""
        checked_time(self.model, time_s)
        return self.programmed
