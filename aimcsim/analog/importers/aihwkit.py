"""aihwkit's IO parameters (`IOParameters`, forward) as an `AnalogSpec`.

Weights are taken as they are, 1 being the largest conductance, and outputs are in units of weight times input, as
everywhere in aihwkit. Defaults are those of aihwkit 1.2.0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from aimcsim.analog.array import (
    AnalogSpec,
    CellSpec,
    ConverterSpec,
    InputSpec,
    PeripherySpec,
    RangeSpec,
    ReadoutSpec,
)
from aimcsim.analog.array.inputs import UNBOUNDED
from aimcsim.analog.importers.settings import Settings

_TILES: Final = {"torch": "torch", "rpucuda": "rpucuda"}
_PASSES: Final = {
    "ONE_PASS": ("bipolar", "analog"),
    "IDEAL": ("ideal", "analog"),
    "POS_NEG_SEPARATE": ("two_phase", "analog"),
    "POS_NEG_SEPARATE_DIGITAL_SUM": ("two_phase", "digital"),
}
_RANGES: Final = {"NONE": "none", "ABS_MAX": "abs_max", "CONSTANT": "fixed", "MAX": "max"}
_TILE_RANGES: Final = {"torch": _RANGES, "rpucuda": _RANGES | {"ABS_MAX_NP_SUM": "no_clip"}}
_BOUNDS: Final = {"NONE": "none", "ITERATIVE": "iterative", "ITERATIVE_WORST_CASE": "worst_case"}
_WEIGHT_NOISE: Final = {"NONE": "none", "ADDITIVE_CONSTANT": "additive", "PCM_READ": "pcm_read"}
_SHIFT: Final = (
    "aihwkit's CUDA tile shifts outputs so that the largest is at the bound, its C++ tile takes it for ITERATIVE, and"
    " its torch tile refuses it; there is NONE, ITERATIVE, ITERATIVE_WORST_CASE."
)
_CELLS: Final = CellSpec(weight_range=(-1.0, 1.0), beyond="extend")

# Draws that are not modelled; switched off they do nothing.
_OFF: Final = {"inp_sto_round": False, "out_sto_round": False, "out_noise_std": 0.0, "w_read_asymmetry_dtod": 0.0}


def aihwkit_spec(params: Mapping[str, Any], file: str = "aihwkit parameters") -> AnalogSpec:
    """Return the spec of a tile with the forward IO parameters `params`, and ``tile``: ``torch`` or ``rpucuda``.

    Raises
    ------
    ConfigError    Naming key and file: an unknown key, a wrong value, one that is not modelled.
    """
    settings = Settings(params, file)
    tile = settings.choice("tile", "rpucuda", _TILES)
    sign, accumulation = settings.choice("mv_type", "ONE_PASS", _PASSES)
    perfect = settings.flag("is_perfect", default=False) or sign == "ideal"
    inputs = _inputs(settings, "bipolar" if perfect else sign, tile)
    converter, bound = _converter(settings, tile)
    periphery = _periphery(settings, bound, tile)
    for key, value in _OFF.items():
        settings.only(key, value)
    _negative_bound(settings, tile)
    scale = settings.number("out_scale", 1.0, 1e-12, 1e12)
    settings.finish()
    if perfect:
        return AnalogSpec(cells=_CELLS, readout=ReadoutSpec(gain=scale if tile == "rpucuda" else 1.0))
    readout = ReadoutSpec(accumulation=accumulation, gain=scale)
    return AnalogSpec(cells=_CELLS, inputs=inputs, readout=readout, converter=converter, periphery=periphery)


def _negative_bound(settings: Settings, tile: str) -> None:
    if not settings.flag("bm_test_negative_bound", default=True) and tile == "rpucuda":
        raise settings.error(
            "bm_test_negative_bound",
            "false is not supported: the C++ tile then lets the last output that clips decide, and one at the negative"
            " bound undoes those before it",
        )


def _resolution(settings: Settings, key: str, default: float, bound: float, tile: str) -> float:
    """Return the distance of two levels; 0 for any value.

    A resolution above 1 is a number of steps. Without a bound the C++ tile has no levels, and the torch tile those of
    the bound's magnitude.
    """
    value = settings.number(key, default)
    if value <= 0 or (bound <= 0 and tile == "rpucuda"):
        return 0.0
    return 2.0 * abs(bound) * (1.0 / value if value > 1.0 else value)


def _inputs(settings: Settings, sign: Any, tile: str) -> InputSpec:
    bound = settings.number("inp_bound", 1.0)
    step = _resolution(settings, "inp_res", 1.0 / 126, bound, tile)
    chosen = settings.choice("noise_management", "ABS_MAX", _TILE_RANGES[tile])
    threshold = settings.number("nm_thres", 0.0)
    scale = threshold if threshold > 0 and chosen != "none" else 1.0 if chosen in ("none", "fixed") else 0.0
    settings.refuse("bound_management", "SHIFT", _SHIFT)
    management = settings.choice("bound_management", "ITERATIVE", _BOUNDS)
    if management != "none" and tile == "torch":  # which knows no worst case
        management = "iterative_together"
    elif management == "worst_case" and chosen in ("none", "no_clip"):  # no other scale to begin with
        management = "iterative"
    limit = bound if bound > 0 else math.inf
    noise = max(settings.number("inp_noise", 0.0), 0.0)
    if chosen == "max" and tile == "rpucuda" and not noise:  # which skips vectors without positive inputs
        chosen = "positive_max"
    return InputSpec(
        step=step,
        sign=sign,
        range="fixed" if chosen == "none" else chosen,
        scale=scale,
        asymmetry=settings.number("inp_asymmetry", 0.0, -1.0, 1.0),
        noise_sigma=noise,
        bound_management=management,
        most_passes_factor=float(settings.integer("max_bm_factor", 1000, 1, 1 << 24)),
        coarsest_step=settings.number("max_bm_res", 0.25, 1e-9),
        limit=limit,
    )


def _converter(settings: Settings, tile: str) -> tuple[ConverterSpec, float]:
    """Return the converter, and the bound that parameters of the periphery refer to."""
    bound = settings.number("out_bound", 12.0)
    step = _resolution(settings, "out_res", 1.0 / 510, bound, tile)
    high = bound if bound > 0 else UNBOUNDED
    spread = RangeSpec(kind="fixed", bounds=((-high, high),))
    converter = ConverterSpec(kind="uniform", step=step, range=spread) if step else ConverterSpec(range=spread)
    return converter, bound if bound > 0 else 1.0


def _periphery(settings: Settings, bound: float, tile: str) -> PeripherySpec:
    noise = settings.choice("w_noise_type", "NONE", _WEIGHT_NOISE)
    asymmetry = settings.number("out_asymmetry", 0.0, -1.0, 1.0)
    return PeripherySpec(
        ir_drop=max(settings.number("ir_drop", 0.0), 0.0),
        ir_drop_g_ratio=settings.number("ir_drop_g_ratio", 1.0 / 0.35 / 5e-6, 1e-12),
        voltage_offset_sigma=max(settings.number("v_offset_std", 0.0), 0.0),
        series_resistance=max(settings.number("r_series", 0.0), 0.0),
        reference_weight=-settings.number("v_offset_w_min", -1.0),
        weight_noise=noise,
        weight_noise_sigma=max(settings.number("w_noise", 0.0), 0.0),
        nonlinearity=max(settings.number("out_nonlinearity", 0.0), 0.0),
        nonlinearity_sigma=max(settings.number("out_nonlinearity_std", 0.0), 0.0),
        slope_calibration=max(settings.number("slope_calibration", 0.0), 0.0),
        asymmetry=max(asymmetry, 0.0) if tile == "rpucuda" else asymmetry,  # the C++ tile leaves out negative ones
        noise_sigma=max(settings.number("out_noise", 0.06), 0.0),
        bound=bound,
    )
