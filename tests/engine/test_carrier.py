"""Packets flit by flit or over circuits in a run: is every engine the same, and each packet where a batch has it?"""

from __future__ import annotations

from dataclasses import asdict, astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimcsim import recorder
from aimcsim.engine import CompiledEngine, FastEngine, ReferenceEngine, System, engine_for
from aimcsim.engine.account import account
from aimcsim.errors import CapacityError
from aimcsim.network import CarryingNetwork
from aimcsim.recorder import Grain
from aimcsim.run import Built, build
from tests.carried import batch
from tests.checker_shares import check_all
from tests.engine.test_fast import ENGINES, everything, logged
from tests.engine.test_random_systems import examples
from tests.machine.random_machines import Case, cases

FLITS = cases(flits=True)


def machines(case: Case, count: int, **options: object) -> list[Built]:
    """Return a case so many times; not at all if its chip has too few crossbars."""
    try:
        chip, network = case.chip(), case.workload()
        return [build(chip, network, requests=case.requests, **options) for _ in range(count)]
    except CapacityError:
        return []


def network_of(system: System) -> CarryingNetwork:
    """Return the network of a finished run."""
    assert system.carrier is not None
    assert system.carrier.network is not None
    return system.carrier.network


def network_log(system: System) -> dict[str, object]:
    """Return what the network of a run has recorded of packets and links."""
    network = network_of(system)
    records = asdict(network.packets()) | asdict(network.links())
    return {name: values.tolist() for name, values in records.items()}


@ENGINES
@examples(100)
@given(case=FLITS)
def test_every_log_of_a_machine_with_routers_is_the_references(engine: type[FastEngine], case: Case) -> None:
    made = machines(case, 2)
    if not made:
        return
    reference, fast = (one.plan.system for one in made)

    ReferenceEngine(reference).run()
    logged(engine, fast).run()

    assert everything(fast) == everything(reference)


@examples(100)
@given(case=FLITS, grain=st.sampled_from(["vector", "row", "layer"]), history=st.sampled_from([1, 30, 1000]))
def test_the_loop_accounts_for_packets_as_the_walk_over_its_logs_does(case: Case, grain: Grain, history: int) -> None:
    made = machines(case, 2)
    if not made:
        return
    plans = [one.plan for one in made]
    question = recorder.question(plans[0], grain)
    ReferenceEngine(plans[0].system).run()
    engine = CompiledEngine(plans[1].system, question, history=history)

    engine.run()

    assert engine.account().same(account(plans[0].system, question)) == []


@examples(100)
@given(case=FLITS)
def test_every_packet_is_where_a_batch_run_has_it_and_every_wait_is_derived_again(case: Case) -> None:
    for made in machines(case, 1):
        system = made.plan.system
        ReferenceEngine(system).run()

        check_all(system)
        _, records = batch(system)
        assert records is not None
        assert all(map(np.array_equal, astuple(records), astuple(network_of(system).packets())))


@examples(20)
@given(case=FLITS)
def test_the_order_of_simultaneous_events_changes_no_packet(case: Case) -> None:
    logs = []
    for seed in (None, 1, 2):
        for made in machines(case, 1, shuffle_seed=seed):
            ReferenceEngine(made.plan.system).run()
            logs.append(network_log(made.plan.system))

    assert all(one == logs[0] for one in logs)


FLIT = "network.model=flit"
KINDS = {
    "mesh": [FLIT],
    "torus": [FLIT, "network.topology=torus"],
    "circuits": ["network.switching=circuit"],
    "bus": ["network.topology=bus"],
}


@pytest.mark.parametrize("overrides", KINDS.values(), ids=KINDS)
def test_packets_that_have_left_cost_no_memory(overrides: list[str]) -> None:
    """Twenty times the requests, and no place for a packet more: at most a few are inside at a time."""
    places, offered = [], []
    for requests in (2, 40):
        built = build("tiny", "digits_cnn", requests=requests, overrides=overrides)
        system = built.plan.system
        CompiledEngine(system, recorder.question(built.plan, "layer")).run()
        places.append(network_of(system).kernel.places)
        offered.append(network_of(system).offered)

    assert offered[1] == 20 * offered[0] > 10 * places[1]
    assert places[1] == places[0]


def test_with_a_component_of_the_users_own_the_reference_runs_everything() -> None:
    """One of the two engines can run the network, and only the reference can run the component."""
    built = build("tiny", "digits_cnn", overrides=["network.model=flit"])
    system = built.plan.system
    system.add_guest("mine", servers=[system.servers[0]])

    assert engine_for(system, "fast", recorder.question(built.plan, "layer")).name == "reference"
