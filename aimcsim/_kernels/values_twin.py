"""What the kernels of analog values compute, written for reading: the twin of `_values.pyx`.

It runs in place of the extension only under ``AIMCSIM_NO_EXT=1``, and in the tests, which demand the same bits of both.
All of it is float32 unless it says otherwise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aimcsim._kernels.packing import unpack_digits, unpack_weights
from aimcsim._kernels.value_parts import (
    Conversions,
    Floats,
    LevelRange,
    ProductParts,
    SliceParts,
    as_companion,
    as_vectors,
    odd_vector,
)
from aimcsim.errors import InputError

ROUND_AT = np.float32(1.5 * 2**23)  # the last bit of a float32 counts 1 there, on either side


def levels_of(values: Floats, levels: LevelRange, cols: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the levels of `values` [..., cols] (or, for row drivers, of cols 1), and which of them clip."""
    low, high = np.float32(levels.low), np.float32(levels.high)
    exact = values * levels.gain[:cols] + levels.shift[:cols]
    exact = np.where(exact > low - 1, exact, low - 1)
    exact = np.where(exact < high + 1, exact, high + 1)
    level = (exact + ROUND_AT) - ROUND_AT
    if levels.floors:
        level = level - (level > exact).astype(np.float32)
    clipped = (level < low) | (level > high)
    level = np.where(level > low, level, low)
    return np.where(level < high, level, high), clipped


def scaled(x: Floats, scale: Floats | None, rows: int) -> tuple[Floats, Floats | None]:
    """Return ``x / scale`` [B, rows] and the scales.

    Raises
    ------
    InputError    If something is not finite or a scale not positive, for the first vector that is so.
    """
    x = as_vectors("x", x, rows)
    if scale is not None:
        scale = as_companion("scale", scale, (len(x),), np.float32)
        with np.errstate(all="ignore"):
            inside = x / scale[:, np.newaxis]
            fine = np.isfinite(inside).all(axis=1) & (scale > 0) & np.isfinite(scale)
    else:
        inside = x
        fine = np.isfinite(x).all(axis=1)
    if not fine.all():
        raise odd_vector(x, scale, int(np.argmin(fine)))
    return inside, scale


def abs_max_scales(x: Floats, least: float, cap: float, most: float) -> Floats | None:
    """See `values.abs_max_scales`."""
    largest: Floats = np.abs(as_vectors("x", x, x.shape[1])).max(axis=1, initial=np.float32(0))
    fits = largest <= np.float32(most)
    scale = np.minimum(largest, np.float32(cap))
    return np.where(scale <= np.float32(least), np.float32(1), scale) if fits.all() else None


def product_of(drive: Floats, packed: Floats, cols: int) -> Floats:
    """Return ``sum over k of drive[b, k] * weights[k, n]``, k ascending."""
    weights = unpack_weights(packed, cols)[0]
    sums = np.zeros((len(drive), cols), dtype=np.float32)
    for k in range(len(weights)):
        sums += drive[:, k, np.newaxis] * weights[k]
    return sums


class ConvertedProduct:
    """See `values.converted_product`."""

    def __init__(self, parts: ProductParts) -> None:
        self.parts = parts

    def outputs(self, x: Floats, scale: Floats | None = None, normal: NDArray[np.float64] | None = None) -> Floats:
        """See `values.Product`."""
        return self._compute(x, scale, normal)[0]

    def conversions(
        self, x: Floats, scale: Floats | None = None, normal: NDArray[np.float64] | None = None
    ) -> Conversions:
        """See `values.Product`."""
        outputs, level, beyond = self._compute(x, scale, normal)
        if level is None or beyond is None:
            raise InputError("conversions: a product without converters has no codes")
        return Conversions(outputs, level.astype(np.int32), beyond.sum(axis=1, dtype=np.int32))

    def _compute(
        self, x: Floats, scale: Floats | None, normal: NDArray[np.float64] | None
    ) -> tuple[Floats, Floats | None, NDArray[np.bool_] | None]:
        parts = self.parts
        drive, scale = scaled(x, scale, parts.rows)
        if parts.driver is not None:
            drive = levels_of(drive, parts.driver, 1)[0] * parts.driver.step[0] + parts.driver.origin[0]
        level = beyond = None
        with np.errstate(over="ignore", invalid="ignore"):
            sums = product_of(drive, parts.weights, parts.cols) + self._noise(drive, normal)
            if parts.converter is not None:
                level, beyond = levels_of(sums, parts.converter, parts.cols)
                sums = level * parts.converter.step[: parts.cols] + parts.converter.origin[: parts.cols]
            return sums if scale is None else sums * scale[:, np.newaxis], level, beyond

    def _noise(self, drive: Floats, normal: NDArray[np.float64] | None) -> Floats:
        parts = self.parts
        if parts.variance is None:
            if normal is not None:
                raise InputError("normal: this product has no noise")
            return np.zeros((), dtype=np.float32)
        normal = as_companion("normal", normal, (len(drive), parts.cols), np.float64)
        variance = product_of(drive * drive, parts.variance, parts.cols)
        noise: Floats = np.sqrt(variance + parts.floor[: parts.cols]) * normal.astype(np.float32)
        return noise


class SlicedProduct:
    """See `values.sliced_product`."""

    def __init__(self, parts: SliceParts) -> None:
        self.parts = parts

    def outputs(self, x: Floats, scale: Floats | None = None, normal: NDArray[np.float64] | None = None) -> Floats:
        """See `values.Product`."""
        return self.conversions(x, scale, normal).outputs

    def conversions(
        self, x: Floats, scale: Floats | None = None, normal: NDArray[np.float64] | None = None
    ) -> Conversions:
        """See `values.Product`."""
        parts = self.parts
        if normal is not None:
            raise InputError("normal: this product has no noise")
        inside, scale = scaled(x, scale, parts.rows)
        drives = self._drives(levels_of(inside, parts.driver, 1)[0].astype(np.int64))
        with np.errstate(over="ignore", invalid="ignore"):
            level, beyond = levels_of(self._sums(drives), parts.converter, parts.cells * parts.outputs)
        codes = level.astype(np.int32)
        columns = (codes * parts.weights[:, np.newaxis]).sum(axis=1, dtype=np.int64)
        total = np.tile(parts.constants, (len(codes), 1))
        for cell, factor in enumerate(parts.factors):
            total += factor * columns[:, cell * parts.outputs : (cell + 1) * parts.outputs]
        outputs = total.astype(np.float32)
        clipped = beyond.sum(axis=(1, 2), dtype=np.int32)
        return Conversions(outputs if scale is None else outputs * scale[:, np.newaxis], codes, clipped)

    def _drives(self, level: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what drives every row in every phase: int64 [B, phases, K]."""
        channels = (np.maximum(level, 0), np.maximum(-level, 0))
        drives = np.zeros((len(level), len(self.parts.weights), level.shape[1]), dtype=np.int64)
        for phase, channel, bit, scale in self.parts.planes.tolist():
            drives[:, phase] += (channels[channel] >> bit & 1) * scale
        return drives

    def _sums(self, drives: NDArray[np.int64]) -> Floats:
        """Return the sum of every column in every phase, [B, phases, columns]."""
        parts = self.parts
        cols = parts.cells * parts.outputs
        if parts.state is None:
            assert parts.digits is not None  # dots are for instruction sets
            values = unpack_digits(parts.digits, cols).astype(np.int64) - parts.bias
            return (drives @ values).astype(np.float32)
        by_phase = drives.astype(np.float32).reshape(-1, parts.rows)
        return product_of(by_phase, parts.state, cols).reshape(*drives.shape[:2], cols)
