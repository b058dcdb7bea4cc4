"""What each supported ONNX operator becomes. Axes count from the batch axis in ONNX, and without it in our views."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops import RELU, Add, Conv2d, Linear, Pool2d, Sliding, clip
from aimcsim.workload.graph import Layout
from aimcsim.workload.onnx_builder import Builder, Node, UnsupportedNodeError, View

_FLOAT = 1  # TensorProto.FLOAT
Matrix = NDArray[np.float64]
Handler = Callable[[Builder, Node], None]


def _conv(b: Builder, node: Node) -> None:
    kernel = b.constant(node.input(1)).astype(np.float32)
    if kernel.ndim != 4:
        raise UnsupportedNodeError("only two-dimensional convolutions are supported")
    outputs, channels, height, width = kernel.shape
    groups = int(node.attributes.get("group", 1))
    if groups < 1 or outputs % groups:
        raise UnsupportedNodeError(f"{outputs} output channels do not fall into {groups} groups")
    view = b.view(node.input(0))
    source = b.image(view)
    # [group, output, channel, ky, kx] -> [group, (ky, kx, channel), output]
    matrix = kernel.reshape(groups, outputs // groups, channels, height, width).transpose(0, 3, 4, 2, 1)
    weight = np.ascontiguousarray(matrix.reshape(groups, -1, outputs // groups))
    bias = b.constant(node.input(2)).astype(np.float32) if node.input(2) else np.zeros(outputs, np.float32)
    name = b.add(node, Conv2d(_sliding(b, node, source, (height, width)), weight, bias), [source])
    b.bind(node, _image_view(b, name))


def _gemm(b: Builder, node: Node) -> None:
    if node.attributes.get("transA", 0):
        raise UnsupportedNodeError("transA = 1 transposes the batch")
    alpha, beta = float(node.attributes.get("alpha", 1.0)), float(node.attributes.get("beta", 1.0))
    matrix = b.constant(node.input(1)).astype(np.float64) * alpha
    bias = b.constant(node.input(2)).astype(np.float64) * beta if node.input(2) else np.zeros(1)
    _fully_connected(b, node, matrix.T if node.attributes.get("transB", 0) else matrix, bias)


def _matmul(b: Builder, node: Node) -> None:
    _fully_connected(b, node, b.constant(node.input(1)).astype(np.float64), np.zeros(1))


def _fully_connected(b: Builder, node: Node, matrix: Matrix, bias: Matrix) -> None:
    """Add ``x @ matrix + bias``; the rows of the matrix take the order in which our tensor holds the features."""
    view = b.view(node.input(0))
    if matrix.ndim != 2 or view.index.shape != matrix.shape[:1]:
        shape = ", ".join(map(str, view.index.shape))
        raise UnsupportedNodeError(f"its input must be [n, features] (got [n, {shape}] for a matrix {matrix.shape})")
    weight = np.empty((1, *matrix.shape), np.float32)
    weight[0, view.index] = matrix
    spread = np.broadcast_to(bias, (1, matrix.shape[1]))[0].astype(np.float32)
    name = b.add(node, Linear(weight, spread), [view.source])
    b.bind(node, View(name, Layout.ordered(b.shapes[name], "F").index))


def _batch_normalization(b: Builder, node: Node) -> None:
    if node.attributes.get("training_mode", 0):
        raise UnsupportedNodeError("it is in training mode")
    view = b.view(node.input(0))
    gamma, beta, mean, variance = (b.constant(node.input(i)).astype(np.float64) for i in (1, 2, 3, 4))
    scale = gamma / np.sqrt(variance + float(node.attributes.get("epsilon", 1e-5)))
    over_channels = (-1, *(1,) * (view.index.ndim - 1))
    b.fold(node, view, scale.reshape(over_channels), (beta - mean * scale).reshape(over_channels))


def _relu(b: Builder, node: Node) -> None:
    b.activate(node, RELU)


def _clip(b: Builder, node: Node) -> None:
    low, high = (
        float(b.constant(node.input(i)).reshape(())) if node.input(i) else float(node.attributes.get(name, limit))
        for i, name, limit in ((1, "min", -math.inf), (2, "max", math.inf))
    )
    b.activate(node, RELU if (low, high) == (0, math.inf) else clip(low, high))


def _max_pool(b: Builder, node: Node) -> None:
    if any(node.outputs[1:]):
        raise UnsupportedNodeError("its indices are used")
    _pool(b, node, lambda sliding: Pool2d(sliding, "max"))


def _average_pool(b: Builder, node: Node) -> None:
    include = bool(node.attributes.get("count_include_pad", 0))
    _pool(b, node, lambda sliding: Pool2d(sliding, "average", include))


def _pool(b: Builder, node: Node, make: Callable[[Sliding], Pool2d]) -> None:
    source = b.image(b.view(node.input(0)))
    kernel = node.ints("kernel_shape", ())
    if len(kernel) != 2:
        raise UnsupportedNodeError("only two-dimensional pooling is supported")
    b.bind(node, _image_view(b, b.add(node, make(_sliding(b, node, source, (kernel[0], kernel[1]))), [source])))


def _global_average_pool(b: Builder, node: Node) -> None:
    view = b.view(node.input(0))
    b.bind(node, _mean(b, node, view, tuple(range(1, view.index.ndim)), keep=True))


def _reduce_mean(b: Builder, node: Node) -> None:
    view = b.view(node.input(0))
    given = b.constant(node.input(1)).tolist() if node.input(1) else node.ints("axes", ())
    axes = tuple(sorted(axis % (view.index.ndim + 1) - 1 for axis in given))
    b.bind(node, _mean(b, node, view, axes, keep=bool(node.attributes.get("keepdims", 1))))


def _mean(b: Builder, node: Node, view: View, axes: tuple[int, ...], *, keep: bool) -> View:
    """Return the mean over two axes of a view of three, the remaining one being the channels."""
    if view.index.ndim != 3 or len(axes) != 2 or -1 in axes:
        raise UnsupportedNodeError("only a mean over the height and width of [n, C, H, W] is supported")
    channel = ({0, 1, 2} - set(axes)).pop()
    source = b.image(View(view.source, view.index.transpose(channel, *axes)))
    shape = b.shapes[source]
    plane = (shape.height, shape.width)
    name = b.add(node, Pool2d(Sliding(plane, plane), "average"), [source])
    index = np.arange(shape.length, dtype=np.int64)
    return View(name, np.expand_dims(index, axes) if keep else index)


def _add(b: Builder, node: Node) -> None:
    if len(node.inputs) != 2:
        raise UnsupportedNodeError("only the sum of two tensors is supported")
    constants = [tensor for tensor in node.inputs if tensor in b.constants]
    if constants:
        dynamic = node.inputs[1] if node.inputs[0] in constants else node.inputs[0]
        b.fold(node, b.view(dynamic), np.ones(1), b.constant(constants[0]).astype(np.float64))
        return
    first, second = map(b.view, node.inputs)
    if first.index.shape != second.index.shape:
        raise UnsupportedNodeError(f"its inputs differ in shape ({first.index.shape} and {second.index.shape})")
    shape = b.shapes[first.source]
    order = np.empty(shape.elements, np.int64)
    order[first.index] = second.index
    other = b.rearranged(second, shape, order)
    b.bind(node, View(b.add(node, Add(), [first.source, other]), first.index))


def _same(b: Builder, node: Node) -> None:
    b.bind(node, b.view(node.input(0)))


def _dropout(b: Builder, node: Node) -> None:
    if any(b.uses[mask] for mask in node.outputs[1:]):
        raise UnsupportedNodeError("its mask is used")
    _same(b, node)


def _cast(b: Builder, node: Node) -> None:
    if node.attributes.get("to") != _FLOAT:
        raise UnsupportedNodeError("only casts to float32 are supported")
    _same(b, node)


def _shape(b: Builder, node: Node) -> None:
    # An open batch becomes 0, which Reshape reads as "the axis as it is"; the only use that makes sense of it.
    sizes = [b.batch, *b.view(node.input(0)).index.shape]
    b.constants[node.outputs[0]] = np.array(sizes[node.attributes.get("start", 0) : node.attributes.get("end")])


def _reshape(b: Builder, node: Node) -> None:
    view = b.view(node.input(0))
    batch, *sizes = b.constant(node.input(1)).tolist() or [None]
    dims = view.index.shape
    if not node.attributes.get("allowzero", 0):
        sizes = [dims[i] if size == 0 and i < len(dims) else size for i, size in enumerate(sizes)]
    known = math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known and view.index.size % known == 0:
        sizes = [view.index.size // known if size == -1 else size for size in sizes]
    if batch not in (0, -1, 1, b.batch) or -1 in sizes or math.prod(sizes) != view.index.size:
        raise UnsupportedNodeError("it does not keep the batch as its first axis")
    b.bind(node, View(view.source, view.index.reshape(sizes), view.sole))


def _flatten(b: Builder, node: Node) -> None:
    view = b.view(node.input(0))
    if node.attributes.get("axis", 1) % (view.index.ndim + 1) != 1:
        raise UnsupportedNodeError("only axis 1 keeps the batch")
    b.bind(node, View(view.source, view.index.reshape(-1), view.sole))


def _transpose(b: Builder, node: Node) -> None:
    view = b.view(node.input(0))
    order = node.ints("perm", range(view.index.ndim, -1, -1))
    if order[0] != 0:
        raise UnsupportedNodeError("it moves the batch axis")
    b.bind(node, View(view.source, view.index.transpose([axis - 1 for axis in order[1:]]), view.sole))


def _squeeze(b: Builder, node: Node) -> None:
    view = b.view(node.input(0))
    rank = view.index.ndim + 1
    axes = _axes(b, node)
    if axes is None:
        raise UnsupportedNodeError("without axes it may drop the batch axis")
    chosen = [axis % rank for axis in axes]
    if 0 in chosen or any(view.index.shape[axis - 1] != 1 for axis in chosen):
        raise UnsupportedNodeError("it drops the batch axis or one that is longer than 1")
    b.bind(node, View(view.source, view.index.squeeze(tuple(axis - 1 for axis in chosen)), view.sole))


def _unsqueeze(b: Builder, node: Node) -> None:
    view = b.view(node.input(0))
    axes = _axes(b, node) or []
    chosen = [axis % (view.index.ndim + 1 + len(axes)) for axis in axes]
    if not chosen or 0 in chosen:
        raise UnsupportedNodeError("it puts an axis before the batch")
    b.bind(node, View(view.source, np.expand_dims(view.index, tuple(axis - 1 for axis in chosen)), view.sole))


def _axes(b: Builder, node: Node) -> list[int] | None:
    """Return the axes: an attribute up to opset 12, an input since."""
    if node.input(1):
        return [int(axis) for axis in b.constant(node.input(1)).tolist()]
    return node.ints("axes", ()) or None


def _image_view(b: Builder, name: str) -> View:
    return View(name, Layout.ordered(b.shapes[name], "CHW").index)


def _sliding(b: Builder, node: Node, source: str, kernel: tuple[int, int]) -> Sliding:
    """Return the window that a node's strides, pads, auto_pad and ceil_mode describe."""
    if set(node.ints("dilations", (1,))) != {1}:
        raise UnsupportedNodeError(f"dilations {node.ints('dilations', ())} are not supported")
    shape = b.shapes[source]
    plane = (shape.height, shape.width)
    sy, sx = node.ints("strides", (1, 1))
    top, left, bottom, right = _pads(node, plane, kernel, (sy, sx))
    sliding = Sliding(plane, kernel, (sy, sx), (top, left, bottom, right))
    rest = [
        (plane[a] + sliding.pads[a] + sliding.pads[a + 2] - kernel[a]) % sliding.stride[a] for a in (0, 1)
    ]  # fmt: skip
    if node.attributes.get("ceil_mode", 0) and any(rest):
        raise UnsupportedNodeError("ceil_mode = 1 adds a partial window")
    return sliding


def _pads(node: Node, plane: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int]) -> list[int]:
    mode = node.attributes.get("auto_pad", b"NOTSET").decode()
    if mode == "NOTSET":
        return node.ints("pads", (0, 0, 0, 0))
    if mode == "VALID":
        return [0, 0, 0, 0]
    # SAME: as many outputs as strides begun; an odd pad goes to the end (UPPER) or to the beginning (LOWER).
    total = [max((-(-plane[a] // stride[a]) - 1) * stride[a] + kernel[a] - plane[a], 0) for a in (0, 1)]
    small = [t // 2 for t in total]
    large = [t - s for t, s in zip(total, small, strict=True)]
    return small + large if mode == "SAME_UPPER" else large + small


HANDLERS: dict[str, Handler] = {
    "Add": _add,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Conv": _conv,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average_pool,
    "Identity": _same,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "ReduceMean": _reduce_mean,
    "Relu": _relu,
    "Reshape": _reshape,
    "Shape": _shape,
    "Squeeze": _squeeze,
    "Sum": _add,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
