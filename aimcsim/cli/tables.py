"""How rows look in a terminal: Rich tables that stay readable at 80 columns.

Where output goes to a file or a pipe it is 100 columns wide and has no colour.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aimcsim.cli import views
from aimcsim.cli.views import Row
from aimcsim.run import Run
from aimcsim.units import format_energy_j, format_si, format_time_ps

PIPE_WIDTH = 100
TOP = 3
MOST_ROWS = 30


def show(*parts: Table | str) -> None:
    """Print tables and lines of text, an empty line between tables."""
    if sys.stdout.isatty():
        _print(Console(highlight=False), parts)
        return
    text = io.StringIO()
    _print(Console(file=text, width=PIPE_WIDTH, color_system=None, force_terminal=False, highlight=False), parts)
    for line in text.getvalue().splitlines():
        typer.echo(line.rstrip())


def _print(console: Console, parts: Iterable[Table | str]) -> None:
    for place, part in enumerate(parts):
        if place:
            console.print()
        console.print(part, markup=False, soft_wrap=isinstance(part, str))


def show_json(value: Any) -> None:
    """Print a value as JSON and nothing else."""
    typer.echo(json.dumps(value, indent=2))


def grid(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> Table:
    """Return a table; a column whose name starts with `>` is aligned to the right, names may all be empty."""
    table = Table(
        title=Text(title, style="bold"),
        caption=caption or None,
        box=box.SIMPLE_HEAD,
        show_header=any(columns),
        show_edge=False,
        title_justify="left",
        caption_justify="left",
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.removeprefix(">"), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # as text, because brackets in names would be taken for markup
    return table


def counted(count: int, noun: str) -> str:
    """Return `1 tile`, `2 tiles`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def percent(share: float) -> str:
    """Return a share for a table; what is above 0 is never shown as 0."""
    return "< 0.1 %" if 0 < share < 0.0005 else f"{share:.1%}".replace("%", " %")


def summary_table(run: Run, accuracy: Iterable[tuple[str, str]] | None = None) -> Table:
    """Return the figures that a user reads first; `accuracy` in the place of the run's own rows about its values."""
    values = run.summary
    how = {"off": "timing only", "ideal": "exact values", "quantized": "quantized values"}[values["analog"]]
    title = f"{values['workload']} on {values['chip']}: {counted(values['requests'], 'request')}, {how}"
    rows = [*_performance(values), *(_values(values) if accuracy is None else accuracy), *_bottlenecks(run)]
    rows.append(("assumptions", f"{len(values['assumptions'])}, listed by --json"))
    return grid(title, ("", ""), rows, "path: part of the critical path; wait: part of the time of all ops")


def _performance(values: Row) -> list[tuple[str, str]]:
    latency, energy = values["latency_ps"], values["energy_j"]
    median, longest = format_time_ps(latency["p50"]), format_time_ps(latency["max"])
    programming = f"{format_time_ps(values['programming_ps'])} and {format_energy_j(energy['programming'])}"
    used = f"{counted(values['tiles_used'], 'tile')}, {counted(values['crossbars_used'], 'crossbar')}"
    return [
        ("latency", f"{median} a request (median), {longest} the longest"),
        ("throughput", f"{format_si(values['throughput_per_s'], '').rstrip()} requests per second"),
        ("energy", f"{format_energy_j(energy['per_request'])} a request: {_largest(energy['by_component'])}"),
        ("programming", f"{programming}, once before the first request"),
        ("area", f"{format_si(values['area_m2'], 'm2')}; in use: {used}"),
    ]


