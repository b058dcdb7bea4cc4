"""Stage tables as frozen dataclasses: how one kind of op runs, and the names that its stages may use.

What stands below an attribute is what `json_schema` and the reference page say about the field; see `chip_file`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aimcsim.spec.fields import DurationText, Flag, LoopCount, OptionalName, PerMapping, Section

TableName = Literal["mvm", "vector", "reduce", "send", "load", "store", "program", "depthwise"]

OPTIONAL_TABLES: tuple[TableName, ...] = ("depthwise",)
"""Tables that a chip may do without: what they are for then runs by another one."""

QUANTITIES = (
    "input_bytes",
    "input_elements",
    "output_bytes",
    "output_elements",
    "rows",
    "columns",
    "bank_columns",
    "column_groups",
    "weight_slices",
    "cells",
    "crossbars",
    "work_elements",
    "flit_hops",
    "chip_link_bytes",
    "row_writes",
    "weights",
    "chained_adds",
    "output_blocks",
    "magnitude_bits",
    "pulse_phases",
    "pulse_steps",
    "conversion_steps",
    "array_steps",
    "loaded_weights",
    "one",
)
"""What `per` and the counts of `actions` may name; each is a number of the op at hand.

For `send`, `load` and `store` the vector moved counts both as input and as output.
"""

TIMES = " * "
"""What stands between the quantities of a product, which the counts of `actions` may also be."""

LOOP_COUNTS = ("input_phases", "polarities", "weight_slices", "column_groups")
"""Names that the count of a loop around array reads may have instead of a number."""

REDUCE_COUNTS = ("output_blocks",)
"""Those that the count of a loop around a reduction may have."""

TRANSPORTS = ("network", "host_link", "memory_channel")
"""Resources that know their own latency; a stage on one of them states none."""

RESOURCES = (
    "input_buffer.read",
    "input_buffer.write",
    "output_buffer.read",
    "output_buffer.write",
    "crossbar",
    "adc_bank",
    *TRANSPORTS,
)
"""Resources that every chip has; the names of `tile.units` come on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop(Section):
    """A repetition inside one op."""

    name: str
    """What stages call it."""
    count: LoopCount
    """Turns: a number, `input_phases`, `polarities`, `weight_slices` or `column_groups`; in `reduce`, `output_blocks`.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Section):
    """One step of a stage table.

    In order: it takes a place of the slot `acquires`; books `resource`; after `latency` its work is done; it takes a
    place of `captures`, keeping its resource until there is one; it frees its place of `releases`, at the last
    iteration that belongs to the acquisition.
    """

    name: str
    """What records call it."""
    loop: str = "vector"
    """Innermost loop around the stage, which runs once in each of its turns; `vector`: once a vector."""
    resource: OptionalName = None
    """What it books: `input_buffer.read`, `input_buffer.write`, `output_buffer.read`, `output_buffer.write`,
    `crossbar`, `adc_bank`, `network`, `host_link`, `memory_channel`, or a name of `tile.units`.
    """
    latency: DurationText | None = None
    """Until its result is there, in cycles of the resource's clock or as a time; `network`, `host_link` and
    `memory_channel` know their own.
    """
    interval: DurationText | None = None
    """Until the resource is free again; without one, the latency."""
    per: PerMapping | None = None
    """Multiplies both times by the quantity over the amount, rounded up."""
    passes: Literal["whole", "first"] = "whole"
    """`first`: what follows begins with the first unit of `per`, and the resource is kept for all of them; for pieces
    that move in a row where what follows takes no less time for each.
    """
    each: PerMapping | None = None
    """Runs the stage once for each such amount of a quantity, and asks for the resource each time, so that others have
    their turn between; stages next to each other that run for the same amounts follow one another amount by amount.
    """
    acquires: OptionalName = None
    """Slot taken before the resource is asked for."""
    captures: OptionalName = None
    """Slot taken when the work is done, the resource being kept until then."""
    releases: OptionalName = None
    """Slot given back when the work is done."""
    transfer: Flag = False
    """Whether its time counts as transfer and not as service."""
    when: Literal["always", "final"] = "always"
    """`final`: left out where the op only makes partial sums."""
    kinds: tuple[str, ...] = ()
    """Kinds of digital layers that run it, in the table `vector`; left out: all."""
    reuse: Literal["none", "window"] = "none"
    """For a fetch, `window`: only what the window before it in the row did not bring."""
    actions: Mapping[str, str] = field(default_factory=dict)
    """`component.action: quantity`: what to count, and to pay for under `costs`; `rows * magnitude_bits` is a product.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTable(Section):
    """How one kind of op runs: its loops, outermost first, and its stages in order."""

    loops: tuple[Loop, ...] = ()
    """Loops, outermost first."""
    stages: tuple[Stage, ...]
    """Stages in order."""
