"""What `aimcsim conform` prints: a row for every recorded case, and for every record of a file of statistics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from aimcsim.analog.conformance import Line, Verdict, conform
from aimcsim.cli.tables import grid
from aimcsim.errors import InputError, Problem


def verdicts(files: Iterable[Path]) -> tuple[list[Verdict], list[Problem]]:
    """Return the verdict on every file, and what is wrong with those that are no case: they fail, and say why."""
    found: list[Verdict] = []
    problems: list[Problem] = []
    for file in files:
        try:
            found.append(conform(file))
        except InputError as error:
            wrong = error.problems or (Problem(str(file), 0, 0, "", str(error)),)
            found.append(_unread(file, wrong))
            problems += wrong
    return found, problems


def _unread(file: Path, problems: Iterable[Problem]) -> Verdict:
    reason = "; ".join(str(replace(one, file="", line=0)) for one in problems)
    return Verdict(str(file), 0, 0, 0, None, "fail", reason)


def verdict_table(found: list[Verdict]) -> Table:
    """Return verdicts as a table."""
    columns = ("~file", ">outputs", ">exact", ">1 step", ">error", "verdict")
    failed = sum(one.verdict == "fail" for one in found)
    title = (
        f"{len(found)} recorded cases, {failed} not reproduced" if failed else f"{len(found)} recorded cases reproduced"
    )
    return grid(
        title,
        columns,
        map(_row, found),
        "exact: equal but for float rounding; 1 step: within one code; error: largest, over the largest output",
        [one.reason for one in found],
    )


def line_tables(found: list[Verdict]) -> tuple[Table, ...]:
    """Return a table of its records for every file of statistics."""
    columns = ("model", "time", ">means", ">means off", ">factor off", "verdict")
    note = "off: ours over theirs, of the mean that is missed most and of the factor of global compensation"
    return tuple(grid(Path(one.file).name, columns, map(_line_row, one.lines), note) for one in found if one.lines)


def _line_row(line: Line) -> tuple[str, ...]:
    factor = "" if line.factor_off is None else f"{100 * line.factor_off:+.2f} %"
    return line.model, line.time, str(line.means), f"{100 * line.means_off:+.2f} %", factor, line.verdict


def _row(one: Verdict) -> tuple[str, ...]:
    error = "-" if one.max_rel_err is None else f"{one.max_rel_err:.1e}"
    counts = (str(one.outputs), str(one.exact), str(one.within_one_step), error)
    return (Path(one.file).name, *counts, one.verdict)
