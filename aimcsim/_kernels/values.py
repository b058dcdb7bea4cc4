"""Products of analog values as arrays compute them: `converted_product` and `sliced_product` prepare one.

Everything about an array is checked and packed here, once; what comes with each call is checked by the object that is
returned. That object keeps the implementation of the kernels that was active when it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim._kernels import dispatch
from aimcsim._kernels.packing import PANEL, aligned, pack_digits, pack_dots, pack_weights
from aimcsim._kernels.value_parts import Conversions, LevelRange, ProductParts, SliceParts
from aimcsim.errors import InputError

LEVEL_MAX: Final = (1 << 22) - 1  # up to here a float32 can be rounded by adding 1.5 * 2^23
SUM_MAX: Final = 1 << 24  # whole numbers up to here are float32
ROWS_MAX: Final = (1 << 16) - 1  # sliced reads number rows in 16 bits
DRIVE_MAX: Final = 127  # of a dot product of bytes
INT32_MAX: Final = (1 << 31) - 1
CELLS_MAX: Final = 1 << 31  # of one array: beyond it nothing is an array any more

Rounding = Literal["half_even", "floor"]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels ``low..high`` at the values ``origin + level * step``.

    A value is rounded to the nearest level, half-way ones to the even one (`half_even`), or to the level below it
    (`floor`), and then clipped to the range. ``2^N - 1`` levels around zero are ``Levels(step, -h, h)`` with
    ``h = 2^(N-1) - 1``; ``2^N`` levels from a to b are ``Levels((b - a) / (2^N - 1), 0, 2^N - 1, origin=a)``.

    Attributes
    ----------
    step, origin : float or float [columns]   A value for each column only of converters, in the unit of the sums.
    low, high : int                           Magnitudes up to 2^22 - 1.
    """

    step: ArrayLike
    low: int
    high: int
    origin: ArrayLike = 0.0
    rounding: Rounding = "half_even"


@dataclass(frozen=True, slots=True)
class Converters:
    """The converters behind the columns: a sum s is read as ``gain * s + offset``.

    Attributes
    ----------
    levels : Levels
    gain, offset : float or float [columns]   Errors of the converter of each column; 1 and 0 for none.
    """

    levels: Levels
    gain: ArrayLike = 1.0
    offset: ArrayLike = 0.0


@dataclass(frozen=True, slots=True)
class Noise:
    """Independent normal noise of every cell in every product, lumped per output.

    The noise of an output has the variance ``floor + sum over k of variance[k, n] * drive[k]^2``, that of normal cells
    which are drawn anew for every product.

    Attributes
    ----------
    variance : float32 [K, N]           Of every weight.
    floor : float or float [N]          Of the output itself.
    """

    variance: Floats
    floor: ArrayLike = 0.0


class Product(Protocol):
    """A prepared product. Immutable; may be called by several threads, and gives them the interpreter meanwhile.

    Takes vectors `x`, float32 [B, K], and, if wished, their input scales, float32 [B]: x / scale goes in, and outputs
    are multiplied by it. With noise, `normal` holds standard normal numbers, float64 [B, N]. Every vector is on its
    own: outputs do not depend on the rest of the batch.

    Raises
    ------
    InputError    If shapes or types do not fit, an input is not finite or a scale not positive. Sums beyond float32 are
                  clipped by converters.
    """

    def outputs(self, x: Floats, scale: Floats | None = None, normal: NDArray[np.float64] | None = None) -> Floats:
        """Return the outputs, float32 [B, N]."""

    def conversions(
        self, x: Floats, scale: Floats | None = None, normal: NDArray[np.float64] | None = None
    ) -> Conversions:
        """Return outputs and codes; only with converters."""


