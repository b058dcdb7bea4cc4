"""Do the figures of a run carry a range over seeds, where they depend on what is drawn, and only there?"""

import pytest

from aimcsim import load_workload, simulate, simulate_seeds
from aimcsim.cli.inputs import read_inputs
from aimcsim.errors import ConfigError

ARRIVING = {"requests": 40, "arrivals": "poisson:20 kHz"}


@pytest.fixture
def runs():
    """The runs of three seeds, each on its own."""
    return [simulate("tiny", "digits_cnn", seed=seed, **ARRIVING).summary for seed in (5, 6, 7)]


def test_ranges_are_over_the_runs_of_each_seed(runs):
    found = simulate_seeds("tiny", "digits_cnn", seeds=3, seed=5, **ARRIVING)

    ranges = found.summary["ranges"]
    for key in ("mean", "p50", "p99", "max"):
        each = [one["latency_ps"][key] for one in runs]
        assert ranges[f"latency_ps.{key}"] == [min(each), max(each)]
    assert ranges["throughput_per_s"] == [f([one["throughput_per_s"] for one in runs]) for f in (min, max)]
    assert ranges["latency_ps.p50"][0] < ranges["latency_ps.p50"][1]
    # Of what costs are known to, the lowest end of all and the highest.
    for name in ("energy_j", "power_w", "ops_per_j", "ops_per_s_m2"):
        ends = list(zip(*(one["ranges"][name] for one in runs), strict=True))
        assert ranges[name] == [min(ends[0]), max(ends[1])]
    assert ranges["area_m2"] == runs[0]["ranges"]["area_m2"]


def test_all_else_is_of_the_first_seed(runs):
    found = simulate_seeds("tiny", "digits_cnn", seeds=3, seed=5, **ARRIVING)

    assert (found.summary["seed"], found.summary["seeds"], runs[0]["seeds"]) == (5, 3, 1)
    assert found.summary["latency_ps"] == runs[0]["latency_ps"]
    assert found.summary["energy_j"] == runs[0]["energy_j"]


def test_values_in_devices_have_a_range_of_right_outputs():
    network = load_workload("digits_cnn")
    asked = {"inputs": read_inputs("digits_cnn", network), "requests": 8, "analog": "analog"}
    found = simulate_seeds("tiny", network, seeds=3, **asked).summary["ranges"]
    each = [simulate("tiny", network, seed=seed, **asked).summary["outputs_checked"] for seed in range(3)]

    for name in ("max_rel_err", "agreement", "accuracy"):
        values = [one[name] for one in each]
        assert found[f"outputs_checked.{name}"] == [min(values), max(values)]
    low, high = found["outputs_checked.max_rel_err"]
    assert low < high
    # Nothing that is drawn moves a time.
    assert found["latency_ps.p50"][0] == found["latency_ps.p50"][1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seeds": 2}, "--seeds 2: nothing is drawn, so every seed gives the same"),
        ({"seeds": 2, "requests": 4, "arrivals": "fixed:1 kHz"}, "nothing is drawn"),
        ({"seeds": 0}, "--seeds must be a whole number from 1 to 10000 (got 0)"),
        ({"seeds": 1.5}, "--seeds must be a whole number from 1 to 10000 (got 1.5)"),
        ({"seeds": 2, "components": [object()]}, "components of your own are attached to one run"),
    ],
)
def test_seeds_that_say_nothing_are_refused(options, said):
    with pytest.raises(ConfigError) as refused:
        simulate_seeds("tiny", "digits_cnn", **options)
    assert said in str(refused.value)


def test_one_seed_is_the_run_as_it_is():
    assert (
        simulate_seeds("tiny", "digits_cnn", seeds=1).summary["ranges"]
        == (simulate("tiny", "digits_cnn").summary["ranges"])
    )
