"""Layers in which the elements of a vector see one another: softmax, layer and local response normalisation.

They work along a vector, in float64, so that a result depends neither on the vectors around it nor, in all that float32
keeps, on the instructions in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops.base import FloatArray, TensorShape, check_arity
from aimcsim.ops.elementwise import Elementwise


class AlongVector(Elementwise):
    """A layer whose every output vector depends on all elements of the input vector in its place."""

    __slots__ = ()

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return the vectors."""
        with np.errstate(all="ignore"):
            return self._rows(inputs[0][first:last].astype(np.float64)).astype(np.float32)

    def _rows(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the outputs for the input vectors [n, length]."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Softmax(AlongVector):
    """Exponentials of a vector's elements, over their sum."""

    kind: ClassVar[str] = "softmax"

    def _rows(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        return np.asarray(powers / _running_sum(powers))


@dataclass(frozen=True, slots=True)
class LogSoftmax(AlongVector):
    """Logarithms of the softmax."""

    kind: ClassVar[str] = "log_softmax"

    def _rows(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        below = x - x.max(axis=1, keepdims=True)
        return np.asarray(below - np.log(_running_sum(np.exp(below))))


@dataclass(frozen=True, slots=True, eq=False)
class LayerNorm(AlongVector):
    """A vector less its mean, over the root of its variance, times a factor and plus an offset for each element.

    Parameters
    ----------
    factor, offset : float32 [length].
    epsilon : added to the variance.

    Raises
    ------
    ValueError
        If factor and offset are not float32 of one length.

    Source: the operator LayerNormalization of the ONNX standard.
    """

    kind: ClassVar[str] = "layer_norm"
    factor: FloatArray = field(repr=False)
    offset: FloatArray = field(repr=False)
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if {self.factor.dtype, self.offset.dtype} != {np.dtype(np.float32)}:
            raise ValueError(f"factor and offset must be float32 (got {self.factor.dtype} and {self.offset.dtype})")
        if self.factor.ndim != 1 or self.factor.shape != self.offset.shape:
            raise ValueError(f"factor and offset must be [length] (got {self.factor.shape} and {self.offset.shape})")

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape of the input."""
        check_arity(self, inputs)
        if self.factor.shape != (inputs[0].length,):
            raise ValueError(f"layer_norm was made for vectors of length {len(self.factor)} (got {inputs[0]})")
        return inputs[0]

    def _rows(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        off = x - _running_sum(x) / x.shape[1]
        variance = _running_sum(off * off) / x.shape[1]
        return np.asarray(off / np.sqrt(variance + self.epsilon) * self.factor + self.offset)


@dataclass(frozen=True, slots=True)
class LocalResponse(AlongVector):
    """Every element over a power of the squares of the channels around it, itself included.

    ``y[c] = x[c] / (bias + alpha / size * sum of squares of x[c - (size - 1) // 2 .. c + size // 2]) ** beta``

    Parameters
    ----------
    size : channels that are summed.
    alpha, beta, bias : see above.

    Raises
    ------
    ValueError
        If `size` is not positive.

    Source: the operator LRN of the ONNX standard.
    """

    kind: ClassVar[str] = "local_response"
    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    bias: float = 1.0

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size must be at least 1 (got {self.size})")

    def _rows(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        count, length = x.shape
        size = min(self.size, 2 * length)  # what reaches beyond all channels on both sides adds nothing
        padded = np.zeros((count, length + size - 1))
        padded[:, (size - 1) // 2 : (size - 1) // 2 + length] = x * x
        total = np.zeros_like(x)
        for shift in range(size):
            total += padded[:, shift : shift + length]
        return np.asarray(x / (self.bias + self.alpha / self.size * total) ** self.beta)

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the channels times those that each of them looks at."""
        return inputs[0].length * min(self.size, inputs[0].length)


def _running_sum(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of each row, one element after the other; np.sum would regroup them by shape."""
    return np.add.accumulate(x, axis=1)[:, -1:]
