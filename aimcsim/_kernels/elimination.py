"""The checked door to the elimination kernel: effective conductances of an array whose lines have resistance."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from aimcsim._kernels import dispatch, wires_twin

EXTENSION = "aimcsim._kernels._wires"


def eliminate(g: NDArray[np.float64], *, head: float, pitch: float, below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the effective conductances [inputs, outputs] of the cells `g` [inputs, outputs], siemens.

    Entry (i, j) is the current into the ground at the end of output line j per volt at the source of input line i. The
    bits are the same on every instruction set. The work is inputs * outputs^2 * (outputs + inputs) / 2 multiplications.

    Parameters
    ----------
    head, pitch : float    Input line from its source to the first cell and from cell to cell, ohm.
    below : [inputs]       Output line from the cells of this input to those of the next; the last to ground, ohm.

    Raises
    ------
    ValueError    If shapes do not fit or a number is negative or not finite.
    """
    if g.ndim != 2 or not g.size or below.shape != g.shape[:1]:
        raise ValueError(f"shapes do not fit: g {g.shape}, below {below.shape}")
    for name, numbers in (("g", g), ("below", below), ("head", np.array(head)), ("pitch", np.array(pitch))):
        if not (np.isfinite(numbers) & (numbers >= 0)).all():
            raise ValueError(f"{name} must be finite and not negative")
    out = np.empty(g.shape[::-1])
    cells, segments = (np.ascontiguousarray(numbers, dtype=np.float64) for numbers in (g, below))
    _implementation()(cells, float(head), float(pitch), segments, out)
    return np.ascontiguousarray(out.T)


def _implementation() -> Callable[..., None]:
    """Return the form that belongs to the active implementation of the kernels."""
    name = dispatch.active().name
    if name == dispatch.TWIN.name:
        return wires_twin.eliminate
    isa = importlib.import_module(dispatch.EXTENSION).isa_names().index(name)
    return partial(importlib.import_module(EXTENSION).eliminate, isa)
