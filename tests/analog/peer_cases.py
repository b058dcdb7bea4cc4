"""Cases of the recorded form: settings drawn at random among all that the peers take, outputs from the peer model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.wires import WireSpec, gated_currents, nodal_currents, nodal_pair_currents
from tests.analog import peer_model

Floats = NDArray[np.float64]
Params = dict[str, Any]


def write(path: Path, w: Floats, x: Floats, y: Floats, params: Params) -> Path:
    """Write a case as recorded ones are."""
    arrays = {"W": w.astype(np.float32), "X": x.astype(np.float32), "Y": y.astype(np.float32)}
    np.savez(path, params=np.array(json.dumps(params)), **arrays)
    return path


def crosssim_case(folder: Path, seed: int) -> Path:
    """Return a case of CrossSim: all styles, converters and inputs, in combination."""
    rng = np.random.default_rng(seed)
    params = crosssim_params(rng)
    n_out, n_in = int(rng.integers(3, 50)), int(rng.integers(3, 90))
    w = rng.normal(0, 0.4, (n_out, n_in)).astype(np.float32).astype(float)
    low = 0.0 if params.get("xbar.dac.mvm.signed") is False else -1.0
    x = rng.uniform(low, 1.0, (6, n_in)).astype(np.float32).astype(float)
    return write(folder / f"crosssim_{seed}.npz", w, x, peer_model.crosssim(w, x, params), params)


def crosssim_params(rng: np.random.Generator) -> Params:
    """Return settings under CrossSim's names."""

    def some(*options: Any) -> Any:
        return options[rng.integers(len(options))]

    style = some("BALANCED", "BALANCED", "BITSLICED", "OFFSET")
    p: Params = {"_version": "CrossSim 3.2.0", "core.style": style}
    if some(True, False):
        p["xbar.device.infinite_on_off_ratio"] = True
    else:
        p |= {"xbar.device.Rmin": 10000.0, "xbar.device.Rmax": some(45000.0, 100000.0, 1e6)}
    p["core.mapping.weights.percentile"] = None
    largest = some(1.0, 1.0, 0.8, 1.5)
    p |= {"core.mapping.weights.max": largest, "core.mapping.weights.min": -largest}
    if some(True, False):
        p["core.balanced.subtract_current_in_xbar"] = False
    elif some(True, False, False):
        p["core.balanced.interleaved_posneg"] = True
    p |= _style(rng, style)
    p |= _inputs(rng)
    p |= _converters(rng, p)
    if some(True, False, False):
        p["xbar.array.Icol_max"] = some(1.0, 3.0, 8.0)
    if some(True, False, False):
        p["core.rows_max"], p["core.cols_max"] = some(16, 32, 64), some(16, 1024)
    return p


def _style(rng: np.random.Generator, style: str) -> Params:
    """Return the settings that belong to a style of cells."""

    def some(*options: Any) -> Any:
        return options[rng.integers(len(options))]

    p: Params = {}
    if style == "BALANCED":
        p |= {"core.balanced.style": some("ONE_SIDED", "TWO_SIDED"), "xbar.device.cell_bits": some(0, 0, 5, 8)}
        if some(True, False, False, False):
            p |= {"xbar.device.nonlinear_IV.enable": True, "xbar.device.Vread": some(0.3, 0.5)}
            p["xbar.device.nonlinear_IV.model"] = some("CubicDevice", "RRAMMilo")
            p |= {"xbar.device.infinite_on_off_ratio": False, "xbar.device.Rmax": 2e4}
            p["xbar.device.Rmin"] = some(1 / 225e-6, 9000.0)
            p["core.balanced.interleaved_posneg"] = False  # a cell driven the other way has another curve, to us
    elif style == "OFFSET":
        p["core.offset.style"] = some("DIGITAL_OFFSET", "UNIT_COLUMN_SUBTRACTION")
        p["xbar.device.cell_bits"] = some(0, 6, 8)
    else:
        kind, slices = some("BALANCED", "OFFSET"), some(1, 2, 3, 4)
        bits = {1: (3, 5), 2: (8, 9), 3: (6, 7, 9), 4: (8, 9)}[slices]
        p |= {"core.bit_sliced.style": kind, "core.bit_sliced.num_slices": slices}
        p["core.weight_bits"] = some(*bits) if kind == "BALANCED" else slices * 2
        if kind == "OFFSET":
            p["core.offset.style"] = some("DIGITAL_OFFSET", "UNIT_COLUMN_SUBTRACTION")
    return p


