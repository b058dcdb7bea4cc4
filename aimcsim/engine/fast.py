"""The fast engine: streams run ahead as far as their times are known; only what is shared is decided in order of time.

Whatever a stream has to itself (private servers and slots, its inputs and its room) gives times that are known as soon
as the times they depend on are, and needs no event: a stage advances through its iterations until it lacks a time, and
whoever makes that time known lets it go on. Requests for what several streams share wait in one queue and are decided
instant by instant, in rounds, like in the reference engine. When an instant comes up, nothing that is still unknown can
ask earlier, because all that is unknown hangs on a decision that is still to be made. A network of routers runs between
these instants: up to the next one, or to the first at which packets leave, whose consequences spread before it goes on.

The logs are those of the reference engine, to the picosecond.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from aimcsim.engine.carrier import Offer, Passage, Shipping
from aimcsim.engine.deadlock import Standing, report_deadlock
from aimcsim.engine.edge import Edge
from aimcsim.engine.server import Hold, Server
from aimcsim.engine.slots import SlotPool, SlotUse
from aimcsim.engine.stream import Stage, StageLog, Stream, System

ARRIVAL, SLOT, SERVER, CAPTURE, ASKED = range(5)
"""What the next iteration of a stage needs next; `ASKED`: the answer to a request."""

TAKEN = 1 << 20
"""Added to a stage's index: the run that serves what has its slot."""

SENDING = 1 << 21
"""Added to a stage's index: the run whose packets leave the network."""


@dataclass(slots=True, eq=False)
class Run:
    """How far a stage of a stream has come: with taking slots for its iterations (`slots_only`), or with serving them.

    `own` says whether nobody else asks for what it takes (pool, or server). `sent` packets have been handed over, and
    those in `early` have left before one that was sent before them.
    """

    stream: Stream
    index: int
    stage: Stage
    log: StageLog
    total: int
    before: list[int]
    slots_only: bool
    own: bool
    own_capture: bool
    done: int = 0
    needs: int = ARRIVAL
    queued: bool = False
    sent: int = 0
    early: dict[int, Passage] = field(default_factory=dict)


Request = tuple[int, int, int, int, Run]
"""When it was asked, two numbers that break ties after that, one that tells its requests apart, and whose it is."""

What = Request | tuple[int, int] | tuple[()] | None
"""What happens at a desk: a request, slots coming back (stream, how many in all), its server let go, a look."""


@dataclass(slots=True, eq=False)
class Desk:
    """Who waits at a shared server or pool."""

    order: int
    resource: Server | SlotPool
    pending: list[Request] = field(default_factory=list)
    open: bool = False
    taken: int = 0
    armed_ps: int = -1


@dataclass(slots=True, eq=False)
class Returns:
    """The slots of one stream in one pool: its uses, and how many of them are back (with times)."""

    uses: list[SlotUse] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    takers: list[Run] = field(default_factory=list)


