"""How targets and their results look in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from aimcsim.cli.tables import counted, grid
from aimcsim.validation import Result

_SIGN = {"at_most": "<= ", "at_least": ">= ", None: ""}


def result_table(results: Sequence[Result]) -> Table:
    """Return the results of targets as a table, with notes on what is missed or not run."""
    columns = ("~target", ">published", ">simulated", ">error", "verdict")
    caption = "\n".join((_counts(results), *_notes(results)))
    details = [_detail(result) for result in results]
    return grid("published figures and what chips give", columns, map(_row, results), caption, details)


def figure(value: float | None) -> str:
    """Return a figure as people write it: five digits that matter, and no exponent."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 10_000 else f"{value:.5g}"


def cells(result: Result) -> tuple[str, ...]:
    """Return target, what it is, published, simulated, error, tolerance, class and verdict as text."""
    target = result.target
    return (
        target.id,
        target.quantity,
        f"{_SIGN[target.bound]}{figure(target.published)} {target.unit}",
        figure(result.simulated),
        "-" if result.error_pct is None else f"{result.error_pct:+.2f} %",
        f"{target.tolerance_pct:g} %",
        target.kind,
        f"{result.verdict}, fitted" if target.fitted else result.verdict,
    )


def _row(result: Result) -> tuple[str, ...]:
    """Return what fits beside one another, error and tolerance as one cell."""
    name, _, published, simulated, error, tolerance, *_ = cells(result)
    return name, published, simulated, f"{error.removesuffix(' %')} of {tolerance}", result.verdict


def _detail(result: Result) -> str:
    """Return what stands below a row: what the target is, its class, and its source."""
    target = result.target
    fitted = ", a constant was fitted to it" if target.fitted else ""
    return f"{target.quantity}; {target.kind}{fitted}, {target.source}"


def _counts(results: Sequence[Result]) -> str:
    count = {verdict: sum(one.verdict == verdict for one in results) for verdict in ("pass", "fail", "not run")}
    listed = ", ".join(f"{number} {verdict}" for verdict, number in count.items())
    how = "error: of what is allowed; notes: --json; sources: aimcsim cite"
    return f"{counted(len(results), 'target')}: {listed}; {how}"


def _notes(results: Sequence[Result]) -> list[str]:
    """Return why targets are missed, and why a chip file cannot be held against some."""
    missed = [f"{one.target.id}: {one.target.note}" for one in results if one.verdict == "fail" and one.target.note]
    return missed + [f"{one.target.id}: not run: {one.reason}" for one in results if one.reason]
