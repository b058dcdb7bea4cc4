"""Vectors as what the row drivers apply, read after read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.array.spec import InputSpec

Floats = NDArray[np.float64]

UNBOUNDED = 1e30  # outputs of converters without an end
LEAST_SCALE = 1e-30  # vectors of smaller inputs are taken as they are, and so drive nothing


@dataclass(frozen=True, slots=True)
class Driven:
    """What the rows are driven with.

    Attributes
    ----------
    phases : float64 [B, F, K]    Voltages of every read, in parts of the read voltage.
    weights : float64 [F]         What the currents of a read count; weighted, they add up to the product.
    sums : float64 [B]            Sum of the inputs over the rows, in input scales.
    clipped : int64 [B]           Inputs beyond the largest level.
    """

    phases: Floats
    weights: Floats
    sums: Floats
    clipped: NDArray[np.int64]


def input_scales(x: Floats, inputs: InputSpec, bound: float) -> Floats:
    """Return the input scale of every vector of `x` [B, K] for outputs within `bound`: float64 [B], 1 where a vector
    gives none.
    """
    if inputs.range == "fixed":
        return np.full(len(x), inputs.scale)
    if inputs.range == "percentile":
        scales = _percentiles(x, inputs.percentile)
    elif inputs.range == "no_clip":
        scales = no_clip_scales(x, inputs, bound)
    else:
        scales = (np.abs(x) if inputs.range == "abs_max" else x).max(axis=1)
        if inputs.scale:
            scales = np.minimum(scales, inputs.scale)
    return np.where(scales > LEAST_SCALE, scales, 1.0)


def driven_vectors(x: Floats, inputs: InputSpec) -> Floats:
    """Return the vectors [B, K] that reach the rows: all zeros in place of one that `positive_max` leaves out."""
    if inputs.range != "positive_max":
        return x
    return np.where((x > 0.0).any(axis=1, keepdims=True), x, 0.0)


def _percentiles(x: Floats, percentile: float) -> Floats:
    """Return the range of every vector: that many times its largest magnitude; below 1, its quantile at either end."""
    if percentile >= 1.0:
        scales: Floats = np.abs(x).max(axis=1) * percentile
        return scales
    quantiles: Floats = np.abs(np.quantile(x, (percentile, 1.0 - percentile), axis=1)).max(axis=0)
    return quantiles


def no_clip_scales(x: Floats, inputs: InputSpec, bound: float) -> Floats:
    """Return input scales [B] at which no output can pass `bound` (1 where there is none), for weights of 0.6 at most.

    Source: aihwkit 1.2.0, noise management AbsMaxNPSum with its default weight of 0.6.
    """
    largest: Floats = np.abs(x).max(axis=1)
    if inputs.range != "fixed" and inputs.scale:
        largest = np.minimum(largest, inputs.scale)
    sums = np.maximum(np.maximum(x, 0).sum(axis=1), np.maximum(-x, 0).sum(axis=1))
    scales = sums * 0.6 / (bound if bound < UNBOUNDED else 1.0)
    if inputs.step:
        scales = np.minimum(largest / inputs.step * inputs.coarsest_step, scales)
    safe: Floats = np.maximum(largest, scales)
    return safe


def drive(scaled: NDArray[Any], inputs: InputSpec, noise: Floats | None = None) -> Driven:
    """Return what the rows get for vectors [B, K] in units of their input scales.

    Levels are found in the precision of `scaled`. `noise`, float64 [B, K], is added to them.
    """
    found, clipped = _levels(scaled, inputs)
    level = found.astype(np.float64)
    if noise is not None:
        level = level + noise
    if inputs.asymmetry:
        level = np.where(level < 0, level * (1.0 - inputs.asymmetry), level)
    sums = level.sum(axis=1)
    if inputs.encoding == "bit_serial":
        phases, weights = _digits(level, inputs)
    elif inputs.sign == "two_phase":
        phases = np.stack([np.maximum(level, 0), np.minimum(level, 0)], axis=1)
        weights = np.ones(2)
    else:
        phases, weights = level[:, np.newaxis], np.ones(1)
    return Driven(phases, weights, sums, clipped)


def _levels(scaled: NDArray[Any], inputs: InputSpec) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the levels next to the inputs (half-way ones to the even one) and how many inputs of a vector clip."""
    low, high = _limits(inputs)
    clipped = ((scaled > high) | (scaled < low)).sum(axis=1)
    if inputs.step:
        return np.clip(np.rint(scaled / inputs.step) * inputs.step, low, high), clipped
    inside = np.clip(scaled, low, high)
    if inputs.bits:
        steps = 1.0 / level_step(inputs)
        inside = np.rint((inside - low) * steps) / steps + low
    return inside, clipped


def _limits(inputs: InputSpec) -> tuple[float, float]:
    if inputs.bits:
        return (-1.0 if inputs.is_signed else 0.0), 1.0
    return (-inputs.limit if inputs.is_signed else 0.0), inputs.limit


def level_step(inputs: InputSpec) -> float:
    """Return the distance between two levels of `bits`, in input scales."""
    if inputs.sign == "offset":
        return 2.0 / ((1 << inputs.bits) - 1)
    return 1.0 / ((1 << inputs.magnitude_bits) - 1)


def _digits(level: Floats, inputs: InputSpec) -> tuple[Floats, Floats]:
    """Return the digits of the levels, in parts of the largest digit, and what each read counts.

    Digits of fewer bits than the rest, at the top, are driven with the same voltage per unit.
    """
    bits, width = inputs.magnitude_bits, inputs.bits_per_phase
    largest, most = (1 << bits) - 1, (1 << width) - 1
    count = np.rint(level * largest).astype(np.int64)
    shifts = range(0, bits, width)
    weights = [(1 << shift) * most / largest for shift in shifts]
    if inputs.sign == "twos_complement":
        phases = [(count >> shift & most) / most for shift in range(0, bits, width)]
        top = bits - shifts[-1]
        phases[-1] = (count >> shifts[-1] & (1 << top) - 1) / most
        phases.append((count < 0).astype(np.float64))
        weights.append(-(1 << bits) / largest)
        return np.stack(phases, axis=1), np.array(weights)
    phases = [(np.abs(count) >> shift & most) * np.sign(count) / most for shift in shifts]
    if inputs.sign == "two_phase":
        phases = [np.maximum(phase, 0) for phase in phases] + [np.minimum(phase, 0) for phase in phases]
        weights = weights * 2
    return np.stack(phases, axis=1), np.array(weights)
