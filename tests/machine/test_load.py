"""What does a chip under a given load show: latency, queueing, saturation and power?"""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from aimcsim import simulate
from aimcsim.errors import ConfigError
from aimcsim.saturation import is_growth

CHIP, NETWORK = "tiny", "digits_cnn"


@pytest.fixture(scope="module")
def alone():
    """One request by itself."""
    return simulate(CHIP, NETWORK)


@pytest.fixture(scope="module")
def busiest_ps():
    """How long the busiest resource works on a request; the chip cannot do more than one request in that time."""
    run = simulate(CHIP, NETWORK, requests=10)
    return max(run.resources["utilisation"]) * run.summary["makespan_ps"] / 10


def test_an_overloaded_run_is_saturated_by_the_resource_that_is_always_busy(busiest_ps):
    """At 1.5 times what the busiest resource can do; it never rests once it has begun, so it sets the rate."""
    rate = 1.5e12 / busiest_ps
    run = simulate(CHIP, NETWORK, requests=100, arrivals=f"fixed:{rate:.3f} Hz")

    load = run.summary["load"]
    assert load["saturated"] is True
    most = int(np.argmax(run.resources["utilisation"]))
    assert (load["limited_by"], load["utilisation"]) == (
        run.resources["resource"][most],
        run.resources["utilisation"][most],
    )
    assert load["offered_per_s"] == pytest.approx(rate, rel=1e-6)
    assert load["bound_per_s"] == pytest.approx(1e12 / busiest_ps)
    # Requests end one after the other as that resource is done with them: at the bound, give or take one of 30.
    assert load["completed_per_s"] == pytest.approx(load["bound_per_s"], rel=0.05)
    # Each of the later requests waits longer than the one before.
    assert all(later > earlier for earlier, later in pairwise(run.requests["latency_ps"][50:].tolist()))


@pytest.mark.parametrize("process", ["fixed", "poisson"])
def test_at_nine_tenths_of_what_it_can_do_a_chip_is_not_saturated(process, busiest_ps):
    run = simulate(CHIP, NETWORK, requests=300, arrivals=f"{process}:{0.9e12 / busiest_ps:.3f} Hz")

    assert run.summary["load"]["saturated"] is False
    assert run.summary["load"]["utilisation"] < 1


def test_rare_requests_each_take_what_one_takes_alone(alone):
    """One a millisecond, of which each takes far less: no two are inside at a time."""
    taken = int(alone.requests["latency_ps"][0])
    assert taken < 10**9
    run = simulate(CHIP, NETWORK, requests=5, arrivals="fixed:1 kHz")

    begun = run.summary["programming_ps"]
    assert run.requests["arrival_ps"].tolist() == [begun + request * 10**9 for request in range(5)]
    assert run.requests["queued_ps"].tolist() == [0] * 5
    # Clocks do not start anew with a request: it may wait for edges a little longer or less, by a cycle a stage.
    assert run.requests["latency_ps"] == pytest.approx(taken, rel=0.01)
    assert run.summary["load"]["saturated"] is False


def test_a_run_in_which_nothing_ends_before_half_has_come_is_too_short_to_say():
    run = simulate(CHIP, NETWORK, requests=4, arrivals="fixed:1 MHz")
    assert run.summary["load"]["saturated"] is None


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_are_inside_than_may_be(most):
    run = simulate(CHIP, NETWORK, requests=12, max_in_flight=most)
    admitted, ended = run.requests["admitted_ps"], run.requests["end_ps"]

    assert (admitted[most:] >= ended[:-most]).all()
    assert run.requests["queued_ps"].tolist() == [0] * 12


def test_with_one_in_flight_each_is_admitted_when_the_one_before_has_ended():
    run = simulate(CHIP, NETWORK, requests=5, max_in_flight=1)
    assert run.requests["admitted_ps"][1:].tolist() == run.requests["end_ps"][:-1].tolist()


def test_a_bound_that_nobody_meets_changes_nothing():
    plain, bounded = (simulate(CHIP, NETWORK, requests=6, max_in_flight=most) for most in (None, 6))
    assert all(
        np.array_equal(plain.requests[name], bounded.requests[name]) for name in ("admitted_ps", "end_ps", "latency_ps")
    )


def test_arrivals_that_are_kept_out_stand_in_line_outside():
    """With one in flight and arrivals together, request r is admitted when r - 1 has ended; latency has it all."""
    run = simulate(CHIP, NETWORK, requests=4, arrivals=[0, 0, 0, 0], max_in_flight=1)
    table = run.requests

    assert table["queued_ps"].tolist() == [0, *(table["end_ps"][:-1] - table["arrival_ps"][1:]).tolist()]
    assert (table["latency_ps"] == table["queued_ps"] + table["end_ps"] - table["admitted_ps"]).all()
    # Little's law: the integral of the number of requests, counted event by event, is the sum of their latencies.
    events = Counter(table["arrival_ps"].tolist())
    events.subtract(Counter(table["end_ps"].tolist()))
    level = integral = 0
    for here, after in pairwise(sorted(events)):
        level += events[here]
        integral += level * (after - here)
    assert integral == table["latency_ps"].sum()


