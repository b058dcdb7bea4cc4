"""Counted storage between two stages: input registers, sample-and-hold cells, packet slots.

A slot is taken for one iteration of a stage and given back when a later stage has no more use for what it holds.
A pool that one stream has for itself grants on the spot; a shared one arbitrates by (arrival, stream index).
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

from simpy.events import Event

from aimcsim.engine.environment import Environment
from aimcsim.errors import SimulationError


@dataclass(slots=True)
class SlotUse:
    """One slot in the hands of one stream: the `number`-th it took from this pool."""

    arrival_ps: int
    start_ps: int
    end_ps: int
    stream: int
    number: int


class SlotPool:
    """A number of equal slots.

    Parameters
    ----------
    count : int
        Slots there are, at least 1.
    cause : str
        What waiting for a slot is called (a wait cause).
    shared : bool
        Whether several streams use the pool; then a grant at an instant waits for the round.
    """

    __slots__ = (
        *("_clients", "_env", "_pending", "_taken"),
        *("cause", "compiled", "count", "kind", "order", "path", "shared", "uses"),
    )

    def __init__(
        self, env: Environment, order: int, path: str, kind: str, cause: str, count: int, *, shared: bool
    ) -> None:
        self.order = order
        self.path = path
        self.kind = kind
        self.cause = cause
        self.count = count
        self.shared = shared
        self.uses: list[SlotUse] = []
        """Every use, in the order of the grants."""
        self.compiled = False
        """Whether the compiled loop hands them out, so that nobody else may ask for one."""
        self._env = env
        self._pending: list[tuple[int, int, int, Event]] = []
        self._taken = 0
        self._clients: dict[int, tuple[list[SlotUse], int]] = {}

    def request(self, arrival_ps: int, stream: int, number: int) -> Event:
        """Ask for the stream's `number`-th slot; the event's value is the time at which it is had.

        Raises
        ------
        SimulationError
            If the fast engine has the slots to itself.
        """
        if self.compiled:
            raise SimulationError(
                f"{self.path} belongs to the fast engine; a component that asks for slots must be a guest without "
                f"`servers`, which has the reference engine run everything"
            )
        event = Event(self._env)
        heappush(self._pending, (arrival_ps, stream, number, event))
        self._wake()
        return event

    def release(self, stream: int, total: int) -> None:
        """Have the stream's first `total` slots given back (those already back do not count again)."""
        uses, returned = self._clients.get(stream, ([], 0))
        for use in uses[returned:total]:
            use.end_ps = int(self._env.now)
        self._taken -= max(0, total - returned)
        self._clients[stream] = (uses, max(total, returned))
        self._wake()

    def decide(self) -> None:
        """Hand out free slots by order of arrival."""
        while self._pending and self._taken < self.count:
            arrival, stream, number, event = heappop(self._pending)
            use = SlotUse(arrival, int(self._env.now), -1, stream, number)
            self.uses.append(use)
            self._clients.setdefault(stream, ([], 0))[0].append(use)
            self._taken += 1
            event.succeed(use.start_ps)

    def holders(self) -> list[int]:
        """Return the streams that have a slot now."""
        return sorted(stream for stream, (uses, returned) in self._clients.items() if len(uses) > returned)

    def waiting(self) -> list[int]:
        """Return the streams that wait, earliest first."""
        return [entry[1] for entry in sorted(self._pending, key=lambda entry: entry[:3])]

    def _wake(self) -> None:
        if not self._pending or self._taken >= self.count:
            return
        if self.shared:
            self._env.arbitrate(self)
        else:
            self.decide()
