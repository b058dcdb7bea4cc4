"""The figures of a run that a user reads first, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from aimcsim.cli import views
from aimcsim.cli.names import local, shortened
from aimcsim.cli.tables import counted, grid, percent
from aimcsim.cli.views import Row
from aimcsim.records.run_dir import partial_word
from aimcsim.run import Run
from aimcsim.units import format_energy_j, format_si, format_time_ps
from aimcsim.workload.weights import RANDOM_WEIGHTS

TOP = 3
NAME_WIDTH = 40
"""Longest name within a sentence, so that a line of 80 columns can always be broken beside it."""


def summary_table(run: Run, *, checked: Row | None = None, note: str = "", directory: Path | None = None) -> Table:
    """Return what a user reads first.

    Parameters
    ----------
    checked : dict, optional
        In the place of the summary's `outputs_checked`, when more was compared than what the run computed.
    note : str
        What to add to the explanation below the table.
    directory : Path, optional
        Where the run is stored.
    """
    values = run.summary
    how = {
        "off": "timing only",
        "ideal": "exact values",
        "quantized": "quantized values",
        "analog": "values in devices",
    }[values["analog"]]
    asked = f"{counted(values['requests'], 'request')}, {how}, {_grain(values)}"
    title = f"{values['workload']} on {values['chip']}: {asked}"
    listed = "--json" if directory is None else f"aimcsim show {directory} --assumptions"
    rows = [
        *_performance(run),
        *_values(checked or values["outputs_checked"], values),
        *_bottlenecks(run),
        ("assumptions", f"{len(values['assumptions'])}, listed by {listed}"),
    ]
    caption = "path: part of the critical path; wait: part of the time of all ops; behind: who held it"
    return grid(title, ("", ""), rows, f"{caption}{_seeds(values)}{note}")


def _seeds(values: Row) -> str:
    count, first = values.get("seeds", 1), values.get("seed", 0)
    if count == 1:
        return ""
    last = first + count - 1
    return f"\nin brackets: over the seeds {first} to {last} and what costs are known to; all else is of seed {first}"


def partial_table(run: Run, directory: Path) -> Table:
    """Return what there is of a run that was not written whole."""
    said = partial_word(directory).partition(", ")[2]
    written = ", ".join(run.files.tables) or "none"
    rows = [("state", f"partial: {said}"), ("tables", written), ("outputs", ", ".join(run.outputs) or "none")]
    return grid(f"{run.summary['workload']} on {run.summary['chip']}: partial", ("", ""), rows)


def _grain(values: Row) -> str:
    chosen = " by size" if values.get("grain_chosen") == "by size" else ""
    return f"{values['grain']} grain{chosen}"


def _performance(run: Run) -> list[tuple[str, str]]:
    values = run.summary
    used = f"{counted(values['tiles_used'], 'tile')}, {counted(values['crossbars_used'], 'crossbar')}"
    return [
        ("latency", _latency(run)),
        (
            "throughput",
            f"{_per_s(values['throughput_per_s'])}{_range(values, 'throughput_per_s', '')} requests per second",
        ),
        *_load(values),
        ("energy", _energy(run)),
        ("power", _power(values)),
        *_programming(run),
        *_maintenance(run),
        ("area", f"{format_si(values['area_m2'], 'm2')}{_range(values, 'area_m2', 'm2')}; in use: {used}"),
        *_efficiency(values),
    ]


def _latency(run: Run) -> str:
    """Return the latency with what it was measured under: requests that stand in line take longer."""
    values = run.summary
    median, longest = (
        format_time_ps(values["latency_ps"][key]) + _range(values, f"latency_ps.{key}", "s", 1e-12)
        for key in ("p50", "max")
    )
    unwritten = "; weights were written meanwhile" if _programs_during(run) else ""
    if values["requests"] == 1:
        return f"{median} (one request alone{unwritten})"
    left_out = f", the first {values['warmup']} left out" if values["warmup"] else ""
    return f"{median} a request (median), {longest} the longest ({_coming(values)}{unwritten}{left_out})"


def _coming(values: Row) -> str:
    """Return how requests came."""
    bound = f"at most {values['max_in_flight']} at a time" if values["max_in_flight"] else ""
    if values["arrivals"]:
        return ", ".join(filter(None, (f"arrivals {values['arrivals']}", bound)))
    return bound or f"all {values['requests']} requests waiting at the start"


def _per_s(rate: float | None) -> str:
    return "?" if rate is None else format_si(rate, "").rstrip()


def _load(values: Row) -> list[tuple[str, str]]:
    """Return, for a run with arrivals, what it was offered and whether that was too much."""
    load = values["load"]
    if not load:
        return []
    word = {True: "saturated by", False: "not saturated; busiest is", None: "too short to say; busiest is"}
    rates = f"offered {_per_s(load['offered_per_s'])}/s, completed {_per_s(load['completed_per_s'])}/s"
    used = f"it is {percent(load['utilisation'])} busy, and all of it would serve {_per_s(load['bound_per_s'])}/s"
    resource = shortened(local(load["limited_by"]), NAME_WIDTH)
    return [("load", f"{word[load['saturated']]} {resource}: {rates}\n{used}")]


def _programs_during(run: Run) -> bool:
    """Return whether requests were admitted before all weights were written."""
    return views.programmed_ps(run) > int(run.summary["programming_ps"])


def _energy(run: Run) -> str:
    energy, static = run.summary["energy_j"], views.static_energy(run)
    whole = f"{format_energy_j(energy['per_request'])}{_range(run.summary, 'energy_j', 'J')}"
    each = f"{whole} a request: {_largest(energy['by_component'])}"
    if not static:
        return f"{each}; none of it static"
    part = format_energy_j(sum(static.values()) / run.summary["requests"])
    return f"{each}\n{part} of it static, drawn in any case: {_largest(static)}"


def _power(values: Row) -> str:
    power = values["power_w"]
    average, peak = (format_si(power[key], "W") for key in ("average", "peak"))
    ranged = _range(values, "power_w", "W")
    return f"{average}{ranged} on average, {peak} in the fullest {format_time_ps(power['peak_length_ps'])}"


def _range(values: Row, figure: str, unit: str, scale: float = 1.0, per: str = "") -> str:
    """Return where a figure lies, in brackets; nothing for runs that do not say it.

    `scale` times a figure is in `unit`, and `per` stands behind it.
    """
    low, high = values.get("ranges", {}).get(figure, (0.0, 0.0))
    ends = (format_si(end * scale, unit).rstrip() + per for end in (low, high))
    return f" ({' to '.join(ends)})" if low < high else ""


def _efficiency(values: Row) -> list[tuple[str, str]]:
    """Return operations a second, watt and square millimetre, which only layers with weights make."""
    if not values.get("operations"):
        return []
    found = [format_si(values["ops_per_s"], "OPS") + _range(values, "ops_per_s", "OPS")]
    if values["ops_per_j"]:
        found.append(f"{format_si(values['ops_per_j'], 'OPS/W')}{_range(values, 'ops_per_j', 'OPS/W')}")
    if values["ops_per_s_m2"]:
        ranged = _range(values, "ops_per_s_m2", "OPS", 1e-6, "/mm2")
        found.append(f"{format_si(values['ops_per_s_m2'] / 1e6, 'OPS')}/mm2{ranged}")
    return [("efficiency", f"{', '.join(found)}; a multiply-accumulate is 2 operations")]


def _largest(joules: Mapping[str, float]) -> str:
    """Return the components that take most of the energy, with their shares."""
    total = sum(joules.values()) or 1.0
    first = sorted(joules.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return ", ".join(f"{shortened(name, NAME_WIDTH)} {percent(value / total)}" for name, value in first)


def _programming(run: Run) -> list[tuple[str, str]]:
    time_ps, energy = views.programmed_ps(run), run.summary["energy_j"]["programming"]
    if not time_ps:
        return []
    when = (
        "once, while requests wait; static power is in their energy"
        if _programs_during(run)
        else "once, before the first request"
    )
    return [("programming", f"{format_time_ps(time_ps)} and {format_energy_j(energy)}, {when}")]


def _maintenance(run: Run) -> list[tuple[str, str]]:
    """Return how often drift was measured, how long the first time kept the first request, and what all of it took."""
    epoch, energy = run.summary.get("epoch") or {}, run.summary["energy_j"].get("maintenance", 0.0)
    if not epoch.get("compensations"):
        return []
    took = int(run.summary["programming_ps"]) - views.programmed_ps(run)
    first = f", {format_time_ps(took)} before the first request" if took > 0 else ""
    return [("maintenance", f"{counted(epoch['compensations'], 'compensation')}, {format_energy_j(energy)}{first}")]


def _values(checked: Row | None, values: Row) -> list[tuple[str, str]]:
    if checked is None:
        return []
    samples, agreeing = counted(checked["samples"], "sample"), _count(checked, "agreement", values)
    error = f"largest error {percent(checked['max_rel_err'])} of the largest output"
    rows = [("outputs", f"same largest one as in float for {agreeing} of {samples}\n{error}")]
    if "accuracy" in checked:
        right, in_float = _count(checked, "accuracy", values), _count(checked, "reference_accuracy", values)
        rows.append(("accuracy", f"{right} of {samples} right, in float {in_float}"))
    if RANDOM_WEIGHTS in values["assumptions"]:
        rows.append(("weights", "random, as no file of them was given: the outputs mean nothing"))
    return rows


def _count(checked: Row, share: str, values: Row) -> str:
    """Return how many samples a share of them is, with its range over the seeds."""
    samples = int(checked["samples"])
    low, high = (round(end * samples) for end in values.get("ranges", {}).get(f"outputs_checked.{share}", (0.0, 0.0)))
    return f"{round(float(checked[share]) * samples)}{f' ({low} to {high})' if low < high else ''}"


def _bottlenecks(run: Run) -> list[tuple[str, str]]:
    return [(f"bottleneck {place}", _bottleneck(row)) for place, row in enumerate(views.bottlenecks(run, TOP), start=1)]


def _bottleneck(row: Row) -> str:
    shares = f"{percent(row['share'])} path, {percent(row['wait_share'])} wait"
    behind = f", behind {shortened(row['holders'][0], NAME_WIDTH)}" if row["holders"] else ""
    return f"{shares}, {row['cause']}: {shortened(local(row['resource']), NAME_WIDTH)}{behind}"


def assumption_table(run: Run) -> Table:
    """Return what a run assumes, a sentence a row."""
    values = run.summary
    rows = [(str(place), one) for place, one in enumerate(values["assumptions"], start=1)]
    return grid(f"{values['workload']} on {values['chip']}: what was assumed", ("", ""), rows)
