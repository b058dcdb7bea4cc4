"""What is no ONNX model, or a broken one, ends in plain lines and exit code 2, at once and without much memory."""

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimcsim import load_workload
from aimcsim.errors import ConfigError

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
helper, numpy_helper, FLOAT = onnx.helper, onnx.numpy_helper, 1
Make = Callable[[Path], object]
ROOT = Path(__file__).resolve().parents[2]
NODES = [("Conv", ["x", "w"], ["c"], {}), ("Relu", ["c"], ["y"], {})]


def tensor(name: str, dims: list[Any], kind: int = FLOAT) -> Any:
    """A declared tensor."""
    return helper.make_tensor_value_info(name, kind, dims)


def graph(nodes: Any = NODES, dims: Any = ("N", 2, 6, 6), kind: int = FLOAT, **arrays: Any) -> Any:
    """A model from `x` to `y`, sound unless it is told otherwise."""
    arrays = {"w": np.ones((3, 2, 3, 3), np.float32)} | arrays
    made = helper.make_graph(
        [helper.make_node(op, inputs, outputs, **attributes) for op, inputs, outputs, attributes in nodes],
        "graph",
        [tensor("x", list(dims), kind)],
        [tensor("y", [])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])


def saved(model: Any, change: Callable[[bytes], bytes] = bytes) -> Make:
    """Write a model, its bytes changed."""
    return lambda path: path.write_bytes(change(model.SerializeToString()))


def claiming(dims: list[int], *, content: bytes = b"\0" * 16) -> Make:
    """A weight that claims to have `dims` and holds a few bytes."""
    model = graph()
    weight = model.graph.initializer[0]
    del weight.dims[:]
    weight.dims.extend(dims)
    weight.raw_data = content
    return saved(model)


def outside(location: str) -> Make:
    """A weight whose numbers lie in another file."""
    model = graph()
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(2**40))):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    return saved(model)


def made_of(op: str, *inputs: str, **arrays: Any) -> Make:
    """A model whose weight is computed by a node from constants."""
    return saved(graph([(op, list(inputs), ["v"], {}), ("Conv", ["x", "v"], ["y"], {})], **arrays))


def sparse(path: Path) -> None:
    """A weight given as a sparse tensor."""
    model = graph([("Conv", ["x", "s"], ["y"], {})])
    values = helper.make_tensor("s", FLOAT, [1], [1.0])
    positions = helper.make_tensor("p", onnx.TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, positions, [3, 2, 3, 3]))
    path.write_bytes(model.SerializeToString())


def typed(field: str, value: Any) -> Make:
    """An attribute of a convolution that is of another type than it should be."""
    return saved(graph([("Conv", ["x", "w"], ["y"], {field: value})]))


