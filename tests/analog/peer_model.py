"""CrossSim's and aihwkit's products from their equations, in plain float64: a second computation to hold against ours.

It takes the peers' own settings, as recorded cases do, and shares no code with the package. Sources: the equations of
CrossSim 3.2 (`cores`, `circuits/adc`, `circuits/dac`) and aihwkit 1.2 (`rpu_forward_backward_pass.cpp`,
`analog_mvm.py`). Inputs are rounded to levels in float32, as both do: the largest input of a vector, halved by bound
management, often stands exactly between two levels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Params = dict[str, Any]


# ---- CrossSim ----


def crosssim(w: Floats, x: Floats, p: Params) -> Floats:
    """Return the outputs [batch, n_out] of W [n_out, n_in] for inputs [batch, n_in]."""
    rows, cols = p.get("core.rows_max", 1024), p.get("core.cols_max", 1024)
    weight_max = p.get("core.mapping.weights.max", 1.0)
    input_max = p.get("core.mapping.inputs.mvm.max", 1.0)
    w = np.clip(w / weight_max, -1, 1)
    out = np.zeros((len(x), len(w)))
    for cols_part in _parts(len(w), cols):
        for rows_part in _parts(w.shape[1], rows):
            part = _core(w[np.ix_(cols_part, rows_part)], x[:, rows_part] / input_max, p)
            out[:, cols_part] += part
    return out * weight_max * input_max


def _parts(size: int, most: int) -> list[NDArray[np.int64]]:
    count = -(-size // most)
    return np.split(np.arange(size), [round(size / count) * index for index in range(1, count)])


def _core(w: Floats, x: Floats, p: Params) -> Floats:
    style = p.get("core.style", "BALANCED")
    x = _dac(x, p)
    gmin = 0.0 if p.get("xbar.device.infinite_on_off_ratio") else _rmin(p) / p.get("xbar.device.Rmax", 10000.0)
    if style == "BALANCED":
        return _balanced(w, x, p, gmin)
    return _offset(w, x, p, gmin) if style == "OFFSET" else _sliced(w, x, p, gmin)


def _rmin(p: Params) -> float:
    value: float = p.get("xbar.device.Rmin", 1000.0)
    return value


def _dac(x: Floats, p: Params) -> Floats:
    bits, model = p.get("xbar.dac.mvm.bits", 0), p.get("xbar.dac.mvm.model", "IdealDAC")
    if model == "IdealDAC" or not bits:
        return x
    low = -1.0 if p.get("xbar.dac.mvm.signed", True) else 0.0
    count = 2**bits - (model == "SignMagnitudeDAC")
    step = (1.0 - low) / (count - 1)
    return np.rint((np.clip(x, low, 1.0) - low) / step) * step + low


def _cells(g: Floats, p: Params, gmin: float) -> Floats:
    """Conductances that cells of finitely many levels take."""
    bits = p.get("xbar.device.cell_bits", 0)
    if not bits:
        return g
    step = (1 - gmin) / (2**bits - 1)
    return np.rint((g - gmin) / step) * step + gmin


def _magnitude_bits(p: Params) -> int:
    bits: int = p["xbar.dac.mvm.bits"] - p.get("xbar.dac.mvm.signed", True)
    return bits


def _read(lines: list[Floats], x: Floats, p: Params, limits: tuple[float, float], *, joined: bool) -> list[Floats]:
    """What converters make of the currents of `lines` [n_out, n_in]: one array, or one per line if not `joined`."""
    per_bit = p.get("xbar.adc.mvm.adc_per_ibit", False)
    if not p.get("xbar.dac.mvm.input_bitslicing", False):
        return [_adc(current, p, limits) for current in _currents(lines, x, p, joined=joined)]
    width, bits = p.get("xbar.dac.mvm.slice_size", 1), _magnitude_bits(p)
    count, sign = np.rint(np.abs(x) * (2**bits - 1)), np.sign(x)
    total: list[Floats] | None = None
    reads = -(-bits // width)
    for _ in range(reads):
        digit, count = count % 2**width, count // 2**width
        found = _currents(lines, digit * sign / (2**width - 1), p, joined=joined)
        if per_bit:
            found = [_adc(current, p, limits) for current in found]
        total = found if total is None else [a + b for a, b in zip(total, found, strict=True)]
        total = [one / 2**width for one in total]
    assert total is not None
    factor = (2**width - 1) * 2.0 ** (width * reads - bits) * 2**bits / (2**bits - 1)
    total = [one * factor for one in total]
    return total if per_bit else [_adc(one, p, limits) for one in total]


def _currents(lines: list[Floats], x: Floats, p: Params, *, joined: bool) -> list[Floats]:
    found = [_line(line, x, p) for line in lines]
    limit = p.get("xbar.array.Icol_max", 0)
    interleaved = p.get("core.balanced.interleaved_posneg", False) and len(lines) == 2
    if limit and not interleaved:
        found = [np.clip(one, -limit, limit) for one in found]
    if joined and len(found) == 2:
        found = [found[0] - found[1]]
    if limit and interleaved:
        found = [np.clip(one, -limit, limit) for one in found]
    return found


def _line(g: Floats, x: Floats, p: Params) -> Floats:
    if not p.get("xbar.device.nonlinear_IV.enable"):
        return x @ g.T
    v = x * p["xbar.device.Vread"]
    if p["xbar.device.nonlinear_IV.model"] == "CubicDevice":
        return (v - 0.25 * v**3) @ g.T / p["xbar.device.Vread"]
    siemens = g / _rmin(p)
    decades = np.log10(siemens)
    n2 = ((1.388e-4 * decades + 1.541e-3) * decades + 5.711e-3) * decades + 7.063e-3
    n3 = (8.871e-5 * decades + 6.7919e-4) * decades + 1.2968e-3
    return (v @ siemens.T + v**2 @ n2.T + v**3 @ n3.T) * _rmin(p) / p["xbar.device.Vread"]


def _adc(v: Floats, p: Params, limits: tuple[float, float]) -> Floats:
    bits, model = p.get("xbar.adc.mvm.bits", 0), p.get("xbar.adc.mvm.model", "IdealADC")
    if not bits or model == "IdealADC":
        return v
    low, high = limits
    v = np.clip(v, low, high)
    if model in ("QuantizerADC", "SignMagnitudeADC"):
        step = (high - low) / (2**bits - (2 if model == "SignMagnitudeADC" else 1))
        return np.rint((v - low) / step) * step + low
    reference = max(abs(low), abs(high))
    gain = 10 ** (p.get("xbar.adc.mvm.gain_db", 100.0) / 20)
    if model in ("PipelineADC", "CyclicADC"):
        return _stages(v, reference, bits, gain)
    half, code = 2.0**-bits, np.arange(2**bits)
    middles = (2 * code + 1) * half - 1  # of the intervals of all codes
    magnitudes = np.abs(middles - half)
    if model == "SarADC":
        load = 1 if p.get("xbar.adc.mvm.split_cdac", True) else 1 + magnitudes
        thresholds = (middles / (1 + load / gain) - half)[1:]
    else:
        load = 1 + (magnitudes if p.get("xbar.adc.mvm.symmetric_cdac", True) else code * half)
        levels = middles / (1 + load / gain)
        thresholds = (levels[1:] + levels[:-1]) / 2
    found = np.searchsorted(thresholds * reference, v)
    return reference * (2.0 * found + 1 - 2**bits) / 2**bits


def _stages(v: Floats, reference: float, bits: int, gain: float) -> Floats:
    """Convert by stages of one and a half bits, with an amplifier that sees half of its output.

    CrossSim gives a stage at exactly +-R/4 the digit of one side and the residue of another; digits here fit residues.
    """
    signal, code = v / reference, np.zeros(v.shape)
    for stage in range(bits - 1):
        digit = np.where(signal > 0.25, 1, np.where(signal > -0.25, 0, -1))
        code += (digit + 1) * 2 ** (bits - 2 - stage)
        signal = (2 * signal - digit) / (1 + 2 / gain)
    code += signal > 0
    return reference * (2 * code + 1 - 2**bits) / 2**bits


def _limits(p: Params, n_in: int, index: int = 0) -> tuple[float, float]:
    option, bits = p.get("xbar.adc.mvm.adc_range_option", "CALIBRATED"), p.get("xbar.adc.mvm.bits", 0)
    if not bits:
        return -1.0, 1.0
    style, sliced = p.get("core.style", "BALANCED"), p.get("core.style") == "BITSLICED"
    if option == "CALIBRATED":
        given = p["xbar.adc.mvm.calibrated_range"]
        return tuple(given[index] if sliced else given)
    signed_input = p.get("xbar.dac.mvm.signed", True)
    input_bits = p.get("xbar.dac.mvm.bits", 0) - signed_input
    balanced = p.get("core.bit_sliced.style", "BALANCED") == "BALANCED" if sliced else style == "BALANCED"
    joined = p.get("core.balanced.subtract_current_in_xbar", True)
    signed = signed_input or (balanced and (sliced or joined))
    if option == "MAX":
        high = float(n_in)
        if sliced and not balanced:
            k = _slice_bits(p)
            high = 2 ** round(np.log2(n_in)) * 2**k / (2**k - 1)
            high *= (2**bits - 1 - signed_input) / 2**bits * 2**input_bits / (2**input_bits - 1)
    else:
        least = 1 / (2 ** _slice_bits(p) - 1) if sliced else 2.0 ** -p.get("core.weight_bits", 0)
        least *= 2**input_bits / (2**input_bits - 1)
        high = least * (2 ** (bits - signed) - 1)
    return (-high if signed else 0.0), high


def _balanced(w: Floats, x: Floats, p: Params, gmin: float) -> Floats:
    span = 1 - gmin
    if p.get("core.balanced.style", "ONE_SIDED") == "ONE_SIDED":
        lines = [gmin + span * np.maximum(w, 0), gmin + span * np.maximum(-w, 0)]
    else:
        lines = [gmin + span * (1 + w) / 2, gmin + span * (1 - w) / 2]
    joined = p.get("core.balanced.subtract_current_in_xbar", True)
    found = _read([_cells(line, p, gmin) for line in lines], x, p, _limits(p, w.shape[1]), joined=joined)
    return (found[0] if joined else found[0] - found[1]) / span


def _offset(w: Floats, x: Floats, p: Params, gmin: float) -> Floats:
    whole = 1 - gmin
    bits = p.get("xbar.device.cell_bits", 0)
    span = whole * (2**bits - 2) / (2**bits - 1) if bits else whole
    low = 1 - span
    unit = p.get("core.offset.style", "DIGITAL_OFFSET") != "DIGITAL_OFFSET"
    if unit:
        w = np.vstack([np.zeros((1, w.shape[1])), w])
    cells = _cells(span * (w / 2 + 0.5) + low, p, gmin)
    (y,) = _read([cells], x, p, _limits(p, w.shape[1]), joined=True)
    y = y[:, 1:] - y[:, :1] if unit else y - (low + span / 2) * x.sum(axis=1, keepdims=True)
    return 2 * y / whole


def _slice_bits(p: Params) -> int:
    bits, slices = p["core.weight_bits"], p.get("core.bit_sliced.num_slices", 2)
    if bits % slices == 0:
        return int(bits // slices)
    balanced = p.get("core.bit_sliced.style", "BALANCED") == "BALANCED"
    return -(-(bits - balanced) // slices)


def _sliced(w: Floats, x: Floats, p: Params, gmin: float) -> Floats:
    bits, slices, k = p["core.weight_bits"], p.get("core.bit_sliced.num_slices", 2), _slice_bits(p)
    balanced = p.get("core.bit_sliced.style", "BALANCED") == "BALANCED"
    unit = not balanced and p.get("core.offset.style", "DIGITAL_OFFSET") != "DIGITAL_OFFSET"
    joined = p.get("core.balanced.subtract_current_in_xbar", True)
    span, total = 1 - gmin, np.zeros((len(x), len(w)))
    level = np.rint(w * (2 ** (bits - 1) - 1))
    for index in range(slices):
        if balanced:
            digit = np.floor(np.abs(level) / 2 ** (k * index)) % 2**k / (2**k - 1)
            parts = [digit * (level > 0), digit * (level < 0)]
        else:
            digit = np.floor((level + 2 ** (bits - 1)) / 2 ** (k * index)) % 2**k / (2**k - 1)
            zero = (2**k // 2) / (2**k - 1) if index == slices - 1 else 0.0
            parts = [np.vstack([np.full((1, w.shape[1]), zero), digit]) if unit else digit]
        cells = [_cells(gmin + span * part, p, gmin) for part in parts]
        found = _read(cells, x, p, _limits(p, w.shape[1], index), joined=joined)
        y = found[0] - found[1] if len(found) == 2 else found[0]
        if unit:
            y = y[:, 1:] - y[:, :1]
        elif not balanced:
            y = y - gmin * x.sum(axis=1, keepdims=True)
        total += 2 ** (k * index) * y / span
    total *= 2**k - 1
    if not balanced and not unit:
        total -= 2 ** (bits - 1) * x.sum(axis=1, keepdims=True)
    return total / (2 ** (bits - 1) - 1)


# ---- aihwkit ----

AIHWKIT_DEFAULTS: Params = {
    "inp_bound": 1.0,
    "inp_res": 1 / 126,
    "out_bound": 12.0,
    "out_res": 1 / 510,
    "bound_management": "ITERATIVE",
    "noise_management": "ABS_MAX",
    "nm_thres": 0.0,
    "inp_asymmetry": 0.0,
    "out_asymmetry": 0.0,
    "ir_drop": 0.0,
    "ir_drop_g_ratio": 1 / 0.35 / 5e-6,
    "out_nonlinearity": 0.0,
    "slope_calibration": 0.0,
    "r_series": 0.0,
    "v_offset_w_min": -1.0,
    "mv_type": "ONE_PASS",
    "max_bm_factor": 1000,
    "max_bm_res": 0.25,
    "tile": "rpucuda",
    "is_perfect": False,
    "out_scale": 1.0,
}


def aihwkit(w: Floats, x: Floats, params: Params) -> Floats:
    """Return the outputs [batch, n_out] of W [n_out, n_in] for inputs [batch, n_in], noise left out."""
    p = {**AIHWKIT_DEFAULTS, **params}
    if p["is_perfect"]:
        return x @ w.T * (p["out_scale"] if p["tile"] == "rpucuda" else 1.0)
    if p["tile"] == "torch":  # one decision for the batch
        return _managed(w, x, p) * p["out_scale"]
    rows = [np.zeros((1, len(w))) if _left_out(row, p) else _managed(w, row[np.newaxis], p) for row in x]
    return np.concatenate(rows) * p["out_scale"]


def _left_out(row: Floats, p: Params) -> bool:
    """Whether the C++ tile takes the product for 0: the input scale is not positive."""
    kind = p["noise_management"]
    return bool((kind == "MAX" and row.max() <= 0) or (kind in ("ABS_MAX", "ABS_MAX_NP_SUM") and not row.any()))


def _managed(w: Floats, x: Floats, p: Params) -> Floats:
    step = _step(p, "inp")
    scale, reduction = _alpha(x, step, p), 1.0
    passes = 0
    while True:
        worst_case = p["bound_management"] == "ITERATIVE_WORST_CASE" and p["noise_management"] != "NONE"
        if passes == 1 and worst_case and p["tile"] == "rpucuda":
            scale, reduction = _worst_case(x, step, p), 1.0
        passes += 1
        y, clipped = _pass(w, x.astype(np.float32) * (1 / (scale * reduction)).astype(np.float32), p)
        coarse = reduction > p["max_bm_factor"] or (step > 0 and reduction > p["max_bm_res"] / step)
        if p["bound_management"] == "NONE" or not clipped or coarse:
            return y * scale * reduction
        reduction *= 2


def _worst_case(x: Floats, step: float, p: Params) -> Floats:
    """Scale at which weights of 0.6 cannot reach the bound."""
    largest = np.abs(x).max(axis=1, keepdims=True)
    largest = np.minimum(largest, p["nm_thres"]) if p["nm_thres"] > 0 else largest
    signs = [np.maximum(sign * x, 0).sum(axis=1, keepdims=True) for sign in (1, -1)]
    scale = np.maximum(*signs) * 0.6 / (p["out_bound"] if p["out_bound"] > 0 else 1.0)
    scale = np.minimum(largest / step * p["max_bm_res"], scale) if step else scale
    return np.maximum(largest, scale)


def _alpha(x: Floats, step: float, p: Params) -> Floats:
    kind, limit = p["noise_management"], p["nm_thres"]
    if kind == "ABS_MAX_NP_SUM":
        return _worst_case(x, step, p)
    if kind in ("NONE", "CONSTANT"):
        return np.full((len(x), 1), limit if kind == "CONSTANT" and limit > 0 else 1.0)
    found = (np.abs(x) if kind == "ABS_MAX" else x).max(axis=1, keepdims=True)
    found = np.minimum(found, limit) if limit > 0 else found
    return np.where(found > 0, found, 1.0)


def _step(p: Params, stage: str) -> float:
    """Distance of two levels, or 0."""
    res, bound = p[f"{stage}_res"], p[f"{stage}_bound"]
    return 2 * bound * (res if res <= 1 else 1 / res) if res > 0 and bound > 0 else 0.0


def _pass(w: Floats, x: Floats, p: Params) -> tuple[Floats, bool]:
    bound = p["inp_bound"] if p["inp_bound"] > 0 else np.inf
    step = _step(p, "inp")
    if step:
        x = np.rint(x / np.float32(step)) * np.float32(step)
    x = np.clip(x, -bound, bound).astype(float)
    x = np.where(x < 0, x * (1 - p["inp_asymmetry"]), x)
    if p["mv_type"] == "ONE_PASS":
        return _finish(_array(w, x, p), p)
    halves = [_array(w, np.minimum(x, 0), p), _array(w, np.maximum(x, 0), p)]
    if p["mv_type"] == "POS_NEG_SEPARATE":
        return _finish(halves[0] + halves[1], p)
    found = [_finish(half, p) for half in halves]
    return found[0][0] + found[1][0], found[0][1] or found[1][1]


def _array(w: Floats, x: Floats, p: Params) -> Floats:
    y, n = x @ w.T, w.shape[1]
    if p["ir_drop"] > 0:
        a = n / p["ir_drop_g_ratio"] * np.abs(x) @ np.abs(w).T
        far = 1 - (1 - np.arange(n) / n) ** 2
        y = y - p["ir_drop"] * a * (0.05 * a**2 - 0.2 * a + 0.5) * ((x * far) @ w.T)
    r = p["r_series"]
    if r > 0:
        reference = -p["v_offset_w_min"] * x.sum(axis=1, keepdims=True)
        upper = (y + reference) / (1 + r * np.abs(y + reference))
        y = upper - reference / (1 + r * np.abs(reference))
    return y


def _finish(y: Floats, p: Params) -> tuple[Floats, bool]:
    bound = p["out_bound"]
    n = p["out_nonlinearity"] / (bound if bound > 0 else 1.0)
    slope = (1 + (n + p["r_series"]) * p["slope_calibration"] * (bound if bound > 0 else 1.0)) ** 2
    if p["out_nonlinearity"] or p["slope_calibration"]:
        y = (slope if p["slope_calibration"] else 1.0) * y / (1 + np.abs(n * y))
    asymmetry = max(p["out_asymmetry"], 0.0) if p["tile"] == "rpucuda" else p["out_asymmetry"]
    y = np.where(y < 0, y * (1 - asymmetry), y)
    if bound <= 0:
        return y, False
    step = _step(p, "out")
    if step:
        y = np.rint(y / step) * step
    return np.clip(y, -bound, bound), bool((np.abs(y) > bound).any())
