"""A window that slides over a plane of vectors: the geometry that convolution and pooling share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops.base import FloatArray, IndexArray, Window

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Sliding:
    """Where a kernel stands on its input plane for every output position.

    Parameters
    ----------
    plane : (height, width)
        Input positions, in vectors.
    kernel, stride : (vertical, horizontal)
    pads : (top, left, bottom, right)
        Positions added around the plane. Less than the kernel on each side, so that no window lies in padding alone.

    Raises
    ------
    ValueError
        If a size is not positive, a pad is negative or not below the kernel, or the kernel exceeds the padded plane.
    """

    plane: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    pads: Pads = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        if min(self.kernel) < 1 or min(self.stride) < 1:
            raise ValueError(f"kernel and stride must be at least 1 (got {self.kernel} and {self.stride})")
        for axis, name in enumerate(("height", "width")):
            before, after = self.pads[axis], self.pads[axis + 2]
            if not 0 <= min(before, after) <= max(before, after) < self.kernel[axis]:
                raise ValueError(f"pads must be 0 or more and below the kernel (got {self.pads} for {self.kernel})")
            padded = self.plane[axis] + before + after
            if padded < self.kernel[axis]:
                raise ValueError(f"a kernel of {name} {self.kernel[axis]} does not fit an input of {name} {padded}")

    @property
    def output_plane(self) -> Pair:
        """Output positions (height, width)."""
        height, width = (
            (self.plane[a] + self.pads[a] + self.pads[a + 2] - self.kernel[a]) // self.stride[a] + 1 for a in (0, 1)
        )
        return height, width

    @property
    def positions(self) -> int:
        """Kernel positions, padding included."""
        return self.kernel[0] * self.kernel[1]

    def window(self) -> Window:
        """Return the receptive fields over the plane's vectors in row-major order."""
        top, bottom = self._extent(0)
        left, right = self._extent(1)
        width = self.plane[1]
        lowest = top[:, None] * width + left[None, :]
        highest = bottom[:, None] * width + right[None, :]
        seen = np.append(-1, right[:-1])
        columns = right - np.maximum(left, seen + 1) + 1
        # The window's right end may stand still where it reaches the edge, and then brings nothing.
        fresh = (bottom - top + 1)[:, None] * np.maximum(columns, 0)[None, :]
        return Window.from_extremes(lowest.ravel(), highest.ravel(), fresh.ravel(), self.plane[0] * width)

    def _extent(self, axis: int) -> tuple[IndexArray, IndexArray]:
        """Return the first and last input coordinate inside the plane for every output coordinate of an axis."""
        start = np.arange(self.output_plane[axis], dtype=np.int64) * self.stride[axis] - self.pads[axis]
        return np.maximum(start, 0), np.minimum(start + self.kernel[axis], self.plane[axis]) - 1


class Patches:
    """Index arrays that cut the window of any output out of an input tensor with one NumPy call."""

    __slots__ = ("_before", "_index", "_outside")

    def __init__(self, sliding: Sliding) -> None:
        y, y_outside = _coordinates(sliding, 0)
        x, x_outside = _coordinates(sliding, 1)
        outputs = sliding.output_plane[0] * sliding.output_plane[1]
        shape = (outputs, sliding.positions)
        index = y[:, None, :, None] * sliding.plane[1] + x[None, :, None, :]
        outside = y_outside[:, None, :, None] | x_outside[None, :, None, :]
        self._index: IndexArray = index.reshape(shape)
        self._outside: NDArray[np.bool_] = outside.reshape(shape)
        # Plain integers: looked up twice per call, where a NumPy scalar would cost more than the comparison.
        self._before: list[int] = [0, *np.cumsum(self._outside.any(axis=1)).tolist()]

    def inside(self) -> IndexArray:
        """Return how many positions of each output's window lie inside the plane."""
        inside: IndexArray = np.count_nonzero(~self._outside, axis=1).astype(np.int64)
        return inside

    def cut(self, x: FloatArray, first: int, last: int, fill: float) -> FloatArray:
        """Return the windows of outputs ``first..last-1``, [last - first, positions, length], padded with `fill`."""
        patch = x.take(self._index[first:last], axis=0, mode="clip")
        if self._before[last] != self._before[first]:
            patch[self._outside[first:last]] = fill
        return patch


def _coordinates(sliding: Sliding, axis: int) -> tuple[IndexArray, NDArray[np.bool_]]:
    """Input coordinates [outputs, kernel] of an axis, and which of them are padding (their coordinate is then 0)."""
    start = np.arange(sliding.output_plane[axis], dtype=np.int64) * sliding.stride[axis] - sliding.pads[axis]
    coordinate = start[:, None] + np.arange(sliding.kernel[axis], dtype=np.int64)
    outside = (coordinate < 0) | (coordinate >= sliding.plane[axis])
    return np.where(outside, 0, coordinate), outside


@lru_cache(maxsize=256)
def patches(sliding: Sliding) -> Patches:
    """Return the index arrays of a geometry, shared by all layers that have it."""
    return Patches(sliding)
