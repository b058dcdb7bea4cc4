"""What a run leaves behind for its records: columns of integers, whichever engine made them.

`account` makes them from the logs of a finished system, with `Walk` for the time of every vector. It is written to be
read; an engine that keeps no logs counts the same columns as it runs, and `Account.same` tells whether they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from aimcsim.engine.edge import Edge
from aimcsim.engine.server import Server
from aimcsim.engine.slots import SlotPool
from aimcsim.engine.stream import Stream, System
from aimcsim.engine.walkback import SERVICE, TRANSFER, Walk
from aimcsim.errors import SimulationError
from aimcsim.records import CAUSES, Spool

Ints = NDArray[np.int64]

CAUSES_OF_SHARES = (SERVICE, TRANSFER, *CAUSES)
"""What the time of an op can go to, in the order of the columns of `Account.ops`."""
FIRST_SHARE = 4
"""Column of `Account.ops` with which these begin."""
BINS = 128
"""Most bins of time that what vectors did is counted in."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a run is asked to account for.

    Attributes
    ----------
    op_vectors : tuple of int
        Per stream, most vectors of one op (its grain); ops never cross requests.
    loads, stores : tuple of int
        Indices of the streams that bring requests in and take results out.
    varying : tuple of (int, str, int64 array)
        Stream index, action, and how often each vector of a request makes it happen, over all stages of the stream;
        for every action of a stream that is no state op whose number differs from vector to vector.
    """

    op_vectors: tuple[int, ...]
    loads: tuple[int, ...]
    stores: tuple[int, ...]
    varying: tuple[tuple[int, str, Ints], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """What a run leaves behind. Arrays are int64; ops are numbered stream by stream, request by request, in order.

    Attributes
    ----------
    ops : spool of [ops, 4 + 16]
        Op; its release; the start of its first vector's first fetch; its end (ps); then its time by `CAUSES_OF_SHARES`.
    waits : spool of [waits, 5]
        Op, cause (index in `CAUSES`), resource (index in `names`), op in the way (-1: none), ps; ascending by op, name
        of the cause, path of the resource, op in the way.
    path : [parts, 3]
        Resource (index in `names`), stream, ps: the critical path, summed by the first two and ascending by them.
    path_from_ps : int
        The moment back to which the path was followed: the first admission, or the release of a request, or of a turn
        of maintenance, that nothing else kept waiting, unless the history was dropped.
    names : tuple of str
        Paths of servers, pools and edges' places, then names of stages; each once, where it first occurs.
    begun_ps : int
        When sources began: at the set time, or when all weights were written.
    admitted_ps, ended_ps : [requests]
        When the first input vector of each was issued, and when its last result had reached the host.
    servers : [servers, 3]
        Holds, ps they last, ps of these within [first admission, last end of a store).
    pools : [pools, 3]
        Uses, from the grant to the return; ps they last and ps of these within the same span, summed over the slots.
    edges : [edges, 3]
        Vectors ever reserved, most at a time (levels that last no time do not count), and the integral of the space
        reserved up to the end of the run, vectors times ps.
    links : [links, 4]
        Of a network of routers (`Carrier.records`), in cycles; without one, nothing.
    head_waits : [routers]
        The same of its routers.
    elapsed_ps : int
        End of the run: the last end of any stream.
    bin_ps : int
        Width of a bin of time: the least power of two for which `BINS` of them, from the first admission on, cover
        every end of a vector that is no state op's.
    bin_vectors : [streams, BINS]
        Vectors that ended in each bin (before the first: in it); none of state ops.
    bin_amounts : [varying, BINS]
        Actions of these vectors, for each of `Question.varying`.
    """

    ops: Spool
    waits: Spool
    path: Ints
    path_from_ps: int
    names: tuple[str, ...]
    begun_ps: int
    admitted_ps: Ints
    ended_ps: Ints
    servers: Ints
    pools: Ints
    edges: Ints
    links: Ints
    head_waits: Ints
    elapsed_ps: int
    bin_ps: int
    bin_vectors: Ints
    bin_amounts: Ints

    def same(self, other: Account) -> list[str]:
        """Return the names of the fields in which two accounts differ."""
        names = [field.name for field in fields(self)]
        return [name for name in names if not _equal(getattr(self, name), getattr(other, name))]


def _equal(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return bool(one == other)


def resource_names(system: System) -> tuple[str, ...]:
    """Return whatever time can be filed under: servers, pools, places of edges, stages; equal ones are one name."""
    stages = [stage.name for stream in system.streams for stage in stream.stages]
    owners: tuple[Server | SlotPool, ...] = (*system.servers, *system.slots)
    return tuple(dict.fromkeys([*(one.path for one in owners), *(edge.place for edge in system.edges), *stages]))


class OpNumbers:
    """Which op a vector of a stream belongs to."""

    def __init__(self, streams: Sequence[Stream], op_vectors: Sequence[int]) -> None:
        self._streams = streams
        self._size = op_vectors
        self._per_request = [-(-s.vectors // size) for s, size in zip(streams, op_vectors, strict=True)]
        counts = [each * stream.requests for each, stream in zip(self._per_request, streams, strict=True)]
        self._first = np.cumsum([0, *counts]).tolist()

    @property
    def starts(self) -> Ints:
        """First op of each stream."""
        return np.array(self._first[:-1], dtype=np.int64)

    def op(self, stream: int, vector: int) -> int:
        """Return the op of a vector; -1 for none."""
        if stream < 0 or not self._streams[stream].vectors:
            return -1
        request, index = divmod(vector, self._streams[stream].vectors)
        return int(self._first[stream] + request * self._per_request[stream] + index // self._size[stream])

    def groups(self, stream: Stream) -> list[range]:
        """Return the vectors of each op of a stream, in order."""
        ends = range(0, stream.total, stream.vectors) if stream.total else ()
        size = self._size[stream.index]
        return [
            range(first, min(first + size, begin + stream.vectors))
            for begin in ends
            for first in range(begin, begin + stream.vectors, size)
        ]


def account(system: System, question: Question) -> Account:
    """Return what a finished run leaves behind, from the logs in its system.

    Raises
    ------
    SimulationError
        If a stage or slot has a cause of waiting that records do not know, or the time of an op does not add up.
    """
    check_causes(system)
    admitted, ended = _admitted(system, question), _ended(system, question)
    begin, end = admitted[0], ended[-1]
    elapsed = max(stream.end_ps[-1] for stream in system.streams if stream.total)
    walk = _Ledger(system, question, Walk(system, admitted))
    holds = [[(hold.start_ps, hold.end_ps) for hold in server.holds] for server in system.servers]
    uses = [[(use.start_ps, use.end_ps) for use in pool.uses] for pool in system.slots]
    bin_ps, bin_vectors, bin_amounts = _bins(system, question)
    links, head_waits = network_records(system)
    return Account(
        ops=Spool.of(walk.ops()),
        waits=Spool.of(walk.waits()),
        path=walk.path(),
        path_from_ps=walk.path_from_ps,
        names=walk.names,
        begun_ps=system.begun_ps(),
        admitted_ps=np.array(admitted, dtype=np.int64),
        ended_ps=np.array(ended, dtype=np.int64),
        servers=_table([(len(one), _within(one), _within(one, begin, end)) for one in holds], 3),
        pools=_table([(len(one), _within(one), _within(one, begin, end)) for one in uses], 3),
        edges=_table([_space(edge, system.streams[edge.source].issue_ps, elapsed) for edge in system.edges], 3),
        links=links,
        head_waits=head_waits,
        elapsed_ps=elapsed,
        bin_ps=bin_ps,
        bin_vectors=bin_vectors,
        bin_amounts=bin_amounts,
    )


def network_records(system: System) -> tuple[Ints, Ints]:
    """Return what links and routers did, nothing without a network of them."""
    if system.carrier is None:
        return np.zeros((0, 4), dtype=np.int64), np.zeros(0, dtype=np.int64)
    return system.carrier.records()


def _table(rows: Iterable[Sequence[int]], columns: int) -> Ints:
    """Return rows as an array that has its columns even without rows."""
    return np.array(list(rows), dtype=np.int64).reshape(-1, columns)


def _admitted(system: System, question: Question) -> list[int]:
    """Return when each request was admitted: when the first of its input vectors was issued."""
    loads = [system.streams[index] for index in question.loads]
    return [min(load.issue_ps[request * load.vectors] for load in loads) for request in range(system.requests)]


def _ended(system: System, question: Question) -> list[int]:
    """Return when the last result of each request had reached the host."""
    stores = [system.streams[index] for index in question.stores]
    return [
        max(store.end_ps[(request + 1) * store.vectors - 1] for store in stores) for request in range(system.requests)
    ]


class _Ledger:
    """Where the time of the ops went, from the walk over their vectors."""

    def __init__(self, system: System, question: Question, walk: Walk) -> None:
        self.names = resource_names(system)
        self._system = system
        self._question = question
        self._walk = walk
        self._numbers = OpNumbers(system.streams, question.op_vectors)
        self._index = {name: index for index, name in enumerate(self.names)}
        self._rows: list[list[int]] = []
        self._held: list[tuple[int, int, int, int, int]] = []
        stores = [system.streams[index] for index in question.stores]
        last = max(stores, key=lambda store: (store.end_ps[-1], store.index))
        self._path = walk.critical_path(last, last.total - 1)
        self.path_from_ps = self._path[-1].start_ps if self._path else last.end_ps[-1]
        for stream in system.streams:
            for vectors in self._numbers.groups(stream):
                self._add(stream, vectors)

    def ops(self) -> Ints:
        """Return the ops and their time by cause."""
        return _table(self._rows, FIRST_SHARE + len(CAUSES_OF_SHARES))

    def waits(self) -> Ints:
        """Return the waits of the ops by cause, resource and holder."""
        return _table(self._held, 5)

    def path(self) -> Ints:
        """Return the work that the last result had to wait for, by resource and stream."""
        spent: Counter[tuple[int, int]] = Counter()
        for segment in self._path:
            spent[self._index[segment.resource], segment.holder] += segment.end_ps - segment.start_ps
        return _table([(*key, time) for key, time in sorted(spent.items())], 3)

    def _add(self, stream: Stream, vectors: range) -> None:
        """Account for one op."""
        op = len(self._rows)
        spent: Counter[str] = Counter()
        held: Counter[tuple[str, str, int]] = Counter()
        for vector in vectors:
            for segment in self._walk.share(stream, vector):
                length = segment.end_ps - segment.start_ps
                spent[segment.cause] += length
                if segment.cause not in (SERVICE, TRANSFER):
                    holder = self._numbers.op(segment.holder, segment.holder_vector)
                    held[segment.cause, segment.resource, holder] += length
        release, end = self._walk.release(stream, vectors[0]), stream.end_ps[vectors[-1]]
        _check(stream, op, spent, end - release)
        fetched = stream.log[0].start_ps[vectors[0] * stream.stages[0].iterations]
        self._rows.append([op, release, fetched, end, *(spent[cause] for cause in CAUSES_OF_SHARES)])
        for (cause, resource, holder), time in sorted(held.items()):
            self._held.append((op, CAUSES.index(cause), self._index[resource], holder, time))


def check_causes(system: System) -> None:
    """Refuse causes of waiting that no column would hold.

    Raises
    ------
    SimulationError
        If a stage, slot or edge has a cause that records do not know.
    """
    for stream in system.streams:
        pools = [pool for stage in stream.stages for pool in (stage.acquires, stage.captures) if pool is not None]
        named = [stage.cause for stage in stream.stages if stage.cause]
        for cause in (*named, *(pool.cause for pool in pools), *(edge.cause for edge in stream.inputs)):
            if cause not in CAUSES:
                known = ", ".join(CAUSES)
                raise SimulationError(f"{stream.name}: `{cause}` is no cause of waiting; the causes are: {known}")


def _check(stream: Stream, op: int, spent: Counter[str], length_ps: int) -> None:
    """Refuse an op whose time does not add up."""
    if sum(spent.values()) != length_ps:
        raise SimulationError(f"{stream.name}: the time of op {op} does not add up; this is a defect of the simulator")


def _within(stretches: Iterable[tuple[int, int]], begin_ps: int | None = None, end_ps: int | None = None) -> int:
    """Return how long stretches of time last, or how long within a span."""
    bounds = [
        (start if begin_ps is None else max(start, begin_ps), end if end_ps is None else min(end, end_ps))
        for start, end in stretches
    ]
    return sum(max(0, end - start) for start, end in bounds)


def _space(edge: Edge, reserved_ps: Sequence[int], elapsed_ps: int) -> tuple[int, int, int]:
    """Return the vectors ever reserved on an edge, the most at a time, and the integral of the space reserved."""
    taken, freed = np.array(reserved_ps, dtype=np.int64), np.array(edge.freed_ps, dtype=np.int64)
    moments = np.unique(np.concatenate([taken, freed]))
    levels = np.searchsorted(taken, moments, side="right") - np.searchsorted(freed, moments, side="right")
    highest = int(levels[moments < elapsed_ps].max(initial=0))
    left = len(taken) - len(freed)
    return len(taken), highest, int(freed.sum()) + left * elapsed_ps - int(taken.sum())


def bin_width_ps(last_ps: int) -> int:
    """Return the least power of two for which times up to `last_ps` fall into `BINS` bins."""
    return 1 << max(0, last_ps.bit_length() - (BINS - 1).bit_length())


def _bins(system: System, question: Question) -> tuple[int, Ints, Ints]:
    """Return the width of the bins, the vectors that ended in each by stream, and their varying actions."""
    served = [stream for stream in system.streams if not stream.is_state_op and stream.total]
    begin = _admitted(system, question)[0]
    bin_ps = bin_width_ps(max(stream.end_ps[-1] for stream in served) - begin)
    bin_of = {
        stream.index: np.maximum(0, np.array(stream.end_ps, dtype=np.int64) - begin) // bin_ps for stream in served
    }
    vectors = np.zeros((len(system.streams), BINS), dtype=np.int64)
    for index, bins in bin_of.items():
        vectors[index] = np.bincount(bins, minlength=BINS)
    amounts = np.zeros((len(question.varying), BINS), dtype=np.int64)
    for row, (index, _, each) in zip(amounts, question.varying, strict=True):
        np.add.at(row, bin_of[index], np.resize(each, len(bin_of[index])))
    return bin_ps, vectors, amounts
