"""Memory layouts that the array kernels read: padded float columns and interleaved digit panels.

Packed arrays are opaque outside this package. They start on a 64-byte boundary, so that no vector load straddles two
cache lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

PANEL = 64  # digit columns that a kernel handles together; array.h says the same
FLOAT_PANEL = 32  # float columns stored together; array.h says the same
_ALIGNMENT_BYTES = 64


def _padded(columns: int, panel: int) -> int:
    return -(-columns // panel) * panel


def _aligned_zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return zeros whose first byte lies on a cache-line boundary."""
    size_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size_bytes + _ALIGNMENT_BYTES, dtype=np.uint8)
    first = -raw.ctypes.data % _ALIGNMENT_BYTES
    return raw[first : first + size_bytes].view(dtype).reshape(shape)


def aligned(values: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of `values` that starts on a cache-line boundary."""
    copy = _aligned_zeros(values.shape, values.dtype)
    copy[...] = values
    return copy


def pack_weights(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `weight` [groups, K, N] as panels of 32 columns [groups, panels, K, 32], the last padded with zeros."""
    groups, rows, cols = weight.shape
    padded = np.zeros((groups, rows, _padded(cols, FLOAT_PANEL)), dtype=np.float32)
    padded[:, :, :cols] = weight
    panels = padded.reshape(groups, rows, -1, FLOAT_PANEL).swapaxes(1, 2)
    packed: NDArray[np.float32] = _aligned_zeros(panels.shape, np.float32)
    packed[...] = panels
    return packed


def unpack_weights(packed: NDArray[np.float32], cols: int) -> NDArray[np.float32]:
    """Return the weights [groups, K, cols] that `pack_weights` was given."""
    groups, _, rows, _ = packed.shape
    return packed.swapaxes(1, 2).reshape(groups, rows, -1)[:, :, :cols]


def pack_digits(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `digits` [K, M] as panels of 64 columns [panels, K, 64], column 16 q + l of a panel at byte 4 l + q.

    The kernels sum bytes and then split the sums twice into even and odd ones; this order makes the four results
    consecutive runs of 16 columns.
    """
    rows, cols = digits.shape
    padded = np.zeros((rows, _padded(cols, PANEL)), dtype=np.uint8)
    padded[:, :cols] = digits
    panels = padded.reshape(rows, -1, 4, 16).transpose(1, 0, 3, 2)
    packed: NDArray[np.uint8] = _aligned_zeros((len(panels), rows, PANEL), np.uint8)
    packed.reshape(panels.shape)[...] = panels
    return packed


def unpack_digits(packed: NDArray[np.uint8], cols: int) -> NDArray[np.uint8]:
    """Return the digits [K, cols] that `pack_digits` was given."""
    panels, rows, _ = packed.shape
    return packed.reshape(panels, rows, 16, 4).transpose(1, 0, 3, 2).reshape(rows, -1)[:, :cols]


def pack_dots(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `digits` [K, M] as [panels of 16 columns, quads of 4 rows, 16, 4], padded with zeros, columns to 64."""
    rows, cols = digits.shape
    padded = np.pad(digits, ((0, -rows % 4), (0, -cols % PANEL)))
    return aligned(padded.reshape(-1, 4, padded.shape[1] // 16, 16).transpose(2, 0, 3, 1))
