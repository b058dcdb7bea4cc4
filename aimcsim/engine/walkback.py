"""Where the time of every vector went: service, transfer, and waits by cause and holder, without gap or overlap.

From the end of a vector the walk goes back over what bound each start: a stage's own work, a hold of somebody else on
its server, a slot, the arrival of inputs, room at a destination. Where a stream stood behind work of its own, the walk
goes on from that work. It stops at the end of the stream's previous vector (or at the admission of the request, if that
came later), so the shares of a stream's vectors follow one another, and sums over them do not depend on the grain.

The walk reads only the times an engine has logged, so it serves any engine that logs them.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple

from aimcsim.engine.edge import Edge
from aimcsim.engine.server import Hold
from aimcsim.engine.slots import SlotPool, SlotUse
from aimcsim.engine.stream import Stage, StageLog, Stream, System

SERVICE = "service"
TRANSFER = "transfer"
MAINTENANCE = "maintenance"
NOBODY = -1


class Segment(NamedTuple):
    """One stretch of a vector's share: what it was spent on, where, and who was in the way."""

    cause: str
    """`service`, `transfer` or a wait cause."""
    resource: str
    """Path of the resource; for `dependency` and `buffer_full` the buffer."""
    holder: int
    """Stream in the way, or -1."""
    holder_vector: int
    start_ps: int
    end_ps: int


@dataclass(frozen=True, slots=True)
class _At:
    """A point of the walk: a stream's iteration of a stage, traced back to one of its moments.

    Moments are `done`, `worked`, `start` and `slot` of an iteration; `issue` of a vector (stage 0).
    """

    stream: Stream
    moment: str
    stage: int
    iteration: int

    @property
    def row(self) -> Stage:
        """The stage."""
        return self.stream.stages[self.stage]

    @property
    def log(self) -> StageLog:
        """When its iterations came to pass."""
        return self.stream.log[self.stage]

    @property
    def vector(self) -> int:
        """The vector that the iteration belongs to."""
        return self.iteration if self.moment == "issue" else self.iteration // self.row.iterations

    def to(self, moment: str) -> _At:
        """Return another moment of the same iteration."""
        return _At(self.stream, moment, self.stage, self.iteration)


