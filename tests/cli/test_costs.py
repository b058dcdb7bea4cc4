"""Do the commands on costs say what a chip costs, where from, how well that is known, and what was published?"""

import json
from dataclasses import replace

import pytest

from aimcsim.cli.guard import CHECK_FAILED
from aimcsim.costs import REFERENCES
from aimcsim.spec import preset_text
from aimcsim.validation import checking, load_targets

KEYS = ["id", "published", "simulated", "unit", "error_pct", "tolerance_pct", "class", "verdict", "fitted", "source"]


SRAM = "costs.scratch.from={model: sram, node: 22 nm}"


@pytest.mark.parametrize("path", ["tile.adc", "adc", "adc.convert", "chip.tile[2].adc_bank[0]"])
def test_any_path_to_a_component_explains_it(command, path):
    text = command("explain", "isaac", path).stdout
    assert text.startswith("tile.adc of isaac\n")
    # 16 mW x 100 ns / 1024 = 1.5625 pJ, derived: within a factor of 1.5.
    for word in (
        "16128, one per converter",
        "1.56 pJ (1.04 pJ to 2.34 pJ)",
        "16 mW x 100 ns / (8 x 128)",
        "isaac16.table1",
    ):
        assert word in text


def test_explain_as_json_has_cost_source_derivation_grade_and_range(command):
    (row,) = json.loads(command("explain", "tiny", "tile.adc", "--json").stdout)
    (action,) = row["actions"]
    assert (row["component"], row["instances"], row["grade"], action["grade"]) == (
        "tile.adc",
        768,
        "derived",
        "derived",
    )
    assert action["energy_range_j"] == pytest.approx([action["energy_j"] / 1.5, action["energy_j"] * 1.5])
    assert action["source"] == "adc24.regression"
    assert "8 bits, 100 MS/s, 22 nm" in action["derivation"]
    assert action["stages"] == ["tables.mvm.convert: columns in 10.0 ns per 1 column_groups"]
    assert action["citation"] == REFERENCES["adc24"].citation


def test_a_level_explains_all_that_is_in_it(command):
    rows = json.loads(command("explain", "isaac", "chip", "--json").stdout)
    assert [row["component"] for row in rows] == ["chip.host_link"]
    rows = json.loads(command("explain", "isaac", "tile", "--json").stdout)
    assert len(rows) == 14


def test_without_a_path_explain_lists_those_there_are_and_each_explains_one(command):
    rows = json.loads(command("explain", "tiny", "--json").stdout)
    assert {"path": "tile.adc", "actions": ["convert"]} in rows
    explained = json.loads(command("explain", "tiny", "system", "--json").stdout)
    assert [row["path"] for row in rows] == [row["component"] for row in explained]
    text = command("explain", "tiny").stdout
    assert all(row["path"] in text for row in rows)


def test_explain_follows_a_changed_field(command):
    def energy(*options):
        (row,) = json.loads(command("explain", "tiny", "adc", "--json", *options).stdout)
        return row["actions"][0]["energy_j"]

    # 10^0.28001 x (9/8)^-2.82913 = 1.3655 for one bit more at a low rate.
    assert energy("--set", "tile.adc.bits=9") / energy() == pytest.approx(1.3655, rel=1e-3)


def test_an_unknown_component_is_answered_with_those_there_are(command):
    result = command("explain", "tiny", "tile.adcs")
    assert result.exit_code == 2
    assert result.stderr == "no such component (got `tile.adcs`). Did you mean `tile.adc`?\n"


@pytest.mark.filterwarnings("always")  # not as errors, as in all other tests
def test_a_warning_is_a_line_on_stderr(command):
    result = command("explain", "tiny", "scratch", "--json", "--set", SRAM, "--set", "tile.buffers.scratch.size=4 MiB")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("warning: --set:1:")
    assert line.endswith("costs.scratch: sram is carried on: a size of 4 MiB is outside 64 KiB to 1 MiB")


def test_cite_lists_works(command):
    everything = json.loads(command("cite", "--json").stdout)
    assert [row["reference"] for row in everything] == list(REFERENCES)
    of_isaac = json.loads(command("cite", "isaac", "--json").stdout)
    assert of_isaac[0]["reference"] == "isaac16"
    assert of_isaac[0]["doi"] in command("cite", "isaac").stdout


