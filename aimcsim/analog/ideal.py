"""The matrix as real numbers: arrays and converters without error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.analog.matrix import Partial, ProgrammedMatrix, Reads
from aimcsim.analog.spec import ArraySpec, Block


class IdealMatrix(ProgrammedMatrix):
    """A block gives its float32 product: one accumulator per output, rows ascending, multiply then add.

    Assumes: no quantisation anywhere; the spec only says how the matrix is cut.
    """

    def __init__(self, weight: NDArray[np.float32], blocks: Sequence[Block], spec: ArraySpec) -> None:
        super().__init__(weight.shape, blocks, spec)
        self._weights = [_kernels.pack_weights(weight[block.slices]) for block in self.blocks]

    def _partial(self, x: NDArray[np.float32], block_ids: Sequence[int], reads: Reads, codes: bool) -> Partial:
        if codes:
            raise ValueError("an ideal matrix has no converters, so no codes")
        return Partial({index: self._read(x, index) for index in block_ids})

    def _read(self, x: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        block = self.blocks[index]
        group_slice, row_slice, _ = block.slices
        out = np.empty((len(x), block.groups, block.cols), dtype=np.float32)
        _kernels.mvm_f32(x.reshape(len(x), *self.shape[:2])[:, group_slice, row_slice], self._weights[index], out)
        return out.reshape(len(x), block.groups * block.cols)

    def _merge(self, partials: Sequence[Partial]) -> NDArray[np.float32]:
        total: NDArray[np.float32] = self._sum_of_blocks(partials, np.float32)
        return total.reshape(len(total), self.outputs)
