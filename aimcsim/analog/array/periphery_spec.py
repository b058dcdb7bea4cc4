"""What the analog periphery does to column currents before they are converted, in aihwkit's terms and order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aimcsim.analog.array.checks import check_choices, check_number

WeightNoise = Literal["none", "additive", "pcm_read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeripherySpec:
    """Effects on the outputs y of a read x, in weight units, in the order in which they are listed.

    Attributes
    ----------
    ir_drop : float
        Scale of a polynomial for the drop along output lines: with ``a = n / ir_drop_g_ratio * sum_j |w_j x_j|``,
        ``y -= ir_drop * a (0.05 a^2 - 0.2 a + 0.5) * sum_j w_j x_j (1 - (1 - j / n)^2)``. Exact wires are another part
        of the spec.
    ir_drop_g_ratio : float
        Conductance of a piece of wire over the largest one of a cell.
    voltage_offset_sigma, series_resistance : float
        Offset of a column, drawn once and cut off at 0, and resistance r in its way:
        ``(1 - o) p / (1 + r |p|) - (1 + o) q / (1 + r |q|)`` with ``q = reference_weight * sum_j x_j``, ``p = y + q``.
    reference_weight : float
        Weight of the reference cell that the output is a difference to; 0 for none.
    weight_noise, weight_noise_sigma : str, float
        Noise of every read: `additive`: sigma ||x||; `pcm_read`: sigma sqrt(sum_j |w_j| x_j^2).
    nonlinearity, nonlinearity_sigma : float
        ``y / (1 + |n y|)``; n is `nonlinearity` times 1 plus a spread over columns, drawn once, over the bound.
    slope_calibration : float
        Output, as a part of the bound b, at which the slope was set to 1: y is multiplied by
        ``(1 + (mean n + r) slope_calibration b)^2``.
    asymmetry : float
        Negative outputs are multiplied by 1 minus this.
    noise_sigma : float
        Gaussian noise of every output.
    bound : float
        Range of the outputs that `nonlinearity` and `slope_calibration` refer to.

    Source: aihwkit 1.2.0, `rpu_forward_backward_pass.cpp`; M. J. Rasch et al., AICAS 2021.
    """

    ir_drop: float = 0.0
    ir_drop_g_ratio: float = 1.0 / 0.35 / 5e-6
    voltage_offset_sigma: float = 0.0
    series_resistance: float = 0.0
    reference_weight: float = 0.0
    weight_noise: WeightNoise = "none"
    weight_noise_sigma: float = 0.0
    nonlinearity: float = 0.0
    nonlinearity_sigma: float = 0.0
    slope_calibration: float = 0.0
    asymmetry: float = 0.0
    noise_sigma: float = 0.0
    bound: float = 1.0

    def __post_init__(self) -> None:
        check_choices(self)
        for name in ("ir_drop", "voltage_offset_sigma", "series_resistance", "nonlinearity", "nonlinearity_sigma"):
            check_number(self, name, 0.0, 1e6)
        for name in ("weight_noise_sigma", "slope_calibration", "noise_sigma"):
            check_number(self, name, 0.0, 1e6)
        check_number(self, "ir_drop_g_ratio", 1e-12, 1e18)
        check_number(self, "reference_weight", -1e6, 1e6)
        check_number(self, "asymmetry", -1.0, 1.0)
        check_number(self, "bound", 1e-12, 1e12)

    @property
    def is_random(self) -> bool:
        """Whether anything is drawn, at programming or at every read."""
        drawn = self.voltage_offset_sigma or self.nonlinearity_sigma or self.noise_sigma
        return bool(drawn or (self.weight_noise != "none" and self.weight_noise_sigma))