def test_both_engines_give_the_same_requests_under_load():
    asked = {"requests": 8, "arrivals": "poisson:30 kHz", "max_in_flight": 3, "seed": 4}
    runs = [simulate(CHIP, NETWORK, engine=engine, **asked) for engine in ("fast", "reference")]
    own = {"engine", "events", "wall_s"}
    figures = [{key: value for key, value in run.summary.items() if key not in own} for run in runs]
    assert figures[0] == figures[1]


def test_what_warms_up_is_left_out_of_latency_and_throughput():
    asked = {"requests": 30, "arrivals": "fixed:40 kHz"}
    run, whole = simulate(CHIP, NETWORK, warmup=10, **asked), simulate(CHIP, NETWORK, **asked)
    latency, ends = whole.requests["latency_ps"], whole.requests["end_ps"]

    assert run.summary["latency_ps"]["mean"] == latency[10:].mean()
    assert run.summary["latency_ps"]["p90"] == sorted(latency[10:])[17]  # the least that 18 of 20 do not exceed
    assert run.summary["throughput_per_s"] == pytest.approx(20e12 / int(ends[-1] - ends[9]))
    assert run.summary["energy_j"] == whole.summary["energy_j"]
    histogram = run.table("latency")
    assert histogram["requests"].sum() == 20
    for low, high, count, share in zip(*(histogram[name] for name in histogram), strict=True):
        assert count == ((latency[10:] >= low) & (latency[10:] < high)).sum()
        assert share == (latency[10:] < high).mean()


@pytest.mark.parametrize(
    ("name", "value"), [("max_in_flight", 0), ("max_in_flight", 1.5), ("warmup", 4), ("warmup", -1)]
)
def test_numbers_that_make_no_sense_are_refused(name, value):
    with pytest.raises(ConfigError, match=f"{name} must"):
        simulate(CHIP, NETWORK, requests=4, **{name: value})


def test_growth_is_what_chance_does_not_do():
    """Even gaps: more than one is growth. Gaps that vary by v: more than 1 + 3 * v * sqrt(number of gaps)."""
    even, odd = np.arange(0, 1010, 10), np.cumsum([0, *([5, 15] * 50)])  # 100 gaps of 10; deviation 0 and 5, v = 1/2
    assert [is_growth(growth, even) for growth in (0, 1, 2)] == [False, False, True]
    assert [is_growth(growth, odd) for growth in (15, 16, 17)] == [False, False, True]


def test_chance_alone_is_seldom_called_growth():
    """A queue just at the edge, load 1 and Poisson arrivals, and its backlog by Lindley's recursion.

    Three deviations are exceeded upwards by 0.13 % of normal numbers: of 300 runs by 0.4 on average; above 4 of them
    would be less than 1 in 1000.
    """
    generator = np.random.Generator(np.random.Philox(key=2))
    called = 0
    for _ in range(300):
        arrival = np.cumsum(generator.exponential(1000, 800)).astype(np.int64)
        end, free = [], 0
        for time in arrival.tolist():
            free = max(free, time) + 1000
            end.append(free)
        half = arrival[400:]
        growth = 399 - sum(half[0] < time <= half[-1] for time in end)
        called += is_growth(growth, half)
    assert called <= 4


def test_power_over_time_adds_up_to_the_energy():
    run = simulate(CHIP, NETWORK, requests=20, arrivals="fixed:10 kHz")
    power, energy = run.summary["power_w"], run.summary["energy_j"]
    seconds = run.summary["makespan_ps"] / 1e12
    rows = run.table("power").records()

    joules = sum(row["power_w"] * (row["bin_end_ps"] - row["bin_start_ps"]) / 1e12 for row in rows)
    assert joules == pytest.approx(energy["total"])
    assert power["average"] * seconds == pytest.approx(energy["total"])
    for name, part in energy["by_component"].items():
        assert power["by_component"][name]["average"] * seconds == pytest.approx(part)


def test_the_peak_is_the_fullest_whole_bin():
    """In a burst after a pause: 4 requests at once, then nothing for a millisecond, then 4 again."""
    run = simulate(CHIP, NETWORK, requests=8, arrivals="burst:4:1 kHz")
    power, rows = run.summary["power_w"], run.table("power").records()
    static = sum(row["power_w"] for row in rows if row["action"] == "static")
    bins = Counter()
    for row in rows:
        if row["action"] != "static" and row["bin_end_ps"] - row["bin_start_ps"] == power["peak_length_ps"]:
            bins[row["bin_start_ps"]] += row["power_w"]

    assert power["peak"] == pytest.approx(static + max(bins.values()))
    assert bins[power["peak_start_ps"]] == max(bins.values())
    assert power["peak"] - static > 2 * (power["average"] - static)
    assert all(part["peak"] >= part["average"] for part in power["by_component"].values())


def test_static_power_before_the_first_arrival_is_not_programming():
    """The first request comes 1 ms after it could; programming ends, and its static energy, when it could."""
    late, early = (simulate(CHIP, NETWORK, arrivals=[after]) for after in (10**9, 0))
    assert late.summary["programming_ps"] == early.summary["programming_ps"] > 0
    assert late.summary["energy_j"]["programming"] == early.summary["energy_j"]["programming"]
    assert late.requests["arrival_ps"][0] == late.summary["programming_ps"] + 10**9
