"""Analog arrays with real device state: what they are, how they are programmed, what they compute."""

from aimcsim.analog.array.calibration import calibrated
from aimcsim.analog.array.converter_spec import ConverterSpec, RangeSpec
from aimcsim.analog.array.matrix import AnalogMatrix, program
from aimcsim.analog.array.periphery_spec import PeripherySpec
from aimcsim.analog.array.result import Counts, Product
from aimcsim.analog.array.spec import AnalogSpec, CellSpec, InputSpec, ReadoutSpec

__all__ = [
    "AnalogMatrix",
    "AnalogSpec",
    "CellSpec",
    "ConverterSpec",
    "Counts",
    "InputSpec",
    "PeripherySpec",
    "Product",
    "RangeSpec",
    "ReadoutSpec",
    "calibrated",
    "program",
]
