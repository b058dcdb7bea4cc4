"""Each supported operator, in the forms that real exporters write, against onnxruntime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimcsim.ops import MatrixKind
from aimcsim.workload import Workload

Compare = Callable[..., Workload]
Build = Callable[..., Path]
RNG = np.random.default_rng(1)


def array(*shape: int) -> Any:
    """Normal float32 numbers."""
    return RNG.standard_normal(shape).astype(np.float32)


def kinds(workload: Workload) -> list[str]:
    """The kinds of a workload's layers, in order."""
    return [layer.kind for layer in workload.layers]


def conv(name: str = "w", x: str = "x", y: str = "y", **attributes: Any) -> Any:
    """A Conv node without bias."""
    return ("Conv", [x, name], [y], attributes)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_convolutions_of_any_geometry(build: Build, same_as_onnxruntime: Compare, data: st.DataObject) -> None:
    groups = data.draw(st.sampled_from([1, 2, 4]))
    kernel = [data.draw(st.integers(1, 4)) for _ in range(2)]
    pads = [data.draw(st.integers(0, kernel[side % 2] - 1)) for side in range(4)]
    size = [data.draw(st.integers(max(1, kernel[a] - pads[a] - pads[a + 2]), 7)) for a in range(2)]
    strides = [data.draw(st.integers(1, 3)) for _ in range(2)]
    weight, bias = array(2 * groups, 4 // groups, *kernel), array(2 * groups)
    node = ("Conv", ["x", "w", "b"], ["y"], {"group": groups, "pads": pads, "strides": strides})
    workload = same_as_onnxruntime(build([node], ["N", 4, *size], w=weight, b=bias))
    assert kinds(workload) == ["conv2d"]
    assert workload.weights == weight.size


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_automatic_padding(build: Build, same_as_onnxruntime: Compare, mode: str, stride: int) -> None:
    node = conv(auto_pad=mode, strides=[stride, stride])
    same_as_onnxruntime(build([node], ["N", 2, 8, 7], w=array(3, 2, 4, 3)))


def test_the_asymmetric_pads_of_tensorflow_exports(build: Build, same_as_onnxruntime: Compare) -> None:
    node = conv(pads=[0, 0, 1, 1], strides=[2, 2])
    same_as_onnxruntime(build([node], ["N", 3, 8, 8], w=array(5, 3, 3, 3)))


@pytest.mark.parametrize("include", [0, 1])
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_pooling_with_pads(build: Build, same_as_onnxruntime: Compare, op: str, include: int) -> None:
    extra = {"count_include_pad": include} if op == "AveragePool" else {}
    node = (op, ["x"], ["y"], {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1], **extra})
    assert kinds(same_as_onnxruntime(build([node], ["N", 3, 7, 5]))) == ["pool2d"]


def test_ceil_mode_is_fine_where_it_changes_nothing(build: Build, same_as_onnxruntime: Compare) -> None:
    node = ("MaxPool", ["x"], ["y"], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1})
    same_as_onnxruntime(build([node], ["N", 3, 6, 4]))


@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("opset", [17, 18])
def test_means_over_the_image(build: Build, same_as_onnxruntime: Compare, keep: int, opset: int) -> None:
    axes = {"axes": [2, -1]} if opset == 17 else {}
    inputs = ["x"] if opset == 17 else ["x", "axes"]
    constants = {} if opset == 17 else {"axes": np.array([2, -1])}
    node = ("ReduceMean", inputs, ["y"], {"keepdims": keep, **axes})
    same_as_onnxruntime(build([node], ["N", 3, 4, 5], opset=opset, **constants))


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("bias", [(), (6,), (1, 6), (1,)])
def test_gemm(build: Build, same_as_onnxruntime: Compare, transposed: int, bias: tuple[int, ...]) -> None:
    weight = array(6, 5) if transposed else array(5, 6)
    inputs = ["x", "w"] + ["c"] * bool(bias)
    constants = {"w": weight} | ({"c": array(*bias)} if bias else {})
    node = ("Gemm", inputs, ["y"], {"transB": transposed, "alpha": 0.5, "beta": 2.0})
    same_as_onnxruntime(build([node], ["N", 5], **constants))


