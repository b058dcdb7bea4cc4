"""A stream: the vectors of one layer on one tile, taken through the stages of one table.

`Stage` is a row of a stage table, compiled to integers; `Stream` the state and log of one op kind at one place;
`System` all streams, edges and servers that run together. The engines interpret these and know no chip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from aimcsim.engine.carrier import Carrier, Packets, Passage
from aimcsim.engine.edge import Edge, Indices
from aimcsim.engine.environment import Environment
from aimcsim.engine.server import Server
from aimcsim.engine.slots import SlotPool
from aimcsim.engine.span import Span, span_of
from aimcsim.units import ClockDomain

STATE_OPS = frozenset({"program", "compensate"})
"""Kinds of streams that serve no request: what others wait for behind them is called `maintenance`."""


@dataclass(slots=True)
class Stage:
    """One compiled row of a stage table.

    Parameters
    ----------
    iterations : int
        How often the stage runs per vector: the product of the loops around it.
    latency, interval : Span
        Time from the start to the result, and from the start until the server is free again.
    cause : str
        What waiting for the server is called.
    acquires : SlotPool or None
        Slot taken before the server is asked for.
    captures : SlotPool or None
        Slot taken when the work is done; the server is kept until then.
    releases : tuple of (SlotPool, int)
        Slots given back when the stage is done, with the iterations per vector of the stage that took them.
    crossing : (ClockDomain, int) or None
        Clock that is entered here and the cycles of it that the crossing costs.
    packets : Packets or None
        What the stage sends over the network of the system, an iteration a packet; its result is there when the packet
        has left. Latency and interval are then only estimates, on the network's clock.
    transfer : bool
        Whether the time spent here moves data between tiles (as opposed to service).
    actions : tuple of (str, tuple of int)
        Component action and how many of it one iteration is worth: one number, or one per vector of a request.
    """

    name: str
    iterations: int
    latency: Span
    interval: Span
    server: Server | None = None
    cause: str = ""
    acquires: SlotPool | None = None
    captures: SlotPool | None = None
    releases: tuple[tuple[SlotPool, int], ...] = ()
    crossing: tuple[ClockDomain, int] | None = None
    transfer: bool = False
    packets: Packets | None = None
    actions: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def enter(self, ready_ps: int) -> int:
        """Return when what was ready at `ready_ps` has crossed into the stage's clock."""
        if self.crossing is None:
            return ready_ps
        clock, cycles = self.crossing
        return clock.after(clock.align(ready_ps), cycles)


