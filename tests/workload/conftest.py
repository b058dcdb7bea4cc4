"""Building ONNX models by hand and comparing our reading of them with onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aimcsim.workload import Workload, float_reference, load_workload

Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Write a model of nodes from `x` to `y`; arrays given by keyword become initializers."""
    onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT

    def write(
        nodes: Sequence[Any],
        shape: Sequence[int | str],
        *,
        opset: int = 17,
        outputs: Sequence[str] = ("y",),
        **arrays: Any,
    ) -> Path:
        graph = helper.make_graph(
            [helper.make_node(op, inputs, ends, **attributes) for op, inputs, ends, attributes in nodes],
            "graph",
            [helper.make_tensor_value_info("x", number, shape)],
            [helper.make_tensor_value_info(name, number, None) for name in outputs],
            [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
        path = tmp_path / "model.onnx"
        onnx.save(model, path)
        return path

    return write


def ours(workload: Workload, inputs: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """Every output of the float reference, in the network's own layout."""
    packed = {name: workload.pack_inputs(name, array) for name, array in inputs.items() if name in workload.inputs}
    values = float_reference(workload, packed)
    return [workload.unpack_outputs(name, values[name]) for name in workload.outputs]


@pytest.fixture
def same_as_onnxruntime() -> Callable[..., Workload]:
    """Load a model and require that its outputs agree with onnxruntime's to `tolerance` of the largest."""
    runtime = pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

    def compare(path: Path, samples: NDArray[Any] | None = None, *, n: int = 3, tolerance: float = 1e-5) -> Workload:
        workload = load_workload(path)
        session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        if samples is None:
            sizes = workload.layout(name).index.shape
            samples = np.random.default_rng(0).standard_normal((n, *sizes)).astype(np.float32)
        results = ours(workload, {name: samples})
        for expected, actual in zip(session.run(None, {name: samples}), results, strict=True):
            assert actual.shape == expected.shape
            assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()
        return workload

    return compare
