"""Pooling over a sliding window, which global pooling is with a window of the whole plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np

from aimcsim.ops.base import DigitalKind, FloatArray, TensorShape, Window, check_arity
from aimcsim.ops.sliding import Pads, Sliding, patches


@dataclass(frozen=True, slots=True, eq=False)
class Pool2d(DigitalKind):
    """Largest or mean value of every channel under a sliding window.

    Parameters
    ----------
    sliding : where the window stands on the input.
    mode : `max` (padding never wins) or `average` (the sum runs over kernel positions row by row).
    count_include_pad : whether an average divides by kernel positions on the pads too, or by those inside alone.

    Raises
    ------
    ValueError
        If there is no such mode, or a window lies in padding alone.
    """

    kind: ClassVar[str] = "pool2d"
    sliding: Sliding
    mode: Literal["max", "average"]
    count_include_pad: bool = False

    def __post_init__(self) -> None:
        if self.mode not in ("max", "average"):
            raise ValueError(f"the mode of a pooling is max or average (got {self.mode!r})")
        if not self.sliding.inside().all():
            raise ValueError(f"a window of the pooling lies in padding alone (got {self.sliding})")

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return one vector per window position, with the channels of the input."""
        check_arity(self, inputs)
        if (inputs[0].height, inputs[0].width) != self.sliding.plane:
            raise ValueError(f"pooling was made for a plane of {self.sliding.plane} (got {inputs[0]})")
        return TensorShape(*self.sliding.output_plane, inputs[0].length)

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the pixels under the window."""
        self.output_shape(*inputs)
        return (self.sliding.window(),)

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return the largest or the mean under each window."""
        cutter = patches(self.sliding)
        if self.mode == "max":
            patch = cutter.cut(inputs[0], first, last, -math.inf)
            # The largest is the same in any order but for the sign of zero, which the addition makes positive.
            largest: FloatArray = np.maximum.reduce(patch, axis=1) + np.float32(0)
            return largest
        patch = cutter.cut(inputs[0], first, last, 0.0)
        # A running sum adds one position after the other; np.sum would regroup them by shape.
        total: FloatArray = np.add.accumulate(patch, axis=1)[:, -1]
        return total / _counts(self.sliding, self.sliding.pads if self.count_include_pad else None)[first:last]

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the channels times the kernel positions."""
        return self.sliding.positions * inputs[0].length


@lru_cache(maxsize=256)
def _counts(sliding: Sliding, pads: Pads | None) -> FloatArray:
    """Return what an average divides by, float32 [outputs, 1]: positions inside the input, and on `pads` if given."""
    counts = sliding.inside() if pads is None else sliding.inside(pads)
    return counts.astype(np.float32)[:, None]
