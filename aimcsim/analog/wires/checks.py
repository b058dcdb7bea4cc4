"""What arrays may be given: conductances, voltages and input bits that are none are refused by the argument's name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim.analog.wires.spec import Arrangement, WireSpec
from aimcsim.errors import ConfigError

Floats = NDArray[np.float64]


def conductances(name: str, values: ArrayLike) -> Floats:
    """Return `values` as float64 [inputs, outputs].

    Raises
    ------
    ConfigError    If it is no matrix, or an entry is negative or not finite.
    """
    g = _numbers(name, values)
    if g.ndim != 2 or not g.size:
        raise ConfigError(f"{name} must be [inputs, outputs], neither of them 0 (got shape {list(g.shape)})")
    _refuse(name, g, ~(np.isfinite(g) & (g >= 0)), "finite and not negative, in siemens")
    return g


def pair_of_conductances(g_pos: ArrayLike, g_neg: ArrayLike) -> tuple[Floats, Floats]:
    """Return both matrices of a pair of arrays, checked, of one shape.

    Raises
    ------
    ConfigError    If one is not a matrix of conductances, or their shapes differ.
    """
    positive, negative = conductances("g_pos", g_pos), conductances("g_neg", g_neg)
    if positive.shape != negative.shape:
        raise ConfigError(f"g_neg must have the shape of g_pos, {list(positive.shape)} (got {list(negative.shape)})")
    return positive, negative


def inputs(name: str, values: ArrayLike, lines: int) -> Floats:
    """Return `values` as float64 [batch, lines]; a single vector is a batch of one.

    Raises
    ------
    ConfigError    If the shape does not fit or an entry is not finite.
    """
    v = np.atleast_2d(_numbers(name, values))
    if v.ndim != 2 or v.shape[1] != lines:
        raise ConfigError(f"{name} must be [batch, {lines}] (got shape {list(v.shape)})")
    _refuse(name, v, ~np.isfinite(v), "finite, in volts")
    return v


def bits(name: str, values: ArrayLike, lines: int) -> Floats:
    """Return `values` as float64 [batch, lines] of zeros and ones.

    Raises
    ------
    ConfigError    If the shape does not fit or an entry is neither 0 nor 1.
    """
    x = inputs(name, values, lines)
    _refuse(name, x, (x != 0) & (x != 1), "0 or 1: a separate source's inputs connect cells")
    return x


def require(wires: WireSpec, arrangement: Arrangement) -> None:
    """Refuse wires of the other arrangement.

    Raises
    ------
    ConfigError    Naming the arrangement.
    """
    if wires.arrangement != arrangement:
        raise ConfigError(f"wires.arrangement must be {arrangement} here (got {wires.arrangement})")


def _numbers(name: str, values: ArrayLike) -> Floats:
    found: NDArray[Any] = np.asarray(values)
    if found.dtype.kind not in "buif":
        raise ConfigError(f"{name} must hold real numbers (got dtype {found.dtype})")
    return np.ascontiguousarray(found, dtype=np.float64)


def _refuse(name: str, values: Floats, wrong: NDArray[np.bool_], rule: str) -> None:
    if wrong.any():
        place = tuple(int(axis[0]) for axis in np.nonzero(wrong))
        raise ConfigError(f"{name}[{', '.join(map(str, place))}] must be {rule} (got {values[place]})")
