"""Analog arrays with real device state: what they are, how they are programmed, what they compute.

Each public name loads its module when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimcsim.lazy import face

if TYPE_CHECKING:
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

_HOMES = {
    "calibrated": "calibration",
    "ConverterSpec": "converter_spec",
    "RangeSpec": "converter_spec",
    "AnalogMatrix": "matrix",
    "program": "matrix",
    "PeripherySpec": "periphery_spec",
    "Counts": "result",
    "Product": "result",
    "AnalogSpec": "spec",
    "CellSpec": "spec",
    "InputSpec": "spec",
    "ReadoutSpec": "spec",
}
"""Modules of this package by the public names that they hold."""

__getattr__, __dir__ = face(__name__, _HOMES, __all__)
