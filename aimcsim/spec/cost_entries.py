"""Costs as a chip file writes them: in numbers, or taken from a model with parameters of the chip's own.

`pricing` turns them into `ComponentCost` and `ActionCost` when the rest of the chip is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aimcsim.costs import ComponentCost, Grade, InstancesPer
from aimcsim.spec.fields import (
    AdcBits,
    AreaM2,
    Attributes,
    EnergyJ,
    EnergyRangeJ,
    FrequencyHz,
    LengthM,
    Positive,
    PowerW,
    Section,
    SizeBytes,
    SourceKey,
    TimePs,
)

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

ModelName = Literal[
    "adc_regression", "sram", "edram", "vector_unit", "hwcomponents", "operation", "router", "link", "dram"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry(Section):
    """A table or regression that a cost is taken from. What is left out is the chip's own, where the chip says it."""

    model: ModelName
    """Of a component: `adc_regression`, `sram`, `edram`, `vector_unit`, `hwcomponents`; of an action: `operation`,
    `router`, `link`, `dram`.
    """
    node_m: LengthM | None = None
    """Technology node."""
    bits: AdcBits | None = None
    """Of a conversion (left out: `tile.adc.bits`), of a flit (`network.width_bits`), or moved by one action (8)."""
    rate_hz: FrequencyHz | None = None
    """Conversions of one converter a second; left out: what the stage that converts asks for."""
    size_bytes: SizeBytes | None = None
    """Of a memory; left out: that of the buffer of this name."""
    word_bytes: SizeBytes | None = None
    """Of one access to an SRAM: 8 B or 32 B; left out: 8 B up to 32 KiB."""
    lanes: Positive | None = None
    """Elements that a vector unit takes at a time; left out: the most that a stage gives it."""
    operation: str | None = None
    """Arithmetic, as `int8_mul + int32_add`."""
    memory: str | None = None
    """Kind of off-chip memory: `hbm2`, `hbm3`, `gddr5`, `lpddr4`, `ddr3`."""
    length_m: LengthM | None = None
    """Of a link."""
    component: str | None = None
    """Name that the package `hwcomponents` knows a component by."""
    attributes: Attributes | None = None
    """What that component is made with, in SI units without their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEntry(Section):
    """One action of a component: its energy, and where that is from."""

    from_: ModelEntry | None = None
    """Model that says the energy, in the place of all that follows."""
    energy_j: EnergyJ | None = None
    """Of one action."""
    energy_range_j: EnergyRangeJ | None = None
    """Lowest and highest energy that the source allows; left out: as far as the grade says."""
    latency_ps: TimePs | None = None
    """Least time of one action that the source knows. What it takes in a run is the stage tables' matter."""
    rate_hz: FrequencyHz | None = None
    """Most actions of one instance a second that the energy is valid for; likewise."""
    source: SourceKey | None = None
    """Reference, and after a dot where in it: `isaac16.table1`."""
    grade: Grade | None = None
    """How the number is known."""
    how: str = ""
    """The arithmetic of what is derived, the reason of what is assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentEntry(Section):
    """A component: area and static power of one instance, where they are from, and its actions."""

    from_: ModelEntry | None = None
    """Model that says area, static power and actions; what is stated beside it takes their place."""
    area_m2: AreaM2 | None = None
    """Of one instance; left out: what the model says, or none."""
    static_power_w: PowerW | None = None
    """Of one instance, drawn in any case; left out: what the model says, or none."""
    instances_per: InstancesPer
    """What there is one of it for."""
    source: SourceKey | None = None
    """Where both are from: a reference, and after a dot where in it."""
    grade: Grade | None = None
    """How they are known."""
    how: str = ""
    """The arithmetic of what is derived, the reason of what is assumed."""
    actions: Mapping[str, ActionEntry] = field(default_factory=dict)
    """What one action costs, by name."""


class _Entry:
    """Annotation metadata: validated as a `ComponentEntry`, which `pricing.priced` puts the cost in the place of."""

    @staticmethod
    def __get_pydantic_core_schema__(source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(ComponentEntry)


Cost = Annotated[ComponentCost, _Entry]
