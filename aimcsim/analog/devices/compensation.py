"""Drift compensation: what a chip multiplies its outputs by, found by reading known inputs again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import InputError

Reals = NDArray[np.float64]
Compensate = Literal["none", "global", "column"]
"""What is done about drift: nothing, a factor for each array, or one for each of its columns."""
CALIBRATION_VECTORS = 64
"""Known vectors that an array multiplies to find what to multiply its outputs by."""


@dataclass(frozen=True, slots=True)
class Compensation:
    """What to multiply outputs by, and what finding it out costs.

    Attributes
    ----------
    factor : float64 [outputs]    The same number everywhere for a global compensation.
    reads : int                   Products that the array had to compute: one for each calibration input.
    """

    factor: Reals
    reads: int


def compensate_globally(reference: Reals, now: Reals) -> Compensation:
    """Return one factor for all outputs: the mean magnitude of outputs then over that now.

    Parameters
    ----------
    reference, now : float64 [inputs, outputs]    Outputs for the same calibration inputs, right after programming and
                                                  now. Inputs of one driven row each read all of the matrix.

    Raises
    ------
    InputError    If shapes differ or nothing is read now.

    Source: V. Joshi et al., Nature Communications 11, 2473, 2020, global drift compensation.
    """
    _check(reference, now)
    factor = _ratio(np.abs(reference).mean(keepdims=True), np.abs(now).mean(keepdims=True))
    return Compensation(np.repeat(factor.ravel(), now.shape[1]), len(now))


def compensate_columns(reference: Reals, now: Reals) -> Compensation:
    """Return a factor for each output; parameters as `compensate_globally`. A column that was 0 keeps the factor 1."""
    _check(reference, now)
    return Compensation(_ratio(np.abs(reference).mean(axis=0), np.abs(now).mean(axis=0)), len(now))


def _check(reference: Reals, now: Reals) -> None:
    if reference.shape != now.shape or reference.ndim != 2 or reference.size == 0:
        raise InputError(
            f"reference and now must be [inputs, outputs] of one shape (got {reference.shape}, {now.shape})"
        )


def _ratio(reference: Reals, now: Reals) -> Reals:
    if np.any((now == 0.0) & (reference != 0.0)):
        raise InputError("now: nothing is left to compensate, every output of some column is 0")
    return np.divide(reference, now, out=np.ones_like(now), where=now != 0.0)
