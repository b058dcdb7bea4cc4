"""What cannot be imported is listed node by node, all at once, and never comes out as a traceback."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimcsim import evaluate, simulate
from aimcsim.errors import ConfigError, MissingExtraError
from aimcsim.workload import float_reference, load_workload

Build = Callable[..., Path]
IMAGE = ["N", 2, 6, 6]


def ones(*shape: int) -> Any:
    """An array of ones, where values do not matter."""
    return np.ones(shape, np.float32)


def test_every_unsupported_node_is_listed_with_its_output_shape(build: Build) -> None:
    nodes: list[Any] = [
        ("Conv", ["x", "w"], ["c"], {}),
        ("Sin", ["c"], ["s"], {"name": "gate"}),
        ("Relu", ["s"], ["r"], {}),
        ("CumSum", ["r", "axis"], ["m"], {"name": "attention"}),
        ("Transpose", ["c"], ["d"], {"perm": [1, 0, 2, 3], "name": "wide"}),
        ("Add", ["m", "m"], ["y"], {}),
    ]
    path = build(nodes, IMAGE, outputs=["y", "d"], w=ones(3, 2, 3, 3), axis=np.array(1))
    with pytest.raises(ConfigError) as caught:
        load_workload(path)
    # Relu and Add are fine; they only come after what is not.
    assert str(caught.value).splitlines() == [
        f"{path}: gate: Sin cannot be imported: the operator is not supported (output N x 3 x 4 x 4)",
        f"{path}: attention: CumSum cannot be imported: the operator is not supported (output N x 3 x 4 x 4)",
        f"{path}: wide: Transpose cannot be imported: it moves the batch axis (output 3 x N x 4 x 4)",
    ]
    assert caught.value.exit_code == 2


CASES: list[tuple[Any, dict[str, Any], str]] = [
    (("Conv", ["x", "x"], ["y"], {}), {}, "its input `x` is not a constant"),
    (("Conv", ["x", "w"], ["y"], {}), {"w": ones(3, 2)}, "only one- and two-dimensional convolutions"),
    (("Conv", ["x", "w"], ["y"], {"pads": [-1, 0, 0, 0]}), {"w": ones(3, 2, 3, 3)}, "pads must be 0 or more"),
    (("Conv", ["x", "w"], ["y"], {"pads": [1, 1]}), {"w": ones(3, 2, 3, 3)}, "two for each axis of the image"),
    (("Conv", ["x", "w"], ["y"], {"auto_pad": "SAME"}), {"w": ones(3, 2, 3, 3)}, "no auto_pad `SAME`"),
    (("Conv", ["x", "w"], ["y"], {"strides": [2]}), {"w": ones(3, 2, 3, 3)}, "strides must be 2 numbers"),
    (("Conv", ["x", "w", "b"], ["y"], {}), {"w": ones(3, 2, 3, 3), "b": ones(2)}, "bias has 2 elements for 3 outputs"),
    (("Conv", ["x", "w"], ["y"], {}), {"w": ones(3, 4, 3, 3)}, "made for an input of 6 x 6 x 4"),
    (("Gemm", ["w", "x"], ["y"], {"transA": 1}), {"w": ones(3, 4)}, "transA"),
    (("MatMul", ["x", "w"], ["y"], {}), {"w": ones(5, 4)}, r"must be \[n, features\]"),
    (("MatMul", ["w", "x"], ["y"], {}), {"w": ones(6, 5)}, r"must be \[n, features\]"),
    (("MatMul", ["x", "x"], ["y"], {}), {}, "its input `x` is not a constant"),
    (("BatchNormalization", ["x", "w", "w", "w", "w"], ["y"], {}), {"w": ones(3)}, "does not fit"),
    (("BatchNormalization", ["x", *"wwww"], ["y"], {"training_mode": 1}), {"w": ones(2)}, "given statistics"),
    (("MaxPool", ["x"], ["y", "i"], {"kernel_shape": [2, 2]}), {}, "indices"),
    (("MaxPool", ["x"], ["y"], {"kernel_shape": [2, 2, 2]}), {}, "two-dimensional pooling"),
    (("AveragePool", ["x"], ["y"], {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}), {}, "below the kernel"),
    (("ReduceMean", ["x"], ["y"], {"axes": [0]}), {}, "reduces the batch axis"),
    (("ReduceMean", ["x"], ["y"], {}), {}, "reduces the batch axis"),
    (("Add", ["x", "w"], ["y"], {}), {"w": ones(5)}, "does not fit"),
    (("Add", ["x", "w"], ["y"], {}), {"w": ones(1, 1, 2, 6, 6)}, "gives its input axes"),
    (("Max", ["x", "w"], ["y"], {}), {"w": ones(6)}, "one number for all elements"),
    (("Mul", ["x", "w"], ["y"], {}), {"w": np.full(1, np.inf, np.float32)}, "not finite"),
    (("Softmax", ["x"], ["y"], {"axis": 0}), {}, "over the batch axis"),
    (("PRelu", ["x", "w"], ["y"], {}), {"w": np.arange(6, dtype=np.float32)}, "one number for each channel"),
    (("Pow", ["x", "w"], ["y"], {}), {"w": ones(1) * 3}, "exponents 0.5, 1 and 2"),
    (("Concat", ["x", "x"], ["y"], {"axis": 0}), {}, "joins samples of the batch"),
    (("Concat", ["x", "w"], ["y"], {"axis": 1}), {"w": ones(1, 2, 6, 6)}, "its input `w` is a constant"),
    (("Gather", ["x", "w"], ["y"], {}), {"w": np.array([0])}, "samples of the batch"),
    (("Slice", ["x", "s", "e"], ["y"], {}), {"s": np.array([1]), "e": np.array([2])}, "samples of the batch"),
    (("Split", ["x"], ["y"], {}), {}, "samples of the batch"),
    (("Expand", ["x", "w"], ["y"], {}), {"w": np.array([3, 2, 6, 6])}, "repeats samples of the batch"),
    (("Tile", ["x", "w"], ["y"], {}), {"w": np.array([2, 1, 1, 1])}, "repeats samples of the batch"),
    (("Tile", ["x", "w"], ["y"], {}), {"w": np.array([1, 1, 1, 2**40])}, "more than"),
    (("Pad", ["x", "w"], ["y"], {}), {"w": np.array([0, 0, 0, -1, 0, 0, 0, 0])}, "0 or more behind the batch"),
    (("Pad", ["x", "w"], ["y"], {}), {"w": np.array([0, 0, 0, 2**40, 0, 0, 0, 0])}, "more than"),
    (("Resize", ["x", "", "w"], ["y"], {"mode": "linear"}), {"w": ones(4)}, "nearest element"),
    (("Resize", ["x", "", "w"], ["y"], {"mode": "nearest"}), {"w": ones(4) * 1.5}, "whole factors"),
    (("DepthToSpace", ["x"], ["y"], {"blocksize": 4}), {}, "do not divide 2 channels"),
    (("SpaceToDepth", ["x"], ["y"], {"blocksize": 4}), {}, "do not divide an image of 6 x 6"),
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
    with pytest.raises(ConfigError, match="another output of the network comes from the layer"):
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


def test_a_cycle_and_a_tensor_made_twice_are_told_from_one_that_is_nowhere(build: Build) -> None:
    cycle: list[Any] = [("Add", ["x", "b"], ["a"], {}), ("Relu", ["a"], ["b"], {}), ("Relu", ["b"], ["y"], {})]
    with pytest.raises(ConfigError, match=r"takes `b` before that is computed: a cycle, or nodes out of order"):
        load_workload(build(cycle, IMAGE))
    twice: list[Any] = [("Relu", ["x"], ["y"], {"name": "r"}), ("Neg", ["x"], ["y"], {"name": "n"})]
    with pytest.raises(ConfigError) as caught:
        load_workload(build(twice, IMAGE))
    assert [problem.path for problem in caught.value.problems] == ["r", "n"]


def test_an_opset_from_before_broadcasting_is_refused(build: Build) -> None:
    with pytest.raises(ConfigError, match="is of opset 6; opsets from 7 on are supported"):
        load_workload(build([("Relu", ["x"], ["y"], {})], IMAGE, opset=6))


ODD: list[Any] = [
    ("Conv", ["x", "w"], ["c"], {}),
    ("Sin", ["c"], ["s"], {"name": "wave"}),
    ("Relu", ["s"], ["y"], {}),
]


def test_what_keeps_its_shape_can_be_folded_and_is_named(build: Build) -> None:
    path = build(ODD, IMAGE, w=ones(3, 2, 3, 3))
    workload = load_workload(path, fold_unsupported=True)
    # Nothing is left of the sine: the rectifier after it is part of the convolution before it.
    assert [layer.kind for layer in workload.layers] == ["conv2d"]
    assert workload.folded == ("wave",)
    assert workload.assumptions == ("Sin `wave` is not supported and was folded: it takes no time",)
    run = simulate("tiny", workload)
    assert workload.assumptions[0] in run.summary["assumptions"]


def test_a_folded_network_has_no_values(build: Build) -> None:
    workload = load_workload(build(ODD, IMAGE, w=ones(3, 2, 3, 3)), fold_unsupported=True)
    images = {"x": ones(1, 2, 6, 6)}
    for compute in (evaluate, lambda chip, net, inputs: simulate(chip, net, inputs=inputs)):
        with pytest.raises(ConfigError, match="values cannot be computed, unsupported nodes were folded: `wave`"):
            compute("tiny", workload, images)
    with pytest.raises(ConfigError, match="values cannot be computed"):
        float_reference(workload, {"x": workload.pack_inputs("x", images["x"])})
    assert simulate("tiny", workload, inputs=images, analog="off").summary["requests"] == 1


def test_what_changes_its_shape_or_joins_tensors_cannot_be_folded(build: Build) -> None:
    nodes: list[Any] = [
        *ODD[:2],
        ("ConvTranspose", ["s", "t"], ["u"], {"name": "larger"}),
        ("BitShift", ["s", "s"], ["y"], {"name": "two", "direction": "LEFT"}),
    ]
    path = build(nodes, IMAGE, outputs=["y", "u"], w=ones(3, 2, 3, 3), t=ones(3, 2, 3, 3))
    with pytest.raises(ConfigError) as caught:
        load_workload(path, fold_unsupported=True)
    assert [problem.path for problem in caught.value.problems] == ["larger", "two"]
