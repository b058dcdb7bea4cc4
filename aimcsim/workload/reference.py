"""The network in float64, straight from the textbook: what every simulated output is checked against.

It takes parameters, geometry and activation functions from `ops`, and nothing of how those compute: no gathered
patches, no vectors, no fixed order of sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops import (
    Activation,
    Add,
    Affine,
    Attention,
    Combine,
    Concat,
    Conv2d,
    Divide,
    Gather,
    LayerKind,
    LayerNorm,
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
)
from aimcsim.workload.graph import Workload

Array = NDArray[np.float64]


def float_reference(workload: Workload, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Array]:
    """Return every output of `workload` for a stack of samples.

    Parameters
    ----------
    workload : the network.
    inputs : for every input name an array [n, vectors, length] (see `Workload.pack_inputs`).

    Returns
    -------
    dict of float64 [n, vectors, length], one per output name.

    Raises
    ------
    ConfigError
        If the network has folded nodes, whose values nobody knows.
    """
    workload.check_values()
    images: dict[str, Array] = {}
    for name, shape in workload.inputs.items():
        images[name] = _as_image(np.asarray(inputs[name], dtype=np.float64), shape)
    for layer in workload.layers:
        images[layer.name] = _compute(layer.op, [images[name] for name in layer.inputs])
    return {name: _as_vectors(images[name]) for name in workload.outputs}


def _as_image(values: Array, shape: TensorShape) -> Array:
    return values.reshape(len(values), shape.height, shape.width, shape.length)


def _as_vectors(image: Array) -> Array:
    n, height, width, length = image.shape
    return image.reshape(n, height * width, length)


def _compute(op: LayerKind, inputs: list[Array]) -> Array:
    compute: Callable[[Any, list[Array]], Array] | None = _COMPUTE.get(type(op))
    if compute is None:
        raise NotImplementedError(f"no reference for the layer kind {op.kind}")
    return compute(op, inputs)


def _conv2d(op: Conv2d, inputs: list[Array]) -> Array:
    x = _padded(inputs[0], op.sliding, 0.0)
    groups, _, n = op.matrix_shape
    kernels = np.asarray(op.weight, dtype=np.float64).reshape(groups, *op.sliding.kernel, -1, n)
    out = np.zeros((len(x), *op.sliding.output_plane, groups * n))
    for ky in range(op.sliding.kernel[0]):
        for kx in range(op.sliding.kernel[1]):
            pixels = _shifted(x, op.sliding, ky, kx)
            runs = pixels.reshape(*pixels.shape[:3], groups, -1)
            out += np.einsum("bhwgc,gcn->bhwgn", runs, kernels[:, ky, kx]).reshape(out.shape)
    return op.activation.apply(out + op.bias)


def _linear(op: Linear, inputs: list[Array]) -> Array:
    rows = inputs[0].reshape(len(inputs[0]), -1)
    out = op.activation.apply(rows @ np.asarray(op.weight, dtype=np.float64)[0] + op.bias)
    return out[:, None, None, :]


def _pool2d(op: Pool2d, inputs: list[Array]) -> Array:
    kernel = [(ky, kx) for ky in range(op.sliding.kernel[0]) for kx in range(op.sliding.kernel[1])]
    if op.mode == "max":
        x = _padded(inputs[0], op.sliding, -np.inf)
        largest: Array = np.maximum.reduce([_shifted(x, op.sliding, *position) for position in kernel])
        return largest
    x = _padded(inputs[0], op.sliding, 0.0)
    inside = _padded(np.ones_like(inputs[0]), op.sliding, float(op.count_include_pad), beyond=0.0)
    total, count = (sum(_shifted(array, op.sliding, *position) for position in kernel) for array in (x, inside))
    return np.asarray(total / count)


def _combine(op: Combine, inputs: list[Array]) -> Array:
    return op.activation.apply(_ARITHMETIC[type(op)](*inputs))


def _activation(op: Activation, inputs: list[Array]) -> Array:
    return op.function.apply(inputs[0])


def _affine(op: Affine, inputs: list[Array]) -> Array:
    n, height, width, length = inputs[0].shape
    rows = inputs[0].reshape(n, height * width, length)
    out = op.activation.apply(rows * op.factor.astype(np.float64) + op.offset)
    return out.reshape(inputs[0].shape)


def _prelu(op: PRelu, inputs: list[Array]) -> Array:
    return np.maximum(inputs[0], 0) + op.slope.astype(np.float64) * np.minimum(inputs[0], 0)


def _softmax(_op: Softmax, inputs: list[Array]) -> Array:
    return np.exp(_log_softmax(_op, inputs))


def _log_softmax(_op: Softmax | LogSoftmax, inputs: list[Array]) -> Array:
    return np.asarray(inputs[0] - np.logaddexp.reduce(inputs[0], axis=-1, keepdims=True))


def _layer_norm(op: LayerNorm, inputs: list[Array]) -> Array:
    deviation = np.sqrt(inputs[0].var(axis=-1, keepdims=True) + op.epsilon)
    return np.asarray((inputs[0] - inputs[0].mean(axis=-1, keepdims=True)) / deviation * op.factor + op.offset)


def _attention(op: Attention, inputs: list[Array]) -> Array:
    n, height, width, length = inputs[0].shape
    q, k, v = (x.reshape(n, height * width, op.heads, length // op.heads) for x in inputs)
    scores = np.einsum("nihd,njhd->nhij", q, k) / np.sqrt(length // op.heads)
    if op.causal:
        scores = np.where(np.tri(height * width, dtype=bool), scores, -np.inf)
    mean = np.einsum("nhij,njhd->nihd", _softmax(Softmax(), [scores]), v)
    return np.asarray(mean.reshape(inputs[0].shape))


def _local_response(op: LocalResponse, inputs: list[Array]) -> Array:
    x = inputs[0]
    total = np.empty_like(x)
    for channel in range(x.shape[-1]):
        around = slice(max(channel - (op.size - 1) // 2, 0), channel + op.size // 2 + 1)
        total[..., channel] = (x[..., around] ** 2).sum(axis=-1)
    return np.asarray(x / (op.bias + op.alpha / op.size * total) ** op.beta)


def _concat(op: Concat, inputs: list[Array]) -> Array:
    return np.concatenate(inputs, axis={"height": 1, "width": 2, "channels": 3}[op.axis])


def _gather(op: Gather, inputs: list[Array]) -> Array:
    flat = inputs[0].reshape(len(inputs[0]), -1)
    return _as_image(np.where(op.index < 0, op.fill, flat[:, op.index]), op.shape)


_ARITHMETIC: dict[type[Combine], Callable[[Array, Array], Array]] = {
    Add: lambda one, two: one + two,
    Subtract: lambda one, two: one - two,
    Multiply: lambda one, two: one * two,
    Divide: lambda one, two: one / two,
    Maximum: np.maximum,
    Minimum: np.minimum,
}
_COMPUTE: dict[type[LayerKind], Callable[[Any, list[Array]], Array]] = {
    Conv2d: _conv2d,
    Linear: _linear,
    Pool2d: _pool2d,
    **dict.fromkeys(_ARITHMETIC, _combine),
    Activation: _activation,
    Affine: _affine,
    PRelu: _prelu,
    Softmax: _softmax,
    LogSoftmax: _log_softmax,
    LayerNorm: _layer_norm,
    Attention: _attention,
    LocalResponse: _local_response,
    Concat: _concat,
    Gather: _gather,
    Reshape: _gather,
}


def _padded(x: Array, sliding: Sliding, fill: float, beyond: float | None = None) -> Array:
    """Return `x` with its pads, and with what the last windows reach into behind them (`beyond`, or the same)."""
    top, left, bottom, right = sliding.pads
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    over, aside = sliding.overhang
    return np.pad(x, ((0, 0), (0, over), (0, aside), (0, 0)), constant_values=fill if beyond is None else beyond)


def _shifted(x: Array, sliding: Sliding, ky: int, kx: int) -> Array:
    """Return, for every output position, the pixel of the padded `x` under kernel position (ky, kx)."""
    (height, width), (sy, sx) = sliding.output_plane, sliding.stride
    y, left = ky * sliding.dilation[0], kx * sliding.dilation[1]
    shifted: Array = x[:, y : y + (height - 1) * sy + 1 : sy, left : left + (width - 1) * sx + 1 : sx]
    return shifted
