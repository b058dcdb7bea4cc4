"""The network in float64, straight from the textbook: what every simulated output is checked against.

It takes parameters, geometry and activation functions from `ops`, and nothing of how those compute: no gathered
patches, no vectors, no fixed order of sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops import Activation, Add, Conv2d, LayerKind, Linear, Pool2d, Reshape, Sliding, TensorShape
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
    """
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
    kernels = op.weight.astype(np.float64).reshape(groups, *op.sliding.kernel, -1, n)
    out = np.zeros((len(x), *op.sliding.output_plane, groups * n))
    for ky in range(op.sliding.kernel[0]):
        for kx in range(op.sliding.kernel[1]):
            pixels = _shifted(x, op.sliding, ky, kx)
            runs = pixels.reshape(*pixels.shape[:3], groups, -1)
            out += np.einsum("bhwgc,gcn->bhwgn", runs, kernels[:, ky, kx]).reshape(out.shape)
    return op.activation.apply(out + op.bias)


def _linear(op: Linear, inputs: list[Array]) -> Array:
    rows = inputs[0].reshape(len(inputs[0]), -1)
    out = op.activation.apply(rows @ op.weight[0].astype(np.float64) + op.bias)
    return out[:, None, None, :]


def _pool2d(op: Pool2d, inputs: list[Array]) -> Array:
    kernel = [(ky, kx) for ky in range(op.sliding.kernel[0]) for kx in range(op.sliding.kernel[1])]
    if op.mode == "max":
        x = _padded(inputs[0], op.sliding, -np.inf)
        largest: Array = np.maximum.reduce([_shifted(x, op.sliding, *position) for position in kernel])
        return largest
    x = _padded(inputs[0], op.sliding, 0.0)
    inside = _padded(np.ones_like(inputs[0]), op.sliding, float(op.count_include_pad))
    total, count = (sum(_shifted(array, op.sliding, *position) for position in kernel) for array in (x, inside))
    return np.asarray(total / count)


def _add(op: Add, inputs: list[Array]) -> Array:
    return op.activation.apply(inputs[0] + inputs[1])


def _activation(op: Activation, inputs: list[Array]) -> Array:
    return op.function.apply(inputs[0])


def _reshape(op: Reshape, inputs: list[Array]) -> Array:
    return _as_image(inputs[0].reshape(len(inputs[0]), -1)[:, op.index], op.shape)


_COMPUTE: dict[type[LayerKind], Callable[[Any, list[Array]], Array]] = {
    Conv2d: _conv2d,
    Linear: _linear,
    Pool2d: _pool2d,
    Add: _add,
    Activation: _activation,
    Reshape: _reshape,
}


def _padded(x: Array, sliding: Sliding, fill: float) -> Array:
    top, left, bottom, right = sliding.pads
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)


def _shifted(x: Array, sliding: Sliding, ky: int, kx: int) -> Array:
    """Return, for every output position, the pixel of the padded `x` under kernel position (ky, kx)."""
    (height, width), (sy, sx) = sliding.output_plane, sliding.stride
    shifted: Array = x[:, ky : ky + (height - 1) * sy + 1 : sy, kx : kx + (width - 1) * sx + 1 : sx]
    return shifted
