"""Compiled inner loops behind one checked face; `dispatch` chooses what runs, `array_twin` says what it computes."""

from aimcsim._kernels.dispatch import active, implementations, select, stream_loop, token_game, train_loop
from aimcsim._kernels.elimination import eliminate, read_supplied
from aimcsim._kernels.packing import pack_weights
from aimcsim._kernels.reads import ColumnRead, Converter, mvm_f32

__all__ = [
    "ColumnRead",
    "Converter",
    "active",
    "eliminate",
    "implementations",
    "mvm_f32",
    "pack_weights",
    "read_supplied",
    "select",
    "stream_loop",
    "token_game",
    "train_loop",
]