class FastEngine:
    """Runs a system to its end.

    Raises
    ------
    DeadlockError
        From `run`, if nothing can happen any more and some stream has vectors left.
    """

    def __init__(self, system: System) -> None:
        check_can_run_fast(system)
        self.system = system
        self._clients = Counter(
            id(stage.server) for stream in system.streams if stream.total for stage in stream.stages if stage.server
        )
        resources: list[Server | SlotPool] = [*system.servers, *system.slots]
        self._desks = {id(one): Desk(one.order, one) for one in resources}
        self._returns: dict[tuple[int, int], Returns] = {}
        self._passed: list[list[int]] = [[] for _ in system.edges]
        self._events: list[tuple[int, int, Desk | None, What | Offer]] = []
        self._shipping = None if system.carrier is None else Shipping(system.carrier)
        self._work: deque[Run] = deque()
        self._count = 0
        self._begin_ps = system.begin or 0
        self._programs = sum(stream.prepares for stream in system.streams)
        self._began = not self._programs or system.begin is not None
        self._next: dict[tuple[int, int], Run] = {}
        for stream in system.streams:
            self._set_up(stream)

    def run(self) -> int:
        """Advance all streams to their last vector; return the number of events that took."""
        for stream in self.system.streams:
            self._issue(stream)
        self._drain()
        while True:
            self._carry()
            if not self._events:
                break
            self._instant(self._events[0][0])
        for edge in self.system.edges:
            edge.reserved = len(self.system.streams[edge.source].issue_ps)
        if any(len(stream.end_ps) < stream.total for stream in self.system.streams):
            raise report_deadlock(self.system, self._standing())
        settle(self.system.edges, self.system)
        return self._count

    def _standing(self) -> Standing:
        """Return how far everything has come, for the report of a deadlock."""
        system = self.system
        standing = Standing(
            [len(stream.issue_ps) for stream in system.streams],
            [len(stream.end_ps) for stream in system.streams],
            [len(edge.freed_ps) for edge in system.edges],
            server_holder={server.order: server.holds[-1].stream for server in system.servers if server.holds},
        )
        for desk in self._desks.values():
            waits = standing.slot_waits if isinstance(desk.resource, SlotPool) else standing.server_waits
            waits |= {(desk.order, run.stream.index) for *_, run in desk.pending}
        for run in self._next.values():
            pool = run.stage.acquires if run.slots_only else run.stage.captures
            if pool is not None and not pool.shared and run.needs in (SLOT, CAPTURE):
                standing.slot_waits.add((pool.order, run.stream.index))
        for pool in system.slots:
            held = ((key[1], one) for key, one in self._returns.items() if key[0] == id(pool))
            standing.slot_holders[pool.order] = sorted(who for who, one in held if len(one.uses) > len(one.ends))
        return standing

    def _set_up(self, stream: Stream) -> None:
        """Make the runs of a stream; `_next` tells which one follows a stage (-1: the issue of vectors)."""
        before = stream.issue_ps
        for index, stage in enumerate(stream.stages):
            log, total = stream.log[index], stream.total * stage.iterations
            captures_own = stage.captures is not None and not stage.captures.shared
            serve = Run(stream, index, stage, log, total, before, False, self._is_own(stage), captures_own)
            first = serve
            if stage.acquires is not None:
                first = Run(stream, index, stage, log, total, before, True, not stage.acquires.shared, False)
                serve.before = log.slot_ps
                self._taker(stage.acquires, first)
                self._next[stream.index, index + TAKEN] = serve
            if stage.captures is not None:
                self._taker(stage.captures, serve)
            if stage.packets is not None:
                self._next[stream.index, index + SENDING] = serve
            self._next[stream.index, index - 1] = first
            before = log.done_ps

    def _is_own(self, stage: Stage) -> bool:
        return stage.server is not None and self._clients[id(stage.server)] == 1

    def _taker(self, pool: SlotPool, run: Run) -> None:
        self._returns.setdefault((id(pool), run.stream.index), Returns()).takers.append(run)

    def _wake(self, run: Run) -> None:
        if not run.queued and run.needs != ASKED:
            run.queued = True
            self._work.append(run)

    def _drain(self) -> None:
        while self._work:
            run = self._work.popleft()
            run.queued = False
            self._advance(run)

    def _instant(self, now: int) -> None:
        """Apply what happens at an instant, have a round of decisions, and let their consequences spread."""
        desks: dict[int, Desk] = {}
        while self._events and self._events[0][0] == now:
            _, _, desk, what = heappop(self._events)
            if isinstance(what, Offer):
                self._ship(now, what)
            elif desk is not None:
                desks[desk.order] = desk
                self._apply(desk, now, what)
        for order in sorted(desks):
            self._decide(desks[order], now)
        self._drain()

    def _apply(self, desk: Desk, now: int, what: What) -> None:
        """Note what happens at a desk."""
        if what is None:
            return
        if not what:
            desk.open = False
        elif len(what) == 2:
            self._give_back(desk, now, *what)
        else:
            heappush(desk.pending, what)

    def _event(self, time_ps: int, desk: Desk | None, what: What | Offer) -> None:
        self._count += 1
        heappush(self._events, (time_ps, self._count, desk, what))

    def _decide(self, desk: Desk, now: int) -> None:
        resource = desk.resource
        if isinstance(resource, SlotPool):
            while desk.pending and desk.taken < resource.count:
                asked, *_, run = heappop(desk.pending)
                desk.taken += 1
                self._have_slot(run, resource, asked, now)
            return
        if desk.open or not desk.pending:
            return
        if resource.free_ps <= now:
            _, _, _, _, run = heappop(desk.pending)
            self._start(run, resource, now if resource.clock is None else resource.clock.align(now))
            desk.open = run.stage.captures is not None
        if desk.pending and not desk.open and (desk.armed_ps < resource.free_ps or resource.free_ps <= now):
            desk.armed_ps = resource.free_ps
            self._event(max(resource.free_ps, now), desk, None)

    def _give_back(self, desk: Desk, now: int, stream: int, total: int) -> None:
        """Have the first `total` slots of a stream back in a shared pool."""
        returns = self._returns[id(desk.resource), stream]
        for use in returns.uses[len(returns.ends) : total]:
            use.end_ps = now
            returns.ends.append(now)
            desk.taken -= 1

    # ---- the network

    def _carry(self) -> None:
        """Run the network up to the next instant, and have whatever leaves before it, or in it, spread."""
        if self._shipping is None:
            return
        while gone := self._shipping.run(self._events[0][0] if self._events else None):
            for offer, passage in gone:
                self._left(self._next[offer.stream, SENDING + offer.stage], offer.iteration, passage)
            self._drain()

    def _ship(self, now: int, offer: Offer) -> None:
        assert self._shipping is not None, "a stage that sends has a network to send over"
        self._shipping.offer(now, offer)

    def _send(self, run: Run) -> None:
        """Hand over every packet whose data is there, each at an edge of the network's clock."""
        stage, log, packets = run.stage, run.log, run.stage.packets
        assert packets is not None, "only stages that send come here"
        while run.sent < run.total:
            source = run.sent
            if stage.acquires is None:
                source = run.stream.upstream(run.index, run.sent) if run.index else run.sent // stage.iterations
            if len(run.before) <= source:
                return
            ready = run.before[source]
            if stage.acquires is None:
                ready = stage.enter(ready)
                log.arrival_ps.append(ready)
            log.start_ps.append(stage.latency.align(ready))
            self._event(log.start_ps[-1], None, Offer(ready, run.stream.index, run.index, run.sent, packets))
            run.sent += 1

    def _left(self, run: Run, iteration: int, passage: Passage) -> None:
        """Have a packet's iteration done, if those before it are."""
        run.early[iteration] = passage
        while run.done in run.early:
            run.log.passages.append(run.early.pop(run.done))
            run.log.worked_ps.append(passage.left_ps)
            self._finish(run, passage.left_ps)

    # ---- streams

    def _issue(self, stream: Stream) -> None:
        """Issue vectors as far as inputs and room are known."""
        if stream.source and not self._began:
            return
        while len(stream.issue_ps) < stream.total:
            vector = len(stream.issue_ps)
            time = stream.issue_ps[-1] if vector else (self._begin_ps if stream.source else 0)
            time = max(time, self.system.released_ps(stream, vector, self._begin_ps))
            for edge in stream.inputs:
                needed = edge.needs[vector]
                if len(edge.arrived_ps) <= needed:
                    return
                if needed >= 0:
                    time = max(time, edge.arrived_ps[needed])
            for edge in stream.outputs:
                if edge.capacity is not None and vector >= edge.capacity:
                    if len(edge.freed_ps) <= vector - edge.capacity:
                        return
                    time = max(time, edge.freed_ps[vector - edge.capacity])
            stream.issue_ps.append(time)
            self._wake(self._next[stream.index, -1])

    def _advance(self, run: Run) -> None:
        """Take a stage through its iterations until a time is not known yet."""
        if run.stage.packets is not None and not run.slots_only:
            self._send(run)
            return
        while run.done < run.total and run.needs != ASKED:
            if run.needs == ARRIVAL and not self._arrive(run):
                return
            if run.needs == SLOT and not self._take_slot(run):
                return
            if run.needs == SERVER and not self._take_server(run):
                return
            if run.needs == CAPTURE and not self._capture(run):
                return

    def _arrive(self, run: Run) -> bool:
        stream, iteration = run.stream, run.done
        if run.stage.acquires is not None and not run.slots_only:
            run.needs = SERVER
            return len(run.before) > iteration or self._not_yet(run)
        source = stream.upstream(run.index, iteration) if run.index else iteration // run.stage.iterations
        if len(run.before) <= source:
            return False
        run.log.arrival_ps.append(run.stage.enter(run.before[source]))
        run.needs = SLOT if run.slots_only else SERVER
        return True

    @staticmethod
    def _not_yet(run: Run) -> bool:
        run.needs = ARRIVAL
        return False

    def _take_slot(self, run: Run) -> bool:
        pool, iteration = run.stage.acquires, run.done
        assert pool is not None
        arrival = run.log.arrival_ps[iteration]
        asked = max(arrival, run.log.slot_ps[-1]) if iteration else arrival
        if not run.own:
            self._ask_slot(run, pool, asked)
            return False
        granted = self._own_slot(run, pool, asked)
        if granted is None:
            return False
        self._have_slot(run, pool, asked, granted)
        return True

    def _own_slot(self, run: Run, pool: SlotPool, asked: int) -> int | None:
        """Return when a slot of a private pool is had, if that is known."""
        ends = self._returns[id(pool), run.stream.index].ends
        if run.done < pool.count:
            return asked
        if len(ends) <= run.done - pool.count:
            return None
        return max(asked, ends[run.done - pool.count])

    def _ask_slot(self, run: Run, pool: SlotPool, asked: int) -> None:
        what = (asked, run.stream.index, run.done, run.needs, run)
        self._event(asked, self._desks[id(pool)], what)
        run.needs = ASKED

    def _have_slot(self, run: Run, pool: SlotPool, asked: int, granted: int) -> None:
        use = SlotUse(asked, granted, -1, run.stream.index, run.done)
        pool.uses.append(use)
        self._returns[id(pool), run.stream.index].uses.append(use)
        if run.slots_only:
            run.log.slot_ps.append(granted)
            run.done += 1
            run.needs = ARRIVAL
            self._wake(self._next[run.stream.index, run.index + TAKEN])
        else:
            run.needs = CAPTURE
            self._captured(run, granted)
        self._wake(run)

    def _take_server(self, run: Run) -> bool:
        stage, log, iteration = run.stage, run.log, run.done
        slot = (log.slot_ps if stage.acquires is not None else log.arrival_ps)[iteration]
        if stage.server is None:
            self._started(run, stage.latency.align(slot))
            return True
        asked = max(slot, log.start_ps[-1]) if iteration else slot
        if run.own:
            free = max(asked, stage.server.free_ps)
            self._start(run, stage.server, free if stage.server.clock is None else stage.server.clock.align(free))
            return True
        ready = max(asked, log.done_ps[-1]) if iteration and stage.captures else asked
        self._event(ready, self._desks[id(stage.server)], (asked, run.stream.index, run.index, iteration, run))
        run.needs = ASKED
        return False

    def _start(self, run: Run, server: Server, start: int) -> None:
        stage = run.stage
        hold = Hold(start, -1, run.stream.index, run.index, run.done)
        server.holds.append(hold)
        if stage.captures is None:
            hold.end_ps = server.free_ps = stage.interval.end(start, run.done // stage.iterations)
            server.busy_ps += hold.end_ps - start
        self._started(run, start)
        self._wake(run)

    def _started(self, run: Run, start: int) -> None:
        log, stage = run.log, run.stage
        log.start_ps.append(start)
        worked = stage.latency.end(start, run.done // stage.iterations)
        if log.worked_ps:
            worked = max(worked, log.worked_ps[-1])
        log.worked_ps.append(worked)
        run.needs = CAPTURE
        if stage.captures is None:
            self._finish(run, worked)

    def _capture(self, run: Run) -> bool:
        pool, worked = run.stage.captures, run.log.worked_ps[run.done]
        assert pool is not None
        if not run.own_capture:
            self._ask_slot(run, pool, worked)
            return False
        granted = self._own_slot(run, pool, worked)
        if granted is None:
            return False
        self._have_slot(run, pool, worked, granted)
        return True

    def _captured(self, run: Run, granted: int) -> None:
        server = run.stage.server
        if server is not None:
            hold = server.holds[-1]
            hold.end_ps = server.free_ps = granted
            server.busy_ps += granted - hold.start_ps
            if not run.own:
                self._event(granted, self._desks[id(server)], ())
        self._finish(run, granted)

    def _finish(self, run: Run, done: int) -> None:
        """Have an iteration done, and make known what that makes known."""
        stream, stage, iteration = run.stream, run.stage, run.done
        run.log.done_ps.append(done)
        run.done += 1
        run.needs = ARRIVAL
        stream.stage_counts[run.index] += 1
        for pool, per_vector in stage.releases:
            self._release(pool, stream, stream.released(run.index, per_vector, iteration), done)
        if run.done % stage.iterations == 0:
            if run.index == 0:
                self._fetched(stream, iteration // stage.iterations, done)
            if run.index == len(stream.stages) - 1:
                self._end(stream, done)
        if run.index + 1 < len(stream.stages):
            self._wake(self._next[stream.index, run.index])

    def _release(self, pool: SlotPool, stream: Stream, total: int, done: int) -> None:
        if pool.shared:
            self._event(done, self._desks[id(pool)], (stream.index, total))
            return
        returns = self._returns[id(pool), stream.index]
        for use in returns.uses[len(returns.ends) : total]:
            use.end_ps = done
            returns.ends.append(done)
        for taker in returns.takers:
            self._wake(taker)

    def _fetched(self, stream: Stream, vector: int, done: int) -> None:
        if stream.on_fetch is not None:
            stream.on_fetch(vector)
        for edge in stream.inputs:
            passed = self._passed[edge.index]
            passed.extend([done] * (edge.keeps[vector] - len(passed)))
            self._free(edge)

    def _end(self, stream: Stream, done: int) -> None:
        if stream.on_end is not None:
            stream.on_end(len(stream.end_ps))
        stream.end_ps.append(done)
        for edge in stream.outputs:
            edge.arrived_ps.append(done)
            self._free(edge)
            self._issue(self.system.streams[edge.target])
        if stream.prepares and len(stream.end_ps) == stream.total:
            self._programmed(done)

    def _programmed(self, done: int) -> None:
        self._programs -= 1
        if self.system.begin is None:
            self._begin_ps = max(self._begin_ps, done)
            if not self._programs:
                self._began = True
                for stream in self.system.streams:
                    if stream.source:
                        self._issue(stream)

    def _free(self, edge: Edge) -> None:
        """Free what has been passed and has arrived."""
        passed, before = self._passed[edge.index], len(edge.freed_ps)
        for vector in range(before, min(len(passed), len(edge.arrived_ps))):
            edge.freed_ps.append(max(passed[vector], edge.arrived_ps[vector]))
        if len(edge.freed_ps) > before:
            self._issue(self.system.streams[edge.source])


def can_run_fast(system: System) -> bool:
    """Whether a system has only what the fast engines know: no byte pools, no components of the user's own."""
    return all(edge.pool is None for edge in system.edges) and all(stream.total for stream in system.streams)


def check_can_run_fast(system: System) -> None:
    """Raise ValueError if a system needs the reference engine."""
    if not can_run_fast(system):
        raise ValueError("byte pools and components of the user's own need the reference engine")


def settle(edges: Sequence[Edge], system: System) -> None:
    """Count the occupancies of a finished run's edges from its times."""
    for edge in edges:
        starts = system.streams[edge.source].issue_ps
        for level, begins in ((edge.occupancy, starts), (edge.valid, edge.arrived_ps)):
            changes = sorted([(time, 1) for time in begins] + [(time, -1) for time in edge.freed_ps])
            for time, amount in changes:
                level.change(amount, time)
