"""From the entries of a chip file's `costs` to what the rest of the program pays: models are asked here.

A model takes from the chip what its entry leaves out, so that a changed resolution, rate or size changes the cost.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import cast

from aimcsim.costs import (
    MODELS,
    ActionCost,
    ComponentCost,
    CostModel,
    Estimate,
    Grade,
    ModelError,
    Parameters,
    Source,
)
from aimcsim.errors import Problem
from aimcsim.spec.chip_file import ChipFile
from aimcsim.spec.cost_entries import ActionEntry, ComponentEntry, ModelEntry
from aimcsim.spec.fields import file_key
from aimcsim.spec.rates import conversion_rate_hz, lanes

UNKNOWN = Source("aimcsim", how="not known")
FREE = ActionCost(Fraction(0), UNKNOWN, "published")
"""Stands for what could not be priced, so that checking can go on."""

MISSING = "is required, and missing"


class CostWarning(UserWarning):
    """A cost was carried on beyond what its model was made from."""


def priced(chip: ChipFile, wrong: frozenset[str] = frozenset()) -> tuple[ChipFile, list[Problem]]:
    """Return a chip fresh from its file with costs in the place of its entries, and what is wrong with these.

    `wrong` are paths already reported, which hold a stand-in value.
    """
    entries = cast("Mapping[str, ComponentEntry]", chip.costs)
    pricing = _Pricing(chip, wrong)
    costs = {name: pricing.component(name, entry) for name, entry in entries.items()}
    return replace(chip, costs=costs), pricing.problems


class _Pricing:
    """One pass over the entries; problems are collected as it goes."""

    def __init__(self, chip: ChipFile, wrong: frozenset[str]) -> None:
        self.chip = chip
        self.reported = wrong
        self.problems: list[Problem] = []

    def component(self, name: str, entry: ComponentEntry) -> ComponentCost:
        """Return the cost of a component: what is stated, and what its model says of the rest."""
        path = f"costs.{name}"
        found = self.estimate(path, name, entry.from_, whole=True) if entry.from_ else None
        actions = dict(found.actions) if found else {}
        for act, action in entry.actions.items():
            actions[act] = self.action(f"{path}.actions.{act}", name, action, instead=act in actions)
        says = (entry.area_m2, entry.static_power_w, entry.source, entry.grade)
        if found and not any(one is not None for one in says):
            source, grade = found.source, found.grade
        else:
            source, grade = self.origin(path, entry, instead=found is not None)
        return ComponentCost(
            _first(entry.area_m2, found.area_m2 if found else None),
            _first(entry.static_power_w, found.static_power_w if found else None),
            entry.instances_per,
            source,
            grade,
            actions,
        )

    def action(self, path: str, component: str, entry: ActionEntry, *, instead: bool) -> ActionCost:
        """Return the cost of an action, which may be stated instead of what a model says."""
        if entry.from_ is None:
            if entry.energy_j is None:
                self.wrong(f"{path}.energy", MISSING)
            source, grade = self.origin(path, entry, instead=instead)
            energy_j = entry.energy_j or Fraction(0)
            return ActionCost(energy_j, source, grade, entry.energy_range_j, entry.latency_ps, entry.rate_hz)
        for name in ("energy_j", "source", "grade"):
            if getattr(entry, name) is not None:
                self.wrong(f"{path}.{file_key(name)}", "the model under `from` says it; leave out one of the two")
        found = self.estimate(path, component, entry.from_, whole=False)
        return replace(found.actions.get("", FREE), energy_range_j=entry.energy_range_j)

    def origin(self, path: str, entry: ActionEntry | ComponentEntry, *, instead: bool) -> tuple[Source, Grade]:
        """Return where a stated number is from and how it is known.

        One without a source that takes the place of a model's is an assumption.
        """
        if instead and entry.source is None and entry.grade is None:
            return Source("aimcsim", how=entry.how or "stated instead of what the model says"), "assumed"
        for name in ("source", "grade"):
            if getattr(entry, name) is None:
                self.wrong(f"{path}.{name}", MISSING)
        return replace(entry.source or UNKNOWN, how=entry.how), entry.grade or FREE.grade

    def estimate(self, path: str, component: str, entry: ModelEntry, *, whole: bool) -> Estimate:
        """Return what a model says, marked as assumed where it was carried on; a stand-in if it has no answer."""
        model = MODELS[entry.model]
        given = None
        if model.whole != whole:
            fitting = ", ".join(f"`{name}`" for name, one in MODELS.items() if one.whole == whole)
            what = "a component" if whole else "a single action"
            self.wrong(f"{path}.from.model", f"this is no model of {what} (got `{entry.model}`); one of: {fitting}")
        elif not any(one.startswith(f"{path}.from") for one in self.reported):
            given = self.given(path, component, entry, model)
        try:
            found = model.ask(given) if given else self.stand_in(component)
        except ModelError as error:
            self.wrong(f"{path}.from.{error.parameter}", str(error))
            return self.stand_in(component)
        self.warn(path, entry, found)
        return carried_on(found) if found.beyond else found

    def stand_in(self, component: str) -> Estimate:
        """Return an estimate of nothing with every action of a component that stages name."""
        stages = [stage for table in self.chip.tables.values() for stage in table.stages]
        named = [self.chip.action_key(action) for stage in stages for action in stage.actions]
        return Estimate(source=UNKNOWN, actions={act: FREE for name, act in named if name == component})

    def warn(self, path: str, entry: ModelEntry, found: Estimate) -> None:
        """Say where a model was carried on beyond its range."""
        place = self.chip.where.place(f"{path}.from")
        for sentence in found.beyond:
            message = f"{place.file}:{place.line}:{place.column}: {path}: {entry.model} is carried on: {sentence}"
            warnings.warn(message, CostWarning, stacklevel=6)

    def given(self, path: str, component: str, entry: ModelEntry, model: CostModel) -> Parameters | None:
        """Return the parameters of a model; None if some are missing or do not belong to it."""
        count = len(self.problems)
        values = {name: getattr(entry, _ATTRIBUTES[name]) for name in _ATTRIBUTES}
        takes = (*model.needs, *model.may)
        for name, value in values.items():
            if value is not None and name not in takes:
                listed = ", ".join(f"`{one}`" for one in takes)
                self.wrong(f"{path}.from.{name}", f"`{entry.model}` has no such parameter; it takes {listed}")
            elif value == 0:
                self.wrong(f"{path}.from.{name}", "must be above 0")
        for name in model.needs:
            if values[name] is None:
                values[name] = self.own(component, entry.model, name)
            if values[name] is None:
                self.wrong(f"{path}.from.{name}", f"{MISSING}: nothing else in the chip file says it")
        if len(self.problems) > count:
            return None
        return Parameters(**{_ATTRIBUTES[name]: values[name] for name in takes if values[name] is not None})

    def own(self, component: str, model: str, name: str) -> int | Fraction | None:
        """Return what the chip itself says about a parameter of a component's model."""
        chip = self.chip
        if name == "bits":
            return chip.tile.adc.bits if model == "adc_regression" else chip.network.width_bits
        if name == "rate":
            unknown_clock = chip.clock_of("adc_bank") not in (None, *chip.clocks)  # reported where it is named
            return Fraction(10**9) if unknown_clock else conversion_rate_hz(chip)
        if name == "size" and component in chip.tile.buffers:
            return chip.tile.buffers[component].size_bytes
        return lanes(chip, component) if name == "lanes" else None

    def wrong(self, path: str, message: str) -> None:
        """Note a problem, unless something is missing beside what was reported: it may be the same thing, misspelt."""
        around = path.rpartition(".")[0]
        if message == MISSING and any(one.rpartition(".")[0] == around for one in self.reported):
            return
        self.problems.append(self.chip.where.problem(path, message))


_ATTRIBUTES = {
    "node": "node_m",
    "bits": "bits",
    "rate": "rate_hz",
    "size": "size_bytes",
    "word": "word_bytes",
    "lanes": "lanes",
    "operation": "operation",
    "memory": "memory",
    "length": "length_m",
    "component": "component",
    "attributes": "attributes",
}
"""Parameter of a model in the words of a chip file -> attribute of `ModelEntry` and of `Parameters`."""


def _first(stated: Fraction | None, modelled: Fraction | None) -> Fraction:
    if stated is not None:
        return stated
    return modelled if modelled is not None else Fraction(0)


def carried_on(found: Estimate) -> Estimate:
    """Return an estimate beyond its model's range: assumed, with the reason."""
    note = f"; carried on: {'; '.join(found.beyond)}"

    def noted(source: Source) -> Source:
        return replace(source, how=source.how + note)

    actions = {
        name: replace(action, source=noted(action.source), grade="assumed") for name, action in found.actions.items()
    }
    return replace(found, source=noted(found.source), grade="assumed", actions=actions)
