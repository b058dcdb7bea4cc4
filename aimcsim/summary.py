"""The summary of a run: the figures that a user reads first, from its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.costs import Interval, added
from aimcsim.records import CAUSES, Part, Table
from aimcsim.spec.chip_file import ChipFile

Ints = NDArray[np.int64]

SCHEMA = "aimcsim-summary/1"


def times(column: Ints) -> dict[str, float]:
    """Return mean and percentiles of times, ps; percentiles are values that occurred."""
    values = np.sort(column)

    def percentile(share: float) -> int:
        return int(values[min(len(values) - 1, int(np.ceil(share * len(values))) - 1)])

    return {
        "mean": float(values.mean()),
        "p50": percentile(0.50),
        "p90": percentile(0.90),
        "p95": percentile(0.95),
        "p99": percentile(0.99),
        "p99.9": percentile(0.999),
        "max": int(values[-1]),
    }


def throughput(requests: Table, warmup: int = 0) -> float:
    """Return requests per second from the first admission, or the end of the last that is left out, to the last end."""
    ends = requests["end_ps"]
    begin = int(ends[:warmup].max()) if warmup else int(requests["admitted_ps"].min())
    return (requests.rows - warmup) * 1e12 / max(1, int(ends.max()) - begin)


def power(table: Table, joules: Mapping[str, float], makespan_ps: int) -> dict[str, Any]:
    """Return power over the makespan: the average, and the bin of the table with the most, by component too.

    The last bin is cut off by the end of the run; it is looked at only where it is the only one, as in the little time
    that may be left of it a single vector would look like much power.
    """
    rows = table.records()
    static: Counter[str] = Counter()
    bins: dict[int, Counter[str]] = {}
    widths = {row["bin_start_ps"]: row["bin_end_ps"] - row["bin_start_ps"] for row in rows if row["action"] != "static"}
    for row in rows:
        into = static if row["action"] == "static" else bins.setdefault(row["bin_start_ps"], Counter())
        into[row["component"]] += row["power_w"]
    whole = [start for start in bins if widths[start] == max(widths.values())]
    most = {start: sum(bins[start].values()) for start in whole}
    peak = max(most, key=lambda start: (most[start], -start), default=0)
    names = sorted({*joules, *static, *(name for one in bins.values() for name in one)})
    seconds = makespan_ps / 1e12
    return {
        "average": sum(joules.values()) / seconds,
        "peak": most.get(peak, 0.0) + sum(static.values()),
        "peak_start_ps": peak,
        "peak_length_ps": widths.get(peak, makespan_ps),
        "by_component": {
            name: {
                "average": joules.get(name, 0.0) / seconds,
                "peak": static[name] + max((bins[start][name] for start in whole), default=0.0),
            }
            for name in names
        },
    }


def waits(ops: Table) -> dict[str, int]:
    """Return the total time that the ops of requests waited, ps by cause."""
    total = dict.fromkeys(CAUSES, 0)
    for part in ops.parts("request", *(f"wait_{cause}_ps" for cause in CAUSES)):
        served = part["request"] >= 0
        for cause in CAUSES:
            total[cause] += int(part[f"wait_{cause}_ps"][served].sum())
    return total


def state_ops(ops: Table) -> Ints:
    """Return the numbers of the ops that serve no request."""
    return np.concatenate([part["op"][part["request"] < 0] for part in ops.parts("op", "request")])


def op_time_ps(ops: Table) -> int:
    """Return the time of all ops of requests, at least 1 ps."""
    parts = ops.parts("request", "release_ps", "end_ps")
    return max(1, sum(int((part["end_ps"] - part["release_ps"])[part["request"] >= 0].sum()) for part in parts))


def served_waits(ops: Table, waits: Table, *columns: str) -> Iterator[Part]:
    """Yield some columns of the waits of ops of requests, part by part."""
    apart = state_ops(ops)
    for part in waits.parts("op", *columns):
        served = ~np.isin(part["op"], apart)
        yield {name: part[name][served] for name in columns}


def waited(ops: Table, waits: Table) -> Counter[tuple[str, str]]:
    """Return the time that ops of requests waited, ps by resource and cause."""
    total: Counter[tuple[str, str]] = Counter()
    for part in served_waits(ops, waits, "resource", "cause", "wait_ps"):
        for resource, cause, time in zip(*(column.tolist() for column in part.values()), strict=True):
            total[resource, cause] += time
    return total


def bottlenecks(ops: Table, waits: Table, path: Table, count: int | None = None) -> list[dict[str, Any]]:
    """Return what limits the run, first what limits it most.

    `share` is the part of the critical path that the resource worked on: a run cannot get faster by more than that
    through it. `wait_share` is the part of the time of all ops of requests in which they stood in line for it.
    """
    on_path: Counter[tuple[str, str]] = Counter()
    for row in path.records():
        on_path[row["resource"], row["cause"]] += row["time_ps"]
    in_line = waited(ops, waits)
    length, elapsed = max(1, sum(on_path.values())), op_time_ps(ops)
    order = sorted(on_path.items(), key=lambda item: (-item[1], item[0]))[:count]
    return [
        {"resource": key[0], "cause": key[1], "share": time / length, "wait_share": in_line[key] / elapsed}
        for key, time in order
    ]


def energy(table: Table, requests: int) -> dict[str, Any]:
    """Return joules of the run in total, per request, by component and by layer; of programming and maintenance apart.

    Layers share the dynamic energy; static power is a row of its own there. Every sum runs in the order of the table.
    """
    component: dict[str, float] = {}
    layer: dict[str, float] = {}
    apart = {"programming": 0.0, "maintenance": 0.0}
    for row in table.records():
        if row["phase"] in apart:
            apart[row["phase"]] += row["energy_j"]
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
        **apart,
    }


def ranges(table: Table, chip: ChipFile, values: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return where headline figures lie, [low, high], by how well the sources of costs know them.

    Costs may all be low, or all high, together. `values` are the figures themselves.
    """
    energy = added(_drawn(row, chip) for row in table.records() if row["phase"] == "run")
    per_request, seconds = energy.times(Fraction(1, values["requests"])), Fraction(values["makespan_ps"], 10**12)
    found = {
        "energy_j": per_request,
        "power_w": energy.times(1 / seconds),
        "area_m2": added(cost.area_range_m2.times(chip.instances(cost.instances_per)) for cost in chip.costs.values()),
    }
    if values["operations"] and energy.low:
        found["ops_per_j"] = _exactly(values["operations"]).over(per_request)
    if values["operations"] and found["area_m2"].low:
        found["ops_per_s_m2"] = _exactly(Fraction(values["ops_per_s"])).over(found["area_m2"])
    return {name: [float(one.low), float(one.high)] for name, one in found.items()}


