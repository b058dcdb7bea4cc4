"""A window that slides over a plane of vectors: the geometry that convolution and pooling share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops.base import FloatArray, IndexArray, Window

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]


MOST_POSITIONS = 2**28
"""Kernel positions over all outputs that a window may have; what is more is a mistake in a file."""
MOST_POSITIONS_OF_AN_AXIS = 2**22
"""The same along one axis, where they are all looked at when a network is loaded."""


@dataclass(frozen=True, slots=True)
class Sliding:
    """Where a kernel stands on its input plane for every output position.

    Parameters
    ----------
    plane : (height, width)
        Input positions, in vectors.
    kernel, stride : (vertical, horizontal)
    pads : (top, left, bottom, right)
        Positions added around the plane. Less than the kernel's extent on each side.
    dilation : (vertical, horizontal)
        Distance of neighbouring kernel positions on the plane.
    overhang : (vertical, horizontal)
        Positions beyond the bottom and right pads that the last windows reach into; see `rounded_up`.

    Raises
    ------
    ValueError
        If a size is not positive, a pad is negative or not below the kernel's extent, the kernel exceeds the padded
        plane, every window lies in padding alone, or there are more than `MOST_POSITIONS`.
    """

    plane: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    pads: Pads = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    overhang: Pair = (0, 0)

    def __post_init__(self) -> None:
        if min(*self.kernel, *self.stride, *self.dilation) < 1:
            given = f"{self.kernel}, {self.stride} and {self.dilation}"
            raise ValueError(f"kernel, stride and dilation must be at least 1 (got {given})")
        for axis, name in enumerate(("height", "width")):
            before, after, extent = self.pads[axis], self.pads[axis + 2], self.extent[axis]
            if not 0 <= min(before, after) <= max(before, after) < extent:
                raise ValueError(f"pads must be 0 or more and below the kernel (got {self.pads} for {self.extent})")
            padded = self.plane[axis] + before + after
            if padded < extent:
                raise ValueError(f"a kernel of {name} {extent} does not fit an input of {name} {padded}")
        positions = [outputs * taps for outputs, taps in zip(self.output_plane, self.kernel, strict=True)]
        if max(positions) > MOST_POSITIONS_OF_AN_AXIS or positions[0] * positions[1] > MOST_POSITIONS:
            raise ValueError(f"a kernel of {self.kernel} at {self.output_plane} positions is too large")
        if not all(self._taps(axis)[1].any() for axis in (0, 1)):
            raise ValueError(f"every window lies in padding alone (got {self})")

    @classmethod
    def rounded_up(
        cls, plane: Pair, kernel: Pair, stride: Pair = (1, 1), pads: Pads = (0, 0, 0, 0), dilation: Pair = (1, 1)
    ) -> Sliding:
        """Return the window with an output more on an axis where the last stride is begun and not finished.

        A window that would begin behind the plane is left out. This is `ceil_mode` of ONNX and of PyTorch.
        """
        down = cls(plane, kernel, stride, pads, dilation)
        overhang = [0, 0]
        for axis in (0, 1):
            left_out = plane[axis] + pads[axis] + pads[axis + 2] - down.extent[axis]
            begin = down.output_plane[axis] * stride[axis]
            if left_out % stride[axis] and begin < plane[axis] + pads[axis]:
                overhang[axis] = begin - left_out
        return replace(down, overhang=(overhang[0], overhang[1]))

    @property
    def extent(self) -> Pair:
        """Positions from the first to the last of the kernel, those between included."""
        height, width = ((self.kernel[a] - 1) * self.dilation[a] + 1 for a in (0, 1))
        return height, width

    @property
    def output_plane(self) -> Pair:
        """Output positions (height, width)."""
        height, width = (
            (self.plane[a] + self.pads[a] + self.pads[a + 2] + self.overhang[a] - self.extent[a]) // self.stride[a] + 1
            for a in (0, 1)
        )
        return height, width

    @property
    def positions(self) -> int:
        """Kernel positions, padding included."""
        return self.kernel[0] * self.kernel[1]

    def inside(self, pads: Pads = (0, 0, 0, 0)) -> IndexArray:
        """Return how many kernel positions of each output lie on the plane or on `pads` around it."""
        rows, columns = (self._taps(axis, pads)[1].sum(axis=1) for axis in (0, 1))
        counts: IndexArray = (rows[:, None] * columns[None, :]).ravel().astype(np.int64)
        return counts

    @lru_cache(maxsize=256)  # noqa: B019 - what it keeps are small frozen values
    def window(self) -> Window:
        """Return the receptive fields over the plane's vectors in row-major order; the same object for equal ones."""
        (top, bottom, rows, _), (left, right, _, columns) = self._extremes(0), self._extremes(1)
        width = self.plane[1]
        lowest = top[:, None] * width + left[None, :]
        highest = bottom[:, None] * width + right[None, :]
        fresh = rows[:, None] * columns[None, :]
        return Window.from_extremes(lowest.ravel(), highest.ravel(), fresh.ravel(), self.plane[0] * width)

    def _extremes(self, axis: int) -> tuple[IndexArray, IndexArray, IndexArray, IndexArray]:
        """Return, for every output coordinate of an axis, the first and the last input coordinate that it requires.

        And how many these are, and how many of them the output before did not require. Where a window lies in padding
        alone, it waits for the coordinate nearest to its beginning.
        """
        coordinate, inside = self._taps(axis)
        nearest = np.clip(coordinate[:, 0], 0, self.plane[axis] - 1)
        some = inside.any(axis=1)
        first = np.where(some, np.where(inside, coordinate, self.plane[axis]).min(axis=1), nearest)
        last = np.where(some, np.where(inside, coordinate, -1).max(axis=1), nearest)
        steps, between = divmod(self.stride[axis], self.dilation[axis])
        # The window before covers a coordinate too if a whole number of dilations leads from one to the other.
        seen = np.arange(self.kernel[axis]) + steps < self.kernel[axis] if between == 0 else np.zeros(1, bool)
        new = inside & ~(seen & (np.arange(len(inside)) > 0)[:, None])
        return first, last, inside.sum(axis=1), new.sum(axis=1)

    def _taps(self, axis: int, pads: Pads = (0, 0, 0, 0)) -> tuple[IndexArray, NDArray[np.bool_]]:
        """Return input coordinates [outputs, kernel] of an axis, and which lie on the plane or on `pads` around it."""
        start = np.arange(self.output_plane[axis], dtype=np.int64) * self.stride[axis] - self.pads[axis]
        coordinate = start[:, None] + np.arange(self.kernel[axis], dtype=np.int64) * self.dilation[axis]
        return coordinate, (coordinate >= -pads[axis]) & (coordinate < self.plane[axis] + pads[axis + 2])

    def coordinates(self, axis: int) -> tuple[IndexArray, NDArray[np.bool_]]:
        """Return input coordinates [outputs, kernel] of an axis, and which are outside (their coordinate is then 0)."""
        coordinate, inside = self._taps(axis)
        return np.where(inside, coordinate, 0), ~inside


