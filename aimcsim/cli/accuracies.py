"""What `aimcsim accuracy` reads and prints: accuracy over programmings and over time since programming."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from rich.table import Table

from aimcsim.accuracy import Evaluation
from aimcsim.cli.inputs import Arrays
from aimcsim.cli.tables import counted, grid, percent
from aimcsim.cli.views import Row
from aimcsim.compensation import CompensationCost
from aimcsim.errors import ConfigError, TraceError
from aimcsim.evaluation import checked_time
from aimcsim.units import format_energy_j, format_time_ps
from aimcsim.workload import Workload

UNITS_S = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "month": 30 * 86_400, "year": 365 * 86_400}
"""Units of time since programming; a month has 30 days, a year 365."""


def times_of(text: str) -> list[float]:
    """Return the times of a list such as ``0,1h,1day,1month,1year``, in seconds.

    Raises
    ------
    ConfigError
        If one of them is no time.
    """
    return [time_of(one) for one in text.split(",")]


def time_of(text: str) -> float:
    """Return a time since programming, in seconds."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([a-z]*?)s?\s*", text)
    number, unit = match.groups() if match else ("", "")
    if text.strip().endswith("s") and not unit:
        unit = "s"
    if not number or (unit not in UNITS_S and (unit or float(number))):
        raise ConfigError(f"a time since programming is a number and {', '.join(UNITS_S)}, or 0 (got `{text}`)")
    return checked_time(float(number) * UNITS_S.get(unit, 0))


def said(time_s: float) -> str:
    """Return a time since programming as `time_of` reads it, in the largest unit that makes it a whole number."""
    for unit, seconds in reversed(UNITS_S.items()):
        if time_s >= seconds and time_s % seconds == 0:
            return f"{time_s / seconds:g} {unit}"
    return f"{time_s:g} s"


def labelled(arrays: Arrays, labels: str, network: Workload, samples: int | None) -> Arrays:
    """Return the first `samples` of the inputs, with the array called `labels` as their labels.

    Raises
    ------
    TraceError
        If there is no such array, or not so many samples.
    """
    chosen = {name: arrays[name] for name in network.inputs}
    if labels in arrays and labels not in network.inputs:
        chosen["labels"] = arrays[labels]
    elif labels != "labels":
        raise TraceError(f"--labels {labels}: there is no such array (in the file: {', '.join(arrays)})")
    there = len(next(iter(chosen.values())))
    if samples is not None and not 1 <= samples <= there:
        raise TraceError(f"--samples {samples}: the inputs have {there}")
    return {name: values[:samples] for name, values in chosen.items()}


def rows_of(found: Evaluation, by: str, cost: CompensationCost) -> list[Row]:
    """Return the rows of a table by `time` or by `layer`, for CSV and JSON."""
    if by == "layer":
        return found.layer_rows()
    each = {"compensation_ps": cost.time_ps, "compensation_j": cost.energy_j}
    return [row | each for row in found.rows()]


def accuracy_tables(found: Evaluation, by: str, cost: CompensationCost) -> Sequence[Table | str]:
    """Return an evaluation as a table, and below it what its columns mean and rest on."""
    if by == "layer":
        return _layer_table(found), "rms of the difference to float over that of the outputs; own: for the same inputs"
    return _time_table(found), _legend(found, cost)


def _time_table(found: Evaluation) -> Table:
    rows = found.rows()
    labelled = "accuracy" in rows[0]
    columns = ("time", ">agreement", *((">accuracy",) if labelled else ()), ">error")
    drawn = [
        (
            said(row["time_s"]),
            _spread(row, "agreement"),
            *((_spread(row, "accuracy"),) if labelled else ()),
            percent(row["layer_error"]),
        )
        for row in rows
    ]
    return grid("", columns, drawn)


def _spread(row: Row, name: str) -> str:
    deviation = row[f"{name}_sd"]
    shown = f"{100 * row[name]:.2f}"
    return f"{shown} %" if deviation is None else f"{shown} ± {100 * deviation:.2f} %"


def _legend(found: Evaluation, cost: CompensationCost) -> str:
    row, samples = found.rows()[0], len(next(iter(found.values())))
    share: float = row["accuracy" if "accuracy" in row else "agreement"]
    chance = math.sqrt(share * (1 - share) / samples)
    parts = [
        "time: since programming; agreement: same largest output as in float; ±: deviation over seeds",
        "error: of the last layer with weights, rms of the difference to float over that of its outputs",
        f"{counted(samples, 'sample')}: their choice alone lets the first row vary by {100 * chance:.2f} % (one sigma)",
    ]
    if found.float_accuracy is not None:
        parts.append(f"accuracy in float: {100 * found.float_accuracy:.2f} %")
    if not found.is_drawn:
        parts.append("tile.analog says of no error, so nothing is drawn and every seed gives the same")
    if found.compensation_reads:
        taken = f"{format_time_ps(cost.time_ps)} and {format_energy_j(cost.energy_j)} while nothing else runs"
        parts.append(f"a compensation takes {found.compensation_reads} products of single arrays, {taken}")
    return "\n".join(parts)


def _layer_table(found: Evaluation) -> Table:
    rows = [
        (said(row["time_s"]), row["layer"], percent(row["own"]), percent(row["accumulated"]))
        for row in found.layer_rows()
    ]
    return grid("", ("time", "~layer", ">own", ">accumulated"), rows)