class Walk:
    """Walks back the vectors of one system after its run."""

    def __init__(self, system: System, admitted_ps: list[int]) -> None:
        self._system = system
        self._admitted_ps = admitted_ps
        self._begun_ps = system.begun_ps()
        self._starts = {id(server): [hold.start_ps for hold in server.holds] for server in system.servers}
        self._slots = {id(pool): _SlotHistory(pool) for pool in system.slots}
        self._segments: list[Segment] = []
        self._low = 0
        self._time = 0
        self._follow = False

    def share(self, stream: Stream, vector: int) -> list[Segment]:
        """Return the segments of a vector's share, latest first; together they cover it exactly."""
        return self._walk(stream, vector, self.release(stream, vector), follow=False)

    def critical_path(self, stream: Stream, vector: int) -> list[Segment]:
        """Return the work that led to the end of a vector, latest first, without a gap.

        It goes back to the first admission, or to the latest release of a request, or a turn of maintenance, that
        nothing kept waiting.
        Where a vector waited, the walk goes on with whoever it waited for: the producer of its inputs, the holder of
        the server or slot, the consumer that made room. So every segment is service or transfer of some stream.
        """
        return self._walk(stream, vector, self._admitted_ps[0], follow=True)

    def release(self, stream: Stream, vector: int) -> int:
        """Return when a vector's share begins."""
        before = stream.end_ps[vector - 1] if vector else 0
        if stream.is_state_op:
            return max(before, self._system.released_ps(stream, vector, self._begun_ps))
        return max(before, self._admitted_ps[vector // stream.vectors])

    def _walk(self, stream: Stream, vector: int, low_ps: int, *, follow: bool) -> list[Segment]:
        self._segments = []
        self._time, self._low, self._follow = stream.end_ps[vector], low_ps, follow
        here: _At | None = _end(stream, vector)
        while here is not None and self._time > self._low:
            here = self._step(here)
        return self._segments

    def _put(self, cause: str, resource: str, holder: int, holder_vector: int, start_ps: int) -> None:
        """Account for the time from `start_ps` to where the walk is, as far as it belongs to the share."""
        start = max(start_ps, self._low)
        if start < self._time:
            self._segments.append(Segment(cause, resource, holder, holder_vector, start, self._time))
            self._time = start

    def _work(self, here: _At, start_ps: int) -> None:
        """Account for time that a stream spent working at a stage."""
        work = TRANSFER if here.row.transfer else SERVICE
        self._put(work, _path(here.row), here.stream.index, here.vector, start_ps)

    def _step(self, here: _At) -> _At | None:
        """Trace one moment back to the one that bound it."""
        if here.moment == "done":
            return self._done(here)
        if here.moment == "worked" and here.row.packets is not None:
            return self._passed(here)
        if here.moment == "worked":
            self._work(here, here.log.start_ps[here.iteration])
            return here.to("start")
        if here.moment == "start":
            return self._start(here)
        if here.moment == "slot":
            return self._ready(here)
        return self._issue(here.stream, here.iteration)

    def _done(self, here: _At) -> _At:
        """From the result being away to the work being done: perhaps it waited for a slot."""
        pool, worked = here.row.captures, here.log.worked_ps[here.iteration]
        if pool is not None and here.log.done_ps[here.iteration] > worked:
            giver = self._slot(here, pool, worked)
            if giver is not None:
                return giver
        log, number = here.log, here.iteration
        if here.row.packets is not None and log.done_ps[number] > log.passages[number].left_ps:
            return _At(here.stream, "done", here.stage, number - 1)
        return here.to("worked")

    def _passed(self, here: _At) -> _At:
        """From a packet having left to its being handed over: it waited for links, then for room, then it moved.

        The critical path has all of it as transfer, since nobody in particular was in the way.
        """
        passage, row = here.log.passages[here.iteration], here.row
        if not self._follow:
            self._work(here, passage.credited_ps)
            self._put("credit", _path(row), NOBODY, NOBODY, passage.linked_ps)
            self._put(row.cause, _path(row), NOBODY, NOBODY, here.log.start_ps[here.iteration])
        self._work(here, here.log.start_ps[here.iteration])
        return here.to("start")

    def _start(self, here: _At) -> _At:
        """From the start of service to the request: perhaps others were served, or the stream itself."""
        stage, log, server = here.row, here.log, here.row.server
        arrival = (log.slot_ps if stage.acquires is not None else log.arrival_ps)[here.iteration]
        if server is not None and self._time > arrival:
            index = bisect_left(self._starts[id(server)], log.start_ps[here.iteration]) - 1
            while index >= 0 and server.holds[index].end_ps > arrival and self._time > self._low:
                hold = server.holds[index]
                self._put(SERVICE, server.path, here.stream.index, here.vector, hold.end_ps)
                holder = self._system.streams[hold.stream]
                if holder is here.stream or (self._follow and holder.total):
                    return self._hold(_At(holder, "done", hold.stage, hold.iteration), hold)
                self._other(here, holder, hold, max(hold.start_ps, arrival))
                index -= 1
        self._put(SERVICE, _path(stage), here.stream.index, here.vector, arrival)
        return here.to("slot")

    def _hold(self, there: _At, hold: Hold) -> _At:
        """Behind work that the walk follows: go on from it."""
        if there.row.captures is not None:
            return there
        self._work(there, hold.start_ps)
        return there.to("start")

    def _other(self, here: _At, holder: Stream, hold: Hold, start_ps: int) -> None:
        """Behind somebody else's work: that is the wait."""
        cause = _cause(here.stream, holder, here.row.cause)
        vector = hold.iteration // holder.stages[hold.stage].iterations
        self._put(cause, _path(here.row), hold.stream, vector, start_ps)

    def _ready(self, here: _At) -> _At:
        """From having a slot (if the stage takes one) to the data being there, and to what made the data."""
        pool, arrival = here.row.acquires, here.log.arrival_ps[here.iteration]
        if pool is not None:
            asked = max(arrival, here.log.slot_ps[here.iteration - 1]) if here.iteration else arrival
            giver = self._slot(here, pool, asked) if here.log.slot_ps[here.iteration] > asked else None
            if giver is not None:
                return giver
            if asked > arrival:
                return _At(here.stream, "slot", here.stage, here.iteration - 1)
        if here.stage == 0:
            self._work(here, here.stream.issue_ps[here.vector])
            return _At(here.stream, "issue", 0, here.vector)
        source = _At(here.stream, "done", here.stage - 1, here.stream.upstream(here.stage, here.iteration))
        self._put(SERVICE, _path(here.row), here.stream.index, here.vector, source.log.done_ps[source.iteration])
        return source

    def _slot(self, here: _At, pool: SlotPool, wanted_ps: int) -> _At | None:
        """Back over the wait for a slot, or to the iteration that gave it back if the walk follows that."""
        use = self._slots[id(pool)].before(here.stream.index, here.iteration)
        holder = self._system.streams[use.stream]
        if holder is here.stream or (self._follow and holder.total):
            return _giver(holder, pool, use.number)
        takers = (stage.iterations for stage in holder.stages if pool in (stage.acquires, stage.captures))
        per_vector = next(takers, 1)  # a guest takes slots without a stage
        self._put(_cause(here.stream, holder, pool.cause), pool.path, use.stream, use.number // per_vector, wanted_ps)
        return None

    def _issue(self, stream: Stream, vector: int) -> _At | None:
        """From admission of a vector to its inputs and room, and on to the vector before; a release ends the walk."""
        before = stream.issue_ps[vector - 1] if vector else 0
        known = max(before, self._system.released_ps(stream, vector, self._begun_ps))
        inputs = [(_arrival(edge, vector), edge) for edge in stream.inputs]
        there = max([known, *(time for time, _ in inputs)])
        rooms = self._rooms(stream, vector, there)
        if rooms and self._follow and rooms[-1][1] >= 0:
            return self._freeing(stream, rooms[-1][2], vector)
        for start, holder_vector, edge in reversed(rooms):
            self._put("buffer_full", edge.place, edge.target, holder_vector, start)
        if there > known:
            edge = next(edge for time, edge in inputs if time == there)
            if self._follow:
                return _end(self._system.streams[edge.source], edge.needs[vector])
            self._put(edge.cause, edge.place, edge.source, edge.needs[vector], before)
        elif known > before:
            return None
        return _At(stream, "issue", 0, vector - 1) if vector else None

    def _freeing(self, stream: Stream, edge: Edge, vector: int) -> _At:
        """Return the moment that made room for a vector: a fetch, or the arrival of a vector that nobody needs."""
        assert edge.capacity is not None, "only quotas say whose space a vector takes"
        reader = self._system.streams[edge.target]
        fetch = _At(reader, "done", 0, (self._freer(edge, vector) + 1) * reader.stages[0].iterations - 1)
        gone = vector - edge.capacity
        return _end(stream, gone) if edge.arrived_ps[gone] > fetch.log.done_ps[fetch.iteration] else fetch

    def _rooms(self, stream: Stream, vector: int, there_ps: int) -> list[tuple[int, int, Edge]]:
        """Split the wait for room: (start, vector that made the room, edge); always the first edge that lacks it."""
        parts: list[tuple[int, int, Edge]] = []
        time = there_ps
        for edge in stream.outputs:
            freed = _room_ps(stream, edge, vector)
            if freed > time:
                parts.append((time, self._freer(edge, vector), edge))
                time = freed
        return parts

    @staticmethod
    def _freer(edge: Edge, vector: int) -> int:
        """Return the consumer vector whose fetch made room for a vector; nobody's in a pool without quotas."""
        return NOBODY if edge.capacity is None else bisect_left(edge.keeps, vector - edge.capacity + 1)


class _SlotHistory:
    """The uses of a pool by their ends: the n-th grant was made possible by the (n - count)-th end."""

    def __init__(self, pool: SlotPool) -> None:
        self._count = pool.count
        self._grants = {(use.stream, use.number): index for index, use in enumerate(pool.uses)}
        self._ends = sorted(pool.uses, key=lambda use: (use.end_ps, use.stream, use.number))

    def before(self, stream: int, number: int) -> SlotUse:
        """Return the use whose end made a stream's `number`-th grant possible."""
        return self._ends[self._grants[stream, number] - self._count]


def _cause(waiting: Stream, holder: Stream, cause: str) -> str:
    """Return what waiting behind a holder is called: behind a state op `maintenance`, unless it is one that waits."""
    return MAINTENANCE if holder.is_state_op and not waiting.is_state_op else cause


def _end(stream: Stream, vector: int) -> _At:
    """Return the moment at which a vector is complete."""
    last = len(stream.stages) - 1
    return _At(stream, "done", last, (vector + 1) * stream.stages[last].iterations - 1)


def _room_ps(stream: Stream, edge: Edge, vector: int) -> int:
    """Return when an edge had room for a vector."""
    if edge.pool is not None:
        return stream.issue_ps[vector]
    if edge.capacity is None or vector < edge.capacity:
        return 0
    return edge.freed_ps[vector - edge.capacity]


def _arrival(edge: Edge, vector: int) -> int:
    """Return when an edge had what a target vector needs; 0 if it needs nothing."""
    needed = edge.needs[vector]
    return edge.arrived_ps[needed] if needed >= 0 else 0


def _path(stage: Stage) -> str:
    """Return the path that time spent at a stage is filed under."""
    return stage.server.path if stage.server is not None else stage.name


def _giver(stream: Stream, pool: SlotPool, number: int) -> _At:
    """Return the moment at which a stream gave back the `number`-th slot it took from a pool."""
    for index, stage in enumerate(stream.stages):
        for released, per_vector in stage.releases:
            if released is pool:
                return _At(stream, "done", index, -(-(number + 1) * stage.iterations // per_vector) - 1)
    raise AssertionError(f"nothing gives {pool.path} back")
