"""The chips that come with the package say what their sources say, and stage tables express other chips by data."""

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

import aimcsim
from aimcsim.costs import MODELS, REFERENCES, Parameters
from aimcsim.costs.digital import OPERATIONS
from aimcsim.costs.memories import DRAM_PJ_PER_BIT
from aimcsim.spec import ChipFile, Duration, load_chip, preset_names
from aimcsim.spec.rates import mvm_interval_s, peak_ops_per_s, product_s
from aimcsim.validation import load_targets

DATA = Path(__file__).parent / "data"
PACKAGE = Path(aimcsim.__file__).parent
NS, MW, MM2 = Fraction(1, 10**9), Fraction(1, 1000), Fraction(1, 10**6)


def test_isaac_has_the_published_counts() -> None:
    chip = load_chip("isaac")

    assert chip.tile.count == 14 * 12
    assert chip.instances("crossbar") == 168 * 12 * 8 == 16128
    assert chip.instances("converter") == 16128
    assert chip.instances("router") == 42
    assert chip.slices == chip.cells_per_weight == 8
    assert chip.weights_per_row == 16
    assert chip.input_phases == 16


def test_isaac_converts_once_per_16_bit_product() -> None:
    """128 columns in each of 16 phases, for 128 rows of 16 weights."""
    chip = load_chip("isaac")
    crossbar = chip.tile.crossbar

    assert crossbar.cols * chip.input_phases == crossbar.rows * chip.weights_per_row


def test_isaac_adds_up_to_the_published_area() -> None:
    """Table I: 168 tiles of 0.372 mm2 and 22.88 mm2 of HyperTransport, 85.4 mm2 in all; rows are rounded."""
    area = load_chip("isaac").area_m2

    assert float(area / MM2) == pytest.approx(85.4, rel=3e-3)


def actions_of_a_full_cycle(chip: ChipFile) -> dict[str, int]:
    """Return how often each action happens in one tile in a 100 ns cycle of full activity."""
    crossbars, rows, cols = chip.tile.crossbars, chip.tile.crossbar.rows, chip.tile.crossbar.cols
    return {
        "crossbar.read": crossbars * rows * cols,
        "dac.drive": crossbars * rows,
        "input_register.read": crossbars * rows,
        "sample_hold.sample": crossbars * cols,
        "adc.convert": crossbars * cols,
        "shift_add.add": crossbars * cols,
        "unit_register.update": crossbars * cols,
        "input_buffer.read": 1024,
        "edram_bus.move": 1024,
        "output_register.write": crossbars * chip.weights_per_row,
        "sigmoid.op": 200,
        "max_pool.op": 128,
        "tile_shift_add.add": 128,
    }


def test_isaac_adds_up_to_the_published_power() -> None:
    """A tile draws 330 mW with its quarter of a router, the chip 65.8 W with HyperTransport's constant 10.4 W."""
    chip = load_chip("isaac")
    counts = actions_of_a_full_cycle(chip)
    energy_j = sum(count * chip.action_cost(action).energy_j for action, count in counts.items())
    router_w = 8 * 10**9 * chip.action_cost("router.flit").energy_j
    tile_w = energy_j / (100 * NS) + router_w / 4

    assert router_w == 42 * MW
    assert float(tile_w / MW) == pytest.approx(330, rel=3e-3)
    assert float(chip.tile.count * tile_w + chip.static_power_w) == pytest.approx(65.8, rel=3e-3)


def test_isaac_converters_take_the_published_share() -> None:
    """12 x 16 mW of 330 mW is 58 %."""
    chip = load_chip("isaac")
    convert_j = actions_of_a_full_cycle(chip)["adc.convert"] * chip.action_cost("adc.convert").energy_j

    assert convert_j / (100 * NS) == 192 * MW


def test_isaac_stages_are_those_of_figure_4b() -> None:
    """One cycle each; the first result is written after 1 + 16 + 5 = 22 cycles."""
    table = load_chip("isaac").tables["mvm"]
    names = [stage.name for stage in table.stages]

    assert names == ["fetch", "read", "convert", "shift_add", "collect", "activate", "store"]
    assert {stage.latency for stage in table.stages} == {Duration(cycles=1)}
    assert [stage.name for stage in table.stages if stage.loop == "input_phase"] == ["read", "convert", "shift_add"]


def test_puma_keeps_an_mvm_unit_for_a_whole_product() -> None:
    """16 bits in turn through three stages of 128 ns: (16 + 3 - 1) x 128 ns, and the next one only after that."""
    chip = load_chip("puma")

    assert product_s(chip) == mvm_interval_s(chip) == 18 * 128 * NS
    # 138 tiles x 8 cores x 2 units of 128 x 128 weights, two operations each.
    assert peak_ops_per_s(chip) == 138 * 8 * 2 * 128 * 128 * 2 / (18 * 128 * NS)