@pytest.mark.parametrize("order", [["m", "b"], ["b", "m"]])
def test_matmul_with_its_bias_added_is_one_layer(build: Build, same_as_onnxruntime: Compare, order: list[str]) -> None:
    nodes: list[Any] = [("MatMul", ["x", "w"], ["m"], {}), ("Add", order, ["a"], {}), ("Relu", ["a"], ["y"], {})]
    assert kinds(same_as_onnxruntime(build(nodes, ["N", 5], w=array(5, 4), b=array(4)))) == ["linear"]


def norm_arrays(channels: int) -> dict[str, Any]:
    """Parameters of a batch normalisation, with variances that are not 1."""
    variance = np.abs(array(channels)) + np.float32(0.5)
    return {"g": array(channels), "beta": array(channels), "mean": array(channels), "var": variance}


NORM = ["g", "beta", "mean", "var"]


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_batch_normalisation_folds_into_a_convolution(build: Build, same_as_onnxruntime: Compare, groups: int) -> None:
    nodes: list[Any] = [
        ("Conv", ["x", "w", "b"], ["c"], {"group": groups}),
        ("BatchNormalization", ["c", *NORM], ["n"], {"epsilon": 1e-3}),
        ("Relu", ["n"], ["y"], {}),
    ]
    arrays = {"w": array(8, 4 // groups, 3, 3), "b": array(8), **norm_arrays(8)}
    assert kinds(same_as_onnxruntime(build(nodes, ["N", 4, 5, 5], **arrays))) == ["conv2d"]


def test_batch_normalisation_folds_into_a_gemm(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [("Gemm", ["x", "w"], ["c"], {}), ("BatchNormalization", ["c", *NORM], ["y"], {})]
    assert kinds(same_as_onnxruntime(build(nodes, ["N", 5], w=array(5, 7), **norm_arrays(7)))) == ["linear"]


def test_a_bias_added_per_channel_folds_too(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [conv(y="c"), ("Add", ["c", "b"], ["y"], {})]
    workload = same_as_onnxruntime(build(nodes, ["N", 2, 4, 4], w=array(3, 2, 2, 2), b=array(3, 1, 1)))
    assert kinds(workload) == ["conv2d"]


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "opset"),
    [
        ("Relu", ["x"], {}, 17),
        ("Clip", ["x", "low", "high"], {}, 17),
        ("Clip", ["x", "low"], {}, 17),
        ("Clip", ["x", "", "high"], {}, 17),
        ("Clip", ["x"], {"min": 0.0, "max": 6.0}, 7),
    ],
)
def test_activations(
    build: Build, same_as_onnxruntime: Compare, op: str, inputs: list[str], attributes: dict[str, float], opset: int
) -> None:
    arrays = {"low": np.float32(-0.5), "high": np.float32(0.75)}
    path = build([(op, inputs, ["y"], attributes)], ["N", 4], opset=opset, **arrays)
    assert kinds(same_as_onnxruntime(path)) == ["activation"]


def test_an_activation_is_not_folded_where_the_sum_before_it_is_used_too(
    build: Build, same_as_onnxruntime: Compare
) -> None:
    nodes: list[Any] = [conv(y="c"), ("Relu", ["c"], ["r"], {}), ("Add", ["c", "r"], ["y"], {})]
    workload = same_as_onnxruntime(build(nodes, ["N", 2, 4, 4], w=array(3, 2, 2, 2)))
    assert kinds(workload) == ["conv2d", "activation", "add"]


def test_an_activation_is_not_folded_where_the_sum_before_it_is_an_output(
    build: Build, same_as_onnxruntime: Compare
) -> None:
    nodes: list[Any] = [conv(y="c"), ("Relu", ["c"], ["y"], {})]
    path = build(nodes, ["N", 2, 4, 4], outputs=["c", "y"], w=array(3, 2, 2, 2))
    assert kinds(same_as_onnxruntime(path)) == ["conv2d", "activation"]


def test_two_activations_in_a_row_stay_two(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [conv(y="c"), ("Clip", ["c", "low"], ["r"], {}), ("Relu", ["r"], ["y"], {})]
    path = build(nodes, ["N", 2, 4, 4], w=array(3, 2, 2, 2), low=np.float32(-1))
    assert kinds(same_as_onnxruntime(path)) == ["conv2d", "activation"]


@pytest.mark.parametrize("op", ["Add", "Sum"])
def test_a_residual_addition_with_its_activation(build: Build, same_as_onnxruntime: Compare, op: str) -> None:
    nodes: list[Any] = [conv(y="c", pads=[1, 1, 1, 1]), (op, ["c", "x"], ["s"], {}), ("Relu", ["s"], ["y"], {})]
    workload = same_as_onnxruntime(build(nodes, ["N", 2, 4, 4], w=array(2, 2, 3, 3)))
    assert kinds(workload) == ["conv2d", "add"]
    assert workload.layers[1].inputs == (workload.layers[0].name, "x")


def test_identities_leave_no_layer(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [
        ("Identity", ["x"], ["i"], {}),
        ("Cast", ["i"], ["k"], {"to": 1}),
        conv(x="k", y="c"),
        ("Dropout", ["c"], ["d"], {}),
        ("Unsqueeze", ["d", "axis"], ["u"], {}),
        ("Squeeze", ["u", "axis"], ["s"], {}),
        ("Relu", ["s"], ["y"], {}),
    ]
    path = build(nodes, ["N", 2, 4, 4], w=array(2, 2, 3, 3), axis=np.array([-1]))
    assert kinds(same_as_onnxruntime(path)) == ["conv2d"]


def test_weights_may_come_from_nodes_that_depend_on_constants_alone(build: Build, same_as_onnxruntime: Compare) -> None:
    onnx = pytest.importorskip("onnx")
    value = onnx.numpy_helper.from_array(np.array([0.02], np.float32))
    nodes: list[Any] = [
        ("Constant", [], ["shape"], {"value_ints": [4, 5]}),
        ("ConstantOfShape", ["shape"], ["flat"], {"value": value}),
        ("Transpose", ["flat"], ["w"], {"perm": [1, 0]}),
        ("MatMul", ["x", "w"], ["y"], {}),
    ]
    workload = same_as_onnxruntime(build(nodes, ["N", 5]))
    op = workload.layers[0].op
    assert isinstance(op, MatrixKind)
    assert set(op.weight.ravel().tolist()) == {np.float32(0.02)}


def test_a_batch_of_fixed_size_is_no_limit(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [conv(y="c"), ("Reshape", ["c", "to"], ["f"], {}), ("MatMul", ["f", "m"], ["y"], {})]
    path = build(nodes, [4, 2, 4, 4], w=array(3, 2, 3, 3), m=array(12, 5), to=np.array([4, -1]))
    same_as_onnxruntime(path, n=4)


# After each a leaky rectifier, since an output has to come from a layer; `affine` takes it in, as `multiply` does.
OTHERS: list[tuple[Any, dict[str, Any], int, list[str]]] = [
    (("DepthToSpace", ["x"], ["m"], {"blocksize": 2}), {}, 13, ["activation"]),
    (("DepthToSpace", ["x"], ["m"], {"blocksize": 2, "mode": "CRD"}), {}, 13, ["activation"]),
    (("SpaceToDepth", ["x"], ["m"], {"blocksize": 2}), {}, 13, ["activation"]),
    (("Expand", ["x", "k"], ["m"], {}), {"k": np.array([1, 8, 4, 6])}, 13, ["activation"]),
    (("GlobalMaxPool", ["x"], ["m"], {}), {}, 13, ["pool2d", "activation"]),
    (("Mean", ["x", "k"], ["m"], {}), {"k": array(8, 1, 1)}, 13, ["affine"]),
    (("Pow", ["x", "k"], ["m"], {}), {"k": np.float32(2)}, 13, ["multiply"]),
    (("Pow", ["x", "k"], ["m"], {}), {"k": np.float32(1)}, 13, ["activation"]),
    (("Reciprocal", ["x"], ["m"], {}), {}, 13, ["activation", "activation"]),
    (("Div", ["k", "x"], ["m"], {}), {"k": array(8, 1, 1)}, 13, ["activation", "affine"]),
    (("MatMul", ["k", "x"], ["m"], {}), {"k": array(5, 4)}, 13, ["reshape", "conv2d"]),
    (("MatMul", ["x", "k"], ["m"], {}), {"k": array(1, 6, 5)}, 13, ["reshape", "conv2d"]),
    (("Swish", ["x"], ["m"], {}), {}, 24, ["activation", "activation"]),
    (("Upsample", ["x", "k"], ["m"], {}), {"k": np.array([1, 1, 2, 3], np.float32)}, 9, ["gather", "activation"]),
    (("Upsample", ["x"], ["m"], {"scales": [1.0, 1.0, 2.0, 1.0]}), {}, 7, ["gather", "activation"]),
    (("Max", ["x", "k"], ["m"], {}), {"k": np.float32(0.25)}, 13, ["activation", "activation"]),
    (("BatchNormalization", ["x", *"kkkk"], ["m"], {}), {"k": np.abs(array(8))}, 13, ["affine"]),
    (("Add", ["x", "k"], ["m"], {}), {"k": array(8, 4, 6)}, 13, ["affine"]),
    (("Conv", ["x", "k"], ["m"], {"pads": [2, 1, 0, 1]}), {"k": array(3, 8, 1, 1)}, 13, ["gather", "conv2d"]),
]


@pytest.mark.parametrize(("node", "arrays", "opset", "expected"), OTHERS, ids=[str(case[0][0]) for case in OTHERS])
def test_operators_that_are_seldom_seen(
    build: Build, same_as_onnxruntime: Compare, node: Any, arrays: dict[str, Any], opset: int, expected: list[str]
) -> None:
    nodes: list[Any] = [node, ("LeakyRelu", ["m"], ["y"], {})]
    assert kinds(same_as_onnxruntime(build(nodes, ["N", 8, 4, 6], opset=opset, **arrays))) == expected


def test_a_root_is_an_activation(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [("Abs", ["x"], ["a"], {}), ("Sqrt", ["a"], ["y"], {})]
    assert kinds(same_as_onnxruntime(build(nodes, ["N", 5]))) == ["activation", "activation"]
    power: Any = ("Pow", ["a", "k"], ["y"], {})
    path = build([nodes[0], power], ["N", 5], k=np.float32(0.5))
    assert kinds(same_as_onnxruntime(path)) == ["activation", "activation"]


@pytest.mark.parametrize("order", [["c", "g"], ["g", "c"]])
@pytest.mark.parametrize(("op", "attributes"), [("Sigmoid", {}), ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5})])
def test_a_tensor_times_its_own_gate_is_part_of_the_layer_before_it(
    build: Build, same_as_onnxruntime: Compare, op: str, attributes: dict[str, float], order: list[str]
) -> None:
    nodes: list[Any] = [conv(y="c"), (op, ["c"], ["g"], attributes), ("Mul", order, ["y"], {})]
    assert kinds(same_as_onnxruntime(build(nodes, ["N", 2, 4, 4], w=array(3, 2, 2, 2)))) == ["conv2d"]
    # Where somebody else sees the sum, the gate stays a layer; where somebody else sees the gate, so do both.
    both: list[Any] = [*nodes[:2], ("Mul", order, ["m"], {}), ("Add", ["m", "c"], ["y"], {})]
    path = build(both, ["N", 2, 4, 4], w=array(3, 2, 2, 2))
    assert kinds(same_as_onnxruntime(path)) == ["conv2d", "activation", "add"]
    seen: list[Any] = [*nodes[:2], ("Mul", order, ["m"], {}), ("Add", ["m", "g"], ["y"], {})]
    path = build(seen, ["N", 2, 4, 4], w=array(3, 2, 2, 2))
    assert kinds(same_as_onnxruntime(path)) == ["conv2d", "activation", "multiply", "add"]


def test_a_gate_is_not_folded_where_its_tensor_is_seen_by_another_name(
    build: Build, same_as_onnxruntime: Compare
) -> None:
    # Two nodes take `c`, but a third takes it through the identity.
    nodes: list[Any] = [
        conv(y="c"),
        ("Identity", ["c"], ["i"], {}),
        ("Sigmoid", ["i"], ["g"], {}),
        ("Mul", ["c", "g"], ["m"], {}),
        ("Add", ["m", "i"], ["y"], {}),
    ]
    path = build(nodes, ["N", 2, 4, 4], w=array(3, 2, 2, 2))
    assert kinds(same_as_onnxruntime(path)) == ["conv2d", "activation", "add"]


def test_zeros_around_an_image_become_the_pads_of_the_convolution(build: Build, same_as_onnxruntime: Compare) -> None:
    pads = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    nodes: list[Any] = [("Pad", ["x", "p"], ["z"], {}), conv(x="z", strides=[2, 2])]
    workload = same_as_onnxruntime(build(nodes, ["N", 3, 8, 8], w=array(5, 3, 3, 3), p=pads))
    assert kinds(workload) == ["conv2d"]
    # A pooling must see them as values, and so does whoever else takes them.
    pooled: list[Any] = [nodes[0], ("MaxPool", ["z"], ["y"], {"kernel_shape": [2, 2]})]
    assert kinds(same_as_onnxruntime(build(pooled, ["N", 3, 8, 8], p=pads))) == ["gather", "pool2d"]


def test_one_dimension(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [
        ("Conv", ["x", "w"], ["c"], {"pads": [2, 0], "strides": [2], "dilations": [2]}),
        ("MaxPool", ["c"], ["y"], {"kernel_shape": [2], "strides": [2]}),
    ]
    assert kinds(same_as_onnxruntime(build(nodes, ["N", 3, 16], w=array(4, 3, 3)))) == ["conv2d", "pool2d"]


def test_a_squeeze_and_excitation_block_reads_its_one_vector_for_every_pixel(
    build: Build, same_as_onnxruntime: Compare
) -> None:
    nodes: list[Any] = [
        conv(y="c"),
        ("GlobalAveragePool", ["c"], ["p"], {}),
        ("Conv", ["p", "v"], ["e"], {}),
        ("HardSigmoid", ["e"], ["g"], {}),
        ("Mul", ["c", "g"], ["y"], {}),
    ]
    path = build(nodes, ["N", 2, 5, 5], w=array(4, 2, 2, 2), v=array(4, 4, 1, 1))
    workload = same_as_onnxruntime(path)
    assert kinds(workload) == ["conv2d", "pool2d", "conv2d", "multiply"]
    last = workload.layers[-1]
    of_pixels, of_gate = last.op.windows(*workload.input_shapes(last))
    assert of_pixels.needs.tolist() == list(range(16))
    assert of_gate.needs.tolist() == [0] * 16
    assert of_gate.keeps.tolist() == [0] * 15 + [1]


def test_layers_joined_by_channel_are_passed_on_pixel_by_pixel(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [conv(y="c"), conv("v", y="d"), ("Concat", ["c", "d"], ["j"], {"axis": 1}), conv("u", "j")]
    path = build(nodes, ["N", 2, 4, 4], w=array(3, 2, 2, 2), v=array(1, 2, 2, 2), u=array(2, 4, 1, 1))
    workload = same_as_onnxruntime(path)
    assert kinds(workload) == ["conv2d", "conv2d", "concat", "conv2d"]
    joined = workload.layers[2]
    for window in joined.op.windows(*workload.input_shapes(joined)):
        assert window.needs.tolist() == list(range(9))


def test_a_channels_last_network_with_arithmetic_before_its_transpose(
    build: Build, same_as_onnxruntime: Compare
) -> None:
    nodes: list[Any] = [
        ("Sub", ["x", "m"], ["s"], {}),
        ("Mul", ["s", "f"], ["t"], {}),
        ("Transpose", ["t"], ["n"], {"perm": [0, 3, 1, 2]}),
        conv(x="n"),
    ]
    path = build(nodes, ["N", 5, 6, 3], m=array(3), f=np.float32(0.25), w=array(2, 3, 2, 2))
    workload = same_as_onnxruntime(path)
    assert kinds(workload) == ["affine", "conv2d"]
    assert str(workload.inputs["x"]) == "5 x 6 x 3"
