"""Do clusters of cores and crossbars give by simulation what hand arithmetic gives from their constants?

A cluster cycle is 2 ns. A product is 130 ns, with a cycle before it to take its inputs over and one after it to hand
its results on.
"""

from itertools import pairwise

import numpy as np
import pytest

from aimcsim import evaluate, load_chip, simulate
from aimcsim.mapping import MappingPolicy, map_workload, on_engines
from aimcsim.spec.nameplate import nameplate
from aimcsim.spec.rates import peak_ops_per_s
from aimcsim.validation import clusters
from aimcsim.workload import load_workload

NS = 1000
DEPTHWISE = [
    "name: expand, kind: conv2d, out_channels: 16, kernel: 1, activation: relu",
    "name: deep, kind: conv2d, out_channels: 16, kernel: 3, pads: 1, groups: 16",
    "name: project, kind: conv2d, out_channels: 4, kernel: 1",
]


@pytest.fixture
def gaps(workload):
    """Run six products of 256 x 256 on `pulp-cluster` with overrides: ns from each result to the next."""
    net = workload([1, 6, 256], ["name: dot, kind: conv2d, out_channels: 256, kernel: 1"], ["dot"])

    def run(*overrides):
        done = simulate("pulp-cluster", net, overrides=overrides, grain="vector")
        ends = [row["end_ps"] for row in done.ops.records() if row["kind"] == "mvm"]
        return [(after - before) / NS for before, after in pairwise(ends)]

    return run


def test_streams_hide_behind_products(gaps):
    # 256 bytes in 16 cycles, 32 ns, in and out: another product every 2 + 130 + 2 ns. That is 978 GOPS.
    assert gaps() == [134] * 5


def test_slow_streams_do_not_hide(gaps):
    # 2 bytes a cycle: 128 cycles of 2 ns to bring inputs, and two more until the register is free for the next ones.
    slow = "tables.mvm.stages.fetch.per={input_bytes: 2}"

    assert gaps(slow)[1:] == [258] * 4


def test_nothing_overlaps_without_a_register_to_fill_meanwhile(gaps):
    # The register is given back when results are stored: 32 + 2 + 130 + 2 + 32 ns.
    held, freed = "tables.mvm.stages.take_over.releases=none", "tables.mvm.stages.store.releases=input_register"

    assert gaps(held, freed) == [198] * 5


def test_one_interface_serves_one_crossbar_at_a_time(workload):
    # 512 inputs and 512 outputs fill four crossbars: 4 x 130 ns, and a cycle before and after.
    net = workload([1, 4, 512], ["name: dot, kind: conv2d, out_channels: 512, kernel: 1"], ["dot"])
    done = simulate("pulp-cluster", net, grain="vector")
    ends = [row["end_ps"] for row in done.ops.records() if row["kind"] == "mvm"]

    assert [(after - before) / NS for before, after in pairwise(ends)] == [4 * 130 + 4] * 3


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_crossbars_and_engine_take_turns(workload, engine):
    # 6 x 6 pixels. Expansion and projection: 2 + 130 + 2 ns each. 16 channels x 9 positions are 4 cycles of 36
    # products, 8 ns. Nothing of it overlaps, so their sum is the least time; fetches and stores add to it.
    net = workload([6, 6, 8], DEPTHWISE, ["project"])
    done = simulate("pulp-cluster", net, grain="vector", engine=engine)
    rows = [row for row in done.ops.records() if row["kind"] in {"mvm", "vector"}]
    took = max(row["end_ps"] for row in rows) - min(row["start_ps"] for row in rows)

    assert 36 * (134 + 8 + 134) * NS < took < 36 * (134 + 8 + 134) * NS + 500 * NS


def test_the_engine_is_charged_for_its_products(workload):
    # 36 pixels x 16 channels x 9 positions, in padding too, which the engine does not look at.
    done = simulate("pulp-cluster", workload([6, 6, 8], DEPTHWISE, ["project"]))
    counts = {(row["component"], row["action"]): row["count"] for row in done.table("energy").records()}

    assert counts["depthwise_engine", "mac"] == 36 * 16 * 9
    assert counts["ima", "read"] > 0


