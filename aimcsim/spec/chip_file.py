"""The chip file as frozen dataclasses: what a chip is made of, how its stages follow each other, what they cost.

Attribute names are the file's field names plus the unit of what they hold: `size: 64 KiB` is read as `size_bytes`. What
stands below an attribute is what `json_schema` and the reference page say about the field.
Nothing here reads files or checks how fields fit together; see `loader` and `checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Annotated, Literal

from aimcsim.costs import ActionCost, InstancesPer
from aimcsim.errors import Problem, ProblemKind
from aimcsim.located import Position
from aimcsim.spec.cost_entries import Cost
from aimcsim.spec.fields import (
    AdcBits,
    AdcStep,
    BandwidthBytesPerS,
    BufferFlits,
    CellBits,
    Columns,
    ConductanceSiemens,
    Decibels,
    Flag,
    FrequencyHz,
    NotNegative,
    Number,
    OptionalName,
    OutputBits,
    Parameter,
    Part,
    PartialSumBits,
    PhaseBits,
    Positive,
    Rows,
    Section,
    SignedBits,
    SizeBytes,
    TimePs,
    VirtualChannels,
    VoltageV,
    not_read,
)
from aimcsim.spec.stage_table import StageTable, TableName

SCHEMA = "aimcsim-chip/1"


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
    """A clock; all clocks have an edge at time 0."""

    frequency_hz: FrequencyHz
    """At most 1 THz, its period in ps a fraction of integers below 2^63; edge *n* falls at *n* periods, rounded down to
    a picosecond."""
    crossing: NotNegative = 0
    """Cycles of this clock that data pay when they enter it from another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel(Section):
    """A pipe off the chip: a transfer takes the latency plus its bytes over the bandwidth."""

    bandwidth_bytes_per_s: BandwidthBytesPerS
    """Bytes that pass in a second."""
    latency_ps: TimePs
    """Time that each transfer takes beside that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System(Section):
    """How many chips there are, and what joins one to the next. Links between packages are not simulated.

    The chips are equal and stand in a row; `chip_link` is one direction between two neighbours. Host and memory are
    joined to the first.
    """

    packages: Positive = 1
    """Packages."""
    chips_per_package: Positive = 1
    """Chips in each."""
    chip_link: Channel | None = None
    """One direction between two neighbours; a chip file without it has no second chip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network(Section):
    """The on-chip network: routers with tiles at each."""

    model: Literal["packet", "flit", "ideal"] = "packet"
    """`flit`: routers with virtual channels and credits, cycle by cycle; `packet`: links are shared and waited for;
    `ideal`: the latency of `packet`, no contention.
    """
    topology: Literal["mesh", "torus", "ring", "bus", "crossbar"] = "mesh"
    """What joins the tiles. A `torus` or `ring` needs the model `flit` or circuits; a `bus` is one link for all tiles,
    a `crossbar` has one from and one to each, and both need the model `packet` or `ideal`. All but a `mesh` need one
    chip.
    """
    switching: Literal["packet", "circuit"] = "packet"
    """`circuit`: a packet takes all links of its way at once, until it is over, as on a bus or crossbar in any case;
    `packet`: one after the other.
    """
    setup_cycles: NotNegative = 1
    """Cycles that a circuit is kept before the head of its packet goes: set-up, or arbitration of a bus or crossbar."""
    routers: tuple[Positive, Positive]
    """Columns and rows of the routers, or, on a bus or crossbar, of where tiles stand; a ring has one row."""
    tiles_per_router: Positive = 1
    """Tiles at each router."""
    clock: str
    """Clock of routers and links."""
    width_bits: Positive
    """Bits of one flit; a link passes one flit a cycle."""
    router_cycles: NotNegative
    """Cycles of a packet's head through a router or crossbar; in the model `flit`, `pipeline` says it."""
    link_cycles: NotNegative
    """Cycles of a packet's head over a link."""
    packet_slots: Positive = 8
    """Packets that one tile may have under way."""
    packet_overhead_bits: NotNegative = 0
    """Header of a packet, carried beside its payload."""
    hold_cycles: Positive | None = None
    """Cycles that a packet takes to pass a link, whatever its size, as pulses do side by side; left out: one a flit."""
    virtual_channels: VirtualChannels = 2
    """Of each port of a router; model `flit`. A torus or ring needs 2."""
    buffer_flits: BufferFlits = 8
    """Flits that the buffer of a virtual channel holds; model `flit`."""
    pipeline: Literal["fast", "default"] = "fast"
    """`fast`: 2 cycles a router, with look-ahead routes and speculative requests; `default`: 4; model `flit`."""
    multicast: Literal["copies", "tree"] = "copies"
    """`copies`: every layer that needs a tensor is sent it by itself; `tree`: every tile that needs it is sent it once,
    by the last such tile on the way.
    """
    reduction: Literal["star", "tree"] = "star"
    """Where the partial sums of a layer on several tiles are added. `star`: where the outputs come about; `tree`: also
    on the way there, at tiles that have partial sums of the same outputs.
    """

    @property
    def switched(self) -> bool:
        """Whether there is no mesh of routers but one bus or crossbar."""
        return self.topology in ("bus", "crossbar")

    @property
    def circuits(self) -> bool:
        """Whether a packet takes all links of its way at once."""
        return self.switching == "circuit" or self.switched


