"""The shares of all vectors, re-derived from the moments of `tests/checker.py` and compared with the walk back.

This is the section "Where the time went" of `docs/execution.md` once more, written from the page and not from the
engine's walk: an endless path backwards from the end of a vector, of which the share is what lies after its release.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from aimcsim.engine import Edge, Hold, SlotPool, Stage, Stream, System, Walk
from tests.checker import Derived, check, check_engine_log, equal, expect


class Part(NamedTuple):
    """A stretch of a share: what it went to, at which resource, who was in the way (oneself for work)."""

    cause: str
    resource: str
    holder: int
    holder_vector: int
    start_ps: int
    end_ps: int


Place = tuple[int, int]
"""A stage and an iteration of it."""
Path = Iterator[Part]
Trail = Generator[Part, None, Place | None]
"""Parts, and at their end the own iteration whose result they lead to; None: the same iteration goes on."""


def admissions(derived: Derived) -> list[int]:
    """Return when each request was admitted: the issue of the first of its `load` vectors."""
    loads = [stream for stream in derived.system.streams if stream.kind == "load"]
    return [
        min((derived.ps("issue", load.index, request * load.vectors) for load in loads), default=0)
        for request in range(derived.system.requests)
    ]


def check_shares(derived: Derived) -> dict[tuple[int, int], list[Part]]:
    """Check that the engine's walk splits every share as the documentation says; return the shares, latest part first.

    Raises
    ------
    CheckError
        At the first share that differs, leaves a gap, overlaps or does not close.
    """
    admitted = admissions(derived)
    backward, walk = Backward(derived), Walk(derived.system, admitted)
    shares = {}
    for stream in derived.system.streams:
        for vector in range(stream.total):
            release = _release(derived, stream, vector, admitted)
            share = list(backward.share(stream, vector, release))
            where = f"share of {stream.name} vector {vector}"
            equal(f"{where}: release", walk.release(stream, vector), release)
            walked = [Part._make(segment) for segment in walk.share(stream, vector)]
            equal(where, joined(walked), joined(share))
            _closes(where, walked, release, derived.ps("end", stream.index, vector))
            shares[stream.index, vector] = share
    return shares


def check_all(system: System) -> dict[tuple[int, int], list[Part]]:
    """Check times, logs, counters and shares of a finished run; return the shares."""
    derived = check(system)
    check_engine_log(derived)
    return check_shares(derived)


def joined(parts: Sequence[Part]) -> list[Part]:
    """Return parts, latest first, with neighbours that say the same made one."""
    whole = []
    for _, group in groupby(parts, key=lambda part: part[:4]):
        run = list(group)
        whole.append(run[-1]._replace(end_ps=run[0].end_ps))
    return whole


def _release(derived: Derived, stream: Stream, vector: int, admitted: Sequence[int]) -> int:
    before = derived.ps("end", stream.index, vector - 1) if vector else 0
    if not stream.is_state_op:
        return max(before, admitted[vector // stream.vectors])
    begun = max((derived.ps("end", one.index, one.total - 1) for one in _preparing(derived)), default=0)
    begun = begun if derived.system.begin is None else derived.system.begin
    return max(before, begun + stream.due_ps[vector // stream.vectors]) if stream.due_ps else before


def _preparing(derived: Derived) -> list[Stream]:
    return [one for one in derived.system.streams if one.is_state_op and not one.source and one.total]


def _closes(where: str, parts: Sequence[Part], release_ps: int, end_ps: int) -> None:
    """A share covers [release, end) without gap or overlap."""
    at = end_ps
    for part in parts:
        expect(part.end_ps == at and part.start_ps < at, f"{where}: {part} does not end at {at}")
        at = part.start_ps
    equal(f"{where}: time accounted for", at, min(release_ps, end_ps))
    expect(release_ps <= end_ps, f"{where}: ends at {end_ps}, before its release at {release_ps}")


class Backward:
    """What each moment of a vector was bound by."""

    def __init__(self, derived: Derived) -> None:
        self._derived = derived
        self._system = derived.system
        self._returned = {
            index: sorted(pool.uses, key=lambda use: (use.end_ps, use.stream, use.number))
            for index, pool in enumerate(self._system.slots)
        }

    def share(self, stream: Stream, vector: int, release_ps: int) -> Path:
        """Yield the path back from the end of a vector as far as its release, empty parts left out."""
        for part in self._path(stream, vector):
            start = max(part.start_ps, release_ps)
            if start < part.end_ps:
                yield part._replace(start_ps=start)
            if part.start_ps <= release_ps:
                return

    def _ps(self, what: str, stream: Stream, place: Place) -> int:
        return self._derived.ps(what, stream.index, *place)

    def _path(self, stream: Stream, vector: int) -> Path:
        """From the end of a vector to the beginning of time, through whatever of the stream's own it stood behind."""
        last = len(stream.stages) - 1
        place: Place | None = (last, (vector + 1) * stream.stages[last].iterations - 1)
        while place is not None:
            vector = place[1] // stream.stages[place[0]].iterations
            behind = yield from self._captured(stream, place)
            if behind is None and stream.stages[place[0]].packets is not None:
                behind = yield from self._carried(stream, place)
            elif behind is None:
                yield self._work(stream, place, self._ps("start", stream, place), self._ps("worked", stream, place))
                behind = yield from self._served(stream, place)
            place = behind
            if place is not None and place[0] < 0:
                vector, place = place[1], None
        yield from self._issued(stream, vector)

    def _work(self, stream: Stream, place: Place, start_ps: int, end_ps: int) -> Part:
        """Rule 2: time of the stream's own."""
        stage = stream.stages[place[0]]
        cause = "transfer" if stage.transfer else "service"
        return Part(cause, _resource(stage), stream.index, place[1] // stage.iterations, start_ps, end_ps)

    def _idle(self, stream: Stream, place: Place, start_ps: int, end_ps: int) -> Part:
        """Time spent on reaching an edge of a clock, which is service also where data moves."""
        return self._work(stream, place, start_ps, end_ps)._replace(cause="service")

    def _captured(self, stream: Stream, place: Place) -> Trail:
        """Rule 1: from done to worked, a wait for the captured slot."""
        pool = stream.stages[place[0]].captures
        worked, done = self._ps("worked", stream, place), self._ps("done", stream, place)
        if pool is None or done == worked:
            return None
        return (yield from self._slot(stream, pool, place[1], worked, done))

    def _carried(self, stream: Stream, place: Place) -> Trail:
        """Rule 2 for a packet: behind an earlier one that left later; else transfer, after room, after links."""
        stage, passage = stream.stages[place[0]], self._derived.passages[stream.index, *place]
        if self._ps("done", stream, place) > passage.left_ps:
            return place[0], place[1] - 1
        yield self._work(stream, place, passage.credited_ps, passage.left_ps)
        yield Part("credit", stage.name, -1, -1, passage.linked_ps, passage.credited_ps)
        yield Part("link_busy", stage.name, -1, -1, self._ps("start", stream, place), passage.linked_ps)
        return (yield from self._served(stream, place))

    def _served(self, stream: Stream, place: Place) -> Trail:
        """Rule 3: from the start back over the holds of the server; behind an own hold, go on from that one."""
        stage = stream.stages[place[0]]
        asked, at = self._ps("slot", stream, place), self._ps("start", stream, place)
        for hold in self._holds_before(stage, stream, place, asked):
            yield self._idle(stream, place, hold.end_ps, at)
            if hold.stream != stream.index:
                at = max(hold.start_ps, asked)
                yield self._behind(stream, stage, hold, at)
                continue
            own: Place = (hold.stage, hold.iteration)
            if stream.stages[hold.stage].captures is not None:
                return own
            yield self._work(stream, own, hold.start_ps, hold.end_ps)
            return (yield from self._served(stream, own))
        yield self._idle(stream, place, asked, at)
        return (yield from self._arrived(stream, place))

    def _holds_before(self, stage: Stage, stream: Stream, place: Place, asked_ps: int) -> Iterator[Hold]:
        """Yield the holds that were in the way of a request, latest first."""
        if stage.server is None:
            return
        position = self._derived.holds[stream.index, place[0], place[1]]
        for hold in stage.server.holds[position - 1 :: -1] if position else ():
            if hold.end_ps <= asked_ps:
                return
            yield hold

    def _behind(self, stream: Stream, stage: Stage, hold: Hold, start_ps: int) -> Part:
        holder = self._system.streams[hold.stream]
        kept_up = holder.is_state_op and not stream.is_state_op
        cause = "maintenance" if kept_up else stage.cause
        vector = hold.iteration // holder.stages[hold.stage].iterations
        return Part(cause, _resource(stage), hold.stream, vector, start_ps, hold.end_ps)

    def _arrived(self, stream: Stream, place: Place) -> Trail:
        """Rule 4: the wait for a slot since it was asked for: at arrival, or when the iteration before had its own."""
        stage = stream.stages[place[0]]
        if stage.acquires is not None:
            asked, slot = self._ps("slot asked", stream, place), self._ps("slot", stream, place)
            if slot > asked:
                own = yield from self._slot(stream, stage.acquires, place[1], asked, slot)
                if own is not None:
                    return own
            if asked > self._ps("arrival", stream, place):
                return (yield from self._arrived(stream, (place[0], place[1] - 1)))
        return (yield from self._made(stream, place))

    def _made(self, stream: Stream, place: Place) -> Trail:
        """Rule 5: the crossing, and what made the data; the place (-1, vector) stands for the issue of a vector."""
        source = self._source(stream, place)
        made = self._derived.ps("issue", stream.index, source[1]) if source[0] < 0 else self._ps("done", stream, source)
        yield self._idle(stream, place, made, self._ps("arrival", stream, place))
        return source

    def _source(self, stream: Stream, place: Place) -> Place:
        """Return the iteration that an iteration has its data from."""
        stage, iteration = place
        here = stream.stages[stage].iterations
        if stage == 0:
            return -1, iteration // here
        before = stream.stages[stage - 1].iterations
        if here >= before:
            return stage - 1, iteration * before // here
        return stage - 1, (iteration + 1) * before // here - 1

    def _slot(self, stream: Stream, pool: SlotPool, number: int, wanted_ps: int, had_ps: int) -> Trail:
        """Rule 4: the wait for a slot is that for the return which made the grant possible; whose was it?"""
        index = self._derived.pools[id(pool)]
        use = self._returned[index][self._derived.uses[index, stream.index, number] - pool.count]
        if use.stream == stream.index:
            return self._giver(stream, pool, use.number)
        taken = next(
            stage.iterations
            for stage in self._system.streams[use.stream].stages
            if stage.acquires is pool or stage.captures is pool
        )
        kept_up = self._system.streams[use.stream].is_state_op and not stream.is_state_op
        cause = "maintenance" if kept_up else pool.cause
        yield Part(cause, pool.path, use.stream, use.number // taken, wanted_ps, had_ps)
        return None

    def _giver(self, stream: Stream, pool: SlotPool, number: int) -> Place:
        """Return the first iteration after which so many slots of the stream were back."""
        for index, stage in enumerate(stream.stages):
            for released, taken in stage.releases:
                if released is pool:
                    every = range(stream.total * stage.iterations)
                    return index, next(m for m in every if (m + 1) * taken // stage.iterations > number)
        raise AssertionError(f"{stream.name} never gives {pool.path} back")

    def _issued(self, stream: Stream, vector: int) -> Path:
        """Rule 6: room, then inputs, then the same for the vector before."""
        for number in range(vector, -1, -1):
            issue = self._derived.ps("issue", stream.index, number)
            before = self._derived.ps("issue", stream.index, number - 1) if number else 0
            needed = [edge for edge in stream.inputs if edge.needs[number] >= 0]
            arrivals = [(self._derived.ps("arrived", edge.index, edge.needs[number]), edge) for edge in needed]
            released = self._derived.released(stream, number)[0]
            there = max([before, released, *(time for time, _ in arrivals)])
            yield from self._room(stream, number, there, issue)
            if there == released > before:
                return  # a share begins at the admission, which is no earlier
            if there > before:
                edge = next(edge for time, edge in arrivals if time == there)
                yield Part(edge.cause, edge.place, edge.source, edge.needs[number], before, there)
            elif number == 0 and stream.source:
                yield Part("maintenance", stream.tile, -1, -1, 0, issue)

    def _room(self, stream: Stream, vector: int, there_ps: int, issue_ps: int) -> Path:
        """The wait for room, latest first: every moment belongs to the first edge that lacks room then."""
        had = [(self._room_ps(edge, vector), edge) for edge in stream.outputs]
        moments = sorted({there_ps, *(time for time, _ in had if time > there_ps)})
        if not stream.source or vector:
            equal(f"{stream.name}: issue of {vector}", issue_ps, moments[-1])
        for start, end in list(pairwise(moments))[::-1]:
            edge = next(edge for time, edge in had if time >= end)
            assert edge.capacity is not None
            gone = vector - edge.capacity
            freer = next(i for i, keeps in enumerate(edge.keeps) if keeps > gone)
            yield Part("buffer_full", edge.place, edge.target, freer, start, end)

    def _room_ps(self, edge: Edge, vector: int) -> int:
        if edge.capacity is None or vector < edge.capacity:
            return 0
        return self._derived.ps("freed", edge.index, vector - edge.capacity)


def _resource(stage: Stage) -> str:
    return stage.name if stage.server is None else stage.server.path