def _inputs(rng: np.random.Generator) -> Params:
    kind = rng.integers(5)
    if kind == 0:
        p: Params = {}
    elif kind == 1:
        p = {"xbar.dac.mvm.model": "QuantizerDAC", "xbar.dac.mvm.signed": bool(rng.integers(2))}
    else:
        p = {"xbar.dac.mvm.model": "SignMagnitudeDAC"}
    if p:
        p["xbar.dac.mvm.bits"] = int(rng.integers(4, 10))
    if kind == 3:
        p |= {"xbar.dac.mvm.input_bitslicing": True, "xbar.dac.mvm.slice_size": int(rng.integers(1, 4))}
    if kind == 4:
        p |= {"xbar.dac.mvm.model": "QuantizerDAC", "xbar.dac.mvm.signed": False, "xbar.dac.mvm.input_bitslicing": True}
    low = 0.0 if p.get("xbar.dac.mvm.signed") is False else -1.0
    scale = float(rng.choice([1.0, 2.0, 0.75]))
    return p | {"core.mapping.inputs.mvm.max": scale, "core.mapping.inputs.mvm.min": low * scale}


def _converters(rng: np.random.Generator, given: Params) -> Params:
    models = ("IdealADC", "QuantizerADC", "SignMagnitudeADC", "RampADC", "SarADC", "PipelineADC", "CyclicADC")
    model = models[rng.integers(len(models))]
    serial = given.get("xbar.dac.mvm.input_bitslicing", False)
    p: Params = {"xbar.adc.mvm.adc_per_ibit": bool(serial and rng.integers(2))}
    if model == "IdealADC":
        return p
    option = ("CALIBRATED", "MAX", "GRANULAR")[rng.integers(3 if p["xbar.adc.mvm.adc_per_ibit"] else 2)]
    if option == "MAX" and not given.get("xbar.dac.mvm.bits"):
        option = "CALIBRATED"  # CrossSim's range of offset slices is negative without input bits
    p |= {
        "xbar.adc.mvm.model": model,
        "xbar.adc.mvm.bits": int(rng.integers(5, 11)),
        "xbar.adc.mvm.adc_range_option": option,
        "xbar.adc.mvm.gain_db": float(rng.choice([40.0, 60.0, 100.0])),
        "xbar.adc.mvm.symmetric_cdac": bool(rng.integers(2)),
        "xbar.adc.mvm.split_cdac": bool(rng.integers(2)),
    }
    if option == "GRANULAR" and "core.weight_bits" not in given:
        p["core.weight_bits"] = int(rng.integers(3, 7))
    if option == "CALIBRATED":
        slices = given.get("core.bit_sliced.num_slices", 1)
        highs = [float(rng.uniform(2, 12)) * 0.5**index for index in range(slices)]
        pairs = [[-high, high] for high in highs]
        p["xbar.adc.mvm.calibrated_range"] = pairs if given["core.style"] == "BITSLICED" else pairs[0]
    elif model == "SignMagnitudeADC" and given.get("xbar.dac.mvm.signed") is False:
        p["xbar.adc.mvm.model"] = "QuantizerADC"  # needs a range that is symmetric
    return p


def aihwkit_case(folder: Path, seed: int) -> Path:
    """Return a case of aihwkit: both tiles, all of the input and output stage."""
    rng = np.random.default_rng(seed)
    params = aihwkit_params(rng)
    n_out, n_in = int(rng.integers(3, 50)), int(rng.integers(3, 90))
    w = rng.normal(0, 0.4, (n_out, n_in))
    w = (w / np.abs(w).max()).astype(np.float32).astype(float)
    x = rng.normal(0, 1, (6, n_in)).clip(-3, 3).astype(np.float32).astype(float)
    x[0] = -np.abs(x[0])  # no positive input
    return write(folder / f"aihwkit_{seed}.npz", w, x, peer_model.aihwkit(w, x, params), params)


