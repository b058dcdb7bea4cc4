"""Random small ONNX graphs of many operators, opsets and layouts: the float reference is what onnxruntime computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimcsim import evaluate, load_chip, simulate
from aimcsim.workload import Workload, load_workload
from aimcsim.workload.onnx_operators import OPERATORS
from tests.workload.conftest import ours

Compare = Callable[..., Workload]
Build = Callable[..., Path]
Draw = st.DrawFn

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
NEWEST = min(26, onnx.defs.onnx_opset_version())
"""The newest opset that both onnx and onnxruntime call finished."""
CURVES = [
    ("Relu", {}, 7), ("Sigmoid", {}, 7), ("Tanh", {}, 7), ("LeakyRelu", {"alpha": 0.2}, 7), ("Elu", {"alpha": 0.7}, 7),
    ("Selu", {}, 7), ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}, 7), ("Softplus", {}, 7), ("Softsign", {}, 7),
    ("Abs", {}, 7), ("Neg", {}, 7), ("Exp", {}, 7), ("ThresholdedRelu", {"alpha": 0.3}, 10), ("Erf", {}, 9),
    ("Celu", {"alpha": 1.5}, 12), ("HardSwish", {}, 14), ("Mish", {}, 18), ("Gelu", {}, 20),
    ("Gelu", {"approximate": "tanh"}, 20),
]  # fmt: skip
"""Operator, attributes, and the opset that it came with (ThresholdedRelu: that runs)."""


@dataclass
class Graph:
    """A graph under construction: `shape` is that of `last`, without the batch."""

    opset: int
    shape: list[int]
    rng: Any
    last: str = "x"
    nodes: list[Any] = field(default_factory=list)
    arrays: dict[str, Any] = field(default_factory=dict)

    def array(self, value: Any) -> str:
        """Return the name of a new constant."""
        name = f"k{len(self.arrays)}"
        self.arrays[name] = np.asarray(value)
        return name

    def normal(self, *shape: int) -> str:
        """Return the name of a new constant of normal float32 numbers."""
        return self.array(self.rng.standard_normal(shape).astype(np.float32))

    def node(self, op: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> list[str]:
        """Append a node and return the names of its outputs."""
        names = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append((op, inputs, names, attributes))
        return names

    def then(self, op: str, *inputs: str, shape: list[int] | None = None, **attributes: Any) -> None:
        """Append a node that takes the last tensor first, and makes the next last one."""
        (self.last,) = self.node(op, [self.last, *inputs], **attributes)
        self.shape = self.shape if shape is None else shape

    def listed(self, op: str, since: int, values: dict[str, list[int]], shape: list[int]) -> None:
        """Append a node whose lists are attributes before an opset and inputs since."""
        if self.opset < since:
            self.then(op, shape=shape, **values)
        else:
            self.then(op, *(self.array(np.array(value)) for value in values.values()), shape=shape)


def conv(draw: Draw, g: Graph) -> None:
    """A convolution, of any geometry that fits."""
    channels = g.shape[0]
    groups = draw(st.sampled_from([one for one in (1, 2, channels) if channels % one == 0]))
    kernel, dilations, pads = window(draw, g)
    strides = [draw(st.integers(1, 3)) for _ in range(2)]
    out = groups * draw(st.integers(1, 3))
    given: dict[str, Any] = {"pads": pads} if draw(st.booleans()) else {"auto_pad": "SAME_LOWER"}
    if "auto_pad" in given:
        dilations, pads = [1, 1], [0] * 4
        plane = [-(-size // stride) for size, stride in zip(g.shape[1:], strides, strict=True)]
    else:
        plane = [
            (g.shape[1 + a] + pads[a] + pads[a + 2] - (kernel[a] - 1) * dilations[a] - 1) // strides[a] + 1
            for a in (0, 1)
        ]
    inputs = [g.normal(out, channels // groups, *kernel)] + [g.normal(out)] * draw(st.booleans())
    g.then(
        "Conv", *inputs, shape=[out, *plane], group=groups, strides=strides, dilations=dilations, **given
    )  # fmt: skip


def window(draw: Draw, g: Graph) -> tuple[list[int], list[int], list[int]]:
    """A kernel, its dilations, and pads up to what keeps every window on the image."""
    kernel, dilations, pads = [], [], [0] * 4
    for axis, size in enumerate(g.shape[1:]):
        taps = draw(st.integers(1, 3))
        apart = draw(st.integers(1, 2))
        if (taps - 1) * apart + 1 > size:
            taps, apart = 1, 1
        kernel.append(taps)
        dilations.append(apart)
        for side in (axis, axis + 2):
            pads[side] = draw(st.integers(0, min((taps - 1) * apart, 2)))
    return kernel, dilations, pads


def pool(draw: Draw, g: Graph) -> None:
    """A pooling, rounded up or down."""
    op = draw(st.sampled_from(["MaxPool", "AveragePool"]))
    kernel, _, pads = window(draw, g)
    pads = [min(pad, kernel[side % 2] // 2) for side, pad in enumerate(pads)]
    strides = [draw(st.integers(1, 3)) for _ in range(2)]
    left = [g.shape[1 + a] + pads[a] + pads[a + 2] - kernel[a] for a in (0, 1)]
    plane = [rest // stride + 1 for rest, stride in zip(left, strides, strict=True)]
    # Whether a window that would begin behind the image counts, opsets and onnxruntime's own parts disagree about.
    begun = all(
        left[a] % strides[a] == 0 or plane[a] * strides[a] < g.shape[1 + a] + pads[a] for a in (0, 1)
    )  # fmt: skip
    rounds = g.opset >= 10 and begun and draw(st.booleans())
    if rounds:
        plane = [-(-rest // stride) + 1 for rest, stride in zip(left, strides, strict=True)]
    extra: dict[str, int] = {"ceil_mode": 1} if rounds else {}
    if op == "AveragePool":
        # onnxruntime counts the pads of windows that were rounded up otherwise than the standard before opset 19.
        extra["count_include_pad"] = draw(st.integers(0, 1)) if not rounds or g.opset >= 19 else 0
    g.then(op, shape=[g.shape[0], *plane], kernel_shape=kernel, strides=strides, pads=pads, **extra)


def curve(draw: Draw, g: Graph) -> None:
    """An activation."""
    op, attributes, _ = draw(st.sampled_from([one for one in CURVES if one[2] <= g.opset]))
    g.then(op, **attributes)


def gate(draw: Draw, g: Graph) -> None:
    """A tensor times a sigmoid of itself, or of one number for each channel."""
    source = g.last
    if draw(st.booleans()) and len(g.shape) == 3:
        (source,) = g.node("GlobalAveragePool", [source])
    (gated,) = g.node(draw(st.sampled_from(["Sigmoid", "Tanh"])), [source])
    g.then("Mul", gated)


def skip(draw: Draw, g: Graph) -> None:
    """Two ways that meet again."""
    start = g.last
    curve(draw, g)
    g.then(draw(st.sampled_from(["Add", "Sub", "Mul", "Sum", "Max", "Min"])), start)


def constant(draw: Draw, g: Graph) -> None:
    """Arithmetic with a constant of any shape that fits, on either side."""
    op = draw(st.sampled_from(["Add", "Sub", "Mul", "Div"]))
    shape = [size if draw(st.booleans()) else 1 for size in g.shape]
    shape = shape[draw(st.integers(0, len(shape))) :]
    name = g.array((g.rng.random(shape) + 0.5).astype(np.float32))
    if draw(st.booleans()) and op != "Div":
        (g.last,) = g.node(op, [name, g.last])
    else:
        g.then(op, name)


def normalise(draw: Draw, g: Graph) -> None:
    """Batch normalisation, wherever it stands."""
    count = g.shape[0]
    variance = g.array((g.rng.random(count) + 0.5).astype(np.float32))
    g.then("BatchNormalization", g.normal(count), g.normal(count), g.normal(count), variance, epsilon=1e-3)


def soften(draw: Draw, g: Graph) -> None:
    """Softmax over an axis; in older opsets over that and all after it."""
    g.then(draw(st.sampled_from(["Softmax", "LogSoftmax"])), axis=draw(st.integers(1, len(g.shape))))


def respond(draw: Draw, g: Graph) -> None:
    """Local response normalisation; onnxruntime takes odd sizes only."""
    g.then("LRN", size=draw(st.sampled_from([1, 3, 5])), alpha=0.5, beta=0.75, bias=1.5)


def slope(draw: Draw, g: Graph) -> None:
    """PRelu."""
    g.then("PRelu", g.normal(*(g.shape[0], *(1,) * (len(g.shape) - 1)) if draw(st.booleans()) else (1,)))


def transpose(draw: Draw, g: Graph) -> None:
    """Any order of axes behind the batch."""
    order = draw(st.permutations(range(len(g.shape))))
    g.then("Transpose", perm=[0, *(axis + 1 for axis in order)], shape=[g.shape[axis] for axis in order])


def shuffle(draw: Draw, g: Graph) -> None:
    """The channel shuffle of ShuffleNet."""
    channels, *plane = g.shape
    groups = draw(st.sampled_from([one for one in range(1, channels + 1) if channels % one == 0]))
    g.then("Reshape", g.array(np.array([0, groups, channels // groups, *plane])))
    g.then("Transpose", perm=[0, 2, 1, *(axis + 3 for axis in range(len(plane)))])
    g.then("Reshape", g.array(np.array([0, channels, *plane])))


def cut(draw: Draw, g: Graph) -> None:
    """A slice of some axes, forwards or backwards."""
    axes, starts, ends, shape = [], [], [], list(g.shape)
    for axis, size in enumerate(g.shape):
        if draw(st.booleans()):
            begin = draw(st.integers(0, size - 1))
            end = draw(st.integers(begin + 1, size))
            axes.append(axis + 1)
            starts.append(begin)
            ends.append(end if draw(st.booleans()) or end == size else end - size)
            shape[axis] = end - begin
    if axes:
        g.listed("Slice", 10, {"starts": starts, "ends": ends, "axes": axes}, shape)


def pick(draw: Draw, g: Graph) -> None:
    """A gather of some positions, in any order and number."""
    axis = draw(st.integers(0, len(g.shape) - 1))
    positions = draw(st.lists(st.integers(0, g.shape[axis] - 1), min_size=1, max_size=4))
    shape = list(g.shape)
    shape[axis] = len(positions)
    g.then("Gather", g.array(np.array(positions)), axis=axis + 1, shape=shape)


def parts(draw: Draw, g: Graph) -> None:
    """A split, joined again the other way round."""
    axis = draw(st.integers(0, len(g.shape) - 1))
    if g.shape[axis] < 2:
        return
    first = draw(st.integers(1, g.shape[axis] - 1))
    sizes = [first, g.shape[axis] - first]
    if g.opset < 13:
        one, two = g.node("Split", [g.last], 2, axis=axis + 1, split=sizes)
    else:
        one, two = g.node("Split", [g.last, g.array(np.array(sizes))], 2, axis=axis + 1)
    (g.last,) = g.node("Concat", [two, one], axis=axis + 1)


def join(draw: Draw, g: Graph) -> None:
    """A concatenation with something of another kind."""
    start = g.last
    curve(draw, g)
    axis = draw(st.integers(0, len(g.shape) - 1))
    shape = list(g.shape)
    shape[axis] *= 2
    g.then("Concat", start, axis=axis + 1, shape=shape)


def pad(draw: Draw, g: Graph) -> None:
    """Padding, with zeros or another number, or by reflection."""
    mode = draw(st.sampled_from(["constant", "reflect", "edge"]))
    most = [min(2, size - 1) if mode == "reflect" else 2 for size in g.shape]
    before, after = ([0, *(draw(st.integers(0, one)) for one in most)] for _ in range(2))
    shape = [size + before[a + 1] + after[a + 1] for a, size in enumerate(g.shape)]
    value = draw(st.sampled_from([0.0, 0.75]))
    if g.opset < 11:
        g.then("Pad", shape=shape, pads=before + after, mode=mode, value=value)
    else:
        pads, number = g.array(np.array(before + after)), g.array(np.float32(value))
        g.then("Pad", *([pads, number] if mode == "constant" else [pads]), shape=shape, mode=mode)


def reduce(draw: Draw, g: Graph) -> None:
    """A mean, a sum or a maximum over some axes, which stay with size 1."""
    axes = draw(st.sets(st.integers(0, len(g.shape) - 1), min_size=1))
    shape = [1 if axis in axes else size for axis, size in enumerate(g.shape)]
    op, since = draw(st.sampled_from([("ReduceMean", 18), ("ReduceMax", 18), ("ReduceSum", 13)]))
    g.listed(op, since, {"axes": [axis + 1 for axis in sorted(axes)]}, shape)


def rows(draw: Draw, g: Graph) -> None:
    """A product with a matrix over the last axis."""
    out = draw(st.integers(1, 5))
    g.then("MatMul", g.normal(g.shape[-1], out), shape=[*g.shape[:-1], out])


def repeat(draw: Draw, g: Graph) -> None:
    """Tile, or repetition of the nearest element."""
    if g.opset >= 11 and len(g.shape) == 3 and draw(st.booleans()):
        scales = g.array(np.array([1, 1, 2, 3], np.float32))
        mode = draw(st.sampled_from([{"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, {}]))
        shape = [g.shape[0], 2 * g.shape[1], 3 * g.shape[2]]
        g.then("Resize", g.array(np.zeros(0, np.float32)), scales, shape=shape, mode="nearest", **mode)
    else:
        repeats = [draw(st.integers(1, 2)) for _ in g.shape]
        shape = [size * count for size, count in zip(g.shape, repeats, strict=True)]
        g.then("Tile", g.array(np.array([1, *repeats])), shape=shape)


def identities(draw: Draw, g: Graph) -> None:
    """Nodes that leave everything as it is."""
    g.then("Identity")
    g.then("Dropout")
    g.then("Cast", to=1)


def end_flat(draw: Draw, g: Graph) -> None:
    """Flatten and a Gemm."""
    features, out = int(np.prod(g.shape)), draw(st.integers(1, 6))
    g.then("Flatten", shape=[features])
    transposed = draw(st.integers(0, 1))
    weight = g.normal(*((out, features) if transposed else (features, out)))
    g.then("Gemm", weight, g.normal(out), shape=[out], transB=transposed, alpha=0.5, beta=2.0)


ON_IMAGES = [conv, conv, conv, pool, respond, normalise]
ANYWHERE = [
    curve, gate, skip, constant, soften, slope, transpose, shuffle, cut, pick, parts, join, pad, reduce, rows, repeat,
    identities,
]  # fmt: skip


@st.composite
def graphs(draw: Draw) -> Graph:
    """One to five steps over an image, or over rows of features."""
    opset = draw(st.integers(7, NEWEST))
    shape = [draw(st.integers(1, 4)), draw(st.integers(1, 6)), draw(st.integers(1, 6))]
    g = Graph(opset, shape, np.random.default_rng(draw(st.integers(0, 2**16))))
    start = list(shape)
    for _ in range(draw(st.integers(1, 5))):
        if np.prod(g.shape) > 2000:
            break
        draw(st.sampled_from(ON_IMAGES + ANYWHERE))(draw, g)
    if draw(st.booleans()) or not g.nodes:
        end_flat(draw, g)
    g.nodes.append(("LeakyRelu" if draw(st.booleans()) else "Neg", [g.last], ["y"], {}))
    g.shape = start
    return g


def test_every_supported_operator_that_can_be_drawn_is_drawn() -> None:
    """Steps above, not luck, decide what is covered; only what other tests cover is left out."""
    text = Path(__file__).read_text()
    elsewhere = {
        "Clip", "DepthToSpace", "Expand", "GlobalMaxPool", "Mean", "Pow", "Reciprocal", "Shape", "SpaceToDepth", "Sqrt",
        "Squeeze", "Swish", "Unsqueeze", "Upsample",
    }  # fmt: skip
    assert {name for name in OPERATORS if text.count(f'"{name}"') < 1 + (name in elsewhere)} == elsewhere


@settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck), derandomize=True)
@given(g=graphs())
def test_a_random_graph_computes_what_onnxruntime_computes(
    build: Build, same_as_onnxruntime: Compare, g: Graph
) -> None:
    same_as_onnxruntime(build(g.nodes, ["N", *g.shape], opset=g.opset, **g.arrays), n=2)


CHIP = load_chip("tiny", ["tile.count=400", "network.routers=[20, 20]", "tile.buffers.scratch.size=1 MiB"])
"""A chip that holds all of them."""


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck), derandomize=True)
@given(g=graphs())
def test_a_random_graph_computes_the_same_in_the_clock_outside_it_and_in_float(build: Build, g: Graph) -> None:
    """A window that lets a layer run before its inputs are there would compute with nothing, which is an error."""
    workload = load_workload(build(g.nodes, ["N", *g.shape], opset=g.opset, **g.arrays))
    inputs = {"x": np.random.default_rng(1).standard_normal((2, *g.shape)).astype(np.float32)}
    run = simulate(CHIP, workload, inputs=inputs, analog="ideal")
    (expected,) = ours(workload, inputs)
    for name, values in evaluate(CHIP, workload, inputs, analog="ideal").items():
        assert np.array_equal(run.outputs[name], values)
        assert np.abs(values - expected).max() <= 1e-4 * np.abs(expected).max()
