"""Does the comparison with the reference find an engine in which one rule of the execution model is broken?

Each of the engines here is the readable twin with a single rule wrong: something happens a little too early, or in
another order. A log that is wrong by itself would be found too easily; so holds, slots and rooms are logged as they
should be, and only the bound that is drawn from them is wrong.
"""

from __future__ import annotations

from heapq import heappop

import pytest
from hypothesis import given

from aimcsim.engine import FastEngine, ReferenceEngine, Server, SlotPool, Stream, System
from aimcsim.engine.fast import Desk, Run, What
from aimcsim.errors import DeadlockError
from tests.engine.random_systems import Recipe, build, recipes
from tests.engine.test_fast import everything
from tests.engine.test_random_systems import examples

MOST = 60
"""Systems within which a broken rule must show."""


class NoWaitForRoom(FastEngine):
    """Vectors are issued without waiting for room."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        for edge in system.edges:
            edge.capacity = None


class OneVectorTooManyFits(FastEngine):
    """Edges have room for one vector more than their quota."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        for edge in system.edges:
            edge.capacity = None if edge.capacity is None else edge.capacity + 1


class RoomOneFetchEarly(FastEngine):
    """The fetch for a vector gives back what the vector after it still needs."""

    def _fetched(self, stream: Stream, vector: int, done: int) -> None:
        super()._fetched(stream, min(vector + 1, stream.total - 1), done)


class IssuedOneInputEarly(FastEngine):
    """A vector is issued when the input before the last one that it needs is there."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self.last = {edge.index: list(edge.needs) for edge in system.edges if edge.vector_bytes}

    def _issue(self, stream: Stream) -> None:
        edges = [edge for edge in stream.inputs if edge.vector_bytes]
        for edge in edges:
            edge.needs[:] = [needed - 1 for needed in self.last[edge.index]]
        super()._issue(stream)
        for edge in edges:
            edge.needs[:] = self.last[edge.index]


class NoWaitForProgramming(FastEngine):
    """Sources begin at once, though nothing is programmed yet."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self._began = True


class ReleasedOneRequestEarly(FastEngine):
    """Every request may come when the one before it may."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        system.release_ps = (0, *system.release_ps[:-1]) if system.release_ps else ()


class HoldOneCycleShort(FastEngine):
    """A server is free one cycle, or one picosecond, before a hold ends."""

    def _start(self, run: Run, server: Server, start: int) -> None:
        super()._start(run, server, start)
        if run.stage.captures is None and server.free_ps > start:
            server.free_ps = server.free_ps - 1 if server.clock is None else server.clock.align(server.free_ps - 1)


class FreeBeforeCaptured(FastEngine):
    """A server that keeps its result until that has a slot is free as soon as the result is there."""

    def _captured(self, run: Run, granted: int) -> None:
        super()._captured(run, granted)
        if run.stage.server is not None:
            run.stage.server.free_ps = run.log.worked_ps[-1]


class SlotOneIterationEarly(FastEngine):
    """Slots are counted back one iteration early."""

    def _release(self, pool: SlotPool, stream: Stream, total: int, done: int) -> None:
        super()._release(pool, stream, total + 1, done)


class SlotOneTooMany(FastEngine):
    """Pools that several streams share have one slot more than there are."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        for desk in self._desks.values():
            desk.taken = -1


class AllAskAtOnce(FastEngine):
    """A stage queues with the time of its data, not with the start of its iteration before."""

    def _event(self, time_ps: int, desk: Desk, what: What) -> None:
        if what and len(what) == 5 and isinstance(desk.resource, Server):
            _, stream, stage, iteration, run = what
            log = run.log.arrival_ps if run.stage.acquires is None else run.log.slot_ps
            what = (log[iteration], stream, stage, iteration, run)
        super()._event(time_ps, desk, what)


class LaterStreamFirst(FastEngine):
    """Of requests of one instant the stream with the higher index is served first."""

    def _event(self, time_ps: int, desk: Desk, what: What) -> None:
        if what and len(what) == 5:
            asked, stream, *rest = what
            what = (asked, -stream, *rest)
        super()._event(time_ps, desk, what)


class DecidedBeforeAllHaveAsked(FastEngine):
    """A server decides at the first event of an instant and not when all of that instant are there."""

    def _instant(self, now: int) -> None:
        _, _, desk, what = heappop(self._events)
        self._apply(desk, now, what)
        self._decide(desk, now)
        self._drain()


class HeardOneRoundEarly(FastEngine):
    """Servers hear what follows from slots being handed out in the same round."""

    def _instant(self, now: int) -> None:
        desks = self._heard(now)
        for order in sorted(desks):
            if isinstance(desks[order].resource, SlotPool):
                self._decide(desks[order], now)
        self._drain()
        desks |= self._heard(now)
        for order in sorted(desks):
            self._decide(desks[order], now)
        self._drain()

    def _heard(self, now: int) -> dict[int, Desk]:
        desks: dict[int, Desk] = {}
        while self._events and self._events[0][0] == now:
            _, _, desk, what = heappop(self._events)
            desks[desk.order] = desk
            self._apply(desk, now, what)
        return desks


BROKEN = FastEngine.__subclasses__()


@pytest.fixture(scope="module")
def cases() -> list[tuple[Recipe, dict[str, object]]]:
    """The same random systems every time, with the logs of the reference."""
    drawn: list[tuple[Recipe, dict[str, object]]] = []

    @examples(MOST)
    @given(recipe=recipes())
    def draw(recipe: Recipe) -> None:
        system = build(recipe).system
        ReferenceEngine(system).run()
        drawn.append((recipe, everything(system)))

    draw()
    return drawn


def agrees(engine: type[FastEngine], recipe: Recipe, expected: dict[str, object]) -> bool:
    """Whether an engine completes a system with the expected logs."""
    system = build(recipe).system
    try:
        engine(system).run()
    except DeadlockError:
        return False
    return everything(system) == expected


def test_the_unbroken_engine_agrees_on_all_of_them(cases: list[tuple[Recipe, dict[str, object]]]) -> None:
    assert len(cases) >= MOST // 2, "enough systems were drawn"
    assert all(agrees(FastEngine, recipe, expected) for recipe, expected in cases)


@pytest.mark.parametrize("engine", BROKEN)
def test_a_broken_rule_shows(engine: type[FastEngine], cases: list[tuple[Recipe, dict[str, object]]]) -> None:
    assert not all(agrees(engine, recipe, expected) for recipe, expected in cases)