def converted_product(
    weights: Floats,
    *,
    drivers: Levels | None = None,
    converters: Converters | None = None,
    noise: Noise | None = None,
) -> Product:
    """Prepare ``converter(sum over k of weights[k, n] * driver(x[k]))``: one accumulator per output, k ascending.

    Every operation is float32, each step multiplies and then adds. A differential pair that is subtracted before
    conversion is one matrix of differences; subtracted after it, it is a matrix of 2 N columns.

    Parameters
    ----------
    weights : float32 [K, N]
    drivers : Levels         What the rows are driven with; None drives them with the inputs as they are.
    converters : Converters  None passes the sums on.
    noise : Noise            None for none.

    Raises
    ------
    InputError    If an array does not fit or is not finite, or a range is empty or too fine.
    """
    rows, cols = _matrix("weights", weights).shape
    parts = ProductParts(
        rows=rows,
        cols=cols,
        weights=pack_weights(weights[np.newaxis]),
        driver=None if drivers is None else _driver(drivers),
        converter=None if converters is None else _column_range(converters, cols),
        variance=None if noise is None else pack_weights(_variance(noise, weights.shape)[np.newaxis]),
        floor=_padded("noise.floor", 0.0 if noise is None else noise.floor, cols, least=0.0),
    )
    product: Product = dispatch.active().converted_product(parts)
    return product


def sliced_product(
    cells: NDArray[Any],
    *,
    drivers: Levels,
    planes: Sequence[tuple[int, int, int, int]],
    weights: Sequence[int],
    converters: Converters,
    factors: ArrayLike,
    constants: ArrayLike = 0.0,
) -> Product:
    """Prepare a product whose weights stand in several cells and whose inputs come in several phases.

    Inputs become levels (`drivers`); in each phase some bits of the levels drive the rows, and each column's sum is
    converted to a code. An output is ``constants + sum over cells of factors * (sum over phases of weights * value of
    the code)``. Codes are summed over phases as integers, exactly; the rest is float64, rounded to float32 once.

    Parameters
    ----------
    cells : int8, uint8 or float32 [K, C * N]   State of the cells, column ``c * N + n`` for cell c of output n. Whole
                                                numbers are summed exactly, float32 as `converted_product` does it.
    drivers : Levels                            Levels of magnitude up to 65535. Rows are driven with levels, so `step`
                                                and `origin` are for `factors` and `constants` to undo.
    planes : of (phase, sign, bit, scale)       In `phase`, rows whose level has this sign (1 or -1) and this bit set in
                                                its magnitude are driven with `scale`, added up over the planes of a
                                                phase. Phases ascend from 0, none left out.
    weights : int [phases]
    converters : Converters                     Where there is a number for each column, [C * N].
    factors : float [C, N]
    constants : float or float [N]

    Raises
    ------
    InputError    If an array does not fit, or a sum could pass 2^24 or a column's accumulator 2^31.
    """
    rows, cols = _cells(cells).shape
    exact = np.asarray(factors, dtype=np.float64)
    if exact.ndim != 2 or exact.size != cols or not np.isfinite(exact).all():
        raise InputError(f"factors: must be finite, [cells, N] with cells * N = {cols} (got {list(exact.shape)})")
    table, phase_weights = _phases(planes, weights)
    driver = _driver(drivers)
    if max(-drivers.low, drivers.high) > ROWS_MAX:
        raise InputError(f"drivers: levels of a sliced product reach {ROWS_MAX} (got {drivers.low}..{drivers.high})")
    _check_sums(cells, table, phase_weights, converters.levels)
    whole = cells.dtype != np.float32
    bias = -min(int(cells.min()), 0) if whole else 0
    digits = (cells.astype(np.int16) + bias).astype(np.uint8) if whole else None
    by_dots = dispatch.active().has_dots and _most_driven(table) <= DRIVE_MAX
    parts = SliceParts(
        rows=rows,
        cells=exact.shape[0],
        outputs=exact.shape[1],
        driver=driver,
        converter=_column_range(converters, cols),
        planes=table,
        weights=phase_weights,
        factors=np.ascontiguousarray(exact * _per_cell(converters.levels.step, exact)),
        constants=_constants(constants, exact * _per_cell(converters.levels.origin, exact) * int(sum(weights))),
        digits=None if digits is None or by_dots else pack_digits(digits),
        dots=pack_dots(digits) if digits is not None and by_dots else None,
        bias=bias,
        digit_max=1 if digits is None else max(1, int(digits.max())),
        state=None if whole else pack_weights(cells[np.newaxis]),
    )
    product: Product = dispatch.active().sliced_product(parts)
    return product


