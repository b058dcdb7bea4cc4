"""From the account of a run to its tables, column by column; what a run is asked to account for is stated here too."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from aimcsim.controller import Plan
from aimcsim.costs import ActionCost
from aimcsim.engine import Account, Question, Server, SlotPool, Stream
from aimcsim.engine.account import BINS, OpNumbers, bin_width_ps
from aimcsim.maintenance import Epoch
from aimcsim.quotas import Quota
from aimcsim.records import CAUSES, SCHEMAS, LongTable, Part, Table

Grain = Literal["vector", "row", "layer"]
Tables = dict[str, Table]
Ints = NDArray[np.int64]

WRITTEN = ("op", "release_ps", "start_ps", "end_ps", "service_ps", "transfer_ps", *(f"wait_{one}_ps" for one in CAUSES))
"""Columns of the table `ops` that are those of `Account.ops`."""
PHASES = {"program": "programming", "compensate": "maintenance"}
"""Phases of energy by the kind of op; that of all others is `run`."""
MOST_BY_VECTOR = 2_000
"""Vectors of a run, state ops included, up to which each gets a record of its own if no grain is asked for."""
MOST_BY_ROW = 2_000_000
"""Vectors up to which each row of them gets one; beyond that, each layer of a request."""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a run that its requests are timed over."""

    begin_ps: int
    end_ps: int

    @property
    def length_ps(self) -> int:
        """Elapsed time, at least 1 ps."""
        return max(1, self.end_ps - self.begin_ps)


def grain_by_size(vectors: int) -> Grain:
    """Return the grain that keeps the records of a run of so many vectors readable, and small."""
    if vectors <= MOST_BY_VECTOR:
        return "vector"
    return "row" if vectors <= MOST_BY_ROW else "layer"


def question(plan: Plan, grain: Grain) -> Question:
    """Return what `record` needs to know of a run at a grain."""
    varying = tuple((stream.index, action, each) for stream, action, each in _served(plan) if len(each) > 1)
    return Question(_op_vectors(plan, grain), tuple(plan.loads), tuple(plan.stores), varying)


def timed(account: Account) -> Span:
    """Return the span from the first admission to the last result."""
    return Span(int(account.admitted_ps[0]), int(account.ended_ps[-1]))


def record(plan: Plan, quotas: Sequence[Quota], account: Account, grain: Grain, warmup: int = 0) -> Tables:
    """Return every table of a finished run, which has answered `question` at the same grain.

    The first `warmup` requests are left out of the table `latency`.
    """
    requests, links = _requests(plan, account, epochs(plan, account, grain)), _links(plan, account)
    return {
        "ops": _ops(plan, account, grain),
        "waits": _waits(account),
        "critical_path": _critical_path(plan, account),
        "resources": _resources(plan, account, links),
        "links": links,
        "routers": _routers(plan, account),
        "buffers": _buffers(quotas, account),
        "requests": requests,
        "latency": _latency(requests["latency_ps"][warmup:]),
        "energy": _energy(plan, timed(account), account.begun_ps),
        "power": _power(plan, account),
    }


def _op_vectors(plan: Plan, grain: Grain) -> tuple[int, ...]:
    return tuple(
        max(1, {"vector": 1, "row": stream.row, "layer": stream.vectors}[grain]) for stream in plan.system.streams
    )


