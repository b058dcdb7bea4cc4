"""Values in devices: are they the same bits in and out of the clock, and nobody's but their own layer's?"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from aimcsim import evaluate, load_chip, load_workload, simulate
from aimcsim.errors import CapacityError, ConfigError
from aimcsim.mapping import MappingPolicy
from aimcsim.run import build
from aimcsim.spec.chip_file import Analog
from tests.machine.random_machines import Case, cases

RANDOM = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
DAY_S = 86_400.0
# Everything that errs at once, with noise of single reads; and phase-change memory alone.
EVERYTHING = Analog(
    device="generic",
    parameters={"programming": 0.02, "read": 0.01},
    on_off_ratio=50.0,
    stuck_on=0.01,
    stuck_off=0.01,
    adc_offset_sigma=0.01,
    adc_gain_sigma=0.02,
    row_wire=1e-5,
    column_wire=1e-5,
)
# All that is read step by step: circuits, drivers, the limit of columns; and cells that are not linear.
CIRCUITS = Analog(
    device="pcm",
    input_range="percentile",
    input_percentile=0.9,
    driver_gain_sigma=0.02,
    driver_noise_sigma=0.01,
    column_limit=20.0,
    adc_kind="sar",
    adc_range="maximum",
    adc_gain_sigma=0.02,
    adc_capacitor_sigma=0.05,
    adc_comparator_sigma=0.01,
)
CURVED = Analog(
    device="generic",
    parameters={"programming": 0.02},
    current_voltage="cubic",
    read_voltage_v=Fraction(1, 2),
    driver_gain_sigma=0.02,
    input_range="fixed",
    input_scale=2.0,
    adc_kind="pipeline",
    adc_c1_sigma=0.02,
)
ERRORS = {"pcm": Analog(device="pcm"), "everything": EVERYTHING, "circuits": CIRCUITS, "curved": CURVED}


def with_errors(chip, analog):
    return replace(chip, tile=replace(chip.tile, analog=analog))


POLICIES = st.builds(MappingPolicy, pack=st.sampled_from(["none", "crossbar"]), budget=st.sampled_from([None, "all"]))


@settings(RANDOM, max_examples=30)
@given(
    case=cases(),
    policy=POLICIES,
    analog=st.sampled_from(list(ERRORS.values())),
    grain=st.sampled_from(["vector", "row", "layer"]),
    engine=st.sampled_from(["fast", "reference"]),
    shuffle=st.sampled_from([None, 3]),
    compensate=st.sampled_from(["none", "global", "column"]),
    chips=st.sampled_from([None, None, "auto", 2]),
)
def test_values_are_the_same_bits_in_and_out_of_the_clock(
    case: Case, policy, analog, grain, engine, shuffle, compensate, chips
):
    network = case.workload()
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(case.requests, *network.layout("x").index.shape)).astype(np.float32)}
    epoch = {"time_s": DAY_S, "compensate": compensate}
    try:
        chip = with_errors(case.chip(), analog)
        run = simulate(
            chip,
            network,
            inputs=inputs,
            analog="analog",
            mapping=policy,
            grain=grain,
            engine=engine,
            shuffle_seed=shuffle,
            seed=4,
            chips=chips,
            **epoch,
        )
    except CapacityError:
        return
    replicated = any(share.replica for share in build(chip, network, mapping=policy, chips=chips).mapping.shares)
    event("replicated" if replicated else "single")

    outside = evaluate(chip, network, inputs, mapping=policy, chips=chips, seeds=[4], **epoch)

    for name, values in outside.items():
        assert np.array_equal(run.outputs[name], values)
    assert run.summary["epoch"]["time_s"] == DAY_S


@pytest.fixture(scope="module")
def digits():
    from aimcsim.cli.inputs import read_inputs

    network = load_workload("digits_cnn")
    return network, read_inputs("digits_cnn", network)


def few(digits, count):
    network, arrays = digits
    return network, {name: values[:count] for name, values in arrays.items()}


@pytest.mark.parametrize("analog", ERRORS.values(), ids=ERRORS)
def test_a_sample_comes_out_the_same_with_whatever_others(analog, digits):
    # 40 samples are two batches; the first 3 alone are a part of one. Sample i is request i, wherever it is computed.
    network, inputs = few(digits, 40)
    chip = with_errors(load_chip("tiny"), analog)

    (name,) = network.outputs
    together = evaluate(chip, network, inputs, time_s=DAY_S)[name]

    _, first = few(digits, 3)
    assert np.array_equal(evaluate(chip, network, first, time_s=DAY_S)[name], together[:3])


@pytest.mark.parametrize("analog", ERRORS.values(), ids=ERRORS)
def test_every_instruction_set_and_the_twin_give_the_same_bits(analog, digits, implementation, by_the_first):
    network, inputs = few(digits, 2)
    (name,) = network.outputs

    outputs = evaluate(with_errors(load_chip("tiny"), analog), network, inputs, time_s=DAY_S)[name]

    assert np.array_equal(outputs, by_the_first.setdefault(str(analog), outputs))


@pytest.fixture(scope="module")
def by_the_first():
    """Keep what the first implementation makes of each chip, to compare the others with."""
    return {}


def test_a_layer_more_shifts_nobodys_numbers(workload):
    # The second network has a layer beside the first one's, before it in the file. `c` draws the same.
    layers = [f"name: {name}, kind: linear, inputs: [x], out_features: {count}" for name, count in (("a", 6), ("c", 5))]
    alone = workload([1, 1, 20], layers[1:], ["c"], name="alone")
    both = workload([1, 1, 20], layers, ["a", "c"], name="both")
    shape = load_workload(alone).layout("x").index.shape
    inputs = {"x": np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)}
    chip = with_errors(load_chip("tiny"), EVERYTHING)

    found, expected = (evaluate(chip, net, inputs, seeds=1) for net in (both, alone))

    assert np.array_equal(found["c"], expected["c"])


GAINS = Analog(adc_gain_sigma=0.1)


def of_two_replicas(workload, chip):
    """Return what two replicas of a layer make of the same vector, side by side in crossbars of tile 0."""
    network = load_workload(workload([1, 2, 8], ["name: c, kind: conv2d, out_channels: 8, kernel: 1"], ["c"]))
    x = np.repeat(np.random.default_rng(0).normal(size=(1, 1, 1, 8)).astype(np.float32), 2, axis=2)
    outputs = evaluate(chip, network, {"x": x}, mapping=MappingPolicy(replicas={"c": 2}), seeds=1)["c"]
    return outputs.reshape(2, 8)


def test_crossbars_that_share_a_bank_share_its_converters(workload):
    # Column n of either crossbar is converted by converter n of 64. With a bank for each crossbar they are others.
    chip = with_errors(load_chip("tiny"), GAINS)
    first, second = of_two_replicas(workload, chip)
    assert np.array_equal(first, second)

    own = replace(chip, tile=replace(chip.tile, adc=replace(chip.tile.adc, crossbars=1)))
    first, second = of_two_replicas(workload, own)
    assert not np.array_equal(first, second)


def test_blocks_in_one_crossbar_share_the_converters_of_their_columns(workload):
    # Two layers of equal weights, 2 outputs of 4 columns each, side by side in a crossbar: columns 0 to 7 and 8 to 15.
    # With 8 converters for a crossbar the columns of both are converted by converters 0 to 7; with 64 by 0 to 7 and
    # 8 to 15.
    texts = [f"name: {name}, kind: linear, inputs: [x], out_features: 2" for name in "ac"]
    network = load_workload(workload([1, 1, 64], texts, ["a", "c"]))
    weight = network.layer("a").op.weight
    layers = tuple(replace(layer, op=replace(layer.op, weight=weight)) for layer in network.layers)
    network = replace(network, layers=layers)
    x = {"x": np.random.default_rng(0).normal(size=(1, *network.layout("x").index.shape)).astype(np.float32)}
    policy = MappingPolicy(pack="crossbar")

    def outputs(converters):
        adc = f"tile.adc.converters={converters}"
        chip = with_errors(load_chip("tiny", [adc, "tile.adc.crossbars=1"]), GAINS)
        corners = [share.corner for share in build(chip, network, mapping=policy).mapping.shares]
        assert corners == [(0, 0), (0, 8)]
        return evaluate(chip, network, x, mapping=policy, seeds=1)

    few, many = outputs(8), outputs(64)
    assert np.array_equal(few["a"], few["c"])
    assert not np.array_equal(many["a"], many["c"])


def test_seeds_are_programmings_of_their_own_and_come_back(digits):
    network, inputs = few(digits, 4)

    study = evaluate("tiny", network, inputs, seeds=[0, 5], time_s=[0.0, DAY_S])
    again = evaluate("tiny", network, inputs, seeds=[5], time_s=DAY_S)

    (name,) = network.outputs
    assert [(point.seed, point.time_s) for point in study.points] == [(0, 0.0), (0, DAY_S), (5, 0.0), (5, DAY_S)]
    assert np.array_equal(study.points[3].outputs[name], again[name])
    different = {point.outputs[name].tobytes() for point in study.points}
    assert len(different) == 4


def test_a_chip_without_errors_computes_its_integers(digits):
    network, inputs = few(digits, 4)

    found = evaluate("isaac", network, inputs, seeds=2, time_s=[0.0, DAY_S], compensate="column")

    (name,) = network.outputs
    expected = evaluate("isaac", network, inputs, analog="quantized")[name]
    assert all(np.array_equal(point.outputs[name], expected) for point in found.points)
    assert not found.is_drawn
    assert found.compensation_reads == 0


def test_agreement_accuracy_and_layer_errors_are_what_they_are_called(digits):
    # Computed anew from the outputs and from float in float64; with weights of ideal arrays nothing is off at all.
    network, inputs = few(digits, 30)
    (name,) = network.outputs
    exact = evaluate("tiny", network, inputs)[name].reshape(30, -1)

    found = evaluate("tiny", network, inputs, time_s=DAY_S)

    got = found[name].reshape(30, -1)
    assert found.agreement == [np.mean(got.argmax(axis=1) == exact.argmax(axis=1))]
    assert found.accuracy == [np.mean(got.argmax(axis=1) == inputs["labels"])]
    last = found.points[0].layers[-1]
    assert last.layer == "fc"
    assert last.accumulated == pytest.approx(np.linalg.norm(got - exact) / np.linalg.norm(exact), rel=1e-6)
    first = found.points[0].layers[0]
    assert first.own == first.accumulated  # the first layer has the inputs of the float network


def test_a_compensation_costs_64_products_of_every_array(digits):
    # 19 crossbars hold a block each.
    network, inputs = few(digits, 1)

    found = evaluate("tiny", network, inputs, compensate="global")

    assert build("tiny", network).mapping.crossbars_used == 19
    assert found.compensation_reads == 19 * 64


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seeds": 0}, "at least one"),
        ({"seeds": [0.5]}, "whole numbers"),
        ({"seeds": True}, "at least one"),
        ({"time_s": -1.0}, "time_s"),
        ({"time_s": float("nan")}, "time_s"),
        ({"time_s": []}, "at least one"),
        ({"compensate": "row"}, "compensate"),
        ({"analog": "exact"}, "analog"),
        ({"analog": "ideal", "seeds": 3}, "ideal values have no seeds"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, said, digits):
    network, inputs = few(digits, 1)
    with pytest.raises(ConfigError, match=said):
        evaluate("tiny", network, inputs, **options)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("device=pmc", r"^--set:1:20: tile\.analog\.device: no device model 'pmc'.*Did you mean `pcm`"),
        ("parameters.drift=2", r"^--set:1:13: tile\.analog\.parameters: pcm has no parameter 'drift'"),
        ("parameters.drift_scale=-2", r"^--set:1:13: tile\.analog\.parameters: pcm\.drift_scale must be a number from"),
        (
            "device=rram_cmo",
            r"^--set:1:20: tile\.analog\.device: .*from 0\.102 to 1 .*lever: tile\.analog\.on_off_ratio",
        ),
        ("on_off_ratio=1", r"^--set:1:26: tile\.analog\.on_off_ratio: must be above 1 \(got 1\)"),
        ("stuck_on=1.5", r"^--set:1:22: tile\.analog\.stuck_on: expected a number from 0 to 1 \(got `1\.5`\)"),
        ("adc_kind=flash", r"^--set:1:22: tile\.analog\.adc_kind: not a known choice"),
        ("adc_range=minimum", r"^--set:1:23: tile\.analog\.adc_range: not a known choice"),
        ("adc_rounding=up", r"^--set:1:26: tile\.analog\.adc_rounding: not a known choice"),
        ("adc_gain_db=10", r"^--set:1:25: tile\.analog\.adc_gain_db: expected a number from 20 to 400 \(got `10`\)"),
        ("adc_capacitor_sigma=-1", r"tile\.analog\.adc_capacitor_sigma: expected a number from 0 to 1 \(got `-1`\)"),
        ("adc_comparator_sigma=2", r"tile\.analog\.adc_comparator_sigma: expected a number from 0 to 1"),
        ("adc_c1_sigma=2", r"tile\.analog\.adc_c1_sigma: expected a number from 0 to 1"),
        ("adc_c2_sigma=2", r"tile\.analog\.adc_c2_sigma: expected a number from 0 to 1"),
        ("adc_parasitic_sigma=2", r"tile\.analog\.adc_parasitic_sigma: expected a number from 0 to 1"),
        ("adc_split_capacitors=2", r"tile\.analog\.adc_split_capacitors: expected `true` or `false`"),
        ("column_limit=0", r"^--set:1:26: tile\.analog\.column_limit: must be from 1e-09 to 1e\+09 \(got 0\)"),
        ("input_range=max", r"^--set:1:25: tile\.analog\.input_range: not a known choice"),
        ("input_range=fixed", r"^--set:1:25: tile\.analog\.input_range: a fixed range needs its scale"),
        ("input_scale=-1", r"^--set:1:25: tile\.analog\.input_scale: expected a number from 0 to"),
        ("input_scale=1e-300", r"^--set:1:25: tile\.analog\.input_scale: must be from 1e-09 to 1e\+09 \(got 1e-300\)"),
        ("input_percentile=0", r"^--set:1:30: tile\.analog\.input_percentile: must be from 1e-09"),
        ("driver_gain_sigma=2", r"tile\.analog\.driver_gain_sigma: expected a number from 0 to 1"),
        ("driver_noise_sigma=2", r"tile\.analog\.driver_noise_sigma: expected a number from 0 to 1"),
        ("driver_asymmetry=0.1", r"^--set:1:30: tile\.analog\.driver_asymmetry: only `bipolar` drivers drive negative"),
        ("current_voltage=square", r"^--set:1:29: tile\.analog\.current_voltage: not a known choice"),
        ("current_voltage=milo", r"^--set:1:29: tile\.analog\.current_voltage: milo is not known of cells without"),
        ("read_voltage=0 V", r"^--set:1:26: tile\.analog\.read_voltage: must be from 1e-09"),
        ("read_voltage=2", r"^--set:1:26: tile\.analog\.read_voltage: expected a voltage with its unit"),
        ("largest_conductance=0 S", r"^--set:1:33: tile\.analog\.largest_conductance: must be from 1e-09"),
        ("weight_scale=row", r"^--set:1:26: tile\.analog\.weight_scale: not a known choice"),
    ],
)
def test_errors_of_the_section_say_where_it_is_wrong(override, said):
    with pytest.raises(ConfigError, match=said):
        build("tiny", "digits_cnn", overrides=[f"tile.analog.{override}"])


@pytest.mark.parametrize(
    ("chip", "overrides", "said"),
    [
        (
            "tiny",
            ["tile.analog.current_voltage=cubic", "tile.analog.read_voltage=2 V"],
            r"^--set:2:26: tile\.analog\.read_voltage: the current of a cell does not rise at 2 V",
        ),
        (
            "hermes",
            ["tile.analog.current_voltage=cubic", "tile.analog.row_wire=0.1"],
            r"^--set:1:29: tile\.analog\.current_voltage: must be linear with wires and pulses",
        ),
        (
            "tiny",
            ["tile.analog.adc_kind=sar", "tile.adc.bits=17"],
            r"^--set:2:15: tile\.adc\.bits: of a sar circuit, at most 16 \(got 17\)",
        ),
        ("tiny", ["tile.analog.adc_range=calibrated"], r"^--set:1:23: tile\.analog\.adc_range: needs a calibration"),
        ("tiny", ["tile.analog.input_range=calibrated"], r"^--set:1:25: tile\.analog\.input_range: needs a calibr"),
    ],
)
def test_errors_that_do_not_go_together_say_where(chip, overrides, said, digits):
    with pytest.raises(ConfigError, match=said):
        evaluate(chip, *few(digits, 1), overrides=overrides, seeds=1)
