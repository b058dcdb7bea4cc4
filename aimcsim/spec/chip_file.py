"""The chip file as frozen dataclasses: what a chip is made of, how its stages follow each other, what they cost.

Attribute names are the file's field names plus the unit of what they hold: `size: 64 KiB` is read as `size_bytes`.
Nothing here reads files or checks how fields fit together; see `loader` and `checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Literal

from aimcsim.costs import ActionCost, InstancesPer
from aimcsim.errors import Problem, ProblemKind
from aimcsim.located import Position
from aimcsim.spec.cost_entries import Cost
from aimcsim.spec.fields import (
    AdcBits,
    AdcStep,
    BandwidthBytesPerS,
    CellBits,
    Columns,
    DurationText,
    Flag,
    FrequencyHz,
    LoopCount,
    NotNegative,
    OptionalName,
    OutputBits,
    PartialSumBits,
    PerMapping,
    PhaseBits,
    Positive,
    Rows,
    Section,
    SignedBits,
    SizeBytes,
    TimePs,
    not_read,
)

SCHEMA = "aimcsim-chip/1"

TableName = Literal["mvm", "vector", "reduce", "send", "load", "store", "program"]

QUANTITIES = (
    "input_bytes",
    "input_elements",
    "output_bytes",
    "output_elements",
    "rows",
    "columns",
    "bank_columns",
    "column_groups",
    "cells",
    "crossbars",
    "work_elements",
    "flit_hops",
    "chip_link_bytes",
    "row_writes",
    "weights",
    "one",
)
"""What `per` and the counts of `actions` may name; each is a number of the op at hand.

For `send`, `load` and `store` the vector moved counts both as input and as output.
"""

LOOP_COUNTS = ("input_phases", "polarities", "weight_slices", "column_groups")
"""Names that a loop's `count` may have instead of a number."""

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


