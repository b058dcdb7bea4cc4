"""Digital units and counted slots of a tile: shared by its layers, or one for each.

Where several layers share a crossbar, what there is for each layer is there once for the crossbar.
"""

from __future__ import annotations

from aimcsim.engine import Server, SlotPool, System
from aimcsim.units import ClockDomain

CAUSE = "vector_busy"


class DigitalUnit:
    """A unit that stages book by name: shift-and-add, output register, vector unit, and so on.

    Parameters
    ----------
    path : str       Hierarchical name; units private to a layer add it in brackets.
    shared : bool    One for the tile, or one for each layer on it.
    """

    def __init__(self, system: System, path: str, kind: str, clock: ClockDomain, *, shared: bool) -> None:
        self._system = system
        self._path = path
        self._kind = kind
        self._clock = clock
        self._shared = shared
        self._servers: dict[str, Server] = {}

    def server(self, owner: str) -> Server:
        """Return the server that a layer, or the crossbar that several of them share, uses."""
        key = "" if self._shared else owner
        if key not in self._servers:
            path = self._path if self._shared else f"{self._path}[{owner}]"
            self._servers[key] = self._system.add_server(path, self._kind, self._clock)
        return self._servers[key]


class SlotRack:
    """Slots of one name: input registers, sample-and-hold cells.

    Parameters
    ----------
    cause : str      What waiting for one is called.
    count : int      Slots of the tile, or of each layer on it.
    """

    def __init__(self, system: System, path: str, kind: str, cause: str, count: int, *, shared: bool) -> None:
        self._system = system
        self._path = path
        self._kind = kind
        self._cause = cause
        self._count = count
        self._shared = shared
        self._pools: dict[str, SlotPool] = {}

    def pool(self, owner: str, *, shared: bool) -> SlotPool:
        """Return the pool that a layer, or a crossbar that is `shared` by several of them, takes its slots from."""
        key = "" if self._shared else owner
        if key not in self._pools:
            path = self._path if self._shared else f"{self._path}[{owner}]"
            shared = shared or self._shared
            self._pools[key] = self._system.add_slots(path, self._kind, self._cause, self._count, shared=shared)
        return self._pools[key]
