"""Execution domains: the streams that share servers, slots or bytes, and which of them only the reference can run.

A domain is a connected set: a stream waits for another one's work only inside its domain; across domains there are only
vectors handed on and room given back.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from aimcsim.engine.stream import Stream, System


class _Sets:
    """Disjoint sets of anything, joined pair by pair."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def find(self, one: Hashable) -> Hashable:
        """Return what stands for the set of `one`."""
        here = one
        while (above := self._above.setdefault(here, here)) != here:
            self._above[here] = self._above[above]
            here = above
        return here

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make one set of two."""
        self._above[self.find(one)] = self.find(other)


def domains(system: System) -> list[frozenset[int]]:
    """Return the domains of a system as indices of their streams, by the first of them; guests are streams too."""
    sets = _Sets()
    for stream in system.streams:
        for thing in _held(system, stream):
            sets.join(("stream", stream.index), thing)
    found: dict[Hashable, list[int]] = {}
    for stream in system.streams:
        found.setdefault(sets.find(("stream", stream.index)), []).append(stream.index)
    return [frozenset(members) for members in found.values()]


def foreign_streams(system: System) -> frozenset[int]:
    """Return the streams, guests included, of the domains that only the reference engine can run.

    These are the domains of a component of the user's own, of bytes shared without quotas, and of streams whose vectors
    somebody watches. A guest that has not said which servers it holds may ask for any, so it takes all domains along.
    """
    guests = [stream for stream in system.streams if not stream.total]
    if any(stream.index in system.guests and system.guests[stream.index] is None for stream in guests):
        return frozenset(stream.index for stream in system.streams)
    wanted = {stream.index for stream in system.streams if _needs_reference(system, stream)}
    return frozenset().union(*(domain for domain in domains(system) if domain & wanted))


def _needs_reference(system: System, stream: Stream) -> bool:
    pooled = any(edge.pool is not None for edge in (*stream.inputs, *stream.outputs))
    return stream.index in system.guests or pooled or stream.on_fetch is not None or stream.on_end is not None


def _held(system: System, stream: Stream) -> Iterator[Hashable]:
    """Return what a stream holds that another one may want."""
    for stage in stream.stages:
        if stage.server is not None:
            yield "arbiter", stage.server.order
        if stage.packets is not None:
            yield "carrier", 0
        for pool in (stage.acquires, stage.captures):
            if pool is not None:
                yield "arbiter", pool.order
    for edge in (*stream.inputs, *stream.outputs):
        if edge.pool is not None:
            yield "bytes", id(edge.pool)
    for server in system.guests.get(stream.index) or ():
        yield "arbiter", server.order
