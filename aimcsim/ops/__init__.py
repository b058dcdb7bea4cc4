"""What each kind of layer means: shapes, receptive fields and numerics, one file per family.

The clocked machine, the evaluation outside the clock and the importers all ask here, so a layer's meaning exists once.
No timing, no energy, no chip: those are statements of the chip file about these quantities.
"""

from aimcsim.ops.activation import CURVES, NO_ACTIVATION, RELU, ActivationFunction, clip, curve
from aimcsim.ops.attention import Attention
from aimcsim.ops.base import (
    DigitalKind,
    FloatArray,
    IndexArray,
    LayerKind,
    LazyArray,
    MatrixKind,
    TensorShape,
    Weight,
    Window,
    digital_kinds,
)
from aimcsim.ops.concat import AXES, Axis, Concat
from aimcsim.ops.elementwise import (
    Activation,
    Add,
    Affine,
    Combine,
    Divide,
    Maximum,
    Minimum,
    Multiply,
    PRelu,
    Subtract,
)
from aimcsim.ops.matrix import Conv2d, Depthwise, Linear
from aimcsim.ops.normalization import LayerNorm, LocalResponse, LogSoftmax, Softmax
from aimcsim.ops.pooling import Pool2d
from aimcsim.ops.rearrange import Gather, Reshape
from aimcsim.ops.sliding import Sliding

__all__ = [
    "AXES",
    "CURVES",
    "NO_ACTIVATION",
    "RELU",
    "Activation",
    "ActivationFunction",
    "Add",
    "Affine",
    "Attention",
    "Axis",
    "Combine",
    "Concat",
    "Conv2d",
    "Depthwise",
    "DigitalKind",
    "Divide",
    "FloatArray",
    "Gather",
    "IndexArray",
    "LayerKind",
    "LayerNorm",
    "LazyArray",
    "Linear",
    "LocalResponse",
    "LogSoftmax",
    "MatrixKind",
    "Maximum",
    "Minimum",
    "Multiply",
    "PRelu",
    "Pool2d",
    "Reshape",
    "Sliding",
    "Softmax",
    "Subtract",
    "TensorShape",
    "Weight",
    "Window",
    "clip",
    "curve",
    "digital_kinds",
]