def test_area_and_power_of_a_chip_by_level_and_component(command):
    view = json.loads(command("chips", "isaac", "--json").stdout)
    levels = {row["level"]: row for row in view["levels"]}
    assert sum(row["area_m2"] for row in view["components"]) == pytest.approx(levels["chip"]["area_m2"])
    assert sum(row["power_w"] for row in view["components"]) == pytest.approx(levels["chip"]["power_w"])
    tiles = [row for row in view["components"] if row["level"] == "tile"]
    assert sum(row["power_w"] for row in tiles) == pytest.approx(168 * levels["tile"]["power_w"])
    # 8 x 16 products of 128 inputs each, two operations, in 1.6 us: 16128 x 4096 / 1.6 us.
    assert view["peak_ops_per_s"] == pytest.approx(16128 * 4096 / 1.6e-6)
    assert view["peak_ops_per_j"] == pytest.approx(view["peak_ops_per_s"] / levels["chip"]["power_w"])
    text = command("chips", "isaac").stdout
    # Over the ends of the ranges of power and area of the chip.
    for figure, total in (("peak_ops_per_j", "power_range_w"), ("peak_ops_per_s_m2", "area_range_m2")):
        low, high = levels["chip"][total]
        assert view[f"{figure}_range"] == pytest.approx([view["peak_ops_per_s"] / high, view["peak_ops_per_s"] / low])
    for word in ("41.3 TOPS, 627 GOPS/W (", "), 483 GOPS/mm2 (", "two operations", "16-bit weight"):
        assert word in " ".join(text.split())


def test_a_run_says_what_it_sustained_and_how_well_that_is_known(command):
    summary = json.loads(command("run", "tiny", "digits_cnn", "--json").stdout)
    # conv1 9 x 16 weights at 64 pixels, conv2 144 x 32 at 64, conv3 288 x 32 at 16, fc 128 x 10: two operations each.
    macs = 9 * 16 * 64 + 144 * 32 * 64 + 288 * 32 * 16 + 128 * 10
    assert summary["operations"] == 2 * macs
    energy = summary["energy_j"]["per_request"]
    assert summary["ops_per_s"] == pytest.approx(2 * macs * summary["throughput_per_s"])
    assert summary["ops_per_j"] == pytest.approx(2 * macs / energy)
    low, high = summary["ranges"]["energy_j"]
    # Grades from derived to assumed: each part within a factor of 1.5 to 2.
    assert 1.5 <= energy / low <= 2
    assert 1.5 <= high / energy <= 2
    assert summary["ranges"]["ops_per_j"] == pytest.approx([2 * macs / high, 2 * macs / low])
    text = command("run", "tiny", "digits_cnn").stdout
    assert "a multiply-accumulate is 2 operations" in " ".join(text.split())


def published(**changed):
    """Return the target of the peak of `isaac` with other figures."""
    (peak,) = [target for target in load_targets() if target.id == "isaac.peak"]
    return (replace(peak, **changed),)


def test_the_command_prints_rows_and_fails_where_one_is_outside(command, monkeypatch):
    monkeypatch.setattr(checking, "load_targets", published)
    result = command("validate", "isaac", "--json")
    assert result.exit_code == 0
    (row,) = json.loads(result.stdout)
    assert list(row) == KEYS
    assert row["simulated"] == pytest.approx(2 * 16128 * 128 * 16 / 1.6e-6 / 1e12)

    monkeypatch.setattr(checking, "load_targets", lambda: published(published=41.0, tolerance_pct=0.5))
    result = command("validate", "isaac")
    assert result.exit_code == CHECK_FAILED
    assert "1 fail" in result.stdout


def test_a_chip_without_targets_is_answered_with_those_that_have_some(command):
    result = command("validate", "isaak")
    assert result.exit_code == 2
    assert result.stderr == "no targets of this chip (got `isaak`). Did you mean `isaac`?\n"


def test_a_chip_file_is_held_against_the_preset_it_extends(command, folder):
    (folder / "mine.yaml").write_text("extends: gaincell\nname: mine\n")
    (row,) = json.loads(command("validate", "mine.yaml", "--json").stdout)
    assert (row["id"], row["verdict"], list(row)) == ("gaincell.energy", "pass", KEYS)

    (folder / "other.yaml").write_text(preset_text("gaincell").replace("name: gaincell", "name: mine"))
    result = command("validate", "other.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith("other.yaml: `mine` extends no chip with published figures; --against PRESET")
    assert command("validate", "other.yaml", "--against", "gaincell").exit_code == 0
