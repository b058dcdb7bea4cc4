"""Calibrations: are the ranges those of the samples, does a file give them back, and does what uses them gain?"""

import numpy as np
import pytest

from aimcsim import calibrate, evaluate, load_chip, load_workload, simulate
from aimcsim.calibrating import Magnitudes
from aimcsim.calibration import Calibration, kept, load_calibration
from aimcsim.errors import ConfigError, TraceError

EXACT = ["tile.analog.device=ideal"]


@pytest.fixture(scope="module")
def digits():
    from aimcsim.cli.inputs import read_inputs

    network = load_workload("digits_cnn")
    return network, read_inputs("digits_cnn", network)


def part(digits, count):
    network, arrays = digits
    return network, {name: values[:count] for name, values in arrays.items()}


@pytest.fixture(scope="module")
def found(digits):
    return calibrate("tiny", *digits, samples=8)


def linear(workload):
    """Return a network of one layer of 6 inputs and 2 outputs, with its weights."""
    network = load_workload(workload([1, 1, 6], ["name: fc, kind: linear, out_features: 2"], ["fc"]))
    return network, np.asarray(network.layer("fc").op.weight, dtype=np.float64)[0]


def test_ranges_of_one_layer_are_what_a_hand_finds(workload):
    # Inputs: their largest magnitude. Column sums: digits of the quantized weights, driven by the bits of the quantized
    # inputs in two's complement; slice 0 has the lower four bits of a magnitude, slice 1 the upper three, positive and
    # negative weights in columns of their own.
    network, weight = linear(workload)
    x = np.random.default_rng(5).normal(size=(9, *network.layout("x").index.shape)).astype(np.float32)
    flat = x.reshape(9, 6).astype(np.float64)
    largest = kept(np.abs(flat).max())
    level = np.rint(flat / (largest / 127)).astype(int)
    bits = np.stack([(level & 255) >> bit & 1 for bit in range(8)])
    whole = np.rint(weight / (np.abs(weight).max(axis=0) / 127)).astype(int)
    sums = [(bits @ (np.maximum(sign * whole, 0) >> 4 * place & 15)).max() for place in (0, 1) for sign in (1, -1)]

    found = calibrate("tiny", network, {"x": x}, overrides=EXACT)

    assert found.layers["fc"].inputs == largest
    assert found.layers["fc"].converters == (max(sums[:2]), max(sums[2:]))
    assert (found.chip, found.workload, found.samples, found.percentile) == ("tiny", network.name, 9, 100.0)


def test_converters_alone_are_calibrated_for_the_ranges_of_inputs_that_the_chip_has(digits):
    network, inputs = part(digits, 4)

    alone = calibrate("tiny", network, inputs, ranges="converters")
    both = calibrate("tiny", network, inputs)
    only = calibrate("tiny", network, inputs, ranges="inputs")

    assert all(one.inputs is None for one in alone.layers.values())
    assert all(one.converters is None for one in only.layers.values())
    assert [one.inputs for one in both.layers.values()] == [one.inputs for one in only.layers.values()]
    scaled = ["tile.analog.input_range=fixed", f"tile.analog.input_scale={both.layers['conv1'].inputs}"]
    same = calibrate("tiny", network, inputs, ranges="converters", overrides=scaled)
    assert same.layers["conv1"].converters == both.layers["conv1"].converters


@pytest.mark.parametrize("percent", [1, 50, 99, 99.9, 100])
def test_magnitudes_know_their_percentiles_in_whatever_order_values_come(percent):
    # The last of so many per cent of the values, within the width of a bin: at most 2 / 65536 of the largest value.
    values = np.random.default_rng(0).normal(size=5000)
    there, back = Magnitudes(), Magnitudes()
    for batch in np.array_split(values, 7):
        there.add(batch)
    for batch in np.array_split(values[::-1], 11):
        back.add(batch)

    exact = np.sort(np.abs(values))[int(np.ceil(percent / 100 * 5000)) - 1]
    assert 0 <= there.percentile(percent) - exact <= there.largest * 2 / 65536
    assert there.percentile(percent) == back.percentile(percent)
    assert there.percentile(100) == np.abs(values).max()


