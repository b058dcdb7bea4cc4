"""Values: what analog arrays compute, from encodings and converters to the outputs of a matrix layer.

`program` gives arrays with device state, alone; `program_matrix` the blocks that a mapping places on a chip, as exact
numbers or as integers through converters.
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
from aimcsim.analog.matrix import Partial, ProgrammedMatrix
from aimcsim.analog.programming import Mode, program_matrix
from aimcsim.analog.spec import ArraySpec, Block
from aimcsim.analog.wires import WireSpec

__all__ = [
    "AnalogMatrix",
    "AnalogSpec",
    "ArraySpec",
    "Block",
    "CellSpec",
    "ConverterSpec",
    "Counts",
    "InputSpec",
    "Mode",
    "Partial",
    "PeripherySpec",
    "Product",
    "ProgrammedMatrix",
    "RangeSpec",
    "ReadoutSpec",
    "WireSpec",
    "calibrated",
    "program",
    "program_matrix",
]
