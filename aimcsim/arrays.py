"""From a chip file to arrays that compute: what its crossbars are for the values, and layers programmed into them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NoReturn

import numpy as np

from aimcsim.analog import (
    CALIBRATION_VECTORS,
    ArraySpec,
    Block,
    Compensate,
    Draws,
    ErrorSpec,
    ProgrammedMatrix,
    Ranges,
    Seat,
    program_devices,
    program_matrix,
)
from aimcsim.analog.devices import DeviceModel, device
from aimcsim.analog.wires import CubicCurve, MiloCurve
from aimcsim.errors import ConfigError, InputError, ReferenceError_, UnknownFieldError
from aimcsim.mapping import LayerShare, Mapping, WeightBlock
from aimcsim.ops import MatrixKind
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Layer, Workload

if TYPE_CHECKING:
    from aimcsim.analog import DeviceArrays

ValueMode = Literal["ideal", "quantized", "analog"]
Matrices = dict[str, ProgrammedMatrix]
States = Callable[[float, Compensate, float | None], Matrices]
RangesOf = MappingOf[str, Ranges]

MOST_ADC_BITS = 22
"""Bits of a converter behind devices: their sums are float32."""
MOST_CIRCUIT_BITS = 16
"""Bits of a converter that is a circuit: all its levels are kept."""

SMALLEST: Final = 1e-9
"""Smallest voltage, conductance or range that is no mistake, in its unit."""

_SAME: Final = (
    "weight_scale",
    "stuck_on",
    "current_voltage",
    "input_range",
    "driver_gain_sigma",
    "driver_noise_sigma",
    "adc_kind",
    "adc_rounding",
    "adc_range",
    "adc_offset_sigma",
    "adc_gain_sigma",
    "adc_gain_db",
    "adc_capacitor_sigma",
    "adc_comparator_sigma",
    "adc_c1_sigma",
    "adc_c2_sigma",
    "adc_parasitic_sigma",
    "adc_split_capacitors",
    "row_wire",
    "column_wire",
)
"""Fields of `tile.analog` that mean what those of `ErrorSpec` do."""


@dataclass(frozen=True, slots=True)
class Programmed:
    """The layers of a workload in the arrays of a chip.

    Attributes
    ----------
    at : callable     (seconds since programming, compensation, when that was made or None: then) -> matrix of every
                      layer with static weights.
    arrays : int      Arrays that hold devices, in which a compensation makes its reads; 0 for exact ones.
    """

    at: States
    arrays: int

    def compensation_reads(self, compensate: Compensate) -> int:
        """Return how many products of single arrays a compensation takes."""
        return 0 if compensate == "none" else self.arrays * CALIBRATION_VECTORS


def program_layers(
    workload: Workload,
    mapping: Mapping,
    chip: ChipFile,
    mode: ValueMode,
    *,
    seed: int = 0,
    calibration: RangesOf | None = None,
) -> Programmed:
    """Return every layer's weights as they stand in the crossbars of a mapping.

    `seed` is that of what is drawn with mode `analog`. Numbers of cells and reads belong to the layer by its name, to
    the block and to the replica, so a layer that is added shifts nobody's; those of row drivers and converters belong
    to the chip, so that whoever uses one has its errors. `calibration` gives the ranges of layers by name.

    Raises
    ------
    ConfigError
        If there can be no values, or the chip's arrays cannot be as its file says.
    """
    workload.check_values()
    spec, errors = array_spec(chip), error_spec(chip)
    layers = [layer for layer in workload.layers if isinstance(layer.op, MatrixKind)]
    of = {layer.name: (calibration or {}).get(layer.name, Ranges()) for layer in layers}
    if mode == "analog" and not (errors.is_exact and calibration is None):
        _check_ranges(chip, of)
        root = Draws.of(seed)
        placed = {layer.name: _in_devices(layer, mapping, chip, errors, root, of[layer.name]) for layer in layers}
        return Programmed(_states(placed), sum(one.arrays for one in placed.values()))
    exact: Literal["ideal", "quantized"] = "ideal" if mode == "ideal" else "quantized"
    matrices = {layer.name: program_matrix(_weight(layer), _blocks(layer, mapping), spec, exact) for layer in layers}
    return Programmed(lambda _time_s, _compensate, _compensated_s: matrices, 0)


def _check_ranges(chip: ChipFile, of: RangesOf) -> None:
    """Refuse ranges that are to be calibrated and are not."""
    analog = chip.tile.analog
    for field, name in (("input_range", "inputs"), ("adc_range", "converters")):
        if getattr(analog, field) != "calibrated":
            continue
        for layer, ranges in of.items():
            if getattr(ranges, name) is None:
                message = f"needs a calibration that has `{name}` of layer `{layer}`; `aimcsim calibrate` makes one"
                _refuse(chip, field, message)


def _states(placed: dict[str, DeviceArrays]) -> States:
    def at(time_s: float, compensate: Compensate, compensated_s: float | None) -> Matrices:
        return {name: one.at(time_s, compensate, compensated_s) for name, one in placed.items()}

    return at


def _in_devices(
    layer: Layer, mapping: Mapping, chip: ChipFile, errors: ErrorSpec, root: Draws, ranges: Ranges
) -> DeviceArrays:
    return program_devices(
        _weight(layer),
        _blocks(layer, mapping),
        array_spec(chip),
        errors,
        draws=root.child("layer", layer.name),
        replicas=len(mapping.replicas_of(layer.name)),
        seats=[_seats(shares, chip, root) for shares in mapping.replicas_of(layer.name)],
        ranges=ranges,
    )


def _seats(shares: Sequence[LayerShare], chip: ChipFile, root: Draws) -> list[Seat]:
    """Return where each block of a replica stands, by its index."""
    seats = {
        block: _seat(share, crossbar, chip, root)
        for share in shares
        for block, crossbar in zip(share.blocks, share.crossbars, strict=True)
    }
    return [seats[block] for block in sorted(seats)]


def _seat(share: LayerShare, crossbar: int, chip: ChipFile, root: Draws) -> Seat:
    """Return a place in a crossbar; what is drawn about crossbars and banks belongs to the chip, not to a layer."""
    adc, (row, column) = chip.tile.adc, share.corner
    bank, turn = divmod(crossbar, adc.crossbars)
    tile = root.child("tile", share.tile)
    first = turn * chip.tile.crossbar.cols + column
    array = 0 if chip.tile.arrays == "one" else crossbar
    return Seat(tile.child("crossbar", array), tile.child("bank", bank), row, first, adc.converters)


def _weight(layer: Layer) -> np.ndarray:
    assert isinstance(layer.op, MatrixKind), "only layers with static weights stand in arrays"
    return np.asarray(layer.op.weight)


def _blocks(layer: Layer, mapping: Mapping) -> list[Block]:
    return [_block(block) for block in mapping.blocks_of(layer.name)]


def _block(block: WeightBlock) -> Block:
    return Block(block.first_group, block.groups, block.first_row, block.rows, block.first_col, block.cols)


def array_spec(chip: ChipFile) -> ArraySpec:
    """Return what a chip's crossbars, drivers and converters are for the values."""
    crossbar, inputs, adc, numbers = chip.tile.crossbar, chip.tile.inputs, chip.tile.adc, chip.numbers
    return ArraySpec(
        rows=crossbar.rows,
        cols=crossbar.cols,
        cell_bits=crossbar.cell_bits,
        cells=crossbar.cells,
        flip=crossbar.flip,
        weight_bits=numbers.weight_bits,
        input_bits=numbers.input_bits,
        encoding=inputs.encoding,
        sign=inputs.sign,
        bits_per_phase=inputs.bits_per_phase,
        adc_bits=adc.bits,
        adc_step=adc.step,
    )


