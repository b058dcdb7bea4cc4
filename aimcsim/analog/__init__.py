"""Values: what analog arrays compute, from encodings and converters to the outputs of a matrix layer.

`program` gives arrays with device state, alone; `program_matrix` the blocks that a mapping places on a chip, as exact
numbers or as integers through converters, `program_devices` the same blocks in devices.
Each public name loads its module when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimcsim.lazy import face

if TYPE_CHECKING:
    from aimcsim.analog.array import (
        AnalogMatrix,
        AnalogSpec,
        CellSpec,
        ConverterSpec,
        Counts,
        InputSpec,
        PeripherySpec,
        Product,
        RangeSpec,
        ReadoutSpec,
        calibrated,
        program,
    )
    from aimcsim.analog.bank import Seat
    from aimcsim.analog.device_matrix import DeviceArrays, DeviceMatrix
    from aimcsim.analog.devices.compensation import CALIBRATION_VECTORS, Compensate
    from aimcsim.analog.draws import Draws
    from aimcsim.analog.error_spec import ErrorSpec, Ranges
    from aimcsim.analog.matrix import Partial, ProgrammedMatrix, Reads
    from aimcsim.analog.programming import Mode, program_devices, program_matrix
    from aimcsim.analog.spec import ArraySpec, Block
    from aimcsim.analog.wires import WireSpec

__all__ = [
    "CALIBRATION_VECTORS",
    "AnalogMatrix",
    "AnalogSpec",
    "ArraySpec",
    "Block",
    "CellSpec",
    "Compensate",
    "ConverterSpec",
    "Counts",
    "DeviceArrays",
    "DeviceMatrix",
    "Draws",
    "ErrorSpec",
    "InputSpec",
    "Mode",
    "Partial",
    "PeripherySpec",
    "Product",
    "ProgrammedMatrix",
    "RangeSpec",
    "Ranges",
    "ReadoutSpec",
    "Reads",
    "Seat",
    "WireSpec",
    "calibrated",
    "program",
    "program_devices",
    "program_matrix",
]

_HOMES = {
    "AnalogMatrix": "array",
    "AnalogSpec": "array",
    "CellSpec": "array",
    "ConverterSpec": "array",
    "Counts": "array",
    "InputSpec": "array",
    "PeripherySpec": "array",
    "Product": "array",
    "RangeSpec": "array",
    "ReadoutSpec": "array",
    "calibrated": "array",
    "program": "array",
    "Seat": "bank",
    "DeviceArrays": "device_matrix",
    "DeviceMatrix": "device_matrix",
    "CALIBRATION_VECTORS": "devices.compensation",
    "Compensate": "devices.compensation",
    "Draws": "draws",
    "ErrorSpec": "error_spec",
    "Ranges": "error_spec",
    "Partial": "matrix",
    "ProgrammedMatrix": "matrix",
    "Reads": "matrix",
    "Mode": "programming",
    "program_devices": "programming",
    "program_matrix": "programming",
    "ArraySpec": "spec",
    "Block": "spec",
    "WireSpec": "wires",
}
"""Modules of this package by the public names that they hold."""

__getattr__, __dir__ = face(__name__, _HOMES, __all__)
