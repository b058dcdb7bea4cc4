"""What the array kernels compute, written for reading: the twin of `_array.pyx`.

It runs in place of the extension only under ``AIMCSIM_NO_EXT=1``, and in the tests, which demand the same bits of both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aimcsim._kernels.packing import unpack_digits, unpack_weights


def mvm_f32(x: NDArray[np.float32], w: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write ``out[b, g, n] = sum over k of x[b, g, k] * w[g, k, n]``: k ascending, multiply then add, in float32."""
    weight = unpack_weights(w, out.shape[2])
    out[...] = 0
    for k in range(weight.shape[1]):
        out += x[:, :, k, np.newaxis] * weight[:, k]


def read_columns(
    levels: NDArray[np.uint16],
    digits: NDArray[np.uint8],
    planes: NDArray[np.int32],
    gains: NDArray[np.int64],
    factors: NDArray[np.int64],
    converter: tuple[int, int, int],
    digit_max: int,  # noqa: ARG001
    wide: bool,  # noqa: ARG001
    out: NDArray[np.int64],
    codes: NDArray[np.int32] | None,
) -> None:
    """Write the recombined converter values to `out` [B, N] and every code to `codes` [B, phases, cells * N], if given.

    `digit_max` and `wide` tell the kernels how far they may sum in few bits; 64-bit integers need neither.
    """
    step, low, high = converter
    cells = unpack_digits(digits, factors.size).astype(np.int64)
    sums = np.zeros((len(levels), len(gains), factors.size), dtype=np.int64)
    for phase, channel, bit, scale in planes.tolist():
        driven = levels[:, channel, :].astype(np.int64) >> bit & 1
        sums[:, phase] += scale * (driven @ cells)
    code = np.clip((sums + step // 2) // step, low, high)
    if codes is not None:
        codes[...] = code
    columns = (code * gains[:, np.newaxis]).sum(axis=1).reshape(-1, *factors.shape)
    out[...] = (columns * factors).sum(axis=1)
