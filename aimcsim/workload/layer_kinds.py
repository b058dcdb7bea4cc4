"""The layer kinds of workload files: which fields each has, and the way from fields to `ops` and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np

from aimcsim.ops import (
    AXES,
    CURVES,
    NO_ACTIVATION,
    Activation,
    ActivationFunction,
    Add,
    Affine,
    Attention,
    Axis,
    Combine,
    Concat,
    Conv2d,
    Divide,
    FloatArray,
    Gather,
    IndexArray,
    LayerKind,
    LayerNorm,
    LazyArray,
    Linear,
    LocalResponse,
    LogSoftmax,
    Maximum,
    Minimum,
    Multiply,
    Pool2d,
    PRelu,
    Reshape,
    Sliding,
    Softmax,
    Subtract,
    TensorShape,
    Weight,
)
from aimcsim.workload.fields import Fields
from aimcsim.workload.graph import Layer
from aimcsim.workload.weights import WeightFile, random_weight

MOST_WEIGHTS = 1 << 28
"""Most weights of a layer; the largest of VGG-19 has 103 million."""
MOST_GROUPS = 1 << 14
"""Most groups of a convolution; each is a block of weights of its own."""
MOST_WINDOWED = 1 << 26
"""Most inputs of all outputs of a window together; each is an index in memory."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a layer stands: its name, the shapes of its inputs, and the weight file if there is one."""

    name: str
    inputs: list[TensorShape]
    file: WeightFile | None

    def arrays(self, groups: int, k: int, n: int) -> tuple[Weight, FloatArray]:
        """Return weight [groups, K, N] and bias [groups * N]; random and zero without a weight file.

        Random weights are drawn when their values are asked for.
        """
        if groups * k * n > MOST_WEIGHTS:
            raise ValueError(f"{groups * k * n} weights are more than the {MOST_WEIGHTS} that a layer may have")
        bias = np.zeros(groups * n, np.float32)
        if self.file is None:
            return LazyArray((groups, k, n), partial(random_weight, self.name, groups, k, n)), bias
        if f"{self.name}.weight" not in self.file:
            raise ValueError(f"the weight file has no array `{self.name}.weight` [{groups}, {k}, {n}]")
        weight = self.file.floats(f"{self.name}.weight", (groups, k, n))
        return weight, self.floats("bias", bias)

    def floats(self, part: str, default: FloatArray) -> FloatArray:
        """Return the array `<layer>.<part>` of the weight file, of the default's shape; the default if it has none."""
        key = f"{self.name}.{part}"
        return default if self.file is None or key not in self.file else self.file.floats(key, default.shape)

    def index(self) -> IndexArray | None:
        """Return the array `<layer>.index`; none if the weight file has none."""
        key = f"{self.name}.index"
        return None if self.file is None or key not in self.file else self.file[key]


Make = Callable[[Place], LayerKind]
"""Makes the layer at its place; raises ValueError or notes problems in the fields where it cannot stand there."""


@dataclass(frozen=True, slots=True)
class KindOfFile:
    """One kind: the fields it has beside `name`, `kind` and `inputs`, and how they are read.

    Reading comes first and needs no shapes, so that mistakes are found behind a layer that failed, too.
    """

    read: Callable[[Fields], Make]
    fields: tuple[str, ...] = ()