def error_spec(chip: ChipFile) -> ErrorSpec:
    """Return how a chip's arrays err.

    Raises
    ------
    ConfigError
        If there is no such device model, or what the file says of errors does not go together; with the place in the
        file.
    """
    analog = chip.tile.analog
    same = {name: getattr(analog, name) for name in _SAME}
    errors = ErrorSpec(
        device=_device(chip),
        on_off_ratio=_on_off_ratio(chip),
        stuck_off=_stuck_off(chip),
        read_voltage_v=_within(chip, "read_voltage", float(analog.read_voltage_v)),
        largest_conductance_s=_within(chip, "largest_conductance", float(analog.largest_conductance_siemens)),
        input_percentile=_within(chip, "input_percentile", analog.input_percentile),
        input_scale=_input_scale(chip),
        driver_asymmetry=_asymmetry(chip),
        column_limit=_column_limit(chip),
        **same,
    )
    if not errors.is_exact:
        _check_conductances(chip, errors)
        _check_codes(chip, errors)
    return errors


def _device(chip: ChipFile) -> DeviceModel:
    analog = chip.tile.analog
    try:
        return device(analog.device, **analog.parameters)
    except ReferenceError_ as error:
        raise ReferenceError_(chip.where.problem("tile.analog.device", str(error), kind="reference")) from None
    except UnknownFieldError as error:
        raise UnknownFieldError(
            chip.where.problem("tile.analog.parameters", str(error), kind="unknown_field")
        ) from None
    except ConfigError as error:
        raise ConfigError(chip.where.problem("tile.analog.parameters", str(error))) from None


