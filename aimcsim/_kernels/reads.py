"""The checked doors to the kernels: `mvm_f32` and `ColumnRead`.

Callers meet shapes, bounds and overflow here, once; the kernels behind trust them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aimcsim._kernels import dispatch
from aimcsim._kernels.packing import FLOAT_PANEL, pack_digits
from aimcsim.errors import ConfigError

INT32_MAX: Final = 2**31 - 1
INT64_MAX: Final = 2**63 - 1
ROWS_MAX: Final = 2**16 - 1  # the kernels number rows in 16 bits
LEVEL_BITS_MAX: Final = 16  # and hold input levels in as many


def mvm_f32(x: NDArray[np.float32], w: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write ``out[b, g, n] = sum over k of x[b, g, k] * w[g, k, n]``: one accumulator per output, k ascending.

    Each step multiplies and then adds, both rounded to float32, so the result depends on nothing but the numbers.

    Parameters
    ----------
    x : float32 [B, G, K]       Last axis contiguous, the others with any stride.
    w : float32                 From `pack_weights`.
    out : float32 [B, G, N]     Contiguous; overwritten.

    Raises
    ------
    ValueError    If shapes, types or layouts do not fit.
    """
    batch, groups, cols = out.shape
    rows = w.shape[2]
    if rows == 0 or x.shape != (batch, groups, rows) or w.shape != (groups, -(-cols // FLOAT_PANEL), rows, FLOAT_PANEL):
        raise ValueError(f"shapes do not fit: x {x.shape}, packed w {w.shape}, out {out.shape}")
    if any(array.dtype != np.float32 for array in (x, w, out)):
        raise ValueError("x, w and out must be float32")
    if x.size and x.strides[2] != x.itemsize:
        x = np.ascontiguousarray(x)
    dispatch.active().mvm_f32(x, w, out)


@dataclass(frozen=True, slots=True)
class Converter:
    """An analog-to-digital converter as integers: ``code = clamp(floor((sum + step // 2) / step), low, high)``.

    `step` counts unit-cell steps (one unit of input level times one unit of cell digit) per code.
    """

    step: int
    low: int
    high: int


class ColumnRead:
    """One array's digits, made ready to be read with input levels.

    In each phase every column gives the sum of (driven level times digit) over its rows. The converter turns it into a
    code; ``code * step * weight of the phase`` goes into the column's accumulator; at the end each output is the sum of
    its cells' accumulators times their factors. All of it in integers.

    Parameters
    ----------
    digits : uint8 [K, cells * N]   One physical column per cell of an output, cell-major: column ``cell * N + n``.
    planes : int32 [P, 4]           (phase, channel, bit, scale), phases ascending from 0, none left out: rows whose
                                    level in `channel` has `bit` set are driven with `scale`, of either sign.
    weights : sequence of int       Weight of each phase in the accumulator.
    factors : int64 [cells, N]      Weight of each cell in its output.

    Raises
    ------
    ConfigError   If sums could overflow: a column sum plus one step must stay below 2^31, an output below 2^63. A
                  column's accumulator is 32 bits wide where ``largest |code| * step * sum of |weights|`` fits, else 64.
    ValueError    If shapes or ranges do not fit.
    """

    __slots__ = ("_channels", "_converter", "_digit_max", "_digits", "_factors", "_gains", "_planes", "_wide")

    def __init__(
        self,
        digits: NDArray[np.uint8],
        planes: NDArray[np.int32],
        weights: tuple[int, ...],
        converter: Converter,
        factors: NDArray[np.int64],
    ) -> None:
        _check_shapes(digits, planes, weights, factors)
        self._digit_max = max(1, int(digits.max(initial=0)))
        self._wide = _needs_wide_accumulator(digits, planes, weights, converter, factors)
        self._digits = pack_digits(digits)
        self._planes = np.ascontiguousarray(planes, dtype=np.int32)
        self._gains = np.array([weight * converter.step for weight in weights], dtype=np.int64)
        self._factors = np.ascontiguousarray(factors, dtype=np.int64)
        self._channels = int(planes[:, 1].max()) + 1
        self._converter = converter

    @property
    def wide(self) -> bool:
        """Whether accumulators take 64 bits."""
        return self._wide

    def empty_codes(self, batch: int) -> NDArray[np.int32]:
        """Return room for every converter code of `batch` reads: int32 [batch, phases, cells * N]."""
        return np.empty((batch, len(self._gains), self._factors.size), dtype=np.int32)

    def read(self, levels: NDArray[np.uint16], codes: NDArray[np.int32] | None = None) -> NDArray[np.int64]:
        """Return the outputs [B, N] for `levels` [B, channels, K]; write every code into `codes` if given.

        Raises
        ------
        ValueError    If shapes do not fit.
        """
        batch, channels, rows = levels.shape
        if rows != self._digits.shape[1] or channels < self._channels:
            raise ValueError(f"levels {levels.shape} do not fit an array of {self._digits.shape[1]} rows")
        if codes is not None and codes.shape != (batch, len(self._gains), self._factors.size):
            raise ValueError(f"codes {codes.shape} do not fit {batch} reads")
        out = np.empty((batch, self._factors.shape[1]), dtype=np.int64)
        adc = self._converter
        dispatch.active().read_columns(
            np.ascontiguousarray(levels, dtype=np.uint16),
            self._digits,
            self._planes,
            self._gains,
            self._factors,
            (adc.step, adc.low, adc.high),
            self._digit_max,
            self._wide,
            out,
            codes,
        )
        return out


def _check_shapes(
    digits: NDArray[np.uint8], planes: NDArray[np.int32], weights: tuple[int, ...], factors: NDArray[np.int64]
) -> None:
    if digits.shape[1] != factors.size or not 0 < digits.shape[0] <= ROWS_MAX or factors.size == 0:
        raise ValueError(f"digits {digits.shape} do not fit factors {factors.shape}; 1 to {ROWS_MAX} rows")
    if planes.ndim != 2 or planes.shape[1] != 4 or not np.array_equal(np.unique(planes[:, 0]), range(len(weights))):
        raise ValueError("planes must name every phase")
    if np.any(np.diff(planes[:, 0]) < 0):
        raise ValueError("planes must be ordered by phase")
    if planes[:, 1].min() < 0 or planes[:, 2].min() < 0 or planes[:, 2].max() >= LEVEL_BITS_MAX:
        raise ValueError("planes name a channel or bit that does not exist")


def _needs_wide_accumulator(
    digits: NDArray[np.uint8],
    planes: NDArray[np.int32],
    weights: tuple[int, ...],
    converter: Converter,
    factors: NDArray[np.int64],
) -> bool:
    """Return whether a column's accumulator can pass 31 bits; refuse what cannot be held at all."""
    per_digit = max(int(np.abs(planes[planes[:, 0] == phase, 3]).sum()) for phase in range(len(weights)))
    largest_sum = int(digits.sum(axis=0, dtype=np.int64).max()) * per_digit
    if largest_sum + converter.step > INT32_MAX:
        raise ConfigError(
            f"a column sum of {largest_sum} plus one converter step of {converter.step} does not fit 31 bits; "
            "levers: fewer rows, cell bits or input bits per phase, a smaller step"
        )
    # Rounding moves a sum by less than one step away from zero; beyond its range the converter saturates.
    code = min(max(-converter.low, converter.high), largest_sum // converter.step + 1)
    accumulator = code * converter.step * sum(map(abs, weights))
    output = accumulator * int(np.abs(factors).sum(axis=0).max())
    if output > INT64_MAX:
        raise ConfigError(f"an output of up to {output} does not fit 63 bits; levers: fewer weight or input bits")
    return accumulator > INT32_MAX