def test_a_file_gives_back_the_same_bits(digits, found, tmp_path):
    network, inputs = part(digits, 4)
    found.save(tmp_path / "ranges.yaml")

    again = load_calibration(tmp_path / "ranges.yaml", network, load_chip("tiny"))

    assert again == found
    (name,) = network.outputs
    outputs = evaluate("tiny", network, inputs, calibration=found)[name]
    assert np.array_equal(evaluate("tiny", network, inputs, calibration=tmp_path / "ranges.yaml")[name], outputs)
    assert not np.array_equal(evaluate("tiny", network, inputs, seeds=1)[name], outputs)


@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize("grain", ["vector", "layer"])
def test_a_run_gives_the_bits_of_evaluate_and_says_its_ranges(digits, found, engine, grain):
    network, inputs = part(digits, 2)

    run = simulate(
        "tiny", network, inputs=inputs, analog="analog", calibration=found, engine=engine, grain=grain, seed=3
    )

    (name,) = network.outputs
    assert np.array_equal(run.outputs[name], evaluate("tiny", network, inputs, calibration=found, seeds=[3])[name])
    assert run.summary["calibration"] == found.data()


def test_samples_come_out_the_same_in_any_batch(digits, found):
    network, inputs = part(digits, 40)
    (name,) = network.outputs

    together = evaluate("tiny", network, inputs, calibration=found)[name]

    assert np.array_equal(evaluate("tiny", *part(digits, 3), calibration=found)[name], together[:3])


def test_a_chip_that_wants_a_calibration_is_content_with_one(digits, found):
    network, inputs = part(digits, 2)
    wants = ["tile.analog.adc_range=calibrated", "tile.analog.input_range=calibrated"]

    outputs = evaluate("tiny", network, inputs, overrides=wants, calibration=found)

    (name,) = network.outputs
    assert np.array_equal(outputs[name], evaluate("tiny", network, inputs, calibration=found)[name])
    half = calibrate("tiny", network, inputs, ranges="inputs")
    with pytest.raises(ConfigError, match=r"tile\.analog\.adc_range: needs a calibration that has `converters` of"):
        evaluate("tiny", network, inputs, overrides=wants, calibration=half)


def test_an_exact_chip_with_calibrated_ranges_is_a_quantized_one_of_other_steps(digits):
    # A range of 1020 is 255 codes of the 4 unit cells that tiny's own step of 4 counts.
    network, inputs = part(digits, 4)
    (name,) = network.outputs
    layers = {one: {"converters": [1020.0, 1020.0]} for one in ("conv1", "conv2", "conv3", "fc")}
    text = {"schema": "aimcsim-calibration/1", "chip": "tiny", "workload": network.name, "samples": 1}
    own = _of({**text, "percentile": 100, "layers": layers}, network)

    outputs = evaluate("tiny", network, inputs, overrides=EXACT, calibration=own)[name]

    assert np.array_equal(outputs, evaluate("tiny", network, inputs, overrides=EXACT, analog="quantized")[name])


def _of(data, network):
    """Return the calibration that YAML text of `data` is (JSON is such text)."""
    import json
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ranges.yaml"
        path.write_text(json.dumps(data))
        return load_calibration(path, network, load_chip("tiny"))


def test_calibrated_converters_gain_over_those_for_the_largest_sum(digits):
    # With 5 bits a code of the full range counts 31 unit cells, and no column of the samples comes to a third of it.
    # Ranges are of the first 32 samples, errors of the others.
    network, arrays = digits
    first, others = ({name: values[part] for name, values in arrays.items()} for part in (slice(32), slice(32, None)))
    chip = ["tile.adc.bits=5", "tile.analog.adc_range=maximum"]

    ranges = calibrate("tiny", network, first, ranges="converters", overrides=chip)
    wide = evaluate("tiny", network, others, overrides=chip, seeds=2)
    fitted = evaluate("tiny", network, others, overrides=chip, seeds=2, calibration=ranges)

    assert max(max(one.converters) for one in ranges.layers.values()) < 960 / 3
    assert fitted.rows()[0]["layer_error"] < wide.rows()[0]["layer_error"] / 4
    assert fitted.rows()[0]["accuracy"] > wide.rows()[0]["accuracy"] + 0.2


