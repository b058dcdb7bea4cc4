"""Workloads from ONNX files: what convolutional networks and perceptrons need, and a full list of what is missing.

Batch normalisation folds into the layer before it, activations become part of the layer they follow, changes of layout
vanish (`onnx_builder`). Needs the extra `onnx`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aimcsim.errors import ConfigError, MissingExtraError, Problem
from aimcsim.ops import MatrixKind, TensorShape
from aimcsim.workload.graph import Layer, Layout, Workload
from aimcsim.workload.onnx_builder import Builder, Node, UnsupportedNodeError, View
from aimcsim.workload.onnx_nodes import HANDLERS

if TYPE_CHECKING:
    import onnx

_NHWC_TO_NCHW = [0, 3, 1, 2]
_RANDOM = "Random"


def load_onnx(path: Path) -> Workload:
    """Return the workload that an ONNX file describes.

    Raises
    ------
    MissingExtraError
        If `onnx` is not installed.
    ConfigError
        If the file is no ONNX model, or holds nodes that cannot be imported: all of them, with their output shapes.
    """
    model = _load(path)
    try:
        with np.errstate(all="ignore"):
            return _Graph(model, str(path)).workload(path.stem)
    except ConfigError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # A protobuf may hold anything at all; what no exporter writes is not worth a message of its own.
        raise ConfigError(Problem(str(path), 0, 0, "", f"is a malformed ONNX model ({error!r})")) from error


def _load(path: Path) -> onnx.ModelProto:
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("reading ONNX files", "onnx") from None
    try:
        model = onnx.load(path)
    except FileNotFoundError as error:
        missing = "" if error.filename in (None, str(path)) else f": {error.filename}"
        raise ConfigError(Problem(str(path), 0, 0, "", f"no such file{missing}")) from None
    except (DecodeError, OSError, ValueError, onnx.checker.ValidationError) as error:
        raise ConfigError(Problem(str(path), 0, 0, "", f"is no ONNX model ({error})")) from None
    if not model.graph.node:
        raise ConfigError(Problem(str(path), 0, 0, "", "is no ONNX model, or one without nodes"))
    return model


class _Graph:
    """One import: walks the nodes, collects what cannot be converted, and does not complain about what follows it."""

    def __init__(self, model: onnx.ModelProto, file: str) -> None:
        from onnx import numpy_helper

        self.model = model
        self.file = file
        self.problems: list[Problem] = []
        self.lost: set[str] = set()
        self.inputs: dict[str, TensorShape] = {}
        self.layouts: dict[str, Layout] = {}
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        given = [value for value in model.graph.input if value.name not in constants]
        self.builder = Builder(constants, _uses(model.graph), _batch(given))
        for value in given:
            self._add_input(value)

    def _add_input(self, value: onnx.ValueInfoProto) -> None:
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim][1:]
        if not 1 <= len(sizes) <= 3 or min(sizes) < 1:
            message = f"an input must be [n, sizes...] with one to three known sizes (got {_dims(value)})"
            self.complain(value.name, message)
            self.lost.add(value.name)
            return
        shape, layout = _as_ours(sizes, channels_last=self._is_channels_last(value.name))
        self.inputs[value.name] = self.builder.shapes[value.name] = shape
        self.layouts[value.name] = layout
        self.builder.views[value.name] = View(value.name, layout.index, sole=False)

    def _is_channels_last(self, tensor: str) -> bool:
        """Whether every node that takes `tensor` first turns it from NHWC to NCHW."""
        takers = [_node(node) for node in self.model.graph.node if tensor in node.input]
        return bool(takers) and all(
            node.op == "Transpose" and node.ints("perm", ()) == _NHWC_TO_NCHW for node in takers
        )

    def complain(self, name: str, message: str) -> None:
        """Note a problem about a node or tensor."""
        self.problems.append(Problem(self.file, 0, 0, name, message))

    def _convert_or_note(self, proto: onnx.NodeProto) -> None:
        """Convert one node, or note why that cannot be done."""
        node = _node(proto)
        if self.lost.intersection(node.inputs) and node.op in HANDLERS:
            self.lost.update(node.outputs)
            return
        try:
            self._convert(node, proto)
        except (UnsupportedNodeError, ValueError) as error:
            self.lost.update(node.outputs)
            shape = ", ".join(self._output_shape(name) for name in node.outputs if name)
            self.complain(node.name or node.outputs[0], f"{node.op} cannot be imported: {error} (output {shape})")

    def _convert(self, node: Node, proto: onnx.NodeProto) -> None:
        named = [name for name in node.inputs if name]
        constants = self.builder.constants
        if all(name in constants for name in named) and not node.op.startswith(_RANDOM):
            self._evaluate(node, proto)
            return
        if node.op not in HANDLERS or proto.domain not in ("", "ai.onnx"):
            raise UnsupportedNodeError("the operator is not supported")
        for name in named:
            if name not in constants and name not in self.builder.views:
                raise UnsupportedNodeError(f"there is no tensor `{name}` before it")
        HANDLERS[node.op](self.builder, node)

    def _evaluate(self, node: Node, proto: onnx.NodeProto) -> None:
        """Compute a node that depends on constants alone."""
        from onnx import helper
        from onnx.reference import ReferenceEvaluator

        empty = helper.make_tensor_value_info
        inputs, outputs = ([empty(name, 0, None) for name in names if name] for names in (node.inputs, node.outputs))
        graph = helper.make_graph([proto], "constant", inputs, outputs)
        model = helper.make_model(graph, opset_imports=list(self.model.opset_import))
        feeds = {name: self.builder.constants[name] for name in node.inputs if name}
        try:
            values = ReferenceEvaluator(model).run(None, feeds)
        except Exception as error:  # noqa: BLE001 - whatever a foreign evaluator raises, the node is the matter
            raise UnsupportedNodeError(f"it has constant inputs, but cannot be computed ({error})") from None
        self.builder.constants.update(zip(filter(None, node.outputs), map(np.asarray, values), strict=True))

    def _output_shape(self, tensor: str) -> str:
        return _dims(self._inferred[tensor]) if tensor in self._inferred else "of unknown shape"

    @cached_property
    def _inferred(self) -> dict[str, onnx.ValueInfoProto]:
        """What ONNX itself says about the tensors of the graph."""
        from onnx import shape_inference

        graph = shape_inference.infer_shapes(self.model).graph
        return {value.name: value for value in (*graph.value_info, *graph.output)}

    def workload(self, name: str) -> Workload:
        """Convert every node and return the workload; raises ConfigError if anything was noted."""
        for node in self.model.graph.node:
            self._convert_or_note(node)
        outputs = [self._output(value.name) for value in self.model.graph.output]
        layers = _reaching(self.builder.layers, outputs)
        for layer in layers:
            op = layer.op
            if isinstance(op, MatrixKind) and not (np.isfinite(op.weight).all() and np.isfinite(op.bias).all()):
                self.complain(layer.name, "its weights are not finite in float32")
        if self.problems:
            raise ConfigError(self.problems)
        taken = {source for layer in layers for source in layer.inputs}
        inputs = {one: shape for one, shape in self.inputs.items() if one in taken}
        return Workload(name, inputs, layers, tuple(outputs), self.layouts)

    def _output(self, tensor: str) -> str:
        """Return the layer that computes an output of the graph, and note how the network lays it out."""
        view = self.builder.views.get(tensor)
        if view is None or view.source not in self.builder.layers:
            if tensor not in self.lost:
                self.complain(tensor, "the output does not depend on the inputs through any layer")
            return ""
        if view.source in self.layouts:
            self.complain(tensor, f"two outputs of the network come from the layer `{view.source}`")
        self.layouts[view.source] = Layout(view.index)
        return view.source


def _node(proto: onnx.NodeProto) -> Node:
    from onnx import helper

    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in proto.attribute}
    return Node(proto.op_type, proto.name, tuple(proto.input), tuple(proto.output), attributes)


def _uses(graph: onnx.GraphProto) -> Counter[str]:
    """Return how often each tensor is taken, by nodes or as an output of the graph."""
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(value.name for value in graph.output)
    return uses


def _batch(values: Iterable[onnx.ValueInfoProto]) -> int:
    sizes = {dims[0].dim_value for value in values if (dims := value.type.tensor_type.shape.dim)}
    return sizes.pop() if len(sizes) == 1 else 0


def _as_ours(sizes: list[int], *, channels_last: bool) -> tuple[TensorShape, Layout]:
    """Return our shape and layout of an input [features], [rows, features], [C, H, W] or, channels last, [H, W, C]."""
    if len(sizes) == 1:
        shape = TensorShape(1, 1, sizes[0])
        return shape, Layout.ordered(shape, "F")
    if len(sizes) == 2:
        shape = TensorShape(1, sizes[0], sizes[1])
        return shape, Layout(np.arange(shape.elements, dtype=np.int64).reshape(sizes))
    if channels_last:
        shape = TensorShape(*sizes)
        return shape, Layout.ordered(shape, "HWC")
    shape = TensorShape(sizes[1], sizes[2], sizes[0])
    return shape, Layout.ordered(shape, "CHW")


def _dims(value: onnx.ValueInfoProto) -> str:
    """Return a declared shape as `N x 16 x 8 x 8`."""
    dims = value.type.tensor_type.shape.dim
    return " x ".join(dim.dim_param or str(dim.dim_value or "?") for dim in dims) or "a scalar"


def _reaching(layers: dict[str, Layer], outputs: list[str]) -> tuple[Layer, ...]:
    """Return the layers that some output depends on, in their order."""
    wanted = set(outputs)
    for layer in reversed(layers.values()):
        if layer.name in wanted:
            wanted.update(layer.inputs)
    return tuple(layer for layer in layers.values() if layer.name in wanted)
