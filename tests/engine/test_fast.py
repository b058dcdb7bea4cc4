"""Is the fast engine the reference to the picosecond, compiled and as its readable twin?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimcsim import recorder, simulate
from aimcsim.engine import CompiledEngine, FastEngine, Question, ReferenceEngine, System, can_run_fast
from aimcsim.engine.account import account
from aimcsim.engine.compiled import HISTORY
from aimcsim.errors import CapacityError
from aimcsim.recorder import Grain
from aimcsim.run import build as build_machine
from tests.checker_shares import check_all
from tests.engine.builders import Bench, Window, stage
from tests.engine.random_systems import Recipe, build, recipes
from tests.engine.test_account import questions
from tests.engine.test_random_systems import examples
from tests.machine.random_machines import Case, cases

ENGINES = pytest.mark.parametrize("engine", [CompiledEngine, FastEngine])


def logged(engine: type[FastEngine | CompiledEngine], system: System) -> FastEngine | CompiledEngine:
    """Return an engine that leaves its logs in the system."""
    return CompiledEngine(system, keep=True) if engine is CompiledEngine else FastEngine(system)


def everything(system: System) -> dict[str, object]:
    """Return all that a run has logged, under the name of what logged it."""
    found: dict[str, object] = {}
    for stream in system.streams:
        found[f"stream {stream.index}"] = (stream.issue_ps, stream.end_ps, stream.stage_counts, stream.log)
    for edge in system.edges:
        space = [(use.integral, use.highest) for use in (edge.occupancy, edge.valid)]
        found[f"edge {edge.index}"] = (edge.reserved, edge.arrived_ps, edge.freed_ps, space)
    for server in system.servers:
        found[f"server {server.order}"] = (server.busy_ps, server.holds)
    for pool in system.slots:
        found[f"pool {pool.order}"] = pool.uses
    return found


@ENGINES
@examples(150)
@given(recipe=recipes())
def test_every_log_of_a_random_system_is_the_references(engine: type[FastEngine], recipe: Recipe) -> None:
    reference, fast = build(recipe).system, build(recipe).system
    assert can_run_fast(fast)

    ReferenceEngine(reference).run()
    logged(engine, fast).run()

    assert everything(fast) == everything(reference)


@ENGINES
@examples(75)
@given(case=cases())
def test_every_log_of_a_random_machine_is_the_references(engine: type[FastEngine], case: Case) -> None:
    try:
        chip = case.chip()
    except CapacityError:
        return
    network = case.workload()
    reference, fast = (build_machine(chip, network, requests=case.requests).plan.system for _ in range(2))

    ReferenceEngine(reference).run()
    logged(engine, fast).run()

    assert everything(fast) == everything(reference)


@pytest.mark.parametrize("history", [1, 10, 100, HISTORY])
@examples(150)
@given(recipe=recipes(), data=st.data())
def test_the_loop_accounts_for_a_random_system_as_the_walk_over_its_logs_does(
    history: int, recipe: Recipe, data: st.DataObject
) -> None:
    reference = build(recipe).system
    question = data.draw(questions(reference))
    ReferenceEngine(reference).run()
    engine = CompiledEngine(build(recipe).system, question, history=history)

    engine.run()

    assert engine.account().same(account(reference, question)) == []


@examples(75)
@given(case=cases(), grain=st.sampled_from(["vector", "row", "layer"]), history=st.sampled_from([1, 30, 1000]))
def test_the_loop_accounts_for_a_random_machine_as_the_walk_over_its_logs_does(
    case: Case, grain: Grain, history: int
) -> None:
    try:
        chip = case.chip()
    except CapacityError:
        return
    network = case.workload()
    plans = [build_machine(chip, network, requests=case.requests).plan for _ in range(2)]
    question = recorder.question(plans[0], grain)
    ReferenceEngine(plans[0].system).run()
    engine = CompiledEngine(plans[1].system, question, history=history)

    engine.run()

    assert engine.account().same(account(plans[0].system, question)) == []


@pytest.mark.parametrize("preset", ["tiny", "isaac"])
@pytest.mark.parametrize("network", ["digits_mlp", "digits_cnn", "digits_resnet8", "digits_dscnn"])
def test_trained_networks_run_the_same_and_pass_the_checker(preset: str, network: str, traces_dir: Path) -> None:
    pytest.importorskip("onnx")
    systems = [build_machine(preset, traces_dir / f"{network}.onnx", requests=2).plan.system for _ in range(2)]

    ReferenceEngine(systems[0]).run()
    CompiledEngine(systems[1], keep=True).run()

    assert everything(systems[1]) == everything(systems[0])
    check_all(systems[1])


def test_a_run_on_the_fast_engine_has_the_same_figures_and_outputs() -> None:
    import numpy as np

    from aimcsim.workload import demo_inputs

    with np.load(demo_inputs("digits_cnn")) as stored:
        inputs = {name: stored[name][:3] for name in stored.files}
    runs = [simulate("tiny", "digits_cnn", inputs=inputs, engine=engine) for engine in ("reference", "fast")]

    own = {"engine", "events", "wall_s"}
    figures = [{key: value for key, value in run.summary.items() if key not in own} for run in runs]
    assert figures[0] == figures[1]
    assert runs[1].summary["engine"] == "fast"
    for name, values in runs[0].outputs.items():
        assert np.array_equal(values, runs[1].outputs[name])


def test_a_pool_without_quotas_goes_to_the_reference() -> None:
    overrides = ["tile.policy=pool"]

    run = simulate("tiny", "digits_cnn", overrides=overrides, engine="fast")

    assert run.summary["engine"] == "reference"
    with pytest.raises(ValueError, match="reference engine"):
        CompiledEngine(build_machine("tiny", "digits_cnn", overrides=overrides).plan.system)


def test_holds_of_no_length_on_something_shared_follow_each_other_at_once() -> None:
    """Three streams ask for one unit at 10, hold it for no time and work for 10: all end at 20."""
    for engine in (ReferenceEngine, CompiledEngine, FastEngine):
        bench = Bench()
        unit = bench.server("unit")
        ends = []
        for _ in range(3):
            load = bench.source(1, 10)
            layer = bench.stream("layer", 1, [stage("work", 10, unit, interval=0, cause="vector_busy")])
            bench.join(load, layer)
            ends.append(layer)
        (CompiledEngine(bench.system, keep=True) if engine is CompiledEngine else engine(bench.system)).run()
        assert [layer.end_ps for layer in ends] == [[20], [20], [20]]


def test_logs_of_a_long_run_without_anything_shared_stay_as_small_as_those_of_a_short_one() -> None:
    """Room for two vectors, ten and forty thousand of them, with records: only what is under way is kept."""
    most = []
    for vectors in (10_000, 40_000):
        bench = Bench()
        load = bench.source(vectors, 10)
        layer = bench.stream("layer", vectors, [stage("work", 10, bench.server("unit"), cause="vector_busy")])
        index = np.arange(vectors, dtype=np.int64)
        bench.join(load, layer, Window(index, index + 1), capacity=2)
        question = Question((vectors, vectors), (load.index,), (layer.index,), ())
        engine = CompiledEngine(bench.system, question, history=1000)
        engine.run()
        most.append(engine.facts["most_bytes"])
        assert engine.account().path_from_ps == 0
    assert most[1] < 1.2 * most[0]
