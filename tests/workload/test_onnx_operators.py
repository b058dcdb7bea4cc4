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
