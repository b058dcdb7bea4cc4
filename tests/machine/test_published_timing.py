"""Do the stage tables of published chips give the timing that was published, out of the chain of events?"""

from itertools import pairwise
from pathlib import Path

import pytest

from aimcsim import simulate
from aimcsim.engine import ReferenceEngine, Stream
from aimcsim.run import Built, build

NS = 1000
CHIPS = Path(__file__).resolve().parents[1] / "spec" / "data"


def mvm(built: Built) -> Stream:
    """Run a system and return its one stream of crossbar reads."""
    ReferenceEngine(built.plan.system).run()
    (stream,) = [stream for stream in built.plan.system.streams if stream.kind == "mvm"]
    return stream


def test_isaac_writes_the_first_result_after_2200_ns_and_one_more_every_1600_ns(workload):
    # 128 inputs of 16 bits for 16 weights of 16 bits: 8 slices x 16 = 128 columns, one crossbar of one in-situ unit.
    # Fig. 4b: eDRAM read 1 cycle of 100 ns, 16 crossbar reads, ADC 1, shift-and-add 1, output register 1, sigmoid 1,
    # eDRAM write 1 = 22 cycles; the next product's first bit is read right after the last bit of this one: 16 cycles.
    net = workload([1, 4, 128], ["name: dot, kind: conv2d, out_channels: 16, kernel: 1"], ["dot"])

    stream = mvm(build("isaac", net))

    first = stream.log[0].start_ps[0]
    assert [end - first for end in stream.end_ps] == [(2200 + 1600 * vector) * NS for vector in range(4)]


def test_isaac_fetches_two_vectors_ahead_and_then_one_per_product(workload):
    # Two input registers: the second vector is fetched right behind the first, the third when the first register is
    # free, which is when the 16th bit of the first product has been captured: 100 + 16 x 100 ns.
    net = workload([1, 4, 128], ["name: dot, kind: conv2d, out_channels: 16, kernel: 1"], ["dot"])

    starts = mvm(build("isaac", net)).log[0].start_ps

    assert [start - starts[0] for start in starts] == [0, 100 * NS, 1700 * NS, 3300 * NS]


@pytest.mark.parametrize(("inputs", "outputs"), [(128, 16), (256, 16), (128, 48), (384, 32)])
def test_isaac_converts_exactly_once_per_16_bit_mac(workload, inputs, outputs):
    # 16 input bits x 8 column slices of a weight = 128 conversions of a column, which sums 128 products.
    net = workload([1, 3, inputs], [f"name: dot, kind: conv2d, out_channels: {outputs}, kernel: 1"], ["dot"])

    run = simulate("isaac", net)

    energy = run.table("energy")
    conversions = sum(energy["count"][(energy["component"] == "adc") & (energy["action"] == "convert")])
    assert conversions == 3 * inputs * outputs


def test_a_pulse_of_128_ns_with_a_converter_per_column_starts_a_product_every_128_ns(workload):
    # The pulse holds the crossbar for 128 ns; fetch (32 ns), conversion (5 ns) and the rest hide behind it.
    net = workload([1, 6, 256], ["name: dot, kind: conv2d, out_channels: 64, kernel: 1"], ["dot"])

    stream = mvm(build(CHIPS / "pulse.yaml", net))

    reads = next(log for stage, log in zip(stream.stages, stream.log, strict=True) if stage.name == "read").start_ps
    assert [after - before for before, after in pairwise(reads)] == [128 * NS] * 5


def test_four_phases_take_four_pulses(workload):
    # The same chip with the reads in a loop of four phases: 4 x 128 ns a product.
    net = workload([1, 4, 256], ["name: dot, kind: conv2d, out_channels: 64, kernel: 1"], ["dot"])

    stream = mvm(build(CHIPS / "four_phase.yaml", net))

    reads = next(log for stage, log in zip(stream.stages, stream.log, strict=True) if stage.name == "read").start_ps
    assert [after - before for before, after in pairwise(reads)] == [128 * NS] * 15
