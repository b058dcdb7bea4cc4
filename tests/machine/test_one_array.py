"""Do blocks of weights that take turns in one array take the time, traffic and energy that hand arithmetic says?

The array of `systolic` has 128 x 128 multiply-accumulators and keeps a block while vectors pass: for each block 128
cycles to shift weights in, and for M vectors M + 128 + 128 - 2 until the last sum is out: M + 382.
"""

from collections import Counter

import pytest

from aimcsim import load_chip, simulate
from aimcsim.spec.nameplate import nameplate
from aimcsim.spec.rates import peak_ops_per_s

CYCLE_PS = 10**12 / 700e6


def conv(name, channels):
    return f"name: {name}, kind: conv2d, out_channels: {channels}, kernel: 1"


def counts(run):
    """Return what a run counted, by `component.action`."""
    found = Counter()
    for row in run.table("energy").records():
        if row["phase"] == "run":
            found[f"{row['component']}.{row['action']}"] += row["count"]
    return found


def busy_cycles(run):
    """Return for how many cycles the array was held, the one cycle of each layer's programming included."""
    resources = run.resources
    return int(resources["busy_ps"][resources["kind"] == "crossbar"].sum()) / CYCLE_PS


@pytest.mark.parametrize(("k", "n", "vectors"), [(128, 128, 16), (200, 128, 16), (300, 130, 5), (7, 3, 1)])
def test_a_layer_takes_the_steps_of_the_systolic_formula(workload, k, n, vectors):
    blocks = -(-k // 128) * -(-n // 128)
    run = simulate("systolic", workload([1, vectors, k], [conv("a", n)], ["a"]))
    # Edges of the clock are whole picoseconds, a thousandth of a cycle.
    assert busy_cycles(run) == pytest.approx(blocks * (vectors + 382) + 1, abs=0.01)


def test_layers_take_turns_in_the_array(workload):
    # Both layers are on one array, one after the other: the second begins when the first is done.
    one, two = (
        simulate("systolic", workload([1, 64, 128], layers, outputs, name))
        for name, layers, outputs in (
            ("one", [conv("a", 128)], ["a"]),
            ("two", [conv("a", 128), conv("b", 128)], ["b"]),
        )
    )
    assert busy_cycles(two) == pytest.approx(2 * busy_cycles(one), abs=0.1)
    assert (two.resources["kind"] == "crossbar").sum() == 1
    assert two.summary["latency_ps"]["max"] > one.summary["latency_ps"]["max"] + (64 + 382) * CYCLE_PS


def test_traffic_and_energy_of_a_layer(workload):
    # 200 inputs of 130 outputs are 2 x 2 blocks. Each of 16 vectors enters the array once for each column of blocks, so
    # 2 x 200 bytes are read for it; weights come from HBM once, and each meets each vector. The two rows of blocks make
    # two sums of each output. Results are read for the host, too.
    run = simulate("systolic", workload([1, 16, 200], [conv("a", 130)], ["a"]))
    found = counts(run)
    assert found["hbm.move"] == 200 * 130
    assert found["array.multiply"] == found["array.shift"] == 16 * 200 * 130
    assert found["accumulator.update"] == 16 * 2 * 130
    assert found["sram.read"] == 16 * (2 * 200 + 130)


def test_weights_come_again_with_every_request(workload):
    net = workload([1, 4, 100], [conv("a", 50)], ["a"])
    assert counts(simulate("systolic", net, requests=3))["hbm.move"] == 3 * 100 * 50


def test_a_smaller_array_moves_peak_and_area_as_it_must():
    # 64 x 64 at the same clock: a quarter of 2 x 128 x 128 x 700 MHz. Its area is stated, and stays.
    whole, quarter = (
        load_chip(
            "systolic", [f"tile.crossbar.{side}={size}" for side in ("rows", "cols")] + [f"tile.adc.converters={size}"]
        )
        for size in (128, 64)
    )
    assert peak_ops_per_s(whole) == 2 * 128 * 128 * 700_000_000
    assert peak_ops_per_s(quarter) * 4 == peak_ops_per_s(whole)
    assert nameplate(whole).chip.area_m2 == nameplate(quarter).chip.area_m2


def test_half_the_bandwidth_of_hbm_makes_weights_late(workload):
    # 128 x 128 weights are 45 turns of 365 bytes, or 91 of 182; the array waits for them, once.
    net = workload([1, 4, 128], [conv("a", 128)], ["a"])
    slow = ["tables.mvm.stages.weights.per={loaded_weights: 182}"]
    before, after = (simulate("systolic", net, overrides=one).summary["latency_ps"]["max"] for one in ([], slow))
    assert (after - before) / CYCLE_PS == pytest.approx(-(-16384 // 182) - -(-16384 // 365), abs=0.01)
