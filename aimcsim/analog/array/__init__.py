"""Analog arrays with real device state: what they are, how they are programmed, what they compute.

Each public name loads its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
