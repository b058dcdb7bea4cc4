"""Whatever small network runs on whatever small chip: is every wait explained, and nothing lost?"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from aimcsim import evaluate
from aimcsim.engine import ReferenceEngine
from aimcsim.errors import CapacityError
from aimcsim.records import CAUSES
from aimcsim.run import Built, build, simulate
from tests.checker_shares import check_all
from tests.machine.random_machines import Case, cases
from tests.machine.tables_of import tables_of

RANDOM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def built(case: Case, **options: object) -> Built | None:
    """Return the system of a case, or nothing if it is refused for want of crossbars before it runs."""
    try:
        return build(case.chip(), case.workload(), requests=case.requests, **options)
    except CapacityError:
        return None


@settings(RANDOM, max_examples=150)
@given(case=cases())
def test_a_run_is_refused_before_it_starts_or_completes_and_every_wait_is_derived_again(case: Case):
    made = built(case)
    if made is None:
        return
    ReferenceEngine(made.plan.system).run()

    check_all(made.plan.system)

    # Bytes in = bytes out: every reserved vector arrived and was freed.
    for edge in made.plan.system.edges:
        if edge.vector_bytes:
            assert edge.reserved == len(edge.arrived_ps) == len(edge.freed_ps)


@settings(RANDOM, max_examples=20)
@given(case=cases())
def test_the_order_of_simultaneous_events_changes_nothing(case: Case):
    logs = []
    for seed in (None, 1, 2):
        made = built(case, shuffle_seed=seed)
        if made is None:
            return
        ReferenceEngine(made.plan.system).run()
        logs.append([stream.end_ps for stream in made.plan.system.streams])

    assert logs[0] == logs[1] == logs[2]


@settings(RANDOM, max_examples=20)
@given(case=cases())
def test_the_grain_covers_records_only(case: Case):
    made = built(case)
    if made is None:
        return
    ReferenceEngine(made.plan.system).run()

    tables = {grain: tables_of(made, grain) for grain in ("vector", "row", "layer")}

    ops = {grain: table["ops"] for grain, table in tables.items()}
    columns = ["service_ps", "transfer_ps", *(f"wait_{cause}_ps" for cause in CAUSES)]
    for stream in made.plan.system.streams:
        sums = [
            [int(table[column][table["stream"] == stream.index].sum()) for column in [*columns, "vectors"]]
            for table in ops.values()
        ]
        assert sums[0] == sums[1] == sums[2]
        ends = [sorted(set(table["end_ps"][table["stream"] == stream.index].tolist())) for table in ops.values()]
        assert set(ends[2]) <= set(ends[1]) <= set(ends[0])
    for table in ops.values():
        spent = sum(table[column] for column in columns)
        assert np.array_equal(spent, table["end_ps"] - table["release_ps"])


@settings(RANDOM, max_examples=25)
@given(case=cases())
def test_values_do_not_depend_on_grain_event_order_or_being_in_the_clock(case: Case):
    network = case.workload()
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(case.requests, *network.layout("x").index.shape)).astype(np.float32)}
    for mode in ("ideal", "quantized"):
        try:
            chip = case.chip()
            runs = [
                simulate(chip, network, inputs=inputs, analog=mode, grain=grain, shuffle_seed=seed)
                for grain, seed in (("row", None), ("layer", 3))
            ]
        except CapacityError:
            return
        outside = evaluate(chip, network, inputs, analog=mode)
        one_by_one = [evaluate(chip, network, {"x": x[None]}, analog=mode) for x in inputs["x"]]
        for name in outside:
            for run in runs:
                assert np.array_equal(run.outputs[name], outside[name])
            assert np.array_equal(np.concatenate([one[name] for one in one_by_one]), outside[name])


@pytest.mark.parametrize("preset", ["tiny", "isaac"])
@pytest.mark.parametrize("network", ["digits_mlp", "digits_cnn", "digits_resnet8", "digits_dscnn"])
def test_the_checker_derives_every_wait_of_the_trained_networks(preset, network, traces_dir):
    pytest.importorskip("onnx")
    made = build(preset, traces_dir / f"{network}.onnx", requests=2)
    ReferenceEngine(made.plan.system).run()

    check_all(made.plan.system)
