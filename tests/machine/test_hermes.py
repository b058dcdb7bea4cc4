"""Do the HERMES presets give by simulation what hand arithmetic gives from their constants?"""

from itertools import pairwise
from pathlib import Path

import pytest

from aimcsim import load_chip, simulate
from aimcsim.spec import preset_text
from aimcsim.spec.nameplate import nameplate
from aimcsim.spec.rates import mvm_interval_s, peak_ops_per_s, product_s
from aimcsim.validation import hermes
from aimcsim.validation.registry import DATA

DOCS = Path(__file__).resolve().parents[2] / "docs"
NS = 1000
FOUR = "tables.mvm.loops.phase.count=4"
OPS = 2 * 256 * 256


@pytest.fixture
def products(workload):
    """Run four products of 256 x 256 on `hermes` with overrides: ns from each to the next, and nJ of all reads."""
    net = workload([1, 4, 256], ["name: dot, kind: conv2d, out_channels: 256, kernel: 1"], ["dot"])

    def run(*overrides):
        done = simulate("hermes", net, overrides=overrides, grain="vector")
        rows = [row for row in done.table("energy").records() if row["phase"] == "run"]
        reads_j = sum(row["energy_j"] for row in rows if row["component"] in hermes.READ)
        ends = [row["end_ps"] for row in done.ops.records() if row["kind"] == "mvm"]
        return [(after - before) / NS for before, after in pairwise(ends)], reads_j * 1e9

    return run


def test_one_phase_takes_133_ns_and_four_take_520(products):
    # A pulse of 128 ns, and 5 ns until counters are read; or four pulses with 1 ns between them: 4 x 128 + 3 + 5.
    assert products()[0] == [133] * 3
    assert products(FOUR)[0] == [520] * 3


def test_phases_cost_time_and_energy_and_no_power(products):
    # 101.23 mW a core for 133 or 520 ns, of four products.
    (one, four) = products(), products(FOUR)

    assert one[1] == pytest.approx(4 * 0.10123 * 133)
    assert four[1] == pytest.approx(4 * 0.10123 * 520)
    assert one[1] / one[0][0] == pytest.approx(four[1] / four[0][0])


def test_a_pulse_of_64_ns_saves_64_ns_a_phase(products):
    # 4 x 64 + 3 + 5 ns. The energy of a phase stands in the file in numbers, which change with no other field.
    short = "tables.mvm.stages.read={latency: 64 cycles, interval: 65 cycles}"

    assert products(FOUR, short)[0] == [264] * 3
    assert products(FOUR, short)[1] == products(FOUR)[1]


def test_figures_of_the_nameplate_are_those_of_the_constants():
    for phases, nanoseconds in ((1, 133), (4, 520)):
        chip = load_chip("hermes", [f"tables.mvm.loops.phase.count={phases}"])
        assert mvm_interval_s(chip) * 10**9 == product_s(chip) * 10**9 == nanoseconds
        assert float(peak_ops_per_s(chip)) == pytest.approx(64 * OPS / (nanoseconds * 1e-9))
        reads = [part for part in nameplate(chip).parts if part.component in hermes.READ]
        assert float(sum(part.power_w for part in reads)) == pytest.approx(64 * 0.10123)
        # 63.1 TOPS / 1.55 TOPS/mm2 = 40.7 mm2 of cores.
        assert float(sum(part.area_m2 for part in reads) * 10**6) == pytest.approx(40.7, rel=1e-3)


def test_hermes_core_by_itself():
    # 128 + 2 ns; 96 mW x 130 ns = 12.48 nJ; 131072 operations in that time and energy.
    core = load_chip("hermes-core")
    reads = [part for part in nameplate(core).parts if part.component in hermes.READ]

    assert product_s(core) * 10**9 == 130
    assert float(peak_ops_per_s(core)) == pytest.approx(1.008e12, rel=5e-4)
    assert float(peak_ops_per_s(core) / sum(part.power_w for part in reads)) == pytest.approx(10.5e12, rel=5e-4)
    assert float(sum(part.area_m2 for part in reads) * 10**6) == pytest.approx(0.634)


def test_a_step_of_resnet9_by_hand():
    # On a core, 252 inputs in 8 cycles of 32, 4 x 128 + 3 of pulses, 5, 224 values in 28 cycles of 8, and 448 bytes of
    # sums in 14: 570. To the next core, 14, then 448 flits behind a head of 1 + 2 + 2 cycles, 452, and 14: 480. There,
    # 8 x 448 bytes in 112, 8 x 224 values in 224, 224 in 28, 224 bytes in 7: 371. To the core of the next layer, which
    # is the first of the next row, 8 routers on: 7, then 224 flits behind a head of 1 + 8 x 2 + 2, 242, and 7: 256.
    assert hermes.resnet9_step_us() == (570 + 480 + 371 + 256) / 1000


def test_the_step_energy_is_mostly_that_of_columns_in_use():
    # Columns a step: 56 + 2 x 112 + 2 x 4 x 112 + 4 x 224 + 3 x 8 x 224 + 10 = 7458 of four phases and a read-out each;
    # the published energy is that of 28.6 whole cores.
    columns_j = 7458 * (4 * 51.0104296875e-12 + 1.58171875e-12)

    assert columns_j * 1e6 == pytest.approx(1.5335, rel=1e-4)
    assert columns_j * 1e6 < hermes.resnet9_energy_uj() < 1.06 * columns_j * 1e6


def lstm_step(chip):
    """Return the run of one step, and us from inputs in the first core to the last of the new hidden state."""
    run = simulate(load_chip(chip, [FOUR]), DATA / "lstm_step.yaml", grain="vector")
    rows = run.ops.records()
    begun = max(row["end_ps"] for row in rows if row["kind"] == "load")
    (done,) = [row["end_ps"] for row in rows if (row["layer"], row["kind"]) == ("next_hidden", "vector")]
    return run, (done - begun) / 1e6


def test_lstm_step_with_the_constants_of_resnet9(tmp_path):
    """What docs/presets.md predicts, and between what it lies."""
    run, step_us = lstm_step("hermes")
    page = " ".join((DOCS / "presets.md").read_text().split())
    joules = run.summary["energy_j"]["total"]
    low, high = (f"{end * 1e6:.2f}" for end in run.summary["ranges"]["energy_j"])

    assert f"{step_us:.2f} us and {joules * 1e6:.2f} uJ" in page
    assert f"the energy lies between {low} and {high} uJ" in page
    # The longest way has at least two products, four transfers of 504 values, and four element-wise layers.
    assert step_us * NS > 570 + 4 * 504

    others = []
    for values in (16, 4):
        path = tmp_path / f"{values}.yaml"
        path.write_text(preset_text("hermes").replace("_elements: 8}", f"_elements: {values}}}"))
        others.append(f"{lstm_step(path)[1]:.2f}")
    assert f"With 16 or 4 values a cycle it would be {' or '.join(others)} us" in page


def test_the_error_of_products_is_that_of_weights_in_the_root_mean_square():
    # Errors of weights are independent, so a product's over the root mean square of products is a weight's over that of
    # weights, 1 / sqrt(3). A weight is off by 5.8 % of the largest after programming and 1/f noise: 10 %. The largest
    # of 51 200 normal results is 4.2 to 4.75 times their root mean square: 2.1 to 2.4 %. Codes add 1 / (127 sqrt(12)).
    rms_pct = 5.8 * 3**0.5

    assert rms_pct / 4.75 < hermes.mvm_error_pct() < rms_pct / 4.2 + 100 / (127 * 12**0.5)
