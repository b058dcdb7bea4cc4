"""Does `conform` draw recorded statistics of programmings anew, and tell one that is wrong?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aimcsim.analog.conformance import conform
from aimcsim.errors import ConfigError


@pytest.fixture
def recorded(shared_dir: Path) -> dict[str, Any]:
    """Statistics of CrossSim 3.2.0 and aihwkit 1.1.0."""
    found: dict[str, Any] = json.loads((shared_dir / "reference/numeric/stats_stochastic.json").read_text())
    return found


def written(folder: Path, **held: Any) -> Path:
    path = folder / "statistics.json"
    path.write_text(json.dumps(held))
    return path


def one_hour(recorded: dict[str, Any]) -> dict[str, Any]:
    return {"PCMLike_gmax25": {"1h": recorded["aihwkit"]["PCMLike_gmax25"]["1h"]}}


def test_means_and_the_factor_after_an_hour_come_out(recorded: dict[str, Any], tmp_path: Path) -> None:
    verdict = conform(written(tmp_path, aihwkit=one_hour(recorded)))

    (line,) = verdict.lines
    # Three means each as read, with either compensation, and without 1/f noise.
    assert (verdict.verdict, line.verdict, line.means) == ("pass", "pass", 12)
    assert abs(line.means_off) < 0.02
    assert abs(line.factor_off or 1.0) < 0.005
    assert verdict.row()["lines"][0]["time"] == "1h"


def test_a_mean_that_is_five_per_cent_off_fails_and_is_named(recorded: dict[str, Any], tmp_path: Path) -> None:
    found = one_hour(recorded)
    found["PCMLike_gmax25"]["1h"]["raw"]["w_err_std"] *= 1.05
    verdict = conform(written(tmp_path, aihwkit=found))

    assert verdict.verdict == "fail"
    assert verdict.reason.endswith("not as recorded: PCMLike_gmax25 1h")
    assert verdict.lines[0].means_off == pytest.approx(1 / 1.05 - 1, abs=0.01)


def test_a_factor_that_is_one_per_cent_off_fails(recorded: dict[str, Any], tmp_path: Path) -> None:
    found = one_hour(recorded)
    found["PCMLike_gmax25"]["1h"]["alpha_mean"] *= 1.01

    assert conform(written(tmp_path, aihwkit=found)).verdict == "fail"


def test_what_is_missed_by_less_than_its_scatter_fails_all_the_same(recorded: dict[str, Any], tmp_path: Path) -> None:
    """The scale of these pairs is the largest of many noisy weights, so twelve programmings leave much to chance."""
    found = {"ReRamWan2022_default_gmax25": {"1s": recorded["aihwkit"]["ReRamWan2022_default_gmax25"]["1s"]}}
    verdict = conform(written(tmp_path, aihwkit=found))

    (line,) = verdict.lines
    assert abs(line.means_off) > 0.02 or abs(line.factor_off or 0.0) > 0.005
    assert (verdict.verdict, line.verdict, verdict.within_one_step) == ("fail", "fail", 0)


def test_programming_noise_of_one_per_cent_has_that_deviation(tmp_path: Path) -> None:
    """Devices stand at 0 or above: of a pair, the idle one keeps half of its normal noise.

    The active device of a weight errs by sigma = 0.01. The idle one is max(0, sigma xi), whose variance is
    sigma^2 (1/2 - 1/(2 pi)) about a mean that has either sign with the weight: a mean square of sigma^2 / 2. Together
    sqrt(1.5) sigma = 0.01225; a little more than half of a per cent of weights lie so near to 0 that both are cut off.
    """
    held = {"NormalIndependent_prog_1pct": {"w_err_std": 0.01 * 1.5**0.5}}

    assert conform(written(tmp_path, crosssim=held)).verdict == "pass"


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"aihwkit": {"PCMLike_gmax52": {}}}, "aihwkit.PCMLike_gmax52: is no model that is known. Did you mean"),
        ({"aihwkit": {"Hermes_2dev": {"1fortnight": {}}}}, "aihwkit.Hermes_2dev: `1fortnight` is no time such as"),
        ({"aihwkit": []}, "aihwkit: must be an object"),
        ({"crosssim": {"SONOS_read": {"mvm_rel_l2": "much"}}}, "SONOS_read.mvm_rel_l2: must be a number (got 'much')"),
        ({"crosssim": {"SONOS_read": {}}}, "SONOS_read: holds none of w_err_std, w_rel_l2, mvm_rel_l2"),
        ({}, "must be an object with statistics under `aihwkit` or `crosssim`"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, held: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        conform(written(tmp_path, **held))
    assert message in str(caught.value)
