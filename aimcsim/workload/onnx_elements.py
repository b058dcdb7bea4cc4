"""ONNX operators that treat elements or vectors where they stand: activations, arithmetic, normalisation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops import (
    CURVES,
    NO_ACTIVATION,
    RELU,
    Activation,
    ActivationFunction,
    Add,
    Combine,
    Divide,
    LayerKind,
    LocalResponse,
    Maximum,
    Multiply,
    PRelu,
    Subtract,
    TensorShape,
    clip,
    curve,
)
from aimcsim.workload.onnx_builder import Builder, Node
from aimcsim.workload.onnx_view import UnsupportedNodeError, View

Handler = Callable[[Builder, Node], None]
GATES = {
    curve("sigmoid"): curve("silu"),
    curve("hard_sigmoid", float(np.float32(1 / 6)), 0.5): curve("hard_swish"),
    curve("hard_sigmoid", 1 / 6, 0.5): curve("hard_swish"),
}
"""What ``x * gate(x)`` is."""


def relu(b: Builder, node: Node) -> None:
    """Relu."""
    b.activate(node, RELU)


def clip_(b: Builder, node: Node) -> None:
    """Clip, with its limits as attributes or as inputs."""
    low, high = (
        float(b.constant(node.input(i)).reshape(())) if node.input(i) else node.number(name, limit)
        for i, name, limit in ((1, "min", -math.inf), (2, "max", math.inf))
    )
    b.activate(node, _limits(low, high))


def _limits(low: float, high: float) -> ActivationFunction:
    if (low, high) == (-math.inf, math.inf):
        return NO_ACTIVATION
    return RELU if (low, high) == (0, math.inf) else clip(low, high)


def activation(name: str, *attributes: str) -> Handler:
    """Return the handler of a curve whose parameters are these attributes."""

    def convert(b: Builder, node: Node) -> None:
        defaults = CURVES[name].defaults
        given = [node.number(one, default) for one, default in zip(attributes, defaults, strict=True)]
        b.activate(node, curve(name, *given))

    return convert


def gelu(b: Builder, node: Node) -> None:
    """Gelu, exact or by its approximation."""
    b.activate(node, curve("gelu_tanh" if node.text("approximate", "none") == "tanh" else "gelu"))


def swish(b: Builder, node: Node) -> None:
    """Swish of slope 1."""
    if node.number("alpha", 1.0) != 1:
        raise UnsupportedNodeError(f"only alpha = 1 is supported (got {node.number('alpha', 1.0):g})")
    b.activate(node, curve("silu"))


def power(b: Builder, node: Node) -> None:
    """Pow with a constant exponent of 0.5, 1 or 2."""
    exponent = b.constant(node.input(1))
    value = float(exponent.reshape(-1)[0]) if exponent.size == 1 else math.nan
    if value == 2:
        view = b.view(node.input(0))
        b.bind(node, _combined(b, node, Multiply, view, view))
    elif value in (0.5, 1):
        b.activate(node, curve("sqrt") if value == 0.5 else NO_ACTIVATION)
    else:
        raise UnsupportedNodeError("only the exponents 0.5, 1 and 2 are supported")


def prelu(b: Builder, node: Node) -> None:
    """PRelu, with a slope for each channel."""
    view, slope = b.settled(b.view(node.input(0))), b.constant(node.input(1)).astype(np.float64)
    slope = b.of_sample(slope, len(view.shape))
    try:
        fits = np.broadcast_shapes((1, *view.shape), slope.shape) == (1, *view.shape)
    except ValueError:
        fits = False
    slopes = b.of_vectors(view, slope) if fits else np.empty((0, 0))
    if len(slopes) > 1:
        view = b.straight(view)
        slopes = b.of_vectors(view, slope)
    if len(slopes) != 1:
        raise UnsupportedNodeError(f"its slope must be one number for each channel (got shape {slope.shape})")
    if (slopes == slopes[0, 0]).all():
        b.activate(node, curve("leaky_relu", float(slopes[0, 0])), view)
    else:
        b.bind(node, b.computed(node, PRelu(slopes[0].astype(np.float32)), view))


def batch_normalization(b: Builder, node: Node) -> None:
    """BatchNormalization with constant statistics, folded into the weights before it or standing alone."""
    if node.whole("training_mode", 0) or not node.whole("spatial", 1):
        raise UnsupportedNodeError("only normalisation by channel with given statistics is supported")
    view = b.view(node.input(0))
    gamma, beta, mean, variance = (b.constant(node.input(i)) for i in (1, 2, 3, 4))
    over_channels = (-1, *(1,) * (len(view.shape) - 1))
    deviation = np.sqrt(variance.astype(np.float64) + node.number("epsilon", 1e-5))
    scale = gamma / deviation
    shift = beta - mean * scale
    b.bind(node, b.fold(node, view, scale.reshape(over_channels), shift.reshape(over_channels)))


def local_response(b: Builder, node: Node) -> None:
    """LRN."""
    parameters = (node.number("alpha", 1e-4), node.number("beta", 0.75), node.number("bias", 1.0))
    b.bind(node, _along(b, node, LocalResponse(node.whole("size", 0), *parameters), b.view(node.input(0)), [0]))


def softmax(make: Callable[[], LayerKind]) -> Handler:
    """Softmax and LogSoftmax, which up to opset 12 run over an axis and all after it."""

    def convert(b: Builder, node: Node) -> None:
        view = b.view(node.input(0))
        rank = len(view.shape) + 1
        axis = node.whole("axis", -1 if node.opset >= 13 else 1) % rank
        if axis == 0:
            raise UnsupportedNodeError("it runs over the batch axis")
        axes = [axis - 1] if node.opset >= 13 else list(range(axis - 1, rank - 1))
        b.bind(node, _along(b, node, make(), view, axes))

    return convert


def _along(b: Builder, node: Node, op: LayerKind, view: View, axes: list[int]) -> View:
    """Return the output of a layer that works along vectors, these being the elements of some axes."""
    view = b.settled(view)
    length = math.prod(view.shape[axis] for axis in axes)
    named = {view.axes[axis] for axis in axes if view.shape[axis] > 1} if view.axes else {"?"}
    if named <= {"C"} and length == view.tensor.length:
        return b.computed(node, op, view)
    order = [*(axis for axis in range(len(view.shape)) if axis not in axes), *axes]
    turned = view.transposed(order)
    rows = turned.reshaped((view.elements // length, length))
    source = b.rearranged(rows, TensorShape(1, *rows.shape), rows.index)
    return b.whole(b.add(node, op, source), "WC").reshaped(turned.shape).transposed(np.argsort(order).tolist())


def arithmetic(kind: type[Combine]) -> Handler:
    """Return the handler of Add, Sub, Mul, Div, Max, Min or Sum: of tensors, or of a tensor and constants."""

    def convert(b: Builder, node: Node) -> None:
        names = [name for name in node.inputs if name]
        if names[0] in b.constants:
            result = _after_constant(b, node, kind, names[0], b.view(names[1]))
            names = names[1:]
        else:
            result = b.view(names[0])
            if len(names) == 1:
                b.bind(node, result)
        for name in names[1:]:
            if name in b.constants:
                result = _with_constant(b, node, kind, result, b.constants[name])
            else:
                result = _combined(b, node, kind, result, b.view(name))
        b.bind(node, result)

    return convert


def _after_constant(b: Builder, node: Node, kind: type[Combine], constant: str, view: View) -> View:
    """Return ``constant (op) view``."""
    value = b.constants[constant].astype(np.float64)
    if kind is Subtract:
        return b.fold(node, view, -np.ones(1), value)
    if kind is Divide:
        inverse = b.computed(node, Activation(curve("reciprocal")), b.settled(view))
        return b.fold(node, inverse, value, np.zeros(1))
    return _with_constant(b, node, kind, view, value)


def _with_constant(b: Builder, node: Node, kind: type[Combine], view: View, constant: NDArray[np.float64]) -> View:
    """Return ``view (op) constant``."""
    value, one, zero = constant.astype(np.float64), np.ones(1), np.zeros(1)
    if kind in (Add, Subtract):
        return b.fold(node, view, one, value if kind is Add else -value)
    if kind in (Multiply, Divide):
        return b.fold(node, view, value if kind is Multiply else 1 / value, zero)
    if value.size != 1:
        raise UnsupportedNodeError("only one number for all elements is supported as a limit")
    limit = float(value.reshape(-1)[0])
    function = _limits(limit, math.inf) if kind is Maximum else _limits(-math.inf, limit)
    b.activate(node, function, view)
    return b.views[node.outputs[0]]


def mean(b: Builder, node: Node) -> None:
    """Mean of tensors."""
    arithmetic(Add)(b, node)
    count = len([name for name in node.inputs if name])
    b.bind(node, b.fold(node, b.views[node.outputs[0]], np.full(1, 1 / count), np.zeros(1)))


def _combined(b: Builder, node: Node, kind: type[Combine], one: View, two: View) -> View:
    """Return the layer of two tensors, the smaller one repeated; a gate on itself is an activation."""
    gated = _gated(b, node, one, two) or _gated(b, node, two, one) if kind is Multiply else None
    if gated:
        return gated
    if len(one.shape) != len(two.shape):
        raise UnsupportedNodeError(f"its inputs differ in the number of axes ({one.shape} and {two.shape})")
    try:
        shape = np.broadcast_shapes(one.shape, two.shape)
    except ValueError:
        raise UnsupportedNodeError(f"its inputs differ in shape ({one.shape} and {two.shape})") from None
    if shape not in {one.shape, two.shape}:
        one = b.gathered(one, one.broadcast(shape).index)
    one, two = (b.settled(view) if view.shape == shape else view for view in (one, two))
    large = one if one.shape == shape else two
    sources = [_beside(b, view, large) for view in (one, two)]
    return View(b.add(node, kind(), *sources), large.tensor, shape, large.axes, large.given)


def _beside(b: Builder, view: View, large: View) -> str:
    """Return the tensor of a view in the order of `large`, or as one vector for all of it."""
    if view.same_order(large):
        return view.source
    beside = [size for axis, size in zip(large.axes, view.shape, strict=False) if axis != "C"]
    if large.axes and view.elements == large.tensor.length and set(beside) <= {1}:
        return b.rearranged(view, TensorShape(1, 1, view.elements), view.index)
    repeated = view.broadcast(large.shape)
    return b.rearranged(repeated, large.tensor, _ordered(repeated, large))


def _ordered(view: View, large: View) -> NDArray[np.int64]:
    """Return the positions of a view's elements in the order in which our tensor of `large` holds them."""
    order = np.empty(large.tensor.elements, np.int64)
    order[large.index] = view.index
    return order


def _gated(b: Builder, node: Node, gate: View, view: View) -> View | None:
    """Return the view of ``x * gate(x)`` as one activation, if that is what this is and nobody else sees the gate."""
    layer = b.layers.get(gate.source)
    if not (layer and isinstance(layer.op, Activation) and gate.sole and layer.inputs == (view.source,)):
        return None
    function = GATES.get(layer.op.function)
    if function is None or not view.same_order(gate):
        return None
    b.drop(layer.name)
    alone = view.takers == 2 and view.whole and b.fed[layer.name] in node.inputs  # the two takers are gate and product
    if alone and b.takes_activation(view.source):
        b.absorb(view.source, function)
        return View(view.source, view.tensor, view.shape, view.axes, view.given)
    op = Activation(function)
    b.layers[layer.name] = type(layer)(layer.name, op, layer.inputs, layer.shape)
    b.shapes[layer.name] = layer.shape
    return gate
