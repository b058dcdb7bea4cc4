"""Real numbers as signed integers and one scale: inputs per vector, weights per output column.

Symmetric, by the largest magnitude, rounded half to even; computed in float64, element by element, so no value depends
on what else stands in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.array.inputs import input_scales
from aimcsim.analog.array.spec import InputSpec
from aimcsim.errors import ConfigError, SimulationError


@dataclass(frozen=True, slots=True)
class Quantized:
    """``value ~ level * scale``; `scale` keeps the reduced axis with length 1. All-zero groups have scale 0."""

    level: NDArray[np.int64]
    scale: NDArray[np.float64]


def _quantize(values: NDArray[np.float32], largest_level: int, axis: int | tuple[int, ...]) -> Quantized:
    exact = values.astype(np.float64)
    scale = np.abs(exact).max(axis=axis, keepdims=True, initial=0.0) / largest_level
    level = np.rint(exact / np.where(scale == 0, 1.0, scale))
    return Quantized(level.astype(np.int64), scale)


def quantize_inputs(x: NDArray[np.float32], largest_level: int, inputs: InputSpec | None = None) -> Quantized:
    """Return the vectors `x` [B, length] as integers.

    Parameters
    ----------
    inputs : InputSpec or None    What the largest level stands for, larger inputs being clipped; None: the largest
                                  magnitude of every vector.

    Raises
    ------
    SimulationError    If a value is not finite: such a vector has no scale.
    """
    if not np.isfinite(x).all():
        raise SimulationError("an input vector holds NaN or infinity, which no row driver can apply")
    if inputs is None:
        return _quantize(x, largest_level, axis=1)
    exact = x.astype(np.float64)
    scale = input_scales(exact, inputs, np.inf)[:, np.newaxis] / largest_level
    level = np.clip(np.rint(exact / scale), -largest_level, largest_level)
    return Quantized(level.astype(np.int64), scale)


def quantize_weights(weight: NDArray[np.float32], largest_level: int) -> Quantized:
    """Return `weight` [groups, K, N] as integers, each output column by its own largest magnitude.

    Raises
    ------
    ConfigError    If a weight is not finite.
    """
    return _quantize(_finite(weight), largest_level, axis=1)


def quantize_tensor(weight: NDArray[np.float32], largest_level: int) -> Quantized:
    """Return `weight` [groups, K, N] as integers by the largest magnitude of all; else as `quantize_weights`."""
    return _quantize(_finite(weight), largest_level, axis=(0, 1, 2))


def _finite(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(weight).all():
        raise ConfigError("a weight is NaN or infinite")
    return weight
