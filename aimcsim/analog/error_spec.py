"""What keeps the arrays of a chip from holding digits exactly, driving them evenly and converting them faithfully."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal

from aimcsim.analog.array.checks import check_choices, check_number, refuse
from aimcsim.analog.array.converter_spec import ConverterKind, ConverterSpec, Rounding
from aimcsim.analog.array.spec import AnalogSpec, CellSpec, CurrentVoltage, InputSpec
from aimcsim.analog.devices import DeviceModel, Ideal
from aimcsim.analog.spec import ArraySpec
from aimcsim.analog.wires import WireSpec
from aimcsim.errors import ConfigError

WeightScale = Literal["column", "tensor"]
ConverterRange = Literal["step", "maximum", "granular", "calibrated"]
InputRange = Literal["abs_max", "percentile", "fixed", "calibrated"]

_PARTS: Final = (
    "stuck_on",
    "stuck_off",
    "adc_offset_sigma",
    "adc_gain_sigma",
    "adc_capacitor_sigma",
    "adc_comparator_sigma",
    "adc_c1_sigma",
    "adc_c2_sigma",
    "adc_parasitic_sigma",
    "driver_gain_sigma",
    "driver_noise_sigma",
    "driver_asymmetry",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """What samples found for one layer; None where its ranges are those of the `ErrorSpec`.

    Attributes
    ----------
    inputs : float                  Largest magnitude of an input that drivers tell from a larger one.
    converters : tuple of float     Largest sum of a column that converters do, in unit cells: one for each slice of the
                                    weights, least significant first.

    Raises
    ------
    ConfigError    If a range is not positive and finite.
    """

    inputs: float | None = None
    converters: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("inputs", "converters"):
            found = getattr(self, name)
            ends = () if found is None else found if isinstance(found, tuple) else (found,)
            if found == () or not all(math.isfinite(end) and end > 0 for end in ends):
                raise refuse(self, name, "positive and finite")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSpec:
    """How the arrays that an `ArraySpec` describes err beyond rounding; the default does not err.

    Attributes
    ----------
    device : DeviceModel           What every cell is; it is programmed to its digit as a part of the largest one.
    weight_scale : str             `column`: the largest weight of every output takes the largest integer; `tensor`:
                                   that of the matrix, so that columns of small weights use little of a cell's range.
    on_off_ratio : float           Largest conductance of a cell over that of digit 0.
    stuck_on, stuck_off : float    Parts of the cells that stand at the largest or least conductance; drawn once.
    current_voltage : str          Current of a cell at a voltage: `linear`, `cubic` or `milo`; see `AnalogSpec`.
    read_voltage_v : float         Voltage of a row that is driven with the largest level, or with any pulse.
    largest_conductance_s : float  Of a cell, in siemens; matters to cells that are not linear.
    input_range : str              What the largest level stands for. `abs_max`: the largest magnitude of the vector.
                                   `percentile`: `input_percentile` of its magnitudes. `fixed`: `input_scale`.
                                   `calibrated`: what samples of the layer found. Larger inputs are clipped.
    input_percentile : float       See `InputSpec`.
    input_scale : float            See `input_range`.
    driver_gain_sigma : float      Spread of the gain of row drivers around 1; drawn once for a row of a crossbar.
    driver_noise_sigma : float     Noise of a driver, as a part of the largest level; drawn for every phase.
    driver_asymmetry : float       What drivers of both signs fall short of negative levels by, as a part of them.
    column_limit : float           Largest current of a column, in currents of a cell of the largest conductance whose
                                   row is driven with the largest level; 0 for any.
    adc_kind : str                 The circuit, as `ConverterSpec.kind`. A code counts the same current with all of
                                   them; `ideal` converters have no codes.
    adc_rounding : str             What `uniform` converters do between two codes.
    adc_range : str                Which sums they tell apart. `step`: those of codes that count `ArraySpec.step`.
                                   `maximum`: as far as the largest sum of a full array. `granular`: a code counts a
                                   unit cell. `calibrated`: what samples of the layer found.
    adc_offset_sigma : float       Spread of the offset of converters, as a part of their range; drawn once.
    adc_gain_sigma : float         Spread of their gain around 1; drawn once.
    adc_gain_db, adc_capacitor_sigma, adc_comparator_sigma, adc_c1_sigma, adc_c2_sigma, adc_parasitic_sigma,
    adc_split_capacitors
        Of the circuits; see `ConverterSpec`.
    row_wire, column_wire : float  Resistance of a piece of line from one cell to the next, in resistances of a cell
                                   of the largest conductance.

    Raises
    ------
    ConfigError    If a figure is out of range.

    Assumes: an array is as large as its block.
    """

    device: DeviceModel = field(default_factory=Ideal)
    weight_scale: WeightScale = "column"
    on_off_ratio: float = math.inf
    stuck_on: float = 0.0
    stuck_off: float = 0.0
    current_voltage: CurrentVoltage = "linear"
    read_voltage_v: float = 0.1
    largest_conductance_s: float = 25e-6
    input_range: InputRange = "abs_max"
    input_percentile: float = 1.0
    input_scale: float = 1.0
    driver_gain_sigma: float = 0.0
    driver_noise_sigma: float = 0.0
    driver_asymmetry: float = 0.0
    column_limit: float = 0.0
    adc_kind: ConverterKind = "uniform"
    adc_rounding: Rounding = "half_up"
    adc_range: ConverterRange = "step"
    adc_offset_sigma: float = 0.0
    adc_gain_sigma: float = 0.0
    adc_gain_db: float = 100.0
    adc_capacitor_sigma: float = 0.0
    adc_comparator_sigma: float = 0.0
    adc_c1_sigma: float = 0.0
    adc_c2_sigma: float = 0.0
    adc_parasitic_sigma: float = 0.0
    adc_split_capacitors: bool = True
    row_wire: float = 0.0
    column_wire: float = 0.0

    def __post_init__(self) -> None:
        check_choices(self)
        if not self.on_off_ratio > 1:
            raise ConfigError(f"on_off_ratio must be above 1 (got {self.on_off_ratio})")
        for name in _PARTS:
            check_number(self, name, 0.0, 1.0)
        if self.stuck_on + self.stuck_off > 1:
            raise ConfigError(f"stuck_on and stuck_off are more than all cells (got {self.stuck_on + self.stuck_off})")
        for name in ("row_wire", "column_wire", "column_limit"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} must be finite and not negative (got {getattr(self, name)})")
        for name in ("read_voltage_v", "largest_conductance_s", "input_percentile", "input_scale"):
            check_number(self, name, 1e-12, 1e12)
        check_number(self, "adc_gain_db", 20.0, 400.0)

    @property
    def least_conductance(self) -> float:
        """Conductance of digit 0, as a part of the largest."""
        return 1.0 / self.on_off_ratio

    @property
    def wires(self) -> WireSpec | None:
        """The lines, with a cell of the largest conductance as 1 ohm; None without resistance."""
        if not self.row_wire and not self.column_wire:
            return None
        return WireSpec(input_pitch_ohm=self.row_wire, output_pitch_ohm=self.column_wire)

    @property
    def circuit(self) -> ConverterSpec:
        """The circuit of the converters, without its resolution and range, which the chip gives, and without gain and
        offset, which all kinds have.
        """
        return ConverterSpec(
            kind=self.adc_kind,
            gain_db=self.adc_gain_db,
            capacitor_sigma=self.adc_capacitor_sigma,
            comparator_sigma=self.adc_comparator_sigma,
            c1_sigma=self.adc_c1_sigma,
            c2_sigma=self.adc_c2_sigma,
            parasitic_sigma=self.adc_parasitic_sigma,
            split_capacitors=self.adc_split_capacitors,
            group_size=1,
        )

    def inputs(self, ranges: Ranges) -> InputSpec | None:
        """Return what an input's range is for a layer; None where it is the largest magnitude of every vector."""
        if ranges.inputs is not None:
            return InputSpec(range="fixed", scale=ranges.inputs)
        if self.input_range == "percentile":
            return InputSpec(range="percentile", percentile=self.input_percentile)
        return InputSpec(range="fixed", scale=self.input_scale) if self.input_range == "fixed" else None

    @property
    def is_exact(self) -> bool:
        """Whether nothing errs, so that arrays compute in integers."""
        return self == ErrorSpec()

    def sees_one_voltage(self, spec: ArraySpec) -> bool:
        """Whether every cell has the same voltage, or none, in all reads, so that all are linear in their rows."""
        if self.wires is not None:
            return False
        if spec.encoding == "pulse_width":
            return spec.sign != "bipolar" or self.current_voltage == "cubic"  # which is as large either way
        return spec.level_max == 1 and not self.driver_gain_sigma and not self.driver_noise_sigma

    def cells(self, spec: ArraySpec) -> AnalogSpec:
        """Return cells that are not linear and their lines, one line an array, as the stand-alone arrays take them."""
        wires, ohm = self.wires, 1.0 / self.largest_conductance_s
        return AnalogSpec(
            cells=CellSpec(pairing="offset"),
            inputs=InputSpec(encoding="pulse_width" if spec.encoding == "pulse_width" else "level"),
            wires=wires and WireSpec(input_pitch_ohm=self.row_wire * ohm, output_pitch_ohm=self.column_wire * ohm),
            current_voltage=self.current_voltage,
            largest_conductance_s=self.largest_conductance_s,
            read_voltage_v=self.read_voltage_v,
        )
