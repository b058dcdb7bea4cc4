"""Values: what analog arrays compute, from encodings and converters to the outputs of a matrix layer.

`program` gives arrays with device state, alone; `program_matrix` the blocks that a mapping places on a chip, as exact
numbers or as integers through converters, `program_devices` the same blocks in devices.
"""

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
from aimcsim.analog.device_matrix import CALIBRATION_VECTORS, Compensate, DeviceArrays, DeviceMatrix
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
