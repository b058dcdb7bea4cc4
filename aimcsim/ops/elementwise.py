"""Layers that treat every element alone: activations, arithmetic with constants, and of two tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from aimcsim.ops.activation import NO_ACTIVATION, ActivationFunction
from aimcsim.ops.base import DigitalKind, FloatArray, TensorShape, Window, check_arity


@dataclass(frozen=True, slots=True)
class Combine(DigitalKind):
    """Two tensors of one shape, element by element, and the activation of the result.

    One of the two may be a single vector; it then meets every vector of the other, as the gate of a
    squeeze-and-excitation block does.
    """

    ufunc: ClassVar[np.ufunc]
    activation: ActivationFunction = NO_ACTIVATION

    @property
    def arity(self) -> int:
        """Two."""
        return 2

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape of the larger input."""
        check_arity(self, inputs)
        small, large = sorted(inputs, key=lambda shape: shape.vectors)
        if small == large or (small.vectors == 1 and small.length == large.length):
            return large
        raise ValueError(f"{self.kind} takes two inputs of one shape (got {inputs[0]} and {inputs[1]})")

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the vector of the same index, or the only one there is."""
        out = self.output_shape(*inputs)
        shared = Window.shared(out.vectors, out.width)
        return tuple(shared if shape.vectors == 1 else Window.elementwise(shape.vectors) for shape in inputs)

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return the activated results; zeros that `maximum` and `minimum` may choose freely are positive."""
        one, two = (values if len(values) == 1 else values[first:last] for values in inputs)
        with np.errstate(all="ignore"):
            combined: FloatArray = self.ufunc(one, two)
        return self.activation.apply(combined + 0.0 if self.ufunc in {np.maximum, np.minimum} else combined)

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the elements of a vector of each input."""
        return 2 * inputs[0].length


@dataclass(frozen=True, slots=True)
class Add(Combine):
    """Sum of two tensors, such as a residual connection."""

    kind: ClassVar[str] = "add"
    ufunc: ClassVar[np.ufunc] = np.add


@dataclass(frozen=True, slots=True)
class Subtract(Combine):
    """First tensor less the second."""

    kind: ClassVar[str] = "subtract"
    ufunc: ClassVar[np.ufunc] = np.subtract


@dataclass(frozen=True, slots=True)
class Multiply(Combine):
    """Product of two tensors, such as a gate."""

    kind: ClassVar[str] = "multiply"
    ufunc: ClassVar[np.ufunc] = np.multiply


@dataclass(frozen=True, slots=True)
class Divide(Combine):
    """First tensor over the second."""

    kind: ClassVar[str] = "divide"
    ufunc: ClassVar[np.ufunc] = np.divide


@dataclass(frozen=True, slots=True)
class Maximum(Combine):
    """The larger of two tensors."""

    kind: ClassVar[str] = "maximum"
    ufunc: ClassVar[np.ufunc] = np.maximum


@dataclass(frozen=True, slots=True)
class Minimum(Combine):
    """The smaller of two tensors."""

    kind: ClassVar[str] = "minimum"
    ufunc: ClassVar[np.ufunc] = np.minimum


class Elementwise(DigitalKind):
    """A layer of one input whose every output element depends on the input element in its place."""

    __slots__ = ()

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape of the input."""
        check_arity(self, inputs)
        return inputs[0]

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the vector of the same index."""
        return (Window.elementwise(self.output_shape(*inputs).vectors),)

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the elements of one vector."""
        return inputs[0].length


@dataclass(frozen=True, slots=True)
class Activation(Elementwise):
    """An activation on its own, where it could not be made part of the layer before it."""

    kind: ClassVar[str] = "activation"
    function: ActivationFunction

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return the function of each element."""
        return self.function.apply(inputs[0][first:last])


@dataclass(frozen=True, slots=True, eq=False)
class Affine(Elementwise):
    """``x * factor + offset`` with constants, such as a normalisation that no layer before it can take in.

    Parameters
    ----------
    factor, offset : float32 [1, length] for all vectors alike, or [vectors, length].
    activation : of the result.

    Raises
    ------
    ValueError
        If they are not float32 of one shape.
    """

    kind: ClassVar[str] = "affine"
    factor: FloatArray = field(repr=False)
    offset: FloatArray = field(repr=False)
    activation: ActivationFunction = NO_ACTIVATION

    def __post_init__(self) -> None:
        if self.factor.dtype != np.float32 or self.offset.dtype != np.float32:
            raise ValueError(f"factor and offset must be float32 (got {self.factor.dtype} and {self.offset.dtype})")
        if self.factor.ndim != 2 or self.factor.shape != self.offset.shape or not self.factor.size:
            shapes = f"{self.factor.shape} and {self.offset.shape}"
            raise ValueError(f"factor and offset must both be [1 or vectors, length] (got {shapes})")

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape of the input."""
        check_arity(self, inputs)
        rows, length = self.factor.shape
        if length != inputs[0].length or rows not in (1, inputs[0].vectors):
            raise ValueError(f"affine was made for {rows} vectors of length {length} (got {inputs[0]})")
        return inputs[0]

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return the activated results."""
        rows = slice(None) if len(self.factor) == 1 else slice(first, last)
        with np.errstate(all="ignore"):
            return self.activation.apply(inputs[0][first:last] * self.factor[rows] + self.offset[rows])


@dataclass(frozen=True, slots=True, eq=False)
class PRelu(Elementwise):
    """A rectifier that multiplies negative elements by a slope of their own channel.

    Parameters
    ----------
    slope : float32 [length]

    Raises
    ------
    ValueError
        If it is not float32 or has another number of axes.
    """

    kind: ClassVar[str] = "prelu"
    slope: FloatArray = field(repr=False)

    def __post_init__(self) -> None:
        if self.slope.dtype != np.float32 or self.slope.ndim != 1:
            raise ValueError(f"slope must be float32 [length] (got {self.slope.dtype} {self.slope.shape})")

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape of the input."""
        check_arity(self, inputs)
        if self.slope.shape != (inputs[0].length,):
            raise ValueError(f"prelu was made for vectors of length {len(self.slope)} (got {inputs[0]})")
        return inputs[0]

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return the rectified elements."""
        x = inputs[0][first:last]
        return np.where(x < 0, x * self.slope, x) + np.float32(0)
