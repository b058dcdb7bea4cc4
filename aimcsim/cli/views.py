"""What `show` answers: where time and energy went, by layer, tile, resource, cause or component, as plain rows.

Shares are of the time of all ops of the requests; state ops, which run before them, are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aimcsim import summary
from aimcsim.records import CAUSES, Table
from aimcsim.run import Run

Row = dict[str, Any]
Key = tuple[Any, ...]


STATIC = "static"
"""The row of what no layer and no tile accounts for: power that is drawn in any case."""


def by_layer(run: Run) -> list[Row]:
    """Return where the time and the energy of each layer went, in the order of the layers, and static energy."""
    return _by_column(run, "layer")


def by_tile(run: Run) -> list[Row]:
    """Return where the time and the energy of the ops on each tile went, and static energy."""
    return _by_column(run, "tile")


def _by_column(run: Run, column: str) -> list[Row]:
    """Return sums over the ops that agree in a column: time by service, transfer and cause, and energy.

    The energies of all rows, the last of which is static power, add up to that of the run.
    """
    rows: dict[str, Row] = {}
    for op in run.ops.each_record():
        if op["request"] < 0:
            continue
        row = rows.setdefault(op[column], _nothing(column, op[column]))
        row["ops"] += 1
        row["time_ps"] += op["end_ps"] - op["release_ps"]
        row["service_ps"] += op["service_ps"]
        row["transfer_ps"] += op["transfer_ps"]
        for cause in CAUSES:
            row["waits_ps"][cause] += op[f"wait_{cause}_ps"]
    for one in by_component(run, column):
        if one["phase"] == "run" and one["action"] != STATIC:
            rows.setdefault(one[column], _nothing(column, one[column]))["energy_j"] += one["energy_j"]
    return [*rows.values(), {**_nothing(column, STATIC), "energy_j": sum(static_energy(run).values())}]


def _nothing(column: str, name: str) -> Row:
    none = {"ops": 0, "time_ps": 0, "service_ps": 0, "transfer_ps": 0, "waits_ps": dict.fromkeys(CAUSES, 0)}
    return {column: name, **none, "energy_j": 0.0}


def total(rows: Sequence[Row], column: str) -> Row:
    """Return the sum of rows of `by_layer` or `by_tile`."""
    row = _nothing(column, "total")
    for one in rows:
        for key in ("ops", "time_ps", "service_ps", "transfer_ps", "energy_j"):
            row[key] += one[key]
        for cause in CAUSES:
            row["waits_ps"][cause] += one["waits_ps"][cause]
    return row


def by_component(run: Run, *columns: str) -> list[Row]:
    """Return what each component did and what that took, first for the run, then for programming, most energy first.

    `count` is of actions; for static power, picoseconds times instances. Rows are split further by `columns` of the
    table `energy`.
    """
    rows: dict[Key, Row] = {}
    for one in run.table("energy").records():
        names = {name: one[name] for name in ("component", "action", "phase", "source", *columns)}
        row = rows.setdefault(tuple(names.values()), {**names, "count": 0, "energy_j": 0.0})
        row["count"] += one["count"]
        row["energy_j"] += one["energy_j"]
    found = [row for row in rows.values() if row["count"]]
    return sorted(found, key=lambda row: (row["phase"] != "run", -row["energy_j"]))


def static_energy(run: Run) -> dict[str, float]:
    """Return the static energy of the run by component, J, most first."""
    found = (row for row in by_component(run) if row["phase"] == "run" and row["action"] == STATIC)
    return {row["component"]: row["energy_j"] for row in found}


def programmed_ps(run: Run) -> int:
    """Return when the last weights were written, counted from the start of the simulation; 0 if none were."""
    parts = run.ops.parts("end_ps", "kind")
    return max(int(part["end_ps"][part["kind"] == "program"].max(initial=0)) for part in parts)


def by_resource(run: Run) -> list[Row]:
    """Return each resource with how long it was held, and how long ops of the requests waited for it, most first.

    Space in buffers is no resource that is held, so rows of buffers have no `holds`, `busy_ps` and `utilisation`.
    """
    waited = summary.waited(run.ops, run.waits)
    rows: dict[str, Row] = {row["resource"]: {**row, "waits_ps": {}} for row in run.resources.records()}
    for (resource, cause), time in waited.items():
        if cause != "dependency":
            rows.setdefault(resource, {"resource": resource, "kind": "buffer", **_NOT_HELD, "waits_ps": {}})
            rows[resource]["waits_ps"][cause] = time
    return sorted(rows.values(), key=lambda row: (-sum(row["waits_ps"].values()), -(row["utilisation"] or 0)))


_NOT_HELD = {"holds": None, "busy_ps": None, "utilisation": None}


def by_cause(run: Run) -> list[Row]:
    """Return what ops waited for, most first: its time, share, and the resources and holders in the way."""
    total, holders = summary.op_time_ps(run.ops), _by_holder(run)
    rows = []
    for cause in CAUSES:
        found = [
            {"resource": resource, "holder": holder, "wait_ps": time}
            for (why, resource, holder), time in sorted(holders.items(), key=lambda item: (-item[1], item[0]))
            if why == cause
        ]
        waited = sum(one["wait_ps"] for one in found)
        if waited:
            rows.append({"cause": cause, "wait_ps": waited, "share": waited / total, "resources": found})
    return sorted(rows, key=lambda row: -row["wait_ps"])


def bottlenecks(run: Run, count: int) -> list[Row]:
    """Return the run's first bottlenecks, each with who held the resource while others waited, longest first."""
    holders: dict[Key, list[str]] = {}
    for (cause, resource, holder), _ in sorted(_by_holder(run).items(), key=lambda item: (-item[1], item[0])):
        holders.setdefault((cause, resource), []).extend([holder] if holder else [])
    return [{**row, "holders": holders.get((row["cause"], row["resource"]), [])} for row in run.bottlenecks(count)]


def _by_holder(run: Run) -> Counter[Key]:
    """Return the waiting of the requests' ops, ps, by cause, resource and holder (`layer.kind`; empty if nobody)."""
    starts, owners = _owners(run.ops)
    totals: Counter[Key] = Counter()
    for part in summary.served_waits(run.ops, run.waits, "cause", "resource", "holder", "wait_ps"):
        cause, resource, holder, time = (column.tolist() for column in part.values())
        names = [owners[place - 1] for place in np.searchsorted(starts, holder, side="right")]
        for *key, waited in zip(cause, resource, names, time, strict=True):
            totals[tuple(key)] += waited
    return totals


def _owners(ops: Table) -> tuple[list[int], list[str]]:
    """Return the first op of each stream, ascending, and whose its ops are, as `layer.kind`; op -1 is nobody's."""
    starts, owners, before = [-1], [""], -1
    for part in ops.parts("op", "stream", "layer", "kind"):
        for place in np.flatnonzero(np.diff(part["stream"], prepend=before)).tolist():
            starts.append(int(part["op"][place]))
            owners.append(f"{part['layer'][place]}.{part['kind'][place]}")
        before = int(part["stream"][-1]) if len(part["stream"]) else before
    return starts, owners


VIEWS: dict[str, Callable[[Run], list[Row]]] = {
    "layer": by_layer,
    "tile": by_tile,
    "resource": by_resource,
    "cause": by_cause,
    "component": by_component,
}
"""By what `show --by` calls them."""