def _on_off_ratio(chip: ChipFile) -> float:
    ratio = chip.tile.analog.on_off_ratio
    if ratio is not None and not ratio > 1:
        raise ConfigError(chip.where.problem("tile.analog.on_off_ratio", f"must be above 1 (got {ratio:g})"))
    return math.inf if ratio is None else ratio


def _stuck_off(chip: ChipFile) -> float:
    analog = chip.tile.analog
    if analog.stuck_on + analog.stuck_off > 1:
        message = f"with `stuck_on`, more than all cells are stuck (got {analog.stuck_off:g})"
        raise ConfigError(chip.where.problem("tile.analog.stuck_off", message))
    return analog.stuck_off


def _refuse(chip: ChipFile, field: str, message: str) -> NoReturn:
    raise ConfigError(chip.where.problem(f"tile.analog.{field}", message))


def _within(chip: ChipFile, field: str, value: float) -> float:
    """Return a value that has to be above 0, and of a size that its inverse does not overflow."""
    if not SMALLEST <= value <= 1 / SMALLEST:
        _refuse(chip, field, f"must be from {SMALLEST:g} to {1 / SMALLEST:g} (got {value:g})")
    return value


def _input_scale(chip: ChipFile) -> float:
    analog = chip.tile.analog
    if analog.input_scale is not None:
        return _within(chip, "input_scale", analog.input_scale)
    if analog.input_range == "fixed":
        _refuse(chip, "input_range", "a fixed range needs its scale (got fixed); lever: tile.analog.input_scale")
    return 1.0


def _asymmetry(chip: ChipFile) -> float:
    analog, sign = chip.tile.analog, chip.tile.inputs.sign
    if analog.driver_asymmetry and sign != "bipolar":
        _refuse(chip, "driver_asymmetry", f"only `bipolar` drivers drive negative levels (tile.inputs.sign is {sign})")
    return analog.driver_asymmetry


def _column_limit(chip: ChipFile) -> float:
    limit = chip.tile.analog.column_limit
    return 0.0 if limit is None else _within(chip, "column_limit", limit)


def _check_conductances(chip: ChipFile, errors: ErrorSpec) -> None:
    """Program a cell of either end, which tells whether the device model was measured there, and a curve rises."""
    try:
        errors.device.program(np.array([errors.least_conductance, 1.0]), Draws.of(0))
    except InputError as error:
        message = f"{error}; lever: tile.analog.on_off_ratio"
        raise ConfigError(chip.where.problem("tile.analog.device", message)) from None
    if errors.current_voltage != "linear":
        _check_curve(chip, errors)


def _check_curve(chip: ChipFile, errors: ErrorSpec) -> None:
    """Refuse curves where they are not known or do not rise."""
    ends = np.array([errors.least_conductance, 1.0]) * errors.largest_conductance_s
    if errors.current_voltage == "milo" and not ends[0]:
        _refuse(chip, "current_voltage", "milo is not known of cells without conductance; lever: on_off_ratio")
    if errors.wires is not None and chip.tile.inputs.encoding == "pulse_width":
        _refuse(chip, "current_voltage", "must be linear with wires and pulses, whose overlap would decide the drops")
    curve = CubicCurve() if errors.current_voltage == "cubic" else MiloCurve()
    ways = (-1.0, 1.0) if chip.tile.inputs.sign == "bipolar" else (1.0,)
    volts = errors.read_voltage_v * np.array(ways)[:, np.newaxis]
    if (curve.slope(ends, volts) < 0).any():
        _refuse(chip, "read_voltage", f"the current of a cell does not rise at {errors.read_voltage_v:g} V")


def _check_codes(chip: ChipFile, errors: ErrorSpec) -> None:
    if errors.circuit.is_circuit and chip.tile.adc.bits > MOST_CIRCUIT_BITS:
        message = f"of a {errors.adc_kind} circuit, at most {MOST_CIRCUIT_BITS} (got {chip.tile.adc.bits})"
        raise ConfigError(chip.where.problem("tile.adc.bits", message))
    if chip.tile.adc.bits > MOST_ADC_BITS:
        message = f"behind cells that err, at most {MOST_ADC_BITS} bits can be simulated (got {chip.tile.adc.bits})"
        raise ConfigError(chip.where.problem("tile.adc.bits", message))
