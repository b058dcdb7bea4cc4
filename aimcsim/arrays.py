"""From a chip file to arrays that compute: what its crossbars are for the values, and layers programmed into them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from aimcsim.analog import (
    CALIBRATION_VECTORS,
    ArraySpec,
    Block,
    Compensate,
    Draws,
    ErrorSpec,
    ProgrammedMatrix,
    program_devices,
    program_matrix,
)
from aimcsim.analog.devices import DeviceModel, device
from aimcsim.errors import ConfigError, InputError, ReferenceError_, UnknownFieldError
from aimcsim.mapping import Mapping, WeightBlock
from aimcsim.ops import MatrixKind
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Layer, Workload

if TYPE_CHECKING:
    from aimcsim.analog import DeviceArrays

ValueMode = Literal["ideal", "quantized", "analog"]
Matrices = dict[str, ProgrammedMatrix]
States = Callable[[float, Compensate, float | None], Matrices]

MOST_ADC_BITS = 22
"""Bits of a converter behind devices: their sums are float32."""


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
    workload: Workload, mapping: Mapping, chip: ChipFile, mode: ValueMode, *, seed: int = 0
) -> Programmed:
    """Return every layer's weights as they stand in the crossbars of a mapping.

    `seed` is that of what is drawn with mode `analog`. The numbers belong to the layer by its name, to the block and to
    the replica, so a layer that is added shifts nobody's.

    Raises
    ------
    ConfigError
        If there can be no values, or the chip's arrays cannot be as its file says.
    """
    workload.check_values()
    spec, errors = array_spec(chip), error_spec(chip)
    layers = [layer for layer in workload.layers if isinstance(layer.op, MatrixKind)]
    if mode == "analog" and not errors.is_exact:
        root = Draws.of(seed)
        placed = {layer.name: _in_devices(layer, mapping, spec, errors, root) for layer in layers}
        return Programmed(_states(placed), sum(one.arrays for one in placed.values()))
    exact: Literal["ideal", "quantized"] = "ideal" if mode == "ideal" else "quantized"
    matrices = {layer.name: program_matrix(_weight(layer), _blocks(layer, mapping), spec, exact) for layer in layers}
    return Programmed(lambda _time_s, _compensate, _compensated_s: matrices, 0)


def _states(placed: dict[str, DeviceArrays]) -> States:
    def at(time_s: float, compensate: Compensate, compensated_s: float | None) -> Matrices:
        return {name: one.at(time_s, compensate, compensated_s) for name, one in placed.items()}

    return at


def _in_devices(layer: Layer, mapping: Mapping, spec: ArraySpec, errors: ErrorSpec, root: Draws) -> DeviceArrays:
    draws, replicas = root.child("layer", layer.name), len(mapping.replicas_of(layer.name))
    return program_devices(_weight(layer), _blocks(layer, mapping), spec, errors, draws=draws, replicas=replicas)


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
        If there is no such device model, or it has other parameters or other conductances; with the place in the file.
    """
    analog, adc = chip.tile.analog, chip.tile.adc
    errors = ErrorSpec(
        device=_device(chip),
        weight_scale=analog.weight_scale,
        on_off_ratio=_on_off_ratio(chip),
        stuck_on=analog.stuck_on,
        stuck_off=_stuck_off(chip),
        adc_offset_sigma=analog.adc_offset_sigma,
        adc_gain_sigma=analog.adc_gain_sigma,
        columns_per_converter=chip.tile.crossbar.cols * adc.crossbars // adc.converters,
        row_wire=analog.row_wire,
        column_wire=analog.column_wire,
    )
    if not errors.is_exact:
        _check_conductances(chip, errors)
        _check_codes(chip)
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


def _check_conductances(chip: ChipFile, errors: ErrorSpec) -> None:
    """Program a cell of either end, which tells whether the device model was measured there."""
    try:
        errors.device.program(np.array([errors.least_conductance, 1.0]), Draws.of(0))
    except InputError as error:
        message = f"{error}; lever: tile.analog.on_off_ratio"
        raise ConfigError(chip.where.problem("tile.analog.device", message)) from None


def _check_codes(chip: ChipFile) -> None:
    if chip.tile.adc.bits > MOST_ADC_BITS:
        message = f"behind cells that err, at most {MOST_ADC_BITS} bits can be simulated (got {chip.tile.adc.bits})"
        raise ConfigError(chip.where.problem("tile.adc.bits", message))
