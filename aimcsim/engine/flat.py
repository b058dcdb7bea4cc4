"""A system as flat arrays, for the compiled loop: one table per kind of object, one row per object.

The columns are the first fields of the structures in `_kernels/streams.h`, in their order. A *run* is one stage of one
stream, taking slots or serving; a *client* is one stream's use of one pool. -1 stands for none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aimcsim.engine.account import CAUSES_OF_SHARES, Question, resource_names
from aimcsim.engine.edge import Edge
from aimcsim.engine.slots import SlotPool
from aimcsim.engine.span import Span
from aimcsim.engine.stream import Stage, Stream, System
from aimcsim.units import ClockDomain

Ints = NDArray[np.int64]
Tables = dict[str, Ints]

TAKING, SERVING = 0, 1
NONE = -1

RUN_FIELDS = (
    "stream",  # whose
    "stage",  # which of its stages
    "kind",  # TAKING slots for its iterations, or SERVING them
    "iterations",  # a vector
    "total",  # iterations of all vectors
    "source",  # run whose results it takes; -1: the issue of vectors
    "ratio",  # iterations here for one there, or the other way round
    "gathers",  # 1: several iterations there for one here
    "next",  # run that takes its results
    "last",  # 1: its results are the stream's
    "server",
    "own",  # 1: nobody else asks for the server
    "take",  # client that it takes slots as
    "capture",  # client that it takes slots as when its work is done
    "cross_clock",  # clock that is entered here
    "cross_cycles",  # what that costs
    "latency",  # spans
    "interval",
    "release",  # first and end of its rows of `releases`
    "release_end",
    "path",  # name that time spent here is filed under
    "cause",  # of waits for the server
    "transfer",  # 1: time spent here is transfer
    "taking",  # run that takes its slots
    "previous",  # serving run of the stage before
    "sender",  # endpoints that its packets go between
    "receiver",
    "flits",  # of each packet; 0: it sends none
)


@dataclass(slots=True)
class Flat:
    """The tables of a system, and what their rows stand for.

    Attributes
    ----------
    runs : stream, stage index and kind by run.
    clients : pool, stream index and taking run by client.
    names : paths by number.
    """

    tables: Tables
    runs: list[tuple[Stream, int, int]] = field(default_factory=list)
    clients: list[tuple[SlotPool, int, int]] = field(default_factory=list)
    names: tuple[str, ...] = ()


def flatten(system: System, question: Question, foreign: frozenset[int] = frozenset()) -> Flat:
    """Return a system as tables; streams in `foreign` run elsewhere and have no runs."""
    return _Flattening(system, question, foreign).flat()


class _Flattening:
    """Numbers runs, clients, spans and clocks, then writes the tables."""

    def __init__(self, system: System, question: Question, foreign: frozenset[int]) -> None:
        self._system = system
        self._question = question
        self._foreign = foreign
        self._names = resource_names(system)
        self._path = {name: number for number, name in enumerate(self._names)}
        self._cause = {cause: number for number, cause in enumerate(CAUSES_OF_SHARES)} | {"": 0}
        self._runs: list[tuple[Stream, int, int]] = []
        self._clients: list[tuple[SlotPool, int, int]] = []
        self._client_of: dict[tuple[int, int], int] = {}
        self._taking: dict[tuple[int, int], int] = {}
        self._serving: dict[tuple[int, int], int] = {}
        self._spans: dict[int, int] = {}
        self._span_rows: list[Span] = []
        self._clocks: dict[ClockDomain, int] = {}
        self._releases = list(system.release_ps or [0] * system.requests)

    def flat(self) -> Flat:
        """Return the tables."""
        for stream in self._system.streams:
            if stream.index not in self._foreign:
                self._number(stream)
        tables = self._run_tables() | self._stream_tables() | self._edge_tables() | self._resource_tables()
        tables |= self._varying_tables() | self._span_tables()
        tables["causes"] = _ints(self._cause[cause] for cause in ("maintenance", "buffer_full", "credit"))
        tables["releases_ps"] = _ints(self._releases)
        tables["cause_rank"] = _ranks(CAUSES_OF_SHARES[2:])
        tables["path_rank"] = _ranks(self._names)
        return Flat(tables, self._runs, self._clients, self._names)

    def _number(self, stream: Stream) -> None:
        """Give every run of a stream its number, and every client of a pool its own."""
        for index, stage in enumerate(stream.stages):
            if stage.acquires is not None:
                self._taking[stream.index, index] = len(self._runs)
                self._client(stage.acquires, stream)
                self._runs.append((stream, index, TAKING))
            self._serving[stream.index, index] = len(self._runs)
            if stage.captures is not None:
                self._client(stage.captures, stream)
            self._runs.append((stream, index, SERVING))

    def _client(self, pool: SlotPool, stream: Stream) -> None:
        key = (pool.order, stream.index)
        assert key not in self._client_of, "a stream takes slots of a pool at one stage"
        self._client_of[key] = len(self._clients)
        self._clients.append((pool, stream.index, len(self._runs)))

    def _client_number(self, pool: SlotPool | None, stream: Stream) -> int:
        return NONE if pool is None else self._client_of[pool.order, stream.index]

    # ---- runs

    def _run_tables(self) -> Tables:
        servers = {server.order: index for index, server in enumerate(self._system.servers)}
        private = self._private_servers()
        releases: list[tuple[int, int]] = []
        rows: list[tuple[int, ...]] = []
        for stream, index, kind in self._runs:
            stage = stream.stages[index]
            serving, first_release = kind == SERVING, len(releases)
            if serving:
                releases += [(self._client_number(pool, stream), count) for pool, count in stage.releases]
            server = stage.server if serving else None
            rows.append(
                (
                    *(stream.index, index, kind, stage.iterations, stream.total * stage.iterations),
                    *self._source(stream, index, serving),
                    *(self._next(stream, index, serving), int(serving and index == len(stream.stages) - 1)),
                    *(
                        (NONE, 0)
                        if server is None
                        else (servers[server.order], int((server.order, stream.index) in private))
                    ),
                    self._client_number(stage.acquires, stream),
                    self._client_number(stage.captures, stream) if serving else NONE,
                    *self._crossing(stage, serving),
                    *(self._span(stage.latency), self._span(stage.interval), first_release, len(releases)),
                    self._path[stage.name if stage.server is None else stage.server.path],
                    *(self._cause.get(stage.cause, 0), int(stage.transfer)),
                    self._taking.get((stream.index, index), NONE) if serving else NONE,
                    self._serving.get((stream.index, index - 1), NONE),
                    *(stage.packets if serving and stage.packets else (NONE, NONE, 0)),
                )
            )
        return {"runs": _table(rows, len(RUN_FIELDS)), "releases": _table(releases, 2)}

    def _private_servers(self) -> set[tuple[int, int]]:
        """Return (server, stream) for streams that never meet anybody else at a server.

        State ops and readers do not meet where requests begin when all state is programmed.
        """
        programs: dict[int, list[int]] = {}
        others: dict[int, list[int]] = {}
        for stream, index, kind in self._runs:
            server = stream.stages[index].server
            if server is not None and kind == SERVING:
                apart = self._system.begin is None and _over_when_done(stream, stream.stages[index])
                (programs if apart else others).setdefault(server.order, []).append(stream.index)
        return {(order, users[0]) for group in (programs, others) for order, users in group.items() if len(users) == 1}

    def _source(self, stream: Stream, index: int, serving: bool) -> tuple[int, int, int]:
        """Return the run whose results a run takes, and how their iterations go together."""
        stage = stream.stages[index]
        if serving and stage.acquires is not None:
            return self._taking[stream.index, index], 1, 0
        if index == 0:
            return NONE, stage.iterations, 0
        before = stream.stages[index - 1].iterations
        source = self._serving[stream.index, index - 1]
        if stage.iterations >= before:
            return source, stage.iterations // before, 0
        return source, before // stage.iterations, 1

    def _next(self, stream: Stream, index: int, serving: bool) -> int:
        if not serving:
            return self._serving[stream.index, index]
        return self._first(stream, index + 1) if index + 1 < len(stream.stages) else NONE

    def _first(self, stream: Stream, index: int) -> int:
        """Return the run that a stage begins with."""
        return self._taking.get((stream.index, index), self._serving[stream.index, index])

    def _crossing(self, stage: Stage, serving: bool) -> tuple[int, int]:
        if stage.crossing is None or (serving and stage.acquires is not None):
            return NONE, 0
        return self._clock(stage.crossing[0]), stage.crossing[1]

    # ---- streams and edges

    def _stream_tables(self) -> Tables:
        question, rows = self._question, []
        begins = first_op = 0
        into = out_of = 0
        needed = self._needed()
        varying = Counter(stream for stream, _, _ in question.varying)
        for stream in self._system.streams:
            ops = question.op_vectors[stream.index]
            request_ops = -(-stream.vectors // ops)
            here = stream.index not in self._foreign
            rows.append(
                (
                    *(stream.total, stream.vectors, int(stream.source), int(stream.is_state_op), int(not here)),
                    self._first(stream, 0) if here else NONE,
                    *((self._serving[stream.index, k] for k in (0, len(stream.stages) - 1)) if here else (NONE, NONE)),
                    *(into, into + len(stream.inputs), out_of, out_of + len(stream.outputs)),
                    *(ops, request_ops, first_op),
                    *(int(stream.index in group) for group in (question.loads, question.stores)),
                    *(begins, begins + varying[stream.index], int(self._shares_pool(stream)), needed[stream.index]),
                    self._first_release(stream),
                )
            )
            into, out_of = into + len(stream.inputs), out_of + len(stream.outputs)
            begins, first_op = begins + varying[stream.index], first_op + request_ops * stream.requests
        return {
            "streams": _table(rows, 22),
            "in_edges": _ints(edge.index for stream in self._system.streams for edge in stream.inputs),
            "out_edges": _ints(edge.index for stream in self._system.streams for edge in stream.outputs),
        }

    def _first_release(self, stream: Stream) -> int:
        """Return where the releases of a stream begin: those of the requests, or its own."""
        if not stream.due_ps:
            return 0
        self._releases += stream.due_ps
        return len(self._releases) - len(stream.due_ps)

    def _needed(self) -> list[int]:
        """Return how many vectors of each stream, from the first on, some result needs."""
        needed = [0] * len(self._system.streams)
        for stream in reversed(self._system.streams):
            needed[stream.index] = stream.total if stream.index in self._question.stores else 0
            for edge in stream.outputs:
                if edge.target > stream.index and needed[edge.target]:
                    request, index = divmod(needed[edge.target] - 1, self._system.streams[edge.target].vectors)
                    last = int(edge.window_needs[index]) + request * edge.stride
                    needed[stream.index] = max(needed[stream.index], last + 1)
        return needed

    @staticmethod
    def _shares_pool(stream: Stream) -> bool:
        pools = (pool for stage in stream.stages for pool in (stage.acquires, stage.captures))
        return any(pool is not None and pool.shared for pool in pools)

    def _edge_tables(self) -> Tables:
        """Return the edges; those with the same windows share one copy of them."""
        offsets: dict[tuple[int, int], int] = {}
        windows: list[Edge] = []
        rows, length = [], 0
        for edge in self._system.edges:
            key = (id(edge.window_needs), id(edge.window_keeps))
            if key not in offsets:
                offsets[key] = length
                windows.append(edge)
                length += len(edge.window_needs)
            capacity = NONE if edge.capacity is None else edge.capacity
            names = (self._path[edge.place], self._cause.get(edge.cause, 0))
            rows.append((edge.source, edge.target, capacity, offsets[key], edge.stride, *names))
        return {
            "edges": _table(rows, 7),
            "needs": _joined([edge.window_needs for edge in windows]),
            "keeps": _joined([edge.window_keeps for edge in windows]),
        }

    # ---- servers, pools, spans

    def _resource_tables(self) -> Tables:
        pools = {pool.order: index for index, pool in enumerate(self._system.slots)}
        servers = [
            (NONE if one.clock is None else self._clock(one.clock), self._path[one.path])
            for one in self._system.servers
        ]
        slots = [
            (one.count, int(one.shared), self._path[one.path], self._cause.get(one.cause, 0))
            for one in self._system.slots
        ]
        clients = [
            (pools[pool.order], stream, taker, self._runs[taker][0].stages[self._runs[taker][1]].iterations)
            for pool, stream, taker in self._clients
        ]
        return {"servers": _table(servers, 2), "pools": _table(slots, 4), "clients": _table(clients, 4)}

    def _varying_tables(self) -> Tables:
        amounts = [amounts for _, _, amounts in sorted(self._question.varying, key=_stream_of)]
        starts = np.cumsum([0, *(len(one) for one in amounts)], dtype=np.int64)[:-1]
        return {"varying": _joined(amounts), "varying_offset": starts}

    def _span_tables(self) -> Tables:
        rows, amounts, length = [], [], 0
        for span in self._span_rows:
            clock = NONE if span.clock is None else self._clock(span.clock)
            rows.append((length, len(span.amounts), int(span.in_cycles), clock))
            amounts.append(np.array(span.amounts, dtype=np.int64))
            length += len(span.amounts)
        clocks = [(clock.numerator, clock.denominator) for clock in self._clocks]
        return {"spans": _table(rows, 4), "amounts": _joined(amounts), "clocks": _table(clocks, 2)}

    def _span(self, span: Span) -> int:
        if id(span) not in self._spans:
            self._spans[id(span)] = len(self._span_rows)
            self._span_rows.append(span)
        return self._spans[id(span)]

    def _clock(self, clock: ClockDomain) -> int:
        return self._clocks.setdefault(clock, len(self._clocks))


def _over_when_done(stream: Stream, stage: Stage) -> bool:
    """Whether a stage is one of a state op, and its server is free again when the state op has ended."""
    latency, interval = stage.latency, stage.interval
    alike = latency.in_cycles == interval.in_cycles and latency.clock == interval.clock
    return stream.prepares and alike and max(interval.amounts) <= min(latency.amounts)


def varying_order(question: Question) -> Ints:
    """Return where each action that varies is among the rows of the loop, which go by stream."""
    rows = sorted(range(len(question.varying)), key=lambda row: question.varying[row][0])
    return np.argsort(np.array(rows, dtype=np.int64))


def _stream_of(varying: tuple[int, str, Ints]) -> int:
    return varying[0]


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), dtype=np.int64)


def _table(rows: Sequence[Sequence[int]], columns: int) -> Ints:
    return np.array(rows, dtype=np.int64).reshape(len(rows), columns)


def _joined(arrays: Sequence[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, dtype=np.int64), *arrays])


def _ranks(names: Sequence[str]) -> Ints:
    """Return the place of every name in alphabetical order."""
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return ranks
