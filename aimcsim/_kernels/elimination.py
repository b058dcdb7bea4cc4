"""The checked doors to the kernels of arrays whose lines have resistance: `eliminate` and `read_supplied`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aimcsim._kernels import dispatch, wires_twin

EXTENSION = "aimcsim._kernels._wires"
_PADDING: Final = 16  # columns that the kernels may handle together


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
    _implementation("eliminate")(cells, float(head), float(pitch), segments, out)
    return np.ascontiguousarray(out.T)


def read_supplied(
    g: NDArray[np.float64],
    bits: NDArray[np.float64],
    volts: NDArray[np.float64],
    siemens: tuple[float, float, float, float],
) -> NDArray[np.float64]:
    """Return the currents [batch, outputs] of output lines that cells join to supply rails beside them, ampere.

    Every column and every vector is a circuit of its own, solved exactly in some forty operations per cell. The bits of
    the result are the same on every instruction set.

    Parameters
    ----------
    g : [supplies, inputs, outputs]    Cells, siemens; one or two supplies.
    bits : [batch, inputs]             Zeros and ones: which inputs' cells conduct.
    volts : [supplies]                 Voltages of the supplies.
    siemens : tuple                    Supply to rail, along a rail, along an output line, from its last cell to ground.

    Raises
    ------
    ValueError    If shapes do not fit or a conductance is out of range.
    """
    if g.ndim != 3 or not g.size or len(g) > 2 or bits.shape[1:] != g.shape[1:2] or volts.shape != g.shape[:1]:
        raise ValueError(f"shapes do not fit: g {g.shape}, bits {bits.shape}, volts {volts.shape}")
    if not (np.isfinite(g) & (g >= 0)).all():
        raise ValueError("g must be finite and not negative")
    if not all(np.isfinite(value) and value > 0 for value in siemens):
        raise ValueError(f"siemens must be finite and positive (got {siemens})")
    outputs = g.shape[2]
    padded = np.zeros((*g.shape[:2], -(-outputs // _PADDING) * _PADDING))
    padded[:, :, :outputs] = g
    out = np.empty((len(bits), padded.shape[2]))
    driven, supplies = (np.ascontiguousarray(numbers, dtype=np.float64) for numbers in (bits, volts))
    _implementation("read_supplied")(padded, driven, supplies, siemens, out)
    return np.ascontiguousarray(out[:, :outputs])


def _implementation(kernel: str) -> Callable[..., None]:
    """Return the form of `kernel` that belongs to the active implementation of the kernels."""
    name = dispatch.active().name
    if name == dispatch.TWIN.name:
        twin: Callable[..., None] = getattr(wires_twin, kernel)
        return twin
    isa = importlib.import_module(dispatch.EXTENSION).isa_names().index(name)
    return partial(getattr(importlib.import_module(EXTENSION), kernel), isa)
