"""An independent checker of a finished run: it re-derives every time from logs of another kind, and compares.

It knows the static description of a system (stage latencies, intervals, clocks, crossings, iterations, captures and
releases, needs and keeps, capacities) and what outsiders could have seen: the holds of each server, the uses of each
slot pool, the arrivals and frees of each edge, and when packets were handed to a network of routers, which are run
through it once more, as one batch. The engine's own times of a vector are never read. From these, the
recurrence of `docs/execution.md` gives when each iteration asked for its slot and its server, when its result was
there, when the vector ended; and these must give back the same holds, uses, arrivals and frees, in the order of
service that the page states. `tests/checker_shares.py` goes on from here and re-derives where the time of each vector
went.

Every time is a *moment* (picoseconds, round). What a shared pool grants in a round of an instant asks again in that
same instant and is heard in the next round, so the picosecond alone does not tell who asked first. Rounds are in no
log: they follow from the moments of what a grant waited for, and since that may be a stream derived later, the
derivation is repeated until it stands still.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import pairwise

from aimcsim.engine import Edge, Hold, Server, SlotPool, Span, Stage, Stream, System
from tests.carried import batch

Moment = tuple[int, int]
"""A time in ps, and the round of that instant after which something is known (0: before the first)."""

ZERO: Moment = (0, 0)
MOST_PASSES = 64


class CheckError(AssertionError):
    """The logs contradict one another."""


def expect(holds: bool, what: str) -> None:
    """Raise `CheckError` saying what should have been unless it holds."""
    if not holds:
        raise CheckError(what)


def equal(what: str, logged: object, derived: object) -> None:
    """Raise `CheckError` unless what was logged is what was derived."""
    expect(logged == derived, f"{what}: logged {logged}, derived {derived}")


class Derived:
    """The moments of everything that happened in a run.

    Attributes
    ----------
    at : dict
        Moments by what happened: ``("issue", stream, vector)``, ``("end", stream, vector)``; ``("arrival" | "slot" |
        "start" | "worked" | "done", stream, stage, iteration)``, and so ``"slot asked"``, ``"asked"`` and
        ``"granted"`` for when a slot or hold was asked for, and a hold was decided; ``("free", server, hold)``;
        ``("arrived" | "freed", edge, vector)``; ``("back", pool, stream, number)``.
    holds : dict
        Position of a hold in the log of its server, by (stream, stage, iteration).
    uses : dict
        Position of a use in the log of its pool, by (pool, stream, number).
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.at: dict[tuple[object, ...], Moment] = {}
        self.holds: dict[tuple[int, int, int], int] = {}
        self.uses: dict[tuple[int, int, int], int] = {}
        self.servers = {id(server): index for index, server in enumerate(system.servers)}
        self.pools = {id(pool): index for index, pool in enumerate(system.slots)}
        self.passages, _ = batch(system)
        self._returns: list[list[Moment]] = []
        self._index_logs()
        self._settle()

    def ps(self, *key: object) -> int:
        """Return the time of something in ps."""
        return self.at[key][0]

    def hold(self, server: Server, key: tuple[int, int, int]) -> Hold:
        """Return the hold of an iteration (stream, stage, iteration)."""
        return server.holds[self.holds[key]]

    def _index_logs(self) -> None:
        for server in self.system.servers:
            for position, hold in enumerate(server.holds):
                key = (hold.stream, hold.stage, hold.iteration)
                expect(key not in self.holds, f"{server.path} served {key} twice")
                self.holds[key] = position
        for index, pool in enumerate(self.system.slots):
            for position, use in enumerate(pool.uses):
                expect((index, use.stream, use.number) not in self.uses, f"{pool.path} granted {use} twice")
                self.uses[index, use.stream, use.number] = position

    def _settle(self) -> None:
        """Derive all streams until no moment changes; what bounds the sources comes first."""
        ordered = sorted(self.system.streams, key=lambda stream: not stream.is_state_op)
        for _ in range(MOST_PASSES):
            before = dict(self.at)
            self._returns = [
                sorted(self._known(use.end_ps, "back", index, use.stream, use.number) for use in pool.uses)
                for index, pool in enumerate(self.system.slots)
            ]
            for stream in ordered:
                self._stream(stream)
            if self.at == before:
                return
        raise CheckError("the rounds of simultaneous events do not settle")

    def _known(self, time_ps: int, *key: object) -> Moment:
        """Return a moment whose time is logged and whose round is what is known of it so far."""
        return self.at.get(key, (time_ps, 0))

    def _stream(self, stream: Stream) -> None:
        for vector in range(stream.total):
            self.at["issue", stream.index, vector] = self._issue(stream, vector)
        for index, stage in enumerate(stream.stages):
            for iteration in range(stream.total * stage.iterations):
                self._iteration(stream, index, stage, iteration)
            self._give_back(stream, index, stage)
        last = stream.stages[-1].iterations
        for vector in range(stream.total):
            end = self.at["done", stream.index, len(stream.stages) - 1, (vector + 1) * last - 1]
            self.at["end", stream.index, vector] = end
            for edge in stream.outputs:
                equal(f"arrival of {vector} on edge {edge.index}", edge.arrived_ps[vector], end[0])
                self.at["arrived", edge.index, vector] = end
        for edge in stream.inputs:
            self._free(edge, stream)

    def _issue(self, stream: Stream, vector: int) -> Moment:
        """A vector is issued after the one before, released, with its inputs there and room at every destination."""
        after = self.at["issue", stream.index, vector - 1] if vector else self._begin(stream)
        after = max(after, self.released(stream, vector))
        for edge in stream.inputs:
            needed = edge.needs[vector]
            if needed >= 0:
                after = max(after, self._known(edge.arrived_ps[needed], "arrived", edge.index, needed))
        for edge in stream.outputs:
            if edge.capacity is not None and vector >= edge.capacity:
                gone = vector - edge.capacity
                after = max(after, self._known(edge.freed_ps[gone], "freed", edge.index, gone))
        if any(edge.pool is not None for edge in stream.outputs):
            return (after[0], after[1] + 1)  # bytes of a pool are handed out in a round
        return after

    def released(self, stream: Stream, vector: int) -> Moment:
        """A source issues nothing of a request before its release, which counts from the begin."""
        request, index = divmod(vector, stream.vectors)
        releases = stream.due_ps if stream.is_state_op else self.system.release_ps
        if not stream.source or index or not releases:
            return ZERO
        return later(self._begin(stream)[0] + releases[request], self._begin(stream))

    def _begin(self, stream: Stream) -> Moment:
        """Sources begin at a set time, or when all state ops have ended that are no sources themselves."""
        if not stream.source:
            return ZERO
        if self.system.begin is not None:
            return (self.system.begin, 0)
        programs = [other for other in self.system.streams if other.is_state_op and not other.source and other.total]
        return max((self.at["end", other.index, other.total - 1] for other in programs), default=ZERO)

    def _iteration(self, stream: Stream, index: int, stage: Stage, iteration: int) -> None:
        """Take one iteration of a stage from its data to its result."""
        key = (stream.index, index, iteration)
        asked = arrival = _crossed(stage, self._ready(stream, index, stage, iteration))
        self.at["arrival", *key] = arrival
        if stage.acquires is not None:
            asked = self.at["slot asked", *key] = self._in_turn(arrival, "slot", key)
            asked = self._slot(stage.acquires, stream, iteration, asked)
        self.at["slot", *key] = asked
        start = _aligned(stage, asked) if stage.server is None else self._start(stage.server, key, asked)
        self.at["start", *key] = start
        worked = self._worked(stage, start, key)
        if iteration:
            worked = max(worked, self.at["worked", stream.index, index, iteration - 1])
        self.at["worked", *key] = worked
        done = worked if stage.captures is None else self._slot(stage.captures, stream, iteration, worked)
        self.at["done", *key] = done
        if stage.server is not None:
            self._hold_end(stage.server, stage, key)

    def _worked(self, stage: Stage, start: Moment, key: tuple[int, int, int]) -> Moment:
        """Work is over after the latency; a packet's when it has left, if it was handed over when the log says."""
        if stage.packets is None:
            return later(_end(stage.latency, start[0], key[2] // stage.iterations), start)
        logged = self.system.streams[key[0]].log[key[1]].start_ps[key[2]]
        equal(f"packet {key}: handed over", logged, start[0])
        return later(self.passages[key].left_ps, start)

    def _in_turn(self, ready: Moment, what: str, key: tuple[int, int, int]) -> Moment:
        """A stage asks for one iteration at a time: not before the one before it has what it asked for."""
        stream, stage, iteration = key
        return max(ready, self.at[what, stream, stage, iteration - 1]) if iteration else ready

    def _ready(self, stream: Stream, index: int, stage: Stage, iteration: int) -> Moment:
        """Data comes from the issue of the vector, or from the stage before: from its last inner iteration."""
        if index == 0:
            return self.at["issue", stream.index, iteration // stage.iterations]
        before = stream.stages[index - 1].iterations
        if stage.iterations >= before:
            source = iteration // (stage.iterations // before)
        else:
            source = (iteration + 1) * (before // stage.iterations) - 1
        return self.at["done", stream.index, index - 1, source]

    def _slot(self, pool: SlotPool, stream: Stream, number: int, asked: Moment) -> Moment:
        """Grant n of a pool needs a request and return n - count; a shared pool grants in the next round."""
        index = self.pools[id(pool)]
        position = self.uses[index, stream.index, number]
        granted = asked
        if position >= pool.count:
            granted = max(granted, self._returns[index][position - pool.count])
        equal(f"{pool.path}: grant {position} ({stream.name} {number})", pool.uses[position].start_ps, granted[0])
        return (granted[0], granted[1] + 1) if pool.shared else granted

    def _start(self, server: Server, key: tuple[int, int, int], slot: Moment) -> Moment:
        """A hold is decided when it was asked for and the server is free, and starts at the next edge of the clock."""
        position = self.holds[key]
        decided = self.at["asked", *key] = self._in_turn(slot, "start", key)
        if position:
            free = self._known(server.holds[position - 1].end_ps, "free", self.servers[id(server)], position - 1)
            decided = max(decided, free)
        self.at["granted", *key] = decided
        start = decided[0] if server.clock is None else server.clock.align(decided[0])
        equal(f"{server.path}: start of hold {position} {key}", server.holds[position].start_ps, start)
        return later(start, (decided[0], decided[1] + 1))

    def _hold_end(self, server: Server, stage: Stage, key: tuple[int, int, int]) -> None:
        """A server is kept for the interval, or until the result has a slot."""
        start = self.at["start", *key]
        if stage.captures is None:
            free = later(_end(stage.interval, start[0], key[2] // stage.iterations), start)
        else:
            free = self.at["done", *key]
        equal(f"{server.path}: end of hold {key}", self.hold(server, key).end_ps, free[0])
        self.at["free", self.servers[id(server)], self.holds[key]] = free

    def _give_back(self, stream: Stream, index: int, stage: Stage) -> None:
        """After iteration m, (m + 1) * taken per vector // iterations slots are back."""
        for pool, per_vector in stage.releases:
            back = 0
            for iteration in range(stream.total * stage.iterations):
                total = (iteration + 1) * per_vector // stage.iterations
                for number in range(back, total):
                    moment = self.at["done", stream.index, index, iteration]
                    use = pool.uses[self.uses[self.pools[id(pool)], stream.index, number]]
                    equal(f"{pool.path}: return of {number} by {stream.name}", use.end_ps, moment[0])
                    self.at["back", self.pools[id(pool)], stream.index, number] = moment
                back = total

    def _free(self, edge: Edge, target: Stream) -> None:
        """When the fetch for a vector is done, all below its `keeps` are free: at once, or when they arrive."""
        below = 0
        fetches = target.stages[0].iterations
        for vector in range(target.total):
            fetched = self.at["done", target.index, 0, (vector + 1) * fetches - 1]
            for passed in range(below, edge.keeps[vector]):
                moment = max(fetched, self._known(edge.arrived_ps[passed], "arrived", edge.index, passed))
                equal(f"edge {edge.index}: free of {passed}", edge.freed_ps[passed], moment[0])
                self.at["freed", edge.index, passed] = moment
            below = max(below, edge.keeps[vector])
        equal(f"edge {edge.index}: vectors freed", len(edge.freed_ps), below)


def check(system: System) -> Derived:
    """Check all there is to check of a finished run but its shares; return what was derived.

    Raises
    ------
    CheckError
        At the first contradiction.
    """
    derived = Derived(system)
    elapsed = max(derived.ps("end", stream.index, stream.total - 1) for stream in system.streams if stream.total)
    for stream in system.streams:
        _check_counts(derived, stream)
    for server in system.servers:
        _check_server(derived, server, elapsed)
    for pool in system.slots:
        _check_pool(derived, pool)
    for edge in system.edges:
        _check_edge(derived, edge)
    return derived


def check_engine_log(derived: Derived) -> None:
    """Compare the engine's own log of each stage, of issues and of ends with what was derived without it."""
    for stream in derived.system.streams:
        name = stream.name
        equal(f"{name}: issues", stream.issue_ps, [derived.ps("issue", stream.index, v) for v in range(stream.total)])
        equal(f"{name}: ends", stream.end_ps, [derived.ps("end", stream.index, v) for v in range(stream.total)])
        for index, (stage, log) in enumerate(zip(stream.stages, stream.log, strict=True)):
            every = range(stream.total * stage.iterations)
            logs = {"arrival": log.arrival_ps, "start": log.start_ps, "worked": log.worked_ps, "done": log.done_ps}
            if stage.acquires is not None:
                logs["slot"] = log.slot_ps
            for what, times in logs.items():
                equal(f"{name}.{stage.name}: {what}", times, [derived.ps(what, stream.index, index, n) for n in every])


def later(time_ps: int, after: Moment) -> Moment:
    """Return the moment of a time at or after another moment: the same one, or the beginning of a later instant."""
    expect(time_ps >= after[0], f"{time_ps} lies before {after}")
    return (time_ps, 0) if time_ps > after[0] else after


def _crossed(stage: Stage, ready: Moment) -> Moment:
    """Enter the clock of a stage: at an edge, so many cycles later."""
    if stage.crossing is None:
        return ready
    clock, cycles = stage.crossing
    return later(clock.after(clock.align(ready[0]), cycles), ready)


def _aligned(stage: Stage, asked: Moment) -> Moment:
    """Start without a server: at an edge, if the time of the stage is told in a clock."""
    clock = stage.latency.clock
    return asked if clock is None else later(clock.align(asked[0]), asked)


def _end(span: Span, start_ps: int, vector: int) -> int:
    """Return when a span that starts at `start_ps` ends; the amounts of one request repeat for each."""
    amount = span.amounts[vector % len(span.amounts)]
    if not span.in_cycles:
        return start_ps + amount
    assert span.clock is not None
    return span.clock.edge(span.clock.index(start_ps) + amount)


def _check_counts(derived: Derived, stream: Stream) -> None:
    """Each stage worked so often for each vector, and each hold and use belongs to such an iteration."""
    equal(
        f"{stream.name}: stages run", stream.stage_counts, [stream.total * stage.iterations for stage in stream.stages]
    )
    for index, stage in enumerate(stream.stages):
        wanted = [] if stage.server is None else list(range(stream.total * stage.iterations))
        holds = [] if stage.server is None else stage.server.holds
        got = [hold.iteration for hold in holds if (hold.stream, hold.stage) == (stream.index, index)]
        equal(f"{stream.name}.{stage.name}: iterations served", got, wanted)


def _check_server(derived: Derived, server: Server, elapsed_ps: int) -> None:
    """One hold at a time, in order of asking; no longer busy than the run lasted.

    When a stream without vectors, a component of the user's own, asked for its holds is in no log.
    """
    asked: list[tuple[Moment, Moment, tuple[int, ...]]] = []
    for hold in server.holds:
        key = (hold.stream, hold.stage, hold.iteration)
        if not derived.system.streams[hold.stream].total:
            continue
        request = derived.at["asked", *key]
        asked.append((request, derived.at["granted", *key], (request[0], *key)))
    _in_order(server.path, asked)
    for hold, following in pairwise(server.holds):
        expect(hold.end_ps <= following.start_ps, f"{server.path}: {hold} and {following} overlap")
    busy = sum(hold.end_ps - hold.start_ps for hold in server.holds)
    equal(f"{server.path}: time held", server.busy_ps, busy)
    last = server.holds[-1].end_ps if server.holds else 0
    expect(busy <= max(elapsed_ps, last), f"{server.path} was held for {busy} of {elapsed_ps} ps")


def _check_pool(derived: Derived, pool: SlotPool) -> None:
    """Slots are granted by order of asking, never more than there are, and all come back."""
    index = derived.pools[id(pool)]
    asked: list[tuple[Moment, Moment, tuple[int, ...]]] = []
    for stream, number, request, grant in _grants(derived, pool):
        decided = (grant[0], grant[1] - 1) if pool.shared else grant
        asked.append((request, decided, (request[0], stream, number)))
    positions = {(stream, number): derived.uses[index, stream, number] for _, _, (_, stream, number) in asked}
    asked.sort(key=lambda entry: positions[entry[2][1], entry[2][2]])
    equal(f"{pool.path}: uses", len(asked), len(pool.uses))
    _in_order(pool.path, asked)
    expect(all(use.end_ps >= use.start_ps for use in pool.uses), f"{pool.path}: a slot never came back")
    uses = [(use.start_ps, use.end_ps) for use in pool.uses]
    expect(_highest(uses) <= pool.count, f"{pool.path}: more slots in use than the {pool.count} there are")


def _grants(derived: Derived, pool: SlotPool) -> Iterator[tuple[int, int, Moment, Moment]]:
    """Yield (stream, number, moment of the request, moment of the grant) of all uses of a pool."""
    for stream in derived.system.streams:
        for index, stage in enumerate(stream.stages):
            for taken, request, grant in ((stage.acquires, "slot asked", "slot"), (stage.captures, "worked", "done")):
                for number in range(stream.total * stage.iterations if taken is pool else 0):
                    key = (stream.index, index, number)
                    yield stream.index, number, derived.at[request, *key], derived.at[grant, *key]


def _in_order(path: str, served: Iterable[tuple[Moment, Moment, tuple[int, ...]]]) -> None:
    """Of all that had asked when a decision was taken, the least key was served.

    `served` lists (moment of asking, moment of the decision, key) in the order of service.
    """
    served = list(served)
    waiting: list[tuple[int, ...]] = []
    coming = sorted(served)[::-1]
    for _, decided, key in served:
        while coming and coming[-1][0] <= decided:
            heappush(waiting, coming.pop()[2])
        equal(f"{path}: served at {decided}", key, heappop(waiting))


def _check_edge(derived: Derived, edge: Edge) -> None:
    """All that is made arrives, all with bytes is freed; space and its counters agree (Little's law)."""
    source = derived.system.streams[edge.source]
    equal(f"edge {edge.index}: space reserved", edge.reserved, source.total)
    equal(f"edge {edge.index}: vectors arrived", len(edge.arrived_ps), source.total)
    if not edge.vector_bytes:
        return
    equal(f"edge {edge.index}: vectors freed", len(edge.freed_ps), source.total)
    for name, since, counter in (("kept", "issue", edge.occupancy), ("valid", "end", edge.valid)):
        stays = [(derived.ps(since, edge.source, v), edge.freed_ps[v]) for v in range(source.total)]
        equal(f"edge {edge.index}: {name} vectors over time", counter.integral, sum(out - into for into, out in stays))
        equal(f"edge {edge.index}: {name} at the end", counter.level, 0)
        equal(f"edge {edge.index}: most {name}", counter.highest, _highest(stays))
        if edge.capacity is not None:
            expect(counter.highest <= edge.capacity, f"edge {edge.index}: {counter.highest} in {edge.capacity}")


def _highest(stays: Iterable[tuple[int, int]]) -> int:
    """Return the most stays at a time; what leaves at an instant leaves before others come."""
    changes = sorted([change for into, out in stays if into < out for change in ((into, 1), (out, -1))])
    level = highest = 0
    for _, step in changes:
        level += step
        highest = max(highest, level)
    return highest
