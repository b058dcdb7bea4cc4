"""The cost of components and of their actions; joules, watts and square metres are exact until they are reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from aimcsim.costs.ranges import Grade, Interval

InstancesPer = Literal[
    "crossbar", "tile", "chip", "converter", "bank", "buffer", "router", "link", "chip_link", "row", "column"
]
"""What a system has one instance of a component for; `buffer` is the buffer that the component is named after."""

INSTANCES: tuple[InstancesPer, ...] = get_args(InstancesPer)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number is from.

    Attributes
    ----------
    reference : str   Key in `REFERENCES`.
    locator : str     Place in it (`table1`, `sec4`); may be empty.
    how : str         The arithmetic that led from there to the number, or the reason for assuming it; may be empty.
    """

    reference: str
    locator: str = ""
    how: str = ""

    @property
    def key(self) -> str:
        """`reference.locator`, as chip files write it."""
        return f"{self.reference}.{self.locator}" if self.locator else self.reference


@dataclass(frozen=True, slots=True)
class ActionCost:
    """What one action of a component costs.

    Attributes
    ----------
    energy_j : Fraction          Of one action, J.
    source, grade                Of all of it.
    energy_range_j : Interval    Where the energy lies if the source says so; None: as far as the grade says.
    latency_ps : int             Least time of one action that the source knows, ps; None if it says nothing.
    rate_hz : Fraction           Most actions of one instance a second that the energy is valid for; None likewise.

    What an action takes in a run stands in the stage tables alone. The last two are what a technology allows;
    `spec.rates.too_fast` says where a stage table asks for more.
    """

    energy_j: Fraction
    source: Source
    grade: Grade
    energy_range_j: Interval | None = None
    latency_ps: int | None = None
    rate_hz: Fraction | None = None

    @property
    def range_j(self) -> Interval:
        """Where the energy lies, J."""
        return self.energy_range_j or Interval.graded(self.energy_j, self.grade)


@dataclass(frozen=True, slots=True)
class ComponentCost:
    """Area and static power of one instance of a component, and what each of its actions costs.

    Attributes
    ----------
    area_m2, static_power_w : Fraction   Of one instance.
    instances_per : InstancesPer         What there is one instance for.
    source, grade                        Of area and static power.
    actions : Mapping[str, ActionCost]   By action name.
    """

    area_m2: Fraction
    static_power_w: Fraction
    instances_per: InstancesPer
    source: Source
    grade: Grade
    actions: Mapping[str, ActionCost]

    @property
    def area_range_m2(self) -> Interval:
        """Where the area of one instance lies, m2."""
        return Interval.graded(self.area_m2, self.grade)

    @property
    def static_range_w(self) -> Interval:
        """Where the static power of one instance lies, W."""
        return Interval.graded(self.static_power_w, self.grade)


def references_of(costs: Mapping[str, ComponentCost]) -> Counter[str]:
    """Return how many numbers of some components are from each reference, those of components before their actions'."""
    own = [cost.source for cost in costs.values()]
    of_actions = [action.source for cost in costs.values() for action in cost.actions.values()]
    return Counter(source.reference for source in own + of_actions)
