"""The layer kinds of workload files: which fields each has, and the way from fields to `ops` and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimcsim.ops import (
    NO_ACTIVATION,
    Activation,
    ActivationFunction,
    Add,
    Conv2d,
    FloatArray,
    LayerKind,
    Linear,
    Pool2d,
    Reshape,
    Sliding,
    TensorShape,
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

    def arrays(self, groups: int, k: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Return weight [groups, K, N] and bias [groups * N]; random and zero without a weight file."""
        if groups * k * n > MOST_WEIGHTS:
            raise ValueError(f"{groups * k * n} weights are more than the {MOST_WEIGHTS} that a layer may have")
        bias = np.zeros(groups * n, np.float32)
        if self.file is None:
            return random_weight(self.name, groups, k, n), bias
        if f"{self.name}.weight" not in self.file:
            raise ValueError(f"the weight file has no array `{self.name}.weight` [{groups}, {k}, {n}]")
        weight = self.file.floats(f"{self.name}.weight", (groups, k, n))
        key = f"{self.name}.bias"
        return weight, self.file.floats(key, bias.shape) if key in self.file else bias


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
    sliding = _sliding(fields, None)
    return lambda place: Pool2d(sliding(place), "max")


def _average_pool(fields: Fields) -> Make:
    sliding, include = _sliding(fields, None), fields.flag("count_include_pad")
    return lambda place: Pool2d(sliding(place), "average", include)


def _global_average_pool(_fields: Fields) -> Make:
    def make(place: Place) -> LayerKind:
        plane = (place.inputs[0].height, place.inputs[0].width)
        return Pool2d(Sliding(plane, plane), "average")

    return make


def _add(fields: Fields) -> Make:
    activation = fields.activation()
    return lambda _place: Add(activation)


def _activation(fields: Fields) -> Make:
    if "activation" not in fields.data:
        fields.complain("", "the field `activation` is missing")
    function = fields.activation()
    return lambda _place: Activation(function)


def _reshape(fields: Fields) -> Make:
    sizes = fields.integers("shape", [3])

    def make(place: Place) -> LayerKind:
        shape, key = TensorShape(*sizes), f"{place.name}.index"
        if place.file is not None and key in place.file:
            return Reshape(shape, place.file[key])
        return Reshape(shape, np.arange(shape.elements, dtype=np.int64))

    return make


def _sliding(fields: Fields, stride: tuple[int, int] | None) -> Callable[[Place], Sliding]:
    """Read `kernel`, `stride` (default: the kernel) and `pads`; the window itself needs the input's plane."""
    kernel, pads = fields.pair("kernel"), fields.pads()
    stride = fields.pair("stride", stride or kernel)

    def make(place: Place) -> Sliding:
        plane = (place.inputs[0].height, place.inputs[0].width)
        windowed = math.prod(plane) // math.prod(stride) * math.prod(kernel)
        if windowed > MOST_WINDOWED:
            raise ValueError(f"windows over {windowed} values are more than the {MOST_WINDOWED} that a layer may have")
        try:
            return Sliding(plane, kernel, stride, pads)
        except ValueError as error:
            fields.complain("pads" if "pads" in str(error) else "kernel", str(error))
            raise

    return make


_WINDOW = ("kernel", "stride", "pads")
KINDS = {
    "conv2d": KindOfFile(_conv2d, ("out_channels", *_WINDOW, "groups", "activation")),
    "linear": KindOfFile(_linear, ("out_features", "activation")),
    "max_pool": KindOfFile(_max_pool, _WINDOW),
    "average_pool": KindOfFile(_average_pool, (*_WINDOW, "count_include_pad")),
    "global_average_pool": KindOfFile(_global_average_pool),
    "add": KindOfFile(_add, ("activation",)),
    "activation": KindOfFile(_activation, ("activation",)),
    "reshape": KindOfFile(_reshape, ("shape",)),
}


def fields_of(layer: Layer) -> dict[str, Any]:
    """Return the fields that describe `layer` in a file, `name` and `inputs` included."""
    kind, fields = _described(layer)
    return {"name": layer.name, "kind": kind, "inputs": list(layer.inputs), **fields}


def arrays_of(layer: Layer) -> dict[str, Any]:
    """Return the arrays that belong to `layer` in a weight file, by their full names."""
    op = layer.op
    if isinstance(op, Conv2d | Linear):
        return {f"{layer.name}.weight": op.weight, f"{layer.name}.bias": op.bias}
    return {f"{layer.name}.index": op.index} if isinstance(op, Reshape) else {}


def _described(layer: Layer) -> tuple[str, dict[str, Any]]:
    """Return the kind and its own fields."""
    match layer.op:
        case Conv2d() as op:
            fields = {"out_channels": layer.shape.length, **_window_fields(op.sliding)}
            return "conv2d", {**fields, "groups": op.groups, **_activation_field(op.activation)}
        case Linear() as op:
            return "linear", {"out_features": layer.shape.length, **_activation_field(op.activation)}
        case Pool2d(mode="max") as op:
            return "max_pool", _window_fields(op.sliding)
        case Pool2d() as op:
            return "average_pool", {**_window_fields(op.sliding), "count_include_pad": op.count_include_pad}
        case Add() as op:
            return "add", _activation_field(op.activation)
        case Activation() as op:
            return "activation", {"activation": "none", **_activation_field(op.function)}
        case Reshape(shape=shape):
            return "reshape", {"shape": [shape.height, shape.width, shape.length]}
    raise NotImplementedError(f"workload files have no kind for {layer.op.kind}")


def _window_fields(sliding: Sliding) -> dict[str, Any]:
    fields = {"kernel": list(sliding.kernel), "stride": list(sliding.stride), "pads": list(sliding.pads)}
    if sliding.pads == (0, 0, 0, 0):
        del fields["pads"]
    return {name: sizes[0] if len(set(sizes)) == 1 else sizes for name, sizes in fields.items()}


def _activation_field(function: ActivationFunction) -> dict[str, Any]:
    if function == NO_ACTIVATION:
        return {}
    limited = math.isfinite(function.high) or function.name == "clip"
    return {"activation": {"clip": [function.low, function.high]} if limited else function.name}
