"""Applies `PeripherySpec` to the outputs of a read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.array.noise import Noise
from aimcsim.analog.array.periphery_spec import PeripherySpec
from aimcsim.analog.array.product import product
from aimcsim.analog.draws import Draws

Floats = NDArray[np.float64]


class Periphery:
    """The analog periphery behind the `columns` of one array, as it was made."""

    def __init__(self, spec: PeripherySpec, columns: int, draws: Draws) -> None:
        self.spec = spec
        self._offset = np.zeros(columns)
        if spec.voltage_offset_sigma:
            self._offset = np.maximum(spec.voltage_offset_sigma * draws.normal("voltage offset", columns), 0.0)
        spread = np.ones(columns)
        if spec.nonlinearity_sigma:
            spread = 1.0 + spec.nonlinearity_sigma * draws.normal("nonlinearity", columns)
        self._nonlinearity = np.abs(spec.nonlinearity / spec.bound * spread)
        mean = float(self._nonlinearity.mean())
        self._slope = (1.0 + (mean + spec.series_resistance) * spec.slope_calibration * spec.bound) ** 2

    def read(self, y: Floats, driven: Floats, weights: Floats, noise: Noise) -> Floats:
        """Return the outputs `y` [B, F, N] of reads `driven` [B, F, K] after what happens in the array.

        `weights` [K, N] are what the cells hold now, in units of their scale.
        """
        spec = self.spec
        if spec.ir_drop:
            y = y - self._drop(driven, weights)
        if spec.voltage_offset_sigma or spec.series_resistance:
            y = self._offsets(y, driven.sum(axis=2, keepdims=True))
        if spec.weight_noise != "none" and spec.weight_noise_sigma:
            sigma = spec.weight_noise_sigma * self._noise_size(driven, weights)
            y = y + sigma * noise.normal("weight noise", y.shape[1:])
        return y

    def finish(self, y: Floats, noise: Noise) -> Floats:
        """Return the outputs `y` [B, F, N] as converters see them."""
        spec = self.spec
        if spec.nonlinearity or spec.slope_calibration:
            y = self._slope * y / (1.0 + np.abs(self._nonlinearity * y))
        if spec.asymmetry:
            y = np.where(y < 0, y * (1.0 - spec.asymmetry), y)
        if spec.noise_sigma:
            y = y + spec.noise_sigma * noise.normal("output noise", y.shape[1:])
        return y

    def _drop(self, driven: Floats, weights: Floats) -> Floats:
        rows = driven.shape[2]
        a = rows / self.spec.ir_drop_g_ratio * product(np.abs(driven), np.abs(weights))
        far = 1.0 - np.arange(rows) / rows
        position = product(driven * (1.0 - far * far), weights)
        drop: Floats = self.spec.ir_drop * a * (a * (0.05 * a - 0.2) + 0.5) * position
        return drop

    def _offsets(self, y: Floats, inputs: Floats) -> Floats:
        r, reference = self.spec.series_resistance, self.spec.reference_weight * inputs
        positive = y + reference
        upper = (1.0 - self._offset) * positive / (1.0 + r * np.abs(positive))
        lower = (1.0 + self._offset) * reference / (1.0 + r * np.abs(reference))
        difference: Floats = upper - lower
        return difference

    def _noise_size(self, driven: Floats, weights: Floats) -> Floats:
        squares = driven * driven
        if self.spec.weight_noise == "additive":
            norm: Floats = np.sqrt(squares.sum(axis=2, keepdims=True))
            return norm
        return np.sqrt(product(squares, np.abs(weights)))