def test_depthwise_convolutions_take_no_crossbars_where_there_is_an_engine(workload):
    network, chip = load_workload(workload([6, 6, 8], DEPTHWISE, ["project"])), load_chip("pulp-cluster")

    assert map_workload(on_engines(network, chip), chip).crossbars_used == 2
    assert on_engines(network, load_chip("tiny")) is network
    assert on_engines(network, chip).layer("deep").macs == network.layer("deep").macs == 36 * 16 * 9


def test_values_are_those_of_the_convolution(workload):
    # On a chip without an engine and with exact values, the same layer is a block-diagonal product.
    net, image = workload([6, 6, 8], DEPTHWISE, ["project"]), np.random.default_rng(1).random((2, 6, 6, 8))
    ours, theirs = (evaluate(chip, net, {"x": image}, analog="ideal") for chip in ("pulp-cluster", "tiny"))

    assert np.abs(ours["project"]).max() > 0
    np.testing.assert_allclose(ours["project"], theirs["project"], rtol=1e-5, atol=1e-6)


def test_peak_and_energy_of_a_product():
    # Crossbars one at a time have the peak of one: 131072 operations in 134 ns, whether there are 34 or one (34 in a
    # row take over and hand on only once). 256 columns x 79.52 pJ and 512 bytes at 0.3 pJ: 20.51 nJ, 6.39 TOPS/W.
    chip = load_chip("pulp-cluster", ["tile.crossbars=1"])
    assert float(peak_ops_per_s(chip)) == pytest.approx(131072 / 134e-9)
    assert float(peak_ops_per_s(load_chip("pulp-cluster"))) == pytest.approx(34 * 131072 / (34 * 130e-9 + 4e-9))
    memory_j = 256 * sum(chip.action_cost(f"tcdm.{act}").energy_j for act in ("read", "write"))
    product_j = 256 * chip.action_cost("ima.read").energy_j + memory_j

    assert 131072 / float(product_j) == pytest.approx(6.39e12, rel=1e-3)
    assert float(nameplate(chip).chip.area_m2) == pytest.approx(2.5e-6)


def test_the_array_has_the_published_area_and_clusters():
    chip = load_chip("pulp-array")

    assert float(chip.area_m2) == pytest.approx(480e-6, rel=1e-3)
    assert chip.instances("crossbar") == chip.instances("tile") == 512


def test_mobilenet_is_the_sum_of_turns():
    # Table 2 of the network gives 63 161 products of at most 256 x 256, 134 ns each: 8.464 ms. The engine takes
    # 20 716 416 multiply-accumulates, 36 in 2 ns: 1.151 ms. Cores take 2 x 216 384 elements of residuals, 49 x 1280 of
    # pooling, and partial sums of the layers whose blocks lie apart, 1 255 968 in this packing, 8 in 2 ns: 0.438 ms.
    # Where one waits for a pixel of the other there is a little more.
    elements = 2 * (56**2 * 24 + 28**2 * 32 * 2 + 14**2 * 64 * 3 + 14**2 * 96 * 2 + 7**2 * 160 * 2) + 49 * 1280
    turns_ms = 63161 * 134e-6 + 20716416 / 36 * 2e-6 + (elements + 1255968) / 8 * 2e-6

    assert turns_ms == pytest.approx(10.052, rel=1e-4)
    assert turns_ms < clusters.mobilenet_latency_ms() < 1.005 * turns_ms


def test_copies_of_a_layer_divide_its_products(workload):
    # On the array 130 ns a product, as taking over and handing on happen beside it: 64 pixels, in two halves.
    net = workload([8, 8, 64], ["name: dot, kind: conv2d, out_channels: 64, kernel: 1"], ["dot"])

    def first_to_last(copies):
        done = simulate("pulp-array", net, mapping=MappingPolicy(replicas={"dot": copies}), grain="vector")
        ends = sorted(row["end_ps"] for row in done.ops.records() if row["kind"] == "mvm")
        return (ends[-1] - ends[0]) / NS

    assert first_to_last(1) == 63 * 130
    assert first_to_last(2) == pytest.approx(31 * 130, abs=130)
