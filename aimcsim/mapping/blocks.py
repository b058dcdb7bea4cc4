"""Cutting a layer's weight matrices into blocks, each small enough for one crossbar.

Says what fits into a crossbar; where the crossbars are is the placement's matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from aimcsim.ops import IndexArray, MatrixKind
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Workload

OutputBlock = tuple[int, int]
"""A block of outputs, by its first group and column: what the row blocks of one column of blocks add to."""


class MatrixShape(NamedTuple):
    """The static weights of one layer: `groups` independent matrices of `k` inputs by `n` outputs each."""

    groups: int
    k: int
    n: int

    def __str__(self) -> str:
        return f"{self.k} x {self.n}" + (f" x {self.groups}" if self.groups > 1 else "")


@dataclass(frozen=True, slots=True)
class WeightBlock:
    """What is read of one layer in one crossbar: the same rows and columns of one or several consecutive groups.

    Several groups lie block-diagonally: each has rows and columns of its own, and the cells where the rows of one meet
    the columns of another stay at zero. Columns are counted in weights; one weight is as many physical columns as the
    chip has cells per weight (its bit slices, and for differential cells two of each).

    Attributes
    ----------
    layer : name of the layer.
    index : number of the block within its layer, from 0; partial sums are added in this order.
    first_group, groups : the groups it covers.
    first_row, rows : the rows (inputs, 0..K-1) it covers of each of these groups.
    first_col, cols : the columns (outputs, 0..N-1) it covers of each of these groups.
    """

    layer: str
    index: int
    first_group: int
    groups: int
    first_row: int
    rows: int
    first_col: int
    cols: int

    @property
    def crossbar_rows(self) -> int:
        """Rows of the crossbar that it takes."""
        return self.groups * self.rows

    @property
    def crossbar_weights(self) -> int:
        """Weights of a crossbar row that it takes."""
        return self.groups * self.cols

    @property
    def weights(self) -> int:
        """Weights of the layer that it holds (the zeros between groups are none)."""
        return self.groups * self.rows * self.cols


class BlockColumns(NamedTuple):
    """Some blocks of one layer as columns, int64 [blocks] each: what `WeightBlock` says of one."""

    first_group: IndexArray
    groups: IndexArray
    first_row: IndexArray
    rows: IndexArray
    first_col: IndexArray
    cols: IndexArray

    @property
    def inputs(self) -> int:
        """Different inputs of the layer that the blocks take."""
        return _distinct(self.first_group, self.first_row, self.groups * self.rows)

    @property
    def outputs(self) -> int:
        """Different outputs of the layer that the blocks add to."""
        return _distinct(self.first_group, self.first_col, self.groups * self.cols)

    @property
    def output_blocks(self) -> dict[OutputBlock, int]:
        """The blocks of outputs that they add to, and how many outputs each has."""
        places = zip(self.first_group.tolist(), self.first_col.tolist(), strict=True)
        return dict(zip(places, (self.groups * self.cols).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class BlockGrid:
    """All blocks of one layer, which lie on a grid: a formula instead of an object for each.

    Blocks are numbered with the rows innermost, then the columns, then the groups: all row blocks of the same outputs
    are consecutive, so that their partial sums meet on one tile if they can. Indexing makes a `WeightBlock`.

    Attributes
    ----------
    layer : name of the layer.
    shape : the matrices that are cut.
    groups, rows, cols : what a full block covers; the last of each kind covers what is left.
    """

    layer: str
    shape: MatrixShape
    groups: int
    rows: int
    cols: int

    @property
    def steps(self) -> tuple[int, int, int]:
        """Blocks along the groups, the columns and the rows."""
        return _ceil(self.shape.groups, self.groups), _ceil(self.shape.n, self.cols), _ceil(self.shape.k, self.rows)

    def __len__(self) -> int:
        return prod(self.steps)

    def __getitem__(self, index: int) -> WeightBlock:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return WeightBlock(self.layer, index, *(int(column[0]) for column in self.columns(range(index, index + 1))))

    def __iter__(self) -> Iterator[WeightBlock]:
        every = self.columns(range(len(self)))
        for index, place in enumerate(zip(*(column.tolist() for column in every), strict=True)):
            yield WeightBlock(self.layer, index, *place)

    def columns(self, blocks: Sequence[int]) -> BlockColumns:
        """Return some blocks as columns."""
        _, across, down = self.steps
        outputs, row = np.divmod(_numbers(blocks), down)
        group, col = np.divmod(outputs, across)
        return BlockColumns(
            *_run(group, self.groups, self.shape.groups),
            *_run(row, self.rows, self.shape.k),
            *_run(col, self.cols, self.shape.n),
        )


def matrices(workload: Workload) -> dict[str, MatrixShape]:
    """Return the shape of every layer with static weights, in the order of the layers."""
    return {
        layer.name: MatrixShape(*layer.op.matrix_shape) for layer in workload.layers if isinstance(layer.op, MatrixKind)
    }


def cut(layer: str, shape: MatrixShape, chip: ChipFile) -> BlockGrid:
    """Cut the matrices of `layer` into blocks that fit one crossbar each; every weight falls into exactly one.

    As many whole groups as fit share a crossbar; where not even one fits, each is cut by itself, full blocks first and
    the remainder last. A crossbar of `chip` must be as wide as one weight.
    """
    rows, cols = min(shape.k, chip.tile.crossbar.rows), min(shape.n, chip.weights_per_row)
    return BlockGrid(layer, shape, _groups_together(shape, chip), rows, cols)


def count_blocks(shape: MatrixShape, chip: ChipFile) -> int:
    """Return how many blocks `cut` makes, without making them."""
    pieces = _ceil(shape.n, chip.weights_per_row) * _ceil(shape.k, chip.tile.crossbar.rows)
    return _ceil(shape.groups, _groups_together(shape, chip)) * pieces


def _groups_together(shape: MatrixShape, chip: ChipFile) -> int:
    """Return how many groups one block covers: those that fit whole, or one that is cut."""
    return max(1, min(shape.groups, chip.tile.crossbar.rows // shape.k, chip.weights_per_row // shape.n))


def _numbers(blocks: Sequence[int]) -> IndexArray:
    """Return block indices as an array, without a look at each of them where they are a range."""
    if isinstance(blocks, range):
        return np.arange(blocks.start, blocks.stop, blocks.step, dtype=np.int64)
    return np.array(blocks, dtype=np.int64)


def _run(step: IndexArray, most: int, total: int) -> tuple[IndexArray, IndexArray]:
    """Return (first, length) of the runs with numbers `step` that cover ``0..total-1``, each of `most` but the last."""
    first = step * most
    return first, np.minimum(most, total - first)


def _distinct(first_group: IndexArray, first: IndexArray, covered: IndexArray) -> int:
    """Return how many rows (or columns) blocks cover that begin at (first_group, first), each place counted once."""
    places = first_group * (int(first.max()) + 1) + first
    _, once = np.unique(places, return_index=True)
    return int(covered[once].sum())


def _ceil(amount: int, unit: int) -> int:
    return -(-amount // unit)
