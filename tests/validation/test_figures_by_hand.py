"""Do presets give what hand arithmetic on their publications gives, and does a changed field move it as it must?"""

import pytest

from aimcsim import load_chip, simulate
from aimcsim.errors import CapacityError
from aimcsim.run import build
from aimcsim.spec.rates import array_energy_j, mvm_interval_s, peak_ops_per_s
from aimcsim.validation import gaincell, jain, neurram, speech
from aimcsim.validation.registry import DATA

NS, PJ = 1e-9, 1e-12


def test_a_tile_of_the_dense_mesh():
    # [jain23]: 2 x 512 x 512 operations in 40 ns, at 100 TOPS/W and 10.9 TOPS/mm2.
    assert jain.tile_peak_tops() == pytest.approx(524288 / 40e-9 / 1e12)
    assert jain.tile_energy_nj() == pytest.approx(524288 / 100e12 * 1e9)
    assert jain.tile_area_mm2() == pytest.approx(524288 / 40e-9 / 10.9e12, rel=1e-5)


def test_resnet32_takes_a_tile_for_each_block_of_512_rows():
    # The first layer, 10 layers of 16 and 10 of 32 channels, one of 32 x 9 rows, 9 of 64 x 9 = 576 rows, which are two
    # blocks, two shortcuts, the classes.
    assert jain.tiles() == 1 + 10 + 10 + 1 + 9 * 2 + 2 + 1


def test_integration_sets_the_time_of_layers_one_after_the_other():
    # Every product on the way through the network, the classes' one included, takes 40 ns more, if no circuit waits.
    slower = ["control.layers=serial", "network.model=ideal", "tables.mvm.stages.integrate.latency=80 cycles"]
    before = simulate("jain", jain.RESNET32, overrides=slower[:2]).summary["latency_ps"]["max"]
    after = simulate("jain", jain.RESNET32, overrides=slower).summary["latency_ps"]["max"]
    assert after - before == (11 * 1024 + 10 * 256 + 10 * 64 + 1) * 40 * 1000


def test_smaller_arrays_of_the_dense_mesh_take_less():
    # Half the columns: half the operations, cells and ramps, and the same drivers: 0.175 / 2 + 0.175 + 0.65 / 2.
    half = load_chip("jain", ["tile.crossbar.cols=512", "tile.adc.converters=512"])
    assert peak_ops_per_s(half) * 2 == peak_ops_per_s(load_chip("jain"))
    assert float(array_energy_j(half)) == pytest.approx(5.24288e-9 * 0.5875)


# [wan22], extended data figure 12, digitised: bits of outputs and inputs, us of a product, and by its law
# 0.27 x sum(2^p - 1) + 0.30 x (bits left to find at each train) + 0.30 x trains, with trains of p bits.
PRECISIONS = [
    (3, 2, 1.482, 0.27 * 1 + 0.30 * 3 + 0.30),
    (4, 2, 1.754, 0.27 * 1 + 0.30 * 4 + 0.30),
    (5, 3, 2.699, 0.27 * 3 + 0.30 * 5 + 0.30),
    (6, 4, 4.229, 0.27 * 7 + 0.30 * 6 + 0.30),
    (7, 5, 5.987, 0.27 * (3 + 3) + 0.30 * (7 + 5) + 0.60),
    (8, 6, 7.531, 0.27 * (7 + 3) + 0.30 * (8 + 5) + 0.60),
    (9, 7, 9.148, 0.27 * (7 + 7) + 0.30 * (9 + 6) + 0.60),
    (10, 8, 11.92, 0.27 * (15 + 7) + 0.30 * (10 + 6) + 0.60),
]


@pytest.mark.parametrize(("outputs", "inputs", "measured", "law"), PRECISIONS)
def test_a_product_of_neurram_takes_what_its_pulses_and_bits_take(outputs, inputs, measured, law):
    assert neurram.latency_us(outputs, inputs) == pytest.approx(law)
    assert neurram.latency_us(outputs, inputs) == pytest.approx(measured, rel=0.06)


def test_the_energy_of_a_product_of_neurram():
    # Inputs of 4 bits, 3 of magnitude in one train of 7 steps, and outputs of 6: 256 rows switch 3 times 585.6 fF at
    # 1.8 V and take 0.982 pJ a pulse; 256 neurons integrate 7 times, find 6 bits, and begin once.
    rows = 256 * 3 * (0.5856 * 1.8**2 + 0.982)
    neurons = 256 * (7 * 0.562 + 6 * 0.453 + 0.797)
    assert neurram.efficiency_tops_w(6, 4) == pytest.approx(65536 / (rows + neurons))


