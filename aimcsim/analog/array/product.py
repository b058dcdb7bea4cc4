"""Products whose bits do not depend on the batch, on threads or on the processor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.analog.array.spec import Precision

Floats = NDArray[np.float64]


def product(x: Floats, matrix: Floats) -> Floats:
    """Return ``x @ matrix`` for `x` [..., K] in float64: rows ascending, one accumulator per output."""
    total = np.zeros((*x.shape[:-1], matrix.shape[1]))
    for row in range(len(matrix)):
        total += x[..., row, np.newaxis] * matrix[row]
    return total


class Matrix:
    """A matrix [K, M] to be multiplied with in float32 by the compiled kernel: multiply, then add, rows ascending."""

    def __init__(self, matrix: Floats) -> None:
        self.columns = matrix.shape[1]
        self._packed = _kernels.pack_weights(matrix.astype(np.float32)[np.newaxis])

    def times(self, x: Floats) -> Floats:
        """Return ``x @ matrix`` for `x` [..., K]."""
        flat = np.ascontiguousarray(x.reshape(-1, 1, x.shape[-1]), dtype=np.float32)
        out = np.empty((len(flat), 1, self.columns), dtype=np.float32)
        _kernels.mvm_f32(flat, self._packed, out)
        return out.reshape(*x.shape[:-1], self.columns).astype(np.float64)


class ExactMatrix:
    """The same in float64, by the readable loop."""

    def __init__(self, matrix: Floats) -> None:
        self._matrix = matrix

    def times(self, x: Floats) -> Floats:
        """Return ``x @ matrix`` for `x` [..., K]."""
        return product(x, self._matrix)


def matrix_of(lines: Floats, precision: Precision) -> Matrix | ExactMatrix:
    """Return `lines` [slices, lines, K, M] side by side, as a matrix [K, slices * lines * M]."""
    flat = lines.transpose(2, 0, 1, 3).reshape(lines.shape[2], -1)
    return Matrix(flat) if precision == "float32" else ExactMatrix(flat)
