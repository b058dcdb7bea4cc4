"""Are the recorded currents of arrays with resistive lines reproduced?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimcsim.analog.wires import (
    PolynomialDrop,
    WireSpec,
    effective_matrix,
    effective_pair,
    nodal_currents,
    nodal_pair_currents,
)

HERE = Path(__file__).resolve().parents[2] / "reference/numeric"
GATE = 1e-9  # largest difference by largest current
ONE_OHM = WireSpec(1.0, 1.0)


def case(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Return conductances, voltages and everything else of a recorded case; `irdrop.md` says why float32."""
    recorded = dict(np.load(folder / f"irdrop_{name}.npz"))
    params = json.loads(str(recorded["params"]))
    assert (params["Rp_row"], params["Rp_col"]) == (1.0, 1.0)
    g = (recorded["W"].T / np.float32(params["Rmin"])).astype(np.float64)
    return g, recorded["X"].astype(np.float64), {**recorded, "params": params}


def error(found: np.ndarray, recorded: np.ndarray) -> float:
    return float(np.abs(found - recorded).max() / np.abs(recorded).max())


@pytest.fixture(params=["inputsource_n16_rp1", "inputsource_n64_rp1"])
def input_source(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    if request.param == "inputsource_n16_rp1":
        return case(HERE, request.param)
    return case(request.getfixturevalue("shared_dir") / "reference/numeric", request.param)


def test_input_lines_as_sources(
    input_source: tuple[np.ndarray, np.ndarray, dict[str, Any]], implementation: str
) -> None:
    g, x, recorded = input_source
    if implementation == "twin" and len(g) > 16:
        pytest.skip("the kernel tests show that the twin gives the same bits")
    matrix = effective_matrix(g, ONE_OHM)

    assert np.array_equal(g, recorded["G_siemens"])
    assert error(x @ matrix, recorded["I_exact"]) < GATE
    assert error(x @ matrix, recorded["I_badcrossbar"]) < GATE
    assert error(np.abs(x) @ matrix, recorded["I_exact_absX"]) < GATE


def test_the_whole_circuit_with_input_lines_as_sources(
    input_source: tuple[np.ndarray, np.ndarray, dict[str, Any]],
) -> None:
    g, x, recorded = input_source

    assert error(nodal_currents(g, x, ONE_OHM), recorded["I_exact"]) < GATE


def test_terminal_resistance_sits_at_the_head_of_every_input_line_or_at_the_end_of_every_output_line() -> None:
    g, x, recorded = case(HERE, "terminal_n32_rp1_rt50")
    terminal_ohm = recorded["params"]["R_terminal"]
    for key, wires in (
        ("I_exact_in_term", WireSpec(1.0, 1.0, source_ohm=terminal_ohm)),
        ("I_exact_out_term", WireSpec(1.0, 1.0, terminal_ohm=terminal_ohm)),
    ):
        assert error(x @ effective_matrix(g, wires), recorded[key]) < GATE
        assert error(nodal_currents(g, x, wires), recorded[key]) < GATE


@pytest.mark.parametrize(("pairs", "key"), [("separate", "noninterleaved"), ("interleaved", "interleaved")])
def test_signed_weights(pairs: Any, key: str) -> None:
    g, x, recorded = case(HERE, "signed_n32_rp1")
    positive, negative = np.maximum(g, 0), np.maximum(-g, 0)
    wires = WireSpec(1.0, 1.0, pairs=pairs)

    assert error(x @ effective_pair(positive, negative, wires), recorded[f"I_exact_{key}"]) < GATE
    assert error(nodal_pair_currents(positive, negative, x, wires), recorded[f"I_exact_{key}"]) < GATE


def test_separate_sources() -> None:
    g, x, recorded = case(HERE, "sepsource_n32_rp1")
    currents = nodal_currents(g, x, WireSpec(1.0, 1.0, arrangement="separate_source"))

    assert error(currents * recorded["params"]["Rmin"], recorded["Y"]) < GATE


def test_the_polynomial_is_that_of_the_other_simulator(shared_dir: Path) -> None:
    """Its tile scales inputs by their largest magnitude and rounds them to steps of 1/127 before the array."""
    recorded = np.load(shared_dir / "reference/numeric/aihwkit_rpucuda_irdrop_default.npz")
    assert json.loads(str(recorded["params"]))["ir_drop"] == 1.0
    weights, x = recorded["W"], recorded["X"]
    scale = np.abs(x).max(axis=1, keepdims=True)
    levels = (np.rint(x / scale * np.float32(127)) / np.float32(127)).astype(np.float32)
    without = levels @ weights.T

    found = (without - PolynomialDrop(weights).drop(levels)) * scale

    assert error(found, recorded["Y"]) < 1e-6  # both sides are float32
    assert error(without * scale, recorded["Y"]) > 1e-4  # and the drop is seen
