"""Costs in chip files: what is missing or wrong is refused at its line, and models ask the chip for what is left
out.
"""

import re
from fractions import Fraction
from typing import get_args

import pytest

from aimcsim import simulate
from aimcsim.costs import MODELS
from aimcsim.errors import ConfigError
from aimcsim.spec import load_chip, preset_names, preset_text, resolved_yaml
from aimcsim.spec.cost_entries import ModelName
from aimcsim.spec.pricing import CostWarning
from aimcsim.spec.rates import conversion_rate_hz, mvm_interval_s


def test_the_file_knows_every_model() -> None:
    assert set(get_args(ModelName)) == set(MODELS)


def lines_with_energy(name):
    lines = preset_text(name).split("\n")
    return [(name, number) for number, line in enumerate(lines) if "{energy: " in line]


ENERGIES = [case for name in preset_names() for case in lines_with_energy(name)]
SAID = {"removed": "is required, and missing", "negative": "must not be negative", "unit-less": "has no unit"}
SPOILED = {"removed": "", "negative": "energy: -1 pJ, ", "unit-less": "energy: 1, "}


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize(("name", "number"), ENERGIES)
def test_a_spoiled_cost_is_refused_with_its_line(tmp_path, name, number, how) -> None:
    lines = preset_text(name).split("\n")
    before, _, after = lines[number].partition("energy: ")
    lines[number] = before + SPOILED[how] + after.partition(", ")[2]
    path = tmp_path / "chip.yaml"
    path.write_text("\n".join(lines))

    with pytest.raises(ConfigError) as caught:
        load_chip(path)

    said = [str(problem) for problem in caught.value.problems]
    assert len(said) == 1
    assert said[0].startswith(f"{path}:{number + 1}:")
    assert SAID[how] in said[0]


def lines_with_figures(name):
    lines = preset_text(name).split("\n")
    return [(name, number) for number, line in enumerate(lines) if re.match(r"\s+(area|static_power): \S+ \S+$", line)]


FIGURES = [case for name in preset_names() for case in lines_with_figures(name)]


@pytest.mark.parametrize("how", ["negative", "unit-less"])
@pytest.mark.parametrize(("name", "number"), FIGURES)
def test_a_spoiled_area_or_static_power_is_refused_with_its_line(tmp_path, name, number, how) -> None:
    lines = preset_text(name).split("\n")
    key, _, quantity = lines[number].partition(": ")
    value, _, unit = quantity.partition(" ")
    lines[number] = f"{key}: " + (value if how == "unit-less" else f"-1 {unit}")
    path = tmp_path / "chip.yaml"
    path.write_text("\n".join(lines))

    with pytest.raises(ConfigError) as caught:
        load_chip(path)

    said = [str(problem) for problem in caught.value.problems]
    assert len(said) == 1
    assert said[0].startswith(f"{path}:{number + 1}:")
    assert SAID[how] in said[0]


def test_a_removed_action_is_refused_where_a_stage_names_it(tmp_path) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text(preset_text("tiny").replace("      sample: {", "      sampled: {"))
    with pytest.raises(ConfigError, match=r"sample_hold\.sample: no cost for this action .*Did you mean"):
        load_chip(path)


