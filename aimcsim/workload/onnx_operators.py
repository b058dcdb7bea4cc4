"""The ONNX operators that are supported: what each becomes, and within which limits.

`docs/workloads.md` shows this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aimcsim.ops import Add, Divide, LogSoftmax, Maximum, Minimum, Multiply, Softmax, Subtract
from aimcsim.workload import onnx_elements as elements
from aimcsim.workload import onnx_matrices as matrices
from aimcsim.workload import onnx_moves as moves
from aimcsim.workload.onnx_builder import Builder, Node


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    Attributes
    ----------
    convert : adds what a node becomes to the network, or raises `UnsupportedNodeError`.
    becomes : the layer kinds it may become, in words.
    limits : what of it is supported; empty for all.
    """

    convert: Callable[[Builder, Node], None]
    becomes: str
    limits: str = ""


_WINDOWS = "one- and two-dimensional"
_CURVE = "part of the layer before it, or `activation`"
_SUM = "`{}`; with a constant, part of the weights before it, or `affine`"
_BATCH = "not over the batch"
_NOTHING = "nothing: the next layer takes the order, or a `{}` is put before it"

OPERATORS: dict[str, Operator] = {
    "Abs": Operator(elements.activation("abs"), _CURVE),
    "Add": Operator(elements.arithmetic(Add), _SUM.format("add")),
    "AveragePool": Operator(matrices.average_pool, "`average_pool`", _WINDOWS),
    "BatchNormalization": Operator(
        elements.batch_normalization, "part of the weights before it, or `affine`", "constant statistics"
    ),
    "Cast": Operator(moves.cast, "nothing", "to float32"),
    "Celu": Operator(elements.activation("celu", "alpha"), _CURVE),
    "Clip": Operator(elements.clip_, _CURVE, "constant limits"),
    "Concat": Operator(moves.concat, "`concat`", f"{_BATCH}; no constants among others"),
    "Conv": Operator(matrices.conv, "`conv2d`", f"{_WINDOWS}; constant weights"),
    "DepthToSpace": Operator(moves.depth_to_space, _NOTHING.format("reshape")),
    "Div": Operator(elements.arithmetic(Divide), _SUM.format("divide")),
    "Dropout": Operator(moves.dropout, "nothing", "its mask unused"),
    "Elu": Operator(elements.activation("elu", "alpha"), _CURVE),
    "Erf": Operator(elements.activation("erf"), _CURVE),
    "Exp": Operator(elements.activation("exp"), _CURVE),
    "Expand": Operator(moves.expand, _NOTHING.format("gather"), _BATCH),
    "Flatten": Operator(moves.flatten, _NOTHING.format("reshape"), "axis 1"),
    "Gather": Operator(moves.gather, _NOTHING.format("gather"), f"constant positions, {_BATCH}"),
    "Gelu": Operator(elements.gelu, _CURVE),
    "Gemm": Operator(matrices.gemm, "`linear`", "constant second matrix and bias, first matrix not transposed"),
    "GlobalAveragePool": Operator(matrices.global_pool("average"), "`global_average_pool`"),
    "GlobalMaxPool": Operator(matrices.global_pool("max"), "`max_pool`"),
    "HardSigmoid": Operator(elements.activation("hard_sigmoid", "alpha", "beta"), _CURVE),
    "HardSwish": Operator(elements.activation("hard_swish"), _CURVE),
    "Identity": Operator(moves.same, "nothing"),
    "LRN": Operator(elements.local_response, "`local_response`"),
    "LeakyRelu": Operator(elements.activation("leaky_relu", "alpha"), _CURVE),
    "LogSoftmax": Operator(elements.softmax(LogSoftmax), "`log_softmax`", _BATCH),
    "MatMul": Operator(matrices.matmul, "`linear`, or `conv2d` for rows", "one constant matrix"),
    "Max": Operator(elements.arithmetic(Maximum), "`maximum`; with one number, an activation"),
    "MaxPool": Operator(matrices.max_pool, "`max_pool`", f"{_WINDOWS}; its indices unused"),
    "Mean": Operator(elements.mean, "`add` and `affine`"),
    "Min": Operator(elements.arithmetic(Minimum), "`minimum`; with one number, an activation"),
    "Mish": Operator(elements.activation("mish"), _CURVE),
    "Mul": Operator(elements.arithmetic(Multiply), _SUM.format("multiply") + "; x * sigmoid(x) is `silu`"),
    "Neg": Operator(elements.activation("negative"), _CURVE),
    "PRelu": Operator(elements.prelu, "`prelu`, or `leaky_relu`", "a constant slope for each channel"),
    "Pad": Operator(
        moves.pad, "pads of a Conv after it, or `gather`", "constant, edge, reflect and wrap; 0 or more, not the batch"
    ),
    "Pow": Operator(elements.power, "`multiply`, or `sqrt`", "constant exponents of 0.5, 1 and 2"),
    "Reciprocal": Operator(elements.activation("reciprocal"), _CURVE),
    "ReduceMax": Operator(matrices.reduction("max"), "`max_pool`", f"named axes, {_BATCH}"),
    "ReduceMean": Operator(matrices.reduction("average"), "`average_pool`", f"named axes, {_BATCH}"),
    "ReduceSum": Operator(matrices.reduce_sum, "`average_pool` and `affine`", f"named axes, {_BATCH}"),
    "Relu": Operator(elements.relu, _CURVE),
    "Reshape": Operator(moves.reshape, _NOTHING.format("reshape"), "to a constant shape that keeps the batch"),
    "Resize": Operator(moves.resize, _NOTHING.format("gather"), "nearest, by whole factors"),
    "Selu": Operator(elements.activation("selu", "alpha", "gamma"), _CURVE),
    "Shape": Operator(moves.shape, "a constant"),
    "Sigmoid": Operator(elements.activation("sigmoid"), _CURVE),
    "Slice": Operator(moves.slice_, _NOTHING.format("gather"), f"constant bounds, {_BATCH}"),
    "Softmax": Operator(elements.softmax(Softmax), "`softmax`", _BATCH),
    "Softplus": Operator(elements.activation("softplus"), _CURVE),
    "Softsign": Operator(elements.activation("softsign"), _CURVE),
    "SpaceToDepth": Operator(moves.space_to_depth, _NOTHING.format("reshape")),
    "Split": Operator(moves.split, _NOTHING.format("gather"), f"constant sizes, {_BATCH}"),
    "Sqrt": Operator(elements.activation("sqrt"), _CURVE),
    "Squeeze": Operator(moves.squeeze, _NOTHING.format("reshape"), f"named axes, {_BATCH}"),
    "Sub": Operator(elements.arithmetic(Subtract), _SUM.format("subtract")),
    "Sum": Operator(elements.arithmetic(Add), _SUM.format("add")),
    "Swish": Operator(elements.swish, _CURVE, "alpha = 1"),
    "Tanh": Operator(elements.activation("tanh"), _CURVE),
    "ThresholdedRelu": Operator(elements.activation("thresholded_relu", "alpha"), _CURVE),
    "Tile": Operator(moves.tile, _NOTHING.format("gather"), f"constant repeats, {_BATCH}"),
    "Transpose": Operator(moves.transpose, _NOTHING.format("reshape"), "not of the batch"),
    "Unsqueeze": Operator(moves.unsqueeze, _NOTHING.format("reshape"), "behind the batch"),
    "Upsample": Operator(moves.resize, _NOTHING.format("gather"), "nearest, by whole factors"),
}
"""By name. A node whose inputs are all constant is computed when the file is read, whatever its operator."""


def operator_table() -> str:
    """Return the table of the operators as Markdown."""
    rows = [f"| {name} | {one.becomes} | {one.limits} |".replace("  |", " |") for name, one in OPERATORS.items()]
    return "\n".join(["| operator | becomes | limits |", "|---|---|---|", *rows])
