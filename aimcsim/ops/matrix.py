"""Layers with static weights: convolution by im2col, and the fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from aimcsim.ops.activation import NO_ACTIVATION, ActivationFunction
from aimcsim.ops.base import DigitalKind, FloatArray, MatrixKind, TensorShape, Weight, Window, check_arity
from aimcsim.ops.sliding import Sliding, patches


@dataclass(frozen=True, slots=True, eq=False)
class Conv2d(MatrixKind):
    """Two-dimensional convolution: one matrix-vector product per output pixel and group.

    The channels fall into `groups` equal runs, each with its own K x N matrix; row ``(ky * kernel_width + kx) * C + c``
    of it meets channel c of the group at kernel position (ky, kx). Depthwise is as many groups as channels.

    Parameters
    ----------
    sliding : where the kernel stands on the input.
    weight : float32 [groups, K, N], K = kernel positions * channels of a group.
    bias : float32 [groups * N].
    activation : applied to the biased sums.

    Raises
    ------
    ValueError
        If the arrays' shapes do not fit together.
    """

    kind: ClassVar[str] = "conv2d"
    sliding: Sliding
    weight: Weight = field(repr=False)
    bias: FloatArray = field(repr=False)
    activation: ActivationFunction = NO_ACTIVATION

    def __post_init__(self) -> None:
        _check_arrays(self)
        if self.weight.shape[1] % self.sliding.positions:
            raise ValueError(f"K = {self.weight.shape[1]} is no multiple of {self.sliding.positions} kernel positions")

    @property
    def depthwise(self) -> bool:
        """Whether every output draws on one channel alone, of several."""
        groups, k, _ = self.matrix_shape
        return groups > 1 and k == self.sliding.positions

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return one vector per kernel position on the input, with the channels of all groups."""
        check_arity(self, inputs)
        groups, k, n = self.weight.shape
        expected = TensorShape(*self.sliding.plane, groups * k // self.sliding.positions)
        if inputs[0] != expected:
            raise ValueError(f"conv2d was made for an input of {expected} (got {inputs[0]})")
        return TensorShape(*self.sliding.output_plane, groups * n)

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the pixels under the kernel."""
        self.output_shape(*inputs)
        return (self.sliding.window(),)

    def gather(self, x: FloatArray, first: int, last: int) -> FloatArray:
        """Return the im2col rows, zero where the kernel lies in padding."""
        patch = patches(self.sliding).cut(x, first, last, 0.0)
        count, positions, channels = patch.shape
        groups = self.weight.shape[0]
        if groups > 1:
            patch = patch.reshape(count, positions, groups, channels // groups).swapaxes(1, 2)
        return patch.reshape(count, positions * channels)


@dataclass(frozen=True, slots=True, eq=False)
class Depthwise(DigitalKind):
    """A depthwise convolution on a digital engine, which holds its weights, instead of on crossbars.

    Parameters
    ----------
    convolution : what it computes; `depthwise`.
    """

    kind: ClassVar[str] = "conv2d"
    convolution: Conv2d

    @property
    def weights(self) -> int:
        """Weights of all kernels."""
        return self.convolution.weights

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return that of the convolution."""
        return self.convolution.output_shape(*inputs)

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the pixels under the kernel."""
        return self.convolution.windows(*inputs)

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return the convolution in float32, kernel position after kernel position."""
        groups, k, n = self.convolution.matrix_shape
        rows = self.convolution.gather(inputs[0], first, last).reshape(last - first, groups, k, 1)
        products = rows * np.asarray(self.convolution.weight)
        sums = np.add.accumulate(products, axis=2)[:, :, -1]
        return self.convolution.finish(sums.reshape(last - first, groups * n), first, last)

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the multiply-accumulates, which are the weights of all kernels."""
        self.convolution.output_shape(*inputs)
        return self.weights


@dataclass(frozen=True, slots=True, eq=False)
class Linear(MatrixKind):
    """Fully connected layer: one matrix-vector product over all elements of the input, in its own order.

    Parameters
    ----------
    weight : float32 [1, K, N], K = elements of the input (row-major over height, width, length).
    bias : float32 [N].
    activation : applied to the biased sums.

    Raises
    ------
    ValueError
        If the arrays' shapes do not fit together.
    """

    kind: ClassVar[str] = "linear"
    weight: Weight = field(repr=False)
    bias: FloatArray = field(repr=False)
    activation: ActivationFunction = NO_ACTIVATION

    def __post_init__(self) -> None:
        _check_arrays(self)
        if self.weight.shape[0] != 1:
            raise ValueError(f"a linear layer has one group (got {self.weight.shape[0]})")

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return one vector of N elements."""
        check_arity(self, inputs)
        _, k, n = self.weight.shape
        if inputs[0].elements != k:
            raise ValueError(f"linear was made for {k} input elements (got {inputs[0]})")
        return TensorShape(1, 1, n)

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the whole input."""
        self.output_shape(*inputs)
        return (Window.whole(inputs[0].vectors),)

    def gather(self, x: FloatArray, first: int, last: int) -> FloatArray:
        """Return the input flattened, as the only row."""
        return x.reshape(1, -1)[first:last]


def _check_arrays(op: MatrixKind) -> None:
    """Raise ValueError unless weight and bias are float32 of shapes that belong together."""
    weight, bias = op.weight, op.bias
    if weight.dtype != np.float32 or bias.dtype != np.float32:
        raise ValueError(f"weight and bias must be float32 (got {weight.dtype} and {bias.dtype})")
    if weight.ndim != 3 or min(weight.shape) < 1:
        raise ValueError(f"weight must be [groups, K, N] (got shape {weight.shape})")
    if bias.shape != (weight.shape[0] * weight.shape[2],):
        raise ValueError(f"bias must have {weight.shape[0] * weight.shape[2]} elements (got shape {bias.shape})")
