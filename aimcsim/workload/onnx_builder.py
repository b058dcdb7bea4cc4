"""The state of an ONNX import: which of our tensors each ONNX tensor is, and the layers built so far.

ONNX tensors are tracked as *views*: for each element the position in one of our tensors. Reshape, Transpose, Flatten
and the like only rearrange a view, so they cost no layer; a layer that needs its input in a certain order either finds
it so, absorbs the order into its weights, or has a `Reshape` put before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops import (
    NO_ACTIVATION,
    Activation,
    ActivationFunction,
    Add,
    Conv2d,
    FloatArray,
    IndexArray,
    LayerKind,
    Linear,
    Reshape,
    TensorShape,
)
from aimcsim.workload.graph import Layer


class UnsupportedNodeError(Exception):
    """The node at hand cannot be imported; the message says why. Never leaves the importer."""


@dataclass(frozen=True, slots=True)
class Node:
    """What the importer needs of an ONNX node."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    def input(self, position: int) -> str:
        """Return the name of an input, empty if it is left out."""
        return self.inputs[position] if position < len(self.inputs) else ""

    def ints(self, name: str, default: Sequence[int]) -> list[int]:
        """Return an attribute that is a list of integers."""
        return [int(value) for value in self.attributes.get(name, default)]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """An ONNX tensor as elements of one of ours.

    Attributes
    ----------
    source : name of our tensor.
    index : for each element of the ONNX tensor (without its batch axis) the position in our tensor.
    sole : whether nothing else sees the source, so that a layer may still be folded into it.
    """

    source: str
    index: IndexArray
    sole: bool = True


class Builder:
    """Layers, views and constants while the nodes of a graph are walked in order."""

    def __init__(self, constants: dict[str, NDArray[Any]], uses: Counter[str], batch: int) -> None:
        self.constants = constants
        self.uses = uses
        self.batch = batch
        """The declared batch size, 0 if it is open."""
        self.views: dict[str, View] = {}
        self.shapes: dict[str, TensorShape] = {}
        self.layers: dict[str, Layer] = {}

    def view(self, tensor: str) -> View:
        """Return the view of a tensor that depends on the network's inputs."""
        if tensor in self.views:
            return self.views[tensor]
        raise UnsupportedNodeError(f"its input `{tensor}` is a constant")

    def constant(self, tensor: str) -> NDArray[Any]:
        """Return the value of a constant tensor."""
        if tensor in self.constants:
            return self.constants[tensor]
        raise UnsupportedNodeError(f"its input `{tensor}` is not a constant")

    def bind(self, node: Node, view: View) -> None:
        """Make `view` the node's output."""
        tensor = node.outputs[0]
        self.views[tensor] = replace(view, sole=view.sole and self.uses[tensor] == 1)

    def add(self, node: Node, op: LayerKind, sources: Sequence[str]) -> str:
        """Append a layer that computes `op` and return its name."""
        return self._append(self._layer_name(node), op, sources)

    def _append(self, name: str, op: LayerKind, sources: Sequence[str]) -> str:
        try:
            shape = op.output_shape(*(self.shapes[source] for source in sources))
        except ValueError as error:
            raise UnsupportedNodeError(str(error)) from None
        self.layers[name] = Layer(name, op, tuple(sources), shape)
        self.shapes[name] = shape
        return name

    def rearranged(self, view: View, shape: TensorShape, order: IndexArray) -> str:
        """Return a tensor whose elements are those of `view.source` at `order`; `view.source` itself if it is that."""
        flat = order.reshape(-1)
        if self.shapes[view.source] == shape and np.array_equal(flat, np.arange(len(flat))):
            return view.source
        return self._append(self._free(f"{view.source}.layout"), Reshape(shape, flat.copy()), [view.source])

    def image(self, view: View) -> str:
        """Return the tensor [height, width, channels] that a view [C, H, W] is, rearranged if need be."""
        if view.index.ndim != 3:
            raise UnsupportedNodeError(f"its input must be [n, C, H, W] (got {view.index.ndim + 1} axes)")
        channels, height, width = view.index.shape
        return self.rearranged(view, TensorShape(height, width, channels), view.index.transpose(1, 2, 0))

    def activate(self, node: Node, function: ActivationFunction) -> None:
        """Apply `function` to the node's input, inside the layer that produced it if nobody else sees that."""
        view = self.view(node.inputs[0])
        layer = self.layers.get(view.source)
        if view.sole and layer and isinstance(layer.op, Conv2d | Linear | Add) and layer.op.activation == NO_ACTIVATION:
            self.layers[layer.name] = replace(layer, op=replace(layer.op, activation=function))
            self.bind(node, view)
        else:
            self.bind(node, View(self.add(node, Activation(function), [view.source]), view.index))

    def fold(self, node: Node, view: View, scale: NDArray[Any], shift: NDArray[Any]) -> None:
        """Fold ``x * scale + shift`` into the weights of the layer that produced the view.

        `scale` and `shift` broadcast to the view's shape and must be the same for all vectors of our tensor.
        """
        layer = self.layers.get(view.source)
        if not (view.sole and layer and isinstance(layer.op, Conv2d | Linear) and layer.op.activation == NO_ACTIVATION):
            raise UnsupportedNodeError("there is no Conv, Gemm or MatMul right before it to fold it into")
        factor, offset = self._per_channel(view, scale), self._per_channel(view, shift)
        groups, _, n = layer.op.matrix_shape
        weight: FloatArray = (layer.op.weight * factor.reshape(groups, 1, n)).astype(np.float32)
        bias: FloatArray = (layer.op.bias * factor + offset).astype(np.float32)
        self.layers[layer.name] = replace(layer, op=replace(layer.op, weight=weight, bias=bias))
        self.bind(node, view)

    def _per_channel(self, view: View, array: NDArray[Any]) -> NDArray[np.float64]:
        """Return the values that `array` has for each element of a vector, if all vectors agree."""
        if not np.isfinite(array).all():
            raise UnsupportedNodeError("its constants are not finite")
        shape = self.shapes[view.source]
        flat = np.empty(shape.elements)
        try:
            flat[view.index] = np.broadcast_to(array, (1, *view.index.shape))[0]
        except ValueError:
            raise UnsupportedNodeError(f"a constant of shape {array.shape} does not fit its input") from None
        rows = flat.reshape(shape.vectors, shape.length)
        if not (rows == rows[0]).all():
            raise UnsupportedNodeError("its constant differs from pixel to pixel")
        channel: NDArray[np.float64] = rows[0]
        return channel

    def _layer_name(self, node: Node) -> str:
        """Return the node's name without its operator, as exporters append it (`/block1/conv/Conv`)."""
        full = node.name.strip("/") or node.outputs[0]
        scope, _, last = full.rpartition("/")
        return self._free(scope if scope and last == node.op and scope not in self.shapes else full)

    def _free(self, name: str) -> str:
        candidate, number = name, 2
        while candidate in self.shapes:
            candidate, number = f"{name}_{number}", number + 1
        return candidate
