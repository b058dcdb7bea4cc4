"""Checks of one stage table: names, latencies, and that every slot that is taken is given back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import prod

from aimcsim.errors import Problem
from aimcsim.located import one_of
from aimcsim.ops import digital_kinds
from aimcsim.spec.chip_file import ChipFile
from aimcsim.spec.stage_table import (
    LOOP_COUNTS,
    QUANTITIES,
    REDUCE_COUNTS,
    RESOURCES,
    TIMES,
    TRANSPORTS,
    Stage,
    StageTable,
    TableName,
)

# Where a resource can be booked; those not named here, anywhere.
_BOOKED_BY: dict[str, tuple[TableName, ...]] = {
    "network": ("send", "load", "store"),
    "host_link": ("load", "store"),
    "memory_channel": ("program",),
    "crossbar": ("mvm", "program"),
    "adc_bank": ("mvm", "program"),
}

# What loops may be counted by, beside numbers.
_COUNTS: dict[TableName, tuple[str, ...]] = {"mvm": LOOP_COUNTS, "reduce": REDUCE_COUNTS}

# What a stage may run for each amount of: quantities that are the same for every vector.
EACH = tuple(name for name in QUANTITIES if name not in ("array_steps", "loaded_weights"))

# What a stage books once a vector or once in each turn of a loop.
ONCE = ("crossbar", "adc_bank", *TRANSPORTS)

# Tables whose ops look through windows at their inputs.
_WINDOWED: tuple[TableName, ...] = ("mvm", "vector", "depthwise")

# What a table cannot do without.
_NEEDED: dict[TableName, tuple[str, ...]] = {
    "mvm": ("crossbar",),
    "send": ("network",),
    "load": ("host_link", "network"),
    "store": ("network", "host_link"),
    "program": ("crossbar",),
}


def check_table(chip: ChipFile, name: TableName) -> Iterator[Problem]:
    """Yield what is wrong with the stage table of `name`."""
    checker = _Table(chip, name, f"tables.{name}", chip.tables[name])
    yield from checker.loops()
    yield from checker.stages()
    yield from checker.slots()
    if name == "mvm":
        yield from checker.reads()


@dataclass(slots=True)
class _Table:
    chip: ChipFile
    name: TableName
    path: str
    table: StageTable
    depth: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.depth = {"vector": 0} | {loop.name: i for i, loop in enumerate(self.table.loops, start=1)}

    def loops(self) -> Iterator[Problem]:
        """Check names and counts of loops, and that each has a stage in it."""
        used = {stage.loop for stage in self.table.stages}
        deepest = max((self.depth.get(name, 0) for name in used), default=0)
        yield from self.unique("loops", ["vector", *(loop.name for loop in self.table.loops)], offset=1)
        for i, loop in enumerate(self.table.loops):
            path = f"{self.path}.loops[{i}]"
            if isinstance(loop.count, str):
                yield from self.known(f"{path}.count", loop.count, _COUNTS.get(self.name, ()), "count")
            if self.depth[loop.name] > deepest:
                yield self.chip.where.problem(path, f"no stage runs in the loop `{loop.name}`")

    def stages(self) -> Iterator[Problem]:
        """Check that the table has the stages it needs, then each by itself."""
        names = [stage.name for stage in self.table.stages]
        booked = [stage.resource for stage in self.table.stages]
        yield from self.unique("stages", names)
        if not names and self.name not in _NEEDED:
            yield self.chip.where.problem(f"{self.path}.stages", "a table needs at least one stage")
        for resource in _NEEDED.get(self.name, ()):
            if resource not in booked:
                yield self.chip.where.problem(f"{self.path}.stages", f"no stage books `{resource}`")
        if booked.count("network") > 1:
            yield self.chip.where.problem(f"{self.path}.stages", "only one stage can book `network`")
        for i, stage in enumerate(self.table.stages):
            path = f"{self.path}.stages[{i}]"
            yield from self.known(f"{path}.loop", stage.loop, self.depth, "loop")
            yield from self.resource(path, stage)
            if stage.per:
                yield from self.known(f"{path}.per.{stage.per.quantity}", stage.per.quantity, QUANTITIES, "quantity")
            if stage.reuse == "window" and not (self.name in _WINDOWED and stage.resource == "input_buffer.read"):
                message = (
                    "only a stage of `mvm`, `vector` or `depthwise` that reads the input buffer can reuse a window"
                )
                yield self.chip.where.problem(f"{path}.reuse", message)
            yield from self.kinds(path, stage)
            yield from self.amounts(path, stage)
            if stage.captures and not stage.resource:
                message = "a stage that waits for a slot with its result in hand needs a resource that keeps it"
                yield self.chip.where.problem(f"{path}.captures", message)
            if stage.when == "final" and (stage.acquires or stage.captures or stage.releases):
                message = "a stage that is left out for partial sums may neither take nor release a slot"
                yield self.chip.where.problem(f"{path}.when", message)
            yield from self.actions(path, stage)

    def kinds(self, path: str, stage: Stage) -> Iterator[Problem]:
        """Check that a stage for some kinds of layers alone stands in a table of such layers, and that they exist."""
        if stage.kinds and self.name != "vector":
            message = "only stages of `vector` are for some kinds of layers alone"
            yield self.chip.where.problem(f"{path}.kinds", message)
        for i, kind in enumerate(stage.kinds):
            yield from self.known(f"{path}.kinds[{i}]", kind, digital_kinds(), "kind of digital layer")

    def amounts(self, path: str, stage: Stage) -> Iterator[Problem]:
        """Check that a stage that runs for each of some amounts can, and that what follows it matches its turns."""
        if stage.each is None:
            return
        yield from self.known(f"{path}.each.{stage.each.quantity}", stage.each.quantity, EACH, "quantity")
        if stage.per or stage.reuse != "none" or stage.loop != "vector" or stage.resource in ONCE:
            message = "only a stage without `per` and `reuse` and out of loops can, and not on arrays and ways"
            yield self.chip.where.problem(f"{path}.each", message, key=True)
        for other in self.beside(stage):
            message = f"`{other}` beside it runs otherwise; have a stage between that runs once a vector"
            yield self.chip.where.problem(f"{path}.each", message, key=True)

    def beside(self, stage: Stage) -> list[str]:
        """Return what some kind of layer runs just before or after a stage, and in turns that do not match its own."""
        found: list[str] = []
        for run in self.runs(stage):
            at = run.index(stage)
            found += [one.name for one in run[max(0, at - 1) : at] if one.loop != "vector"]
            found += [
                one.name
                for one in run[at + 1 : at + 2]
                if one.loop != "vector" or (one.each is not None and one.each != stage.each)
            ]
        return list(dict.fromkeys(found))

    def runs(self, stage: Stage) -> Iterator[list[Stage]]:
        """Yield the stages that run with one, for each of its kinds of layers, and without those for final results."""
        for kind in stage.kinds or (None,):
            run = [one for one in self.table.stages if not (kind and one.kinds) or kind in one.kinds]
            yield run
            if stage.when == "always":
                yield [one for one in run if one.when == "always"]

    def resource(self, path: str, stage: Stage) -> Iterator[Problem]:
        """Check that the resource exists, that this kind of op can book it, and the times that go with it."""
        resources = [*RESOURCES, *self.chip.tile.units]
        yield from self.known(f"{path}.resource", stage.resource, resources, "resource")
        if stage.resource is None or stage.resource in resources:
            yield from self.times(path, stage)
        allowed = _BOOKED_BY.get(stage.resource or "", (self.name,))
        if self.name not in allowed:
            message = f"`{stage.resource}` can be booked by {' and '.join(allowed)} alone (got `{self.name}`)"
            yield self.chip.where.problem(f"{path}.resource", message)

    def times(self, path: str, stage: Stage) -> Iterator[Problem]:
        """Check that a stage states latency and interval where it must, may not, and in what it can."""
        times = {"latency": stage.latency, "interval": stage.interval}
        if stage.resource in TRANSPORTS:
            given = [name for name in times if times[name]] + (["per"] if stage.per else [])
            given += ["passes"] if stage.passes == "first" else []
            message = f"`{stage.resource}` has its own; leave this out"
            for name in given:
                yield self.chip.where.problem(f"{path}.{name}", message, key=True)
            return
        if stage.latency is None:
            yield self.chip.where.problem(f"{path}.latency", "is required, and missing")
        if stage.passes == "first" and not (stage.per and stage.resource):
            message = "only a stage with `per` and a resource that it keeps can pass on the first unit of several"
            yield self.chip.where.problem(f"{path}.passes", message)
        for name, duration in times.items():
            if duration and not duration.cycles and not duration.time_ps and stage.resource:
                yield self.chip.where.problem(f"{path}.{name}", f"must be above 0 (got `{duration}`)")
            elif duration and duration.cycles is not None and not self.clocked(stage.resource):
                what = f"`{stage.resource}`" if stage.resource else "a stage without a resource"
                yield self.chip.where.problem(
                    f"{path}.{name}", f"{what} has no clock, so this must be a time (got `{duration}`)"
                )

    def clocked(self, resource: str | None) -> bool:
        """Tell whether `resource` has a clock; a buffer role that names no buffer is reported elsewhere."""
        role = (resource or "").partition(".")[0]
        if role in ("input_buffer", "output_buffer") and self.chip.buffer_of(role) not in self.chip.tile.buffers:
            return True
        return self.chip.clock_of(resource) is not None

    def reads(self) -> Iterator[Problem]:
        """Check that the loops around the crossbar make the reads that the values take, and count each column once."""
        counts = {"input_phases": self.chip.input_phases, "polarities": self.chip.polarities}
        wanted = prod(counts.values())
        for i, stage in enumerate(self.table.stages):
            around = self.table.loops[: self.depth.get(stage.loop, 0)]
            path = f"{self.path}.stages[{i}]"
            reads = prod(counts.get(loop.count, 1) if isinstance(loop.count, str) else loop.count for loop in around)
            if stage.resource == "crossbar" and reads % wanted:
                message = (
                    f"a vector takes {wanted} reads of the array (input phases times polarities), and this stage runs "
                    f"{reads} times; put it in loops with these counts"
                )
                yield self.chip.where.problem(f"{path}.loop", message)
            split = [loop.name for loop in around if loop.count in ("column_groups", "weight_slices")]
            for action, quantity in stage.actions.items():
                if split and {"columns", "cells"}.intersection(quantity.split(TIMES)):
                    message = f"counts all {quantity} in every turn of `{split[0]}`; count it outside that loop"
                    yield self.chip.where.problem(f"{path}.actions.{action}", message)

    def actions(self, path: str, stage: Stage) -> Iterator[Problem]:
        """Check that each action is counted by a known quantity and has a cost, so that nothing is free in silence."""
        buffers = self.chip.tile.buffers
        for action, quantity in stage.actions.items():
            here = f"{path}.actions.{action}"
            for factor in quantity.split(TIMES):
                yield from self.known(here, factor, QUANTITIES, "quantity")
            component, act = self.chip.action_key(action)
            if not action.startswith(component) and component not in buffers:
                continue  # a role that names no buffer is reported where it is given
            cost = self.chip.costs.get(component)
            if cost is None or act not in cost.actions:
                priced = [f"{name}.{act}" for name, cost in self.chip.costs.items() for act in cost.actions]
                message = f"no cost for this action under `costs` {one_of(f'{component}.{act}', priced)}"
                yield self.chip.where.problem(here, message, key=True, kind="reference")

    def slots(self) -> Iterator[Problem]:
        """Follow one vector through the stages: what is taken is given back, once, and not before."""
        known = self.chip.tile.slots
        held: dict[str, tuple[str, Stage]] = {}
        for i, stage in enumerate(self.table.stages):
            path = f"{self.path}.stages[{i}]"
            for verb in ("acquires", "releases", "captures"):  # in the order in which a stage does it
                slot, here = getattr(stage, verb), f"{path}.{verb}"
                yield from self.known(here, slot, known, "slot")
                if slot in known:
                    yield from (
                        self.hold(held, here, slot, stage) if verb != "releases" else self.free(held, here, stage)
                    )
        for slot, (path, _) in held.items():
            yield self.chip.where.problem(path, f"`{slot}` is taken here and never released")

    def hold(self, held: dict[str, tuple[str, Stage]], path: str, slot: str, stage: Stage) -> Iterator[Problem]:
        """Note that `stage` takes `slot`, and check that it is not held already."""
        if slot in held:
            yield self.chip.where.problem(path, f"`{slot}` is taken again before it is released")
        held[slot] = (path, stage)

    def free(self, held: dict[str, tuple[str, Stage]], path: str, stage: Stage) -> Iterator[Problem]:
        """Note that `stage` releases its slot, and check that it is held."""
        slot = str(stage.releases)
        if slot in held:
            yield from self.nested(held.pop(slot)[1], stage, path)
        else:
            yield self.chip.where.problem(path, f"`{slot}` is released before it is taken")

    def nested(self, taker: Stage, releaser: Stage, path: str) -> Iterator[Problem]:
        """Check that a slot taken in every iteration of a loop is also released in every one."""
        if self.depth.get(releaser.loop, 0) < self.depth.get(taker.loop, 0):
            message = f"`{releaser.releases}` is taken in every `{taker.loop}` and released only after the loop"
            yield self.chip.where.problem(path, message)
        if taker.each and releaser.each != taker.each:
            message = f"`{releaser.releases}` is taken for each amount of `{taker.name}` and not released for each"
            yield self.chip.where.problem(path, message)

    def unique(self, group: str, names: list[str], offset: int = 0) -> Iterator[Problem]:
        """Check that no name is used twice in a list; the first `offset` names stand for built-in ones."""
        for i, name in enumerate(names):
            if name in names[:i]:
                message = f"the name is used twice (got `{name}`)"
                yield self.chip.where.problem(f"{self.path}.{group}[{i - offset}].name", message)

    def known(self, path: str, name: str | None, known: Iterable[str], what: str) -> Iterator[Problem]:
        """Check that `name`, which stands at `path`, is among `known`."""
        known = list(known)
        if name is not None and name not in known:
            yield self.chip.where.problem(path, f"no such {what} {one_of(name, known)}", kind="reference")
