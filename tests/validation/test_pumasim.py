"""Do programs on PUMA as its authors simulate it take what hand arithmetic on its constants gives?

Times are in cycles of 1 ns. What comes from the host has its first 32 bytes there after 1 cycle, which become 2 at the
next edge, a way of 31 takes them to a tile, and 2 into its memory: 35. What leaves takes 2 out of the memory, 31, and
1. A core loads or stores 128 values of 16 bits in 8 accesses of 3 cycles, 4 where another core waits for them, and
keeps the memory for 2 of these.
"""

import pytest

from aimcsim import load_chip
from aimcsim.mapping import map_workload
from aimcsim.spec.rates import product_s
from aimcsim.validation import pumasim

IN, ALONE, WAITED_FOR, COPY, PRODUCT, ALU, OUT = 35, 8 * 3, 8 * 4, 2, 1800, 128 // 4, 2 + 31 + 1


def spans(run, kind):
    """Return layer -> (start, end) in cycles from the first packet of the inputs, for the ops of a kind."""
    rows = [row for row in run.ops.records() if row["kind"] != "program"]
    begin = min(row["start_ps"] for row in rows)
    return {
        row["layer"]: ((row["start_ps"] - begin) / 1000, (row["end_ps"] - begin) / 1000)
        for row in rows
        if row["kind"] == kind
    }


def test_one_product_and_its_sigmoid():
    # Load, copy, product, sigmoid on 4 lanes, store, out; nothing overlaps.
    by_hand = IN + ALONE + COPY + PRODUCT + ALU + ALONE + OUT
    assert pumasim.cycles((128, 128)) == pytest.approx(by_hand, abs=0.01)
    assert pumasim.fc128_cycles() == pytest.approx(151, abs=0.01)


def test_two_pieces_of_inputs_are_taken_in_and_stored_one_after_the_other():
    # A core takes a piece in (32) and stores it (32), so the second begins 64 after the first; its store keeps the
    # memory for 16 cycles. Then the products of two rows load it in turn, 16 accesses of 2 cycles and 1 to the core.
    loaded = IN + 64 + WAITED_FOR + 16 + 16 * 2 + 1
    # The second row's sum and sigmoid. Its 8 stores and those of the row 2 cycles ahead take turns: one in 4 cycles.
    stored = loaded + COPY + PRODUCT + ALU + ALU + 1 + 7 * 4 + 2
    # The row ahead keeps the tile's sequencer for 16 cycles.
    by_hand = stored - 2 + 16 + OUT
    assert pumasim.cycles((256, 256)) == pytest.approx(by_hand, abs=0.01)
    assert pumasim.fc256_cycles() == pytest.approx(325, abs=0.01)


def test_sums_go_from_core_to_core_through_the_memory():
    # A row of 16 products has its tile to itself. The first core adds once; seven times a sum is stored by one core and
    # loaded by the next, which has it 3 cycles after the last store and adds twice; then the sigmoid and its store.
    done = spans(pumasim.run_of(pumasim.MLPL4), "vector")
    first, last = done["layer3.0.sum1"], done["layer3.0"]
    assert last[1] - first[0] == ALU + 7 * (WAITED_FOR + 3 + 2 * ALU) + ALU + ALONE


def test_the_program_of_mlpl4_has_the_products_and_tiles_of_the_published_run():
    # 8 x 8 + 8 x 16 + 16 x 8 + 8 x 1 blocks of 128 x 128, 16 to a tile: 4, 8, 8 and half a tile.
    network, policy = pumasim.perceptron(pumasim.MLPL4)
    mapping = map_workload(network, load_chip("puma-sim"), policy)
    assert mapping.crossbars_used == 64 + 128 + 128 + 8 == 328
    assert mapping.tiles_used == 21
    kinds = [layer.kind for layer in network.layers]
    # A sum for each block beyond the first of a row; a store between cores in front of every second one.
    assert kinds.count("add") == 8 * 7 + 16 * 7 + 8 * 15 + 7
    assert kinds.count("reshape") == 8 * 3 + 16 * 3 + 8 * 7 + 3
    # Inputs are kept once and go to three tiles; then every piece goes to every tile of the next layer.
    assert kinds.count("gather") == 8
    assert kinds.count("concat") == 8 * 3 + 8 * 8 + 16 * 8 + 8


