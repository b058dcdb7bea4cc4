"""How fast the stage tables of a chip let its components work: rates of conversions, lanes of units, peak operations.

Times stand in the stage tables and nowhere else; whatever else needs one, such as a cost model, asks here. Everything
is of a vector that fills the tile: every crossbar of it with all rows and columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod

from aimcsim.costs.parameters import rounded
from aimcsim.spec.chip_file import ChipFile
from aimcsim.spec.fields import Duration
from aimcsim.spec.stage_table import TIMES, Stage, StageTable
from aimcsim.units import PS_PER_S, format_si, format_time_ps


def seconds(chip: ChipFile, duration: Duration | None, resource: str | None) -> Fraction | None:
    """Return a duration of a stage in s; None if the stage or its clock says none."""
    if duration is None:
        return None
    if duration.time_ps is not None:
        return Fraction(duration.time_ps, PS_PER_S)
    clock = chip.clocks.get(chip.clock_of(resource) or "")
    assert duration.cycles is not None, "a duration is one of the two"
    return duration.cycles / clock.frequency_hz if clock and clock.frequency_hz else None


def interval_s(chip: ChipFile, stage: Stage) -> Fraction | None:
    """Return for how long a stage holds its resource for one unit of its `per`; None for a transport."""
    return seconds(chip, stage.interval or stage.latency, stage.resource)


def iterations(chip: ChipFile, table: StageTable, stage: Stage) -> int:
    """Return how often a stage runs for a vector that fills the tile."""
    names = [loop.name for loop in table.loops]
    depth = 0 if stage.loop == "vector" else names.index(stage.loop) + 1
    counts = {
        "input_phases": chip.input_phases,
        "polarities": chip.polarities,
        "weight_slices": chip.slices,
        "column_groups": full_vector(chip)["column_groups"],
        "output_blocks": full_vector(chip)["output_blocks"],
    }
    turns = prod(counts[loop.count] if isinstance(loop.count, str) else loop.count for loop in table.loops[:depth])
    each = stage.each
    return turns * (1 if each is None else max(1, -(-full_vector(chip)[each.quantity] // each.amount)))


def full_vector(chip: ChipFile) -> dict[str, int]:
    """Return what a vector is worth that fills all crossbars of a tile, by quantity."""
    tile, numbers = chip.tile, chip.numbers
    rows, columns = tile.crossbars * tile.crossbar.rows, tile.crossbars * tile.crossbar.cols
    outputs = tile.crossbars * chip.weights_per_row
    bank_columns = tile.adc.crossbars * tile.crossbar.cols
    return {
        "input_elements": rows,
        "input_bytes": rows * numbers.input_bits // 8,
        "output_elements": outputs,
        "output_bytes": outputs * numbers.output_bits // 8,
        "rows": rows,
        "columns": columns,
        "bank_columns": bank_columns,
        "column_groups": -(-bank_columns // tile.adc.converters),
        "weight_slices": chip.slices,
        "cells": rows * tile.crossbar.cols,
        "crossbars": tile.crossbars,
        "work_elements": outputs,
        "flit_hops": 0,
        "chip_link_bytes": 0,
        "row_writes": tile.crossbar.rows,
        "weights": rows * chip.weights_per_row,
        "chained_adds": 1,
        "output_blocks": 1,
        **chip.converter_amounts,
        "array_steps": tile.crossbars,
        "loaded_weights": 0,
        "one": 1,
    }


def worth(amounts: Mapping[str, int], quantity: str) -> int:
    """Return how much of a quantity, or of a product of quantities, there is."""
    return prod(amounts[factor] for factor in quantity.split(TIMES))


def hold_s(chip: ChipFile, stage: Stage) -> Fraction | None:
    """Return for how long one iteration of a vector that fills the tile holds its resource, fractions of a unit too."""
    one = interval_s(chip, stage)
    return None if one is None else one * units_of(chip, stage)


def units_of(chip: ChipFile, stage: Stage) -> Fraction:
    """Return how many units of a stage's `per` a vector that fills the tile has, at least one."""
    if stage.per is None:
        return Fraction(1)
    return max(Fraction(1), Fraction(full_vector(chip)[stage.per.quantity], stage.per.amount))


def conversion_rate_hz(chip: ChipFile) -> Fraction | None:
    """Return how many values one converter converts a second while it works; None if no stage says it."""
    table = chip.tables.get("mvm")
    found = [_rate(chip, stage) for stage in (table.stages if table else ()) if stage.resource == "adc_bank"]
    rates = [rate for rate in found if rate]
    return rounded(max(rates)) if rates else None


def _rate(chip: ChipFile, stage: Stage) -> Fraction | None:
    one, adc = interval_s(chip, stage), chip.tile.adc
    if not one:
        return None
    whole_bank = Fraction(adc.crossbars * chip.tile.crossbar.cols, adc.converters)
    loops = {loop.name: loop.count for loop in chip.tables["mvm"].loops}
    if stage.per is None:
        return (1 if loops.get(stage.loop) == "column_groups" else whole_bank) / one
    amounts = {"column_groups": Fraction(stage.per.amount), "bank_columns": Fraction(stage.per.amount, adc.converters)}
    return amounts.get(stage.per.quantity, whole_bank) / one


