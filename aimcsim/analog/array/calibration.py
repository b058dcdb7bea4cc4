"""Converter ranges from what sample inputs make converters see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from aimcsim.analog.array.converter_spec import RangeSpec
from aimcsim.analog.array.matrix import program
from aimcsim.analog.array.spec import AnalogSpec
from aimcsim.analog.draws import Draws
from aimcsim.errors import InputError


def calibrated(
    spec: AnalogSpec, weights: ArrayLike, samples: ArrayLike, seed: int | Draws = 0, quantile: float = 1.0
) -> AnalogSpec:
    """Return `spec` with fixed converter ranges, one for every slice, that fit what `samples` make of `weights`.

    Parameters
    ----------
    weights : [K, N]
    samples : [B, K]       Vectors such as will come.
    seed : int or Draws    Of the arrays that are read; those of `program`, for ranges of the same arrays.
    quantile : float       Part of the currents that a range covers; 1 for all of them, less for finer levels and some
                           clipping. Ranges are symmetric where currents of both signs occur, else they begin at 0.

    Raises
    ------
    InputError    As `program` and `AnalogMatrix.mvm`, without samples, or if `quantile` is not in (0, 1].
    """
    if not isinstance(quantile, int | float) or not 0.0 < quantile <= 1.0:
        raise InputError(f"quantile: must be above 0 and at most 1 (got {quantile!r})")
    open_ranges = replace(spec.converter, kind="ideal", step=0.0, range=RangeSpec())
    seen = program(weights, replace(spec, converter=open_ranges), seed).mvm(samples, codes=True).seen
    if not seen or not next(iter(seen.values())).size:
        raise InputError("samples: must have at least one row")
    bounds = []
    for index in range(spec.cells.slices):
        currents = np.concatenate([array[:, :, index].ravel() for array in seen.values()])
        high = float(np.quantile(np.abs(currents), quantile)) or 1.0
        bounds.append((-high if (currents < 0).any() else 0.0, high))
    return replace(spec, converter=replace(spec.converter, range=RangeSpec(kind="fixed", bounds=tuple(bounds))))
