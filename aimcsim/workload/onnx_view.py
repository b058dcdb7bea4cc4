"""How an importer sees ONNX tensors: as elements of our own, told by the names of their axes as long as that will do.

Reshape, Transpose, Slice and the like only change a view, so they cost no layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from aimcsim.ops import IndexArray, TensorShape

IMAGE = "CHW"
SHARED = -1
"""Takers of what more than one node may see."""
MOST_INDEXED = 2**23
"""Elements of a tensor whose places may be told one by one."""


class UnsupportedNodeError(Exception):
    """The node at hand cannot be imported; the message says why. Never leaves the importer."""


@dataclass(frozen=True, eq=False)
class View:
    """An ONNX tensor, without its batch axis, as elements of one of ours.

    Attributes
    ----------
    source, tensor : name and shape of our tensor.
    shape : of the ONNX tensor, without its batch axis.
    axes : for each axis of the ONNX tensor the axis of ours that it is, `C` (the elements of a vector), `H` or `W`;
        axes of ours that are not named have size 1. Empty if the elements stand in another order, which `given` holds.
    given : int64 of `shape`, for each element its position in our tensor; None if `axes` tell.
    takers : how many nodes see our tensor through this view, `SHARED` if others see it, too.
    whole : whether every element of our tensor is there exactly once.
    """

    source: str
    tensor: TensorShape
    shape: tuple[int, ...]
    axes: str = ""
    given: IndexArray | None = None
    takers: int = 1
    whole: bool = True

    @classmethod
    def of(cls, source: str, tensor: TensorShape, axes: str, takers: int = 1) -> View:
        """Return the view of a whole tensor along its own axes."""
        return cls(source, tensor, tuple(_sizes(tensor)[axis] for axis in axes), axes, takers=takers)

    @cached_property
    def index(self) -> IndexArray:
        """For each element the position in our tensor, counted row by row over (vector, element)."""
        if self.given is not None:
            return self.given
        if self.tensor.elements > MOST_INDEXED:
            message = f"it changes the order of {self.tensor.elements} elements; at most {MOST_INDEXED} are possible"
            raise UnsupportedNodeError(message)
        return positions(self.tensor, self.axes)

    @property
    def sole(self) -> bool:
        """Whether one node alone sees our tensor, so that it may be made part of the layer that computes it."""
        return self.takers == 1 and self.whole

    @property
    def elements(self) -> int:
        """Elements of the ONNX tensor, of one sample."""
        return math.prod(self.shape)

    def same_order(self, other: View) -> bool:
        """Whether both list the elements of tensors of one shape in the same order."""
        if self.tensor != other.tensor or self.shape != other.shape:
            return False
        return (self.axes != "" and self.axes == other.axes) or np.array_equal(self.index, other.index)

    def moved(self, index: IndexArray) -> View:
        """Return the view of the same elements in another order or shape."""
        return replace(self, shape=index.shape, axes="", given=index)

    def picked(self, index: IndexArray) -> View:
        """Return the view of some of the elements, which may repeat."""
        return replace(self.moved(index), whole=False)

    def transposed(self, order: Sequence[int]) -> View:
        """Return the view with its axes in another order."""
        if self.axes:
            axes = "".join(self.axes[axis] for axis in order)
            return replace(self, shape=tuple(self.shape[axis] for axis in order), axes=axes)
        return self.moved(self.index.transpose(order))

    def reshaped(self, shape: tuple[int, ...]) -> View:
        """Return the view in another shape of as many elements."""
        axes = _renamed(self.axes, self.shape, shape)
        return replace(self, shape=shape, axes=axes) if axes else self.moved(self.index.reshape(shape))

    def broadcast(self, shape: tuple[int, ...]) -> View:
        """Return the view with its axes of size 1 repeated; ValueError if it does not fit."""
        return self if shape == self.shape else self.picked(np.broadcast_to(self.index, shape))


def positions(tensor: TensorShape, axes: str) -> IndexArray:
    """Return the position of each element of a tensor whose `axes` are taken in this order."""
    sizes = _sizes(tensor)
    image = np.arange(tensor.elements, dtype=np.int64).reshape(list(sizes.values()))
    missing = [axis for axis in sizes if axis not in axes]
    order = [list(sizes).index(axis) for axis in (*missing, *axes)]
    return image.transpose(order).reshape([sizes[axis] for axis in axes])


def _sizes(tensor: TensorShape) -> dict[str, int]:
    return {"H": tensor.height, "W": tensor.width, "C": tensor.length}


def _renamed(axes: str, before: tuple[int, ...], after: tuple[int, ...]) -> str:
    """Return the names of the axes after a reshape that only drops or adds axes of size 1; empty for any other."""
    long = [(name, size) for name, size in zip(axes, before, strict=True) if size > 1] if axes else []
    if not axes or len(after) > len(IMAGE) or [size for _, size in long] != [size for size in after if size > 1]:
        return ""
    named = iter(name for name, _ in long)
    spare = iter(name for name in IMAGE if name not in {one for one, _ in long})
    return "".join(next(named) if size > 1 else next(spare) for size in after)
