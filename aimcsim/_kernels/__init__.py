"""Compiled inner loops behind one checked face; `dispatch` chooses what runs, `array_twin` says what it computes."""

from aimcsim._kernels.calendar_twin import CalendarTables
from aimcsim._kernels.dispatch import (
    active,
    calendar_network,
    flit_network,
    implementations,
    select,
    stream_loop,
    token_game,
    train_loop,
)
from aimcsim._kernels.flits_twin import FlitTables
from aimcsim._kernels.packing import pack_weights
from aimcsim._kernels.reads import ColumnRead, Converter, mvm_f32

__all__ = [
    "CalendarTables",
    "ColumnRead",
    "Converter",
    "FlitTables",
    "active",
    "calendar_network",
    "flit_network",
    "implementations",
    "mvm_f32",
    "pack_weights",
    "select",
    "stream_loop",
    "token_game",
    "train_loop",
]
