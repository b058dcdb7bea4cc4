"""ONNX operators with weights or windows: convolutions, products, pools and means."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops import Conv2d, FloatArray, Linear, Pool2d, Sliding
from aimcsim.workload.onnx_builder import Builder, Node, spread, stored
from aimcsim.workload.onnx_view import IMAGE, UnsupportedNodeError, View

Array = NDArray[Any]
Mode = Literal["max", "average"]
NO_PADS = (0, 0, 0, 0)


def conv(b: Builder, node: Node) -> None:
    """Conv of one or two dimensions; zeros put around its input by a Pad become its own pads where they can."""
    kernel = b.constant(node.input(1)).astype(np.float32, copy=False)
    if kernel.ndim not in (3, 4):
        raise UnsupportedNodeError("only one- and two-dimensional convolutions are supported")
    flat = kernel.ndim == 3
    kernel = kernel[:, :, None, :] if flat else kernel
    outputs, channels, height, width = kernel.shape
    groups = node.whole("group", 1)
    if groups < 1 or outputs % groups:
        raise UnsupportedNodeError(f"{outputs} output channels do not fall into {groups} groups")
    source, sliding = _slid(b, node, (height, width), flat=flat)
    # [group, output, channel, ky, kx] -> [group, (ky, kx, channel), output]
    matrix = kernel.reshape(groups, outputs // groups, channels, height, width).transpose(0, 3, 4, 2, 1)
    weight = _own(matrix.reshape(groups, -1, outputs // groups))
    bias = b.constant(node.input(2)) if node.input(2) else np.zeros(1)
    name = b.add(node, Conv2d(sliding, weight, _bias(bias, outputs)), source)
    b.bind(node, _image(b, name, flat=flat))


def gemm(b: Builder, node: Node) -> None:
    """Gemm with the constant as its second matrix."""
    if node.whole("transA", 0):
        raise UnsupportedNodeError("transA = 1 transposes the batch")
    matrix = _times(b.constant(node.input(1)), node.number("alpha", 1.0))
    bias = _times(b.constant(node.input(2)), node.number("beta", 1.0)) if node.input(2) else np.zeros(1)
    view = b.view(node.input(0))
    if len(view.shape) != 1:
        raise UnsupportedNodeError(f"its input must be [n, features] (got {len(view.shape) + 1} axes)")
    _product(b, node, view, matrix.T if node.whole("transB", 0) else matrix, bias)


def matmul(b: Builder, node: Node) -> None:
    """MatMul with a constant: one product, or one for every row, column or pixel."""
    if node.input(0) not in b.constants:
        _product(b, node, b.view(node.input(0)), _matrix(b.constant(node.input(1))), np.zeros(1))
        return
    view = b.view(node.input(1))
    if len(view.shape) < 2:
        raise UnsupportedNodeError("it multiplies samples of the batch with one another")
    order = [*range(len(view.shape) - 2), len(view.shape) - 1, len(view.shape) - 2]
    _product(b, node, view.transposed(order), _matrix(b.constant(node.input(0))).T, np.zeros(1))
    b.bind(node, b.views[node.outputs[0]].transposed(order))


def _matrix(array: Array) -> Array:
    """Return a matrix without axes of size 1 before it."""
    return array.reshape(array.shape[-2:]) if array.ndim > 2 and set(array.shape[:-2]) == {1} else array


def _product(b: Builder, node: Node, view: View, matrix: Array, bias: Array) -> None:
    """Add ``x @ matrix + bias`` over the last axis of x."""
    if matrix.ndim != 2 or view.shape[-1:] != matrix.shape[:1] or len(view.shape) > 3:
        given = f"[n, {', '.join(map(str, view.shape))}] for a matrix {matrix.shape}"
        raise UnsupportedNodeError(f"its input must be [n, features] or [n, rows, features] (got {given})")
    if bias.ndim > 2 or (bias.ndim == 2 and len(bias) != 1):
        raise UnsupportedNodeError(f"its bias must be the same for every sample (got shape {bias.shape})")
    if len(view.shape) == 1:
        _linear(b, node, b.settled(view), matrix, bias)
        return
    rows = view.reshaped((1,) * (3 - len(view.shape)) + view.shape)
    source = b.image(rows.transposed((2, 0, 1)))
    plane = (b.shapes[source].height, b.shapes[source].width)
    op = Conv2d(Sliding(plane, (1, 1)), _own(matrix)[None], _bias(bias, matrix.shape[1]))
    b.bind(node, b.whole(b.add(node, op, source), "HWC").reshaped((*view.shape[:-1], matrix.shape[1])))


def _linear(b: Builder, node: Node, view: View, matrix: Array, bias: Array) -> None:
    """Add a fully connected layer; the rows of its matrix take the order in which our tensor holds the features."""
    if view.axes != "C" and len(stored(matrix)) > 1:
        order = np.empty_like(view.index)
        order[view.index] = np.arange(len(order))
        matrix = matrix[order]
    op = Linear(_own(matrix)[None], _bias(bias, matrix.shape[1]))
    b.bind(node, b.whole(b.add(node, op, view.source), "C"))


def _own(array: Array) -> FloatArray:
    """Return a float32 copy in order; of a repeated number only that."""
    if array.size > stored(array).size:
        return spread(stored(array).astype(np.float32), array.shape)
    return np.array(array, dtype=np.float32, order="C")


def _bias(array: Array, outputs: int) -> FloatArray:
    bias = _own(stored(array.reshape(-1)))
    try:
        return np.broadcast_to(bias, (outputs,))
    except ValueError:
        raise UnsupportedNodeError(f"its bias has {array.size} elements for {outputs} outputs") from None


def _times(array: Array, factor: float) -> Array:
    return array if factor == 1 else spread(stored(array).astype(np.float64) * factor, array.shape)


def max_pool(b: Builder, node: Node) -> None:
    """MaxPool without indices."""
    if any(node.outputs[1:]):
        raise UnsupportedNodeError("its indices are used")
    _pool(b, node, lambda sliding: Pool2d(sliding, "max"))


def average_pool(b: Builder, node: Node) -> None:
    """AveragePool."""
    include = bool(node.whole("count_include_pad", 0))
    _pool(b, node, lambda sliding: Pool2d(sliding, "average", include))


def _pool(b: Builder, node: Node, make: Callable[[Sliding], Pool2d]) -> None:
    kernel = node.ints("kernel_shape", ())
    if len(kernel) not in (1, 2):
        raise UnsupportedNodeError("only one- and two-dimensional pooling is supported")
    flat = len(kernel) == 1
    b.view(node.input(0))  # zeros around it would count as values: they become a layer
    source, sliding = _slid(b, node, (1, kernel[0]) if flat else (kernel[0], kernel[1]), flat=flat)
    b.bind(node, _image(b, b.add(node, make(sliding), source), flat=flat))


def _image(b: Builder, name: str, *, flat: bool) -> View:
    """Return the view [C, H, W] of a layer, or [C, W] of a flat one."""
    view = b.whole(name, IMAGE)
    return view.reshaped((view.shape[0], view.shape[2])) if flat else view


def _slid(b: Builder, node: Node, kernel: tuple[int, int], *, flat: bool) -> tuple[str, Sliding]:
    """Return the image that a node's window slides over, and the window that its attributes describe."""
    view, around = b.padded.get(node.input(0), (None, NO_PADS))
    if view is None or node.text("auto_pad", "NOTSET").startswith("SAME"):
        view, around = b.view(node.input(0)), NO_PADS
    if flat and len(view.shape) == 2:
        view = view.reshaped((view.shape[0], 1, view.shape[1]))
    stride, dilation = (_pair(node, name, flat=flat) for name in ("strides", "dilations"))
    extent = [(kernel[axis] - 1) * dilation[axis] + 1 for axis in (0, 1)]
    own = _pads(node, view.shape[1:], (extent[0], extent[1]), stride, flat=flat)
    pads = [one + two for one, two in zip(own, around, strict=True)]
    if any(pad >= extent[side % 2] for side, pad in enumerate(pads)):
        view, pads = _surrounded(b, node, view, pads), list(NO_PADS)
    source = b.image(view)
    plane = (b.shapes[source].height, b.shapes[source].width)
    make = Sliding.rounded_up if node.whole("ceil_mode", 0) else Sliding
    return source, make(plane, kernel, stride, (pads[0], pads[1], pads[2], pads[3]), dilation)


