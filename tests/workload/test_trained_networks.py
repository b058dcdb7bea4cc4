"""The networks that this repository ships compute what onnxruntime computes, and recognise digits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aimcsim.errors import ConfigError, ReferenceError_
from aimcsim.ops import MatrixKind
from aimcsim.workload import Workload, demo_inputs, float_reference, load_workload, save_workload, workload_names

Compare = Callable[..., Workload]
DIGITS = {"digits_mlp": 6570, "digits_cnn": 15338, "digits_resnet8": 39114, "digits_dscnn": 9866}
"""Weights and folded biases."""


@pytest.mark.parametrize("name", DIGITS)
def test_digits_networks_agree_with_onnxruntime(traces_dir: Path, same_as_onnxruntime: Compare, name: str) -> None:
    test = np.load(traces_dir / "digits_test.npz")
    workload = same_as_onnxruntime(traces_dir / f"{name}.onnx", test["input"])

    values = float_reference(workload, {"input": workload.pack_inputs("input", test["input"])})
    (output,) = workload.outputs
    predicted = workload.unpack_outputs(output, values[output]).argmax(axis=1)
    assert np.mean(predicted == test["labels"]) >= 0.98
    biases = sum(layer.op.bias.size for layer in workload.layers if isinstance(layer.op, MatrixKind))
    assert workload.weights + biases == DIGITS[name]


def test_nothing_of_the_trained_networks_is_left_outside_the_layers(traces_dir: Path) -> None:
    # Normalisation, rectifiers and flattening are all absorbed; what remains are products, pools and additions.
    left = {layer.kind for name in DIGITS for layer in load_workload(traces_dir / f"{name}.onnx").layers}
    assert left == {"conv2d", "linear", "pool2d", "add"}


def test_the_residual_network_keeps_its_normalisation_for_the_importer_to_fold(traces_dir: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(traces_dir / "digits_resnet8.onnx")
    assert sum(node.op_type == "BatchNormalization" for node in model.graph.node) == 9


@pytest.mark.parametrize("name", ["mnist_lenet5", "mnist_resnet8", "mnist_dscnn", "digits_resnet8", "digits_dscnn"])
def test_reference_networks_agree_with_onnxruntime(shared_dir: Path, same_as_onnxruntime: Compare, name: str) -> None:
    path = shared_dir / f"workloads/own_trained/{name}.onnx"
    if not path.exists():
        pytest.skip(f"{name} is absent from the reference data")
    same_as_onnxruntime(path, n=16)


def test_lenet5_has_its_known_size(shared_dir: Path) -> None:
    path = shared_dir / "workloads/own_trained/mnist_lenet5.onnx"
    if not path.exists():
        pytest.skip("mnist_lenet5 is absent from the reference data")
    # 25*6*784 + 150*16*100 + 400*120 + 120*84 + 84*10 multiply-accumulates.
    assert load_workload(path).macs == 416_520


@pytest.mark.parametrize("name", DIGITS)
def test_saved_as_a_layer_graph_a_network_is_the_same(traces_dir: Path, tmp_path: Path, name: str) -> None:
    samples = np.load(traces_dir / "digits_test.npz")["input"][:20]
    outputs = []
    original = load_workload(traces_dir / f"{name}.onnx")
    save_workload(original, tmp_path / "net.yaml")
    for workload in (original, load_workload(tmp_path / "net.yaml")):
        values = float_reference(workload, {"input": workload.pack_inputs("input", samples)})
        outputs.append(workload.unpack_outputs(workload.outputs[0], values[workload.outputs[0]]))
    assert outputs[0].tobytes() == outputs[1].tobytes()


def test_the_demo_network_needs_no_onnx_and_recognises_its_inputs() -> None:
    assert workload_names() == ["digits_cnn"]
    workload = load_workload("digits_cnn")
    with np.load(demo_inputs("digits_cnn")) as samples:
        images, labels = samples["input"], samples["labels"]
    values = float_reference(workload, {"input": workload.pack_inputs("input", images)})["fc"]
    assert np.mean(workload.unpack_outputs("fc", values).argmax(axis=1) == labels) >= 0.98


def test_the_demo_network_is_the_trained_one(traces_dir: Path) -> None:
    shipped, trained = load_workload("digits_cnn"), load_workload(traces_dir / "digits_cnn.onnx")
    for one, two in zip(shipped.layers, trained.layers, strict=True):
        assert (one.name, one.kind, one.inputs, one.shape) == (two.name, two.kind, two.inputs, two.shape)
        if isinstance(one.op, MatrixKind) and isinstance(two.op, MatrixKind):
            assert one.op.weight.tobytes() == two.op.weight.tobytes()
            assert one.op.bias.tobytes() == two.op.bias.tobytes()


def test_what_ships_with_the_package_is_small() -> None:
    folder = demo_inputs("digits_cnn").parent
    assert sum(path.stat().st_size for path in folder.iterdir()) < 100_000


def test_names_and_files_that_are_no_workload_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReferenceError_, match=r"unknown workload \(got `digits_cn`\)\. Did you mean `digits_cnn`"):
        load_workload("digits_cn")
    (tmp_path / "net.txt").write_text("hello")
    for source in (tmp_path / "net.txt", tmp_path):
        with pytest.raises(ConfigError, match=r"a workload is a \.yaml or \.onnx file"):
            load_workload(source)
    with pytest.raises(ConfigError, match="no such file"):
        load_workload(tmp_path / "absent.yaml")
