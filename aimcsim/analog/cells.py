"""Integer weights as cell digits, and what undoes the encoding after the read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.spec import ArraySpec


@dataclass(frozen=True, slots=True)
class Cells:
    """The digits of one block and how column values become outputs.

    ``output[n] = sum over cells c of factors[c, n] * column[c, n] + input_factors[n] * inputs[n]``, where ``inputs[n]``
    is the sum of the inputs of n's group.

    Attributes
    ----------
    digits : uint8 [groups * K, cells_per_weight, groups * N]    Block-diagonal over groups.
    factors : int64 [cells_per_weight, groups * N]               Cell 2 s is slice s of the positive column and
                                                                 2 s + 1 of the negative one; offset: cell s is slice s.
    input_factors : int64 [groups * N]
    """

    digits: NDArray[np.uint8]
    factors: NDArray[np.int64]
    input_factors: NDArray[np.int64]


def program_cells(weight: NDArray[np.int64], spec: ArraySpec) -> Cells:
    """Return how the integer weights [groups, K, N] of a block stand in an array."""
    digits = _digits(weight, spec)
    slice_factors = 1 << spec.cell_bits * np.arange(spec.slices, dtype=np.int64)
    signs = np.array([1, -1] if spec.cells == "differential" else [1], dtype=np.int64)
    factors = np.multiply.outer(np.outer(slice_factors, signs).ravel(), np.ones(weight.shape[::2], dtype=np.int64))
    input_factors = np.zeros(weight.shape[::2], dtype=np.int64)
    if spec.cells == "offset":
        input_factors -= 1 << spec.weight_bits - 1
    if spec.flip:
        # Stored digit = cell_max - digit, so column = cell_max * (sum of inputs) - stored column.
        flipped = 2 * digits.sum(axis=2) > weight.shape[1] * spec.cell_max
        digits = np.where(flipped[:, :, np.newaxis], spec.cell_max - digits, digits)
        input_factors += spec.cell_max * np.where(flipped, factors, 0).sum(axis=0)
        factors = np.where(flipped, -factors, factors)
    return Cells(_block_diagonal(digits), factors.reshape(len(factors), -1), input_factors.ravel())


def _digits(weight: NDArray[np.int64], spec: ArraySpec) -> NDArray[np.int64]:
    """Return the digits [cells_per_weight, groups, K, N] of every weight."""
    if spec.cells == "offset":
        stored = weight[np.newaxis] + (1 << spec.weight_bits - 1)
    else:
        stored = np.stack([np.maximum(weight, 0), np.maximum(-weight, 0)])
    slices = [stored >> spec.cell_bits * index & spec.cell_max for index in range(spec.slices)]
    return np.concatenate(slices)


def _block_diagonal(digits: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return [cells, groups, K, N] as [groups * K, cells, groups * N] with digit 0 off the diagonal."""
    cells, groups, rows, cols = digits.shape
    placed = np.zeros((groups, rows, cells, groups, cols), dtype=np.uint8)
    for group in range(groups):
        placed[group, :, :, group] = digits[:, group].transpose(1, 0, 2)
    return placed.reshape(groups * rows, cells, groups * cols)
