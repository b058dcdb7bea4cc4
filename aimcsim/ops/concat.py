"""Joining tensors side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, Literal, get_args

import numpy as np

from aimcsim.ops.base import DigitalKind, FloatArray, IndexArray, TensorShape, Window, check_arity

Axis = Literal["channels", "height", "width"]
AXES: tuple[Axis, ...] = get_args(Axis)


@dataclass(frozen=True, slots=True)
class Concat(DigitalKind):
    """The inputs one after the other along an axis; nothing is computed.

    Parameters
    ----------
    axis : `channels` makes longer vectors, `height` and `width` more of them.
    sizes : of the inputs along the axis.

    Raises
    ------
    ValueError
        If there is no input, a size is not positive, or there is no such axis.
    """

    kind: ClassVar[str] = "concat"
    axis: Axis
    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.axis not in AXES or not self.sizes or min(self.sizes) < 1:
            raise ValueError(f"concat joins sizes of at least 1 along {', '.join(AXES)} (got {self})")

    @property
    def arity(self) -> int:
        """One input for each size."""
        return len(self.sizes)

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the common shape, with the sizes along the axis added up."""
        check_arity(self, inputs)
        sizes = [[shape.length, shape.height, shape.width] for shape in inputs]
        along = AXES.index(self.axis)
        if [one.pop(along) for one in sizes] != list(self.sizes) or any(one != sizes[0] for one in sizes):
            shapes = ", ".join(map(str, inputs))
            raise ValueError(f"concat along {self.axis} was made for sizes {list(self.sizes)} (got {shapes})")
        rest = sizes[0]
        rest.insert(along, sum(self.sizes))
        return TensorShape(rest[1], rest[2], rest[0])

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the vector of the same index of every input, or the vector of the one input that it lies in."""
        out = self.output_shape(*inputs)
        if self.axis == "channels":
            return (Window.elementwise(out.vectors),) * self.arity
        source, vector = self._origin(np.arange(out.vectors), [shape.vectors for shape in inputs])
        return tuple(
            Window.partial(vector, np.where(source == i, vector, -1), (source == i).astype(np.int64), shape.vectors)
            for i, shape in enumerate(inputs)
        )

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return copies of the vectors."""
        if self.axis == "channels":
            return np.concatenate([values[first:last] for values in inputs], axis=1)
        source, vector = self._origin(np.arange(first, last), [len(values) for values in inputs])
        return np.stack([inputs[i][j] for i, j in zip(source.tolist(), vector.tolist(), strict=True)])

    def _origin(self, index: IndexArray, vectors: Sequence[int]) -> tuple[IndexArray, IndexArray]:
        """Return which input each output vector is from, and which of its vectors it is."""
        begins = np.array([0, *accumulate(vectors if self.axis == "height" else self.sizes)])
        row, place = np.divmod(index, begins[-1])
        source = np.searchsorted(begins, place, side="right") - 1
        if self.axis == "height":
            return source, place - begins[source]
        return source, row * np.array(self.sizes)[source] + place - begins[source]

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the length of an output vector."""
        return self.output_shape(*inputs).length