def lanes(chip: ChipFile, unit: str) -> int | None:
    """Return how many elements the stages on a digital unit give it at a time; None if they do not say."""
    stages = [stage for table in chip.tables.values() for stage in table.stages if stage.resource == unit]
    return max((stage.per.amount for stage in stages if stage.per and "elements" in stage.per.quantity), default=None)


ARRAY = ("crossbar", "adc_bank")


def mvm_interval_s(chip: ChipFile) -> Fraction:
    """Return after what time the next vector can follow in full crossbars.

    It is the longest hold of array or converters, or of a slot that vectors take once, over its places; 0 if there are
    neither. Buffers, links and digital units are left out: a peak, which a run stays below where these do not keep up.
    """
    table = chip.tables["mvm"]
    stages = [stage for stage in table.stages if stage.resource in ARRAY]
    holds = [iterations(chip, table, stage) * (hold_s(chip, stage) or Fraction(0)) for stage in stages]
    return max((*holds, *_kept_s(chip)), default=Fraction(0))


def _kept_s(chip: ChipFile) -> Iterator[Fraction]:
    """Yield how long vectors keep each slot that they take once, over its places."""
    stages = chip.tables["mvm"].stages
    for first, stage in enumerate(stages):
        slot = chip.tile.slots.get(stage.acquires or "")
        if slot is not None and stage.loop == "vector":
            last = next((i for i, one in enumerate(stages) if one.releases == stage.acquires), first)
            yield chain_s(chip, stages[first : last + 1]) / slot.count


def chain_s(chip: ChipFile, stages: Sequence[Stage]) -> Fraction:
    """Return how long a vector that never waits takes from array to digital units, over some stages of the table `mvm`.

    Stages of one loop overlap: the first turn passes all of them, and each further one follows at the slowest. Ports of
    buffers are left out.
    """
    table = chip.tables["mvm"]
    inside = [stage for stage in stages if "buffer" not in (stage.resource or "")]
    turns = max((iterations(chip, table, stage) for stage in inside), default=1)
    once = sum((_latency_s(chip, stage) for stage in inside), Fraction(0))
    holds = [hold_s(chip, stage) or Fraction(0) for stage in inside if stage.loop != "vector" or stage.each]
    return once + (turns - 1) * max(holds, default=Fraction(0))


def _latency_s(chip: ChipFile, stage: Stage) -> Fraction:
    one = seconds(chip, stage.latency, stage.resource)
    units = units_of(chip, stage) if stage.passes == "whole" else 1
    return one * units if one else Fraction(0)


def product_s(chip: ChipFile) -> Fraction:
    """Return how long one product takes: in array, converters, and whatever takes part in the loops around them."""
    stages = chip.tables["mvm"].stages
    return chain_s(chip, [stage for stage in stages if stage.loop != "vector" or stage.resource in ARRAY])


def peak_ops_per_s(chip: ChipFile) -> Fraction:
    """Return operations a second of all crossbars full and never waiting; a multiply-accumulate is two operations."""
    macs, interval = chip.instances("crossbar") * chip.tile.crossbar.rows * chip.weights_per_row, mvm_interval_s(chip)
    return 2 * macs / interval if interval else Fraction(0)


def array_energy_j(chip: ChipFile) -> Fraction:
    """Return the energy of one product of one full crossbar: of all that stages on array and converters count."""
    full, table = full_vector(chip), chip.tables["mvm"]
    energies = (
        iterations(chip, table, stage) * worth(full, quantity) * chip.action_cost(action).energy_j
        for stage in table.stages
        for action, quantity in stage.actions.items()
        if stage.resource in ARRAY
    )
    return sum(energies, Fraction(0)) / chip.tile.crossbars


def conversions_per_mac(chip: ChipFile) -> Fraction:
    """Return conversions for each multiply-accumulate of a vector that fills the tile."""
    full, table = full_vector(chip), chip.tables["mvm"]
    counted = [
        iterations(chip, table, stage) * worth(full, quantity)
        for stage in table.stages
        for action, quantity in stage.actions.items()
        if stage.resource == "adc_bank" and action == "adc.convert"
    ]
    return Fraction(sum(counted), full["weights"])


def too_fast(chip: ChipFile) -> tuple[str, ...]:
    """Return a sentence for each action that a stage table has happen faster than its cost is known for."""
    return tuple(dict.fromkeys(_too_fast(chip)))


def _too_fast(chip: ChipFile) -> Iterator[str]:
    for name, table in chip.tables.items():
        for stage in table.stages:
            took = seconds(chip, stage.latency, stage.resource)
            for action in stage.actions:
                component, act = chip.action_key(action)
                cost = chip.costs[component].actions[act]
                if took is not None and cost.latency_ps and took * PS_PER_S < cost.latency_ps:
                    least, has = (
                        format_time_ps(cost.latency_ps),
                        f"tables.{name}.{stage.name} has {format_si(took, 's')}",
                    )
                    yield f"costs.{component}.actions.{act}: takes {least} at least, and {has}"
    convert, rate = _conversion(chip), conversion_rate_hz(chip)
    if convert and rate and rate > convert:
        asked = f"tables.mvm converts {format_si(rate, 'S/s')}"
        yield f"costs.adc.actions.convert: is known up to {format_si(convert, 'S/s')}, and {asked}"


def _conversion(chip: ChipFile) -> Fraction | None:
    cost = chip.costs.get("adc")
    return cost.actions["convert"].rate_hz if cost and "convert" in cost.actions else None