@dataclass(frozen=True, slots=True, kw_only=True)
class Host(Section):
    """The link that requests come in by and results leave by."""

    link: Channel
    """Its bandwidth and latency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Section):
    """Off-chip memory that weights are programmed from."""

    channel: Channel
    """Its bandwidth and latency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers(Section):
    """Widths of numbers: weights, activations at the row drivers and in the buffers, partial sums that travel."""

    weight_bits: SignedBits
    """Bits of a weight, sign included."""
    input_bits: SignedBits
    """Bits of an input at the row drivers, sign included."""
    partial_sum_bits: PartialSumBits
    """Bits of a partial sum that travels to another tile."""
    output_bits: OutputBits
    """Bits of a result in the buffers and on the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossbar(Section):
    """One array of cells. `flip` saves a converter bit."""

    rows: Rows
    """Rows, each driven by one input."""
    cols: Columns
    """Columns, each read as one sum."""
    cell_bits: CellBits
    """Bits of one cell; wider weights are cut into slices."""
    cells: Literal["differential", "offset"]
    """`differential`: a pair of columns a slice; `offset`: one column."""
    flip: Flag = False
    """Store a column inverted where that halves its largest sum; `offset` cells only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs(Section):
    """How inputs and their sign are driven."""

    encoding: Literal["bit_serial", "pulse_width"]
    """`bit_serial`: phase after phase; `pulse_width`: one pulse whose length is the value."""
    sign: Literal["twos_complement", "two_pass", "bipolar"]
    """`twos_complement`: a phase for the sign bit; `two_pass`: positive inputs, then negative ones; `bipolar`:
    drivers of both signs.
    """
    bits_per_phase: PhaseBits = 1
    """Bits that one phase drives; of `pulse_width` inputs, the most that one train of pulses carries, where stages
    count trains and their steps.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Adc(Section):
    """A bank of converters that serves consecutive crossbars; here a `step` of 0 stands for `auto`."""

    bits: AdcBits
    """Resolution."""
    converters: Positive
    """Converters of one bank; they divide its columns."""
    crossbars: Positive = 1
    """Consecutive crossbars that share a bank; they divide those of a tile."""
    step: AdcStep = 0
    """Unit-cell currents that one code stands for; `auto`: the least with which the largest sum fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analog(Section):
    """How arrays err beside rounding, for the values of `--analog analog`. What is left out does not err.

    Errors of drivers belong to a row of a crossbar, those of converters to a converter of a bank: column c of a bank to
    converter c modulo their number. No time and no energy depends on it.
    """

    device: str = "ideal"
    """What every cell is, by the name of a device model, such as `pcm`, `rram_wan` or `generic`."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """Parameters of the device model that differ from its source."""
    weight_scale: Literal["column", "tensor"] = "column"
    """Which weights the largest one takes the largest integer of: those of its output (`column`) or all (`tensor`)."""
    on_off_ratio: Number | None = None
    """Largest conductance over that of digit 0; without it, digit 0 does not conduct."""
    stuck_on: Part = 0.0
    """Part of the cells that stand at the largest conductance, whatever was written."""
    stuck_off: Part = 0.0
    """Part of the cells that stand at the least conductance."""
    current_voltage: Literal["linear", "cubic", "milo"] = "linear"
    """Current of a cell of conductance g at voltage V: g V; g (V - V^3 / 4); or that of HfO2 cells after Milo et al."""
    read_voltage_v: VoltageV = Fraction(1, 10)
    """Voltage of a row that is driven with the largest level, or with any pulse; matters to cells that are not linear.
    """
    largest_conductance_siemens: ConductanceSiemens = Fraction(25, 10**6)
    """Of a cell; matters to cells that are not linear."""
    input_range: Literal["abs_max", "percentile", "fixed", "calibrated"] = "abs_max"
    """What the largest level of an input stands for; larger inputs are clipped. `abs_max`: the largest magnitude of the
    vector; `percentile`: `input_percentile` of its magnitudes; `fixed`: `input_scale`; `calibrated`: what a
    calibration found for the layer.
    """
    input_percentile: Part = 1.0
    """Below 1: the quantile of a vector at either end, whichever is larger."""
    input_scale: Number | None = None
    """Needed with the range `fixed`."""
    driver_gain_sigma: Part = 0.0
    """Spread of the gain of row drivers around 1."""
    driver_noise_sigma: Part = 0.0
    """Noise of row drivers in every phase, as a part of the largest level."""
    driver_asymmetry: Part = 0.0
    """What `bipolar` drivers fall short of negative levels by, as a part of them."""
    column_limit: Number | None = None
    """Largest current of a column, in currents of one cell of the largest conductance whose row is driven with the
    largest level; left out: any.
    """
    adc_kind: Literal["uniform", "sar", "ramp", "pipeline", "cyclic", "oscillator", "ideal"] = "uniform"
    """What the converters are: equal levels, one of five circuits, or none at all, so that sums are passed on."""
    adc_rounding: Literal["half_up", "half_even", "floor"] = "half_up"
    """What `uniform` converters do between two codes."""
    adc_range: Literal["step", "maximum", "granular", "calibrated"] = "step"
    """Which sums the codes of converters cover. `step`: as many of `tile.adc.step` as there are codes; `maximum`: up to
    the largest sum of a full array; `granular`: one code for a unit cell; `calibrated`: what a calibration found for
    the layer.
    """
    adc_offset_sigma: Part = 0.0
    """Spread of the offset of converters, as a part of their range."""
    adc_gain_sigma: Part = 0.0
    """Spread of the gain of converters around 1."""
    adc_gain_db: Decibels = 100.0
    """Open-loop gain of the amplifiers of a circuit."""
    adc_capacitor_sigma: Part = 0.0
    """`sar`, `ramp`: spread of the unit capacitor, as a part of it."""
    adc_comparator_sigma: Part = 0.0
    """Of circuits: spread of the offset of comparators, as a part of half the range."""
    adc_c1_sigma: Part = 0.0
    """`pipeline`, `cyclic`: spread of the first capacitor of a stage, as a part of it."""
    adc_c2_sigma: Part = 0.0
    """Of the second one."""
    adc_parasitic_sigma: Part = 0.0
    """Of the parasitic one, as a part of the first."""
    adc_split_capacitors: Flag = True
    """`sar`: the array of capacitors is split in two by a bridge."""
    row_wire: Number = 0.0
    """Resistance of a row from one cell to the next, in resistances of a cell of the largest conductance."""
    column_wire: Number = 0.0
    """Resistance of a column from one cell to the next, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer(Section):
    """On-chip memory of one tile."""

    size_bytes: SizeBytes
    """What it holds."""
    clock: str
    """Clock of its ports."""
    read_ports: Positive = 1
    """Reads at a time."""
    write_ports: Positive = 1
    """Writes at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit(Section):
    """A digital resource that stages may book."""

    per: Literal["layer", "tile"]
    """`tile`: one, shared by the tile's layers; `layer`: one for each."""
    clock: str
    """Its clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot(Section):
    """Counted storage between stages."""

    count: Positive
    """Places."""
    per: Literal["layer", "tile"] = "layer"
    """`tile`: shared by the tile's layers; `layer`: for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile(Section):
    """One network endpoint with its crossbars, converters, buffers and digital units."""

    count: Positive
    """Tiles of the chip: columns x rows x `tiles_per_router` of the network."""
    crossbars: Positive
    """Crossbars of one tile."""
    crossbar: Crossbar
    """What each crossbar is."""
    arrays: Literal["own", "one"] = "own"
    """`own`: every crossbar computes by itself; `one`: crossbars are blocks of weights that take turns in one array."""
    inputs: Inputs
    """How its rows are driven."""
    adc: Adc
    """What converts its columns."""
    analog: Analog = Analog()
    """How cells, drivers, lines and converters err."""
    buffers: Mapping[str, Buffer]
    """Memories of one tile, by name."""
    input_buffer: str
    """Buffer that inputs are fetched from."""
    output_buffer: str
    """Buffer that results are written to; may be the same."""
    policy: Literal["quota", "pool"] = "quota"
    """`quota`: every edge between layers owns a share of its buffer; `pool`: all take from one pool, which can
    deadlock.
    """
    units: Mapping[str, Unit] = field(default_factory=dict)
    """Digital resources that stages may book, by name."""
    slots: Mapping[str, Slot] = field(default_factory=dict)
    """Counted storage between stages, by name."""
    array_clock: OptionalName = None
    """Clock of crossbars and converters; without one they start at any picosecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control(Section):
    """What is decided for the chip as a whole: when layers begin, and where digital work is done."""

    layers: Literal["overlap", "serial"] = "overlap"
    """`overlap`: a layer on crossbars begins with the first vectors that it needs; `serial`: when all that it needs of
    the layers before it is there.
    """
    digital: Literal["home", "hub"] = "home"
    """`home`: partial sums are added and digital layers computed beside the crossbars whose results they take; `hub`:
    on tile 0, which stands for digital units apart from all crossbars.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipFile(Section):
    """A whole chip file, checked; two files that say the same are equal, wherever they say it."""

    schema: Literal["aimcsim-chip/1"]
    """Version of the format."""
    name: str
    """What runs call the chip."""
    description: str = ""
    """One line on what it is."""
    suspicious: Literal["refuse", "allow"] = "refuse"
    """Whether a magnitude out of all proportion is refused."""
    assumptions: tuple[str, ...] = ()
    """Sentences about what is no cost and was not published; every run lists them."""
    clocks: Mapping[str, Clock]
    """Clocks by name. A frequency alone stands for a clock without crossing."""
    system: System = System()
    """What surrounds the chip."""
    network: Network
    """What joins the tiles."""
    host: Host
    """Where requests come from and results go to."""
    memory: Memory
    """Where weights come from."""
    numbers: Numbers
    """Widths of numbers."""
    tile: Tile
    """What every tile has."""
    control: Control = Control()
    """When layers begin, and where digital work is done."""
    tables: Mapping[TableName, StageTable]
    """How each kind of op runs; `depthwise` only where depthwise convolutions run on a digital engine."""
    costs: Mapping[str, Cost]
    """Area, power and energy by component: of the crossbars, of a buffer by its own name, or of any component that
    stages name.
    """
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
    def pulse_trains(self) -> tuple[int, ...]:
        """Bits of the magnitude of an input that each train of pulses carries: as even as can be, the larger first."""
        magnitude = self.numbers.input_bits - 1
        count = -(-magnitude // self.tile.inputs.bits_per_phase)
        return tuple((magnitude + count - 1 - train) // count for train in range(count))

    @property
    def converter_amounts(self) -> dict[str, int]:
        """Quantities of inputs that are trains of pulses and of converters that take a bit at a time.

        A train of p bits has 2^p - 1 steps. After it the converter has all its bits to find, less those that the trains
        before have settled.
        """
        trains = self.pulse_trains
        settled = [sum(trains[:train]) for train in range(len(trains))]
        return {
            "magnitude_bits": sum(trains),
            "pulse_phases": len(trains),
            "pulse_steps": sum(2**bits - 1 for bits in trains),
            "conversion_steps": sum(max(self.tile.adc.bits - bits, 1) for bits in settled),
        }

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
            "router": chips * (1 if self.network.switched else columns * rows),
            "link": chips * self._links(columns, rows),
        }
        return counts[per]

    def _links(self, columns: int, rows: int) -> int:
        """Return the links between routers of one chip, one for each direction; or those of its bus or crossbar."""
        if self.network.switched:
            return 1 if self.network.topology == "bus" else 2 * self.tile.count
        if self.network.topology == "mesh":
            return 2 * ((columns - 1) * rows + columns * (rows - 1))
        return 2 * columns * rows * ((columns > 1) + (rows > 1))

    @property
    def chip_link_cycles(self) -> tuple[int, int]:
        """Cycles of the network that a flit is between two chips at least, and from one flit to the next there."""
        link, frequency = self.system.chip_link, self.clocks[self.network.clock].frequency_hz
        if link is None or not link.bandwidth_bytes_per_s:
            return 1, 1
        latency = Fraction(link.latency_ps, 10**12) * frequency
        flit = Fraction(self.network.width_bits, 8) / link.bandwidth_bytes_per_s * frequency
        return max(1, ceil(latency)), max(1, ceil(flit))

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
