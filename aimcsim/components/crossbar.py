"""The crossbars of a tile, as groups that one layer reads in lock-step."""

from __future__ import annotations

from aimcsim.engine import Server, System
from aimcsim.units import ClockDomain

CAUSE = "crossbar_busy"


class Crossbars:
    """The crossbars of one tile.

    The crossbars that a share of a layer has to itself are read together: one server stands for the group, named by the
    first and last. A crossbar that several layers share is a group of one, with a client for each block. With
    `one_array`, all are blocks of weights that take turns in one array, and there is one server.
    """

    def __init__(self, system: System, tile: str, clock: ClockDomain | None, *, one_array: bool = False) -> None:
        self._system = system
        self._tile = tile
        self._clock = clock
        self._one_array = one_array
        self._groups: dict[range, Server] = {}

    def group(self, crossbars: range) -> Server:
        """Return the server of a group of consecutive crossbars."""
        key = range(0) if self._one_array else crossbars
        if key not in self._groups:
            names = str(crossbars[0]) if len(crossbars) == 1 else f"{crossbars[0]}..{crossbars[-1]}"
            path = f"{self._tile}.array" if self._one_array else f"{self._tile}.crossbar[{names}]"
            self._groups[key] = self._system.add_server(path, "crossbar", self._clock)
        return self._groups[key]
