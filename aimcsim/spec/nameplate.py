"""What a chip has and can at most: area and power by level, peak operations, and the figures of merit made of them.

The power of a component is that of its busiest stage never waiting; the power of a chip is that of all components at
once, as data sheets add it up. What a workload draws, only a run says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from aimcsim.costs import Interval, added
from aimcsim.spec.chip_file import Channel, ChipFile
from aimcsim.spec.rates import ARRAY, full_vector, interval_s, iterations, mvm_interval_s, peak_ops_per_s, worth
from aimcsim.spec.stage_table import Stage

Level = Literal["tile", "chip"]

CHIP_WIDE = ("chip", "chip_link")
"""What there is an instance for outside the tiles; routers and links are shared out among the tiles."""

NOT_RUNNING = ("program",)
"""Tables of what happens before requests come, which peak power leaves out."""

MESH_PORTS = 4
"""Ports of a router towards its neighbours."""


@dataclass(frozen=True, slots=True)
class Part:
    """A component on all chips: what it takes in area and at full activity.

    Attributes
    ----------
    component : str
    level : Level                 `tile`: the tiles have it, or share it; `chip`: there is one for a chip, or between
    chips.
    instances : int               On all chips.
    area_m2, area_range_m2        Of all instances.
    static_w, dynamic_w           Power drawn in any case, and at most on top of it; of all instances.
    power_range_w : Interval      Of both.
    """

    component: str
    level: Level
    instances: int
    area_m2: Fraction
    area_range_m2: Interval
    static_w: Fraction
    dynamic_w: Fraction
    power_range_w: Interval

    @property
    def power_w(self) -> Fraction:
        """Power at full activity."""
        return self.static_w + self.dynamic_w


@dataclass(frozen=True, slots=True)
class Total:
    """Area and power at full activity of several parts, with their ranges."""

    area_m2: Fraction
    area_range_m2: Interval
    power_w: Fraction
    power_range_w: Interval

    @classmethod
    def of(cls, parts: list[Part], over: int = 1) -> Total:
        """Return the sum of parts, divided by a number."""
        share = Fraction(1, over)
        return cls(
            sum((part.area_m2 for part in parts), Fraction(0)) * share,
            added(part.area_range_m2 for part in parts).times(share),
            sum((part.power_w for part in parts), Fraction(0)) * share,
            added(part.power_range_w for part in parts).times(share),
        )


@dataclass(frozen=True, slots=True)
class Nameplate:
    """All parts of a chip file, and their sums.

    Attributes
    ----------
    parts : list of Part
    tile, chip, system : Total     Of one tile with its share of routers and links, of one chip, of all chips.
    peak_ops_per_s : Fraction      Of all chips; one multiply-accumulate of a weight and an input is two operations.
    """

    parts: list[Part]
    tile: Total
    chip: Total
    system: Total
    peak_ops_per_s: Fraction

    @property
    def peak_ops_per_j(self) -> Fraction | None:
        """Peak operations over power at full activity, 1/J; None without any power."""
        return self.peak_ops_per_s / self.system.power_w if self.system.power_w else None

    @property
    def peak_ops_per_s_m2(self) -> Fraction | None:
        """Peak operations over area, 1/(s m2); None without any area."""
        return self.peak_ops_per_s / self.system.area_m2 if self.system.area_m2 else None

    @property
    def peak_ops_per_j_range(self) -> Interval:
        """Where peak operations over power lie; for chips with power."""
        return self._peak.over(self.system.power_range_w)

    @property
    def peak_ops_per_s_m2_range(self) -> Interval:
        """Where peak operations over area lie; for chips with area."""
        return self._peak.over(self.system.area_range_m2)

    @property
    def _peak(self) -> Interval:
        return Interval(self.peak_ops_per_s, self.peak_ops_per_s)


def nameplate(chip: ChipFile) -> Nameplate:
    """Return what a chip file's chips have and can at most."""
    parts = [_part(chip, component) for component in chip.costs]
    tiles = [part for part in parts if part.level == "tile"]
    return Nameplate(
        parts,
        Total.of(tiles, chip.instances("tile")),
        Total.of(parts, chip.instances("chip")),
        Total.of(parts),
        peak_ops_per_s(chip),
    )


