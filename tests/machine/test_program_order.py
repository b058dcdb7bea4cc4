"""Does a layer wait for what it is written after, though it takes nothing from it?

Times are those of `sim3d`: a norm takes a vector 50 ns, an addition 10 ns.
"""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from aimcsim import simulate
from aimcsim.engine import ReferenceEngine
from aimcsim.errors import CapacityError
from aimcsim.run import build
from tests.checker_shares import check_all
from tests.machine.random_machines import cases

NS = 1000


def ends(run, layer):
    """Return the (start, end) of each op of a digital layer, in ns, by request and vector."""
    rows = [row for row in run.ops.records() if row["layer"] == layer and row["kind"] == "vector"]
    return {(row["request"], row["first_vector"]): (row["start_ps"] / NS, row["end_ps"] / NS) for row in rows}


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_a_layer_begins_when_those_it_comes_after_have_made_all_of_a_request(workload, engine):
    layers = ["name: norm, kind: layer_norm, inputs: x", "name: sum, kind: add, inputs: [x, x], after: norm"]
    net = workload([1, 3, 16], layers, ["norm", "sum"])
    run = simulate("sim3d", net, requests=2, engine=engine, grain="vector")
    norms, sums = ends(run, "norm"), ends(run, "sum")
    for request in (0, 1):
        # Three norms of 50 ns in units of their own; the first sum is issued at the last one's end and takes 10 ns.
        begin = max(norms[request, vector][1] for vector in range(3))
        assert sums[request, 0] == (begin, begin + 10)


def test_without_an_order_it_does_not_wait(workload):
    layers = ["name: norm, kind: layer_norm, inputs: x", "name: sum, kind: add, inputs: [x, x]"]
    run = simulate("sim3d", workload([1, 3, 16], layers, ["norm", "sum"]), grain="vector")
    assert ends(run, "sum")[0, 2][1] < ends(run, "norm")[0, 0][1]


def test_what_waits_has_room_for_what_comes_meanwhile(workload):
    # The products go to both; while the norm makes its 64 vectors, the sum takes none, so all of them need room.
    layers = [
        "name: a, kind: conv2d, out_channels: 16, kernel: 1",
        "name: norm, kind: layer_norm, inputs: a",
        "name: sum, kind: add, inputs: [a, a], after: [norm]",
    ]
    run = simulate("sim3d", workload([8, 8, 16], layers, ["norm", "sum"]), grain="vector")
    assert ends(run, "sum")[0, 0][0] == max(end for _, end in ends(run, "norm").values())


def test_a_layer_on_crossbars_waits_as_well(workload):
    layers = [
        "name: norm, kind: layer_norm, inputs: x",
        "name: a, kind: conv2d, out_channels: 16, kernel: 1, inputs: x, after: norm",
    ]
    run = simulate("sim3d", workload([1, 2, 16], layers, ["norm", "a"]), grain="vector")
    starts = [row["start_ps"] / NS for row in run.ops.records() if row["kind"] == "mvm"]
    assert min(starts) == max(end for _, end in ends(run, "norm").values())


PIECES = (
    "tables.mvm.stages.fetch.passes=first",
    "tables.mvm.stages.store.passes=first",
    "tables.send.stages.inject.passes=first",
    (
        "tables.vector.stages=[{name: fetch, resource: input_buffer.read, each: {input_bytes: 2}, latency: 2 cycles}, "
        "{name: got, each: {input_bytes: 2}, latency: 3 ns}, "
        "{name: compute, resource: vector_unit, latency: 1 cycle, per: {work_elements: 16}}, "
        "{name: store, resource: output_buffer.write, each: {output_bytes: 3}, latency: 1 cycle, interval: 2 cycles}]"
    ),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=20)
@given(case=cases())
def test_order_and_pieces_are_the_same_in_all_engines_and_every_wait_is_derived_again(case):
    """The last layer comes after all others, and whatever the network is, vectors move in pieces."""
    names = [layer.partition(",")[0].removeprefix("name: ") for layer in case.layers]
    last = f"{case.layers[-1]}, after: [{', '.join(names[:-1])}]"
    ordered = replace(case, layers=(*case.layers[:-1], last), overrides=(*case.overrides, *PIECES))
    try:
        chip, network = ordered.chip(), ordered.workload()
        made = build(chip, network, requests=case.requests)
    except CapacityError:
        return
    ReferenceEngine(made.plan.system).run()
    check_all(made.plan.system)
    one, other = (
        list(simulate(chip, network, requests=case.requests, engine=engine, grain="vector").ops.records())
        for engine in ("fast", "reference")
    )
    assert one == other
