"""An edge: the vectors that one stream hands to another, and the buffer space that is kept for them.

The producer reserves space for a vector before it starts on it; the space is free again when the consumer has fetched
the last vector that needs it. Indices run over all requests of a run, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from simpy.events import Event

from aimcsim.engine.environment import Environment

Indices = npt.NDArray[np.int64]


class Occupancy:
    """How full something is: its level now, its highest, and the integral over time, counted as it changes.

    A level that does not last (what comes and goes within one picosecond) does not count as the highest.
    """

    __slots__ = ("_since_ps", "highest", "integral", "level")

    def __init__(self) -> None:
        self.level = 0
        self.highest = 0
        self.integral = 0
        self._since_ps = 0

    def change(self, amount: int, now_ps: int) -> None:
        """Add `amount` to the level at `now_ps`."""
        if now_ps > self._since_ps:
            self.highest = max(self.highest, self.level)
            self.integral += self.level * (now_ps - self._since_ps)
            self._since_ps = now_ps
        self.level += amount


class Edge:
    """Vectors on their way from the stream `source` to the stream `target`.

    Parameters
    ----------
    window_needs, window_keeps : int64 arrays, one entry per target vector of one request
        Highest source vector that target vectors 0..i require; lowest that those after i require. Edges may share them.
    stride : int
        Source vectors of one request, by which the windows of the next are further on; 0 for device state, which
        serves all requests.
    requests : int
        Requests that repeat the windows.
    vector_bytes : int
        Bytes a vector takes in the buffer; 0 for an edge that only orders (device state).
    cause : str
        What waiting for an arrival here is called: `dependency`, or `maintenance` for device state.
    place : str
        Path of the buffer that keeps the vectors.
    """

    __slots__ = (
        "_arrival",
        "_env",
        "_keeps",
        "_needs",
        "_passed",
        "_room",
        "arrived_ps",
        "capacity",
        "cause",
        "freed_ps",
        "index",
        "occupancy",
        "place",
        "pool",
        "requests",
        "reserved",
        "source",
        "stride",
        "target",
        "valid",
        "vector_bytes",
        "window_keeps",
        "window_needs",
    )

    def __init__(
        self,
        env: Environment,
        index: int,
        source: int,
        target: int,
        window_needs: Indices,
        window_keeps: Indices,
        *,
        vector_bytes: int,
        place: str,
        cause: str = "dependency",
        stride: int = 0,
        requests: int = 1,
    ) -> None:
        self.index = index
        self.source = source
        self.target = target
        self.window_needs = window_needs
        self.window_keeps = window_keeps
        self.stride = stride
        self.requests = requests
        self.vector_bytes = vector_bytes
        self.place = place
        self.cause = cause
        self.capacity: int | None = None
        """Vectors that fit (the quota); None without bound, or where `pool` gives the space."""
        self.pool: BytePool | None = None
        self.reserved = 0
        """Vectors for which space was ever reserved."""
        self.arrived_ps: list[int] = []
        self.freed_ps: list[int] = []
        self.occupancy = Occupancy()
        """Vectors with space reserved."""
        self.valid = Occupancy()
        """Vectors arrived and not yet freed."""
        self._env = env
        self._needs: list[int] | None = None
        self._keeps: list[int] | None = None
        self._passed = 0
        self._arrival: Event | None = None
        self._room: Event | None = None

    @property
    def needs(self) -> list[int]:
        """Highest source vector that target vectors 0..i require, over all requests; made when first asked for."""
        if self._needs is None:
            self._needs = self._over_requests(self.window_needs)
        return self._needs

    @property
    def keeps(self) -> list[int]:
        """Lowest source vector that target vectors after i require, over all requests; made when first asked for."""
        if self._keeps is None:
            self._keeps = self._over_requests(self.window_keeps)
        return self._keeps

    def _over_requests(self, window: Indices) -> list[int]:
        offsets = np.arange(self.requests, dtype=np.int64)[:, None] * self.stride
        repeated: list[int] = (window[None, :] + offsets).ravel().tolist()
        return repeated

    def has_room(self) -> bool:
        """Whether one more vector may be reserved."""
        return self.capacity is None or self.reserved - len(self.freed_ps) < self.capacity

    def reserve(self) -> None:
        """Take the space of the next vector."""
        self.reserved += 1
        self.occupancy.change(1, int(self._env.now))

    def arrive(self) -> None:
        """Have the next vector lie ready in the buffer."""
        now = int(self._env.now)
        self.arrived_ps.append(now)
        self.valid.change(1, now)
        event, self._arrival = self._arrival, None
        if event is not None:
            event.succeed()
        self.free(self._passed)

    def free(self, below: int) -> None:
        """Give back the space of all vectors below an index; of those that nobody needs, when they arrive."""
        now = int(self._env.now)
        self._passed = max(self._passed, below)
        count = min(self._passed, len(self.arrived_ps)) - len(self.freed_ps)
        if count <= 0:
            return
        self.freed_ps.extend([now] * count)
        self.occupancy.change(-count, now)
        self.valid.change(-count, now)
        if self.pool is not None:
            self.pool.give_back(count * self.vector_bytes)
        event, self._room = self._room, None
        if event is not None:
            event.succeed()

    def arrival(self) -> Event:
        """Return the event of the next arrival."""
        if self._arrival is None:
            self._arrival = Event(self._env)
        return self._arrival

    def room(self) -> Event:
        """Return the event of space being given back."""
        if self._room is None:
            self._room = Event(self._env)
        return self._room


@dataclass(slots=True, eq=False)
class BytePool:
    """The bytes of one buffer, shared by all its edges instead of dealt out in quotas.

    Attributes
    ----------
    returned : called when bytes come back; set by the engine that hands them out.
    """

    path: str
    size_bytes: int
    used_bytes: int = 0
    edges: list[Edge] = field(default_factory=list)
    returned: Callable[[], None] | None = None

    def give_back(self, count: int) -> None:
        """Take `count` bytes back."""
        self.used_bytes -= count
        if self.returned is not None:
            self.returned()
