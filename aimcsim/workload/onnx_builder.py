"""The state of an ONNX import: which of our tensors each ONNX tensor is, and the layers built so far.

ONNX tensors are tracked as *views* (`onnx_view`). A layer that needs its input in a certain order either finds it so,
absorbs the order into its weights, or has a `Reshape` or `Gather` put before it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops import (
    NO_ACTIVATION,
    Activation,
    ActivationFunction,
    Affine,
    Combine,
    Conv2d,
    FloatArray,
    Gather,
    IndexArray,
    LayerKind,
    Linear,
    Reshape,
    TensorShape,
)
from aimcsim.workload.graph import Layer
from aimcsim.workload.onnx_view import IMAGE, SHARED, UnsupportedNodeError, View

MOST_ELEMENTS = 2**27
"""Elements of one request that a tensor between layers may have: half a gigabyte as float32."""
MOST_MOVED = 2**22
"""Elements that a layer may move one by one: each has its place in an index."""
Doubles = NDArray[np.float64]
Pads = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Node:
    """What the importer needs of an ONNX node, and the opset it is of."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    opset: int

    def input(self, position: int) -> str:
        """Return the name of an input, empty if it is left out."""
        return self.inputs[position] if position < len(self.inputs) else ""

    def ints(self, name: str, default: Sequence[int]) -> list[int]:
        """Return an attribute that is a list of integers."""
        return [int(value) for value in self.attributes.get(name, default)]

    def number(self, name: str, default: float) -> float:
        """Return an attribute that is a number."""
        return float(self.attributes.get(name, default))

    def whole(self, name: str, default: int) -> int:
        """Return an attribute that is an integer."""
        return int(self.attributes.get(name, default))

    def text(self, name: str, default: str) -> str:
        """Return an attribute that is a text."""
        value = self.attributes.get(name, default)
        return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


