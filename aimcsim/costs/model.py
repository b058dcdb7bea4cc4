"""The cost of components and of their actions; joules, watts and square metres are exact until they are reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

Grade = Literal["measured", "published", "derived", "assumed"]
"""How good a number is: `measured` on silicon, `published` as printed (also for a modelled chip), `derived` by
arithmetic from published ones, `assumed` with a reason. A run lists the assumed ones among its assumptions."""

GRADES: tuple[Grade, ...] = get_args(Grade)

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
    """What one action of a component costs, in J; time is the stage tables' matter."""

    energy_j: Fraction
    source: Source
    grade: Grade


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
