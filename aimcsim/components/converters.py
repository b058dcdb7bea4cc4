"""Converter banks of a tile: each serves a run of consecutive crossbars."""

from __future__ import annotations

from aimcsim.engine import Server, System
from aimcsim.units import ClockDomain

CAUSE = "adc_busy"


class AdcBanks:
    """The banks of one tile, made as they come into use.

    All layers whose crossbars lie in one bank share its server. A layer that spans several banks has them to itself
    (the mapping sees to that) and they work in lock-step, so one server, named after the first, stands for all.
    """

    def __init__(self, system: System, tile: str, clock: ClockDomain | None) -> None:
        self._system = system
        self._tile = tile
        self._clock = clock
        self._banks: dict[int, Server] = {}

    def bank(self, index: int) -> Server:
        """Return the server of a bank."""
        if index not in self._banks:
            path = f"{self._tile}.adc_bank[{index}]"
            self._banks[index] = self._system.add_server(path, "adc_bank", self._clock)
        return self._banks[index]
