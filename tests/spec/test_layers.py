"""How a chip file, what it extends and what is set on the command line become one chip."""

from fractions import Fraction
from pathlib import Path

import pytest

from aimcsim.spec import Duration, load_chip, preset_names, resolved_yaml


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_presets_are_chips_by_name() -> None:
    assert {"isaac", "puma", "tiny"} <= set(preset_names())
    assert [load_chip(name).name for name in preset_names()] == list(preset_names())


def test_an_extending_file_changes_only_what_it_says(tmp_path: Path) -> None:
    tiny = load_chip("tiny")
    chip = load_chip(written(tmp_path, "chip.yaml", "extends: tiny\ntile: {adc: {bits: 6}}\n"))

    assert chip.tile.adc.bits == 6
    assert chip.tile.adc.converters == tiny.tile.adc.converters
    assert chip.tables == tiny.tables


def test_a_file_extends_another_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    written(tmp_path / "base", "one.yaml", "extends: tiny\nname: one\ndescription: first\n")
    written(tmp_path / "base", "two.yaml", "extends: one.yaml\nname: two\n")
    chip = load_chip(written(tmp_path, "three.yml", "extends: base/two.yaml\nsystem: {packages: 1}\n"))

    assert (chip.name, chip.description) == ("two", "first")


def test_lists_are_replaced_and_mappings_merged(tmp_path: Path) -> None:
    text = (
        "extends: tiny\n"
        "tables: {vector: {stages: [{name: only, resource: vector_unit, latency: 2 cycles}]}}\n"
        "tile: {buffers: {spare: {size: 1 KiB, clock: digital}}}\n"
    )
    chip = load_chip(written(tmp_path, "chip.yaml", text))

    assert [stage.name for stage in chip.tables["vector"].stages] == ["only"]
    assert set(chip.tile.buffers) == {"scratch", "spare"}


def test_a_clock_given_as_a_frequency_keeps_its_inherited_crossing(tmp_path: Path) -> None:
    chip = load_chip(written(tmp_path, "chip.yaml", "extends: tiny\nclocks: {digital: 2 GHz}\n"))

    assert chip.clocks["digital"].frequency_hz == 2 * 10**9
    assert chip.clocks["digital"].crossing == 1
    assert load_chip("tiny", ["clocks.digital=2 GHz"]).clocks == chip.clocks


def test_places_tell_which_file_a_value_came_from(tmp_path: Path) -> None:
    path = written(tmp_path, "chip.yaml", "extends: tiny\ntile:\n  adc: {bits: 6}\n")
    where = load_chip(path, ["tile.crossbars=16"]).where

    assert str(where.problem("tile.adc.bits", "x")) == f"{path}:3:15: tile.adc.bits: x"
    assert str(where.problem("tile.crossbars", "x")) == "--set:1:16: tile.crossbars: x"
    assert where.problem("tile.crossbar.rows", "x").file == "presets/tiny.yaml"
    assert where.problem("tile.crossbar.nothing", "x").line == where.problem("tile.crossbar", "x").line


def test_crlf_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "chip.yaml"
    path.write_bytes(b"\xef\xbb\xbfextends: tiny\r\ntile:\r\n  adc: {bits: 6}\r\n")

    assert load_chip(path) == load_chip("tiny", ["tile.adc.bits=6"])


@pytest.mark.parametrize("item", ["stages[0]", "stages.fetch"])
def test_an_override_names_an_item_by_number_or_name(item: str) -> None:
    chip = load_chip("tiny", [f"tables.mvm.{item}.latency=3 cycles"])

    assert chip.tables["mvm"].stages[0].latency == Duration(cycles=3)
    assert load_chip("tiny", [f"tables.mvm.{item}.latency=7 ns"]).tables["mvm"].stages[0].latency == Duration(
        time_ps=7000
    )


def test_overrides_apply_in_order_and_may_build_on_each_other() -> None:
    chip = load_chip(
        "tiny",
        [
            "tile.buffers.extra={size: 1 KiB, clock: digital}",
            "tile.buffers.extra.size=2 KiB",
            "tile.output_buffer=extra",
            "costs.extra={instances_per: buffer, source: aimcsim, grade: assumed, how: a test}",
            "costs.extra.actions.read={energy: 1 pJ, source: aimcsim, grade: assumed, how: a test}",
            "costs.extra.actions.write={energy: 2 pJ, source: aimcsim, grade: assumed, how: a test}",
        ],
    )

    assert chip.tile.buffers["extra"].size_bytes == 2048
    assert chip.action_cost("output_buffer.write").energy_j == Fraction(2, 10**12)
    assert chip.action_cost("input_buffer.read") == chip.costs["scratch"].actions["read"]


def test_a_suspicious_magnitude_may_be_meant() -> None:
    chip = load_chip("tiny", ["clocks.digital=200 GHz", "suspicious=allow"])

    assert chip.clocks["digital"].frequency_hz == 200 * 10**9


@pytest.mark.parametrize("name", ["tiny", "isaac"])
def test_the_resolved_file_is_the_same_chip_without_a_base(tmp_path: Path, name: str) -> None:
    chip = load_chip(name, ["tile.crossbar.rows=32"])
    text = resolved_yaml(chip)

    assert "extends" not in text
    assert load_chip(written(tmp_path, "resolved.yaml", text)) == chip
    assert resolved_yaml(load_chip(tmp_path / "resolved.yaml")) == text


def test_the_resolved_file_states_defaults_and_sources() -> None:
    text = resolved_yaml(load_chip("isaac"))

    assert "reuse: none" in text
    assert "step: auto" in text
    assert "static_power: 10.4 W" in text
    assert text.count(" source: ") == text.count(" grade: ") == text.count(" how: ")
