"""Do recorded cases of CrossSim, aihwkit and wire resistance come out, and further ones of the same form?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from aimcsim.analog.conformance import conform
from aimcsim.errors import ConfigError
from tests.analog import peer_cases, peer_model

HERE = Path(__file__).resolve().parents[1] / "reference/numeric"
COPIED = sorted(HERE.glob("*.npz"))


@pytest.fixture(scope="module")
def recorded(shared_dir: Path) -> list[Path]:
    return sorted(
        path for path in (shared_dir / "reference/numeric").glob("*.npz") if not path.name.startswith("stats")
    )


def test_all_recorded_cases_come_out(recorded):
    assert len(recorded) >= 47

    verdicts = [conform(path) for path in recorded]

    assert [one for one in verdicts if one.verdict != "pass"] == []


@pytest.mark.parametrize("path", COPIED, ids=lambda path: path.stem)
def test_the_cases_that_come_along_come_out_on_every_instruction_set(path, implementation):
    assert conform(path).verdict == "pass"


def test_an_output_that_is_two_steps_off_fails(tmp_path):
    """aihwkit: outputs behind an 8-bit converter of bound 12 stand 24/254 apart, times the largest input."""
    source = HERE / "aihwkit_torch_dac8_adc8_absmax_bound2_iterative.npz"
    with np.load(source) as held:
        arrays = {name: held[name] for name in held.files}
    arrays["Y"][3, 5] += 2.1 * 2 * 2.0 / 254 * np.abs(arrays["X"][3]).max() * 8
    np.savez(tmp_path / source.name, **arrays)

    found = conform(tmp_path / source.name)

    assert (found.verdict, found.exact) == ("fail", found.outputs - 1)
    assert found.reason == "1 off by more than a step"


def test_many_outputs_a_step_off_fail(tmp_path):
    """Of 384 outputs, 99.5 % must be equal: 382.1 of them, so that one may differ and two may not."""
    source = HERE / "crosssim_balanced_dac8_adc8_digital_posneg.npz"
    with np.load(source) as held:
        arrays = {name: held[name] for name in held.files}
    verdicts = []
    for count in (1, 2, 3):
        changed = {**arrays, "Y": arrays["Y"].copy()}
        changed["Y"][0, :count] += 24.0 / 255 / 0.9  # one step of the converter, over the range of conductances
        np.savez(tmp_path / source.name, **changed)
        verdicts.append(conform(tmp_path / source.name).verdict)

    assert verdicts == ["pass", "fail", "fail"]


def test_an_exact_current_a_billionth_off_fails(tmp_path):
    source = HERE / "irdrop_sepsource_n32_rp1.npz"
    with np.load(source) as held:
        arrays = {name: held[name] for name in held.files}
    arrays["Y"][2, 7] += 1.1e-9 * np.abs(arrays["Y"]).max()
    np.savez(tmp_path / source.name, **arrays)

    assert conform(tmp_path / source.name).verdict == "fail"


def test_a_single_array_is_no_case(tmp_path):
    np.save(tmp_path / "crosssim_weights.npy", np.ones((2, 3)))

    with pytest.raises(ConfigError, match=r"weights\.npy: must be an \.npz with W, X, Y and params"):
        conform(tmp_path / "crosssim_weights.npy")


def test_recorded_statistics_of_devices_come_out(shared_dir):
    """15 curves of 100 points, each point from 20 000 devices there and 50 000 here."""
    found = conform(shared_dir / "reference/numeric/stats_tables.npz")

    assert (found.verdict, found.outputs, found.exact) == ("pass", 1500, 1500), found


def test_a_single_point_of_a_curve_that_is_four_per_cent_off_fails(shared_dir, tmp_path):
    with np.load(shared_dir / "reference/numeric/stats_tables.npz") as held:
        arrays = {name: held[name] for name in ("g_rel", "pcm_prog_mean_uS", "pcm_nu_mean")}
    arrays["pcm_nu_mean"][50] *= 1.04
    np.savez(tmp_path / "stats_tables.npz", **arrays)

    found = conform(tmp_path / "stats_tables.npz")

    assert (found.verdict, found.outputs - found.exact) == ("fail", 1)
    assert found.reason == "pcm_nu_mean not as recorded"


def test_only_the_case_with_two_slices_is_rich_in_ties(recorded):
    """Its conversions stand at ties because currents of one-bit inputs are multiples of 1/15, and so is the range."""
    rich = [path.stem for path in recorded if conform(path).reason.startswith("tie-rich")]

    assert rich == ["crosssim_bitsliced2_balanced_w9_bitserial8_adc8_cal"]


def test_the_peer_model_gives_what_the_peers_recorded(recorded):
    """So that cases which it computes are as good as recorded ones; ties are decided by the last bit and left out."""
    for path in recorded:
        if path.name.startswith("irdrop") or "bitsliced2" in path.name:
            continue
        with np.load(path) as held:
            params = json.loads(str(held["params"]))
            w, x, y = (held[name].astype(float) for name in "WXY")
        model = peer_model.crosssim if path.name.startswith("crosssim") else peer_model.aihwkit
        difference = np.abs(model(w, x, params) - y) / np.abs(y).max()
        assert (difference > 2e-5).mean() <= 0.005, path.name


@pytest.mark.parametrize("seed", range(150))
def test_crosssim_with_other_settings_comes_out(seed, tmp_path):
    found = conform(peer_cases.crosssim_case(tmp_path, seed))

    assert found.verdict == "pass", found


@pytest.mark.parametrize("seed", range(100))
def test_aihwkit_with_other_settings_comes_out(seed, tmp_path):
    found = conform(peer_cases.aihwkit_case(tmp_path, seed))

    assert found.verdict == "pass", found


@pytest.mark.parametrize("family", ["inputsource", "signed", "sepsource", "terminal"])
@pytest.mark.parametrize("seed", range(6))
def test_other_circuits_come_out(family, seed, tmp_path):
    found = conform(peer_cases.irdrop_case(tmp_path, family, seed))

    assert found.verdict == "pass", found
