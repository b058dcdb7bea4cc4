"""The event loop: SimPy with integer picoseconds and arbitration in rounds.

What happens at one instant has no order of its own, so nothing may depend on the order in which SimPy happens to
process it. Whoever arbitrates (a server, a shared pool) therefore decides in a *round* at the end of the instant, when
all that arrives without arbitration has arrived; what a round brings about at the same instant is seen by the next.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from heapq import heappush
from typing import Any, Protocol

import simpy
from simpy.events import NORMAL, Event, EventPriority, Timeout

from aimcsim.errors import CausalityError

LATE = EventPriority(9)
"""Priority of a round: after everything else of its instant."""
LAST = EventPriority(10)
"""Priority of what looks ahead: when all rounds of an instant are over."""

Process = Generator[Event, Any, None]


class Arbiter(Protocol):
    """Whoever hands out something that several may want at the same instant."""

    order: int

    def decide(self) -> None:
        """Grant what can be granted now; called once a round."""


class Environment(simpy.Environment):
    """Simulated time in integer picoseconds.

    Parameters
    ----------
    shuffle_seed : int or None
        With a seed, simultaneous events are processed in a random order. Results must not change; tests use it.
    """

    def __init__(self, *, shuffle_seed: int | None = None) -> None:
        super().__init__(0)
        self.scheduled = 0
        """Events put in the queue so far."""
        self._foreign = 0
        self._random = None if shuffle_seed is None else random.Random(shuffle_seed)  # noqa: S311 - no secret
        self._waiting: dict[int, Arbiter] = {}

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: float = 0) -> None:
        """Put an event `delay` picoseconds ahead.

        Raises
        ------
        CausalityError
            If the delay is no whole, non-negative number of picoseconds.
        """
        if type(delay) is not int or delay < 0:
            raise CausalityError(f"a delay must be a whole number of picoseconds, not below 0 (got {delay!r})")
        self.scheduled += 1
        tie = self.scheduled
        if self._random is not None:
            tie |= self._random.getrandbits(16) << 48
        heappush(self._queue, (self._now + delay, priority, tie, event))

    def timeout(self, delay: float = 0, value: Any = None) -> Timeout:
        """Return an event `delay` picoseconds ahead, for components of the user's own; the engines use `at`."""
        event = Timeout(self, delay, value)
        self._foreign += 1
        assert event.callbacks is not None, "a fresh event has callbacks"
        event.callbacks.append(self._passed)
        return event

    def only_guests_left(self) -> bool:
        """Whether nothing is to come but timeouts of the user's own components."""
        return len(self._queue) <= self._foreign

    def at(self, time_ps: int) -> Event:
        """Return the event of reaching an absolute time, which must not lie in the past."""
        event = self._happening()
        self.schedule(event, NORMAL, time_ps - int(self._now))
        return event

    def over(self) -> Event:
        """Return the event of everything else at this instant being over."""
        event = self._happening()
        self.schedule(event, LAST)
        return event

    def call_at(self, time_ps: int, action: Callable[[], None]) -> None:
        """Have `action` called at an absolute time."""
        callbacks = self.at(time_ps).callbacks
        assert callbacks is not None, "a fresh event has callbacks"
        callbacks.append(lambda _event: action())

    def arbitrate(self, arbiter: Arbiter) -> None:
        """Have `arbiter` decide in the next round of this instant."""
        if not self._waiting:
            event = self._happening()
            assert event.callbacks is not None, "a fresh event has callbacks"
            event.callbacks.append(self._round)
            self.schedule(event, LATE)
        self._waiting[arbiter.order] = arbiter

    def _passed(self, _event: Event) -> None:
        self._foreign -= 1

    def _happening(self) -> Event:
        """Return an event that has a value already and only needs a time; SimPy has no other way to give a priority."""
        event = Event(self)
        event._ok, event._value = True, None  # noqa: SLF001
        return event

    def _round(self, _event: Event) -> None:
        deciding, self._waiting = self._waiting, {}
        for order in sorted(deciding):
            deciding[order].decide()
