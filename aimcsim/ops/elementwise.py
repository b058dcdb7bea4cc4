"""Layers that treat every element alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from aimcsim.ops.activation import NO_ACTIVATION, ActivationFunction
from aimcsim.ops.base import DigitalKind, FloatArray, TensorShape, Window, check_arity


@dataclass(frozen=True, slots=True)
class Add(DigitalKind):
    """Sum of two tensors of one shape, such as a residual connection, and the activation of the sum."""

    kind: ClassVar[str] = "add"
    arity: ClassVar[int] = 2
    activation: ActivationFunction = NO_ACTIVATION

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape that both inputs have."""
        check_arity(self, inputs)
        if inputs[0] != inputs[1]:
            raise ValueError(f"add takes two inputs of one shape (got {inputs[0]} and {inputs[1]})")
        return inputs[0]

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the vector of the same index, of both inputs."""
        return (Window.elementwise(self.output_shape(*inputs).vectors),) * 2

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return the activated sum."""
        return self.activation.apply(inputs[0][first:last] + inputs[1][first:last])

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the elements of a vector of each input."""
        return 2 * inputs[0].length


@dataclass(frozen=True, slots=True)
class Activation(DigitalKind):
    """An activation on its own, where it could not be made part of the layer before it."""

    kind: ClassVar[str] = "activation"
    function: ActivationFunction

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape of the input."""
        check_arity(self, inputs)
        return inputs[0]

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the vector of the same index."""
        return (Window.elementwise(self.output_shape(*inputs).vectors),)

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return the function of each element."""
        return self.function.apply(inputs[0][first:last])

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the elements of one vector."""
        return inputs[0].length
