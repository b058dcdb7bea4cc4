"""On-chip memory of a tile: bytes to reserve, and ports to read and write them through."""

from __future__ import annotations

from aimcsim.engine import Server, System
from aimcsim.units import ClockDomain


class Buffer:
    """One buffer.

    Each stream that reads (or writes) keeps to one port, assigned in turn when the system is built.

    Parameters
    ----------
    path : str                    Hierarchical name.
    size_bytes : int              What all edges that live here can reserve together.
    read_ports, write_ports : int At least 1 each.
    """

    def __init__(
        self, system: System, path: str, size_bytes: int, clock: ClockDomain, *, read_ports: int, write_ports: int
    ) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self._ports = {
            "read": _ports(system, path, "read", clock, read_ports),
            "write": _ports(system, path, "write", clock, write_ports),
        }
        self._assigned: dict[tuple[str, int], Server] = {}
        self._next = {"read": 0, "write": 0}

    def port(self, direction: str, stream: int) -> Server:
        """Return the port that a stream reads or writes through."""
        key = (direction, stream)
        if key not in self._assigned:
            ports = self._ports[direction]
            self._assigned[key] = ports[self._next[direction] % len(ports)]
            self._next[direction] += 1
        return self._assigned[key]


def _ports(system: System, path: str, direction: str, clock: ClockDomain, count: int) -> list[Server]:
    names = [f"{path}.{direction}"] if count == 1 else [f"{path}.{direction}[{index}]" for index in range(count)]
    return [system.add_server(name, f"buffer_{direction}", clock) for name in names]