def test_the_published_parts_of_neurram_contradict_one_of_its_figures():
    # fJ an operation of word lines, neurons and pulses, and TOPS/W, digitised, by bits of inputs.
    published = {
        2: (8.27, 12.39, 3.96, 40.33),
        3: (15.46, 20.12, 7.73, 23.09),
        4: (21.76, 29.11, 11.51, 15.95),
        5: (30.93, 44.21, 14.02, 11.03),
        6: (37.22, 52.48, 19.24, 8.26),
        7: (43.69, 61.83, 22.83, 7.75),
        8: (50.52, 75.86, 27.51, 6.44),
    }
    off = {bits: abs(1000 / sum(parts) / figure - 1) for bits, (*parts, figure) in published.items()}
    assert {bits for bits, error in off.items() if error > 0.02} == {6}
    assert off[6] == pytest.approx(0.111, abs=1e-3)
    # With the parts, ours agrees.
    assert neurram.energy_8b_6b_fj() == pytest.approx(sum(published[6][:3]), rel=0.02)


def test_the_published_time_of_resnet32_on_the_dense_mesh_lies_between_layers_that_overlap_and_layers_in_turn():
    # 0.434 ms are 14464 products of 30.0 ns, to the last digit; ours take the 40 ns of the published tile.
    products = 11 * 1024 + 10 * 256 + 10 * 64
    assert f"{products * 30e-6:.3f}" == "0.434"
    assert jain.serial_ms() == pytest.approx(products * 40e-6, rel=0.01)
    assert jain.latency_ms() < 0.434 < jain.serial_ms()


def test_a_bit_more_of_neurram_takes_a_step_more():
    before, after = (load_chip("neurram", [f"tile.adc.bits={bits}"]) for bits in (6, 7))
    assert float(mvm_interval_s(after) - mvm_interval_s(before)) == pytest.approx(300 * NS)
    assert float(array_energy_j(after) - array_energy_j(before)) == pytest.approx(256 * 0.453 * PJ)


def test_a_run_counts_products_of_quantities(tmp_path):
    # One product of 100 inputs by 10 outputs: 100 rows switch for 3 bits of magnitude, 20 columns integrate 7 steps.
    net = tmp_path / "net.yaml"
    net.write_text(
        "schema: aimcsim-workload/1\nname: net\ninputs: {x: [100]}\n"
        "layers:\n  - {name: fc, kind: linear, out_features: 10}\noutputs: [fc]\n"
    )
    rows = simulate("neurram", net).table("energy").records()
    counts = {f"{row['component']}.{row['action']}": row["count"] for row in rows if row["phase"] == "run"}
    assert counts["word_line.switch"] == 100 * 3
    assert counts["neuron.integrate"] == 20 * 7


def test_the_published_edram_of_isaac_is_just_enough_for_vgg16():
    # A copy of conv4.2 needs two rows of 28 pixels and three more, 2 x 28 + 3, of 512 channels of 2 bytes: 59 KiB of
    # the 64. What else a tile holds is its partial sums on their way.
    network, mapping = DATA / "vgg16_convolutions.yaml", DATA / "vgg16_mapping.yaml"
    build("isaac", network, mapping=mapping)
    with pytest.raises(CapacityError, match=r"conv4\.1\.send@\S+ -> conv4\.2\.mvm@\S+: 59 x 1024 bytes"):
        build("isaac", network, mapping=mapping, overrides=["tile.buffers.edram.size=59 KiB"])


def test_the_speech_chip_goes_in_steps_of_300_ns(monkeypatch):
    # Integration of 150 ns and a ramp of 128 ns leave 22 ns for pulses on their way. With a ramp of 178 ns they miss
    # the step, and the next tiles begin a third of a step later.
    assert [speech.decoder_frame_ns(), speech.rnnt_step_ns(), speech.kws_frame_ns()] == [5 * 300, 7 * 300, 8 * 300]
    slower = load_chip("speech", ["tables.mvm.stages.ramp.latency=178 ns"])
    monkeypatch.setattr(speech, "_chip", lambda: slower)
    assert speech._frame_ns.__wrapped__(5) == 5 * 400


def test_albert_fills_the_speech_chip():
    # 4 x 768 x 768 + 2 x 768 x 3072 weights of 4 devices, of 34 x 512 x 2048.
    assert speech.albert_fill_pct() == pytest.approx(100 * 4 * (4 * 768**2 + 2 * 768 * 3072) / (34 * 512 * 2048))


def test_two_heads_of_gain_cells_take_twice_the_energy_and_the_time_of_one(tmp_path):
    # 65 ns a token, and 1.12 + 0.70 + 4.0 + 0.33 nJ in each head.
    two = tmp_path / "two.yaml"
    two.write_text((DATA / "head.yaml").read_text().replace("256, 64]", "256, 128]").replace("heads: 1", "heads: 2"))
    run = simulate("gaincell", two)
    ops = run.ops
    ends = ops["end_ps"][ops["kind"] == "vector"]
    assert gaincell.token_nj() == pytest.approx(6.15)
    assert run.summary["energy_j"]["total"] / 256 * 1e9 == pytest.approx(2 * 6.15)
    assert ends.max() - ends.min() == pytest.approx(255 * 65_000, rel=0.05)
