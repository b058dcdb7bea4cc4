"""A server: one resource that serves one request at a time, by order of arrival.

Converter banks, buffer ports, crossbars, links, vector units and host links are all servers; what they are called and
what waiting for them is called is the business of the components that own them.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

from simpy.events import Event

from aimcsim.engine.environment import Environment
from aimcsim.engine.span import Span
from aimcsim.errors import SimulationError
from aimcsim.units import ClockDomain


@dataclass(slots=True)
class Hold:
    """One stretch of time for which a server belonged to one iteration of one stage of a stream."""

    start_ps: int
    end_ps: int
    stream: int
    stage: int
    iteration: int


class Server:
    """One resource, served by (arrival, stream index, stage index).

    A hold begins at an edge of the server's clock. Its length is known when it is granted, unless the stage keeps the
    server until it has found a slot for its result; then the server stays held until `release`.
    """

    __slots__ = (
        *("_armed", "_env", "_open", "_pending"),
        *("busy_ps", "clock", "compiled", "free_ps", "holds", "kind", "order", "path"),
    )

    def __init__(self, env: Environment, order: int, path: str, kind: str, clock: ClockDomain | None = None) -> None:
        self.order = order
        """Position among all arbiters, fixed at build."""
        self.path = path
        """Hierarchical name, as in tables and errors."""
        self.kind = kind
        """Class of resource that utilisation is summed over."""
        self.clock = clock
        """Clock whose edges holds start at; None for a resource that is not clocked."""
        self.free_ps = 0
        """When the last granted hold ends."""
        self.busy_ps = 0
        """Time held, counted as the holds end, apart from their log."""
        self.holds: list[Hold] = []
        """Every hold, in order."""
        self.compiled = False
        """Whether the compiled loop hands it out, so that nobody else may ask for it."""
        self._env = env
        self._pending: list[tuple[int, int, int, int, int, Span | None, Event]] = []
        self._open = False
        self._armed = False

    def request(
        self, arrival_ps: int, stream: int, stage: int, iteration: int, vector: int, length: Span | None
    ) -> Event:
        """Ask for the server; the event's value is the time at which the hold starts.

        A stream asks for one iteration at a time: the next when the one before has started (which, on a clocked server,
        may be at the next edge, so `arrival_ps` may lie ahead, but never beyond that hold). `length` is the span to
        hold for, None to hold until `release`.

        Raises
        ------
        SimulationError
            If the fast engine has the server to itself.
        """
        if self.compiled:
            raise SimulationError(
                f"{self.path} belongs to the fast engine; a component that asks for it must name it in "
                f"add_guest(..., servers=[...])"
            )
        event = Event(self._env)
        heappush(self._pending, (arrival_ps, stream, stage, iteration, vector, length, event))
        self._wake()
        return event

    def release(self, time_ps: int) -> None:
        """End the hold that was granted without a length."""
        hold = self.holds[-1]
        hold.end_ps = self.free_ps = time_ps
        self.busy_ps += time_ps - hold.start_ps
        self._open = False
        self._wake()

    def decide(self) -> None:
        """Start the hold of the earliest arrival, if the server is free."""
        if self._open or not self._pending or self.free_ps > self._env.now:
            return
        _, stream, stage, iteration, vector, length, event = heappop(self._pending)
        now = int(self._env.now)
        start = now if self.clock is None else self.clock.align(now)
        hold = Hold(start, -1, stream, stage, iteration)
        self.holds.append(hold)
        if length is None:
            self._open = True
        else:
            hold.end_ps = self.free_ps = length.end(start, vector)
            self.busy_ps += hold.end_ps - start
        event.succeed(start)
        self._wake()

    @property
    def held_open_by(self) -> int:
        """The stream that holds the server until it releases it; -1 if none does."""
        return self.holds[-1].stream if self._open else -1

    def waiting(self) -> list[tuple[int, int]]:
        """Return (stream, stage) of whoever waits, earliest first."""
        return [(entry[1], entry[2]) for entry in sorted(self._pending, key=lambda entry: entry[:4])]

    def _wake(self) -> None:
        if self._open or not self._pending:
            return
        if self.free_ps <= self._env.now:
            self._env.arbitrate(self)
        elif not self._armed:
            self._armed = True
            self._env.call_at(self.free_ps, self._rouse)

    def _rouse(self) -> None:
        self._armed = False
        self._wake()
