"""Workloads from ONNX files: convolutional networks and perceptrons, and a full list of what is missing for others.

Batch normalisation folds into the layer before it, activations become part of the layer they follow, changes of layout
vanish (`onnx_builder`); `onnx_operators` says what each operator becomes. Needs the extra `onnx`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import ConfigError, MissingExtraError, Problem
from aimcsim.ops import MatrixKind, TensorShape
from aimcsim.workload import onnx_constants
from aimcsim.workload.graph import Layer, Layout, Workload
from aimcsim.workload.onnx_builder import Builder, Node, stored
from aimcsim.workload.onnx_operators import OPERATORS
from aimcsim.workload.onnx_view import IMAGE, SHARED, UnsupportedNodeError, View, positions

if TYPE_CHECKING:
    import onnx

LEAST_OPSET = 7
MOST_OF_INPUT = 25_000_000
"""Elements that one sample of an input may have: an image of 3840 x 2160 pixels in three colours."""
_NHWC_TO_NCHW = [0, 3, 1, 2]
_IN_PLACE = {"Identity", "Cast", "Add", "Sub", "Mul", "Div", "Pad"}
"""What may stand between an input and the node that turns it, and leaves its axes as they are."""
_OF_IMAGES = {"Conv", "MaxPool", "AveragePool", "BatchNormalization"}
"""What takes an input of two axes as channels and pixels of a line."""
_LONGEST = 200
"""Characters of a foreign message that are shown."""
_MALFORMED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What the parts of a protobuf raise that hold what no exporter writes."""


def load_onnx(path: Path, *, fold_unsupported: bool = False) -> Workload:
    """Return the workload that an ONNX file describes.

    Parameters
    ----------
    path : the file.
    fold_unsupported : leave out nodes that are not supported and keep the shape of their only input, as if they took no
        time; the workload then has no values, and names them among its assumptions.

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
            return _Graph(model, str(path), folds=fold_unsupported).workload(path.stem)
    except ConfigError:
        raise
    except _MALFORMED as error:
        raise ConfigError(Problem(str(path), 0, 0, "", f"is a malformed ONNX model ({_line(repr(error))})")) from error


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
    except (DecodeError, OSError, ValueError, OverflowError, onnx.checker.ValidationError) as error:
        raise ConfigError(Problem(str(path), 0, 0, "", f"is no ONNX model ({_line(str(error))})")) from None
    if not model.graph.node:
        raise ConfigError(Problem(str(path), 0, 0, "", "is no ONNX model, or one without nodes"))
    return model


def _line(text: str) -> str:
    """Return a foreign text as one line of bounded length."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    short = " ".join(plain.split())
    return short if len(short) <= _LONGEST else f"{short[:_LONGEST]}..."