def aihwkit_params(rng: np.random.Generator) -> Params:
    """Return settings under aihwkit's names."""

    def some(*options: Any) -> Any:
        return options[rng.integers(len(options))]

    p: Params = {"_version": "aihwkit 1.2.0", "out_noise": 0.0, "tile": some("rpucuda", "torch")}
    p["inp_res"] = some(-1.0, 1 / 30, 1 / 254, 254, 1 / 126)
    p["inp_bound"] = some(1.0, 1.0, 0.7) if p["inp_res"] > 0 else some(1.0, -1.0)
    p["out_res"] = some(-1.0, 1 / 62, 1 / 254, 510)
    p["out_bound"] = some(12.0, 2.0, 6.0) if p["out_res"] > 0 else some(12.0, -1.0, 3.0)
    p["noise_management"] = some("NONE", "ABS_MAX", "CONSTANT", "MAX")
    if p["tile"] == "rpucuda" and p["inp_bound"] == 1.0 and some(True, False, False):
        p["noise_management"] = "ABS_MAX_NP_SUM"
    p["out_scale"] = some(1.0, 1.0, 0.5)
    p["nm_thres"] = some(0.0, 2.0)
    p["bound_management"] = some("NONE", "ITERATIVE", "ITERATIVE_WORST_CASE")
    p["inp_asymmetry"], p["out_asymmetry"] = some(0.0, 0.05), some(0.0, 0.03, -0.02)
    if p["tile"] == "rpucuda":
        p["mv_type"] = some("ONE_PASS", "POS_NEG_SEPARATE", "POS_NEG_SEPARATE_DIGITAL_SUM")
        p["ir_drop"] = some(0.0, 1.0, 10.0)
        p["r_series"], p["slope_calibration"] = some(0.0, 0.01), some(0.0, 0.5)
        p["out_nonlinearity"] = some(0.0, 0.5)
    return p


def irdrop_case(folder: Path, family: str, seed: int) -> Path:
    """Return a case of resistive lines whose currents are the nodal solution of the circuit."""
    rng = np.random.default_rng(seed)
    n_in, n_out = int(rng.integers(2, 12)), int(rng.integers(2, 12))
    row, col, rmin = (*rng.uniform(0.1, 20, 2).tolist(), float(rng.choice([1e3, 1e4, 3e4])))
    w = rng.uniform(-1 if family == "signed" else 0, 1, (n_out, n_in)).astype(np.float32)
    x = rng.uniform(-1, 1, (3, n_in)).astype(np.float32)
    params: Params = {"Rmin": rmin, "Rp_row": row, "Rp_col": col}
    g = (w / np.float32(rmin)).T.astype(float)
    lines = WireSpec(row, col)
    if family == "sepsource":
        x = (x > 0).astype(np.float32)
        gated = replace(lines, arrangement="separate_source")
        currents = {"Y": gated_currents(g, x.astype(float), gated) * rmin}
    elif family == "terminal":
        ohm = params["R_terminal"] = float(rng.uniform(1, 100))
        ends = {"in": replace(lines, source_ohm=ohm), "out": replace(lines, terminal_ohm=ohm)}
        currents = {f"I_exact_{end}_term": nodal_currents(g, x.astype(float), wires) for end, wires in ends.items()}
    elif family == "signed":
        pair = (np.maximum(g, 0), np.maximum(-g, 0), x.astype(float))
        currents = {"I_exact_noninterleaved": nodal_pair_currents(*pair, lines)}
        currents["I_exact_interleaved"] = nodal_pair_currents(*pair, replace(lines, pairs="interleaved"))
    else:
        currents = {"I_exact": nodal_currents(g, x.astype(float), lines)}
        currents["I_exact_absX"] = nodal_currents(g, np.abs(x).astype(float), lines)
    path = folder / f"irdrop_{family}_{seed}.npz"
    np.savez(path, params=np.array(json.dumps(params)), W=w, X=x, **currents)
    return path
