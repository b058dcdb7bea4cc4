"""Does a layer wait for what it is written after, though it takes nothing from it?

Times are those of `sim3d`: a norm takes a vector 50 ns, an addition 10 ns.
"""

import pytest

from aimcsim import simulate

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
