"""Buffer space without quotas: one pool of bytes per buffer, for studies of what quotas prevent.

A stream asks for the bytes of a vector at all its destinations at once and gets all or none, by order of arrival. Such
pools can deadlock although every edge alone would have room; the run then ends with the cycle of who waits for whom.
"""

from __future__ import annotations

from collections.abc import Sequence

from simpy.events import Event

from aimcsim.engine.edge import Edge
from aimcsim.engine.environment import Environment


class SpaceArbiter:
    """Hands out bytes of all pools together, so that a vector reserves everywhere or nowhere."""

    def __init__(self, env: Environment, order: int) -> None:
        self.order = order
        self._env = env
        self._pending: list[tuple[int, int, Sequence[Edge], Event]] = []

    def request(self, arrival_ps: int, stream: int, edges: Sequence[Edge]) -> Event:
        """Ask for one vector's bytes on each pooled edge."""
        event = Event(self._env)
        self._pending.append((arrival_ps, stream, edges, event))
        self.wake()
        return event

    def wake(self) -> None:
        """Decide in the next round, if anybody waits."""
        if self._pending:
            self._env.arbitrate(self)

    def decide(self) -> None:
        """Serve in order of arrival; who cannot be served keeps others off the pools that it waits for."""
        closed: set[int] = set()
        left = []
        for entry in sorted(self._pending, key=lambda entry: entry[:2]):
            wanted = {id(edge.pool): edge.pool for edge in entry[2] if edge.pool is not None}
            if closed.isdisjoint(wanted) and _fits(entry[2]):
                for edge in entry[2]:
                    if edge.pool is not None:
                        edge.pool.used_bytes += edge.vector_bytes
                entry[3].succeed()
            else:
                closed.update(wanted)
                left.append(entry)
        self._pending = left


def _fits(edges: Sequence[Edge]) -> bool:
    """Whether one vector of each edge fits its pool."""
    wanted: dict[int, int] = {}
    for edge in edges:
        if edge.pool is not None:
            wanted[id(edge.pool)] = wanted.get(id(edge.pool), 0) + edge.vector_bytes
    sizes = {id(edge.pool): edge.pool for edge in edges if edge.pool is not None}
    return all(sizes[key].used_bytes + count <= sizes[key].size_bytes for key, count in wanted.items())