MIB = 2**20
BROKEN: dict[str, tuple[Make, str]] = {
    "absent": (lambda path: None, "no such file"),
    "empty": (lambda path: path.write_bytes(b""), "is no ONNX model"),
    "a folder": (lambda path: path.mkdir(), "is no ONNX model"),
    "zeros": (lambda path: path.write_bytes(b"\0" * 4096), "is no ONNX model"),
    "text": (lambda path: path.write_text("schema: aimcsim-workload/1\n"), "is no ONNX model"),
    "an image": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8), "is no ONNX model"),
    "truncated": (saved(graph(), lambda content: content[: len(content) // 2]), "is no ONNX model"),
    "a message of another kind": (lambda path: path.write_bytes(tensor("x", [1]).SerializeToString()), "ONNX model"),
    "no nodes": (saved(graph([])), "without nodes"),
    "no outputs": (saved(helper.make_model(helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "g", [tensor("x", ["N", 4])], []))), "has no outputs"),
    "a cycle": (saved(graph([("Add", ["x", "y"], ["a"], {}), ("Relu", ["a"], ["y"], {})])), "a cycle"),
    "a node that takes itself": (saved(graph([("Add", ["x", "y"], ["y"], {})])), "a cycle"),
    "an input of 2^40 pixels": (saved(graph(dims=("N", 2, 2**20, 2**20))), "an input may have 25000000 elements"),
    "an input of 2^63 channels": (saved(graph(dims=("N", 2**63 - 1, 6, 6))), "an input may have 25000000 elements"),
    "a negative input": (saved(graph(dims=("N", -2, 6, 6))), "known sizes"),
    "weights of 2^40 claimed": (claiming([2**40, 2, 3, 3]), "w: the array cannot be read"),
    "weights of a negative size": (claiming([-3, 2, 3, 3]), "cannot be"),
    "weights cut short": (claiming([3, 2, 3, 3]), "w: the array cannot be read"),
    "weights elsewhere that are missing": (outside("nowhere.bin"), "nowhere.bin"),
    "weights outside the folder": (outside("../../etc/passwd"), "is no ONNX model"),
    "weights at an absolute place": (outside("/dev/zero"), "is no ONNX model"),
    "weights of text": (saved(graph(w=np.array([["a"]], object))), "cannot be imported"),
    "sparse weights": (sparse, "sparse arrays are not supported"),
    "a constant of 2^60": (made_of("ConstantOfShape", "s", s=np.array([2**30, 2**30])), "makes a constant of"),
    "a range of 2^40": (
        made_of("Range", "a", "b", "d", a=np.int64(0), b=np.int64(2**40), d=np.int64(1)), "a constant of"),
    "a tile of 2^40": (made_of("Tile", "s", "r", s=np.ones(1, np.float32), r=np.array([2**40])), "a constant of"),
    "an expansion to 2^40": (
        made_of("Expand", "s", "r", s=np.ones(1, np.float32), r=np.array([2**40])), "a constant of"),
    "a sum that grows to 2^40": (
        made_of("Add", "s", "r", s=np.ones((MIB, 1), np.float32), r=np.ones((1, MIB), np.float32)), "constant of"),
    "a kernel of 2^40 claimed": (
        saved(graph([("MaxPool", ["x"], ["y"], {"kernel_shape": [2**40, 1], "pads": [2**39, 0, 2**39, 0]})])),
        "too large"),
    "pads of 2^40": (typed("pads", [2**40] * 4), "pads must be"),
    "strides of 0": (typed("strides", [0, 0]), "at least 1"),
    "strides as text": (typed("strides", "two"), "cannot be imported"),
    "a group as a list": (typed("group", [1, 2]), "cannot be imported"),
    "auto_pad as a number": (typed("auto_pad", 3), "no auto_pad"),
    "no attributes where they are needed": (saved(graph([("MaxPool", ["x"], ["y"], {})])), "pooling is supported"),
    "no inputs where they are needed": (saved(graph([("Conv", [], ["y"], {})])), "cannot be"),
    "no outputs of a node": (saved(graph([("Relu", ["x"], [], {})])), "cannot be"),
    "an opset from before 7": (
        saved(helper.make_model(graph().graph, opset_imports=[helper.make_opsetid("", 3)])), "opset 3"),
    "another domain": (
        saved(helper.make_model(graph().graph, opset_imports=[helper.make_opsetid("com.odd", 1)])), "opset"),
    "a name of many lines": (
        saved(graph([("Sin\nCos", ["x"], ["y"], {"name": "a\nb\tc"})])), "a b c: Sin Cos cannot be"),
    "two nodes with one output": (
        saved(graph([("Relu", ["x"], ["y"], {}), ("Neg", ["x"], ["y"], {})])), "computed twice"),
    "weights that are no numbers": (saved(graph(w=np.full((3, 2, 3, 3), np.nan, np.float32))), "not finite"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_plain_lines(command: Any, folder: Path, name: str) -> None:
    make, words = BROKEN[name]
    make(folder / "net.onnx")
    with pytest.raises(ConfigError):
        load_workload("net.onnx")  # whatever is imported on the way is imported now
    begin = time.process_time()
    result = command("check", "tiny", "net.onnx")
    took = time.process_time() - begin
    tracemalloc.start()
    with pytest.raises(ConfigError):
        load_workload("net.onnx")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    lines = result.stderr.splitlines()
    assert all(line.startswith("net.onnx: ") for line in lines)
    assert len(lines) <= 2
    assert took < 1
    assert peak < 200 * MIB


def test_a_sound_file_is_not_refused(command: Any, folder: Path) -> None:
    saved(graph())(folder / "net.onnx")
    assert command("check", "tiny", "net.onnx").exit_code == 0


def test_the_option_to_fold_reaches_every_command_that_reads_a_workload(command: Any, folder: Path) -> None:
    saved(graph([*NODES[:1], ("Sin", ["c"], ["s"], {"name": "wave"}), ("Relu", ["s"], ["y"], {})]))(folder / "net.onnx")
    for words in (["check"], ["map"], ["run", "--json"]):
        asked = [words[0], "tiny", "net.onnx", *words[1:]]
        assert command(*asked).exit_code == 2
        result = command(*asked, "--fold-unsupported")
        assert result.exit_code == 0, result.stderr
    assert "Sin `wave` is not supported and was folded" in result.stdout
    np.savez(folder / "in.npz", x=np.ones((1, 2, 6, 6), np.float32))
    result = command("run", "tiny", "net.onnx", "--fold-unsupported", "--inputs", "in.npz")
    assert result.exit_code == 2
    assert result.stderr == "net: values cannot be computed, unsupported nodes were folded: `wave`\n"


def test_damaged_files_are_handled_well() -> None:
    """Three hundred of those that `scripts/fuzz_inputs.py` makes: it fails at the first that is not."""
    script = [sys.executable, ROOT / "scripts/fuzz_inputs.py", "300"]
    result = subprocess.run(script, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("handled well: 300 damaged files")