GOOD = """\
schema: aimcsim-calibration/1
chip: tiny
workload: digits_cnn
samples: 8
percentile: 100
layers:
  conv1: {inputs: 1, converters: [60, 30]}
  conv2: {inputs: 2, converters: [280, 120]}
  conv3: {inputs: 3, converters: [260, 110]}
  fc: {inputs: 4, converters: [200, 60]}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tiny", "isaac", "r.yaml:2:7: chip: this calibration is for another chip than `tiny` (got `isaac`)"),
        ("digits_cnn", "digits_mlp", "r.yaml:3:11: workload: this calibration is for another workload than `digits_cn"),
        ("  conv2:", "  konv2:", "r.yaml:8:3: layers.konv2: `digits_cnn` has no such layer with weights (got `konv2`)"),
        ("  fc: {inputs: 4, converters: [200, 60]}\n", "", "r.yaml:7:3: layers: layer `fc` is missing"),
        ("[60, 30]", "[60, 30, 1]", "r.yaml:7:34: layers.conv1.converters: expected a range for each of the 2 slices"),
        ("[60, 30]", "[60, 0]", "r.yaml:7:39: layers.conv1.converters[1]: expected a number from 1e-09 to"),
        ("[60, 30]", "[60, .nan]", "r.yaml:7:39: layers.conv1.converters[1]: expected a number from 1e-09 to"),
        ("inputs: 2", "inputs: yes", "r.yaml:8:19: layers.conv2.inputs: expected a number from 1e-09 to"),
        ("inputs: 2", "input: 2", "r.yaml:8:11: layers.conv2.input: unknown field (got `input`)"),
        ("percentile: 100", "percentile: 101", "r.yaml:5:13: percentile: expected a number from"),
        ("samples: 8", "samples: 0", "r.yaml:4:10: samples: expected a number from 1 to 1e+09 (got `0`)"),
        ("schema: aimcsim-calibration/1", "schema: aimcsim-mapping/1", "r.yaml:1:9: schema: a calibration begins with"),
        (GOOD, "[1, 2]", "r.yaml:1:1: expected fields (got `[1, 2]`)"),
        (GOOD, "", "r.yaml:1:1: the file is empty"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_where_it_stands(tmp_path, monkeypatch, digits, old, new, said):
    monkeypatch.chdir(tmp_path)
    assert old in GOOD
    (tmp_path / "r.yaml").write_text(GOOD.replace(old, new, 1))

    with pytest.raises(ConfigError) as error:
        load_calibration("r.yaml", digits[0], load_chip("tiny"))

    lines = str(error.value).splitlines()
    assert lines[-1].startswith(said)
    assert len(lines) == (2 if "konv2" in new else 1)  # conv2 is missing then as well


def test_a_good_file_is_taken(tmp_path, digits):
    (tmp_path / "r.yaml").write_text(GOOD)

    found = load_calibration(tmp_path / "r.yaml", digits[0], load_chip("tiny"))

    assert isinstance(found, Calibration)
    assert found.layers["fc"].converters == (200.0, 60.0)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"percentile": 0}, ConfigError, "percentile must be above 0 and at most 100"),
        ({"percentile": float("nan")}, ConfigError, "percentile must be"),
        ({"ranges": "all"}, ConfigError, "ranges must be one of both, inputs, converters"),
        ({"samples": 65}, TraceError, "the inputs have 64"),
        ({"samples": 0}, TraceError, "the inputs have 64"),
        (
            {"overrides": ["tile.analog.input_range=calibrated"], "ranges": "converters"},
            ConfigError,
            r"tile\.analog\.input_range: needs a calibration",
        ),
    ],
)
def test_what_cannot_be_calibrated_is_refused(digits, options, error, said):
    with pytest.raises(error, match=said):
        calibrate("tiny", *digits, **options)


def test_ranges_without_devices_are_refused(digits, found):
    network, inputs = part(digits, 1)
    with pytest.raises(ConfigError, match="quantized values have no ranges to calibrate"):
        evaluate("tiny", network, inputs, analog="quantized", calibration=found)
    with pytest.raises(ConfigError, match="a calibration needs `analog` values"):
        simulate("tiny", network, inputs=inputs, calibration=found)
    with pytest.raises(ConfigError, match=r"calibration:2:7: chip: this calibration is for another chip than `isaac`"):
        evaluate("isaac", network, inputs, calibration=found)
