"""Moving elements between vectors: layout changes that no neighbour can absorb, slices, repetition, padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from aimcsim.ops.base import DigitalKind, FloatArray, IndexArray, TensorShape, Window, check_arity


@dataclass(frozen=True, slots=True, eq=False)
class Gather(DigitalKind):
    """Elements of the input by their positions, any of them, any number of times; nothing is computed.

    Parameters
    ----------
    shape : of the output.
    index : int64 [elements]
        For every output element, in row-major order, the input element that it is; -1 for `fill`.
    fill : what stands where no input element does, such as padding.

    Raises
    ------
    ValueError
        If `index` does not name something for each of the output's elements, or no input element at all.
    """

    kind: ClassVar[str] = "gather"
    shape: TensorShape
    index: IndexArray = field(repr=False)
    fill: float = 0.0

    def __post_init__(self) -> None:
        if self.index.shape != (self.shape.elements,) or self.index.dtype != np.int64:
            raise ValueError(f"a {self.kind} to {self.shape} must name {self.shape.elements} elements")
        if self.index.min() < -1 or self.index.max() < 0:
            raise ValueError(f"a {self.kind} names elements of its input from 0 on, or -1 (got {self.index.min()})")

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape asked for, from any input that has the elements."""
        check_arity(self, inputs)
        if inputs[0].elements <= self.index.max():
            raise ValueError(f"a {self.kind} needs an input with element {self.index.max()} (got {inputs[0]})")
        return self.shape

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the vectors that hold the elements named by `index`."""
        self.output_shape(*inputs)
        vectors = inputs[0].vectors
        required = np.where(self.index < 0, -1, self.index // inputs[0].length).reshape(self.shape.vectors, -1)
        lowest = np.where(required < 0, vectors, required).min(axis=1)
        return (Window.partial(lowest, required.max(axis=1), self._fresh(required, vectors), vectors),)

    def _fresh(self, required: IndexArray, vectors: int) -> IndexArray:
        """For each output vector, how many input vectors the one before it in its row did not require."""
        output = np.repeat(np.arange(len(required)), required.shape[1])[required.reshape(-1) >= 0]
        pairs = np.unique(output * vectors + required[required >= 0])  # every (output, input vector) once, as a number
        owner = pairs // vectors
        known = np.isin(pairs - vectors, pairs, assume_unique=True) & (owner % self.shape.width != 0)
        return np.bincount(owner[~known], minlength=len(required)).astype(np.int64)

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return copies of the named elements."""
        length = self.shape.length
        index = self.index[first * length : last * length]
        taken = inputs[0].take(index, mode="clip")
        taken[index < 0] = self.fill
        return taken.reshape(last - first, length)

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the length of an output vector."""
        return self.shape.length


@dataclass(frozen=True, slots=True, eq=False)
class Reshape(Gather):
    """All elements of the input in another order and shape.

    Raises
    ------
    ValueError
        If `index` is no permutation of the output's elements, or the input has others.
    """

    kind: ClassVar[str] = "reshape"

    def __post_init__(self) -> None:
        whole = self.index.ndim == 1 and self.index.dtype == np.int64
        if not whole or not np.array_equal(np.sort(self.index), np.arange(self.shape.elements)):
            raise ValueError(f"a reshape to {self.shape} must name each of its {self.shape.elements} elements once")

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape asked for, from any input of as many elements."""
        check_arity(self, inputs)
        if inputs[0].elements != self.shape.elements:
            raise ValueError(f"a reshape to {self.shape} needs {self.shape.elements} elements (got {inputs[0]})")
        return self.shape
