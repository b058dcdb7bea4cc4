"""ONNX operators that move, pick, repeat or join elements, and those that do nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from aimcsim.ops import AXES, Axis, Concat, IndexArray
from aimcsim.workload.onnx_builder import MOST_MOVED, Builder, Node
from aimcsim.workload.onnx_view import UnsupportedNodeError, View

_FLOAT = 1  # TensorProto.FLOAT


def same(b: Builder, node: Node) -> None:
    """Identity, and what is one when nothing is trained."""
    b.bind(node, b.view(node.input(0)))


def dropout(b: Builder, node: Node) -> None:
    """Dropout, which does nothing in inference."""
    if any(b.uses[mask] for mask in node.outputs[1:]):
        raise UnsupportedNodeError("its mask is used")
    if node.input(2) and b.constant(node.input(2)).any():
        raise UnsupportedNodeError("it is in training mode")
    same(b, node)


def cast(b: Builder, node: Node) -> None:
    """Cast to float32, which everything is."""
    if node.attributes.get("to") != _FLOAT:
        raise UnsupportedNodeError("only casts to float32 are supported")
    same(b, node)


def shape(b: Builder, node: Node) -> None:
    """Shape, a constant but for an open batch: that counts as one sample."""
    sizes = [b.batch or 1, *b.view(node.input(0)).shape]
    b.constants[node.outputs[0]] = np.array(sizes[node.attributes.get("start", 0) : node.attributes.get("end")])


def reshape(b: Builder, node: Node) -> None:
    """Reshape that keeps the batch."""
    view = b.view(node.input(0))
    batch, *sizes = b.integers(node.input(1)) or [view.elements + 1]
    if not node.whole("allowzero", 0):
        sizes = [view.shape[i] if size == 0 and i < len(view.shape) else size for i, size in enumerate(sizes)]
    known = math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known and view.elements % known == 0:
        sizes = [view.elements // known if size == -1 else size for size in sizes]
    if batch not in (0, -1, 1, b.batch) or -1 in sizes or math.prod(sizes) != view.elements:
        raise UnsupportedNodeError("it does not keep the batch as its first axis")
    b.bind(node, view.reshaped(tuple(sizes)))


def flatten(b: Builder, node: Node) -> None:
    """Flatten from the first axis after the batch."""
    view = b.view(node.input(0))
    if node.whole("axis", 1) % (len(view.shape) + 1) != 1:
        raise UnsupportedNodeError("only axis 1 keeps the batch")
    b.bind(node, view.reshaped((view.elements,)))


def transpose(b: Builder, node: Node) -> None:
    """Transpose that leaves the batch where it is."""
    view = b.view(node.input(0))
    order = node.ints("perm", range(len(view.shape), -1, -1))
    if sorted(order) != list(range(len(view.shape) + 1)) or order[0] != 0:
        raise UnsupportedNodeError("it moves the batch axis")
    b.bind(node, view.transposed([axis - 1 for axis in order[1:]]))


def squeeze(b: Builder, node: Node) -> None:
    """Squeeze of named axes."""
    view = b.view(node.input(0))
    axes = _axes(b, node)
    if axes is None:
        raise UnsupportedNodeError("without axes it may drop the batch axis")
    chosen = [axis % (len(view.shape) + 1) for axis in axes]
    if 0 in chosen or any(view.shape[axis - 1] != 1 for axis in chosen):
        raise UnsupportedNodeError("it drops the batch axis or one that is longer than 1")
    b.bind(node, view.reshaped(tuple(size for axis, size in enumerate(view.shape) if axis + 1 not in chosen)))


def unsqueeze(b: Builder, node: Node) -> None:
    """Unsqueeze behind the batch."""
    view = b.view(node.input(0))
    axes = _axes(b, node) or []
    rank = len(view.shape) + 1 + len(axes)
    chosen = sorted(axis % rank for axis in axes)
    if not chosen or chosen[0] == 0 or len(set(chosen)) < len(chosen):
        raise UnsupportedNodeError("it puts an axis before the batch")
    sizes = iter(view.shape)
    b.bind(node, view.reshaped(tuple(1 if axis in chosen else next(sizes) for axis in range(1, rank))))


def _axes(b: Builder, node: Node, position: int = 1) -> list[int] | None:
    """Return the axes: an attribute in older opsets, an input since; None if there are none."""
    if node.input(position):
        return b.integers(node.input(position))
    return node.ints("axes", ()) or None


def slice_(b: Builder, node: Node) -> None:
    """Slice with constant bounds."""
    view = b.view(node.input(0))
    starts, ends = (
        b.integers(node.input(i)) if node.input(i) else node.ints(name, ()) for i, name in ((1, "starts"), (2, "ends"))
    )
    axes = _axes(b, node, 3) or list(range(len(starts)))
    steps = b.integers(node.input(4)) if node.input(4) else [1] * len(starts)
    cuts = [slice(None)] * (len(view.shape) + 1)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        past = step < 0 and end < -(2**30)  # below the first element, which Python says by None
        cuts[axis % len(cuts)] = slice(start, None if past else end, step)
    size = b.batch or 2**31 - 2
    if cuts[0].indices(size) != (0, size, 1):
        raise UnsupportedNodeError("it takes samples of the batch")
    _pick(b, node, view, cuts[1:])


def _pick(b: Builder, node: Node, view: View, cuts: Sequence[slice], output: int = 0) -> None:
    """Bind a part of a view; the whole of it is the view itself."""
    if all(cut.indices(size) == (0, size, 1) for cut, size in zip(cuts, view.shape, strict=True)):
        b.bind(node, view, output)
        return
    index = view.index[tuple(cuts)]
    if not index.size:
        raise UnsupportedNodeError("nothing is left of its input")
    b.bind(node, view.picked(index), output)


def gather(b: Builder, node: Node) -> None:
    """Gather of constant positions."""
    view = b.view(node.input(0))
    axis = node.whole("axis", 0) % (len(view.shape) + 1)
    if axis == 0:
        raise UnsupportedNodeError("it takes samples of the batch")
    positions = b.constant(node.input(1)).astype(np.int64)
    if view.elements // view.shape[axis - 1] * positions.size > MOST_MOVED:
        raise UnsupportedNodeError(f"it takes more than {MOST_MOVED} elements")
    b.bind(node, view.picked(np.take(view.index, positions, axis - 1)))


def split(b: Builder, node: Node) -> None:
    """Split into parts of constant sizes, or of equal ones."""
    view = b.view(node.input(0))
    axis = node.whole("axis", 0) % (len(view.shape) + 1)
    if axis == 0:
        raise UnsupportedNodeError("it takes samples of the batch")
    size, parts = view.shape[axis - 1], len(node.outputs)
    sizes = b.integers(node.input(1)) if node.input(1) else node.ints("split", [-(-size // parts)] * parts)
    if len(sizes) != parts:
        raise UnsupportedNodeError(f"it has {parts} outputs for {len(sizes)} parts")
    begin = 0
    for output, part in enumerate(sizes):
        cuts = [slice(None)] * len(view.shape)
        cuts[axis - 1] = slice(begin, begin + part)
        _pick(b, node, view, cuts, output)
        begin += part


def expand(b: Builder, node: Node) -> None:
    """Expand of axes behind the batch."""
    view, sizes = b.view(node.input(0)), b.integers(node.input(1))
    try:
        batch, *own = np.broadcast_shapes((1, *view.shape), tuple(sizes))
    except ValueError:
        raise UnsupportedNodeError(f"its input does not fit {sizes}") from None
    if batch not in (1, b.batch) or len(own) != len(view.shape):
        raise UnsupportedNodeError("it repeats samples of the batch")
    b.bind(node, view.broadcast(tuple(own)))


def tile(b: Builder, node: Node) -> None:
    """Tile of axes behind the batch."""
    view, (batch, *repeats) = b.view(node.input(0)), b.integers(node.input(1)) or [0]
    if batch != 1 or len(repeats) != len(view.shape):
        raise UnsupportedNodeError("it repeats samples of the batch")
    if not 0 < math.prod(repeats) * view.elements <= MOST_MOVED:
        raise UnsupportedNodeError(f"it makes none or more than {MOST_MOVED} elements")
    b.bind(node, view.picked(np.tile(view.index, repeats)))


def pad(b: Builder, node: Node) -> None:
    """Pad with a constant, with the edge or by reflection; zeros around an image wait for a Conv to take them."""
    view = b.view(node.input(0))
    widths = _pad_widths(b, node, len(view.shape) + 1)
    sizes = [size + before + after for size, (before, after) in zip(view.shape, widths[1:], strict=True)]
    if widths[0] != (0, 0) or min(min(pair) for pair in widths) < 0:
        raise UnsupportedNodeError("only pads of 0 or more behind the batch are supported")
    if math.prod(sizes) > MOST_MOVED:
        raise UnsupportedNodeError(f"it makes more than {MOST_MOVED} elements")
    mode = node.text("mode", "constant")
    if mode in ("edge", "reflect", "wrap"):
        b.bind(node, view.picked(np.pad(view.index, widths[1:], mode=mode)))  # type: ignore[call-overload]
        return
    if mode != "constant":
        raise UnsupportedNodeError(f"there is no mode `{mode}`")
    value = float(b.constant(node.input(2)).reshape(())) if node.input(2) else node.number("value", 0.0)
    if value == 0 and len(view.shape) == 3 and widths[1] == (0, 0):
        (top, bottom), (left, right) = widths[2:]
        b.bind_padded(node, view, (top, left, bottom, right))
    else:
        b.bind(node, b.gathered(view, np.pad(view.index, widths[1:], constant_values=-1), value))


def _pad_widths(b: Builder, node: Node, rank: int) -> list[tuple[int, int]]:
    """Return (before, after) of every axis."""
    pads = b.integers(node.input(1)) if node.input(1) else node.ints("pads", ())
    axes = _axes(b, node, 3) or list(range(rank))
    if len(pads) != 2 * len(axes):
        raise UnsupportedNodeError(f"it has {len(pads)} pads for {len(axes)} axes")
    widths = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        widths[axis % rank] = (pads[i], pads[i + len(axes)])
    return widths


def concat(b: Builder, node: Node) -> None:
    """Concat of tensors along an axis behind the batch."""
    views = [b.settled(b.view(name)) for name in node.inputs]
    rank = len(views[0].shape) + 1
    axis = node.whole("axis", 1) % rank
    if axis == 0 or any(len(view.shape) != rank - 1 for view in views):
        raise UnsupportedNodeError("it joins samples of the batch, or tensors of different ranks")
    if len(views) == 1:
        b.bind(node, views[0])
        return
    axes = views[0].axes
    if not axes or any(view.axes != axes for view in views) or rank > 4:
        views = [b.straight(view) for view in views]
        axes = views[0].axes
    if len(axes) == rank - 1:
        along: Axis = AXES["CHW".index(axes[axis - 1])]
        op = Concat(along, tuple(view.shape[axis - 1] for view in views))
        b.bind(node, b.whole(b.add(node, op, *(view.source for view in views)), axes))
    else:
        _concat_flat(b, node, views, axis)


def _concat_flat(b: Builder, node: Node, views: Sequence[View], axis: int) -> None:
    """Join tensors of many axes as long vectors; their order is that of the view."""
    sizes = [view.elements for view in views]
    begins = np.cumsum([0, *sizes[:-1]])
    index = np.concatenate([view.index + begin for view, begin in zip(views, begins, strict=True)], axis - 1)
    name = b.add(node, Concat("channels", tuple(sizes)), *(view.source for view in views))
    b.bind(node, b.whole(name, "C").moved(index))


def depth_to_space(b: Builder, node: Node) -> None:
    """DepthToSpace in both its modes."""
    view, block = b.view(node.input(0)), node.whole("blocksize", 1)
    channels, height, width = _image_shape(view)
    if block < 1 or channels % (block * block):
        raise UnsupportedNodeError(f"blocks of {block} do not divide {channels} channels")
    depth = channels // (block * block)
    index = view.index
    if node.text("mode", "DCR") == "DCR":
        index = index.reshape(block, block, depth, height, width).transpose(2, 3, 0, 4, 1)
    else:
        index = index.reshape(depth, block, block, height, width).transpose(0, 3, 1, 4, 2)
    b.bind(node, view.moved(index.reshape(depth, height * block, width * block)))


def space_to_depth(b: Builder, node: Node) -> None:
    """SpaceToDepth."""
    view, block = b.view(node.input(0)), node.whole("blocksize", 1)
    channels, height, width = _image_shape(view)
    if block < 1 or height % block or width % block:
        raise UnsupportedNodeError(f"blocks of {block} do not divide an image of {height} x {width}")
    index = view.index.reshape(channels, height // block, block, width // block, block).transpose(2, 4, 0, 1, 3)
    b.bind(node, view.moved(index.reshape(-1, height // block, width // block)))


def _image_shape(view: View) -> tuple[int, ...]:
    if len(view.shape) != 3:
        raise UnsupportedNodeError(f"its input must be [n, C, H, W] (got {len(view.shape) + 1} axes)")
    return view.shape


def resize(b: Builder, node: Node) -> None:
    """Resize and Upsample by whole factors to the nearest element, which repeats elements."""
    view = b.view(node.input(0))
    factors = _factors(b, node, view)
    if node.text("mode", "nearest") != "nearest" or not _repeats(node):
        raise UnsupportedNodeError("only repetition of the nearest element is supported")
    if any(factor != round(factor) or factor < 1 for factor in factors) or factors[0] != 1:
        raise UnsupportedNodeError(f"only whole factors behind the batch are supported (got {factors})")
    if math.prod(factors) * view.elements > MOST_MOVED:
        raise UnsupportedNodeError(f"it makes more than {MOST_MOVED} elements")
    index: IndexArray = view.index
    for axis, factor in enumerate(factors[1:]):
        index = np.repeat(index, round(factor), axis)
    b.bind(node, view.picked(index))


def _factors(b: Builder, node: Node, view: View) -> list[float]:
    """Return the factors of all axes, from scales or from sizes."""
    rank = len(view.shape) + 1
    attribute: Any = node.attributes.get("scales")
    name = node.input(1 if node.op == "Upsample" or node.opset < 11 else 2)
    scales = attribute if attribute is not None else b.constant(name).tolist() if name else []
    if not scales and node.input(3):
        sizes = b.integers(node.input(3))
        scales = [size / own for size, own in zip(sizes, (b.batch or sizes[0], *view.shape), strict=True)]
    axes = node.ints("axes", range(rank))
    if len(scales) != len(axes):
        raise UnsupportedNodeError(f"it has {len(scales)} factors for {len(axes)} axes")
    factors = [1.0] * rank
    for axis, scale in zip(axes, scales, strict=True):
        factors[axis % rank] = float(scale)
    return factors


def _repeats(node: Node) -> bool:
    """Whether a whole factor repeats each element that often: it does unless coordinates are rounded up."""
    if node.opset < 11:
        return True
    coordinates, rounding = node.text("coordinate_transformation_mode", "half_pixel"), node.text("nearest_mode", "")
    if coordinates == "asymmetric":
        return rounding == "floor"
    return coordinates in ("half_pixel", "pytorch_half_pixel") and rounding in (
        "", "round_prefer_floor", "round_prefer_ceil",
    )  # fmt: skip
