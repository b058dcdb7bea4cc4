"""Puts a matrix into arrays as exact numbers, integers or devices, block by block as a mapping places it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.draws import Draws
from aimcsim.analog.error_spec import ErrorSpec, Ranges
from aimcsim.analog.ideal import IdealMatrix
from aimcsim.analog.matrix import ProgrammedMatrix
from aimcsim.analog.quantized import QuantizedMatrix
from aimcsim.analog.spec import ArraySpec, Block

if TYPE_CHECKING:
    from aimcsim.analog.bank import Seat
    from aimcsim.analog.device_matrix import DeviceArrays

Mode = Literal["ideal", "quantized"]

_MATRICES: Final[dict[Mode, type[IdealMatrix | QuantizedMatrix]]] = {"ideal": IdealMatrix, "quantized": QuantizedMatrix}


def program_matrix(
    weight: NDArray[np.float32], blocks: Sequence[Block], spec: ArraySpec, mode: Mode = "quantized"
) -> ProgrammedMatrix:
    """Return `weight` [groups, K, N] standing in one array per block.

    Parameters
    ----------
    blocks : sequence of Block    Cover every weight once; their order is the order in which row blocks are added.
    mode : str                    `ideal`: real numbers, no error. `quantized`: integers through converters.

    Raises
    ------
    ValueError     If the blocks leave out or repeat a weight, or do not fit the array.
    ConfigError    If a weight is not finite, or the array's sums cannot be held in integers.
    """
    return _MATRICES[mode](_checked(weight, blocks, spec), blocks, spec)


def program_devices(
    weight: NDArray[np.float32],
    blocks: Sequence[Block],
    spec: ArraySpec,
    errors: ErrorSpec,
    *,
    draws: Draws,
    replicas: int = 1,
    seats: Sequence[Sequence[Seat]] | None = None,
    ranges: Ranges | None = None,
) -> DeviceArrays:
    """Return `weight` [groups, K, N] in devices, each of `replicas` times; read it ``at`` a time.

    Parameters
    ----------
    errors : ErrorSpec    How cells, drivers, lines and converters err.
    draws : Draws         The place of what is drawn about cells and reads, such as that of a layer.
    replicas : int        Vector i of a request is read in replica ``i % replicas``.
    seats : Seat of every replica and block
        Where they stand; None: each in a crossbar of its own, with a converter for every column.
    ranges : Ranges       What samples of the layer found; None: nothing.

    Raises
    ------
    ValueError     As `program_matrix`.
    ConfigError    If a weight is not finite, codes and their sums cannot be held, or ranges do not fit.
    InputError     If the device model does not know a conductance.
    """
    checked = _checked(weight, blocks, spec)
    from aimcsim.analog.device_matrix import DeviceArrays  # most runs have no devices, and importing them takes time

    return DeviceArrays(checked, blocks, spec, errors, draws=draws, replicas=replicas, seats=seats, ranges=ranges)


def _checked(weight: NDArray[np.float32], blocks: Sequence[Block], spec: ArraySpec) -> NDArray[np.float32]:
    """Return `weight` as a contiguous array if the blocks are a way to cut it.

    Raises
    ------
    ValueError    As `program_matrix`.
    """
    weight = np.ascontiguousarray(weight, dtype=np.float32)
    if weight.ndim != 3 or not weight.size:
        raise ValueError(f"a matrix must be [groups, K, N], none of them 0 (got {list(weight.shape)})")
    covered = np.zeros(weight.shape, dtype=np.uint8)
    for index, block in enumerate(blocks):
        if block.groups * block.rows > spec.rows or block.groups * block.cols > spec.weights_per_row:
            raise ValueError(f"block {index} does not fit {spec.rows} rows of {spec.weights_per_row} weights: {block}")
        if any(part.stop > size for part, size in zip(block.slices, weight.shape, strict=True)):
            raise ValueError(f"block {index} reaches beyond the matrix {list(weight.shape)}: {block}")
        covered[block.slices] += 1
    if not (covered == 1).all():
        raise ValueError(f"blocks must cover every weight once; {int((covered != 1).sum())} are left out or repeated")
    return weight