SRAM = "costs.scratch.from={model: sram, node: 22 nm}"
WRONG = {
    "unknown node": (
        "costs.scratch.from.node=23 nm",
        "costs.scratch.from.node: no table for 23 nm; known nodes: 22 nm, 32 nm, 45 nm",
    ),
    "parameter of another model": (
        "costs.scratch.from.rate=1 GHz",
        "costs.scratch.from.rate: `sram` has no such parameter; it takes `node`, `size`, `word`",
    ),
    "model of an action for a component": (
        "costs.scratch.from.model=dram",
        "costs.scratch.from.model: this is no model of a component (got `dram`); one of: `adc_regression`,",
    ),
    "model that does not exist": (
        "costs.scratch.from.model=srum",
        "costs.scratch.from.model: not a known choice (got `srum`). Did you mean `sram`?",
    ),
    "nothing says it": (
        "costs.dac.from={model: sram, node: 22 nm}",
        "costs.dac.from.size: is required, and missing: nothing else in the chip file says it",
    ),
    "a clock that does not exist": (
        "tile.array_clock=arrai",
        "tile.array_clock: no such clock (got `arrai`). Did you mean `array`?",
    ),
    "a node of nothing": (
        "costs.adc.from.node=0 nm",
        "costs.adc.from.node: must be above 0",
    ),
    "a rate of nothing": (
        "costs.adc.from.rate=0 Hz",
        "costs.adc.from.rate: must be above 0",
    ),
    "a range upside down": (
        "costs.dac.actions.drive.energy_range=[2 pJ, 1 pJ]",
        "costs.dac.actions.drive.energy_range: the lowest comes first (got `[2 pJ, 1 pJ]`)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_model_is_one_mistake_at_its_place(case) -> None:
    override, said = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        load_chip("tiny", [SRAM, override])
    assert len(caught.value.problems) == 1
    assert said in str(caught.value)
    assert str(caught.value).startswith("--set:2:")


CONVERT = ["costs.adc.actions.convert={energy: 1 pJ, source: aimcsim, grade: assumed, how: for this test}"]


def test_a_model_and_numbers_take_each_others_place() -> None:
    by_model = load_chip("isaac", ["costs.adc.from={model: adc_regression, node: 32 nm}"]).costs["adc"]
    assert by_model.source.reference == "adc24"
    assert float(by_model.actions["convert"].energy_j) == pytest.approx(1.543e-12, rel=1e-3)

    another = load_chip("tiny", ["costs.adc.from={model: edram, node: 32 nm, size: 64 KiB}", *CONVERT]).costs["adc"]
    assert another.source.reference == "pumasim"

    stated = load_chip("tiny", ["costs.adc.actions.convert.energy=1 pJ"]).costs["adc"]
    assert stated.actions["convert"].energy_j == Fraction(1, 10**12)
    assert (stated.actions["convert"].grade, stated.source.reference) == ("assumed", "adc24")


def test_a_stated_area_stands_beside_a_model() -> None:
    chip = load_chip("tiny", ["costs.adc={area: 1200 um2, source: isaac16.table1, grade: published}"])
    adc = chip.costs["adc"]
    assert adc.area_m2 == Fraction(1200, 10**12)
    assert (adc.source.reference, adc.actions["convert"].source.reference) == ("isaac16", "adc24")


def test_the_converters_of_isaac_convert_1280_million_a_second() -> None:
    # 128 columns in 100 ns; [isaac16] states 1.28 GS/s in its text.
    assert conversion_rate_hz(load_chip("isaac")) == 1_280_000_000
    # A bank of `tiny` takes as many columns in 10 ns as it has converters.
    assert conversion_rate_hz(load_chip("tiny")) == 100_000_000


def test_what_is_carried_on_warns_and_is_an_assumption_of_the_run(tmp_path) -> None:
    with pytest.warns(CostWarning, match=r"--set:1:\d+: costs\.scratch: sram is carried on: a size of 4 MiB"):
        chip = load_chip("tiny", [SRAM, "tile.buffers.scratch.size=4 MiB"])
    assert chip.costs["scratch"].grade == "assumed"

    run = simulate(chip, "digits_cnn")

    said = [line for line in run.summary["assumptions"] if line.startswith("costs.scratch")]
    assert any("carried on: a size of 4 MiB is outside 64 KiB to 1 MiB" in line for line in said)
    # The table's last factor of 4 takes 1.493 ns to 2.502 ns, and the next one that to 2.502^2 / 1.493 = 4.193 ns.
    assert any("takes 4.19 ns at least, and tables.mvm.fetch has 1.00 ns" in line for line in said)


def test_costs_by_model_are_numbers_in_the_resolved_file(tmp_path) -> None:
    chip = load_chip("tiny", ["costs.dac.actions.drive.energy_range=[0.1 pJ, 1 pJ]"])
    text = resolved_yaml(chip)
    path = tmp_path / "resolved.yaml"
    path.write_text(text)

    assert "from:" not in text
    assert load_chip(path) == chip


@pytest.mark.parametrize(
    ("preset", "overrides"), [("tiny", []), ("tiny", ["tile.adc.converters=8"]), ("isaac", []), ("puma", [])]
)
def test_the_interval_of_the_peak_is_that_of_a_run(tmp_path, preset, overrides) -> None:
    """A layer that fills the crossbars of one bank, vector after vector: results leave an interval apart."""
    chip = load_chip(preset, overrides)
    tile = chip.tile
    rows, outputs = tile.crossbar.rows, chip.weights_per_row * tile.adc.crossbars
    path = tmp_path / "net.yaml"
    path.write_text(
        f"schema: aimcsim-workload/1\nname: net\ninputs: {{x: {{shape: [1, 6, {rows}]}}}}\n"
        f"layers: [{{name: dot, kind: conv2d, out_channels: {outputs}, kernel: 1}}]\noutputs: [dot]\n"
    )

    ops = simulate(chip, path, grain="vector").ops

    ends = ops["end_ps"][ops["kind"] == "mvm"]
    assert ends[-1] - ends[-2] == mvm_interval_s(chip) * 10**12