class Builder:
    """Layers, views and constants while the nodes of a graph are walked in order."""

    def __init__(self, constants: dict[str, NDArray[Any]], uses: Counter[str], batch: int) -> None:
        self.constants = constants
        self.uses = uses
        self.batch = batch
        """The declared batch size, 0 if it is open."""
        self.views: dict[str, View] = {}
        self.padded: dict[str, tuple[View, Pads]] = {}
        """Images with zeros around them that the next layer may take as its own padding."""
        self.fed: dict[str, str] = {}
        """By the name of an activation that is a layer, the ONNX tensor that its node takes."""
        self.shapes: dict[str, TensorShape] = {}
        self.layers: dict[str, Layer] = {}
        self._moves: defaultdict[tuple[str, TensorShape], dict[str, Gather]] = defaultdict(dict)

    def view(self, tensor: str) -> View:
        """Return the view of a tensor that depends on the network's inputs."""
        if tensor in self.padded:
            view, (top, left, bottom, right) = self.padded.pop(tensor)
            widths = ((0, 0), (top, bottom), (left, right))
            self.views[tensor] = self.gathered(view, np.pad(view.index, widths, constant_values=-1))
        if tensor in self.views:
            return self.views[tensor]
        raise UnsupportedNodeError(f"its input `{tensor}` is a constant")

    def constant(self, tensor: str) -> NDArray[Any]:
        """Return the value of a constant tensor."""
        if tensor in self.constants:
            return self.constants[tensor]
        raise UnsupportedNodeError(f"its input `{tensor}` is not a constant")

    def integers(self, tensor: str) -> list[int]:
        """Return a constant list of integers."""
        return [int(value) for value in self.constant(tensor).reshape(-1).tolist()]

    def bind(self, node: Node, view: View, output: int = 0) -> None:
        """Make `view` an output of the node."""
        tensor = node.outputs[output]
        self.views[tensor] = replace(view, takers=self.uses[tensor] if view.takers == 1 else SHARED)

    def bind_padded(self, node: Node, view: View, pads: Pads) -> None:
        """Make an image [C, H, W] with zeros around it the node's output."""
        self.padded[node.outputs[0]] = (view, pads)

    def add(self, node: Node, op: LayerKind, *sources: str) -> str:
        """Append a layer that computes `op` and return its name."""
        return self._append(self._layer_name(node), op, sources)

    def computed(self, node: Node, op: LayerKind, view: View) -> View:
        """Append a layer of one input that leaves shape and order as they are; return the view of its output."""
        name = self.add(node, op, view.source)
        return replace(view, source=name, tensor=self.shapes[name], takers=1)

    def whole(self, name: str, axes: str) -> View:
        """Return the view of a layer's whole output along `axes`."""
        return View.of(name, self.shapes[name], axes)

    def _append(self, name: str, op: LayerKind, sources: Sequence[str]) -> str:
        try:
            shape = op.output_shape(*(self.shapes[source] for source in sources))
        except ValueError as error:
            raise UnsupportedNodeError(str(error)) from None
        if shape.elements > MOST_ELEMENTS:
            raise UnsupportedNodeError(f"its output has {shape.elements} elements, more than {MOST_ELEMENTS}")
        self.layers[name] = Layer(name, op, tuple(sources), shape)
        self.shapes[name] = shape
        return name

    def gathered(self, view: View, index: IndexArray, fill: float = 0.0) -> View:
        """Return the view of a new layer whose elements are those of `view.source` at `index`, -1 being `fill`."""
        if index.size > MOST_MOVED:
            raise UnsupportedNodeError(f"it would move {index.size} elements; at most {MOST_MOVED} are possible")
        axes = {1: "C", 2: "WC", 3: IMAGE}.get(index.ndim, "")
        if not axes:
            flat = self.gathered(view, index.reshape(-1), fill)
            return flat.moved(flat.index.reshape(index.shape))
        ours = index.transpose(1, 2, 0) if index.ndim == 3 else index
        shape = TensorShape(*(1,) * (3 - index.ndim), *ours.shape)
        name = self._append(self._free(f"{view.source}.layout"), Gather(shape, ours.flatten(), fill), [view.source])
        return self.whole(name, axes)

    def settled(self, view: View) -> View:
        """Return a view of a whole tensor with the same elements, picked by a layer if need be."""
        return view if view.whole else self.gathered(view, view.index)

    def rearranged(self, view: View, shape: TensorShape, order: IndexArray) -> str:
        """Return a tensor whose elements are those of `view.source` at `order`; `view.source` itself if it is that."""
        flat = order.reshape(-1)
        if self.shapes[view.source] == shape and np.array_equal(flat, np.arange(shape.elements)):
            return view.source
        if flat.size > MOST_MOVED:
            raise UnsupportedNodeError(f"it would move {flat.size} elements; at most {MOST_MOVED} are possible")
        known = self._moves[view.source, shape]
        for name, move in known.items():
            if np.array_equal(move.index, flat):
                return name
        move = (Reshape if view.whole else Gather)(shape, flat.copy())
        name = self._append(self._free(f"{view.source}.layout"), move, [view.source])
        known[name] = move
        return name

    def straight(self, view: View) -> View:
        """Return a view of the same elements in a tensor of their own order; of one long vector if it has many axes."""
        shape = view.shape
        if len(shape) == 3:
            return View.of(self.image(view), TensorShape(shape[1], shape[2], shape[0]), IMAGE)
        if len(shape) > 3:
            tensor = TensorShape(1, 1, view.elements)
            own = np.arange(view.elements, dtype=np.int64).reshape(shape)
            return View(self.rearranged(view, tensor, view.index), tensor, shape, given=own)
        tensor = TensorShape(*(1,) * (3 - len(shape)), *shape)
        return View.of(self.rearranged(view, tensor, view.index), tensor, "WC"[-len(shape) :])

    def image(self, view: View) -> str:
        """Return the tensor [height, width, channels] that a view [C, H, W] is, rearranged if need be."""
        if len(view.shape) != 3:
            raise UnsupportedNodeError(f"its input must be [n, C, H, W] (got {len(view.shape) + 1} axes)")
        if view.axes == IMAGE:
            return view.source
        channels, height, width = view.shape
        return self.rearranged(view, TensorShape(height, width, channels), view.index.transpose(1, 2, 0))

    def activate(self, node: Node, function: ActivationFunction, view: View | None = None) -> None:
        """Apply `function` to the node's input (or `view`), inside the layer that made it if nobody else sees that."""
        view = self.view(node.inputs[0]) if view is None else view
        if function == NO_ACTIVATION:
            self.bind(node, view)
        elif view.sole and self.takes_activation(view.source):
            self.absorb(view.source, function)
            self.bind(node, view)
        else:
            result = self.computed(node, Activation(function), self.settled(view))
            self.fed[result.source] = node.inputs[0]
            self.bind(node, result)

    def takes_activation(self, name: str) -> bool:
        """Whether a layer can apply an activation to its output and has none yet."""
        op = self.layers[name].op if name in self.layers else None
        return isinstance(op, Conv2d | Linear | Combine | Affine) and op.activation == NO_ACTIVATION

    def absorb(self, name: str, function: ActivationFunction) -> None:
        """Make an activation part of a layer that takes one."""
        layer: Any = self.layers[name]
        self.layers[name] = replace(layer, op=replace(layer.op, activation=function))

    def drop(self, name: str) -> None:
        """Forget a layer whose output nobody sees any more."""
        del self.layers[name], self.shapes[name]

    def fold(self, node: Node, view: View, scale: NDArray[Any], shift: NDArray[Any]) -> View:
        """Return the view of ``x * scale + shift``, made part of the layer that produced x if nobody else sees that.

        `scale` and `shift` broadcast to the view's shape, with the batch axis before it. What differs between the
        vectors of our tensor cannot be part of weights and becomes a layer, as does what follows anything but weights.
        """
        scale, shift = (self.of_sample(array.astype(np.float64), len(view.shape)) for array in (scale, shift))
        try:
            shape = np.broadcast_shapes((1, *view.shape), scale.shape, shift.shape)
        except ValueError:
            raise UnsupportedNodeError(f"a constant of shape {max(scale.shape, shift.shape)} does not fit") from None
        if shape[0] != 1 or len(shape) != len(view.shape) + 1:
            raise UnsupportedNodeError(f"a constant of shape {max(scale.shape, shift.shape)} gives its input axes")
        view = self.settled(view.broadcast(shape[1:]))
        factor, offset = _collapsed(self.of_vectors(view, scale)), _collapsed(self.of_vectors(view, shift))
        if (stored(factor) == 1).all() and not stored(offset).any():
            return view
        layer = self.layers.get(view.source)
        if view.sole and layer and self.takes_activation(layer.name) and not isinstance(layer.op, Combine):
            if isinstance(layer.op, Affine):
                op = Affine(*_as_affine(layer.op.factor * factor, layer.op.offset * factor + offset))
                return self._replaced(view, layer, op)
            if len(factor) == len(offset) == 1:
                return self._replaced(view, layer, _scaled(layer.op, factor, offset))
        return self.computed(node, Affine(*_as_affine(factor, offset)), view)

    def _replaced(self, view: View, layer: Layer, op: LayerKind) -> View:
        self.layers[layer.name] = replace(layer, op=op)
        return view

    def of_sample(self, array: Doubles, axes: int) -> Doubles:
        """Return a constant for one sample of a batch that has the same for all."""
        if not np.isfinite(stored(array)).all():
            raise UnsupportedNodeError("its constants are not finite")
        if array.ndim == axes + 1 and len(array) == self.batch > 1 and (array == array[:1]).all():
            return array[:1]
        return array

    def of_vectors(self, view: View, array: Doubles) -> Doubles:
        """Return what `array` has for each element of our tensor, [vectors, length], or [1, length] if all agree."""
        tensor = view.tensor
        array = array.reshape((1,) * (len(view.shape) + 1 - array.ndim) + array.shape)[0]
        if array.size == 1:
            return spread(array.reshape(1, 1), (1, tensor.length))
        if view.axes:
            sizes = dict.fromkeys("HWC", 1) | dict(zip(view.axes, array.shape, strict=True))
            ours = array.transpose([view.axes.index(axis) for axis in "HWC" if axis in view.axes])
            ours = ours.reshape([sizes[axis] for axis in "HWC"])
            if sizes["H"] == sizes["W"] == 1:
                return np.broadcast_to(ours.reshape(1, -1), (1, tensor.length))
            image = np.broadcast_to(ours, (tensor.height, tensor.width, tensor.length))
            rows = image.reshape(tensor.vectors, tensor.length)
        else:
            flat = np.empty(tensor.elements)
            flat[view.index] = np.broadcast_to(array, view.shape)
            rows = flat.reshape(tensor.vectors, tensor.length)
        return rows[:1] if (rows == rows[0]).all() else rows

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


