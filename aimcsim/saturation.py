"""Whether a run with arrivals was saturated, and by what."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.records import Table

Ints = NDArray[np.int64]

DEVIATIONS = 3.0
"""Standard deviations of chance that the backlog must have grown by before it counts as growth."""


def load(requests: Table, resources: Table, path: Table, makespan_ps: int) -> dict[str, Any]:
    """Return what was offered and completed, whether the run was saturated, and what bounds it.

    The second half of the arrivals is looked at, from arrival R // 2 to the last. `backlog_growth` is what arrived in
    that window less what ended in it. `saturated` is whether that is more than one request and three standard
    deviations of what chance does at the edge of saturation: the number of arrivals in the window times the squared
    coefficient of variation of their gaps is the variance. None: no result came before the window, so the run is too
    short to tell. Rates are counted between the first and the last arrival, and end, in the window.

    `limited_by` is the resource of highest utilisation on the critical path; `bound_per_s` is the rate at which it
    would never rest.
    """
    arrival, end = requests["arrival_ps"], np.sort(requests["end_ps"])
    half = len(arrival) // 2
    begin, last = int(arrival[half]), int(arrival[-1])
    offered = len(arrival) - 1 - half
    ended = end[(end > begin) & (end <= last)]
    growth = offered - len(ended)
    name, used = limiting(resources, path)
    return {
        "offered_per_s": _rate(arrival[half:]),
        "completed_per_s": _rate(ended),
        "backlog_growth": growth,
        "saturated": None if offered < 1 or end[0] > begin else is_growth(growth, arrival[half:]),
        "limited_by": name,
        "utilisation": used,
        "bound_per_s": requests.rows * 1e12 / (used * makespan_ps) if used else None,
    }


def _rate(moments_ps: Ints) -> float | None:
    """Return how many a second, from the first moment to the last; None if these are not apart."""
    if len(moments_ps) < 2 or moments_ps[0] == moments_ps[-1]:
        return None
    return (len(moments_ps) - 1) * 1e12 / int(moments_ps[-1] - moments_ps[0])


def is_growth(growth: int, arrival_ps: Ints) -> bool:
    """Whether a backlog that grew by so much while these requests arrived did so by more than chance."""
    gaps = np.diff(arrival_ps).astype(np.float64)
    mean = float(gaps.mean())
    variation = float(gaps.std()) / mean if mean else 0.0
    return growth > 1 + DEVIATIONS * variation * float(np.sqrt(len(gaps)))


def limiting(resources: Table, path: Table) -> tuple[str, float]:
    """Return the resource of highest utilisation on the critical path, and its utilisation; of all if none is on it.

    Where the path leads through a network of routers, all its links count as being on it.
    """
    used = dict(zip(resources["resource"].tolist(), resources["utilisation"].tolist(), strict=True))
    names = set(path["resource"].tolist())
    if "network" in names:
        names |= set(resources["resource"][np.isin(resources["kind"], ("link", "chip_link"))].tolist())
    on_path = {name: used[name] for name in sorted(names) if name in used}
    among = on_path or used
    name = max(among, key=lambda one: (among[one], one), default="")
    return name, float(among.get(name, 0.0))
