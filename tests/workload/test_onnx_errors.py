"""What cannot be imported is listed node by node, all at once, and never comes out as a traceback."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimcsim.errors import ConfigError, MissingExtraError
from aimcsim.workload import load_workload

Build = Callable[..., Path]
IMAGE = ["N", 2, 6, 6]


def ones(*shape: int) -> Any:
    """An array of ones, where values do not matter."""
    return np.ones(shape, np.float32)


def test_every_unsupported_node_is_listed_with_its_output_shape(build: Build) -> None:
    nodes: list[Any] = [
        ("Conv", ["x", "w"], ["c"], {}),
        ("Sigmoid", ["c"], ["s"], {"name": "gate"}),
        ("Relu", ["s"], ["r"], {}),
        ("Softmax", ["r"], ["m"], {"name": "attention"}),
        ("Conv", ["c", "w2"], ["d"], {"dilations": [2, 2], "name": "wide"}),
        ("Add", ["m", "m"], ["y"], {}),
    ]
    path = build(nodes, IMAGE, outputs=["y", "d"], w=ones(3, 2, 3, 3), w2=ones(1, 3, 2, 2))
    with pytest.raises(ConfigError) as caught:
        load_workload(path)
    # Relu and Add are fine; they only come after what is not.
    assert str(caught.value).splitlines() == [
        f"{path}: gate: Sigmoid cannot be imported: the operator is not supported (output N x 3 x 4 x 4)",
        f"{path}: attention: Softmax cannot be imported: the operator is not supported (output N x 3 x 4 x 4)",
        f"{path}: wide: Conv cannot be imported: dilations [2, 2] are not supported (output N x 1 x 2 x 2)",
    ]
    assert caught.value.exit_code == 2


CASES: list[tuple[Any, dict[str, Any], str]] = [
    (("Conv", ["x", "x"], ["y"], {}), {}, "its input `x` is not a constant"),
    (("Conv", ["x", "w"], ["y"], {}), {"w": ones(3, 2, 3)}, "only two-dimensional convolutions"),
    (("Conv", ["x", "w"], ["y"], {"pads": [3, 0, 0, 0]}), {"w": ones(3, 2, 3, 3)}, "pads must be 0 or more"),
    (("Conv", ["x", "w"], ["y"], {}), {"w": ones(3, 4, 3, 3)}, "made for an input of 6 x 6 x 4"),
    (("Gemm", ["w", "x"], ["y"], {"transA": 1}), {"w": ones(3, 4)}, "transA"),
    (("MatMul", ["x", "w"], ["y"], {}), {"w": ones(6, 4)}, r"must be \[n, features\]"),
    (("MatMul", ["w", "x"], ["y"], {}), {"w": ones(6, 6)}, "its input `x` is not a constant"),
    (
        ("BatchNormalization", ["x", "w", "w", "w", "w"], ["y"], {}),
        {"w": ones(2)},
        "no Conv, Gemm or MatMul right before it",
    ),
    (("MaxPool", ["x"], ["y", "i"], {"kernel_shape": [2, 2]}), {}, "indices"),
    (("MaxPool", ["x"], ["y"], {"kernel_shape": [4, 4], "strides": [3, 3], "ceil_mode": 1}), {}, "ceil_mode"),
    (("MaxPool", ["x"], ["y"], {"kernel_shape": [2]}), {}, "two-dimensional pooling"),
    (("ReduceMean", ["x"], ["y"], {"axes": [1]}), {}, "over the height and width"),
    (("Add", ["x", "w"], ["y"], {}), {"w": ones(1)}, "no Conv, Gemm or MatMul right before it"),
    (("Sum", ["x", "x", "x"], ["y"], {}), {}, "sum of two tensors"),
    (("Flatten", ["x"], ["y"], {"axis": 2}), {}, "only axis 1"),
    (("Reshape", ["x", "w"], ["y"], {}), {"w": np.array([-1])}, "batch as its first axis"),
    (("Reshape", ["x", "w"], ["y"], {}), {"w": np.array([2, -1])}, "batch as its first axis"),
    (("Transpose", ["x"], ["y"], {"perm": [1, 0, 2, 3]}), {}, "moves the batch axis"),
    (("Squeeze", ["x"], ["y"], {}), {}, "may drop the batch"),
    (("Squeeze", ["x", "w"], ["y"], {}), {"w": np.array([1])}, "longer than 1"),
    (("Unsqueeze", ["x", "w"], ["y"], {}), {"w": np.array([0])}, "before the batch"),
    (("Cast", ["x"], ["y"], {"to": 10}), {}, "only casts to float32"),
    (("Clip", ["x", "w"], ["y"], {}), {"w": np.float32(np.inf)}, "low limit below"),
    (("Relu", ["nowhere"], ["y"], {}), {}, "there is no tensor `nowhere`"),
]


@pytest.mark.parametrize(("node", "arrays", "words"), CASES)
def test_a_form_that_is_not_supported_says_why(build: Build, node: Any, arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_workload(build([node], IMAGE, **arrays))


def test_a_bias_that_differs_between_pixels_cannot_fold(build: Build) -> None:
    bias = np.arange(3 * 5 * 5, dtype=np.float32).reshape(3, 5, 5)
    nodes: list[Any] = [("Conv", ["x", "w"], ["c"], {}), ("Add", ["c", "b"], ["y"], {})]
    with pytest.raises(ConfigError, match="differs from pixel to pixel"):
        load_workload(build(nodes, IMAGE, w=ones(3, 2, 2, 2), b=bias))


def test_normalisation_after_an_activation_cannot_fold(build: Build) -> None:
    nodes: list[Any] = [
        ("Conv", ["x", "w"], ["c"], {}),
        ("Relu", ["c"], ["r"], {}),
        ("BatchNormalization", ["r", "v", "v", "v", "v"], ["y"], {}),
    ]
    with pytest.raises(ConfigError, match="no Conv, Gemm or MatMul right before it"):
        load_workload(build(nodes, IMAGE, w=ones(3, 2, 2, 2), v=ones(3)))


@pytest.mark.parametrize("shape", [["N"], ["N", "H", 4, 4], ["N", 2, 2, 2, 2]])
def test_inputs_of_unknown_or_too_many_sizes_are_refused(build: Build, shape: list[Any]) -> None:
    with pytest.raises(ConfigError, match="one to three known sizes") as caught:
        load_workload(build([("Relu", ["x"], ["y"], {})], shape))
    assert len(caught.value.problems) == 1


def test_weights_that_are_not_numbers_are_refused(build: Build) -> None:
    # A negative variance has no root, so folding it leaves nothing to compute with.
    nodes: list[Any] = [("Conv", ["x", "w"], ["c"], {}), ("BatchNormalization", ["c", "v", "v", "v", "n"], ["y"], {})]
    with pytest.raises(ConfigError, match="its constants are not finite"):
        load_workload(build(nodes, IMAGE, w=ones(3, 2, 2, 2), v=ones(3), n=-ones(3)))
    with pytest.raises(ConfigError, match="c: its weights are not finite in float32"):
        load_workload(
            build([("Conv", ["x", "w"], ["y"], {"name": "c"})], IMAGE, w=ones(3, 2, 2, 2) * np.float32(np.nan))
        )


def test_an_output_must_come_from_a_layer(build: Build) -> None:
    with pytest.raises(ConfigError, match="does not depend on the inputs through any layer"):
        load_workload(build([("Identity", ["x"], ["y"], {})], IMAGE))


def test_two_outputs_of_one_layer_are_refused(build: Build) -> None:
    nodes: list[Any] = [("Relu", ["x"], ["r"], {}), ("Identity", ["r"], ["y"], {}), ("Flatten", ["r"], ["z"], {})]
    with pytest.raises(ConfigError, match="two outputs"):
        load_workload(build(nodes, IMAGE, outputs=["y", "z"]))


def test_what_is_no_onnx_file_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_workload(tmp_path / "absent.onnx")
    for content in (b"", b"not a model at all", b"\x08"):
        (tmp_path / "broken.onnx").write_bytes(content)
        with pytest.raises(ConfigError, match="is no ONNX model"):
            load_workload(tmp_path / "broken.onnx")


def test_without_the_onnx_package_the_error_is_the_line_that_installs_it(
    traces_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'aimcsim\[onnx\]'"):
        load_workload(traces_dir / "digits_mlp.onnx")