def _part(chip: ChipFile, component: str) -> Part:
    cost = chip.costs[component]
    count = chip.instances(cost.instances_per)
    static_w = cost.static_power_w * count
    dynamic_w, dynamic_range_w = busiest_w(chip, component)
    return Part(
        component,
        "chip" if cost.instances_per in CHIP_WIDE else "tile",
        count,
        cost.area_m2 * count,
        cost.area_range_m2.times(count),
        static_w,
        dynamic_w,
        added((cost.static_range_w.times(count), dynamic_range_w)),
    )


def busiest_w(chip: ChipFile, component: str) -> tuple[Fraction, Interval]:
    """Return the power of a component in the stage that keeps it busiest, on all chips, with its range, W."""
    drawn = [_drawn(chip, component, stage) for stage in _stages(chip)]
    return max(drawn, key=lambda one: one[0], default=(Fraction(0), Interval(Fraction(0), Fraction(0))))


def _stages(chip: ChipFile) -> Iterator[Stage]:
    for name, table in chip.tables.items():
        if name not in NOT_RUNNING:
            yield from table.stages


def _drawn(chip: ChipFile, component: str, stage: Stage) -> tuple[Fraction, Interval]:
    """Return what a component draws while a stage never waits, on all chips."""
    cost = chip.costs[component]
    power_w, ranges = Fraction(0), []
    for action, quantity in stage.actions.items():
        name, act = chip.action_key(action)
        if name == component:
            rate = actions_per_s(chip, stage, quantity)
            power_w += rate * cost.actions[act].energy_j
            ranges.append(cost.actions[act].range_j.times(rate))
    return power_w, added(ranges)


def actions_per_s(chip: ChipFile, stage: Stage, quantity: str) -> Fraction:
    """Return how much of a quantity a stage that never waits gets through a second, on all chips."""
    if stage.resource in _TRANSPORTS:
        return _TRANSPORTS[stage.resource](chip, quantity)
    one, full = interval_s(chip, stage), full_vector(chip)
    if not one:
        return Fraction(0)
    units = Fraction(full[stage.per.quantity], stage.per.amount) if stage.per else Fraction(1)
    if stage.resource in ARRAY:  # no busier than at the peak, for one may wait for the other
        turns = iterations(chip, chip.tables["mvm"], stage)
        return chip.instances("tile") * turns * worth(full, quantity) / mvm_interval_s(chip)
    if stage.per and stage.per.quantity == quantity:
        return chip.instances("tile") * stage.per.amount / one
    return chip.instances("tile") * worth(full, quantity) / (one * max(Fraction(1), units))


def _over_network(chip: ChipFile, quantity: str) -> Fraction:
    """Return flits that all routers pass a second with every port busy, or bytes over all links between chips."""
    if quantity == "chip_link_bytes":
        link = chip.system.chip_link
        return chip.instances("chip_link") * (link.bandwidth_bytes_per_s if link else Fraction(0))
    if quantity != "flit_hops":
        return Fraction(0)
    if chip.network.switched:
        return chip.instances("link") * chip.clocks[chip.network.clock].frequency_hz
    ports = MESH_PORTS + chip.network.tiles_per_router
    return chip.instances("router") * ports * chip.clocks[chip.network.clock].frequency_hz


def _over(channel: Callable[[ChipFile], Channel]) -> Callable[[ChipFile, str], Fraction]:
    """Return what says how much a channel of the first chip moves a second."""

    def rate(chip: ChipFile, quantity: str) -> Fraction:
        return channel(chip).bandwidth_bytes_per_s if quantity.endswith("_bytes") else Fraction(0)

    return rate


_TRANSPORTS: dict[str, Callable[[ChipFile, str], Fraction]] = {
    "network": _over_network,
    "host_link": _over(lambda chip: chip.host.link),
    "memory_channel": _over(lambda chip: chip.memory.channel),
}
