"""Weights as target conductances, and what undoes the encoding once columns are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.array.spec import CellSpec

Floats = NDArray[np.float64]

LEAST_WEIGHT = 1e-30  # matrices of smaller weights are taken as they are, and so conduct nothing


@dataclass(frozen=True, slots=True)
class Encoded:
    """The cells of one array per slice, K rows by M columns: `extra_columns` of no weight, then one per output.

    With ``y = (column - least * sum of inputs) / span`` (the lines of a pair subtracted; for a flipped column the sum
    of the inputs minus that), an output is ``sum over slices of factors * y - offset * (sum of inputs)``.

    Attributes
    ----------
    targets : float64 [slices, lines, K, M]    Conductances in parts of the largest; line 0 counts positive, 1 negative.
    factors : float64 [slices]
    offset : float                             Weight that a cell of least conductance stands for, negated.
    least, span : float                        Conductance of digit 0, and between it and the largest digit.
    unit : float                               Digit of the unit column, as a part of the largest.
    flipped : bool [slices, N]
    """

    targets: Floats
    factors: Floats
    offset: float
    least: float
    span: float
    unit: float
    flipped: NDArray[np.bool_]


def weight_scales(weights: Floats, cells: CellSpec) -> Floats:
    """Return what a stored weight of 1 is worth, float64 [N], for the weights [K, N]; never 0."""
    if cells.weight_range is not None:
        scales = np.full(weights.shape[1], cells.weight_range[1])
    elif cells.weight_scale == "column":
        scales = np.array([_largest(column, cells.weight_percentile) for column in weights.T])
    else:
        scales = np.full(weights.shape[1], _largest(weights, cells.weight_percentile))
    return np.where(scales < LEAST_WEIGHT, 1.0, scales)


def _largest(values: Floats, percentile: float) -> float:
    if percentile >= 1.0:
        return float(np.abs(values).max() * percentile)
    return float(max(np.abs(np.quantile(values, (percentile, 1.0 - percentile)))))


def stored_weights(weights: Floats, scales: Floats, cells: CellSpec) -> Floats:
    """Return the weights [K, N] in units of `scales`, those beyond the range cut off unless the spec extends it."""
    if cells.beyond == "extend":
        return weights / scales
    if cells.weight_range is not None:
        return np.clip(weights, *cells.weight_range) / scales
    return np.clip(weights / scales, -1.0, 1.0)


def encode(stored: Floats, cells: CellSpec) -> Encoded:
    """Return the cells for weights [K, N] in units of their scale."""
    if cells.weight_bits:
        return _encode_digits(stored, cells)
    least, span = _conductance_range(cells)
    if cells.pairing == "offset":
        parts = stored[np.newaxis, np.newaxis] / 2 + 0.5
    elif cells.pairing == "two_sided":
        parts = np.stack([1 + stored, 1 - stored])[np.newaxis] / 2
    else:
        parts = np.stack([np.maximum(stored, 0), np.maximum(-stored, 0)])[np.newaxis]
    unit = 1.0 if cells.offset_removal == "unit_column" else 0.5
    targets = _rounded(least + span * _with_extra(parts, cells, np.array([unit])), cells)
    offset = float(cells.pairing == "offset")
    flipped = np.zeros((1, stored.shape[1]), dtype=np.bool_)
    return Encoded(targets, np.array([1.0 + offset]), offset, least, span, unit, flipped)


def _conductance_range(cells: CellSpec) -> tuple[float, float]:
    """Return the least conductance in use and the span above it.

    Offset cells of finitely many levels leave the lowest one out, so that weight zero is a level.
    """
    span = 1.0 - cells.least_conductance
    if cells.pairing == "offset" and cells.cell_bits:
        levels = 1 << cells.cell_bits
        span *= (levels - 2) / (levels - 1)
    return 1.0 - span, span


def _encode_digits(stored: Floats, cells: CellSpec) -> Encoded:
    """Return the cells of integer weights: their digits, least significant slice first."""
    largest = (1 << cells.weight_bits - 1) - 1
    level = np.rint(stored * largest).astype(np.int64)
    lines = (
        np.stack([np.maximum(level, 0), np.maximum(-level, 0)]) if cells.is_pair else level[np.newaxis] + largest + 1
    )
    base = 1 << cells.digit_bits
    last = cells.slices - 1
    digits = np.stack(
        [(lines >> cells.digit_bits * index) % (base if index < last else 1 << 62) for index in range(cells.slices)]
    )
    flipped = np.zeros((cells.slices, stored.shape[1]), dtype=np.bool_)
    if cells.flip:
        flipped = 2 * digits[:, 0].sum(axis=1) > len(stored) * (base - 1)
        digits = np.where(flipped[:, np.newaxis, np.newaxis], base - 1 - digits, digits)
    least, span = cells.least_conductance, 1.0 - cells.least_conductance
    unit = 1.0 / (base - 1)
    parts = _with_extra(digits * unit, cells, _extra_digits(cells) * unit)
    factors = np.array([(1 << cells.digit_bits * index) * (base - 1) / largest for index in range(cells.slices)])
    offset = 0.0 if cells.is_pair else (largest + 1) / largest
    return Encoded(_rounded(least + span * parts, cells), factors, offset, least, span, unit, flipped)


def _extra_digits(cells: CellSpec) -> Floats:
    """Return the digit of the extra column in every slice."""
    if cells.offset_removal == "unit_column":
        return np.ones(cells.slices)
    zero = 1 << cells.weight_bits - 1
    base = 1 << cells.digit_bits
    return np.array([float(zero >> cells.digit_bits * index) % base for index in range(cells.slices)])


def _with_extra(parts: Floats, cells: CellSpec, extra: Floats) -> Floats:
    """Return [slices, lines, K, N] with the extra column, of one value per slice, in front if there is one."""
    if not cells.extra_columns:
        return parts
    column = np.broadcast_to(extra[:, np.newaxis, np.newaxis, np.newaxis], (*parts.shape[:3], 1))
    return np.concatenate([column, parts], axis=3)


def _rounded(conductances: Floats, cells: CellSpec) -> Floats:
    """Return the nearest conductances that cells can be programmed to; half-way ones to the even level."""
    if not cells.cell_bits:
        return conductances
    least = cells.least_conductance
    step = (1.0 - least) / ((1 << cells.cell_bits) - 1)
    levels: Floats = np.rint((np.clip(conductances, least, 1.0) - least) / step) * step + least
    return levels
