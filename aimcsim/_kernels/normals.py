"""The checked door to random numbers from counters: `fill_normals`, `add_normals` and `fill_uniforms`.

An element depends on (identity, index) alone: no state, no order, no batch. Two elements come from one block of
Philox4x32-10; the generator passes the known-answer vectors of its publication [Salmon11]. Uniforms are the middles of
2^52 equal intervals of (0, 1). Normals are Box-Muller pairs of two such numbers in float64, correct to a few units in
the last place; so the distribution is right out to ``sqrt(2 * 53 * log 2)`` = 8.57 standard deviations, where it ends
(beyond lies a part of 1e-17).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aimcsim._kernels import dispatch


def fill_uniforms(identity: NDArray[np.uint32], start: NDArray[np.uint64], out: NDArray[np.float64]) -> None:
    """Write uniform numbers in (0, 1) to `out`: row r holds elements ``start[r], start[r] + 1, ...``.

    Parameters
    ----------
    identity : uint32 [4]       The stream.
    start : uint64 [rows]       Indices count modulo 2^64.
    out : float64 [rows, n]     Contiguous; overwritten.

    Raises
    ------
    ValueError    If shapes or types do not fit, or an array is not contiguous (which the extension finds).
    """
    _check(identity, start, out)
    dispatch.active().fill_uniforms(identity, start, out)


def fill_normals(identity: NDArray[np.uint32], start: NDArray[np.uint64], out: NDArray[np.float64]) -> None:
    """Write standard normal numbers to `out`; parameters and errors as `fill_uniforms`."""
    _check(identity, start, out)
    dispatch.active().fill_normals(identity, start, out)


def add_normals(
    identity: NDArray[np.uint32], start: NDArray[np.uint64], scale: float, out: NDArray[np.float64]
) -> None:
    """Add `scale` times standard normal numbers to `out`, without room for them; else as `fill_normals`."""
    _check(identity, start, out)
    dispatch.active().add_normals(identity, start, scale, out)


def _check(identity: NDArray[np.uint32], start: NDArray[np.uint64], out: NDArray[np.float64]) -> None:
    if identity.shape != (4,) or out.ndim != 2 or start.shape != out.shape[:1]:
        raise ValueError(f"shapes do not fit: identity {identity.shape}, start {start.shape}, out {out.shape}")
    if identity.dtype != np.uint32 or start.dtype != np.uint64 or out.dtype != np.float64:
        raise ValueError("identity must be uint32, start uint64, out float64")