class _Graph:
    """One import: walks the nodes, collects what cannot be converted, and does not complain about what follows it."""

    def __init__(self, model: onnx.ModelProto, file: str, *, folds: bool) -> None:
        self.model = model
        self.file = file
        self.folds = folds
        self.folded: list[str] = []
        self.assumptions: list[str] = []
        self.problems: list[Problem] = []
        self.lost: set[str] = set()
        self.inputs: dict[str, TensorShape] = {}
        self.layouts: dict[str, Layout] = {}
        self.opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 1)
        constants = self._constants()
        given = [value for value in model.graph.input if value.name not in constants and value.name not in self.lost]
        self.builder = Builder(constants, _uses(model.graph), _batch(given))
        for value in given:
            self._add_input(value)

    def _constants(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that the file holds."""
        from onnx import numpy_helper

        constants: dict[str, NDArray[Any]] = {}
        for tensor in self.model.graph.initializer:
            try:
                constants[tensor.name] = np.asarray(numpy_helper.to_array(tensor))
            except _MALFORMED as error:
                self.lost.add(tensor.name)
                self.complain(tensor.name, f"the array cannot be read ({_line(str(error))})")
        for sparse in self.model.graph.sparse_initializer:
            self.lost.add(sparse.values.name)
            self.complain(sparse.values.name, "sparse arrays are not supported")
        return constants

    def _add_input(self, value: onnx.ValueInfoProto) -> None:
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim][1:]
        if not 1 <= len(sizes) <= 3 or min(sizes) < 1:
            message = f"an input must be [n, sizes...] with one to three known sizes (got {_dims(value)})"
            self._refuse(value.name, message)
            return
        axes = self._axes(value.name, len(sizes))
        named = dict(zip(axes, sizes, strict=True))
        shape = TensorShape(named.get("H", 1), named.get("W", 1), named["C"])
        if shape.elements > MOST_OF_INPUT:
            self._refuse(value.name, f"an input may have {MOST_OF_INPUT} elements (got {_dims(value)})")
            return
        self.inputs[value.name] = self.builder.shapes[value.name] = shape
        self.layouts[value.name] = Layout(positions(shape, axes))
        self.builder.views[value.name] = View.of(value.name, shape, axes, takers=SHARED)

    def _refuse(self, tensor: str, message: str) -> None:
        self.lost.add(tensor)
        self.complain(tensor, message)

    def _axes(self, tensor: str, count: int) -> str:
        """Return what the axes of an input are: features, rows of features or a line of pixels, an image."""
        if count == 2:
            return "CW" if any(node.op in _OF_IMAGES for node in self._takers.get(tensor, ())) else "WC"
        return "C" if count == 1 else "HWC" if self._is_channels_last(tensor) else IMAGE

    def _is_channels_last(self, tensor: str) -> bool:
        """Whether everything that takes `tensor` in the end turns it from NHWC to NCHW."""
        seen, open_ = {tensor}, [tensor]
        while open_:
            takers = self._takers.get(open_.pop(), [])
            if not takers:
                return False
            for node in takers:
                if node.op == "Transpose" and node.ints("perm", ()) == _NHWC_TO_NCHW:
                    continue
                if node.op not in _IN_PLACE or not node.outputs:
                    return False
                if node.outputs[0] not in seen:
                    seen.add(node.outputs[0])
                    open_.append(node.outputs[0])
        return True

    @cached_property
    def _nodes(self) -> list[Node]:
        return [_node(proto, self.opset) for proto in self.model.graph.node]

    @cached_property
    def _takers(self) -> dict[str, list[Node]]:
        takers: dict[str, list[Node]] = {}
        for node in self._nodes:
            for name in node.inputs:
                takers.setdefault(name, []).append(node)
        return takers

    @cached_property
    def _made(self) -> Counter[str]:
        """How often each tensor is computed, which must be once."""
        return Counter(name for node in self._nodes for name in node.outputs if name)

    def complain(self, name: str, message: str) -> None:
        """Note a problem about a node or tensor."""
        self.problems.append(Problem(self.file, 0, 0, _line(name), message))

    def _convert_or_note(self, node: Node, proto: onnx.NodeProto) -> None:
        """Convert one node, or note why that cannot be done."""
        if self.lost.intersection(node.inputs) and node.op in OPERATORS:
            self.lost.update(node.outputs)
            return
        try:
            self._convert(node, proto)
        except (UnsupportedNodeError, ValueError) as error:
            if not (self.folds and self._fold(node)):
                self._note(node, str(error))
        except _MALFORMED as error:
            self._note(node, f"it is malformed ({error!r})")

    def _note(self, node: Node, why: str) -> None:
        self.lost.update(node.outputs)
        shape = ", ".join(self._output_shape(name) for name in node.outputs if name)
        name = node.name or next(iter(node.outputs), "")
        self.complain(name, f"{_line(node.op)} cannot be imported: {_line(why)} (output {shape})")

    def _fold(self, node: Node) -> bool:
        """Leave a node out if it has one input that is computed and one output of that shape; return whether."""
        views = [self.builder.view(name) for name in node.inputs if name in self.builder.views]
        computed = [name for name in node.inputs if name and name not in self.builder.constants]
        outputs = [name for name in node.outputs if name]
        if len(computed) != 1 or len(views) != 1 or outputs != list(node.outputs[:1]):
            return False
        inferred = self._inferred.get(outputs[0])
        shape = [] if inferred is None else [dim.dim_value for dim in inferred.type.tensor_type.shape.dim]
        if tuple(shape[1:]) != views[0].shape:
            return False
        self.builder.bind(node, views[0])
        name = _line(node.name or outputs[0])
        self.folded.append(name)
        self.assumptions.append(f"{_line(node.op)} `{name}` is not supported and was folded: it takes no time")
        return True

    def _convert(self, node: Node, proto: onnx.NodeProto) -> None:
        named = [name for name in node.inputs if name]
        twice = [name for name in node.outputs if self._made[name] > 1 or name in self.inputs]
        if twice:
            raise UnsupportedNodeError(f"`{twice[0]}` is computed twice")
        constants = self.builder.constants
        if all(name in constants for name in named) and onnx_constants.is_computable(node):
            arrays = {name: constants[name] for name in named}
            values = onnx_constants.compute(node, proto, list(self.model.opset_import), arrays)
            constants.update(zip(filter(None, node.outputs), values, strict=True))
            return
        if node.op not in OPERATORS or proto.domain not in ("", "ai.onnx"):
            raise UnsupportedNodeError("the operator is not supported")
        for name in named:
            self._check_there(name)
        OPERATORS[node.op].convert(self.builder, node)

    def _check_there(self, tensor: str) -> None:
        builder = self.builder
        if tensor in builder.constants or tensor in builder.views or tensor in builder.padded or tensor in self.lost:
            return
        if tensor in self._made:
            raise UnsupportedNodeError(f"it takes `{tensor}` before that is computed: a cycle, or nodes out of order")
        raise UnsupportedNodeError(f"there is no tensor `{tensor}` before it")

    def _output_shape(self, tensor: str) -> str:
        return _dims(self._inferred[tensor]) if tensor in self._inferred else "of unknown shape"

    @cached_property
    def _inferred(self) -> dict[str, onnx.ValueInfoProto]:
        """What ONNX itself says about the tensors of the graph."""
        from onnx import shape_inference

        try:
            graph = shape_inference.infer_shapes(self.model).graph
        except (shape_inference.InferenceError, *_MALFORMED):
            graph = self.model.graph
        return {value.name: value for value in (*graph.value_info, *graph.output)}

    def workload(self, name: str) -> Workload:
        """Convert every node and return the workload; raises ConfigError if anything was noted."""
        if self.opset < LEAST_OPSET:
            self.complain("", f"is of opset {self.opset}; opsets from {LEAST_OPSET} on are supported")
            raise ConfigError(self.problems)
        for node, proto in zip(self._nodes, self.model.graph.node, strict=True):
            self._convert_or_note(node, proto)
        outputs = [self._output(value.name) for value in self.model.graph.output]
        layers = _reaching(self.builder.layers, outputs)
        for layer in layers:
            op = layer.op
            if isinstance(op, MatrixKind) and not all(map(_is_finite, (np.asarray(op.weight), op.bias))):
                self.complain(layer.name, "its weights are not finite in float32")
        if not outputs:
            self.complain("", "the model has no outputs")
        if self.problems:
            raise ConfigError(self.problems)
        taken = {source for layer in layers for source in layer.inputs}
        inputs = {one: shape for one, shape in self.inputs.items() if one in taken}
        assumptions, folded = tuple(self.assumptions), tuple(self.folded)
        return Workload(name, inputs, layers, tuple(outputs), self.layouts, assumptions, folded)

    def _output(self, tensor: str) -> str:
        """Return the layer that computes an output of the graph, and note how the network lays it out."""
        if tensor in self.lost:
            return ""
        try:
            return self._laid_out(tensor)
        except UnsupportedNodeError as error:
            self.complain(tensor, f"the output cannot be returned: {error}")
            return ""

    def _laid_out(self, tensor: str) -> str:
        if tensor not in self.builder.views and tensor not in self.builder.padded:
            raise UnsupportedNodeError("it does not depend on the inputs")
        view = self.builder.settled(self.builder.view(tensor))
        if view.source not in self.builder.layers:
            raise UnsupportedNodeError("it does not depend on the inputs through any layer")
        if view.source in self.layouts:
            raise UnsupportedNodeError(f"another output of the network comes from the layer `{view.source}`, too")
        self.layouts[view.source] = Layout(view.index)
        return view.source


def _node(proto: onnx.NodeProto, opset: int) -> Node:
    from onnx import helper

    attributes = {one.name: helper.get_attribute_value(one) for one in proto.attribute}
    return Node(proto.op_type, proto.name, tuple(proto.input), tuple(proto.output), attributes, opset)


def _uses(graph: onnx.GraphProto) -> Counter[str]:
    """Return how often each tensor is taken, by nodes or as an output of the graph."""
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(value.name for value in graph.output)
    return uses


def _is_finite(array: NDArray[Any]) -> bool:
    return bool(np.isfinite(stored(array)).all())


def _batch(values: Iterable[onnx.ValueInfoProto]) -> int:
    sizes = {dims[0].dim_value for value in values if (dims := value.type.tensor_type.shape.dim)}
    return sizes.pop() if len(sizes) == 1 else 0


def _dims(value: onnx.ValueInfoProto) -> str:
    """Return a declared shape as `N x 16 x 8 x 8`."""
    dims = value.type.tensor_type.shape.dim
    return _line(" x ".join(dim.dim_param or str(dim.dim_value or "?") for dim in dims)) or "a scalar"


def _reaching(layers: dict[str, Layer], outputs: list[str]) -> tuple[Layer, ...]:
    """Return the layers that some output depends on, in their order."""
    wanted = set(outputs)
    for layer in reversed(layers.values()):
        if layer.name in wanted:
            wanted.update(layer.inputs)
    return tuple(layer for layer in layers.values() if layer.name in wanted)
