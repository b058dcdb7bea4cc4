"""What a chip has and costs, component by component: the views of `chips CHIP`, `explain` and `cite`."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from rich.table import Table

from aimcsim.cli.tables import counted, grid, percent
from aimcsim.cli.views import Row
from aimcsim.costs import REFERENCES, ActionCost, ComponentCost, Interval, Source, references_of
from aimcsim.errors import ReferenceError_
from aimcsim.located import one_of
from aimcsim.spec import ChipFile
from aimcsim.spec.nameplate import Nameplate, Part, Total, nameplate
from aimcsim.spec.rates import interval_s
from aimcsim.units import format_si
from aimcsim.validation import load_targets

LEVELS = ("system", "package", "chip", "tile")

CONVENTION = (
    "one multiply-accumulate ({weight}-bit weight, {input}-bit input) is two operations; peak: all crossbars full and "
    "never waiting for inputs; power: every component as busy as its stages let it be; in brackets: range by how well "
    "sources know it; what a workload sustains: aimcsim run {chip} WORKLOAD"
)


def spread(value: Any, interval: Interval, unit: str) -> str:
    """Return a figure with its range, `0.330 W (0.221 W to 0.490 W)`; the range is left out where there is none."""
    if interval.low == interval.high:
        return format_si(value, unit)
    return f"{format_si(value, unit)} ({between(interval, unit)})"


def between(interval: Interval, unit: str) -> str:
    """Return a range as words."""
    return f"{format_si(interval.low, unit)} to {format_si(interval.high, unit)}"


def ends(interval: Interval) -> list[float]:
    """Return a range for JSON."""
    return [float(interval.low), float(interval.high)]


def chip_view(chip: ChipFile) -> Row:
    """Return area, power and peak of a chip by level and by component."""
    plate = nameplate(chip)
    levels = {"tile": plate.tile, "chip": plate.chip, "system": plate.system}
    return {
        "chip": chip.name,
        "operation": f"half a multiply-accumulate of {chip.numbers.weight_bits} by {chip.numbers.input_bits} bits",
        "peak_ops_per_s": float(plate.peak_ops_per_s),
        "peak_ops_per_j": _float(plate.peak_ops_per_j),
        "peak_ops_per_j_range": plate.peak_ops_per_j and ends(plate.peak_ops_per_j_range),
        "peak_ops_per_s_m2": _float(plate.peak_ops_per_s_m2),
        "peak_ops_per_s_m2_range": plate.peak_ops_per_s_m2 and ends(plate.peak_ops_per_s_m2_range),
        "levels": [{"level": name, **_total(total)} for name, total in levels.items()],
        "components": [_part(part) for part in plate.parts],
    }


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _total(total: Total) -> Row:
    return {
        "area_m2": float(total.area_m2),
        "area_range_m2": ends(total.area_range_m2),
        "power_w": float(total.power_w),
        "power_range_w": ends(total.power_range_w),
    }


def _part(part: Part) -> Row:
    return {
        "component": part.component,
        "level": part.level,
        "instances": part.instances,
        "area_m2": float(part.area_m2),
        "area_range_m2": ends(part.area_range_m2),
        "static_w": float(part.static_w),
        "power_w": float(part.power_w),
        "power_range_w": ends(part.power_range_w),
    }


def chip_tables(chip: ChipFile) -> tuple[Table, ...]:
    """Return `chip_view` as tables."""
    plate = nameplate(chip)
    return _figures(chip, plate), _parts(chip, plate)


def _figures(chip: ChipFile, plate: Nameplate) -> Table:
    levels = [("tile", plate.tile), ("chip", plate.chip)]
    if chip.instances("chip") > 1:
        levels.append((counted(chip.instances("chip"), "chip"), plate.system))
    rows = [
        (name, spread(one.area_m2, one.area_range_m2, "m2"), spread(one.power_w, one.power_range_w, "W"))
        for name, one in levels
    ]
    said = CONVENTION.format(weight=chip.numbers.weight_bits, input=chip.numbers.input_bits, chip=chip.name)
    caption = f"peak {', '.join(_merits(plate))}\n{said}"
    return grid(f"{chip.name}: area and power", ("", ">area", ">power at full activity"), rows, caption)


def _merits(plate: Nameplate) -> Iterator[str]:
    """Yield the peak, and the peak over power and area."""
    yield format_si(plate.peak_ops_per_s, "OPS")
    if plate.peak_ops_per_j is not None:
        yield spread(plate.peak_ops_per_j, plate.peak_ops_per_j_range, "OPS/W")
    if plate.peak_ops_per_s_m2 is not None:
        dense = plate.peak_ops_per_s_m2_range.times(Fraction(1, 10**6))
        low, high = (f"{format_si(end, 'OPS')}/mm2" for end in (dense.low, dense.high))
        yield f"{format_si(plate.peak_ops_per_s_m2 / 10**6, 'OPS')}/mm2 ({low} to {high})"


def _parts(chip: ChipFile, plate: Nameplate) -> Table:
    parts = sorted(plate.parts, key=lambda part: (part.level != "tile", -part.power_w))
    rows = [_part_row(part, plate.system) for part in parts]
    columns = ("level", "component", ">instances", ">area", ">share", ">static", ">power", ">share")
    return grid(
        "by component, all instances",
        columns,
        rows,
        f"aimcsim explain {chip.name} COMPONENT says where a figure is from",
    )


def _part_row(part: Part, system: Total) -> tuple[str, ...]:
    area = percent(float(part.area_m2 / system.area_m2)) if system.area_m2 else "-"
    power = percent(float(part.power_w / system.power_w)) if system.power_w else "-"
    figures = (format_si(part.area_m2, "m2"), area, format_si(part.static_w, "W"), format_si(part.power_w, "W"), power)
    return part.level, part.component, str(part.instances), *figures


def path_of(part: Part) -> str:
    """Return the path of a component, as `tile.adc`."""
    return f"{part.level}.{part.component}"


def path_rows(chip: ChipFile) -> list[Row]:
    """Return the paths of all components, and what the actions of each are."""
    return [
        {"path": path_of(part), "actions": list(chip.costs[part.component].actions)} for part in nameplate(chip).parts
    ]


def path_table(chip: ChipFile) -> Table:
    """Return `path_rows` as a table."""
    rows = [(row["path"], ", ".join(row["actions"])) for row in path_rows(chip)]
    caption = f"aimcsim explain {chip.name} PATH says where a figure is from; tile, chip or system: all that is in it"
    return grid(f"components of {chip.name}", ("path", "actions"), rows, caption)


def found_parts(chip: ChipFile, path: str) -> list[Part]:
    """Return the components that a path means: `tile.adc`, `adc.convert`, a resource of a run, or a whole level.

    Raises
    ------
    ReferenceError_
        If there is none.
    """
    names = [step.partition("[")[0] for step in path.split(".") if step]
    while len(names) > 1 and names[0] in LEVELS:
        names = names[1:]
    wanted = chip.buffer_of("adc" if names[:1] == ["adc_bank"] else names[0] if names else "")
    parts = {part.component: part for part in nameplate(chip).parts}
    if wanted in parts:
        return [parts[wanted]]
    if wanted in ("tile", "chip", "system"):
        return [part for part in parts.values() if wanted in ("system", part.level)]
    raise ReferenceError_(f"no such component {one_of(path, map(path_of, parts.values()))}")


def explained(chip: ChipFile, path: str) -> list[Row]:
    """Return what components cost and why; see `found_parts`."""
    return [_explained(chip, part) for part in found_parts(chip, path)]


def _explained(chip: ChipFile, part: Part) -> Row:
    cost = chip.costs[part.component]
    return {
        "component": path_of(part),
        "instances_per": cost.instances_per,
        "instances": part.instances,
        "area_m2": float(cost.area_m2),
        "area_range_m2": ends(cost.area_range_m2),
        "static_power_w": float(cost.static_power_w),
        "static_power_range_w": ends(cost.static_range_w),
        **_origin(cost),
        "actions": [_action(chip, part.component, name, action) for name, action in cost.actions.items()],
    }


def _origin(cost: ComponentCost | ActionCost) -> Row:
    return {
        "grade": cost.grade,
        "source": cost.source.key,
        "citation": REFERENCES[cost.source.reference].citation,
        "derivation": cost.source.how,
    }


def _action(chip: ChipFile, component: str, name: str, action: ActionCost) -> Row:
    return {
        "action": name,
        "energy_j": float(action.energy_j),
        "energy_range_j": ends(action.range_j),
        **_origin(action),
        "least_latency_ps": action.latency_ps,
        "most_rate_hz": _float(action.rate_hz),
        "stages": list(_stages(chip, component, name)),
    }


def _stages(chip: ChipFile, component: str, action: str) -> Iterator[str]:
    """Yield which stages do an action, and in what time: there, and not in the cost, is how long it takes."""
    for table, rows in chip.tables.items():
        for stage in rows.stages:
            for key, quantity in stage.actions.items():
                if chip.action_key(key) == (component, action):
                    took = interval_s(chip, stage)
                    time = "by its bandwidth" if took is None else f"in {format_si(took, 's')}"
                    unit = f" per {stage.per.amount} {stage.per.quantity}" if stage.per else ""
                    yield f"tables.{table}.{stage.name}: {quantity} {time}{unit}"


def explain_tables(chip: ChipFile, path: str) -> tuple[Table, ...]:
    """Return `explained` as tables, one for each component."""
    return tuple(_explain_table(chip, part) for part in found_parts(chip, path))


def _explain_table(chip: ChipFile, part: Part) -> Table:
    cost = chip.costs[part.component]
    rows = [
        ("instances", f"{part.instances}, one per {cost.instances_per}"),
        ("area", f"{spread(cost.area_m2, cost.area_range_m2, 'm2')} each" if cost.area_m2 else "none stated"),
        (
            "static power",
            f"{spread(cost.static_power_w, cost.static_range_w, 'W')} each" if cost.static_power_w else "none",
        ),
        *_origin_rows(cost.source, cost.grade),
    ]
    for name, action in cost.actions.items():
        rows += [("", ""), (name, spread(action.energy_j, action.range_j, "J"))]
        rows += _origin_rows(action.source, action.grade)
        rows += [
            ("counted by" if not place else "", stage)
            for place, stage in enumerate(_stages(chip, part.component, name))
        ]
    caption = "in brackets: range by how well the source knows it"
    return grid(f"{path_of(part)} of {chip.name}", ("", ""), rows, caption)


def _origin_rows(source: Source, grade: str) -> list[tuple[str, str]]:
    rows = [("source", f"{source.key}, {grade}: {REFERENCES[source.reference].citation}")]
    return [*rows, ("derivation", source.how)] if source.how else rows


def cited(chip: ChipFile | None = None) -> list[Row]:
    """Return the works that a chip's costs are from, most used first, or all that aimcsim has a number from."""
    keys = _of_chip(chip) if chip is not None else list(REFERENCES)
    return [{"reference": key, "citation": REFERENCES[key].citation, "doi": REFERENCES[key].doi} for key in keys]


def _of_chip(chip: ChipFile) -> list[str]:
    """Return the references of a chip's costs and of its targets, most used first."""
    used = references_of(chip.costs)
    used.update(target.source.partition(".")[0] for target in load_targets() if target.chip == chip.name)
    return [reference for reference, _ in used.most_common()]


def cite_table(rows: list[Row]) -> Table:
    """Return `cited` as a table."""
    drawn = [(row["reference"], row["citation"] + (f". doi:{row['doi']}" if row["doi"] else "")) for row in rows]
    return grid("works that numbers are from", ("reference", "work"), drawn)
