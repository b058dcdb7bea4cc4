"""The summary of a run: the figures that a user reads first, from its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from aimcsim.records import CAUSES, Table

SCHEMA = "aimcsim-summary/1"


def latency(requests: Table) -> dict[str, float]:
    """Return mean and percentiles of the requests' latency, ps; percentiles are values that occurred."""
    values = np.sort(requests["latency_ps"])

    def percentile(share: float) -> int:
        return int(values[min(len(values) - 1, int(np.ceil(share * len(values))) - 1)])

    return {
        "mean": float(values.mean()),
        "p50": percentile(0.50),
        "p95": percentile(0.95),
        "p99": percentile(0.99),
        "max": int(values[-1]),
    }


def throughput(requests: Table) -> float:
    """Return requests per second from the first admission to the last end."""
    elapsed = int(requests["end_ps"].max()) - int(requests["admitted_ps"].min())
    return requests.rows * 1e12 / elapsed


def waits(ops: Table) -> dict[str, int]:
    """Return the total time that the ops of requests waited, ps by cause."""
    served = ops["request"] >= 0
    return {cause: int(ops[f"wait_{cause}_ps"][served].sum()) for cause in CAUSES}


def bottlenecks(ops: Table, waited: Table, path: Table, count: int | None = None) -> list[dict[str, Any]]:
    """Return what limits the run, first what limits it most.

    `share` is the part of the critical path that the resource worked on: a run cannot get faster by more than that
    through it. `wait_share` is the part of the time of all ops of requests in which they stood in line for it.
    """
    on_path: Counter[tuple[str, str]] = Counter()
    for row in path.records():
        on_path[row["resource"], row["cause"]] += row["time_ps"]
    in_line: Counter[tuple[str, str]] = Counter()
    served = ops["request"] >= 0
    columns = (waited[name][served[waited["op"]]].tolist() for name in ("resource", "cause", "wait_ps"))
    for resource, cause, time in zip(*columns, strict=True):
        in_line[resource, cause] += time
    length = max(1, sum(on_path.values()))
    elapsed = max(1, int((ops["end_ps"] - ops["release_ps"])[served].sum()))
    order = sorted(on_path.items(), key=lambda item: (-item[1], item[0]))[:count]
    return [
        {"resource": key[0], "cause": key[1], "share": time / length, "wait_share": in_line[key] / elapsed}
        for key, time in order
    ]


def energy(table: Table, requests: int) -> dict[str, Any]:
    """Return joules of the run in total, per request, by component and by layer, and those of programming apart.

    Layers share the dynamic energy; static power is a row of its own there. Every sum runs in the order of the table.
    """
    component: dict[str, float] = {}
    layer: dict[str, float] = {}
    programming = 0.0
    for row in table.records():
        if row["phase"] == "programming":
            programming += row["energy_j"]
            continue
        component[row["component"]] = component.get(row["component"], 0.0) + row["energy_j"]
        name = row["layer"] or "static"
        layer[name] = layer.get(name, 0.0) + row["energy_j"]
    total = sum(component.values())
    return {
        "total": total,
        "per_request": total / requests,
        "by_component": component,
        "by_layer": layer,
        "programming": programming,
    }


def utilisation(resources: Table) -> dict[str, dict[str, float]]:
    """Return mean and highest utilisation of the resources in use, by class."""
    classes: dict[str, list[float]] = {}
    for kind, used in zip(resources["kind"], resources["utilisation"], strict=True):
        classes.setdefault(str(kind), []).append(float(used))
    return {kind: {"mean": _mean(values), "max": max(values)} for kind, values in sorted(classes.items())}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
