"""What does `aimcsim conform` print, and with which exit code?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

CASES = Path(__file__).resolve().parents[1] / "reference/numeric"
ITERATIVE = CASES / "aihwkit_torch_dac8_adc8_absmax_bound2_iterative.npz"
SIGNED = CASES / "irdrop_signed_n32_rp1.npz"


@pytest.fixture
def changed(folder) -> Path:
    """A recorded case one of whose outputs is another."""
    with np.load(SIGNED) as held:
        arrays = {name: held[name] for name in held.files}
    arrays["I_exact_interleaved"][0, 0] *= 1.5
    np.savez(folder / SIGNED.name, **arrays)
    return Path(SIGNED.name)


def test_a_row_for_every_file(command):
    result = command("conform", ITERATIVE, SIGNED)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("2 recorded cases reproduced\n")
    lines = result.stdout.splitlines()
    for outputs, reason in (("384", "all equal"), ("256", "within 1e-09")):
        rows = [line.split() for line, below in pairwise(lines) if below == f"  {reason}"]
        assert [(row[1:4], row[-1]) for row in rows] == [([outputs] * 3, "pass")]


def test_json_is_a_list_of_verdicts(command):
    result = command("conform", "--json", ITERATIVE)

    (row,) = json.loads(result.stdout)
    assert list(row) == ["file", "outputs", "exact", "within_one_step", "max_rel_err", "verdict", "reason"]
    assert (row["file"], row["outputs"], row["exact"], row["verdict"]) == (str(ITERATIVE), 384, 384, "pass")


def test_one_that_does_not_come_out_makes_exit_code_3(command, changed):
    result = command("conform", "--json", SIGNED, changed)

    assert result.exit_code == 3
    assert [row["verdict"] for row in json.loads(result.stdout)] == ["pass", "fail"]


def write(path: str, **arrays: object) -> None:
    shapes = {"W": np.zeros((2, 3)), "X": np.zeros((4, 3)), "Y": np.zeros((4, 2))}
    params = json.dumps({"_version": "aihwkit 1.2.0", "out_noise": 0.0})
    np.savez(path, **{"params": np.array(params), **shapes, **arrays})


def crosssim(**settings: object) -> np.ndarray:
    return np.array(json.dumps({"_version": "CrossSim 3.2.0", **settings}))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"W": np.zeros(3)}, "W: must be [any, any] of real numbers (got [3] of float64)"),
        ({"X": np.zeros((4, 5))}, "X: must be [any, 3] of real numbers (got [4, 5] of float64)"),
        ({"Y": np.full((4, 2), np.nan)}, "Y: must be finite"),
        ({"params": np.array("{")}, "params: is no JSON"),
        ({"params": np.array("3")}, "params: must be a JSON object"),
        ({"params": np.array('{"a": 1}')}, "params: `_version` or the file's name must say whose case it is"),
        ({"params": crosssim(**{"xbar.adc.mvm.bitz": 8})}, "xbar.adc.mvm.bitz: is not supported. Did you mean"),
        ({"params": crosssim(**{"xbar.adc.mvm.bits": 8.5})}, "xbar.adc.mvm.bits: must be an integer from 0 to 16"),
        ({"params": crosssim(**{"core.style": "TRIPLE"})}, "core.style: `TRIPLE` is not supported; there is BALANCED"),
        (
            {"params": crosssim(**{"xbar.device.read_noise.enable": True, "xbar.device.read_noise.model": "SONOS"})},
            "xbar.device.read_noise.model: `SONOS` is not supported for reads alone",
        ),
        (
            {"params": np.array('{"_version": "aihwkit 1.2.0", "out_noise": 0.1}')},
            "params: has noise, so there is nothing to be equal to",
        ),
        (
            {"params": np.array('{"_version": "aihwkit 1.2.0", "noise_management": "AVERAGE_ABS_MAX"}')},
            "noise_management: `AVERAGE_ABS_MAX` is not supported; there is NONE, ABS_MAX, CONSTANT, MAX",
        ),
        (
            {"params": np.array('{"_version": "aihwkit 1.2.0", "out_sto_round": true}')},
            "out_sto_round: `True` is not supported; there is only `False`",
        ),
        (
            {"params": np.array('{"_version": "aihwkit 1.2.0", "bound_management": "Shift"}')},
            "bound_management: `Shift` is not supported: aihwkit's CUDA tile shifts outputs",
        ),
        (
            {"params": np.array('{"_version": "aihwkit 1.2.0", "bm_test_negative_bound": false}')},
            "bm_test_negative_bound: false is not supported: the C++ tile then lets the last output that clips decide",
        ),
    ],
)
def test_a_file_that_is_no_case_is_named_with_what_is_wrong(command, folder, arrays, message):
    write("case.npz", **arrays)

    result = command("conform", "case.npz")

    assert result.exit_code == 2
    assert result.stderr.startswith(f"case.npz: {message}"), result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_all_files_that_cannot_be_read_are_named_at_once(command, folder):
    Path("text.npz").write_text("no zip")

    result = command("conform", "absent.npz", "text.npz", SIGNED)

    assert result.exit_code == 2
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["absent.npz", "text.npz"]


def test_a_file_that_cannot_be_read_fails_and_leaves_the_others_their_verdicts(command, folder):
    write("case.npz", W=np.zeros(3))

    result = command("conform", "--json", SIGNED, "case.npz", ITERATIVE)

    rows = json.loads(result.stdout)
    assert result.exit_code == 2
    assert [row["verdict"] for row in rows] == ["pass", "fail", "pass"]
    assert (rows[1]["outputs"], rows[1]["max_rel_err"]) == (0, None)
    assert rows[1]["reason"].startswith("W: must be [any, any] of real numbers")
    assert result.stderr.startswith("case.npz: W: must be")


@pytest.mark.parametrize("key", ["Rmin", "Rp_row", "Rp_col", "R_terminal"])
def test_a_circuit_without_one_of_its_resistances_is_refused(command, folder, key):
    params = {name: 1.0 for name in ("Rmin", "Rp_row", "Rp_col", "R_terminal") if name != key}
    shapes = {"W": np.zeros((2, 3)), "X": np.zeros((4, 3)), "I_exact_in_term": np.zeros((4, 2))}
    np.savez("irdrop_terminal_n3.npz", params=np.array(json.dumps(params)), **shapes)

    result = command("conform", "irdrop_terminal_n3.npz")

    assert (result.exit_code, result.stderr) == (2, f"irdrop_terminal_n3.npz: {key}: is missing\n")


@pytest.mark.parametrize("environment", [{"AIMCSIM_NO_EXT": "1"}, {"AIMCSIM_ISA": "sse2"}], ids=str)
def test_cases_come_out_without_the_compiled_kernels_and_with_weak_ones(environment, folder):
    from aimcsim import _kernels

    if environment.get("AIMCSIM_ISA", "twin") not in _kernels.implementations():
        pytest.skip("this processor has other instruction sets")
    run = [sys.executable, "-m", "aimcsim", "conform", "--json", *map(str, sorted(CASES.glob("*.npz")))]

    found = subprocess.run(run, capture_output=True, text=True, env={**os.environ, **environment}, check=False)

    assert found.returncode == 0, found.stderr
    assert {row["verdict"] for row in json.loads(found.stdout)} == {"pass"}
