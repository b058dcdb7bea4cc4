"""Nodes that depend on constants alone: computed while the graph is read, within bounds of memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.workload.onnx_builder import Node
from aimcsim.workload.onnx_view import UnsupportedNodeError

if TYPE_CHECKING:
    import onnx

MOST_COMPUTED = 2**24
"""Elements that a computed constant may have."""
_RANDOM = ("Random", "Bernoulli", "Multinomial")
_AS_LARGE_AS_INPUTS = {"NonZero", "Compress", "Unique", "Where", "Constant"}
Array = NDArray[Any]


def is_computable(node: Node) -> bool:
    """Whether the same inputs always give the same outputs."""
    return not node.op.startswith(_RANDOM)


def compute(node: Node, proto: onnx.NodeProto, opsets: list[Any], inputs: Mapping[str, Array]) -> list[Array]:
    """Return the outputs of a node for constant `inputs`, by their names.

    Raises
    ------
    UnsupportedNodeError
        If that cannot be done, or would take too much memory.
    """
    own = _OWN.get(node.op)
    if own and proto.domain in ("", "ai.onnx"):
        result = own(node, [inputs[name] for name in node.inputs])
        if result is not None:
            return [result]
    return _evaluate(node, proto, opsets, inputs)


def _constant_of_shape(node: Node, inputs: list[Array]) -> Array | None:
    """Return one number for all elements, in the memory of one."""
    shape = [int(size) for size in inputs[0].reshape(-1)]
    value = np.zeros(1, np.float32)
    if "value" in node.attributes:
        value = _array(node.attributes["value"]).reshape(-1)
    if value.size != 1 or min(shape, default=1) < 1 or math.prod(shape) > 2**40:
        raise UnsupportedNodeError(f"it makes a constant of {' x '.join(map(str, shape))} elements")
    return np.broadcast_to(value[0], shape)


def _value(node: Node, _inputs: list[Array]) -> Array | None:
    """Return a constant that is given as a tensor."""
    return _array(node.attributes["value"]) if "value" in node.attributes else None


def _unsqueezed(node: Node, inputs: list[Array]) -> Array | None:
    axes = inputs[1].reshape(-1).tolist() if len(inputs) > 1 else node.ints("axes", ())
    return np.expand_dims(inputs[0], tuple(axes))


_OWN = {"ConstantOfShape": _constant_of_shape, "Constant": _value, "Unsqueeze": _unsqueezed}
"""What exporters write by the hundred, and what must not take the memory of all its elements."""


def _array(tensor: onnx.TensorProto) -> Array:
    from onnx import numpy_helper

    return np.asarray(numpy_helper.to_array(tensor))


def _evaluate(node: Node, proto: onnx.NodeProto, opsets: list[Any], inputs: Mapping[str, Array]) -> list[Array]:
    """Compute a node by the evaluator that comes with `onnx`."""
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    if any(attribute.HasField("g") or attribute.graphs for attribute in proto.attribute):
        raise UnsupportedNodeError("it holds a graph of its own")
    sizes = [inputs[name].size for name in node.inputs if name]
    if sum(sizes) > MOST_COMPUTED:
        raise UnsupportedNodeError(f"it has constant inputs of more than {MOST_COMPUTED} elements")
    known = [numpy_helper.from_array(np.array(inputs[name], order="C"), name) for name in inputs]
    outputs = [helper.make_tensor_value_info(name, 0, None) for name in node.outputs if name]
    graph = helper.make_graph([proto], "constant", [], outputs, known)
    model = helper.make_model(graph, opset_imports=opsets)
    try:
        largest = _largest_output(model)
        if largest is None and node.op not in _AS_LARGE_AS_INPUTS:
            raise UnsupportedNodeError("the size of its output cannot be told")
        if largest is not None and largest > MOST_COMPUTED:
            raise UnsupportedNodeError(f"it makes a constant of {largest} elements, more than {MOST_COMPUTED}")
        return [np.asarray(value) for value in ReferenceEvaluator(model).run(None, {})]
    except (UnsupportedNodeError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a foreign evaluator raises, the node is the matter
        raise UnsupportedNodeError(f"it has constant inputs, but cannot be computed ({error})") from None


def _largest_output(model: onnx.ModelProto) -> int | None:
    """Return the elements of the largest output; None if ONNX cannot tell."""
    from onnx import shape_inference

    inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph.output
    shapes = [value.type.tensor_type.shape if value.type.tensor_type.HasField("shape") else None for value in inferred]
    if any(shape is None or any(not dim.HasField("dim_value") for dim in shape.dim) for shape in shapes):
        return None
    return max((math.prod(dim.dim_value for dim in shape.dim) for shape in shapes if shape is not None), default=0)
