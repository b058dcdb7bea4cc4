"""From the logs of a finished run to its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from aimcsim.controller import Plan
from aimcsim.costs import ActionCost
from aimcsim.engine import Stream, Walk
from aimcsim.errors import SimulationError
from aimcsim.quotas import Quota
from aimcsim.records import CAUSES, Table

Grain = Literal["vector", "row", "layer"]
Tables = dict[str, Table]

POWER_BINS = 50


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a run that its requests are timed over."""

    begin_ps: int
    end_ps: int

    @property
    def length_ps(self) -> int:
        """Elapsed time, at least 1 ps."""
        return max(1, self.end_ps - self.begin_ps)


class OpNumbers:
    """Which op a vector of a stream belongs to at a grain."""

    def __init__(self, streams: Sequence[Stream], grain: Grain) -> None:
        self._size = [_op_vectors(stream, grain) for stream in streams]
        self._per_request = [-(-s.vectors // size) for s, size in zip(streams, self._size, strict=True)]
        self._streams = streams
        self._first: list[int] = []
        self.count = 0
        for stream, per_request in zip(streams, self._per_request, strict=True):
            self._first.append(self.count)
            self.count += per_request * stream.requests

    def op(self, stream: int, vector: int) -> int:
        """Return the op of a vector; -1 for none."""
        if stream < 0 or not self._streams[stream].vectors:
            return -1
        request, index = divmod(vector, self._streams[stream].vectors)
        return self._first[stream] + request * self._per_request[stream] + index // self._size[stream]

    def groups(self, stream: Stream) -> list[tuple[int, int, int]]:
        """Return (request, first vector within it, vectors) of a stream's ops, in order."""
        size = self._size[stream.index]
        return [
            (request, first, min(size, stream.vectors - first))
            for request in range(stream.requests)
            for first in range(0, stream.vectors, size)
        ]


def _op_vectors(stream: Stream, grain: Grain) -> int:
    return max(1, {"vector": 1, "row": stream.row, "layer": stream.vectors}[grain])


def admissions(plan: Plan) -> list[int]:
    """Return when each request was admitted: when the first of its input vectors was issued."""
    loads = [plan.system.streams[index] for index in plan.loads]
    return [
        min(load.issue_ps[request * load.vectors] for load in loads) for request in range(plan.system.requests)
    ]


def timed(plan: Plan) -> Span:
    """Return the span from the first admission to the last result."""
    stores = [plan.system.streams[index] for index in plan.stores]
    return Span(admissions(plan)[0], max(store.end_ps[-1] for store in stores))


def record(plan: Plan, quotas: Sequence[Quota], grain: Grain) -> Tables:
    """Return every table of a finished run."""
    span = timed(plan)
    walk = Walk(plan.system, admissions(plan))
    ops, waits = _ops(plan, walk, grain)
    return {
        "ops": ops,
        "waits": waits,
        "critical_path": _critical_path(plan, walk),
        "resources": _resources(plan, span),
        "buffers": _buffers(plan, quotas),
        "requests": _requests(plan),
        "energy": _energy(plan, span),
        "power": _power(plan, span),
    }


def _ops(plan: Plan, walk: Walk, grain: Grain) -> tuple[Table, Table]:
    """Return the ops with where their time went, and their waits by resource and holder."""
    system = plan.system
    numbers = OpNumbers(system.streams, grain)
    rows: list[list[Any]] = []
    waits: list[tuple[Any, ...]] = []
    for stream in system.streams:
        for request, first, vectors in numbers.groups(stream):
            row, held = _op(walk, stream, numbers, len(rows), (request, first, vectors))
            rows.append(row)
            waits += [(len(rows) - 1, *key, time) for key, time in sorted(held.items())]
    return Table.of_rows("ops", rows), Table.of_rows("waits", waits)


def _op(
    walk: Walk, stream: Stream, numbers: OpNumbers, op: int, group: tuple[int, int, int]
) -> tuple[list[Any], Counter[tuple[str, str, int]]]:
    """Return one op's row and its waits by (cause, resource, holder)."""
    request, first, vectors = group
    start = request * stream.vectors + first
    spent: Counter[str] = Counter()
    held: Counter[tuple[str, str, int]] = Counter()
    for vector in range(start, start + vectors):
        for segment in walk.share(stream, vector):
            length = segment.end_ps - segment.start_ps
            spent[segment.cause] += length
            if segment.cause in _CAUSES:
                held[segment.cause, segment.resource, numbers.op(segment.holder, segment.holder_vector)] += length
    release, end = walk.release(stream, start), stream.end_ps[start + vectors - 1]
    if sum(spent.values()) != end - release:
        raise SimulationError(f"{stream.name}: the time of op {op} does not add up; this is a defect of the simulator")
    fetched = stream.log[0].start_ps[start * stream.stages[0].iterations]
    row = [op, stream.index, stream.layer, stream.kind, stream.tile, -1 if stream.kind == "program" else request]
    row += [first, vectors, release, fetched, end, end - fetched, spent["service"], spent["transfer"]]
    return row + [spent[cause] for cause in CAUSES], held


_CAUSES = frozenset(CAUSES)


def _critical_path(plan: Plan, walk: Walk) -> Table:
    """Return the work that the last result had to wait for, by resource and layer."""
    streams = plan.system.streams
    causes = {(stage.server.path, s.index): stage.cause for s in streams for stage in s.stages if stage.server}
    last = max((streams[index] for index in plan.stores), key=lambda store: (store.end_ps[-1], store.index))
    spent: Counter[tuple[str, str, str, str]] = Counter()
    for segment in walk.critical_path(last, last.total - 1):
        worker = streams[segment.holder]
        cause = causes.get((segment.resource, segment.holder), "none")
        spent[segment.resource, cause, worker.layer, worker.kind] += segment.end_ps - segment.start_ps
    return Table.of_rows("critical_path", [(*key, time) for key, time in sorted(spent.items())])


def _resources(plan: Plan, span: Span) -> Table:
    rows: list[tuple[Any, ...]] = []
    for server in plan.system.servers:
        if server.holds:
            inside = _inside(span, [(hold.start_ps, hold.end_ps) for hold in server.holds])
            rows.append((server.path, server.kind, len(server.holds), server.busy_ps, inside / span.length_ps))
    for pool in plan.system.slots:
        if pool.uses:
            busy = sum(use.end_ps - use.start_ps for use in pool.uses)
            inside = _inside(span, [(use.start_ps, use.end_ps) for use in pool.uses])
            used = inside / (pool.count * span.length_ps)
            rows.append((pool.path, pool.kind, len(pool.uses), busy // pool.count, used))
    return Table.of_rows("resources", rows)


def _inside(span: Span, holds: Sequence[tuple[int, int]]) -> int:
    """Return how much of some holds lies in a span."""
    return sum(max(0, min(end, span.end_ps) - max(start, span.begin_ps)) for start, end in holds)


def _buffers(plan: Plan, quotas: Sequence[Quota]) -> Table:
    rows = []
    for quota in quotas:
        edge = plan.system.edges[quota.edge]
        mean = edge.occupancy.integral / max(1, int(plan.system.env.now))
        given = [quota.edge, quota.buffer, quota.source, quota.target, quota.vector_bytes]
        given += [quota.progress, quota.full_rate, quota.given]
        rows.append([*given, edge.occupancy.highest, edge.reserved, mean])
    return Table.of_rows("buffers", rows)


def _requests(plan: Plan) -> Table:
    stores = [plan.system.streams[index] for index in plan.stores]
    rows = []
    for request, admitted in enumerate(admissions(plan)):
        end = max(store.end_ps[(request + 1) * store.vectors - 1] for store in stores)
        rows.append((request, admitted, end, end - admitted))
    return Table.of_rows("requests", rows)


def vector_actions(stream: Stream, vector: int) -> Counter[str]:
    """Return what one vector of a stream makes components do: `component.action` -> how often."""
    counts: Counter[str] = Counter()
    for stage in stream.stages:
        for action, amounts in stage.actions:
            counts[action] += stage.iterations * amounts[vector % stream.vectors % len(amounts)]
    return counts


def stream_actions(stream: Stream) -> Counter[str]:
    """Return what all vectors of a stream make components do."""
    counts: Counter[str] = Counter()
    for stage in stream.stages:
        for action, amounts in stage.actions:
            one_request = sum(amounts) if len(amounts) > 1 else amounts[0] * stream.vectors
            counts[action] += stage.iterations * one_request * stream.requests
    return counts


def _energy(plan: Plan, span: Span) -> Table:
    spec = plan.chip.spec
    counts: Counter[tuple[str, str, str, str, str]] = Counter()
    for stream in plan.system.streams:
        phase = "programming" if stream.kind == "program" else "run"
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
            for phase, length_ps in (("programming", span.begin_ps), ("run", span.length_ps)):
                amount = length_ps * spec.instances(cost.instances_per)
                joules = float(cost.static_power_w * amount / 10**12)
                rows.append(("", "", component, "static", phase, amount, joules, source))
    return Table.of_rows("energy", rows)


def _joules(count: int, cost: ActionCost) -> float:
    return float(count * cost.energy_j)


def _source(cost: ActionCost) -> str:
    return f"{cost.source.key} ({cost.grade})"


def _power(plan: Plan, span: Span) -> Table:
    """Return the actions of the run by when their vectors ended, in equal bins."""
    spec = plan.chip.spec
    edges = [span.begin_ps + span.length_ps * index // POWER_BINS for index in range(POWER_BINS + 1)]
    counts: Counter[tuple[int, str, str]] = Counter()
    for stream in plan.system.streams:
        if stream.kind == "program":
            continue
        per_vector = [vector_actions(stream, vector) for vector in range(stream.vectors)]
        for vector, end in enumerate(stream.end_ps):
            place = min(POWER_BINS - 1, max(0, (end - span.begin_ps) * POWER_BINS // span.length_ps))
            for action, count in per_vector[vector % stream.vectors].items():
                counts[place, *spec.action_key(action)] += count
    rows: list[tuple[Any, ...]] = []
    for (place, component, action), count in sorted(counts.items()):
        start, end = edges[place], edges[place + 1]
        energy = count * spec.costs[component].actions[action].energy_j
        rows.append((start, end, component, action, count, _watts(energy, start, end)))
    for component, cost in spec.costs.items():
        power = float(cost.static_power_w * spec.instances(cost.instances_per))
        if power:
            length = span.length_ps * spec.instances(cost.instances_per)
            rows.append((span.begin_ps, span.end_ps, component, "static", length, power))
    return Table.of_rows("power", rows)


def _watts(energy_j: Fraction, start_ps: int, end_ps: int) -> float:
    return float(energy_j * 10**12 / max(1, end_ps - start_ps))
