"""Costs as a chip file writes them, and how they become `ComponentCost` and `ActionCost`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

from aimcsim.costs import ActionCost, ComponentCost, Grade, InstancesPer
from aimcsim.spec.fields import AreaM2, EnergyJ, PowerW, Section, SourceKey

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEntry(Section):
    """One action of a component: its energy, and where that is from."""

    energy_j: EnergyJ
    """Of one action."""
    source: SourceKey
    """Reference, and after a dot where in it: `isaac16.table1`."""
    grade: Grade
    """How the number is known."""
    how: str = ""
    """The arithmetic of what is derived, the reason of what is assumed."""

    def cost(self) -> ActionCost:
        """Return the entry as the rest of the program uses it."""
        return ActionCost(self.energy_j, replace(self.source, how=self.how), self.grade)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentEntry(Section):
    """A component: area and static power of one instance, where they are from, and its actions."""

    area_m2: AreaM2 = Fraction(0)
    """Of one instance."""
    static_power_w: PowerW = Fraction(0)
    """Of one instance, drawn in any case."""
    instances_per: InstancesPer
    """What there is one of it for."""
    source: SourceKey
    """Where both are from: a reference, and after a dot where in it."""
    grade: Grade
    """How they are known."""
    how: str = ""
    """The arithmetic of what is derived, the reason of what is assumed."""
    actions: Mapping[str, ActionEntry] = field(default_factory=dict)
    """What one action costs, by name."""

    def cost(self) -> ComponentCost:
        """Return the entry as the rest of the program uses it."""
        return ComponentCost(
            self.area_m2,
            self.static_power_w,
            self.instances_per,
            replace(self.source, how=self.how),
            self.grade,
            {name: action.cost() for name, action in self.actions.items()},
        )


class _Entry:
    """Annotation metadata: validated as a `ComponentEntry`, kept as the `ComponentCost` it makes."""

    @staticmethod
    def __get_pydantic_core_schema__(source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        entry = handler.generate_schema(ComponentEntry)
        return core_schema.no_info_after_validator_function(ComponentEntry.cost, entry)


Cost = Annotated[ComponentCost, _Entry]
