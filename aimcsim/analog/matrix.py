"""A matrix standing in analog arrays: what each array contributes, and how contributions are put together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.spec import ArraySpec, Block


@dataclass(frozen=True, slots=True)
class Reads:
    """Which of a layer's vectors are read: what is drawn anew for a read is drawn for these, whoever reads them when.

    Attributes
    ----------
    requests, vectors : int64 [B]    Number of the request, and of the vector among those that the layer has in one.
    """

    requests: NDArray[np.int64]
    vectors: NDArray[np.int64]

    @classmethod
    def of_requests(cls, first: int, requests: int, vectors: int) -> Self:
        """Return the reads of all `vectors` of each of so many requests, request by request."""
        numbers = np.arange(first, first + requests, dtype=np.int64)
        return cls(np.repeat(numbers, vectors), np.tile(np.arange(vectors, dtype=np.int64), requests))

    @classmethod
    def of_vector(cls, request: int, vector: int) -> Self:
        """Return a single read."""
        return cls(np.array([request]), np.array([vector]))


@dataclass(frozen=True, slots=True)
class Partial:
    """What some arrays make of B input vectors, before the contributions of row blocks are added.

    Attributes
    ----------
    blocks : mapping            Block index -> [B, groups * cols] of that block, groups outermost: float32 (ideal), or,
                                in units of input level times weight level, int64 (quantized) or float64 (devices).
    input_scale : float64 [B]   Not ideal: what an input level of each vector is worth.
    codes : mapping             Only when asked for: block index -> int32 [B, polarities, input_phases,
                                cells_per_weight, groups * cols]. The cell axis runs over slices, least significant
                                first, and within a slice of differential cells over the positive and the negative
                                column.
    """

    blocks: Mapping[int, NDArray[Any]]
    input_scale: NDArray[np.float64] | None = None
    codes: Mapping[int, NDArray[np.int32]] | None = None


class ProgrammedMatrix(ABC):
    """A logical matrix [groups, K, N] cut into blocks, one per array. Made by `aimcsim.analog.program_matrix`.

    Every value is a function of the weights, of its own input vector and, with devices, of which read it is: the same
    bits for any split of the batch, any subsets of blocks, and any instruction set. It is immutable and may be used by
    several threads.
    """

    def __init__(self, shape: tuple[int, int, int], blocks: Sequence[Block], spec: ArraySpec) -> None:
        self.shape = shape
        self.blocks = tuple(blocks)
        self.spec = spec

    @property
    def outputs(self) -> int:
        """Length of an output vector."""
        return self.shape[0] * self.shape[2]

    def partial(
        self, x: NDArray[np.float32], block_ids: Sequence[int], reads: Reads | None = None, *, codes: bool = False
    ) -> Partial:
        """Return what the arrays `block_ids` contribute for the vectors `x`, float32 [B, groups * K].

        `reads` says which vectors they are; None: the first ones of request 0.

        Raises
        ------
        ValueError         If `x` has another length, or `reads` are of another number of vectors.
        SimulationError    Not ideal: if `x` is not finite.
        """
        groups, rows, _ = self.shape
        if x.ndim != 2 or x.shape[1] != groups * rows:
            raise ValueError(f"vectors must be [B, {groups * rows}] (got {list(x.shape)})")
        reads = reads or Reads.of_requests(0, 1, len(x))
        if len(reads.requests) != len(x) or len(reads.vectors) != len(x):
            raise ValueError(f"reads are of {len(reads.requests)} vectors, and there are {len(x)}")
        return self._partial(np.ascontiguousarray(x, dtype=np.float32), block_ids, reads, codes)

    def merge(self, partials: Sequence[Partial]) -> NDArray[np.float32]:
        """Return the outputs, float32 [B, groups * N], from partials that hold every block once, in any order.

        Row blocks are added in the order of their block index, whoever read them.

        Raises
        ------
        ValueError    If a block is missing or there twice.
        """
        held = sorted(index for partial in partials for index in partial.blocks)
        if held != list(range(len(self.blocks))):
            raise ValueError(f"partials must hold each of the blocks 0..{len(self.blocks) - 1} once (got {held})")
        return self._merge(partials)

    def mvm(self, x: NDArray[np.float32], reads: Reads | None = None) -> NDArray[np.float32]:
        """Return the product of the vectors `x`, float32 [B, groups * K], with the matrix: float32 [B, groups * N]."""
        return self.merge([self.partial(x, range(len(self.blocks)), reads)])

    @abstractmethod
    def _partial(self, x: NDArray[np.float32], block_ids: Sequence[int], reads: Reads, codes: bool) -> Partial: ...

    @abstractmethod
    def _merge(self, partials: Sequence[Partial]) -> NDArray[np.float32]: ...

    def _sum_of_blocks(
        self, partials: Sequence[Partial], dtype: type[np.float32 | np.float64 | np.int64]
    ) -> NDArray[Any]:
        """Return [B, groups, N]: the blocks added to zero in index order."""
        groups, _, cols = self.shape
        held = {index: value for partial in partials for index, value in partial.blocks.items()}
        total = np.zeros((len(held[0]), groups, cols), dtype=dtype)
        for index, block in enumerate(self.blocks):
            group_slice, _, col_slice = block.slices
            total[:, group_slice, col_slice] += held[index].reshape(len(total), block.groups, block.cols)
        return total
