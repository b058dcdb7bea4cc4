"""What does it cost that crossbars share one converter bank, and does the run say so?"""

from collections import Counter

import pytest

from aimcsim.engine import ReferenceEngine
from aimcsim.run import build
from tests.machine.tables_of import tables_of

READ_PS = CONVERT_PS = 10_000
"""One cycle of the array's 100 MHz: a read of one bit; the conversion of up to 64 columns."""


def run(layers, bank, workload, vectors=40):
    """Run so many equal 8 x 8 layers side by side, `bank` crossbars to a bank; return mvm streams, ops and waits."""
    texts = [f"name: c{i}, kind: conv2d, inputs: [x], out_channels: 8, kernel: 1" for i in range(layers)]
    net = workload([1, vectors, 8], texts, [f"c{i}" for i in range(layers)])
    # 8 weights x 4 columns = 32 columns: half of what 64 converters take in a cycle.
    built = build("tiny", net, overrides=[f"tile.adc.crossbars={bank}"])
    ReferenceEngine(built.plan.system).run()
    tables = tables_of(built, "vector")
    streams = [stream for stream in built.plan.system.streams if stream.kind == "mvm"]
    return streams, tables["ops"], tables["waits"]


def conversion(stream, vector):
    """Return when the conversions of a vector begin."""
    (index,) = [index for index, stage in enumerate(stream.stages) if stage.name == "convert"]
    return stream.log[index].start_ps[vector * stream.stages[index].iterations]


@pytest.mark.parametrize("layers", [1, 2, 3, 5, 8])
def test_k_crossbars_on_one_bank_convert_one_after_the_other(layers, workload):
    # 8 input bits = 8 phases a vector. With a bank each, reading a bit (10 ns) hides the conversion of the bit before:
    # 80 ns a vector. On one bank, k layers want 8 x k conversions of 10 ns a vector, so each gets a vector through in
    # k x 80 ns. Vectors 10 to 30 are far from both ends; inputs come over the host link in well under 10 ns each.
    shared, _, _ = run(layers, 8, workload)
    alone, _, _ = run(layers, 1, workload)

    for stream in shared:
        assert conversion(stream, 30) - conversion(stream, 10) == 20 * 8 * layers * CONVERT_PS
    for stream in alone:
        assert conversion(stream, 30) - conversion(stream, 10) == 20 * 8 * READ_PS


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_the_difference_is_adc_busy_and_names_the_holders(layers, workload):
    # A vector's share is the k x 80 ns between the ends of two vectors. Back from its end, 13 ns are its way from the
    # converters to the buffer (shift-and-add 10 ns; into the digital clock 1, activation 1, write 1). Before that its
    # conversions alternate with those of the layers that come before it in turn, 10 ns each.
    streams, ops, waits = run(layers, 8, workload)
    layer_of = dict(zip(ops["op"].tolist(), ops["layer"].tolist(), strict=True))

    bank = next(stage.server for stage in streams[0].stages if stage.name == "convert")
    by_index = {stream.index: stream for stream in streams}
    in_turn = [by_index[hold.stream] for hold in bank.holds[160 * layers : 161 * layers]]
    for position, stream in enumerate(in_turn):
        turn = [in_turn[(position - step) % layers].layer for step in range(layers)]
        expected = Counter()
        left = layers * 8 * CONVERT_PS - 13_000
        for step in range(layers * 8):
            expected[turn[step % layers]] += max(0, min(CONVERT_PS, left - step * CONVERT_PS))
        del expected[stream.layer]
        for op in ops["op"][(ops["stream"] == stream.index) & (ops["first_vector"] >= 10) & (ops["first_vector"] < 30)]:
            rows = waits["op"] == op
            behind = Counter()
            for holder, time in zip(waits["holder"][rows].tolist(), waits["wait_ps"][rows].tolist(), strict=True):
                behind[layer_of[holder]] += time
            assert set(waits["resource"][rows].tolist()) == {"chip.tile[0].adc_bank[0]"}
            assert behind == expected
            assert int(ops["wait_adc_busy_ps"][op]) == sum(expected.values())


def test_a_bank_of_its_own_is_never_waited_for(workload):
    _, ops, _ = run(4, 1, workload)

    assert int(ops["wait_adc_busy_ps"].sum()) == 0


@pytest.mark.parametrize("crossbars", [1, 2, 4, 8])
def test_crossbars_of_one_layer_on_one_bank_are_a_loop_not_a_queue(crossbars, workload):
    # One layer of 64 x 16k weights lies on k crossbars of 64 full columns. They are read in lock-step; the bank of 64
    # converters takes k cycles for what they hold, so a vector takes 8 x max(1, k) cycles, and nobody waits for it.
    net = workload([1, 30, 64], [f"name: c, kind: conv2d, out_channels: {16 * crossbars}, kernel: 1"], ["c"])
    built = build("tiny", net)
    ReferenceEngine(built.plan.system).run()
    (stream,) = [stream for stream in built.plan.system.streams if stream.kind == "mvm"]

    assert stream.end_ps[-1] - stream.end_ps[-6] == 5 * 8 * crossbars * CONVERT_PS
    ops = tables_of(built, "layer")["ops"]
    assert int(ops["wait_adc_busy_ps"].sum()) == 0