def _exactly(value: Fraction | int) -> Interval:
    return Interval(Fraction(value), Fraction(value))


def _drawn(row: Mapping[str, Any], chip: ChipFile) -> Interval:
    """Return where the energy of a row of the table `energy` lies, J."""
    cost = chip.costs[row["component"]]
    if row["action"] == "static":
        return cost.static_range_w.times(Fraction(row["count"], 10**12))
    return cost.actions[row["action"]].range_j.times(row["count"])


def efficiency(operations: int, throughput_per_s: float, energy_j: float, area_m2: float) -> dict[str, float | None]:
    """Return operations a second, a joule and a second and square metre; None where there is no energy or area.

    `operations` and `energy_j` are those of one request.
    """
    ops_per_s = operations * throughput_per_s
    return {
        "ops_per_s": ops_per_s,
        "ops_per_j": operations / energy_j if energy_j else None,
        "ops_per_s_m2": ops_per_s / area_m2 if area_m2 else None,
    }


def utilisation(resources: Table) -> dict[str, dict[str, float]]:
    """Return mean and highest utilisation of the resources in use, by class."""
    classes: dict[str, list[float]] = {}
    for kind, used in zip(resources["kind"], resources["utilisation"], strict=True):
        classes.setdefault(str(kind), []).append(float(used))
    return {kind: {"mean": _mean(values), "max": max(values)} for kind, values in sorted(classes.items())}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
