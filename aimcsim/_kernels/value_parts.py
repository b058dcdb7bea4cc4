"""What the kernels of analog values take, packed; what they give; and checks of what comes with each call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import InputError

Floats = NDArray[np.float32]


class Conversions(NamedTuple):
    """Outputs with the codes behind them.

    Attributes
    ----------
    outputs : float32 [B, N]
    codes : int32         [B, N], of sliced products [B, phases, cells * N], cell-major.
    clipped : int32 [B]   How many conversions of each vector fell beyond the range.
    """

    outputs: Floats
    codes: NDArray[np.int32]
    clipped: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class LevelRange:
    """Levels as kernels take them: ``level = clip(round(value * gain + shift), low, high)``, in float32.

    `gain`, `shift`, `step` and `origin` hold one number (row drivers) or one per column (converters), padded to panels.
    """

    low: int
    high: int
    floors: bool
    gain: Floats
    shift: Floats
    step: Floats
    origin: Floats


@dataclass(frozen=True, slots=True)
class ProductParts:
    """A converted product as kernels take it."""

    rows: int
    cols: int
    weights: Floats
    driver: LevelRange | None
    converter: LevelRange | None
    variance: Floats | None
    floor: Floats


@dataclass(frozen=True, slots=True)
class SliceParts:
    """A sliced product as kernels take it: one of digits, dots and state. Planes name channel 0 for positive levels."""

    rows: int
    cells: int
    outputs: int
    driver: LevelRange
    converter: LevelRange
    planes: NDArray[np.int32]
    weights: NDArray[np.int32]
    factors: NDArray[np.float64]
    constants: NDArray[np.float64]
    digits: NDArray[np.uint8] | None
    dots: NDArray[np.uint8] | None
    bias: int
    digit_max: int
    state: Floats | None


def as_vectors(name: str, values: Any, width: int) -> Floats:
    """Return `values`, float32 [B, width], contiguous; a copy only if they are not.

    Raises
    ------
    InputError    If it is something else.
    """
    if not isinstance(values, np.ndarray) or values.dtype != np.float32:
        kind = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise InputError(f"{name}: must be an array of float32 (got {kind})")
    if values.ndim != 2 or values.shape[1] != width:
        raise InputError(f"{name}: must be [B, {width}] (got {list(values.shape)})")
    try:
        return np.require(values, np.float32, ["C", "A"])
    except MemoryError as error:
        raise too_large(f"{name}:", values.shape) from error


def too_large(name: str, shape: tuple[int, ...]) -> InputError:
    """Return the error for vectors or their outputs that memory cannot hold."""
    return InputError(f"{name} {list(shape)} does not fit into memory; lever: fewer vectors in a call")


def as_companion(name: str, values: Any, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """Return `values`, which come with the vectors, as a contiguous array of this shape and type.

    Raises
    ------
    InputError    If it is something else.
    """
    if not isinstance(values, np.ndarray) or values.dtype != dtype or values.shape != shape:
        got = f"{values.dtype} {list(values.shape)}" if isinstance(values, np.ndarray) else type(values).__name__
        raise InputError(f"{name}: must be {np.dtype(dtype)} {list(shape)} (got {got})")
    return np.require(values, dtype, ["C", "A"])


def odd_vector(x: Floats, scale: Floats | None, vector: int) -> InputError:
    """Return the error for a vector that no product can take."""
    if scale is not None and not (scale[vector] > 0 and np.isfinite(scale[vector])):
        return InputError(f"scale[{vector}]: must be a positive number (got {scale[vector]})")
    finite = np.isfinite(x[vector])
    if finite.all():
        return InputError(f"scale[{vector}]: x / scale must be finite")
    row = int(np.argmin(finite))
    return InputError(f"x[{vector}, {row}]: must be finite (got {x[vector, row]})")
