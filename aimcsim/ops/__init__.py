"""What each kind of layer means: shapes, receptive fields and numerics, one file per family.

The clocked machine, the evaluation outside the clock and the importers all ask here, so a layer's meaning exists once.
No timing, no energy, no chip: those are statements of the chip file about these quantities.
"""

from aimcsim.ops.activation import NO_ACTIVATION, RELU, ActivationFunction, clip
from aimcsim.ops.base import DigitalKind, FloatArray, IndexArray, LayerKind, MatrixKind, TensorShape, Window
from aimcsim.ops.elementwise import Activation, Add
from aimcsim.ops.matrix import Conv2d, Linear
from aimcsim.ops.pooling import Pool2d
from aimcsim.ops.rearrange import Reshape
from aimcsim.ops.sliding import Sliding

__all__ = [
    "NO_ACTIVATION",
    "RELU",
    "Activation",
    "ActivationFunction",
    "Add",
    "Conv2d",
    "DigitalKind",
    "FloatArray",
    "IndexArray",
    "LayerKind",
    "Linear",
    "MatrixKind",
    "Pool2d",
    "Reshape",
    "Sliding",
    "TensorShape",
    "Window",
    "clip",
]
