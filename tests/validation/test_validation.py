"""Are published figures met, computed and not typed in, and is what is missed or not run said?"""

import importlib.util
from pathlib import Path

import pytest

from aimcsim.costs import REFERENCES
from aimcsim.located import read_yaml
from aimcsim.spec import load_chip
from aimcsim.validation import SIMULATED, Result, Target, isaac, load_targets, validate

ROOT = Path(__file__).resolve().parents[2]
KEYS = ["id", "published", "simulated", "unit", "error_pct", "tolerance_pct", "class", "verdict", "fitted", "source"]


@pytest.fixture(scope="module")
def results():
    return validate()


def test_every_figure_that_follows_from_a_chip_file_is_met(results):
    derivable = [one for one in results if one.target.kind == "derivable" and one.verdict != "not run"]
    assert {one.target.chip for one in derivable} >= {
        "isaac",
        "puma",
        "hermes",
        "jain",
        "neurram",
        "speech",
        "gaincell",
    }
    # The components that were published of it give 9.18 TOPS/W beside the 8.26 that were, too.
    assert [one.target.id for one in derivable if one.verdict != "pass"] == ["neurram.eff_8b_6b"]


def test_what_must_emerge_from_isaac_does(results):
    emergent = {
        one.target.id: one for one in results if one.target.id.startswith("isaac.") and one.target.kind == "emergent"
    }
    assert set(emergent) == {
        f"isaac.{name}" for name in ("pipeline_fill", "initiation", "link_bw", "edram_bus", "replication")
    }
    assert {one.verdict for one in emergent.values()} == {"pass"}


def test_a_missed_target_that_is_run_says_why(results):
    assert [one.target.id for one in results if one.verdict == "fail" and not one.target.note] == []


def test_nothing_is_fitted_without_a_word_on_what_else_it_predicts(results):
    assert [one.target.id for one in results if one.target.fitted and not one.target.note] == []


def test_the_page_is_what_the_results_are(results):
    spec = importlib.util.spec_from_file_location("validation_script", ROOT / "scripts" / "validation.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.page(results) == script.PAGE.read_text(), "run scripts/validation.py"


def test_figures_are_computed_from_the_chip(monkeypatch):
    """Another chip under the same name gives other figures: conversions of twice the energy that [isaac16] has."""
    dear = load_chip("isaac", ["costs.adc.actions.convert.energy=3.125 pJ"])
    for cached in (isaac._chip, isaac._plate):
        cached.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(isaac, "_chip", lambda: dear)
        # Twice the 192 mW that converters draw in a tile.
        assert isaac.tile_power_mw() == pytest.approx(329.81 + 192)
    isaac._plate.cache_clear()


def test_every_computed_target_is_published():
    assert set(SIMULATED) <= {target.id for target in load_targets()}


def test_targets_have_known_sources_and_ids_of_their_own():
    targets = load_targets()
    assert len({target.id for target in targets}) == len(targets)
    assert {target.source.partition(".")[0] for target in targets} <= set(REFERENCES)
    assert {target.kind for target in targets} == {"derivable", "emergent"}


NAMES = {
    "pumasim.accesses": ["pumasim.adc", "pumasim.crossbar", "pumasim.dac", "pumasim.shift_add"],
    "puma.mvm_latency_sim": ["pumasim.mvm_latency"],
    "puma.mlpl4_floor": ["puma.mlpl4_latency", "puma.mlpl4_energy"],
    "puma.relative_orders": ["puma.order"],
    "pumasim.fc": [f"pumasim.fc{size}" for size in (128, 256, 512, 1024)],
    "pumasim.mlp_l4": ["pumasim.mlpl4", "pumasim.mlpl4_dynamic", "pumasim.mlpl4_leakage"],
    "hermes.eff": ["hermes.eff_1p", "hermes.eff_4p"],
    "speech.frames": ["speech.decoder_frame", "speech.rnnt_step", "speech.kws_frame"],
    "speech.rnnt_system": ["speech.rnnt_rate", "speech.rnnt_power", "speech.rnnt_latency"],
    "jain.tile": ["jain.tile_peak", "jain.tile_energy", "jain.tile_area"],
    "jain.resnet32": ["jain.resnet32_latency", "jain.resnet32_energy", "jain.resnet32_tiles"],
    "sim3d.enc_law": ["sim3d.encoder_1", "sim3d.encoder_64"],
    "sim3d.enc12": ["sim3d.encoders_12"],
    "neurram.latency": [f"neurram.latency_{bits}" for bits in ("4b_2b", "6b_4b", "8b_6b", "10b_8b")],
    "neurram.eff": [f"neurram.eff_{bits}" for bits in ("4b_2b", "6b_4b", "8b_6b", "10b_8b")],
    "garofalo.mobilenet": ["garofalo.mobilenet_latency", "garofalo.mobilenet_energy"],
    "bruschi.resnet18": ["bruschi.resnet18_rate", "bruschi.resnet18_batch", "bruschi.resnet18_energy"],
    "joshi.resnet32": ["joshi.resnet32_25s", "joshi.resnet32_1d"],
}


def test_no_published_target_is_forgotten(shared_dir):
    """The reference data has several figures in one target, which are one target each here."""
    rows = read_yaml(shared_dir / "reference/chips/validation_targets.yaml").data["targets"]
    wanted = {name for row in rows for name in NAMES.get(row["id"], [row["id"]])}
    assert wanted <= {target.id for target in load_targets()}


def target(**changed):
    plain = {"id": "chip.x", "preset": "chip", "quantity": "x", "published": 100, "unit": "W", "tolerance_pct": 1.0}
    return Target(**{**plain, "kind": "derivable", "source": "aimcsim", **changed})


@pytest.mark.parametrize(
    ("bound", "simulated", "error", "verdict"),
    [
        (None, None, None, "not run"),
        (None, 101.0, 1.0, "pass"),
        (None, 98.9, -1.1, "fail"),
        ("at_most", 20.0, 0.0, "pass"),
        ("at_most", 102.0, 2.0, "fail"),
        ("at_least", 400.0, 0.0, "pass"),
        ("at_least", 98.0, -2.0, "fail"),
    ],
)
def test_a_verdict_is_that_of_the_error(bound, simulated, error, verdict):
    result = Result(target(bound=bound), simulated)
    assert result.error_pct == (None if error is None else pytest.approx(error))
    assert result.verdict == verdict
    assert list(result.row()) == KEYS