def _conv2d(fields: Fields) -> Make:
    channels, groups, activation = fields.integer("out_channels"), fields.integer("groups", 1), fields.activation()
    sliding = _sliding(fields, (1, 1))

    def make(place: Place) -> LayerKind:
        length = place.inputs[0].length
        if groups > MOST_GROUPS:
            raise ValueError(f"{groups} groups are more than the {MOST_GROUPS} that a layer may have")
        if length % groups or channels % groups:
            problem = f"must divide {length} input and {channels} output channels (got {groups})"
            fields.complain("groups", problem)
            raise ValueError(problem)
        window = sliding(place)
        weight, bias = place.arrays(groups, length // groups * window.positions, channels // groups)
        return Conv2d(window, weight, bias, activation)

    return make


def _linear(fields: Fields) -> Make:
    features, activation = fields.integer("out_features"), fields.activation()
    return lambda place: Linear(*place.arrays(1, place.inputs[0].elements, features), activation)


def _max_pool(fields: Fields) -> Make:
    sliding = _sliding(fields, None, rounds=fields.flag("ceil_mode"))
    return lambda place: Pool2d(sliding(place), "max")


def _average_pool(fields: Fields) -> Make:
    sliding, include = _sliding(fields, None, rounds=fields.flag("ceil_mode")), fields.flag("count_include_pad")
    return lambda place: Pool2d(sliding(place), "average", include)


def _global_average_pool(_fields: Fields) -> Make:
    def make(place: Place) -> LayerKind:
        plane = (place.inputs[0].height, place.inputs[0].width)
        return Pool2d(Sliding(plane, plane), "average")

    return make


def _combine(kind: type[Combine]) -> Callable[[Fields], Make]:
    def read(fields: Fields) -> Make:
        activation = fields.activation()
        return lambda _place: kind(activation)

    return read


def _affine(fields: Fields) -> Make:
    activation, rows = fields.activation(), "vectors" if fields.flag("per_vector") else "one"

    def make(place: Place) -> LayerKind:
        shape = (1 if rows == "one" else place.inputs[0].vectors, place.inputs[0].length)
        factor, offset = np.ones(shape, np.float32), np.zeros(shape, np.float32)
        return Affine(place.floats("factor", factor), place.floats("offset", offset), activation)

    return make


def _prelu(_fields: Fields) -> Make:
    return lambda place: PRelu(place.floats("slope", np.full(place.inputs[0].length, 0.25, np.float32)))


def _local_response(fields: Fields) -> Make:
    size, alpha, beta = fields.integer("size"), fields.number("alpha", 1e-4), fields.number("beta", 0.75)
    bias = fields.number("bias", 1.0)
    return lambda _place: LocalResponse(size, alpha, beta, bias)


def _layer_norm(fields: Fields) -> Make:
    epsilon = fields.number("epsilon", 1e-5)

    def make(place: Place) -> LayerKind:
        one = np.ones(place.inputs[0].length, np.float32)
        return LayerNorm(place.floats("factor", one), place.floats("offset", 0 * one), epsilon)

    return make


def _attention(fields: Fields) -> Make:
    heads, causal = fields.integer("heads", 1), fields.flag("causal")
    return lambda _place: Attention(heads, causal)


def _concat(fields: Fields) -> Make:
    axis = cast("Axis", fields.choice("axis", AXES, "channels"))
    of_axis = {"channels": "length", "height": "height", "width": "width"}[axis]
    return lambda place: Concat(axis, tuple(getattr(shape, of_axis) for shape in place.inputs))


def _activation(fields: Fields) -> Make:
    if "activation" not in fields.data:
        fields.complain("", "the field `activation` is missing")
    function = fields.activation()
    return lambda _place: Activation(function)


def _reshape(fields: Fields) -> Make:
    sizes = fields.integers("shape", [3])

    def make(place: Place) -> LayerKind:
        shape, index = TensorShape(*sizes), place.index()
        return Reshape(shape, np.arange(shape.elements, dtype=np.int64) if index is None else index)

    return make


def _gather(fields: Fields) -> Make:
    sizes, fill = fields.integers("shape", [3]), fields.number("fill", 0.0)

    def make(place: Place) -> LayerKind:
        index = place.index()
        if index is None:
            raise ValueError(f"a gather needs the array `{place.name}.index` in a weight file")
        return Gather(TensorShape(*sizes), index, fill)

    return make


def _sliding(fields: Fields, stride: tuple[int, int] | None, *, rounds: bool = False) -> Callable[[Place], Sliding]:
    """Read `kernel`, `stride` (default: the kernel), `pads`, `dilation`; the window itself needs the input's plane."""
    kernel, pads, dilation = fields.pair("kernel"), fields.pads(), fields.pair("dilation", (1, 1))
    stride = fields.pair("stride", stride or kernel)

    def make(place: Place) -> Sliding:
        plane = (place.inputs[0].height, place.inputs[0].width)
        windowed = math.prod(plane) // math.prod(stride) * math.prod(kernel)
        if windowed > MOST_WINDOWED:
            raise ValueError(f"windows over {windowed} values are more than the {MOST_WINDOWED} that a layer may have")
        try:
            return (Sliding.rounded_up if rounds else Sliding)(plane, kernel, stride, pads, dilation)
        except ValueError as error:
            fields.complain("pads" if "pads" in str(error) else "kernel", str(error))
            raise

    return make


_WINDOW = ("kernel", "stride", "pads", "dilation")
COMBINATIONS: dict[str, type[Combine]] = {
    kind.kind: kind for kind in (Add, Subtract, Multiply, Divide, Maximum, Minimum)
}
KINDS = {
    "conv2d": KindOfFile(_conv2d, ("out_channels", *_WINDOW, "groups", "activation")),
    "linear": KindOfFile(_linear, ("out_features", "activation")),
    "max_pool": KindOfFile(_max_pool, (*_WINDOW, "ceil_mode")),
    "average_pool": KindOfFile(_average_pool, (*_WINDOW, "ceil_mode", "count_include_pad")),
    "global_average_pool": KindOfFile(_global_average_pool),
    **{name: KindOfFile(_combine(kind), ("activation",)) for name, kind in COMBINATIONS.items()},
    "activation": KindOfFile(_activation, ("activation",)),
    "affine": KindOfFile(_affine, ("per_vector", "activation")),
    "prelu": KindOfFile(_prelu),
    "softmax": KindOfFile(lambda _fields: lambda _place: Softmax()),
    "log_softmax": KindOfFile(lambda _fields: lambda _place: LogSoftmax()),
    "local_response": KindOfFile(_local_response, ("size", "alpha", "beta", "bias")),
    "layer_norm": KindOfFile(_layer_norm, ("epsilon",)),
    "attention": KindOfFile(_attention, ("heads", "causal")),
    "concat": KindOfFile(_concat, ("axis",)),
    "reshape": KindOfFile(_reshape, ("shape",)),
    "gather": KindOfFile(_gather, ("shape", "fill")),
}


def fields_of(layer: Layer) -> dict[str, Any]:
    """Return the fields that describe `layer` in a file, `name` and `inputs` included."""
    kind, fields = _described(layer)
    return {"name": layer.name, "kind": kind, "inputs": list(layer.inputs), **fields}


def arrays_of(layer: Layer) -> dict[str, Any]:
    """Return the arrays that belong to `layer` in a weight file, by their full names."""
    op = layer.op
    arrays: dict[str, Any] = {}
    match op:
        case Conv2d() | Linear():
            arrays = {"weight": np.asarray(op.weight), "bias": op.bias}
        case Affine() | LayerNorm():
            arrays = {"factor": op.factor, "offset": op.offset}
        case PRelu():
            arrays = {"slope": op.slope}
        case Gather():
            arrays = {"index": op.index}
    return {f"{layer.name}.{part}": array for part, array in arrays.items()}


def _described(layer: Layer) -> tuple[str, dict[str, Any]]:
    """Return the kind and its own fields."""
    op = layer.op
    if type(op) not in _FIELDS:
        raise NotImplementedError(f"workload files have no kind for {op.kind}")
    return f"{op.mode}_pool" if isinstance(op, Pool2d) else op.kind, _FIELDS[type(op)](layer.shape, op)


def _conv2d_fields(shape: TensorShape, op: Conv2d) -> dict[str, Any]:
    window = {"out_channels": shape.length, **_window_fields(op.sliding)}
    return {**window, "groups": op.groups, **_activation_field(op.activation)}


def _pool_fields(_shape: TensorShape, op: Pool2d) -> dict[str, Any]:
    counted = {"count_include_pad": op.count_include_pad} if op.mode == "average" else {}
    return {**_window_fields(op.sliding), **counted}


def _shape_field(shape: TensorShape) -> dict[str, Any]:
    return {"shape": [shape.height, shape.width, shape.length]}


def _window_fields(sliding: Sliding) -> dict[str, Any]:
    fields = {name: list(getattr(sliding, name)) for name in _WINDOW}
    if sliding.pads == (0, 0, 0, 0):
        del fields["pads"]
    if sliding.dilation == (1, 1):
        del fields["dilation"]
    rounded = {"ceil_mode": True} if sliding.overhang != (0, 0) else {}
    return {name: sizes[0] if len(set(sizes)) == 1 else sizes for name, sizes in fields.items()} | rounded


def _activation_field(function: ActivationFunction) -> dict[str, Any]:
    if function == NO_ACTIVATION:
        return {}
    if function.name in CURVES:
        return {"activation": {function.name: list(function.parameters)} if function.parameters else function.name}
    limited = math.isfinite(function.high) or function.name == "clip"
    return {"activation": {"clip": [function.low, function.high]} if limited else function.name}


_FIELDS: dict[type[LayerKind], Callable[[TensorShape, Any], dict[str, Any]]] = {
    Conv2d: _conv2d_fields,
    Linear: lambda shape, op: {"out_features": shape.length, **_activation_field(op.activation)},
    Pool2d: _pool_fields,
    **dict.fromkeys(COMBINATIONS.values(), lambda _shape, op: _activation_field(op.activation)),
    Activation: lambda _shape, op: {"activation": "none", **_activation_field(op.function)},
    Affine: lambda _shape, op: {"per_vector": len(op.factor) > 1, **_activation_field(op.activation)},
    PRelu: lambda _shape, _op: {},
    Softmax: lambda _shape, _op: {},
    LogSoftmax: lambda _shape, _op: {},
    LocalResponse: lambda _shape, op: {name: getattr(op, name) for name in ("size", "alpha", "beta", "bias")},
    LayerNorm: lambda _shape, op: {"epsilon": op.epsilon},
    Attention: lambda _shape, op: {"heads": op.heads, "causal": op.causal},
    Concat: lambda _shape, op: {"axis": op.axis},
    Reshape: lambda shape, _op: _shape_field(shape),
    Gather: lambda shape, op: {**_shape_field(shape), "fill": op.fill},
}
"""The fields of each kind, from the layer's shape and its op."""