def _surrounded(b: Builder, node: Node, view: View, pads: list[int]) -> View:
    """Return an image with zeros around it, of a layer that puts them there: a window may not stand on pads alone."""
    if node.op != "Conv" or min(pads) < 0 or max(pads) > 2**16:
        raise UnsupportedNodeError(f"pads must be 0 or more and below the kernel (got {pads})")
    top, left, bottom, right = pads
    return b.gathered(view, np.pad(view.index, ((0, 0), (top, bottom), (left, right)), constant_values=-1))


def _pair(node: Node, name: str, *, flat: bool) -> tuple[int, int]:
    values = [1] * flat + node.ints(name, (1,) * (2 - flat))
    if len(values) != 2:
        raise UnsupportedNodeError(f"its {name} must be {2 - flat} numbers (got {values[flat:]})")
    return values[0], values[1]


def _pads(
    node: Node, plane: tuple[int, ...], extent: tuple[int, int], stride: tuple[int, int], *, flat: bool
) -> list[int]:
    """Return (top, left, bottom, right)."""
    mode = node.text("auto_pad", "NOTSET")
    if mode == "NOTSET":
        pads = node.ints("pads", (0,) * (2 if flat else 4))
        pads = [0, pads[0], 0, pads[1]] if flat and len(pads) == 2 else pads
        if len(pads) != 4:
            raise UnsupportedNodeError(f"its pads must be two for each axis of the image (got {pads})")
        return pads
    if mode == "VALID":
        return list(NO_PADS)
    if mode not in ("SAME_UPPER", "SAME_LOWER") or len(plane) != 2:
        raise UnsupportedNodeError(f"there is no auto_pad `{mode}`")
    # SAME: as many outputs as strides begun; an odd pad goes to the end (UPPER) or to the beginning (LOWER).
    total = [max((-(-plane[a] // stride[a]) - 1) * stride[a] + extent[a] - plane[a], 0) for a in (0, 1)]
    small = [t // 2 for t in total]
    large = [t - s for t, s in zip(total, small, strict=True)]
    return small + large if mode == "SAME_UPPER" else large + small


def global_pool(mode: Mode) -> Callable[[Builder, Node], None]:
    """GlobalAveragePool and GlobalMaxPool."""

    def convert(b: Builder, node: Node) -> None:
        view = b.view(node.input(0))
        b.bind(node, _pooled(b, node, view, list(range(1, len(view.shape))), mode, keep=True))

    return convert


def reduction(mode: Mode) -> Callable[[Builder, Node], None]:
    """ReduceMean and ReduceMax over any axes but the batch's."""
    return partial(_reduce, mode=mode)


def reduce_sum(b: Builder, node: Node) -> None:
    """ReduceSum: a mean, times the number of elements."""
    axes = _axes_of(b, node)
    _reduce(b, node, mode="average")
    count = math.prod(b.view(node.input(0)).shape[axis] for axis in axes)
    b.bind(node, b.fold(node, b.views[node.outputs[0]], np.full(1, float(count)), np.zeros(1)))


def _reduce(b: Builder, node: Node, *, mode: Mode) -> None:
    view, axes = b.view(node.input(0)), _axes_of(b, node)
    b.bind(node, _pooled(b, node, view, axes, mode, keep=bool(node.whole("keepdims", 1))))


def _axes_of(b: Builder, node: Node) -> list[int]:
    """Return the axes of a reduction, not counting the batch."""
    rank = len(b.view(node.input(0)).shape) + 1
    axes = b.integers(node.input(1)) if node.input(1) else node.ints("axes", ())
    own = sorted({axis % rank - 1 for axis in axes})
    if not own or own[0] < 0:
        raise UnsupportedNodeError("it reduces the batch axis")
    return own


def _pooled(b: Builder, node: Node, view: View, axes: list[int], mode: Mode, *, keep: bool) -> View:
    """Return the largest or the mean over some axes; the others become the channels of a plane of those."""
    rest = [axis for axis in range(len(view.shape)) if axis not in axes]
    sizes = [view.shape[axis] for axis in axes]
    plane = (sizes[0], math.prod(sizes[1:])) if len(sizes) > 1 else (1, sizes[0])
    channels = math.prod(view.shape[axis] for axis in rest)
    source = b.image(view.transposed((*rest, *axes)).reshaped((channels, *plane)))
    name = b.add(node, Pool2d(Sliding(plane, plane), mode), source)
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(view.shape) if keep or axis not in axes)
    return b.whole(name, "C").reshaped(shape)