def test_tiny_holds_the_largest_digits_network() -> None:
    """ResNet-8 of widths 12, 24, 48: matrices K x N in blocks of 64 rows and 16 weights take 56 of 96 crossbars."""
    chip = load_chip("tiny")
    matrices = [(9, 12), *[(108, 12)] * 2, (108, 24), (216, 24), (12, 24), (216, 48), (432, 48), (24, 48), (48, 10)]
    blocks = sum(-(-k // chip.tile.crossbar.rows) * -(-n // chip.weights_per_row) for k, n in matrices)

    assert blocks == 56
    assert chip.instances("crossbar") == 96


def test_a_pulse_and_a_converter_per_column_are_data() -> None:
    chip = load_chip(DATA / "pulse.yaml")
    table = chip.tables["mvm"]

    assert [str(stage.latency) for stage in table.stages] == ["32 ns", "128 ns", "5 ns", "1 cycle"]
    assert (table.loops, chip.input_phases, chip.polarities) == ((), 1, 1)
    assert chip.clock_of("crossbar") is None
    assert chip.tile.adc.converters == chip.tile.crossbar.cols
    assert chip.weights_per_row == 256


def test_several_phases_of_a_read_are_data() -> None:
    table = load_chip(DATA / "four_phase.yaml").tables["mvm"]

    assert [(loop.name, loop.count) for loop in table.loops] == [("phase", 4)]
    assert [stage.name for stage in table.stages if stage.loop == "phase"] == ["read", "convert", "add"]


def test_clocks_of_resources() -> None:
    chip = load_chip("tiny")
    clocks = {name: chip.clock_of(name) for name in ("input_buffer.read", "adc_bank", "network", "host_link")}

    assert clocks == {"input_buffer.read": "digital", "adc_bank": "array", "network": "digital", "host_link": None}
    assert chip.clock_of("shift_add") == "array"
    assert chip.clock_of(None) is None


def test_links_of_a_mesh_count_both_directions() -> None:
    """A 2 x 2 mesh has four pairs of neighbours."""
    assert load_chip("tiny").instances("link") == 8


BOTH_LOOPS = "tables.mvm.loops=[{name: polarity, count: polarities}, {name: input_phase, count: input_phases}]"


def test_two_passes_drive_magnitudes() -> None:
    """Eight bits with a sign of their own leave seven to drive, twice."""
    chip = load_chip("tiny", ["tile.inputs.sign=two_pass", BOTH_LOOPS])

    assert (chip.input_phases, chip.polarities) == (7, 2)


@pytest.mark.parametrize(
    ("overrides", "phases"),
    [
        ([], 8),
        (["tile.inputs.bits_per_phase=2"], 5),  # seven magnitude bits two by two, and the sign bit by itself
        (["tile.inputs.sign=two_pass", "tile.inputs.bits_per_phase=2", BOTH_LOOPS], 4),
        (["tile.inputs={encoding: pulse_width, sign: bipolar}"], 1),
    ],
)
def test_reads_of_one_pass(overrides: list[str], phases: int) -> None:
    assert load_chip("tiny", overrides).input_phases == phases


def test_what_is_assumed_is_listed_with_its_reason() -> None:
    assumed = load_chip("isaac").assumed()

    assert "costs.crossbar.actions.program: not published; ten write-and-verify pulses of 10 pJ a cell" in assumed
    assert any("router" in line for line in assumed)
    assert not any("adc" in line for line in assumed)


def test_every_reference_is_used_and_every_source_known() -> None:
    sources_of_chips: list[str | Path] = [*preset_names(), *DATA.glob("*.yaml")]
    chips = [load_chip(source) for source in sources_of_chips]
    sources = [cost.source for chip in chips for cost in chip.costs.values()]
    sources += [action.source for chip in chips for cost in chip.costs.values() for action in cost.actions.values()]

    used = {source.reference for source in sources} | sources_of_models()
    used |= {target.source.partition(".")[0] for target in load_targets()}
    cited = {key for path in PACKAGE.rglob("*.py") for key in re.findall(r"\[([a-z]+\d\d)\]", path.read_text())}

    assert used | cited == set(REFERENCES)


def sources_of_models() -> set[str]:
    """Return the references that models answer with, each asked for all that its tables hold."""
    nm = Fraction(1, 10**9)
    asked = [("adc_regression", Parameters(node_m=22 * nm, bits=8, rate_hz=Fraction(10**9)))]
    asked += [
        ("sram", Parameters(node_m=22 * nm, size_bytes=1024)),
        ("edram", Parameters(node_m=32 * nm, size_bytes=65536)),
    ]
    asked += [("operation", Parameters(node_m=one.node_nm * nm, operation=name)) for name, one in OPERATIONS.items()]
    asked += [("vector_unit", Parameters(node_m=45 * nm, lanes=4, operation="int8_mul"))]
    asked += [("router", Parameters(bits=32)), ("link", Parameters(length_m=Fraction(1, 1000)))]
    asked += [("dram", Parameters(memory=name)) for name in DRAM_PJ_PER_BIT]
    assert {name for name, _ in asked} | {"hwcomponents"} == set(MODELS)
    found = [MODELS[name].ask(parameters) for name, parameters in asked]
    return {source.reference for one in found for source in (one.source, *(act.source for act in one.actions.values()))}


def test_importing_chip_files_does_not_import_pydantic() -> None:
    """Pydantic and the YAML reader are loaded when a file is, so that `--help` stays quick."""
    code = "import sys, aimcsim.spec; print([m for m in ('pydantic', 'ruamel.yaml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