@dataclass(slots=True)
class StageLog:
    """When each iteration of a stage was ready to start, had its slot, was served and was done (all ps).

    Where it sends packets, it started when the packet was handed over.
    """

    arrival_ps: list[int] = field(default_factory=list)
    slot_ps: list[int] = field(default_factory=list)
    start_ps: list[int] = field(default_factory=list)
    worked_ps: list[int] = field(default_factory=list)
    done_ps: list[int] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Stream:
    """One op stream: the vectors of a layer on a tile, of all requests, in order.

    `index` breaks ties between simultaneous requests and is fixed at build. `vectors` counts one
    request's. `on_fetch` and `on_end` are told every vector when its inputs were fetched and when it is complete.
    A state op has turns in place of requests. If it is a source, `due_ps` are the releases of its turns, counted from
    the begin; other sources have those of the system.
    """

    index: int
    name: str
    layer: str
    tile: str
    kind: str
    vectors: int
    row: int
    requests: int
    stages: list[Stage]
    inputs: list[Edge] = field(default_factory=list)
    outputs: list[Edge] = field(default_factory=list)
    source: bool = False
    due_ps: tuple[int, ...] = ()
    on_fetch: Callable[[int], None] | None = None
    on_end: Callable[[int], None] | None = None
    issue_ps: list[int] = field(default_factory=list)
    end_ps: list[int] = field(default_factory=list)
    stage_counts: list[int] = field(default_factory=list)
    _log: list[StageLog] | None = None

    def __post_init__(self) -> None:
        self.stage_counts = [0] * len(self.stages)

    @property
    def log(self) -> list[StageLog]:
        """One log for each stage, made when first asked for: an engine that keeps its own logs needs none."""
        if self._log is None:
            self._log = [StageLog() for _ in self.stages]
        return self._log

    @property
    def total(self) -> int:
        """Vectors of all requests."""
        return self.vectors * self.requests

    @property
    def is_state_op(self) -> bool:
        """Whether it serves no request."""
        return self.kind in STATE_OPS

    @property
    def prepares(self) -> bool:
        """Whether it is a state op that the begin waits for: one that no release holds back."""
        return self.is_state_op and not self.source and self.total > 0

    def upstream(self, stage: int, iteration: int) -> int:
        """Return which iteration of the stage before `stage` an iteration takes its data from."""
        before, here = self.stages[stage - 1].iterations, self.stages[stage].iterations
        if here >= before:
            return iteration // (here // before)
        return (iteration + 1) * (before // here) - 1

    def released(self, stage: int, acquired_per_vector: int, iteration: int) -> int:
        """Return how many slots, taken `acquired_per_vector` a vector, are back after an iteration of `stage`."""
        return (iteration + 1) * acquired_per_vector // self.stages[stage].iterations


@dataclass(slots=True)
class System:
    """All that runs together, in the order fixed at build."""

    env: Environment
    streams: list[Stream] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    slots: list[SlotPool] = field(default_factory=list)
    requests: int = 1
    begin: int | None = None
    """Time at which sources may begin; None: when every state op (kind `program`) has ended."""
    arbiters: int = 0
    """Order number of the next arbiter."""
    guests: dict[int, tuple[Server, ...] | None] = field(default_factory=dict)
    """Servers that each component of the user's own may ask for, by its stream; None: any."""
    carrier: Carrier | None = None
    """The network that stages with `packets` send over."""
    release_ps: tuple[int, ...] = ()
    """When each request is released, ascending, counted from the begin; empty: all of them at the begin."""

    def begun_ps(self) -> int:
        """Return when sources began, once the state ops that they wait for have ended."""
        ends = (stream.end_ps[-1] for stream in self.streams if stream.prepares)
        return max(ends, default=0) if self.begin is None else self.begin

    def released_ps(self, stream: Stream, vector: int, begun_ps: int) -> int:
        """Return the moment before which a stream does not issue a vector, 0 if there is none.

        That is the release of a request, or turn, at the first vector that a source issues of it.
        """
        releases = stream.due_ps or self.release_ps
        if not releases or not stream.source or vector % stream.vectors:
            return 0
        return begun_ps + releases[vector // stream.vectors]

    def last_release_ps(self) -> int:
        """Return the last release of all, counted from the begin."""
        return max([0, *self.release_ps[-1:], *(stream.due_ps[-1] for stream in self.streams if stream.due_ps)])

    def bound_in_flight(self, loads: Iterable[Stream], stores: Sequence[Stream], most: int, place: str) -> None:
        """Have request r wait for the last results of request r - `most`, by edges that take no bytes.

        `place` is the name that the wait is filed under.
        """
        windows: dict[tuple[int, int], tuple[Indices, Indices]] = {}
        for load in loads:
            for store in stores:
                key = load.vectors, store.vectors
                needs = np.full(load.vectors, (1 - most) * store.vectors - 1, dtype=np.int64)
                needs, keeps = windows.setdefault(key, (needs, needs + 1))
                self.add_edge(store, load, needs, keeps, vector_bytes=0, place=place, cause="host")

    def add_server(self, path: str, kind: str, clock: ClockDomain | None = None) -> Server:
        """Add a server; the order of adding is the order of deciding within a round."""
        server = Server(self.env, self.arbiters, path, kind, clock)
        self.arbiters += 1
        self.servers.append(server)
        return server

    def add_slots(self, path: str, kind: str, cause: str, count: int, *, shared: bool) -> SlotPool:
        """Add a pool of slots."""
        pool = SlotPool(self.env, self.arbiters, path, kind, cause, count, shared=shared)
        self.arbiters += 1
        self.slots.append(pool)
        return pool

    def add_guest(self, name: str, kind: str = "program", servers: Iterable[Server] | None = None) -> Stream:
        """Add a stream without vectors: the name under which a component of the user's own holds servers.

        `servers` are all that it will ask for; then only what shares these is left to the reference engine. Without
        them it may ask for any, and the reference engine runs everything.
        """
        nothing = span_of(0)
        stream = Stream(len(self.streams), name, "", "", kind, 0, 1, self.requests, [Stage(name, 1, nothing, nothing)])
        self.streams.append(stream)
        self.guests[stream.index] = None if servers is None else tuple(servers)
        return stream

    def add_edge(
        self,
        source: Stream,
        target: Stream,
        needs: Indices,
        keeps: Indices,
        *,
        vector_bytes: int,
        place: str,
        cause: str = "dependency",
    ) -> Edge:
        """Join two streams that were added before; `needs` and `keeps` are of one request and repeat for each.

        What a state op makes serves all requests, so there they repeat unchanged. Edges of equal windows should be
        given the same arrays, which are kept as they are.
        """
        edge = Edge(
            self.env,
            len(self.edges),
            source.index,
            target.index,
            np.ascontiguousarray(needs, dtype=np.int64),
            np.ascontiguousarray(keeps, dtype=np.int64),
            vector_bytes=vector_bytes,
            place=place,
            cause=cause,
            stride=0 if source.is_state_op else source.vectors,
            requests=target.requests,
        )
        self.edges.append(edge)
        source.outputs.append(edge)
        target.inputs.append(edge)
        return edge
