"""Wire resistance as aihwkit approximates it: a polynomial in the load of each output line.

It is no solution of the circuit, and is here for comparison and for results of that simulator; `effective_matrix` is
exact and costs less per product.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim import _kernels
from aimcsim.analog.wires import checks
from aimcsim.errors import ConfigError

CONDUCTANCE_RATIO: Final = 1 / 0.35 / 5e-6
"""Conductance of a wire segment of 0.35 ohm by that of a cell of 5 uS: aihwkit's default, whatever its devices have."""


class PolynomialDrop:
    """What resistance of the output lines takes from the outputs, in the unit of the product.

    With n inputs, ``a_i = n / ratio * sum of |w_ij| |x_j|`` is the load of line i, ``c = a (0.05 a^2 - 0.2 a + 0.5)``,
    and the drop ``strength * c_i * sum of w_ij x_j (1 - (1 - j / n)^2)``. Computed in float32, so bits depend on the
    numbers alone.

    Parameters
    ----------
    weights : [outputs, inputs]    Weights, 1 at the largest conductance.
    strength : float               Multiplies the drop; aihwkit's `ir_drop`.
    ratio : float                  Conductance of a wire segment by that of a cell of weight 1; `ir_drop_Gw_div_gmax`.

    Raises
    ------
    ConfigError    If an argument has a wrong shape or value.

    Source: aihwkit 1.2.0, C++ tile.
    Assumes: input lines without resistance. Of the exact drop it gives about half for unsigned inputs, and the profile
    along the line of an output at the end of input 0.
    """

    def __init__(self, weights: ArrayLike, *, strength: float = 1.0, ratio: float = CONDUCTANCE_RATIO) -> None:
        if not (np.isfinite(strength) and strength >= 0):
            raise ConfigError(f"strength must be finite and not negative (got {strength})")
        if not (np.isfinite(ratio) and ratio > 0):
            raise ConfigError(f"ratio must be finite and positive (got {ratio})")
        w: NDArray[np.float32] = np.asarray(weights, dtype=np.float32)
        if w.ndim != 2 or not w.size or not np.isfinite(w).all():
            raise ConfigError(f"weights must be finite and [outputs, inputs] (got shape {list(w.shape)})")
        self._inputs = w.shape[1]
        self._strength = np.float32(strength)
        self._scale = np.float32(self._inputs / ratio)
        nearness = 1 - (1 - np.arange(self._inputs) / self._inputs) ** 2
        self._load = _kernels.pack_weights(np.abs(w).T[np.newaxis])
        self._profiled = _kernels.pack_weights((w * nearness).astype(np.float32).T[np.newaxis])
        self._outputs = w.shape[0]

    def drop(self, x: ArrayLike) -> NDArray[np.float32]:
        """Return what to subtract from the outputs, float32 [batch, outputs], for inputs `x` [batch, inputs].

        Raises
        ------
        ConfigError    If `x` has a wrong shape or is not finite.
        """
        drive = np.asarray(checks.inputs("x", x, self._inputs), dtype=np.float32)
        load = self._scale * self._product(np.abs(drive), self._load)
        factor = load * (load * (np.float32(0.05) * load - np.float32(0.2)) + np.float32(0.5))
        return np.asarray(self._strength * factor * self._product(drive, self._profiled), dtype=np.float32)

    def _product(self, x: NDArray[np.float32], packed: NDArray[np.float32]) -> NDArray[np.float32]:
        out = np.empty((len(x), 1, self._outputs), dtype=np.float32)
        _kernels.mvm_f32(x[:, np.newaxis], packed, out)
        return out[:, 0]
