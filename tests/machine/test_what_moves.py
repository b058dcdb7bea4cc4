"""Does changing one field move latency, energy and area in the direction and by the amount that hand arithmetic says?

The product is 64 inputs of 8 bits by 16 weights of 8 bits on `tiny`: 7 magnitude bits in two 4-bit slices of a column
pair each, so 4 columns a weight and 64 columns, which fill one crossbar of 64 x 64.
"""

from collections import Counter
from fractions import Fraction

import pytest

from aimcsim import load_chip, simulate
from aimcsim.spec.rates import mvm_interval_s, peak_ops_per_s, too_fast

NS, PJ, UM2, UW = 1000, 1e-12, 1e-12, 1e-6


@pytest.fixture
def dot(workload):
    """Run the product on `tiny` with overrides: its time in ps, and counts and joules by `component.action`.

    The time is from the edge of the 10 ns clock at which the array can start, which is that after the fetch, to the
    result.
    """
    net = workload([1, 1, 64], ["name: dot, kind: conv2d, out_channels: 16, kernel: 1"], ["dot"])

    def run(*overrides, fetch=2 * NS):
        done = simulate("tiny", net, overrides=overrides, grain="vector")
        rows = [row for row in done.table("energy").records() if row["phase"] == "run" and row["action"] != "static"]
        counts, joules = Counter(), Counter()
        for row in rows:
            counts[f"{row['component']}.{row['action']}"] += row["count"]
            joules[f"{row['component']}.{row['action']}"] += row["energy_j"]
        ((start, end),) = [(op["start_ps"], op["end_ps"]) for op in done.ops.records() if op["kind"] == "mvm"]
        return end - -(-(start + fetch) // (10 * NS)) * 10 * NS, counts, joules

    return run


def test_the_product_as_it_is(dot):
    # 64 bytes in fetches of 32 take 2 ns. Then 8 reads of 10 ns, the last conversion and the last shift-and-add behind
    # them: 100 ns; a cycle of 1 ns to cross into the clock of the vector unit, one for 16 outputs, one to store 16
    # bytes. 8 x 64 columns are converted, 64 x 64 cells read 8 times. The buffer is written and read once for inputs
    # and once for results.
    time, counts, joules = dot()

    assert time == 103 * NS
    assert counts["adc.convert"] == 8 * 64
    assert counts["crossbar.read"] == 8 * 64 * 64
    assert (counts["scratch.read"], counts["scratch.write"]) == (64 + 16, 64 + 16)
    assert joules["adc.convert"] == pytest.approx(512 * 0.6778 * PJ)


def test_converters_at_half_the_rate(dot):
    # 20 instead of 10 ns a conversion: after the first read, 8 conversions end 80 ns later. 100 MS/s become 50 MS/s,
    # below the rate from which a conversion takes more energy; a fifth of the energy at the full rate leaks, so the
    # leakage halves; area goes with the rate to the power of 0.180715: 2^-0.180715 = 0.8823.
    slower = "tables.mvm.stages.convert.latency=2 cycles"
    (before, counts, joules), (after, same, equal) = dot(), dot(slower)
    old, new = (load_chip("tiny", overrides) for overrides in ([], [slower]))

    assert after - before == 80 * NS
    assert (same["adc.convert"], equal["adc.convert"]) == (counts["adc.convert"], joules["adc.convert"])
    assert mvm_interval_s(new) == 2 * mvm_interval_s(old)
    assert float(new.costs["adc"].static_power_w / old.costs["adc"].static_power_w) == pytest.approx(0.5, rel=1e-3)
    assert float(new.costs["adc"].area_m2 / old.costs["adc"].area_m2) == pytest.approx(0.8823, rel=1e-3)


def test_twice_the_columns_for_each_converter(dot):
    # 32 converters take the 64 columns of the crossbar in two turns of 10 ns, 8 x 10 ns more. Conversions and their
    # energy stay; half of the 768 converters of 2199 um2 are gone.
    fewer = "tile.adc.converters=32"
    (before, _, joules), (after, _, same) = dot(), dot(fewer)
    old, new = (load_chip("tiny", overrides) for overrides in ([], [fewer]))

    assert after - before == 80 * NS
    assert same["adc.convert"] == joules["adc.convert"]
    assert old.instances("converter") == 4 * 24 // 8 * 64 == 768
    assert float(old.area_m2 - new.area_m2) == pytest.approx(384 * 2199 * UM2)
    # 512 columns of a bank over 64 converters are 8 turns of 10 ns in 8 phases, 640 ns; over 32 they are 16 turns.
    assert [mvm_interval_s(chip) * 10**9 for chip in (old, new)] == [640, 1280]


def test_a_bit_more_of_the_converters(dot):
    # At 100 MS/s the best figure of merit is that of slow converters, 3.2205 dB better for each bit, and the signal is
    # 6.0206 dB more: 10^0.28001 = 1.9055; the fit falls with the bits to the power of 2.82913: (9/8)^-2.82913 =
    # 0.71661. Together 1.3655; area with the energy to the power of 0.299124: 1.0977. Time and counts stay.
    finer = "tile.adc.bits=9"
    (before, counts, joules), (after, same, more) = dot(), dot(finer)
    old, new = (load_chip("tiny", overrides) for overrides in ([], [finer]))

    assert (after, same) == (before, counts)
    assert more["adc.convert"] / joules["adc.convert"] == pytest.approx(1.3655, rel=1e-3)
    assert float(new.costs["adc"].area_m2 / old.costs["adc"].area_m2) == pytest.approx(1.0977, rel=1e-3)
    others = set(joules) - {"adc.convert"}
    assert {name: more[name] for name in others} == {name: joules[name] for name in others}


def test_a_larger_array(dot):
    # 128 rows hold the 64 inputs in half of a crossbar: as many driven rows and cells, and the same time. The peak
    # doubles, because a full read of twice the cells takes the same conversions.
    taller = "tile.crossbar.rows=128"
    before, after = dot(), dot(taller)
    old, new = (load_chip("tiny", overrides) for overrides in ([], [taller]))

    assert after == before
    # 96 crossbars of 64 x 16 weights in 640 ns, two operations each: 0.3072 TOPS.
    assert float(peak_ops_per_s(old)) == pytest.approx(2 * 96 * 64 * 16 / 640e-9)
    assert peak_ops_per_s(new) == 2 * peak_ops_per_s(old)
    # A driver of 0.166 um2 for each of 64 more rows of 96 crossbars.
    assert float(new.area_m2 - old.area_m2) == pytest.approx(96 * 64 * 0.166015625 * UM2)


def test_an_array_of_half_the_rows(dot):
    # The 64 inputs take two crossbars, read together. Their bank converts 128 columns with 64 converters, in two turns
    # of 10 ns, 8 x 10 ns more. Conversions, samples and additions double; cells and rows are as many.
    flatter = "tile.crossbar.rows=32"
    (before, counts, joules), (after, more, dearer) = dot(), dot(flatter)
    old, new = (load_chip("tiny", overrides) for overrides in ([], [flatter]))

    assert after - before == 80 * NS
    for action in ("adc.convert", "sample_hold.sample", "shift_add.add"):
        assert more[action] == 2 * counts[action]
        assert dearer[action] == pytest.approx(2 * joules[action])
    for action in ("crossbar.read", "dac.drive", "scratch.read", "scratch.write", "vector_unit.op"):
        assert (more[action], dearer[action]) == (counts[action], joules[action])
    # A driver for each of 32 rows less; half of the cells for as many conversions.
    assert float(old.area_m2 - new.area_m2) == pytest.approx(96 * 32 * 0.166015625 * UM2)
    assert 2 * peak_ops_per_s(new) == peak_ops_per_s(old)


def test_a_larger_buffer(dot):
    # The table: 64 KiB 13.62 pJ to read 32 bytes and 0.0650 mm2, 256 KiB 30.02 pJ and 0.2474 mm2; leakage by size. The
    # stage table still gives an access 1 ns, which 256 KiB cannot do in less than 1.493 ns: said, not changed.
    by_model, larger = "costs.scratch.from={model: sram, node: 22 nm}", "tile.buffers.scratch.size=256 KiB"
    (before, counts, joules), (after, same, more) = dot(by_model), dot(by_model, larger)
    old, new = (load_chip("tiny", overrides) for overrides in ([by_model], [by_model, larger]))

    assert (after, same) == (before, counts)
    assert joules["scratch.read"] == pytest.approx(counts["scratch.read"] * 13.62 / 32 * PJ, rel=1e-3)
    assert more["scratch.read"] == pytest.approx(counts["scratch.read"] * 30.02 / 32 * PJ, rel=1e-3)
    assert float(new.area_m2 - old.area_m2) == pytest.approx(4 * (0.2474 - 0.0650) * 1e-6, rel=1e-6)
    assert new.costs["scratch"].static_power_w == 4 * old.costs["scratch"].static_power_w
    assert not too_fast(old)
    assert "costs.scratch.actions.read: takes 1.49 ns at least, and tables.mvm.fetch has 1.00 ns" in too_fast(new)


def test_a_buffer_with_room_for_one_vector(workload):
    # Eight vectors of 64 bytes. To bring one takes 100 + 10 ns on the host's link of 6.4 GB/s, 3 + 1 cycles and 17
    # flits of 32 bits in the network, one of them overhead, and 2 ns into the buffer: 133 ns. With room for one vector
    # and one result, 64 + 16 bytes, it begins when the vector before has been fetched, in 2 ns, so 135 ns behind it.
    # The last one is there 7 x 135 ns behind the first at 273, fetched at 1220, an edge, and its product takes 100 + 3.
    # With more room vectors wait here, and products follow each other in 80 ns, 8 phases, the first ending at 383.
    net = workload([1, 8, 64], ["name: dot, kind: conv2d, out_channels: 16, kernel: 1"], ["dot"])
    runs = [simulate("tiny", net, overrides=[f"tile.buffers.scratch.size={size}"]) for size in ("80 B", "64 KiB")]

    small, large = (run.summary["latency_ps"]["max"] for run in runs)
    assert small - large == ((273 + 7 * 135 + 2 + 100 + 3) - (383 + 7 * 80)) * NS == 380 * NS
    # The same is done, and what is drawn in any case is drawn for longer.
    energies = [run.summary["energy_j"]["by_layer"] for run in runs]
    for layer in energies[0]:
        assert (energies[0][layer] == energies[1][layer]) == (layer != "static")
    assert energies[0]["static"] / energies[1]["static"] == pytest.approx(
        runs[0].summary["makespan_ps"] / runs[1].summary["makespan_ps"]
    )


def test_half_the_phases(dot):
    # Inputs of 4 bits are 4 phases: 4 reads and conversions less in the chain, 40 ns; their 32 bytes come in one access
    # of 1 ns. Half of the conversions, reads and drives.
    shorter = "numbers.input_bits=4"
    (before, counts, joules), (after, fewer, less) = dot(), dot(shorter, fetch=1 * NS)

    assert before - after == 40 * NS
    for action in ("adc.convert", "crossbar.read", "dac.drive"):
        assert 2 * fewer[action] == counts[action]
        assert 2 * less[action] == pytest.approx(joules[action])
    assert load_chip("tiny", [shorter]).area_m2 == load_chip("tiny").area_m2
    assert mvm_interval_s(load_chip("tiny", [shorter])) == Fraction(320, 10**9)


def test_isaac_with_a_crossbar_read_of_200_ns():
    # [isaac16] says that this halves throughput: the array's cycle is that of everything around it.
    slow = load_chip("isaac", ["clocks.array=5 MHz"])

    assert 2 * peak_ops_per_s(slow) == peak_ops_per_s(load_chip("isaac"))