def test_a_tile_sends_inputs_on_after_its_own_outputs_if_there_are_layers_behind():
    alone, first = (spans(pumasim.run_of(widths), "mvm") for widths in ((1024, 1024), pumasim.MLPL4))
    elsewhere = [f"layer1.{row}.product{column}" for row in range(6) for column in range(8)]
    outputs = spans(pumasim.run_of(pumasim.MLPL4), "vector")
    assert min(first[name][0] for name in elsewhere) >= max(outputs[f"layer1.{row}"][1] for row in (6, 7))
    assert min(alone[name][0] for name in elsewhere) < PRODUCT


def test_a_product_counts_what_its_arrays_do():
    # 16 input bits; 8 arrays of 128 columns, each converted and added up, and 128 sums over the bits.
    assert pumasim.crossbar_reads() == 16 * 8
    assert pumasim.row_drives() == 16 * 128
    assert pumasim.conversions() == 16 * 8 * 128
    assert pumasim.shift_adds() == 16 * (8 * 128 + 128)


def test_mlpl4_does_what_the_published_run_counted():
    counts = {}
    for row in pumasim.run_of(pumasim.MLPL4).table("energy").records():
        if row["phase"] != "programming":
            key = f"{row['component']}.{row['action']}"
            counts[key] = counts.get(key, 0) + row["count"]
    # 328 products; 288 sums of 128 and 7 of 10 outputs; a sigmoid for each output.
    assert counts["crossbar.read"] == 328 * 128 == 41984
    assert counts["dac.drive"] == 328 * 2048 == 671744
    assert counts["vector_unit.op"] == 288 * 128 + 7 * 10 == 36934
    assert counts["vector_unit.activate"] == 1024 + 2048 + 1024 + 10 == 4106


def test_half_the_input_bits_are_half_the_counts_and_ten_stages_of_time(monkeypatch):
    chip = load_chip("puma-sim", ["numbers.input_bits=8"])
    monkeypatch.setattr(pumasim, "_chip", lambda: chip)
    assert pumasim.conversions() == 8 * 8 * 128
    assert float(product_s(chip)) == pytest.approx((8 + 3 - 1) * 100e-9)


def test_the_energy_of_a_product_is_that_of_its_accesses():
    # pJ: reads, conversions, drivers, samples, shift-and-adds, register reads, and outputs read and written a bit.
    arrays = 128 * 170 + 16384 * 1.8 + 2048 * 0.00350625 + 16384 * 0.00000873
    digital = 18432 * 0.045 + 16 * 1.7 + 16 * 128 * 2 * 0.16
    energy = pumasim.run_of((128, 128)).table("energy").records()
    parts = ("crossbar", "adc", "dac", "sample_hold", "shift_add", "output_register")
    found = sum(
        row["energy_j"]
        for row in energy
        if row["phase"] != "programming"
        and row["action"] != "static"
        and (row["component"] in parts or (row["component"], row["action"]) == ("input_register", "read"))
    )
    assert found == pytest.approx((arrays + digital) * 1e-12)


def test_a_tile_leaks_what_its_parts_do():
    # mW of a core: 22 x 128 drivers, 4 x 128 samples, 4 converters, 4 adders, 6 + 6 registers, memories, ALU, table.
    core = 22 * 128 * 0.000390625 + 4 * 128 * 9.7e-7 + 4 * 0.2 + 4 * 0.005 + 12 * 0.04
    core += 0.078 * 8**0.5 + 0.33 + 0.27 * 32 / 45 + 0.026
    # Of a tile: counters, instructions, controller, receive buffer, eDRAM; its bus leaks nothing in whole numbers.
    tile = (0.33 / 2 + 0.33) * 8**0.5 + 0.05 + 2 * 0.09 + 0.46
    power = pumasim.tile_static_w(load_chip("puma-sim"))
    assert sum(power.values()) - power["control"] == pytest.approx((8 * core + tile) * 1e-3, rel=1e-6)


def test_a_tile_measures_what_the_simulator_says():
    chip = load_chip("puma-sim")
    in_tiles = [cost for cost in chip.costs.values() if cost.instances_per != "chip"]
    area_m2 = sum(cost.area_m2 * chip.instances(cost.instances_per) for cost in in_tiles) / chip.tile.count
    assert float(area_m2) == pytest.approx(0.455e-6, rel=1e-3)  # 0.455 mm2, what its tile metrics print


def test_tiles_leak_while_they_work():
    # The one tile works from the first packet until its result has left.
    assert pumasim.tile_seconds(pumasim.run_of((128, 128))) == pytest.approx(pumasim.cycles((128, 128)) * 1e-9)
