"""The matrix as cell digits, read phase by phase through converters of finite range and step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.analog.cells import program_cells
from aimcsim.analog.drive import drive_levels, drive_plan
from aimcsim.analog.matrix import Partial, ProgrammedMatrix, Reads
from aimcsim.analog.quantize import quantize_inputs, quantize_weights
from aimcsim.analog.spec import ArraySpec, Block


@dataclass(frozen=True, slots=True)
class Driven:
    """Inputs as the row drivers of some blocks take them: `levels` for the planes, `sums` int64 [B, groups]."""

    levels: NDArray[np.uint16]
    sums: NDArray[np.int64]


def _rows_of(block: Block) -> tuple[int, int, int, int]:
    """Return the rows that `block` is driven by; blocks side by side share them."""
    return block.first_group, block.groups, block.first_row, block.rows


class QuantizedMatrix(ProgrammedMatrix):
    """A block gives exact integers from converter codes; they become float32 once, when blocks are merged.

    In each phase each physical column is converted once: ``code = clamp(floor((sum + step // 2) / step), low, high)``,
    and ``code * step`` is what is shifted by phase and slice and added; the two columns of a differential pair are
    subtracted digitally. Offset and flip are undone by the exact sum of the input levels of the column's group: the sum
    of the levels driven in each phase, times the phase's weight, added over the phases.

    Assumes: cells hold their digits exactly, wires have no resistance, converters no noise; partial sums are as wide as
    they need to be.
    """

    def __init__(self, weight: NDArray[np.float32], blocks: Sequence[Block], spec: ArraySpec) -> None:
        super().__init__(weight.shape, blocks, spec)
        quantized = quantize_weights(weight, spec.weight_max)
        self._weight_scale = quantized.scale[:, 0]
        self._input_factors: list[NDArray[np.int64]] = []
        self._reads: list[_kernels.ColumnRead] = []
        for block in self.blocks:
            self._program(quantized.level[block.slices])

    def _program(self, level: NDArray[np.int64]) -> None:
        spec = self.spec
        cells = program_cells(level, spec)
        plan = drive_plan(spec)
        converter = _kernels.Converter(spec.step, spec.code_low, spec.code_high)
        digits = cells.digits.reshape(len(cells.digits), -1)
        self._reads.append(_kernels.ColumnRead(digits, plan.planes, plan.weights, converter, cells.factors))
        self._input_factors.append(cells.input_factors.reshape(level.shape[::2]))

    def _partial(self, x: NDArray[np.float32], block_ids: Sequence[int], reads: Reads, codes: bool) -> Partial:
        inputs = quantize_inputs(x, self.spec.input_max)
        level = inputs.level.reshape(len(x), *self.shape[:2])
        driven = {rows: self._drive(level, *rows) for rows in {_rows_of(self.blocks[index]) for index in block_ids}}
        kept = {index: self._reads[index].empty_codes(len(x)) for index in block_ids if codes}
        blocks = {
            index: self._read(driven[_rows_of(self.blocks[index])], index, kept.get(index)) for index in block_ids
        }
        shaped = {index: self._shaped(code) for index, code in kept.items()} if codes else None
        return Partial(blocks, inputs.scale[:, 0], shaped)

    def _drive(self, level: NDArray[np.int64], first_group: int, groups: int, first_row: int, rows: int) -> Driven:
        driven = level[:, first_group : first_group + groups, first_row : first_row + rows]
        return Driven(drive_levels(driven.reshape(len(level), groups * rows), self.spec), driven.sum(axis=2))

    def _read(self, driven: Driven, index: int, codes: NDArray[np.int32] | None) -> NDArray[np.int64]:
        out = self._reads[index].read(driven.levels, codes)
        if self.spec.cells == "offset":
            by_group = out.reshape(len(out), *self._input_factors[index].shape)
            by_group += self._input_factors[index] * driven.sums[:, :, np.newaxis]
        return out

    def _shaped(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        spec = self.spec
        cols = codes.shape[2] // spec.cells_per_weight
        return codes.reshape(len(codes), spec.polarities, spec.input_phases, spec.cells_per_weight, cols)

    def _merge(self, partials: Sequence[Partial]) -> NDArray[np.float32]:
        total = self._sum_of_blocks(partials, np.int64).astype(np.float64)
        scale = partials[0].input_scale
        assert scale is not None  # every quantized partial has one
        values: NDArray[np.float64] = total * scale[:, np.newaxis, np.newaxis] * self._weight_scale
        return values.reshape(len(values), self.outputs).astype(np.float32)