@dataclass(frozen=True, slots=True)
class Where:
    """Where each value of a chip file stands, so that later checks can point there too.

    Attributes
    ----------
    file : str                             The file that was asked for.
    values, keys : Mapping[str, Position]  By dotted path (`tile.adc.bits`, `tables.mvm.stages[0].name`).
    """

    file: str
    values: Mapping[str, Position] = field(default_factory=dict)
    keys: Mapping[str, Position] = field(default_factory=dict)

    def place(self, path: str, *, key: bool = False) -> Position:
        """Return where the value at `path` stands (its name, if `key`), or the nearest thing around it."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.values.get(path) or Position(self.file, 1, 1)

    def problem(self, path: str, message: str, *, key: bool = False, kind: ProblemKind = "config") -> Problem:
        """Return a located `Problem` about the value at `path`, or about its name if `key`."""
        place = self.place(path, key=key)
        return Problem(place.file, place.line, place.column, path, message, kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Section):
    """A clock; what enters it from another clock pays `crossing` of its cycles."""

    frequency_hz: FrequencyHz
    crossing: NotNegative = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel(Section):
    """A pipe off the chip: a transfer takes `latency_ps` plus its bytes over the bandwidth."""

    bandwidth_bytes_per_s: BandwidthBytesPerS
    latency_ps: TimePs


@dataclass(frozen=True, slots=True, kw_only=True)
class System(Section):
    """How many chips there are, and what joins one to the next. Links between packages are not simulated.

    The chips are equal and stand in a row; `chip_link` is one direction between two neighbours. Host and memory are
    joined to the first.
    """

    packages: Positive = 1
    chips_per_package: Positive = 1
    chip_link: Channel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network(Section):
    """The on-chip network: a mesh of `routers` (columns, rows) with `tiles_per_router` tiles at each.

    A packet's head takes `router_cycles` through a router and `link_cycles` over a link; each link passes one flit of
    `width_bits` a cycle. `packet_slots` packets may be under way from one tile. `ideal` has the same latency for a lone
    packet and no contention.
    """

    model: Literal["packet", "ideal"] = "packet"
    routers: tuple[Positive, Positive]
    tiles_per_router: Positive = 1
    clock: str
    width_bits: Positive
    router_cycles: NotNegative
    link_cycles: NotNegative
    packet_slots: Positive = 8
    packet_overhead_bits: NotNegative = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Host(Section):
    """The link that requests come in by and results leave by."""

    link: Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Section):
    """Off-chip memory that weights are programmed from."""

    channel: Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers(Section):
    """Widths of numbers: weights, activations at the row drivers and in the buffers, partial sums that travel."""

    weight_bits: SignedBits
    input_bits: SignedBits
    partial_sum_bits: PartialSumBits
    output_bits: OutputBits


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossbar(Section):
    """One array of cells.

    A weight takes a pair of columns per bit slice with `differential` cells, one with `offset` cells. `flip` stores a
    column inverted when that lowers its largest sum, which saves a converter bit (offset cells only).
    """

    rows: Rows
    cols: Columns
    cell_bits: CellBits
    cells: Literal["differential", "offset"]
    flip: Flag = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs(Section):
    """How inputs are driven: bit by bit, or as the width of one pulse; and how their sign is."""

    encoding: Literal["bit_serial", "pulse_width"]
    sign: Literal["twos_complement", "two_pass", "bipolar"]
    bits_per_phase: PhaseBits = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Adc(Section):
    """A bank of `converters` that serves `crossbars` consecutive crossbars; `step` unit cells per code, 0 for auto."""

    bits: AdcBits
    converters: Positive
    crossbars: Positive = 1
    step: AdcStep = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer(Section):
    """On-chip memory of one tile."""

    size_bytes: SizeBytes
    clock: str
    read_ports: Positive = 1
    write_ports: Positive = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit(Section):
    """A digital resource that stages may book: one per tile, or one for each layer on the tile."""

    per: Literal["layer", "tile"]
    clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot(Section):
    """Counted storage between stages: `count` places per tile, or for each layer on the tile."""

    count: Positive
    per: Literal["layer", "tile"] = "layer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile(Section):
    """One network endpoint with its crossbars, converters, buffers and digital units.

    `input_buffer` and `output_buffer` name the buffers that play these roles; one may play both. `policy` says whether
    every edge between layers owns a share of a buffer (`quota`) or all take from one pool, which can deadlock.
    `array_clock` is the clock of crossbars and converters; without one they start at any picosecond.
    """

    count: Positive
    crossbars: Positive
    crossbar: Crossbar
    inputs: Inputs
    adc: Adc
    buffers: Mapping[str, Buffer]
    input_buffer: str
    output_buffer: str
    policy: Literal["quota", "pool"] = "quota"
    units: Mapping[str, Unit] = field(default_factory=dict)
    slots: Mapping[str, Slot] = field(default_factory=dict)
    array_clock: OptionalName = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop(Section):
    """A repetition inside one op; `count` is a number or one of `LOOP_COUNTS`."""

    name: str
    count: LoopCount


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Section):
    """One step of a stage table.

    It runs once per iteration of the loops down to `loop` (`vector`: once per vector). In order: it takes a place of
    the slot `acquires`; books `resource`; after `latency` its work is done; it takes a place of `captures`, keeping its
    resource until there is one; it frees its place of `releases`, at the last iteration that belongs to the
    acquisition. `interval` is how soon the resource can start again (default: the latency). Both times are multiplied
    by ``ceil(quantity / amount)`` of `per`.

    Attributes
    ----------
    transfer : bool          Its time is transfer and not service in the records.
    when : "always"|"final"  `final`: left out where the op only makes partial sums, which a `reduce` op finishes.
    reuse : "none"|"window"  For a fetch: `window` moves only the vectors that the previous output of the same row did
                             not already bring.
    actions : Mapping        ``component.action`` -> the quantity that counts it.
    """

    name: str
    loop: str = "vector"
    resource: OptionalName = None
    latency: DurationText | None = None
    interval: DurationText | None = None
    per: PerMapping | None = None
    acquires: OptionalName = None
    captures: OptionalName = None
    releases: OptionalName = None
    transfer: Flag = False
    when: Literal["always", "final"] = "always"
    reuse: Literal["none", "window"] = "none"
    actions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTable(Section):
    """How one kind of op runs: its loops, outermost first, and its stages in order."""

    loops: tuple[Loop, ...] = ()
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipFile(Section):
    """A whole chip file, checked; two files that say the same are equal, wherever they say it.

    `assumptions` are sentences about what is no cost and was not published, for the record of every run.
    """

    schema: Literal["aimcsim-chip/1"]
    name: str
    description: str = ""
    suspicious: Literal["refuse", "allow"] = "refuse"
    assumptions: tuple[str, ...] = ()
    clocks: Mapping[str, Clock]
    system: System = System()
    network: Network
    host: Host
    memory: Memory
    numbers: Numbers
    tile: Tile
    tables: Mapping[TableName, StageTable]
    costs: Mapping[str, Cost]
    where: Annotated[Where, not_read] = field(default=Where(""), compare=False, repr=False)

    def clock_of(self, resource: str | None) -> str | None:
        """Return the name of the clock that a stage's resource runs on; None if it has none."""
        role, _, port = (resource or "").partition(".")
        if port:
            return self.tile.buffers[self.buffer_of(role)].clock
        if role in self.tile.units:
            return self.tile.units[role].clock
        return {
            "crossbar": self.tile.array_clock,
            "adc_bank": self.tile.array_clock,
            "network": self.network.clock,
        }.get(role)

    def buffer_of(self, role: str) -> str:
        """Return the buffer that plays `role` (`input_buffer` or `output_buffer`); any other name is its own."""
        return {"input_buffer": self.tile.input_buffer, "output_buffer": self.tile.output_buffer}.get(role, role)

    def action_key(self, action: str) -> tuple[str, str]:
        """Return (component, action) of ``component.action`` as stages write it, with roles replaced by buffers."""
        component, _, act = action.partition(".")
        return self.buffer_of(component), act

    def action_cost(self, action: str) -> ActionCost:
        """Return the cost of ``component.action`` as stages write it."""
        component, act = self.action_key(action)
        return self.costs[component].actions[act]

    @property
    def slices(self) -> int:
        """Columns (pairs, if differential) that one weight is cut into; a pair stores a magnitude without its sign."""
        crossbar = self.tile.crossbar
        stored = self.numbers.weight_bits - (crossbar.cells == "differential")
        return -(-stored // crossbar.cell_bits)

    @property
    def cells_per_weight(self) -> int:
        """Columns that one weight takes."""
        return self.slices * (2 if self.tile.crossbar.cells == "differential" else 1)

    @property
    def weights_per_row(self) -> int:
        """Weights that one row of a crossbar holds."""
        return self.tile.crossbar.cols // self.cells_per_weight

    @property
    def polarities(self) -> int:
        """Passes that one input takes for its sign."""
        return 2 if self.tile.inputs.sign == "two_pass" else 1

    @property
    def input_phases(self) -> int:
        """Reads of one pass: 1 for a pulse, else those of the magnitude, and one of a sign bit that is driven."""
        inputs = self.tile.inputs
        if inputs.encoding == "pulse_width":
            return 1
        magnitude = -(-(self.numbers.input_bits - 1) // inputs.bits_per_phase)
        return magnitude + (inputs.sign == "twos_complement")

    def instances(self, per: InstancesPer) -> int:
        """Return how many of something all chips have; a link is one direction between two neighbouring routers."""
        tile, (columns, rows), chips = self.tile, self.network.routers, self.system.chips_per_package
        crossbars = chips * tile.count * tile.crossbars
        banks = crossbars // tile.adc.crossbars
        counts: dict[InstancesPer, int] = {
            "chip": chips,
            "chip_link": 2 * (chips - 1),
            "tile": chips * tile.count,
            "buffer": chips * tile.count,
            "crossbar": crossbars,
            "bank": banks,
            "converter": banks * tile.adc.converters,
            "row": crossbars * tile.crossbar.rows,
            "column": crossbars * tile.crossbar.cols,
            "router": chips * columns * rows,
            "link": chips * 2 * ((columns - 1) * rows + columns * (rows - 1)),
        }
        return counts[per]

    @property
    def area_m2(self) -> Fraction:
        """Area of all components that state one."""
        return sum((cost.area_m2 * self.instances(cost.instances_per) for cost in self.costs.values()), Fraction(0))

    @property
    def static_power_w(self) -> Fraction:
        """Power that the chips draw whether or not it works."""
        costs = self.costs.values()
        return sum((cost.static_power_w * self.instances(cost.instances_per) for cost in costs), Fraction(0))

    def assumed(self) -> tuple[str, ...]:
        """Return what a run lists among its assumptions: the file's own, then assumed costs with the reason."""
        found = list(self.assumptions)
        for component, cost in self.costs.items():
            if not self.instances(cost.instances_per):
                continue
            if cost.grade == "assumed" and (cost.area_m2 or cost.static_power_w):
                found.append(f"costs.{component}: {cost.source.how}")
            for name, action in cost.actions.items():
                if action.grade == "assumed":
                    found.append(f"costs.{component}.actions.{name}: {action.source.how}")
        return tuple(found)