class Patches:
    """Index arrays that cut the window of any output out of an input tensor with one NumPy call."""

    __slots__ = ("_before", "_index", "_outside")

    def __init__(self, sliding: Sliding) -> None:
        y, y_outside = sliding.coordinates(0)
        x, x_outside = sliding.coordinates(1)
        outputs = sliding.output_plane[0] * sliding.output_plane[1]
        shape = (outputs, sliding.positions)
        index = y[:, None, :, None] * sliding.plane[1] + x[None, :, None, :]
        outside = y_outside[:, None, :, None] | x_outside[None, :, None, :]
        self._index: IndexArray = index.reshape(shape)
        self._outside: NDArray[np.bool_] = outside.reshape(shape)
        # Plain integers: looked up twice per call, where a NumPy scalar would cost more than the comparison.
        self._before: list[int] = [0, *np.cumsum(self._outside.any(axis=1)).tolist()]

    def cut(self, x: FloatArray, first: int, last: int, fill: float) -> FloatArray:
        """Return the windows of outputs ``first..last-1``, [last - first, positions, length], padded with `fill`."""
        patch = x.take(self._index[first:last], axis=0, mode="clip")
        if self._before[last] != self._before[first]:
            patch[self._outside[first:last]] = fill
        return patch


@lru_cache(maxsize=256)
def patches(sliding: Sliding) -> Patches:
    """Return the index arrays of a geometry, shared by all layers that have it."""
    return Patches(sliding)