def serial_planes(bits: int, width: int = 1) -> tuple[list[tuple[int, int, int, int]], list[int]]:
    """Return planes and phase weights of magnitudes of `bits` bits, `width` bits at a time, least significant first.

    Negative inputs drive their rows with the opposite sign in the same phase.
    """
    planes = [(bit // width, sign, bit, sign << bit % width) for bit in range(bits) for sign in (1, -1)]
    return planes, [1 << first for first in range(0, bits, width)]


def abs_max_scales(x: Floats, least: float, cap: float, most: float) -> Floats | None:
    """Return input scales of vectors [B, K]: the largest magnitude of each, `cap` at most, 1 where it is up to `least`.

    None if a magnitude is beyond `most` or no number.
    """
    scales: Floats | None = dispatch.active().abs_max_scales(x, least, cap, most)
    return scales


def in_threads(work: Callable[..., Floats], threads: int, x: Floats, *others: NDArray[Any] | None) -> Floats:
    """Return ``work(x, *others)``, such as a product's outputs, with the vectors shared out to threads: the same bits.

    Raises
    ------
    InputError    If `threads` is below 1; whatever `work` raises.
    """
    if threads < 1:
        raise InputError(f"threads: must be 1 or more (got {threads})")
    cuts = np.linspace(0, len(x), min(threads, max(len(x), 1)) + 1).astype(int)
    spans = [slice(first, end) for first, end in pairwise(cuts.tolist())]
    if len(spans) == 1:
        return work(x, *others)
    with ThreadPoolExecutor(len(spans)) as pool:
        tasks = [pool.submit(work, *(None if part is None else part[span] for part in (x, *others))) for span in spans]
        return np.concatenate([task.result() for task in tasks])


def _matrix(name: str, values: Any) -> Floats:
    if not isinstance(values, np.ndarray) or values.dtype != np.float32 or values.ndim != 2:
        got = f"{values.dtype} {list(values.shape)}" if isinstance(values, np.ndarray) else type(values).__name__
        raise InputError(f"{name}: must be float32 [K, N] (got {got})")
    if not 0 < values.size <= CELLS_MAX:
        raise InputError(f"{name}: must have 1 to {CELLS_MAX} elements (got {list(values.shape)})")
    if not np.isfinite(values).all():
        raise InputError(f"{name}: must be finite")
    return values


def _cells(values: Any) -> NDArray[Any]:
    if isinstance(values, np.ndarray) and values.dtype in (np.int8, np.uint8) and values.ndim == 2 and values.size:
        found: NDArray[Any] = values
    else:
        found = _matrix("cells", values)
    if found.shape[0] > ROWS_MAX:
        raise InputError(f"cells: must have at most {ROWS_MAX} rows (got {found.shape[0]})")
    return found


def _variance(noise: Noise, shape: tuple[int, ...]) -> Floats:
    if _matrix("noise.variance", noise.variance).shape != shape:
        raise InputError(f"noise.variance: must be {list(shape)} (got {list(noise.variance.shape)})")
    if (noise.variance < 0).any():
        raise InputError("noise.variance: must not be negative")
    return noise.variance


def _padded(name: str, values: ArrayLike, cols: int, *, least: float | None = None) -> Floats:
    """Return a float32 for each column, padded with zeros to whole panels."""
    exact = np.asarray(values, dtype=np.float64)
    if exact.shape not in ((), (cols,)):
        raise InputError(f"{name}: must be a number or [{cols}] (got {list(exact.shape)})")
    with np.errstate(over="ignore"):
        single = exact.astype(np.float32)
    if not np.isfinite(single).all() or (least is not None and (exact < least).any()):
        raise InputError(f"{name}: must be finite in float32" + ("" if least is None else f" and at least {least}"))
    return aligned(np.pad(np.broadcast_to(single, cols), (0, -cols % PANEL)))


def _check_levels(name: str, levels: Levels) -> None:
    if not -LEVEL_MAX <= levels.low < levels.high <= LEVEL_MAX:
        raise InputError(
            f"{name}: low must be below high, magnitudes up to {LEVEL_MAX} (got {levels.low}..{levels.high})"
        )
    if levels.rounding not in ("half_even", "floor"):
        raise InputError(f"{name}.rounding: must be half_even or floor (got {levels.rounding})")
    step = np.asarray(levels.step, dtype=np.float64)
    if not (np.isfinite(step).all() and (step > 0).all()):
        raise InputError(f"{name}.step: must be positive (got {step.min()})")


def _driver(levels: Levels) -> LevelRange:
    _check_levels("drivers", levels)
    return _range("drivers", levels, 1.0, 0.0, 1)


def _column_range(converters: Converters, cols: int) -> LevelRange:
    _check_levels("converters.levels", converters.levels)
    return _range("converters", converters.levels, converters.gain, converters.offset, cols)


def _range(name: str, levels: Levels, gain: ArrayLike, offset: ArrayLike, cols: int) -> LevelRange:
    parts = (levels.step, levels.origin, gain, offset)
    labels = ("step", "origin", "gain", "offset")
    for label, values in zip(labels, parts, strict=True):
        _padded(f"{name}.{label}", values, cols)
    step, origin, factor, error = (np.asarray(values, dtype=np.float64) for values in parts)
    return LevelRange(
        low=levels.low,
        high=levels.high,
        floors=levels.rounding == "floor",
        gain=_padded(f"{name}: gain / step", factor / step, cols),
        shift=_padded(f"{name}: (offset - origin) / step", (error - origin) / step, cols),
        step=_padded(f"{name}.step", step, cols),
        origin=_padded(f"{name}.origin", origin, cols),
    )


def _phases(
    planes: Sequence[tuple[int, int, int, int]], weights: Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the planes with a channel in place of the sign, and the weights."""
    table = np.array(planes, dtype=np.int64)
    if table.ndim != 2 or table.shape[1] != 4 or not np.array_equal(np.unique(table[:, 0]), np.arange(len(weights))):
        raise InputError(f"planes: must name every one of {len(weights)} phases as (phase, sign, bit, scale)")
    if (np.diff(table[:, 0]) < 0).any():
        raise InputError("planes: must be ordered by phase")
    if not np.isin(table[:, 1], (1, -1)).all() or not np.isin(table[:, 2], range(16)).all():
        raise InputError("planes: signs are 1 or -1, bits 0 to 15")
    if np.abs(table[:, 3]).max() > SUM_MAX or max(map(abs, weights)) > INT32_MAX:
        raise InputError("planes, weights: must fit 24 and 32 bits")
    table[:, 1] = table[:, 1] < 0
    return table.astype(np.int32), np.array(weights, dtype=np.int32)


def _per_cell(values: ArrayLike, factors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.broadcast_to(np.asarray(values, dtype=np.float64), factors.size).reshape(factors.shape)


def _constants(constants: ArrayLike, of_cells: NDArray[np.float64]) -> NDArray[np.float64]:
    exact = np.asarray(constants, dtype=np.float64)
    if exact.shape not in ((), of_cells.shape[1:]) or not np.isfinite(exact).all():
        raise InputError(f"constants: must be finite, a number or [{of_cells.shape[1]}] (got {list(exact.shape)})")
    return np.ascontiguousarray(exact + of_cells.sum(axis=0))


def _most_driven(planes: NDArray[np.int32]) -> int:
    """Return the most that a row can be driven with in any phase."""
    drives = np.zeros((planes[:, 0].max() + 1, 2), dtype=np.int64)
    np.add.at(drives, (planes[:, 0], planes[:, 1]), np.abs(planes[:, 3].astype(np.int64)))
    return int(drives.max())


def _check_sums(cells: NDArray[Any], planes: NDArray[np.int32], weights: NDArray[np.int32], levels: Levels) -> None:
    most = _most_driven(planes)
    if cells.dtype != np.float32:
        span = int(cells.max(initial=0)) - min(int(cells.min(initial=0)), 0)
        if len(cells) * span * most > SUM_MAX:
            raise InputError(
                f"cells: {len(cells)} rows of up to {span} driven with up to {most} pass 2^24; levers: fewer rows, "
                "cell bits or input bits per phase"
            )
    _check_levels("converters.levels", levels)
    total = max(-levels.low, levels.high) * int(np.abs(weights.astype(np.int64)).sum())
    if total > INT32_MAX:
        raise InputError(
            f"weights: codes times phase weights add up to {total}, beyond 31 bits; levers: fewer converter "
            "or input bits"
        )
