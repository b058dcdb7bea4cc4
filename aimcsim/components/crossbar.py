"""The crossbars of a tile, as groups that one layer reads in lock-step."""

from __future__ import annotations

from collections.abc import Sequence

from aimcsim.engine import Server, System
from aimcsim.units import ClockDomain

CAUSE = "crossbar_busy"


class Crossbars:
    """The crossbars of one tile.

    A layer's crossbars on a tile are read together: one server stands for the group, named by the first and last.
    """

    def __init__(self, system: System, tile: str, clock: ClockDomain | None) -> None:
        self._system = system
        self._tile = tile
        self._clock = clock
        self._groups: dict[tuple[int, ...], Server] = {}

    def group(self, crossbars: Sequence[int]) -> Server:
        """Return the server of a group of crossbars."""
        key = tuple(crossbars)
        if key not in self._groups:
            names = str(key[0]) if len(key) == 1 else f"{key[0]}..{key[-1]}"
            self._groups[key] = self._system.add_server(f"{self._tile}.crossbar[{names}]", "crossbar", self._clock)
        return self._groups[key]