class OpColumns:
    """The columns of the table `ops`, from rows of `Account.ops`; they depend on nothing but a row and the plan."""

    def __init__(self, plan: Plan, grain: Grain) -> None:
        streams, op_vectors = plan.system.streams, _op_vectors(plan, grain)
        self._starts = OpNumbers(streams, op_vectors).starts
        self._size, self._vectors = _ints(op_vectors), _ints([stream.vectors for stream in streams])
        self._per_request = -(-self._vectors // self._size)
        self._state_op = np.array([stream.is_state_op for stream in streams])
        named = ("layer", "kind", "tile")
        self._words = {name: _words([getattr(stream, name) for stream in streams]) for name in named}

    def column(self, name: str, rows: Ints) -> NDArray[Any]:
        """Return one column of the ops in some rows."""
        if name in WRITTEN:
            written: Ints = rows[:, WRITTEN.index(name)]
            return written
        if name == "latency_ps":
            latency: Ints = rows[:, WRITTEN.index("end_ps")] - rows[:, WRITTEN.index("start_ps")]
            return latency
        of: Ints = np.searchsorted(self._starts, rows[:, 0], side="right") - 1
        if name == "stream":
            return of
        if name in self._words:
            words: NDArray[Any] = self._words[name][of]
            return words
        return self._place(name, of, rows[:, 0])

    def _place(self, name: str, of: Ints, op: Ints) -> Ints:
        """Return the column that says which vectors of its stream an op covers."""
        request, place = np.divmod(op - self._starts[of], self._per_request[of])
        first: Ints = place * self._size[of]
        if name == "first_vector":
            return first
        if name == "vectors":
            vectors: Ints = np.minimum(self._size[of], self._vectors[of] - first)
            return vectors
        return np.where(self._state_op[of], -1, request)


def _ops(plan: Plan, account: Account, grain: Grain) -> Table:
    """Return the ops with where their time went."""
    columns = OpColumns(plan, grain)

    def made(names: Sequence[str]) -> Iterator[Part]:
        for rows in account.ops.parts():
            yield {name: columns.column(name, rows) for name in names}

    return LongTable("ops", account.ops.rows, made)


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _words(values: Sequence[str]) -> NDArray[np.str_]:
    """Return words that columns take theirs from by number."""
    return np.array(values, dtype=np.str_)


def _waits(account: Account) -> Table:
    """Return the waits of the ops by resource and holder."""
    words = {"cause": _words(CAUSES), "resource": _words(account.names)}
    columns = [column.name for column in SCHEMAS["waits"]]

    def made(names: Sequence[str]) -> Iterator[Part]:
        for rows in account.waits.parts():
            found = {name: rows[:, columns.index(name)] for name in names}
            yield {name: words[name][column] if name in words else column for name, column in found.items()}

    return LongTable("waits", account.waits.rows, made)


def _critical_path(plan: Plan, account: Account) -> Table:
    """Return the work that the last result had to wait for, by resource and layer."""
    streams = plan.system.streams
    stages = [(s.index, stage) for s in streams for stage in s.stages]
    causes = {(one.server.path, index): one.cause for index, one in stages if one.server}
    causes |= {(one.name, index): one.cause for index, one in stages if one.packets}
    spent: Counter[tuple[str, str, str, str]] = Counter()
    for resource, stream, time in account.path.tolist():
        path, worker = account.names[resource], streams[stream]
        spent[path, causes.get((path, stream), "none"), worker.layer, worker.kind] += time
    return Table.of_rows("critical_path", [(*key, time) for key, time in sorted(spent.items())])


def _resources(plan: Plan, account: Account, links: Table) -> Table:
    """Return the servers, pools and links that were held; what a pool's slots were held is averaged over them."""
    system = plan.system
    owners: tuple[Server | SlotPool, ...] = (*system.servers, *system.slots)
    held, busy, inside = np.concatenate([account.servers, account.pools]).T
    count = _ints([1] * len(system.servers) + [pool.count for pool in system.slots])
    used = np.flatnonzero(held)
    columns = {
        "resource": _words([owner.path for owner in owners])[used],
        "kind": _words([owner.kind for owner in owners])[used],
        "holds": held[used],
        "busy_ps": (busy // count)[used],
        "utilisation": (inside / (count * timed(account).length_ps))[used],
    }
    of_links = (links[name] for name in ("link", "kind", "flits", "busy_ps", "utilisation"))
    return Table(
        "resources",
        {name: np.concatenate([column, more]) for (name, column), more in zip(columns.items(), of_links, strict=True)},
    )


def _links(plan: Plan, account: Account) -> Table:
    """Return the links of a network of routers that were used."""
    carrier, names = plan.system.carrier, plan.chip.links
    ports = 0 if carrier is None else carrier.fabric.ports
    first = len(account.head_waits) * ports
    rows = _ints([first + one.port if one.router < 0 else one.router * ports + one.port for one in names])
    flits, *spent = account.links[rows].T
    used = np.flatnonzero(flits)
    busy, link_wait, credit_wait = (_cycles_ps(plan, cycles[used]) for cycles in spent)
    length = max(1, account.elapsed_ps - timed(account).begin_ps)
    return Table(
        "links",
        {
            "link": _words([one.path for one in names])[used],
            "kind": _words([one.kind for one in names])[used],
            "flits": flits[used],
            "busy_ps": busy,
            "utilisation": busy / length,
            "link_wait_ps": link_wait,
            "credit_wait_ps": credit_wait,
        },
    )


def _routers(plan: Plan, account: Account) -> Table:
    """Return the routers that passed flits on."""
    count = len(account.head_waits)
    ports = 0 if plan.system.carrier is None else plan.system.carrier.fabric.ports
    flits = account.links[: count * ports, 0].reshape(count, ports).sum(axis=1)
    used = np.flatnonzero(flits)
    waits = _cycles_ps(plan, account.head_waits[used])
    names = _words(plan.chip.router_names(count))[used]
    return Table("routers", {"router": names, "flits": flits[used], "head_wait_ps": waits})


def _cycles_ps(plan: Plan, cycles: Ints) -> Ints:
    """Return how long so many cycles of the network are."""
    if plan.system.carrier is None:
        return cycles
    edge = plan.system.carrier.clock.edge
    return _ints([edge(count) for count in cycles.tolist()])


def _buffers(quotas: Sequence[Quota], account: Account) -> Table:
    edges = _ints([quota.edge for quota in quotas])
    reserved, highest, integral = account.edges[edges].T
    return Table(
        "buffers",
        {
            "edge": edges,
            "buffer": [quota.buffer for quota in quotas],
            "source": [quota.source for quota in quotas],
            "target": [quota.target for quota in quotas],
            "vector_bytes": [quota.vector_bytes for quota in quotas],
            "least_vectors": [quota.progress for quota in quotas],
            "full_rate_vectors": [quota.full_rate for quota in quotas],
            "quota_vectors": [quota.given for quota in quotas],
            "highest_vectors": highest,
            "vectors": reserved,
            "mean_vectors": integral / max(1, account.elapsed_ps),
        },
    )


def compensations_ps(plan: Plan, account: Account, grain: Grain) -> list[int]:
    """Return when each compensation after the begin had ended in all arrays."""
    ended = [0] * len(plan.maintenance.due_ps)
    streams = [stream for stream in plan.system.streams if stream.kind == "compensate" and stream.source]
    numbers = OpNumbers(plan.system.streams, _op_vectors(plan, grain))
    turn_of = {
        numbers.op(stream.index, (turn + 1) * stream.vectors - 1): turn
        for stream in streams
        for turn in range(stream.requests)
    }
    for rows in account.ops.parts() if turn_of else ():
        found = rows[np.isin(rows[:, 0], list(turn_of))]
        for op, end in found[:, [0, WRITTEN.index("end_ps")]].tolist():
            ended[turn_of[op]] = max(ended[turn_of[op]], end)
    return ended


def epochs(plan: Plan, account: Account, grain: Grain) -> list[Epoch]:
    """Return what each request read of the devices."""
    ended = compensations_ps(plan, account, grain)
    return [
        plan.maintenance.epoch(admitted, account.begun_ps, bisect_left(ended, admitted))
        for admitted in account.admitted_ps.tolist()
    ]


def _requests(plan: Plan, account: Account, read: Sequence[Epoch]) -> Table:
    admitted, ended = account.admitted_ps, account.ended_ps
    arrival = account.begun_ps + _ints(plan.system.release_ps) if plan.system.release_ps else admitted
    return Table(
        "requests",
        {
            "request": np.arange(len(admitted)),
            "arrival_ps": arrival,
            "admitted_ps": admitted,
            "end_ps": ended,
            "queued_ps": admitted - arrival,
            "latency_ps": ended - arrival,
            "state_s": np.array([epoch.time_s for epoch in read]),
            "compensated_s": np.array([epoch.compensated_s for epoch in read]),
        },
    )


def _latency(latency_ps: Ints) -> Table:
    """Return how many requests took how long."""
    width = bin_width_ps(int(latency_ps.max()))
    counts = np.bincount(latency_ps // width)
    bins = np.flatnonzero(counts)
    share = np.cumsum(counts)[bins] / len(latency_ps)
    columns = {"bin_start_ps": bins * width, "bin_end_ps": (bins + 1) * width}
    return Table("latency", {**columns, "requests": counts[bins], "share": share})


def vector_actions(stream: Stream) -> dict[str, Ints]:
    """Return what a vector of a stream makes components do: `component.action` -> how often.

    One number if it is the same for all vectors, else one for each vector of a request.
    """
    counts: dict[str, Ints] = {}
    for stage in stream.stages:
        for action, amounts in stage.actions:
            counts[action] = counts.get(action, _ints([0])) + stage.iterations * _ints(amounts)
    return {action: each[:1] if (each == each[0]).all() else each for action, each in counts.items()}


def stream_actions(stream: Stream) -> dict[str, int]:
    """Return what all vectors of a stream make components do."""
    return {
        action: int(each.sum()) * stream.requests * (stream.vectors if len(each) == 1 else 1)
        for action, each in vector_actions(stream).items()
    }


def _served(plan: Plan) -> Iterator[tuple[Stream, str, Ints]]:
    """Return the actions of all streams but state ops, in the order that `Question.varying` has."""
    for stream in plan.system.streams:
        if not stream.is_state_op:
            for action, each in vector_actions(stream).items():
                yield stream, action, each


def _energy(plan: Plan, span: Span, begun: int) -> Table:
    spec = plan.chip.spec
    counts: Counter[tuple[str, str, str, str, str]] = Counter()
    for stream in plan.system.streams:
        phase = PHASES.get(stream.kind, "run")
        for action, count in stream_actions(stream).items():
            component, act = spec.action_key(action)
            counts[stream.layer, stream.tile, component, act, phase] += count
    rows = [
        (*key, count, _joules(count, spec.costs[key[2]].actions[key[3]]), _source(spec.costs[key[2]].actions[key[3]]))
        for key, count in sorted(counts.items())
        if count
    ]
    for component, cost in spec.costs.items():
        if cost.static_power_w:
            source = f"{cost.source.key} ({cost.grade})"
            for phase, length_ps in (("programming", begun), ("run", span.length_ps)):
                amount = length_ps * spec.instances(cost.instances_per)
                joules = float(cost.static_power_w * amount / 10**12)
                rows.append(("", "", component, "static", phase, amount, joules, source))
    return Table.of_rows("energy", rows)


def _joules(count: int, cost: ActionCost) -> float:
    return float(count * cost.energy_j)


def _source(cost: ActionCost) -> str:
    return f"{cost.source.key} ({cost.grade})"


def _power(plan: Plan, account: Account) -> Table:
    """Return the actions of the run by when their vectors ended, in the bins of the account."""
    spec, span, width = plan.chip.spec, timed(account), account.bin_ps
    rows: list[tuple[Any, ...]] = []
    counts = _binned(plan, account)
    keys = sorted(counts)
    amounts = _inside(np.stack([counts[key] for key in keys]), (span.length_ps - 1) // width)
    for place, number in np.argwhere(amounts.T).tolist():
        component, action = keys[number]
        start = span.begin_ps + place * width
        end = min(span.end_ps, start + width)
        count = int(amounts[number, place])
        energy = count * spec.costs[component].actions[action].energy_j
        rows.append((start, end, component, action, count, _watts(energy, start, end)))
    for component, cost in spec.costs.items():
        power = float(cost.static_power_w * spec.instances(cost.instances_per))
        if power:
            length = span.length_ps * spec.instances(cost.instances_per)
            rows.append((span.begin_ps, span.end_ps, component, "static", length, power))
    return Table.of_rows("power", rows)


def _binned(plan: Plan, account: Account) -> dict[tuple[str, str], Ints]:
    """Return how often components acted in each bin, by (component, action)."""
    counts: dict[tuple[str, str], Ints] = {}
    varying = iter(account.bin_amounts)
    for stream, action, each in _served(plan):
        amounts = next(varying) if len(each) > 1 else each[0] * account.bin_vectors[stream.index]
        key = plan.chip.spec.action_key(action)
        counts[key] = counts.get(key, np.zeros(BINS, dtype=np.int64)) + amounts
    return counts


def _inside(amounts: Ints, last: int) -> Ints:
    """Return the bins up to the last; what lies behind it counts there.

    A vector that no result needs may end after the last result; and what ends with the last result lies behind it
    where that is the end of a bin.
    """
    kept = amounts[:, : last + 1].copy()
    kept[:, -1] += amounts[:, last + 1 :].sum(axis=1)
    return kept


def _watts(energy_j: Fraction, start_ps: int, end_ps: int) -> float:
    return float(energy_j * 10**12 / max(1, end_ps - start_ps))