def stored(array: NDArray[Any]) -> NDArray[Any]:
    """Return the part of a broadcast array that memory holds: its repeated axes cut to one."""
    return array[tuple(slice(1) if stride == 0 else slice(None) for stride in array.strides)]


def spread(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an array repeated to `shape` without taking memory for it."""
    return array if array.shape == shape else np.broadcast_to(array, shape)


def _collapsed(array: Doubles) -> Doubles:
    """Return an array of one repeated number as that."""
    return spread(array[:1, :1], array.shape) if (stored(array) == array[0, 0]).all() else array


def _scaled(op: Any, factor: Doubles, offset: Doubles) -> LayerKind:
    """Return a matrix layer with its outputs scaled and shifted; weights that are one repeated number stay that."""
    groups, k, n = op.matrix_shape
    weight = stored(np.asarray(op.weight)) * stored(factor.reshape(groups, 1, n))
    bias = stored(op.bias) * stored(factor[0]) + stored(offset[0])
    scaled: LayerKind = replace(
        op,
        weight=spread(weight.astype(np.float32), (groups, k, n)),
        bias=spread(bias.astype(np.float32), (groups * n,)),
    )
    return scaled


def _as_affine(factor: Doubles, offset: Doubles) -> tuple[FloatArray, FloatArray]:
    shape = np.broadcast_shapes(factor.shape, offset.shape)
    one, two = (np.broadcast_to(array, shape).astype(np.float32) for array in (factor, offset))
    return one, two