def _largest(joules: dict[str, float]) -> str:
    """Return the components that take most of the energy, with their shares."""
    total = sum(joules.values()) or 1.0
    first = sorted(joules.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return ", ".join(f"{name} {percent(value / total)}" for name, value in first)


def _values(values: Row) -> list[tuple[str, str]]:
    checked = values["outputs_checked"]
    if checked is None:
        return []
    agreement, error = percent(checked["agreement"]), percent(checked["max_rel_err"])
    same = f"largest one as in float for {agreement} of {counted(checked['samples'], 'sample')}"
    rows = [("outputs", f"{same}, off by {error}")]
    if "accuracy" in checked:
        rows.append(("accuracy", f"{percent(checked['accuracy'])} (in float {percent(checked['reference_accuracy'])})"))
    return rows


def _bottlenecks(run: Run) -> list[tuple[str, str]]:
    return [
        (f"bottleneck {place}", f"{_shares(row)}, {row['cause']}: {row['resource']}{_behind(row['holders'])}")
        for place, row in enumerate(views.bottlenecks(run, TOP), start=1)
    ]


def _shares(row: Row) -> str:
    return f"{percent(row['share'])} path, {percent(row['wait_share'])} wait"


def _behind(holders: Sequence[str]) -> str:
    return f", behind {holders[0]}" if holders else ""


def layer_table(run: Run) -> Table:
    """Return `views.by_layer` as a table."""
    return _spent_table(run, views.by_layer(run), "layer")


def tile_table(run: Run) -> Table:
    """Return `views.by_tile` as a table."""
    return _spent_table(run, views.by_tile(run), "tile")


def _spent_table(run: Run, rows: Sequence[Row], column: str) -> Table:
    columns = (column, ">ops", ">op time", ">service", ">transfer", ">waiting", "most of it for", ">energy")
    caption = "op time: summed over ops, which overlap; energy: without static power"
    return grid(_title(run, column), columns, [_spent_row(row, column) for row in rows], caption)


def _spent_row(row: Row, column: str) -> Sequence[str]:
    time, waits = max(1, row["time_ps"]), row["waits_ps"]
    cause = max(waits, key=waits.__getitem__)
    return (
        row[column],
        str(row["ops"]),
        format_time_ps(row["time_ps"]),
        percent(row["service_ps"] / time),
        percent(row["transfer_ps"] / time),
        percent(sum(waits.values()) / time),
        cause if waits[cause] else "-",
        format_energy_j(row["energy_j"]),
    )


def resource_table(run: Run) -> Table:
    """Return the first of `views.by_resource` as a table."""
    found = views.by_resource(run)
    more = f"; {len(found) - MOST_ROWS} more with --json" if len(found) > MOST_ROWS else ""
    columns = ("resource", ">busy", ">holds", ">waited for", "cause")
    rows = map(_resource_row, found[:MOST_ROWS])
    return grid(_title(run, "resource"), columns, rows, f"waiting for inputs is left out{more}")


def _resource_row(row: Row) -> Sequence[str]:
    waited = sum(row["waits_ps"].values())
    return (
        row["resource"],
        "-" if row["utilisation"] is None else percent(row["utilisation"]),
        "-" if row["holds"] is None else str(row["holds"]),
        format_time_ps(waited) if waited else "-",
        ", ".join(row["waits_ps"]) or "-",
    )


def cause_table(run: Run) -> Table:
    """Return `views.by_cause` as a table, each cause with the two places where most of it arose."""
    rows: list[Sequence[str]] = []
    for row in views.by_cause(run):
        for place, found in enumerate(row["resources"][:2]):
            first = (row["cause"], format_time_ps(row["wait_ps"]), percent(row["share"])) if not place else ("", "", "")
            rows.append((*first, found["resource"], found["holder"] or "-", percent(found["wait_ps"] / row["wait_ps"])))
    columns = ("cause", ">waited", ">share", "most of it at", "behind", ">part")
    return grid(_title(run, "cause"), columns, rows, "share: of the time of all ops; part: of this cause")


def _title(run: Run, column: str) -> str:
    values = run.summary
    return f"{values['workload']} on {values['chip']}, by {column}: {counted(values['requests'], 'request')}"
