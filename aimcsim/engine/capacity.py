"""How much buffer space the edges of a system need: the least to make progress, and the least for full rate.

Which vectors a stream needs, not when it gets them, decides whether a system can finish. So feasibility is a game
without time: a stream fires a vector when its inputs lie ready and every destination has room. Streams have no choices,
hence any order of firing leads as far as any other, and one schedule that ends proves that none can get stuck. Buffers
are empty between requests, so one request is enough to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from aimcsim.engine.edge import Edge
from aimcsim.engine.stream import Stream

MOST_LOWERED = 20_000
"""Vectors of a request up to which the least is searched for to the last vector."""


@dataclass(frozen=True, slots=True)
class EdgeNeed:
    """Vectors of space an edge needs."""

    progress: int
    """Least with which every request completes, the other edges being at their least."""
    full_rate: int
    """With this many the producer need not wait for room in steady state."""


def edge_needs(streams: Sequence[Stream], edges: Sequence[Edge]) -> list[EdgeNeed]:
    """Return what every edge needs.

    Streams are in topological order. Edges that only order (no bytes) need nothing and get zeros.
    """
    least = least_capacities(streams, edges)
    return [
        EdgeNeed(count, _full_rate(streams[edge.source], streams[edge.target], count) if count else 0)
        for edge, count in zip(edges, least, strict=True)
    ]


def least_capacities(streams: Sequence[Stream], edges: Sequence[Edge]) -> list[int]:
    """Return the least vectors of space per edge: no edge can have one less while the others have theirs.

    Each edge starts from what an eager schedule uses; where that is more than the edge's own window demands (at the
    joins of paths of different look-ahead), it is lowered as far as the game still ends. Systems of more than
    `MOST_LOWERED` vectors a request keep what the eager schedule uses, which suffices but may be more than the least:
    each trial is a game of its own.
    """
    highest = _Game(streams, edges, [None] * len(edges)).play()
    assert highest is not None, "without bounds every acyclic system completes"
    least = [count if edge.vector_bytes else 0 for edge, count in zip(edges, highest, strict=True)]
    if sum(stream.vectors for stream in streams) > MOST_LOWERED:
        return least
    for edge in edges:
        if edge.vector_bytes:
            least[edge.index] = _lowest(streams, edges, least, edge)
    return least


def own_window(edge: Edge, target_vectors: int) -> int:
    """Return the most vectors of an edge that its target needs at a time: max(needs(j) - keeps(j - 1) + 1)."""
    return max(1, *(edge.needs[j] - (edge.keeps[j - 1] if j else 0) + 1 for j in range(target_vectors)))


def completes(streams: Sequence[Stream], edges: Sequence[Edge], capacities: Sequence[int | None]) -> bool:
    """Whether one request completes with so many vectors of space per edge."""
    return _Game(streams, edges, capacities).play() is not None


def _lowest(streams: Sequence[Stream], edges: Sequence[Edge], least: list[int], edge: Edge) -> int:
    """Return the lowest capacity of one edge with which the game ends, by bisection.

    One less than the eager schedule uses is tried first: it mostly fails, and a game that gets stuck does so early.
    """
    low = own_window(edge, streams[edge.target].vectors)
    high = least[edge.index]
    middle = high - 1
    while low < high:
        trial: list[int | None] = [count or None for count in least]
        trial[edge.index] = middle
        low, high = (low, middle) if completes(streams, edges, trial) else (middle + 1, high)
        middle = (low + high) // 2
    return high


class _Game:
    """One request without time; `play` returns the highest use of every edge, or None if it gets stuck."""

    def __init__(self, streams: Sequence[Stream], edges: Sequence[Edge], capacities: Sequence[int | None]) -> None:
        self._streams = streams
        self._edges = edges
        self._capacities = capacities
        self._fired = [0] * len(streams)
        self._made = [0] * len(edges)
        self._passed = [0] * len(edges)
        self._highest = [0] * len(edges)

    def play(self) -> list[int] | None:
        """Fire the most downstream stream that can, until all is done or nothing can."""
        ready: list[tuple[float, int]] = []
        for stream in self._streams:
            self._offer(ready, stream)
        while ready:
            _, index = heappop(ready)
            stream = self._streams[index]
            if not self._can_fire(stream):
                continue
            self._fire(stream)
            touched = {edge.target for edge in stream.outputs} | {edge.source for edge in stream.inputs} | {index}
            for other in touched:
                self._offer(ready, self._streams[other])
        if any(fired < stream.vectors for fired, stream in zip(self._fired, self._streams, strict=True)):
            return None
        return self._highest

    def _offer(self, ready: list[tuple[float, int]], stream: Stream) -> None:
        """Put a stream that can fire in the queue: downstream first, sources last and in step with one another."""
        if self._can_fire(stream):
            rank = self._fired[stream.index] / stream.vectors if stream.source else -1.0 - stream.index
            heappush(ready, (rank, stream.index))

    def _can_fire(self, stream: Stream) -> bool:
        vector = self._fired[stream.index]
        if vector >= stream.vectors:
            return False
        if any(self._made[edge.index] <= edge.needs[vector] for edge in stream.inputs):
            return False
        return all(self._has_room(edge) for edge in stream.outputs)

    def _has_room(self, edge: Edge) -> bool:
        capacity = self._capacities[edge.index]
        return capacity is None or self._level(edge) < capacity

    def _level(self, edge: Edge) -> int:
        """Return the vectors in the buffer: made, less those passed by the consumer (junk leaves as it comes)."""
        made = self._made[edge.index]
        return made - min(self._passed[edge.index], made)

    def _fire(self, stream: Stream) -> None:
        vector = self._fired[stream.index]
        self._fired[stream.index] += 1
        for edge in stream.outputs:
            level = self._level(edge) + 1
            self._made[edge.index] += 1
            self._highest[edge.index] = max(self._highest[edge.index], level)
        for edge in stream.inputs:
            self._passed[edge.index] = edge.keeps[vector]


def _full_rate(source: Stream, target: Stream, least: int) -> int:
    """Return the least plus the vectors under way while one travels from admission to being fetched.

    A vector's space is taken at its admission and given back when its last reader has been fetched, so at the rate of
    the slower of the two streams that many more vectors are between reservation and use.
    """
    travel = sum(stage.latency.approximate_ps() for stage in source.stages)
    travel += max((stage.iterations - 1) * stage.interval.approximate_ps() for stage in source.stages)
    travel += target.stages[0].latency.approximate_ps()
    per_vector = max(_interval_ps(source), _interval_ps(target) * target.vectors // source.vectors, 1)
    return min(source.total, least + -(-travel // per_vector))


def _interval_ps(stream: Stream) -> int:
    """Return the time between two vectors of a stream that has all its servers to itself."""
    return max(stage.iterations * stage.interval.approximate_ps() for stage in stream.stages)
