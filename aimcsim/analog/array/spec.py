"""What an analog array is, as far as it decides values: cells, drivers, column readout, converters, devices.

Every part is a frozen dataclass that checks itself; `AnalogSpec` puts them together. A figure that is off by default
has the value that does nothing. Units throughout: conductances in parts of the largest one, voltages in parts of the
full read voltage, currents in what the two give.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from aimcsim.analog.array.checks import check_choices, check_number, refuse
from aimcsim.analog.array.converter_spec import ConverterSpec
from aimcsim.analog.array.periphery_spec import PeripherySpec
from aimcsim.analog.devices import DeviceModel, Ideal, device
from aimcsim.analog.wires import WireSpec

Pairing = Literal["one_sided", "two_sided", "offset"]
OffsetRemoval = Literal["digital", "zero_column", "unit_column"]
WeightScale = Literal["tensor", "column"]
WeightsBeyond = Literal["clip", "extend"]
Encoding = Literal["level", "bit_serial", "pulse_width"]
InputSign = Literal["bipolar", "offset", "two_phase", "twos_complement", "unsigned"]
InputRange = Literal["fixed", "abs_max", "max", "positive_max", "no_clip", "percentile"]
BoundManagement = Literal["none", "iterative", "iterative_together", "worst_case"]
Where = Literal["analog", "digital"]
Split = Literal["equal", "full", "rounded"]
Precision = Literal["float32", "float64"]
PairState = Literal["kept", "collapsed"]
CurrentVoltage = Literal["linear", "cubic", "milo"]
ReadNoise = Literal["lumped", "sampled"]

_SIGNS: dict[Encoding, tuple[InputSign, ...]] = {
    "level": ("bipolar", "offset", "two_phase", "unsigned"),
    "pulse_width": ("bipolar", "two_phase", "unsigned"),
    "bit_serial": ("bipolar", "two_phase", "twos_complement", "unsigned"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSpec:
    """How a weight stands in cells.

    Attributes
    ----------
    pairing : str
        `one_sided`: its magnitude in one cell of a pair, the other one at the least conductance. `two_sided`:
        (1 + w) / 2 and (1 - w) / 2. `offset`: (1 + w) / 2 in a single cell, the half taken off again.
    offset_removal : str
        `digital`: by the exact sum of the inputs. `zero_column`: by a column that holds weight zero, converted like the
        others. `unit_column`: by the sum of the inputs as a column of unit cells gives it.
    flip : bool
        `offset`: a column that would hold more than half of what it could holds the complement. [ISAAC16] section V
    interleaved : bool
        Both cells of a pair stand on one output line, one driven positive and one negative.
    pair_state : str
        `kept`: both cells of a pair keep what they were programmed to, as on a chip. `collapsed`: their difference is
        split into a pair again, one cell of it at exactly 0, as aihwkit does; see `aimcsim.analog.devices.collapse`.
    slices : int
        Digits that an integer weight is cut into, each in cells (and converters) of its own.
    weight_bits : int
        Bits of an integer weight, sign included; 0 for real weights, which have one slice.
    bits_per_slice : int
        0: weight_bits / slices where that is whole, else as many as the magnitude (with an offset, the weight) needs.
    cell_bits : int
        A cell can be programmed to 2^cell_bits conductances at equal distances; 0 for any.
    on_off_ratio : float
        Largest conductance over least.
    weight_scale : str
        `tensor`: one scale for the matrix. `column`: one for every output.
    weight_range : (low, high) or None
        Weights that the scale covers; None takes `weight_percentile` of the matrix.
    weight_percentile : float
        1 or more: that many times the largest magnitude; less: the quantile at either end, the larger one.
    beyond : str
        Weights beyond the range are cut off (`clip`), or (`extend`) get conductances beyond the largest.
    stuck_on, stuck_off : float
        Parts of the cells that stand at the largest or least conductance whatever was written; drawn once.
    """

    pairing: Pairing = "one_sided"
    offset_removal: OffsetRemoval = "digital"
    flip: bool = False
    interleaved: bool = False
    pair_state: PairState = "kept"
    slices: int = 1
    weight_bits: int = 0
    bits_per_slice: int = 0
    cell_bits: int = 0
    on_off_ratio: float = math.inf
    weight_scale: WeightScale = "tensor"
    weight_range: tuple[float, float] | None = None
    weight_percentile: float = 1.0
    beyond: WeightsBeyond = "clip"
    stuck_on: float = 0.0
    stuck_off: float = 0.0

    def __post_init__(self) -> None:
        check_choices(self)
        check_number(self, "slices", 1, 16)
        check_number(self, "weight_bits", 0, 16)
        check_number(self, "bits_per_slice", 0, 16)
        check_number(self, "cell_bits", 0, 16)
        check_number(self, "on_off_ratio", 1.0 + 1e-9, math.inf)
        check_number(self, "weight_percentile", 0.5, 1e6)
        check_number(self, "stuck_on", 0.0, 1.0)
        check_number(self, "stuck_off", 0.0, 1.0 - self.stuck_on)
        self._check_together()
        self._check_pair_state()

    def _check_together(self) -> None:
        limits = self.weight_range
        if limits is not None and not (math.isfinite(limits[0] + limits[1]) and limits[0] < limits[1] > 0):
            raise refuse(self, "weight_range", "two finite numbers, the lower one first and the upper one above 0")
        if self.weight_bits == 1 or (self.slices > 1 and not self.weight_bits):
            raise refuse(self, "weight_bits", "2 to 16 where weights are cut into slices")
        if self.weight_bits and self.slices * self.digit_bits < self.weight_bits - self.is_pair:
            raise refuse(self, "bits_per_slice", f"enough for the {self.weight_bits} bits of a weight")
        if self.pairing != "offset" and (self.offset_removal != "digital" or self.flip):
            raise refuse(self, "pairing", "offset where an offset is removed or columns are flipped")
        if self.pairing == "offset" and self.cell_bits == 1 and not self.weight_bits:
            raise refuse(self, "cell_bits", "0 or at least 2 where the lowest conductance of offset cells is left out")
        if self.flip and (self.offset_removal == "zero_column" or not self.weight_bits):
            raise refuse(self, "flip", "False with a zero column and with real weights")
        if self.pairing == "two_sided" and self.weight_bits:
            raise refuse(self, "pairing", "one_sided or offset with integer weights")
        if self.interleaved and not self.is_pair:
            raise refuse(self, "interleaved", "False without pairs")
        if self.weight_scale == "column" and self.weight_range is not None:
            raise refuse(self, "weight_range", "None with a scale for every column")

    def _check_pair_state(self) -> None:
        whole = self.pairing == "one_sided" and not self.weight_bits and math.isinf(self.on_off_ratio)
        if self.pair_state == "collapsed" and not whole:
            raise refuse(self, "pair_state", "kept but for one-sided pairs of real weights without a least conductance")

    @property
    def is_pair(self) -> bool:
        """Whether a weight is the difference of two cells."""
        return self.pairing != "offset"

    @property
    def extra_columns(self) -> int:
        """Columns of an array that hold no weights; they come first."""
        return int(self.offset_removal != "digital")

    @property
    def least_conductance(self) -> float:
        """Least conductance of a cell, as a part of the largest."""
        return 1.0 / self.on_off_ratio

    @property
    def digit_bits(self) -> int:
        """Bits of one slice."""
        if self.bits_per_slice:
            return self.bits_per_slice
        if self.slices > 1 and self.weight_bits % self.slices == 0:
            return self.weight_bits // self.slices
        return -(-(self.weight_bits - self.is_pair) // self.slices)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """How a vector reaches the rows.

    Attributes
    ----------
    bits : int
        Bits of an input, sign included unless it is `unsigned`; 0 for inputs of any value.
    step : float
        In place of `bits`: levels are the multiples of this part of the input scale, rounded before they are clipped.
    encoding : str
        `level`: one voltage. `pulse_width`: one voltage, for a time. `bit_serial`: digits of `bits_per_phase` bits,
        least significant first, one read each.
    sign : str
        `bipolar`: positive and negative voltages at once, 2^bits - 1 levels. `offset`: 2^bits levels from end to end.
        `two_phase`: positive inputs, then negative ones. `twos_complement`: the sign bit in a read of its own.
        `unsigned`: 2^bits levels from 0.
    range : str
        What the input scale of a vector is: `fixed`: `scale`. `abs_max`, `max`: its largest magnitude, its largest
        value, but `scale` at most if that is not 0; without a positive value, 1. `positive_max`: as `max`, and a vector
        without a positive value drives nothing. `no_clip`: as `abs_max`, or more where outputs could clip with weights
        of 0.6. `percentile`: `percentile` of its magnitudes.
    limit : float
        Largest magnitude that is driven, in input scales, where `bits` do not say it; larger inputs are clipped.
    asymmetry : float
        Negative inputs are multiplied by 1 minus this.
    noise_sigma : float
        Gaussian noise of every driven level; not with `bit_serial`.
    bound_management : str
        `iterative`: a vector whose outputs clip is read again with twice the input scale, and again. `worst_case`:
        first with the input scale at which weights of 0.6 cannot clip. `iterative_together`: the whole batch is read
        again when one of its vectors clips, as aihwkit's torch tile does; the only setting with which results depend on
        the batch.
    most_passes_factor : float
        The input scale is never multiplied by more than twice this.
    coarsest_step : float
        No pass follows once a level is more than this part of the largest input.
    """

    bits: int = 0
    step: float = 0.0
    encoding: Encoding = "level"
    sign: InputSign = "bipolar"
    bits_per_phase: int = 1
    range: InputRange = "fixed"
    scale: float = 1.0
    percentile: float = 1.0
    limit: float = math.inf
    asymmetry: float = 0.0
    noise_sigma: float = 0.0
    bound_management: BoundManagement = "none"
    most_passes_factor: float = 1000.0
    coarsest_step: float = 0.25

    def __post_init__(self) -> None:
        check_choices(self)
        check_number(self, "bits", 0, 16)
        check_number(self, "step", 0.0, 1e12)
        check_number(self, "bits_per_phase", 1, 15)
        check_number(self, "scale", 0.0, 1e30)
        check_number(self, "percentile", 1e-6, 1e6)
        check_number(self, "limit", 1e-12, math.inf)
        check_number(self, "asymmetry", -1.0, 1.0)
        check_number(self, "noise_sigma", 0.0, 1e6)
        check_number(self, "most_passes_factor", 1.0, 1e9)
        check_number(self, "coarsest_step", 1e-9, 1e9)
        self._check_together()

    def _check_together(self) -> None:
        if self.sign not in _SIGNS[self.encoding]:
            raise refuse(self, "sign", f"{' or '.join(_SIGNS[self.encoding])} with {self.encoding}")
        if self.noise_sigma and self.encoding == "bit_serial":
            raise refuse(self, "noise_sigma", "0 where inputs are driven bit by bit")
        if self.bits and self.step:
            raise refuse(self, "step", "0 where `bits` say what the levels are")
        if self.encoding == "bit_serial" and self.bits < 1 + self.is_signed:
            raise refuse(self, "bits", "at least 2 (unsigned: 1) where inputs are driven bit by bit")
        if self.bits == 1 and self.is_signed and self.sign != "offset":
            raise refuse(self, "bits", "at least 2 with a sign")
        if self.range == "fixed" and not self.scale:
            raise refuse(self, "scale", "above 0 where it is the range")

    @property
    def is_signed(self) -> bool:
        """Whether negative inputs can be driven."""
        return self.sign != "unsigned"

    @property
    def magnitude_bits(self) -> int:
        """Bits of an input without its sign."""
        return self.bits - self.is_signed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadoutSpec:
    """What happens to column currents on their way to the converters.

    Attributes
    ----------
    column_limit : float
        Largest current of a column; 0 for any. The lines of a pair are limited apart, unless they are one.
    subtraction : str
        Whether the lines of a pair are subtracted before (`analog`) or after conversion.
    accumulation : str
        Whether the reads of one vector are put together before (`analog`: charge on a capacitor) or after conversion.
    read_noise : str
        `lumped`: the noise of all cells of a column as one number, which has the same distribution where no cell is
        read as less than 0 and wires are ideal. `sampled`: cell by cell, which takes as many numbers as there are
        cells.
    gain : float
        Digital factor of all outputs.
    """

    column_limit: float = 0.0
    subtraction: Where = "analog"
    accumulation: Where = "digital"
    read_noise: ReadNoise = "lumped"
    gain: float = 1.0

    def __post_init__(self) -> None:
        check_choices(self)
        check_number(self, "column_limit", 0.0, math.inf)
        check_number(self, "gain", -1e12, 1e12)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogSpec:
    """An analog array with everything that decides what it computes; the default computes the exact product.

    Attributes
    ----------
    cells, inputs, readout, converter, periphery
        The parts, each with a spec of its own.
    rows, cols : int
        Most inputs and outputs of one array; a larger matrix stands in several, whose outputs are added digitally, in
        the order of their rows. 0 for any number.
    split : str
        `equal`: arrays of nearly the same size. `full`: as large as they can be, but the last. `rounded`: as CrossSim,
        of the rounded mean size, with what is left in the last, which may hold more than `rows` or `cols`.
    wires : WireSpec or None
        Resistance of the lines; None for none. Every slice, and the two lines of a pair unless they are interleaved,
        stand in arrays of their own.
    device : DeviceModel or str
        The device model, or its name, see `aimcsim.analog.devices`; `ideal` holds what is written for ever.
    largest_conductance_s : float
        Of a cell, in siemens; matters to wires and to cells that are not linear.
    current_voltage : str
        Current of a cell at voltage v, in volts: `linear` g v; `cubic` g (v - v^3 / 4); `milo`: [Milo21].
    read_voltage_v : float
        Voltage of an input of 1; matters to cells that are not linear.
    precision : str
        Of currents: `float32`, or `float64` for comparisons with exact solutions, which is slower.

    Raises
    ------
    ConfigError    If a figure is out of range or two of them exclude each other.
    """

    cells: CellSpec = field(default_factory=CellSpec)
    inputs: InputSpec = field(default_factory=InputSpec)
    readout: ReadoutSpec = field(default_factory=ReadoutSpec)
    converter: ConverterSpec = field(default_factory=ConverterSpec)
    periphery: PeripherySpec = field(default_factory=PeripherySpec)
    rows: int = 0
    cols: int = 0
    split: Split = "equal"
    wires: WireSpec | None = None
    device: DeviceModel | str = field(default_factory=Ideal)
    largest_conductance_s: float = 25e-6
    current_voltage: CurrentVoltage = "linear"
    read_voltage_v: float = 0.1
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_choices(self)
        check_number(self, "rows", 0, 65535)
        check_number(self, "cols", 0, 1 << 20)
        check_number(self, "largest_conductance_s", 1e-12, 1.0)
        check_number(self, "read_voltage_v", 1e-6, 10.0)
        if isinstance(self.device, str):
            object.__setattr__(self, "device", device(self.device))
        if not isinstance(self.device, DeviceModel):
            raise refuse(self, "device", "a device model or the name of one")
        if not isinstance(self.wires, WireSpec | None):
            raise refuse(self, "wires", "a WireSpec or None")
        parts = {"cells": CellSpec, "inputs": InputSpec, "readout": ReadoutSpec, "converter": ConverterSpec}
        for name, kind in (*parts.items(), ("periphery", PeripherySpec)):
            if not isinstance(getattr(self, name), kind):
                raise refuse(self, name, f"a {kind.__name__}")
        self._check_together()

    def _check_together(self) -> None:
        bounds = self.converter.range.bounds
        if len(bounds) not in (0, 1, self.cells.slices):
            raise refuse(self.converter.range, "bounds", f"1 pair or {self.cells.slices}, one for every slice")
        if self.converter.range.kind == "granular" and not self.cells.weight_bits:
            raise refuse(self.converter.range, "kind", "maximum or fixed with real weights")
        if self.cells.pair_state == "collapsed" and not self.model.restatable:
            raise refuse(self.cells, "pair_state", f"kept with {self.model.name}")
        joined = self.readout.subtraction == "analog" or self.cells.interleaved
        if self.has_periphery and not (self.cells.is_pair and joined and not self.cells.weight_bits):
            raise refuse(
                self, "periphery", "without effect but for real weights in pairs that are subtracted as currents"
            )
        if self.current_voltage != "linear" and self.wires is not None and self.inputs.encoding == "pulse_width":
            raise refuse(self, "current_voltage", "linear with wires and pulses, whose overlap would decide the drops")
        if self.wires is not None and self.wires.pairs == "interleaved" and not self.cells.interleaved:
            raise refuse(self.cells, "interleaved", "True where the wires are those of interleaved pairs")
        if self.wires is not None and self.wires.arrangement == "separate_source":
            if self.current_voltage != "linear":
                raise refuse(self, "current_voltage", "linear where inputs gate the cells")
            if self.inputs.encoding == "bit_serial" and (
                self.inputs.bits_per_phase > 1 or self.inputs.sign == "bipolar"
            ):
                raise refuse(self.inputs, "sign", "without voltages but 0 and 1 where inputs gate the cells")

    @property
    def has_periphery(self) -> bool:
        """Whether the periphery does anything."""
        return self.periphery != PeripherySpec(bound=self.periphery.bound)

    @property
    def is_random(self) -> bool:
        """Whether anything is drawn."""
        cells = self.cells.stuck_on or self.cells.stuck_off or not isinstance(self.device, Ideal)
        return bool(cells or self.inputs.noise_sigma or self.converter.is_random or self.periphery.is_random)

    @property
    def model(self) -> DeviceModel:
        """The device model."""
        assert isinstance(self.device, DeviceModel)  # made so by the constructor
        return self.device
