"""The reference engine: every stream is a handful of SimPy processes that exchange timed events.

This is the execution model as its reader thinks of it, one event per booking, and the oracle of anything faster. Per
stream there is one process that issues vectors, one per stage that serves them, and one that hands results on; between
them stand `Lane`s. Nothing here looks ahead: who asks, asks when the time has come.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from math import inf
from typing import Any

from simpy.events import Event

from aimcsim.engine.account import Account, Question, account
from aimcsim.engine.carrier import Carrier, Offer, Passage, Shipping
from aimcsim.engine.deadlock import Standing, report_deadlock, standing_of
from aimcsim.engine.environment import Environment, Process
from aimcsim.engine.progress import Alive, Progress, Teller
from aimcsim.engine.slots import SlotPool
from aimcsim.engine.space import SpaceArbiter
from aimcsim.engine.stream import Stage, Stream, System

STEPS = 64
"""Events between two looks at the clock on the wall."""


class Lane:
    """Finished iterations of one stage, in order, each with the time at which it is ready for the next."""

    __slots__ = ("_env", "_waiter", "times_ps")

    def __init__(self, env: Environment, times_ps: list[int]) -> None:
        self.times_ps = times_ps
        self._env = env
        self._waiter: Event | None = None

    def put(self, ready_ps: int) -> None:
        """Add the next iteration."""
        self.times_ps.append(ready_ps)
        event, self._waiter = self._waiter, None
        if event is not None:
            event.succeed()

    def take(self, index: int) -> Generator[Event, Any, int]:
        """Wait until an iteration is known, and return when it is ready."""
        while len(self.times_ps) <= index:
            self._waiter = Event(self._env)
            yield self._waiter
        return self.times_ps[index]


class ReferenceEngine:
    """Runs a system to its end.

    Parameters
    ----------
    system : System
    question : Question, optional
        What to account for when the run is over.

    Raises
    ------
    DeadlockError
        From `run`, if nothing can happen any more and some stream has vectors left.
    """

    name = "reference"

    def __init__(self, system: System, question: Question | None = None) -> None:
        self.system = system
        self.env = system.env
        self._question = question
        self._space = SpaceArbiter(self.env, system.arbiters)
        self._ready = self.env.event()
        self._streams = self._processes()
        self._unfinished = len(self._streams)
        self._courier: _Courier | None = None
        self._programs = sum(stream.prepares for stream in system.streams)
        for edge in system.edges:
            if edge.pool is not None:
                edge.pool.returned = self._space.wake

    def run(self, alive: Alive | None = None) -> int:
        """Start every stream and process events until the last vector has ended; return their number.

        `alive` is told every so often how far the run is.
        """
        tell = None if alive is None else Teller(alive, self._progress)
        if self.system.carrier is not None:
            self._courier = _Courier(self.env, self.system.carrier)
        for stream in self._streams:
            self._start(stream)
        if not self._programs or self.system.begin is not None:
            self.env.call_at(self.system.begin or 0, self._begin)
        while self._unfinished:
            if self._stands_still():
                raise report_deadlock(self.system, self._standing())
            self.env.step()
            if tell is not None and not self.env.scheduled % STEPS:
                tell()
        self.env.run(until=int(self.env.now) + 1)
        if alive is not None:
            alive(self._progress())
        return self.env.scheduled

    def _progress(self) -> Progress:
        streams = self.system.streams
        ended, total = sum(len(stream.end_ps) for stream in streams), sum(stream.total for stream in streams)
        return Progress(int(self.env.now), self.env.scheduled, ended, total)

    def account(self) -> Account:
        """Return what the run leaves behind."""
        assert self._question is not None, "an engine without a question has no answer"
        return account(self.system, self._question)

    def _processes(self) -> list[Stream]:
        """Return the streams that run as processes."""
        return [stream for stream in self.system.streams if stream.total]

    def _stands_still(self) -> bool:
        """Whether nothing but components of the user's own can happen any more, and none of these has anything."""
        return self.env.only_guests_left() and not self._guest_holds()

    def _standing(self) -> Standing:
        return standing_of(self.system)

    def _start(self, stream: Stream) -> None:
        """Set up the processes of a stream, first stage to last."""
        lane = Lane(self.env, stream.issue_ps)
        self.env.process(self._issue(stream, lane))
        for index, stage in enumerate(stream.stages):
            log = stream.log[index]
            if stage.acquires is not None:
                slots = Lane(self.env, log.slot_ps)
                self.env.process(self._acquire(stream, index, lane, slots))
                lane = slots
            done = Lane(self.env, log.done_ps)
            work = self._serve if stage.packets is None else self._send
            self.env.process(work(stream, index, lane, done))
            lane = done
        self.env.process(self._finish(stream, lane))

    def _guest_holds(self) -> bool:
        """Whether a component of the user's own has a server or slot that it has yet to release."""
        guests = {stream.index for stream in self.system.streams if not stream.total}
        held = {server.held_open_by for server in self.system.servers}
        return bool(guests & held.union(*(pool.holders() for pool in self.system.slots)))

    def _begin(self) -> None:
        """Let the sources begin."""
        self._ready.succeed()

    def _until(self, time_ps: int) -> Process:
        """Wait for an absolute time, if it is still to come."""
        if time_ps > self.env.now:
            yield self.env.at(time_ps)

    def _issue(self, stream: Stream, lane: Lane) -> Process:
        """Admit vectors in order: released, inputs there, then space at every destination, all or none."""
        if stream.source:
            yield self._ready
        begun = int(self.env.now)
        pooled = [edge for edge in stream.outputs if edge.pool is not None]
        for vector in range(stream.total):
            yield from self._until(self.system.released_ps(stream, vector, begun))
            for edge in stream.inputs:
                while len(edge.arrived_ps) <= edge.needs[vector]:
                    yield edge.arrival()
            for edge in stream.outputs:
                while not edge.has_room():
                    yield edge.room()
            if pooled:
                yield self._space.request(int(self.env.now), stream.index, pooled)
            for edge in stream.outputs:
                edge.reserve()
            lane.put(int(self.env.now))

    def _acquire(self, stream: Stream, index: int, before: Lane, after: Lane) -> Process:
        """Take a slot for every iteration of a stage, one after the other."""
        stage = stream.stages[index]
        pool = stage.acquires
        assert pool is not None, "only stages with slots have this process"
        for iteration in range(stream.total * stage.iterations):
            ready = yield from before.take(self._source(stream, index, iteration))
            arrival = stage.enter(ready)
            yield from self._until(arrival)
            stream.log[index].arrival_ps.append(arrival)
            granted = yield pool.request(int(self.env.now), stream.index, iteration)
            after.put(granted)

    def _serve(self, stream: Stream, index: int, before: Lane, after: Lane) -> Process:
        """Take a stage's iterations through its server, one after the other."""
        stage, log = stream.stages[index], stream.log[index]
        for iteration in range(stream.total * stage.iterations):
            arrival = yield from self._arrive(stream, index, before, iteration)
            vector = iteration // stage.iterations
            start = stage.latency.align(arrival)
            if stage.server is not None:
                length = None if stage.captures else stage.interval
                asked = max(arrival, log.start_ps[-1]) if iteration else arrival
                start = yield stage.server.request(asked, stream.index, index, iteration, vector, length)
            log.start_ps.append(start)
            worked = stage.latency.end(start, vector)
            if iteration:
                worked = max(worked, log.worked_ps[-1])
            log.worked_ps.append(worked)
            if stage.captures is None:
                self._done(stream, index, iteration, worked)
                after.put(worked)
            else:
                yield from self._capture(stream, index, iteration, worked)
                after.put(int(self.env.now))

    def _arrive(self, stream: Stream, index: int, before: Lane, iteration: int) -> Generator[Event, Any, int]:
        """Wait until an iteration can ask for its server: its slot is had, or its data has crossed into the clock."""
        stage = stream.stages[index]
        if stage.acquires is not None:
            arrival = yield from before.take(iteration)
        else:
            ready = yield from before.take(self._source(stream, index, iteration))
            arrival = stage.enter(ready)
            stream.log[index].arrival_ps.append(arrival)
        yield from self._until(arrival)
        return arrival

    def _send(self, stream: Stream, index: int, before: Lane, after: Lane) -> Process:
        """Hand a stage's packets to the network, each when it is ready; `_left` goes on with those that have left."""
        stage, log, courier = stream.stages[index], stream.log[index], self._courier
        assert courier is not None, "a stage that sends has a network to send over"
        assert stage.packets is not None, "only stages that send come here"
        early: dict[int, Passage] = {}
        for iteration in range(stream.total * stage.iterations):
            arrival = yield from self._arrive(stream, index, before, iteration)
            start = stage.latency.align(arrival)
            yield from self._until(start)
            log.start_ps.append(start)
            offer = Offer(arrival, stream.index, index, iteration, stage.packets)
            courier.offer(offer, partial(self._left, stream, index, early, after))

    def _left(
        self, stream: Stream, index: int, early: dict[int, Passage], after: Lane, iteration: int, passage: Passage
    ) -> None:
        """Have a packet's iteration done, if those before it are; else it waits for these in `early`."""
        log, now = stream.log[index], int(self.env.now)
        early[iteration] = passage
        while (number := len(log.worked_ps)) in early:
            log.passages.append(early.pop(number))
            log.worked_ps.append(now)
            self._done(stream, index, number, now)
            after.put(now)

    def _capture(self, stream: Stream, index: int, iteration: int, worked_ps: int) -> Process:
        """Keep the server until the result of an iteration has a slot."""
        stage = stream.stages[index]
        assert stage.captures is not None, "only stages that capture wait here"
        yield from self._until(worked_ps)
        yield stage.captures.request(worked_ps, stream.index, iteration)
        if stage.server is not None:
            stage.server.release(int(self.env.now))
        self._done(stream, index, iteration, int(self.env.now))

    def _done(self, stream: Stream, index: int, iteration: int, done_ps: int) -> None:
        """Have what an iteration sets free set free when it is done."""
        stage = stream.stages[index]
        last = (iteration + 1) % stage.iterations == 0
        actions: list[Callable[[], None]] = []
        for pool, per_vector in stage.releases:
            actions.append(_release(pool, stream, stream.released(index, per_vector, iteration)))
        if index == 0 and last:
            actions.append(lambda: self._fetched(stream, iteration // stage.iterations))
        stream.stage_counts[index] += 1
        for action in actions:
            if done_ps > self.env.now:
                self.env.call_at(done_ps, action)
            else:
                action()

    def _fetched(self, stream: Stream, vector: int) -> None:
        """Use the inputs of a vector, then free those that no later vector needs."""
        if stream.on_fetch is not None:
            stream.on_fetch(vector)
        for edge in stream.inputs:
            edge.free(edge.keeps[vector])

    def _finish(self, stream: Stream, lane: Lane) -> Process:
        """Hand each complete vector to the streams that wait for it."""
        iterations = stream.stages[-1].iterations if stream.stages else 1
        for vector in range(stream.total):
            end = yield from lane.take((vector + 1) * iterations - 1)
            yield from self._until(end)
            if stream.on_end is not None:
                stream.on_end(vector)
            stream.end_ps.append(end)
            for edge in stream.outputs:
                edge.arrive()
            self._ended(stream)
        self._unfinished -= 1

    def _ended(self, stream: Stream) -> None:
        """Take note that a vector has ended; when all state is programmed, the sources begin."""
        if not stream.prepares or len(stream.end_ps) < stream.total:
            return
        self._programs -= 1
        if not self._programs and self.system.begin is None:
            self._begin()

    def _source(self, stream: Stream, index: int, iteration: int) -> int:
        """Return which item of the lane before a stage an iteration of it takes."""
        if index == 0:
            return iteration // stream.stages[0].iterations
        return stream.upstream(index, iteration)


class _Courier:
    """The process that runs the network: to the next foreign event and never past it."""

    def __init__(self, env: Environment, carrier: Carrier) -> None:
        self._env = env
        self._shipping = Shipping(carrier)
        self._told: dict[tuple[int, int], Callable[[int, Passage], None]] = {}
        self._wanted: Event | None = None
        env.process(self._look_ahead())

    def offer(self, offer: Offer, left: Callable[[int, Passage], None]) -> None:
        """Take a packet; `left` is told its iteration and passage when it has left."""
        self._told[offer.stream, offer.stage] = left
        self._shipping.offer(int(self._env.now), offer)
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            wanted.succeed()

    def _look_ahead(self) -> Process:
        """Run the network whenever an instant is over; what leaves at an instant does so before anything is decided."""
        stuck = False
        while True:
            if stuck or self._shipping.idle:
                self._wanted = Event(self._env)
                yield self._wanted
            yield self._env.over()
            ahead = self._env.peek()
            gone = self._shipping.run(None if ahead == inf else int(ahead))
            stuck = not gone and ahead == inf
            if not stuck:
                yield self._env.at(gone[0][1].left_ps if gone else int(ahead))
            for offer, passage in gone:
                self._told[offer.stream, offer.stage](offer.iteration, passage)


def _release(pool: SlotPool, stream: Stream, total: int) -> Callable[[], None]:
    """Return the act of giving a stream's first `total` slots back."""
    return lambda: pool.release(stream.index, total)


def stage_of(stream: Stream, name: str) -> Stage:
    """Return a stream's stage by its name in the stage table.

    Raises
    ------
    KeyError
        If the stream has no such stage.
    """
    for stage in stream.stages:
        if stage.name == name:
            return stage
    raise KeyError(name)
