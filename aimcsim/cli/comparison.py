"""What `diff` answers: how two runs differ, in their chips and in their figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from aimcsim.cli.tables import grid
from aimcsim.cli.views import Row
from aimcsim.errors import InputError
from aimcsim.located import parse_document
from aimcsim.records import CAUSES
from aimcsim.run import Run
from aimcsim.units import format_energy_j, format_si, format_time_ps

Figure = tuple[str, str, float]
"""Name, unit (`ps`, `j`, `w`, `per_s`) and value."""


def differences(first: Run, second: Run) -> Row:
    """Return which fields of the chips differ, and all figures of both runs.

    Raises
    ------
    InputError   If one of the runs was not written whole, or they are of different workloads.
    """
    for run in (first, second):
        if run.partial:
            raise InputError("a partial run has no figures to compare")
    names = [run.summary["workload"] for run in (first, second)]
    if names[0] != names[1]:
        raise InputError(f"the runs are of different workloads (`{names[0]}` and `{names[1]}`)")
    return {"workload": names[0], "chip": _fields(first, second), "figures": _figures(first, second)}


def _fields(first: Run, second: Run) -> list[Row]:
    """Return the fields of the resolved chip files that differ."""
    one, other = (dict(_leaves(parse_document(run.files.config, "chip").data)) for run in (first, second))
    paths = [path for path in dict.fromkeys([*one, *other]) if one.get(path) != other.get(path)]
    return [{"field": path, "first": one.get(path), "second": other.get(path)} for path in paths]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{place}]")
    else:
        yield path, value


def _figures(first: Run, second: Run) -> list[Row]:
    """Return the figures that are not nothing in both."""
    one, other = ({name: (unit, value) for name, unit, value in _of(run)} for run in (first, second))
    rows = []
    for name in dict.fromkeys([*one, *other]):
        unit = (one.get(name) or other[name])[0]
        before, after = (figures.get(name, (unit, 0))[1] for figures in (one, other))
        if before or after:
            relative = (after - before) / before if before else None
            figures = {"first": before, "second": after, "difference": after - before, "relative": relative}
            rows.append({"figure": name, "unit": unit, **figures})
    return rows


def _of(run: Run) -> Iterator[Figure]:
    """Yield the figures of a run: when, where the time of all ops of the requests went, and what it cost."""
    values, ops = run.summary, run.ops
    served = ops["request"] >= 0
    yield "makespan", "ps", values["makespan_ps"]
    yield "latency, median", "ps", values["latency_ps"]["p50"]
    yield "latency, longest", "ps", values["latency_ps"]["max"]
    yield "throughput", "per_s", values["throughput_per_s"]
    for name in ("service", "transfer"):
        yield f"{name} of all ops", "ps", int(ops[f"{name}_ps"][served].sum())
    for cause in CAUSES:
        yield f"wait, {cause}", "ps", int(ops[f"wait_{cause}_ps"][served].sum())
    yield "energy a request", "j", values["energy_j"]["per_request"]
    for component, energy in values["energy_j"]["by_component"].items():
        yield f"energy, {component}", "j", energy
    yield "power, average", "w", values["power_w"]["average"]


FORMATS: dict[str, Callable[[float], str]] = {
    "ps": lambda value: format_time_ps(round(value)),
    "j": format_energy_j,
    "w": lambda value: format_si(value, "W"),
    "per_s": lambda value: format_si(value, "/s"),
}


def tables(found: Row) -> list[Table]:
    """Return the differences as tables; figures that are equal are left out."""
    shown = [
        (row["figure"], *(FORMATS[row["unit"]](row[key]) for key in ("first", "second", "difference")), _part(row))
        for row in found["figures"]
        if row["difference"]
    ]
    equal = len(found["figures"]) - len(shown)
    fields = [(row["field"], _word(row["first"]), _word(row["second"])) for row in found["chip"]]
    columns = ("figure", ">first", ">second", ">difference", ">")
    return [
        _table("differences in the chip", ("field", "first", "second"), fields),
        _table(f"{found['workload']}: figures that differ", columns, shown, f"{equal} more are equal"),
    ]


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Table:
    """Return a table, or a title that says that there is nothing to show."""
    return grid(title, columns, rows, caption) if rows else grid(f"{title}: none", (), (), caption)


def _word(value: Any) -> str:
    return "-" if value is None else str(value)


def _part(row: Row) -> str:
    return "" if row["relative"] is None else f"{100 * row['relative']:+.2f} %"
