"""How much buffer space the edges of a system need: the least to make progress, and the least for full rate.

Which vectors a stream needs, not when it gets them, decides whether a system can finish. So feasibility is a game
without time: a stream fires a vector when its inputs lie ready and every destination has room. Streams have no choices,
hence any order of firing leads as far as any other, and one schedule that ends proves that none can get stuck. Buffers
are empty between requests, so one request is enough to look at.

`Game` is the readable twin of `_kernels/_tokens.pyx`, which plays the same on flat arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import groupby
from operator import attrgetter
from typing import Protocol

import numpy as np

from aimcsim import _kernels
from aimcsim.engine.edge import Edge, Indices
from aimcsim.engine.stream import Stream


@dataclass(frozen=True, slots=True)
class EdgeNeed:
    """Vectors of space an edge needs."""

    progress: int
    """Least with which every request completes, the other edges being at their least."""
    full_rate: int
    """With this many the producer need not wait for room in steady state."""


class Player(Protocol):
    """A game on one request of a system, compiled or not."""

    def eager(self, highest: Indices) -> None:
        """Write the most vectors that an eager schedule without bounds has on every edge."""

    def least(self, edge: int, capacities: Indices) -> int:
        """Return the least capacity of an edge with which the game ends, the others having theirs; -1 if none does."""

    def ends(self, target: int, capacities: Indices) -> bool:
        """Whether a stream gets all its inputs, and these have room, with every edge as large as its capacity."""


def edge_needs(streams: Sequence[Stream], edges: Sequence[Edge]) -> list[EdgeNeed]:
    """Return what every edge needs.

    Streams are in topological order. Edges that only order (no bytes) need nothing and get zeros.
    """
    least = least_capacities(streams, edges)
    times = _approximate_times(streams)
    paces = [_pace(stream, times) for stream in streams]
    return [
        EdgeNeed(count, _full_rate(paces[edge.source], paces[edge.target], count) if count else 0)
        for edge, count in zip(edges, least, strict=True)
    ]


def least_capacities(
    streams: Sequence[Stream], edges: Sequence[Edge], game: Callable[..., Player] | None = None
) -> list[int]:
    """Return the least vectors of space per edge: no edge can have one less while the others have theirs.

    Each edge starts from what an eager schedule uses. No edge can do with less than its own window demands; where that
    is less (at the joins of paths of different look-ahead), the edge is lowered to what the game cannot do without.
    `game` makes another game than the one that this process uses.
    """
    play = (game or _game())(streams, edges)
    least = np.zeros(len(edges), dtype=np.int64)
    play.eager(least)
    least[[not edge.vector_bytes for edge in edges]] = 0
    wide = [edge for edge in edges if least[edge.index] > own_window(edge)]
    for target, beside in groupby(wide, key=attrgetter("target")):
        _lower(play, target, list(beside), least)
    counts: list[int] = least.tolist()
    return counts


def _lower(play: Player, target: int, edges: Sequence[Edge], least: Indices) -> None:
    """Lower edges into one stream, one after the other, to what the game cannot do without.

    What adds partial sums has many, and mostly all can do with their own windows at once. Then each can while those
    after it have more, so one game tells the least of all of them.
    """
    if len(edges) > 1:
        lowest = least.copy()
        lowest[[edge.index for edge in edges]] = [own_window(edge) for edge in edges]
        if play.ends(target, lowest):
            least[:] = lowest
            return
    for edge in edges:
        least[edge.index] = play.least(edge.index, least)


def own_window(edge: Edge) -> int:
    """Return the most vectors of an edge that its target needs at a time: max(needs(j) - keeps(j - 1) + 1)."""
    needs, keeps = edge.window_needs, edge.window_keeps
    return int(max(1, needs[0] + 1, (needs[1:] - keeps[:-1]).max(initial=0) + 1))


def _game() -> Callable[..., Player]:
    """Return what makes a game: the compiled one, or its twin where that is asked for."""
    return Game if _kernels.token_game() is None else compiled_game


def compiled_game(streams: Sequence[Stream], edges: Sequence[Edge]) -> Player:
    """Return the compiled game on a system."""
    game: Player = _kernels.token_game()(
        _ints([stream.vectors for stream in streams]),
        _ints([stream.source for stream in streams]),
        _bounds([len(stream.inputs) for stream in streams]),
        _ints([edge.index for stream in streams for edge in stream.inputs]),
        _bounds([len(stream.outputs) for stream in streams]),
        _ints([edge.index for stream in streams for edge in stream.outputs]),
        _ints([edge.source for edge in edges]),
        _ints([edge.target for edge in edges]),
        [edge.window_needs for edge in edges],
        [edge.window_keeps for edge in edges],
    )
    return game


def _ints(values: Sequence[int]) -> Indices:
    return np.array(values, dtype=np.int64)


def _bounds(lengths: Sequence[int]) -> Indices:
    """Return 0 and the running sums of lengths."""
    return np.cumsum([0, *lengths], dtype=np.int64)


class Game:
    """One request without time: how many vectors each stream has fired says everything."""

    def __init__(self, streams: Sequence[Stream], edges: Sequence[Edge]) -> None:
        self._streams = streams
        self._edges = edges
        self._fired = [0] * len(streams)

    def eager(self, highest: Indices) -> None:
        """Fire the most downstream stream that can, until all is done; write the highest use of every edge."""
        self._fired = [0] * len(self._streams)
        ready: list[tuple[float, int]] = []
        for stream in self._streams:
            self._offer(ready, stream)
        while ready:
            _, index = heappop(ready)
            stream = self._streams[index]
            if not self._has_inputs(stream):
                continue
            for edge in stream.outputs:
                highest[edge.index] = max(highest[edge.index], self._level(edge) + 1)
            self._fired[index] += 1
            touched = {edge.target for edge in stream.outputs} | {edge.source for edge in stream.inputs} | {index}
            for other in touched:
                self._offer(ready, self._streams[other])

    def least(self, edge: int, capacities: Indices) -> int:
        """Return the least capacity of an edge with which the game ends, the others having theirs; -1 if none does.

        Only what each vector of the target cannot do without is fired before it, with no bound on the edge itself. What
        its source has fired by then must have room beside one another, less what the vector before let go; and with
        that much room nothing waits for itself, as the room that any vector needs is given back by an earlier one.
        Capacities of 0 are no bound.
        """
        here = self._edges[edge]
        source, target = self._streams[here.source], self._streams[here.target]
        self._fired = [0] * len(self._streams)
        least, passed = 1, 0
        for vector in range(target.vectors):
            if not self._demand(target, here, capacities):
                return -1
            least = max(least, self._fired[source.index] - passed)
            passed = int(here.window_keeps[vector])
        return max(least, source.vectors - passed)

    def ends(self, target: int, capacities: Indices) -> bool:
        """Whether a stream gets all its inputs, and these have room, with every edge as large as its capacity.

        What is left of a source when all is fetched must have room as well. Capacities of 0 are no bound.
        """
        stream = self._streams[target]
        for edge in stream.inputs:
            left = self._streams[edge.source].vectors - int(edge.window_keeps[-1])
            if 0 < capacities[edge.index] < left:
                return False
        self._fired = [0] * len(self._streams)
        return all(self._demand(stream, None, capacities) for _ in range(stream.vectors))

    def _offer(self, ready: list[tuple[float, int]], stream: Stream) -> None:
        """Put a stream that can fire in the queue: downstream first, sources last and in step with one another."""
        if self._has_inputs(stream):
            rank = self._fired[stream.index] / stream.vectors if stream.source else -1.0 - stream.index
            heappush(ready, (rank, stream.index))

    def _has_inputs(self, stream: Stream) -> bool:
        """Whether a stream has a next vector and all that it needs."""
        vector = self._fired[stream.index]
        return vector < stream.vectors and all(
            self._fired[edge.source] > edge.window_needs[vector] for edge in stream.inputs
        )

    def _level(self, edge: Edge) -> int:
        """Return the vectors on an edge; those that nobody needs leave as they come."""
        made, taken = self._fired[edge.source], self._fired[edge.target]
        return made - min(int(edge.window_keeps[taken - 1]) if taken else 0, made)

    def _demand(self, target: Stream, free: Edge | None, capacities: Indices) -> bool:
        """Fire the next vector of a stream, and before it just what that cannot do without; False if it never can."""
        waiting = [(target.index, self._fired[target.index] + 1)]
        while waiting:
            index, until = waiting[-1]
            if self._fired[index] >= until:
                waiting.pop()
                continue
            wanted = self._wanted(self._streams[index], free, capacities)
            if wanted is None:
                self._fired[index] += 1
                continue
            if len(waiting) > len(self._streams):
                return False
            waiting.append(wanted)
        return True

    def _wanted(self, stream: Stream, free: Edge | None, capacities: Indices) -> tuple[int, int] | None:
        """Return who must fire, and up to how many vectors, before a stream can fire its next."""
        vector = self._fired[stream.index]
        for edge in stream.inputs:
            if self._fired[edge.source] <= edge.window_needs[vector]:
                return edge.source, int(edge.window_needs[vector]) + 1
        for edge in stream.outputs:
            bound = capacities[edge.index]
            if edge is not free and bound and self._level(edge) >= bound:
                return edge.target, self._fired[edge.target] + 1
        return None


@dataclass(frozen=True, slots=True)
class _Pace:
    """How long the vectors of a stream are under way that has all its servers to itself."""

    vectors: int
    total: int
    travel_ps: int
    fetch_ps: int
    interval_ps: int


def _approximate_times(streams: Sequence[Stream]) -> dict[int, int]:
    """Return the approximate time of every span by its identity; most are shared by many stages."""
    spans = {
        id(span): span for stream in streams for stage in stream.stages for span in (stage.latency, stage.interval)
    }
    return {key: span.approximate_ps() for key, span in spans.items()}


def _pace(stream: Stream, times_ps: dict[int, int]) -> _Pace:
    latencies = [times_ps[id(stage.latency)] for stage in stream.stages]
    intervals = [times_ps[id(stage.interval)] for stage in stream.stages]
    times = [stage.iterations for stage in stream.stages]
    travel = sum(latencies) + max((n - 1) * interval for n, interval in zip(times, intervals, strict=True))
    slowest = max(n * interval for n, interval in zip(times, intervals, strict=True))
    return _Pace(stream.vectors, stream.total, travel, latencies[0], slowest)


def _full_rate(source: _Pace, target: _Pace, least: int) -> int:
    """Return the least plus the vectors under way while one travels from admission to being fetched.

    A vector's space is taken at its admission and given back when its last reader has been fetched, so at the rate of
    the slower of the two streams that many more vectors are between reservation and use.
    """
    per_vector = max(source.interval_ps, target.interval_ps * target.vectors // source.vectors, 1)
    return min(source.total, least + -(-(source.travel_ps + target.fetch_ps) // per_vector))
