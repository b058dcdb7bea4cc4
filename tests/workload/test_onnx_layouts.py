"""Changes of layout cost no layer where a neighbour can absorb them, and one `reshape` where none can."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimcsim.ops import TensorShape
from aimcsim.workload import Workload

Compare = Callable[..., Workload]
Build = Callable[..., Path]
RNG = np.random.default_rng(2)


def array(*shape: int) -> Any:
    """Normal float32 numbers."""
    return RNG.standard_normal(shape).astype(np.float32)


def kinds(workload: Workload) -> list[str]:
    """The kinds of a workload's layers, in order."""
    return [layer.kind for layer in workload.layers]


CONV: Any = ("Conv", ["x", "w"], ["c"], {})
MATMUL: Any = ("MatMul", ["f", "m"], ["y"], {})


@pytest.mark.parametrize(
    "flatten",
    [
        ("Flatten", ["c"], ["f"], {"axis": 1}),
        ("Flatten", ["c"], ["f"], {"axis": -3}),
        ("Reshape", ["c", "to"], ["f"], {}),
        ("Reshape", ["c", "keep"], ["f"], {}),
    ],
)
def test_flatten_before_gemm_becomes_the_order_of_the_weight_rows(
    build: Build, same_as_onnxruntime: Compare, flatten: Any
) -> None:
    # Channels come first when ONNX flattens and last in our vectors, so the matrix must change and the values not.
    path = build(
        [CONV, flatten, MATMUL], ["N", 2, 4, 5], w=array(3, 2, 2, 2), m=array(36, 7),
        to=np.array([-1, 36]), keep=np.array([0, -1]),
    )  # fmt: skip
    assert kinds(same_as_onnxruntime(path)) == ["conv2d", "linear"]


def test_the_flattening_that_old_exporters_compute_from_the_shape(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [
        CONV,
        ("Shape", ["c"], ["s"], {}),
        ("Gather", ["s", "zero"], ["n"], {}),
        ("Unsqueeze", ["n", "axis"], ["n1"], {}),
        ("Concat", ["n1", "rest"], ["to"], {"axis": 0}),
        ("Reshape", ["c", "to"], ["f"], {}),
        MATMUL,
    ]
    path = build(
        nodes, ["N", 2, 4, 5], w=array(3, 2, 2, 2), m=array(36, 7),
        zero=np.array(0), axis=np.array([0]), rest=np.array([-1]),
    )  # fmt: skip
    assert kinds(same_as_onnxruntime(path)) == ["conv2d", "linear"]


def test_an_image_with_channels_last_is_ours_already(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [("Transpose", ["x"], ["t"], {"perm": [0, 3, 1, 2]}), ("Conv", ["t", "w"], ["y"], {})]
    workload = same_as_onnxruntime(build(nodes, ["N", 5, 6, 2], w=array(3, 2, 2, 2)))
    assert kinds(workload) == ["conv2d"]
    assert workload.inputs["x"] == TensorShape(5, 6, 2)


def test_a_network_between_transposes_keeps_its_users_layout(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [
        ("Transpose", ["x"], ["t"], {"perm": [0, 3, 1, 2]}),
        ("Conv", ["t", "w"], ["c"], {}),
        ("Transpose", ["c"], ["y"], {"perm": [0, 2, 3, 1]}),
    ]
    workload = same_as_onnxruntime(build(nodes, ["N", 5, 6, 2], w=array(3, 2, 2, 2)))
    assert kinds(workload) == ["conv2d"]


def test_a_bias_added_with_channels_last_folds(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [CONV, ("Transpose", ["c"], ["t"], {"perm": [0, 2, 3, 1]}), ("Add", ["t", "b"], ["y"], {})]
    path = build(nodes, ["N", 2, 4, 5], w=array(3, 2, 2, 2), b=array(3))
    assert kinds(same_as_onnxruntime(path)) == ["conv2d"]


def test_a_mean_over_the_image_with_channels_last(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [
        CONV,
        ("Transpose", ["c"], ["t"], {"perm": [0, 2, 3, 1]}),
        ("ReduceMean", ["t"], ["y"], {"axes": [1, 2], "keepdims": 0}),
    ]
    assert kinds(same_as_onnxruntime(build(nodes, ["N", 2, 4, 5], w=array(3, 2, 2, 2)))) == ["conv2d", "pool2d"]


def test_an_order_that_no_layer_absorbs_is_a_layer(build: Build, same_as_onnxruntime: Compare) -> None:
    # Height and width change places between two convolutions: the pixels must really move.
    nodes: list[Any] = [
        CONV,
        ("Transpose", ["c"], ["t"], {"perm": [0, 1, 3, 2]}),
        ("Conv", ["t", "v"], ["y"], {}),
    ]
    workload = same_as_onnxruntime(build(nodes, ["N", 2, 4, 5], w=array(3, 2, 2, 2), v=array(2, 3, 2, 3)))
    assert kinds(workload) == ["conv2d", "reshape", "conv2d"]


def test_adding_tensors_in_different_orders_moves_one_of_them(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [("Transpose", ["x"], ["t"], {"perm": [0, 1, 3, 2]}), ("Add", ["x", "t"], ["y"], {})]
    workload = same_as_onnxruntime(build(nodes, ["N", 2, 4, 4]))
    assert kinds(workload) == ["reshape", "add"]


def test_features_folded_into_an_image(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [
        ("MatMul", ["x", "m"], ["f"], {}),
        ("Reshape", ["f", "to"], ["r"], {}),
        ("Conv", ["r", "w"], ["y"], {}),
    ]
    path = build(nodes, ["N", 5], m=array(5, 24), to=np.array([0, 2, 3, 4]), w=array(3, 2, 2, 2))
    assert kinds(same_as_onnxruntime(path)) == ["linear", "reshape", "conv2d"]


def test_flattened_outputs_come_back_in_the_networks_order(build: Build, same_as_onnxruntime: Compare) -> None:
    path = build([CONV, ("Flatten", ["c"], ["y"], {})], ["N", 2, 4, 5], w=array(3, 2, 2, 2))
    assert kinds(same_as_onnxruntime(path)) == ["conv2d"]


def test_layers_that_no_output_needs_are_left_out(build: Build, same_as_onnxruntime: Compare) -> None:
    nodes: list[Any] = [("Relu", ["x"], ["y"], {}), ("Conv", ["x", "w"], ["unused"], {})]
    assert kinds(same_as_onnxruntime(build(nodes, ["N", 2, 4, 5], w=array(3, 2, 2, 2)))) == ["activation"]


def test_a_plain_matrix_of_rows_is_one_row_of_vectors(build: Build, same_as_onnxruntime: Compare) -> None:
    workload = same_as_onnxruntime(build([("Relu", ["x"], ["y"], {})], ["N", 6, 5]))
    assert workload.inputs["x"] == TensorShape(1, 6, 5)
