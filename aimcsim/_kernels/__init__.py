"""Compiled inner loops behind one checked face; `dispatch` chooses what runs, `array_twin` says what it computes."""

from aimcsim._kernels.calendar_twin import CalendarTables
from aimcsim._kernels.circuits_twin import CircuitTables
from aimcsim._kernels.dispatch import (
    active,
    calendar_network,
    circuit_network,
    flit_network,
    implementations,
    select,
    stream_loop,
    token_game,
    train_loop,
)
from aimcsim._kernels.elimination import eliminate, read_supplied
from aimcsim._kernels.flits_twin import FlitTables
from aimcsim._kernels.normals import add_normals, fill_normals, fill_uniforms
from aimcsim._kernels.packing import pack_weights
from aimcsim._kernels.reads import ColumnRead, Converter, mvm_f32
from aimcsim._kernels.value_parts import Conversions
from aimcsim._kernels.values import (
    Converters,
    Levels,
    Noise,
    Product,
    abs_max_scales,
    converted_product,
    in_threads,
    serial_planes,
    sliced_product,
)

__all__ = [
    "CalendarTables",
    "CircuitTables",
    "ColumnRead",
    "Conversions",
    "Converter",
    "Converters",
    "FlitTables",
    "Levels",
    "Noise",
    "Product",
    "abs_max_scales",
    "active",
    "add_normals",
    "calendar_network",
    "circuit_network",
    "converted_product",
    "eliminate",
    "fill_normals",
    "fill_uniforms",
    "flit_network",
    "implementations",
    "in_threads",
    "mvm_f32",
    "pack_weights",
    "read_supplied",
    "select",
    "serial_planes",
    "sliced_product",
    "stream_loop",
    "token_game",
    "train_loop",
]
