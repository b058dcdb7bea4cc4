"""How rows look in a terminal: Rich tables that stay readable at 80 columns.

Where output goes to a file or a pipe it is 100 columns wide and has no colour.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aimcsim.cli import views
from aimcsim.cli.grid import Grid
from aimcsim.cli.names import NameColumn, local
from aimcsim.cli.views import Row
from aimcsim.run import Run
from aimcsim.units import format_energy_j, format_si, format_time_ps

PIPE_WIDTH = 100
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


def show_csv(rows: Sequence[Row]) -> None:
    """Print rows as CSV and nothing else; see `flat`."""
    flattened = [one for row in rows for one in flat(row)]
    writer = csv.DictWriter(
        sys.stdout, list(dict.fromkeys(key for row in flattened for key in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(flattened)


def flat(row: Row, prefix: str = "") -> list[Row]:
    """Return a row without structure: parts get dotted names, and a list of rows repeats what stands around it."""
    found: list[Row] = [{}]
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            inner = flat(value, f"{name}.")
        elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            inner = [one for item in value for one in flat(item, f"{name}.")]
        else:
            inner = [{name: "; ".join(map(str, value)) if isinstance(value, list) else value}]
        found = [{**before, **one} for before in found for one in inner]
    return found


def show_figures(values: Row) -> None:
    """Print one row as CSV, a figure a line; lists are left out, as they are tables of their own."""
    plain = {key: value for key, value in values.items() if not isinstance(value, list)}
    show_csv([{"figure": key, "value": value} for row in flat(plain) for key, value in row.items()])


def grid(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    caption: str = "",
    details: Sequence[str] | None = None,
) -> Table:
    """Return a table; names of columns may all be empty.

    A column whose name starts with `>` is aligned to the right, one with `~` holds names, which are shortened where
    the table would be too wide. `details` are longer texts, one for each row, over the whole width below it; only
    names of such a table are shortened.
    """
    table = Grid(title, caption, details, show_header=any(columns))
    for column in columns:
        right = column.startswith(">")
        whole = right or (details is not None and not column.startswith("~"))
        table.add_column(column.lstrip(">~"), justify="right" if right else "left", overflow="fold", no_wrap=whole)
    drawn = [NameColumn().cell if column.startswith("~") else Text for column in columns]
    for row in rows:  # as text, because brackets in names would be taken for markup
        table.add_row(*(draw(cell) for draw, cell in zip(drawn, row, strict=True)))
    return table


def counted(count: int, noun: str) -> str:
    """Return `1 tile`, `2 tiles`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def percent(share: float) -> str:
    """Return a share for a table; what is above 0 is never shown as 0."""
    return "< 0.1 %" if 0 < share < 0.0005 else f"{share:.1%}".replace("%", " %")


def layer_table(run: Run) -> tuple[Table, ...]:
    """Return `views.by_layer` as a table."""
    return _spent_table(run, views.by_layer(run), "layer")


def tile_table(run: Run) -> tuple[Table, ...]:
    """Return `views.by_tile` as a table."""
    return _spent_table(run, views.by_tile(run), "tile")


def _spent_table(run: Run, rows: Sequence[Row], column: str) -> tuple[Table, ...]:
    columns = (f"~{column}", ">ops", ">op time", ">service", ">transfer", ">waiting", "mostly for", ">energy")
    caption = "op time: summed over ops, which overlap; static: power drawn in any case; programming is apart"
    drawn = [_spent_row(row, column) for row in (*rows, views.total(rows, column))]
    return (grid(_title(run, column), columns, drawn, caption),)


def _spent_row(row: Row, column: str) -> Sequence[str]:
    energy = format_energy_j(row["energy_j"])
    if not row["ops"]:
        return (row[column], "-", "-", "-", "-", "-", "-", energy)
    time, waits = max(1, row["time_ps"]), row["waits_ps"]
    cause = max(waits, key=waits.__getitem__)
    return (
        local(row[column]),
        str(row["ops"]),
        format_time_ps(row["time_ps"]),
        percent(row["service_ps"] / time),
        percent(row["transfer_ps"] / time),
        percent(sum(waits.values()) / time),
        cause if waits[cause] else "-",
        energy,
    )


def resource_table(run: Run) -> tuple[Table, ...]:
    """Return the first of `views.by_resource` as a table."""
    found = views.by_resource(run)
    more = f"; {len(found) - MOST_ROWS} more with --json" if len(found) > MOST_ROWS else ""
    columns = ("~resource", ">busy", ">holds", ">waited for", "cause")
    rows = map(_resource_row, found[:MOST_ROWS])
    return (grid(_title(run, "resource"), columns, rows, f"waiting for inputs is left out{more}"),)


def _resource_row(row: Row) -> Sequence[str]:
    waited = sum(row["waits_ps"].values())
    return (
        local(row["resource"]),
        "-" if row["utilisation"] is None else percent(row["utilisation"]),
        "-" if row["holds"] is None else str(row["holds"]),
        format_time_ps(waited) if waited else "-",
        ",\n".join(row["waits_ps"]) or "-",
    )


def cause_table(run: Run) -> tuple[Table, ...]:
    """Return `views.by_cause` as a table, each cause with the two places where most of it arose."""
    rows: list[Sequence[str]] = []
    for row in views.by_cause(run):
        for place, found in enumerate(row["resources"][:2]):
            first = (row["cause"], format_time_ps(row["wait_ps"]), percent(row["share"])) if not place else ("", "", "")
            rows.append(
                (*first, local(found["resource"]), found["holder"] or "-", percent(found["wait_ps"] / row["wait_ps"]))
            )
    columns = ("cause", ">waited", ">share", "~most of it at", "~behind", ">part")
    caption = "share: of the time of all ops; behind: whose op was in the way; part: of this cause"
    return (grid(_title(run, "cause"), columns, rows, caption),)


def component_tables(run: Run) -> tuple[Table, ...]:
    """Return `views.by_component` as tables, the run's and that of programming."""
    values, found = run.summary, views.by_component(run)
    spans = {"run": values["makespan_ps"], "programming": values["programming_ps"], "maintenance": 0}
    titles = {phase: f"{phase}, apart from the run" for phase in spans} | {"run": _title(run, "component")}
    caption = "count: of actions; of static power, its watts on the whole chip"
    tables = []
    for phase, span_ps in spans.items():
        rows = [row for row in found if row["phase"] == phase]
        energy = format_energy_j(sum(row["energy_j"] for row in rows))
        drawn = [*(_component_row(row, span_ps) for row in rows), ("total", "", "", energy, "")]
        columns = ("~component", "~action", ">count", ">energy", "~source")
        if rows:
            tables.append(grid(titles[phase], columns, drawn, caption))
    return tuple(tables)


def _component_row(row: Row, span_ps: int) -> Sequence[str]:
    static = row["action"] == views.STATIC
    count = format_si(row["energy_j"] * 1e12 / max(1, span_ps), "W") if static else str(row["count"])
    return row["component"], row["action"], count, format_energy_j(row["energy_j"]), row["source"]


def _title(run: Run, column: str) -> str:
    values = run.summary
    return f"{values['workload']} on {values['chip']}, by {column}: {counted(values['requests'], 'request')}"


TABLES: dict[str, Callable[[Run], tuple[Table, ...]]] = {
    "layer": layer_table,
    "tile": tile_table,
    "resource": resource_table,
    "cause": cause_table,
    "component": component_tables,
}
"""By what `show --by` calls them."""
