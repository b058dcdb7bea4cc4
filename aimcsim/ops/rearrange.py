"""Moving elements between vectors, for the layout changes that no neighbouring layer can absorb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from aimcsim.ops.base import DigitalKind, FloatArray, IndexArray, TensorShape, Window, check_arity


@dataclass(frozen=True, slots=True, eq=False)
class Reshape(DigitalKind):
    """The elements of the input in another order and shape; nothing is computed.

    Parameters
    ----------
    shape : of the output.
    index : int64 [elements]
        For every output element, in row-major order, the input element that it is: a permutation.

    Raises
    ------
    ValueError
        If `index` is no permutation of the output's elements.
    """

    kind: ClassVar[str] = "reshape"
    shape: TensorShape
    index: IndexArray = field(repr=False)

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

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the vectors that hold the elements named by `index`."""
        self.output_shape(*inputs)
        required = np.sort(self.index.reshape(self.shape.vectors, -1) // inputs[0].length, axis=1)
        fresh = np.array([len(new) for new in self._new_vectors(required)], dtype=np.int64)
        return (Window.from_extremes(required[:, 0], required[:, -1], fresh, inputs[0].vectors),)

    def _new_vectors(self, required: IndexArray) -> list[IndexArray]:
        """For each output vector, the input vectors that the one before it in its row did not require."""
        sets = [np.unique(row) for row in required]
        return [
            own if i % self.shape.width == 0 else np.setdiff1d(own, sets[i - 1], assume_unique=True)
            for i, own in enumerate(sets)
        ]

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return copies of the named elements."""
        length = self.shape.length
        return inputs[0].take(self.index[first * length : last * length]).reshape(last - first, length)

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the length of an output vector."""
        return self.shape.length
