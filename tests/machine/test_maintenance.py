"""Compensations as ops of a run, and requests that read the devices of their epoch: times, waits, energy, values.

The chip is `tiny`. One layer of 16 inputs and 8 outputs in 4 columns each takes 16 rows and 32 columns of one crossbar,
and its bank converts them at once. A vector is 8 phases of 10 ns, one after the other, as there is one sample-and-hold.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimcsim import evaluate, load_chip, load_workload, simulate
from aimcsim.compensation import CompensationCost, compensation_cost
from aimcsim.engine import ReferenceEngine
from aimcsim.errors import CapacityError, ConfigError
from aimcsim.maintenance import Maintenance
from aimcsim.mapping import MappingPolicy
from aimcsim.records import SCHEMAS
from aimcsim.run import build
from aimcsim.spec.chip_file import Analog
from tests.checker_shares import check_all
from tests.machine.random_machines import Case, cases

VECTORS = 64
MVM = 4
"""The stream of products, after those of the program, both of known vectors, and the load."""
PRODUCT_PS = 8 * 10_000
EVERY_PS = 20_000_000
EVERY_S = EVERY_PS / 1e12
ENGINES = pytest.mark.parametrize("engine", ["fast", "reference"])
RANDOM = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
# Noise of single reads makes values depend on the number of the request, phase-change cells on its epoch.
ERRORS = [Analog(device="pcm"), Analog(device="generic", parameters={"programming": 0.02, "read": 0.01})]


@pytest.fixture
def one_layer(workload):
    return workload([1, 1, 16], ["name: a, kind: conv2d, out_channels: 8, kernel: 1"], ["a"])


def ops_of(run, kind):
    return [row for row in run.ops.records() if row["kind"] == kind]


def actions(run, phase):
    """Return how often each action was done in a phase, static power left out."""
    found = Counter()
    for row in run.table("energy").records():
        if row["phase"] == phase and row["action"] != "static":
            found[row["component"], row["action"]] += row["count"]
    return found


@ENGINES
def test_known_vectors_follow_one_another_at_the_interval_of_a_product(one_layer, engine):
    run = simulate("tiny", one_layer, analog="off", compensate="global", engine=engine, grain="vector")
    ends = [row["end_ps"] for row in ops_of(run, "compensate")]
    written = ops_of(run, "program")[0]["end_ps"]

    # Once right after programming and once before the first request: 128 products of an array with nothing else to do.
    assert len(ends) == 2 * VECTORS
    assert np.diff(ends).tolist() == [PRODUCT_PS] * (2 * VECTORS - 1)
    # The first one: fetched in 1 ns after the write ended at 160.07 us, at the next edge of the array's clock, 160.08;
    # 8 reads of 10 ns, then the last conversion and addition, 10 ns each, at 160.18; a cycle of 1 ns to get into the
    # digital clock, one for 8 outputs and one to write them.
    assert written == 160_070_000
    assert ends[0] == 160_183_000
    assert run.summary["programming_ps"] == ends[-1] == 160_183_000 + 127 * PRODUCT_PS
    assert run.requests["admitted_ps"][0] == ends[-1]


@ENGINES
def test_a_repeated_compensation_takes_its_products_on_an_idle_array(one_layer, engine):
    # The last request arrives when the third one is due, so three are made; nobody else is there for the first two.
    run = simulate(
        *("tiny", one_layer),
        analog="off",
        compensate="column",
        compensate_every_s=EVERY_S,
        arrivals=[0, 3 * EVERY_PS],
        engine=engine,
        grain="layer",
    )
    begun = run.summary["programming_ps"]
    turns = ops_of(run, "compensate")[1:]
    assert [row["release_ps"] - begun for row in turns] == [EVERY_PS, 2 * EVERY_PS, 3 * EVERY_PS]
    # Begun 343 ps short of an edge: 7 ns to it from 170.343 us; then 64 products and the 30 ns + 3 ns at the end of
    # the last, as above, less the 10 ns of its last read.
    assert begun == 170_343_000
    assert [row["end_ps"] - row["release_ps"] for row in turns[:2]] == [7_000 + VECTORS * PRODUCT_PS + 23_000] * 2
    assert run.summary["epoch"]["compensations"] == 4
    assert all(row["request"] == -1 for row in turns)


@ENGINES
def test_a_request_that_comes_in_the_middle_takes_turns_with_the_known_vectors(one_layer, engine):
    alone, among = (
        simulate("tiny", one_layer, analog="off", compensate="global", engine=engine, grain="layer", **more)
        for more in ({}, {"compensate_every_s": EVERY_S, "arrivals": [EVERY_PS + 2_000_000]})
    )
    (usual,), (late,) = ops_of(alone, "mvm"), ops_of(among, "mvm")
    causes = [name for name in late if name.startswith("wait_") and late[name]]
    assert set(causes) == {"wait_dependency_ps", "wait_maintenance_ps"}
    assert late["wait_dependency_ps"] == usual["wait_dependency_ps"]
    waited = sum(row["wait_ps"] for row in among.waits.records() if row["op"] == late["op"])
    assert waited == late["wait_dependency_ps"] + late["wait_maintenance_ps"]
    # Known vector n is read for 80 ns from 190.350 us + n * 80 ns on. The request's vector is on the tile 113 ns after
    # its admission, at 192.456 us, while 26 is read, 27 has the other input register and 28 has asked for one before
    # it. So it gets that of 27 when this is read, and is fetched a nanosecond later, as 28 is read for the first time.
    asked = among.requests["admitted_ps"][0] + late["wait_dependency_ps"]
    begun, had = 190_350_000, 190_350_000 + 28 * PRODUCT_PS
    assert (asked - begun) // PRODUCT_PS == 26
    # From there on both take turns: the rest of that read, and the 7 others of 28, each before one of its own.
    assert late["wait_maintenance_ps"] == (had - asked) + (10_000 - 1_000) + 7 * 10_000


@ENGINES
@pytest.mark.parametrize(("arrivals", "turns"), [([0], 2), ([0, EVERY_PS - 1], 2), ([0, 2 * EVERY_PS], 4)])
def test_energy_is_reads_times_cost(one_layer, engine, arrivals, turns):
    run = simulate(
        *("tiny", one_layer),
        analog="off",
        compensate="global",
        compensate_every_s=EVERY_S,
        arrivals=arrivals,
        engine=engine,
    )
    count = VECTORS * turns
    # A product drives 16 rows in 8 phases, reads 16 x 32 cells and converts 32 columns in each.
    assert actions(run, "maintenance") == Counter(
        {
            ("dac", "drive"): count * 8 * 16,
            ("crossbar", "read"): count * 8 * 16 * 32,
            ("sample_hold", "sample"): count * 8 * 32,
            ("adc", "convert"): count * 8 * 32,
            ("shift_add", "add"): count * 8 * 32,
            ("scratch", "read"): count * 16,
            ("vector_unit", "op"): count * 8,
            ("scratch", "write"): count * 8,
        }
    )
    costs = load_chip("tiny").costs
    joules = sum(
        float(number * costs[component].actions[action].energy_j)
        for (component, action), number in actions(run, "maintenance").items()
    )
    assert run.summary["energy_j"]["maintenance"] == pytest.approx(joules, rel=1e-12)
    # What the requests did is theirs alone: as often for each of them as without compensation.
    without = simulate("tiny", one_layer, requests=len(arrivals), engine=engine)
    assert actions(run, "run") == actions(without, "run")
    assert actions(run, "programming") == actions(without, "programming")


def test_without_the_fields_nothing_changes(one_layer):
    plain, said = (
        simulate("tiny", one_layer, requests=3, analog="off", **more)
        for more in ({}, {"compensate": "none", "time_s": 0.0})
    )
    for table in ("ops", "waits", "resources", "energy", "requests"):
        assert plain.table(table).records() == said.table(table).records()
    assert set(plain.requests["state_s"]) == set(plain.requests["compensated_s"]) == {0.0}


def with_errors(chip, analog):
    return replace(chip, tile=replace(chip.tile, analog=analog))


@settings(RANDOM, max_examples=20)
@given(
    case=cases(),
    analog=st.sampled_from(ERRORS),
    pack=st.sampled_from(["none", "crossbar"]),
    first=st.booleans(),
    grain=st.sampled_from(["vector", "row", "layer"]),
    engine=st.sampled_from(["fast", "reference"]),
    shuffle=st.sampled_from([None, 3]),
    compensate=st.sampled_from(["none", "global", "column"]),
    every_s=st.sampled_from([None, 2e-6, 7e-6]),
    epoch_s=st.sampled_from([None, 1e-6, 5e-6]),
    gap_ps=st.sampled_from([0, 3_000_000, 9_000_001]),
)
def test_every_request_has_the_values_of_its_epoch(
    case: Case, analog, pack, first, grain, engine, shuffle, compensate, every_s, epoch_s, gap_ps
):
    network, policy = case.workload(), MappingPolicy(pack=pack)
    inputs = {"x": np.random.default_rng(0).normal(size=(case.requests, *network.layout("x").index.shape))}
    try:
        chip = with_errors(case.chip(), analog)
        run = simulate(
            chip,
            network,
            inputs=inputs,
            analog="analog",
            time_s=3600.0,
            mapping=policy,
            grain=grain,
            engine=engine,
            shuffle_seed=shuffle,
            program_first=first,
            arrivals=[request * gap_ps for request in range(case.requests)],
            compensate=compensate,
            compensate_every_s=None if compensate == "none" else every_s,
            epoch_s=epoch_s,
        )
    except CapacityError:
        return
    for request, (state_s, compensated_s) in enumerate(
        zip(run.requests["state_s"].tolist(), run.requests["compensated_s"].tolist(), strict=True)
    ):
        outside = evaluate(
            *(chip, network, inputs),
            mapping=policy,
            time_s=state_s,
            compensate=compensate,
            compensated_s=None if compensate == "none" else compensated_s,
        )
        for name, values in outside.items():
            assert np.array_equal(run.outputs[name][request], values[request])


@settings(RANDOM, max_examples=15)
@given(
    case=cases(),
    pack=st.sampled_from(["none", "crossbar"]),
    first=st.booleans(),
    gap_ps=st.sampled_from([0, 1_000_000, 9_000_001]),
    every_s=st.sampled_from([2e-6, 7e-6]),
)
def test_both_engines_have_the_same_records(case: Case, pack, first, gap_ps, every_s):
    try:
        chip = with_errors(case.chip(), ERRORS[0])
        fast, reference = (
            simulate(
                *(chip, case.workload()),
                analog="off",
                mapping=MappingPolicy(pack=pack),
                program_first=first,
                arrivals=[request * gap_ps for request in range(case.requests)],
                compensate="global",
                compensate_every_s=every_s,
                engine=engine,
            )
            for engine in ("fast", "reference")
        )
    except CapacityError:
        return
    for table in SCHEMAS:
        assert fast.table(table).records() == reference.table(table).records()


def test_an_independent_checker_finds_every_time_and_share(one_layer):
    built = build(
        *("tiny", one_layer),
        requests=3,
        release_ps=(0, 1_000_000, 1_000_000),
        maintenance=Maintenance(compensate="global", every_ps=900_000, due_ps=(900_000,)),
    )
    ReferenceEngine(built.plan.system).run()
    shares = check_all(built.plan.system)
    found = Counter(part.cause for (stream, _), parts in shares.items() for part in parts if stream == MVM)
    assert found["maintenance"] > 0


@ENGINES
def test_a_request_reads_the_epoch_of_its_admission(one_layer, engine):
    inputs = {"x": np.random.default_rng(1).normal(size=(4, 1, 1, 16))}
    run = simulate(
        *("tiny", one_layer),
        inputs=inputs,
        analog="analog",
        time_s=60.0,
        epoch_s=1e-3,
        arrivals=[0, 999_999_999, 1_000_000_000, 3_500_000_000],
        engine=engine,
    )
    # Each is admitted as it arrives: the second a picosecond before the first epoch ends, the third when it does.
    assert run.requests["state_s"].tolist() == [60.0, 60.0, 60.001, 60.003]
    assert not run.requests["compensated_s"].any()


@ENGINES
def test_factors_hold_for_requests_admitted_after_the_compensation_has_ended(one_layer, engine):
    inputs = {"x": np.random.default_rng(1).normal(size=(4, 1, 1, 16))}
    arrivals = [0, EVERY_PS, EVERY_PS + 10_000_000, 2 * EVERY_PS - 1]
    run = simulate(
        *("tiny", one_layer),
        inputs=inputs,
        analog="analog",
        time_s=60.0,
        compensate="global",
        compensate_every_s=EVERY_S,
        arrivals=arrivals,
        engine=engine,
    )
    # The second comes as the compensation begins, the third when its 64 products, 5.1 us, are over. The epoch is the
    # period of the compensations, as nothing else was said.
    moved = 60.0 + EVERY_PS / 10**12
    assert run.requests["state_s"].tolist() == [60.0, moved, moved, moved]
    assert run.requests["compensated_s"].tolist() == [60.0, 60.0, moved, moved]


def test_drift_in_a_run_is_made_up_for_by_compensations(digits_hours):
    # Eight requests, 20 minutes apart: measured once, their factors are up to 140 minutes old; else at most an hour.
    aged, kept = (digits_hours(every) for every in (None, 3600.0))
    assert kept.summary["outputs_checked"]["max_rel_err"] < aged.summary["outputs_checked"]["max_rel_err"]


@pytest.fixture
def digits_hours():
    from aimcsim.cli.inputs import read_inputs

    network = load_workload("digits_cnn")
    arrays = {name: values[:8] for name, values in read_inputs("digits_cnn", network).items()}

    def run(every):
        arrivals = [int(1.2e15) * request for request in range(8)]
        return simulate(
            *("tiny", network),
            inputs=arrays,
            analog="analog",
            arrivals=arrivals,
            epoch_s=600.0,
            compensate="global",
            compensate_every_s=every,
        )

    return run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"compensate": "global", "compensate_every_s": 1.0}, "needs arrivals"),
        ({"compensate_every_s": 1.0, "arrivals": [0]}, "needs a compensation to repeat"),
        ({"epoch_s": 0.0}, "epoch_s must be seconds"),
        ({"epoch_s": float("nan")}, "epoch_s must be seconds"),
        ({"epoch_s": "1h"}, "epoch_s must be seconds"),
        ({"compensate": "global", "compensate_every_s": 1e-9, "arrivals": [10**12]}, "at most 100000"),
        ({"analog": "quantized", "epoch_s": 1.0}, "need `analog` values"),
    ],
)
def test_what_cannot_be_is_said(one_layer, options, said):
    with pytest.raises(ConfigError, match=said):
        simulate("tiny", one_layer, **{"analog": "off", **options})


def test_more_compensations_than_a_run_has_room_for_are_refused():
    # Every layer of digits_cnn has 64 known vectors a turn.
    options = {"compensate": "global", "compensate_every_s": 1e-5, "arrivals": [10**12]}
    with pytest.raises(ConfigError, match="lever: a longer period"):
        simulate("tiny", "digits_cnn", analog="off", **options)


def test_a_compensation_of_a_chip_costs_its_products_on_idle_arrays(one_layer):
    # As above, from time 0: a fetch of 1 ns, the edge at 10 ns, 64 products, the end of the last, 20 ns and 3 ns.
    chip, network = load_chip("tiny"), load_workload(one_layer)
    cost = compensation_cost(chip, network, "global")
    assert cost.time_ps == 10_000 + VECTORS * PRODUCT_PS + 23_000
    run = simulate(chip, network, analog="off", compensate="global")
    assert cost.energy_j == pytest.approx(run.summary["energy_j"]["maintenance"] / 2, rel=1e-12)
    assert compensation_cost(chip, network, "none") == CompensationCost()
    assert compensation_cost(load_chip("isaac"), network, "global") == CompensationCost()


def test_layers_that_share_converters_take_turns_at_them(workload):
    # Two layers in two crossbars of one bank: each of the 2 x 64 vectors converts 8 times, 10 ns each.
    layers = ["name: a, kind: conv2d, out_channels: 8, kernel: 1", "name: b, kind: conv2d, out_channels: 8, kernel: 1"]
    network = load_workload(workload([1, 1, 16], layers, ["b"], "two"))
    cost = compensation_cost(load_chip("tiny"), network, "column")
    assert 2 * VECTORS * PRODUCT_PS < cost.time_ps < 2 * VECTORS * PRODUCT_PS + PRODUCT_PS
