"""Tensors that tiles pass on and partial sums that are added on their way: what do they move, and do they get stuck?

Tiles stand in a row of routers, and each has one crossbar of 16 rows, so a matrix of 16 k inputs lies on k tiles.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aimcsim import evaluate, load_chip, load_workload
from aimcsim.engine import CompiledEngine, FastEngine, ReferenceEngine, Stream
from aimcsim.errors import DeadlockError
from aimcsim.mapping import MappingPolicy, map_workload, mapping_yaml
from aimcsim.run import Built, build, simulate
from tests.checker_shares import check_all
from tests.engine.test_fast import everything

ROW = (
    *("tile.count=4", "network.routers=[4, 1]", "tile.crossbars=1", "tile.crossbar.rows=16"),
    *("tile.adc.crossbars=1", "numbers.partial_sum_bits=24"),
    *("network.width_bits=32", "network.packet_overhead_bits=32"),
)
TREES = ("network.reduction=tree", "network.multicast=tree")
SUMS = ["name: sums, kind: linear, inputs: [x], out_features: 4"]
"""Of 64 inputs: four blocks of 16 rows on tiles 0 to 3; the outputs come about on tile 3."""
FORK = [
    "name: first, kind: conv2d, inputs: [x], out_channels: 16, kernel: 1",
    *(f"name: to{tile}, kind: conv2d, inputs: [first], out_channels: 4, kernel: 1" for tile in (1, 2, 3)),
    "name: last, kind: concat, inputs: [to1, to2, to3]",
]
"""A layer on tile 0, and three on tiles 1, 2 and 3 that take its outputs."""


def moved(made: Built, of: str, kind: str = "send") -> list[Stream]:
    """Return the transports of a layer's vectors between tiles."""
    return [stream for stream in made.plan.system.streams if stream.kind == kind and stream.layer == of]


def counted(streams: list[Stream], action: str) -> int:
    """Return how often one vector of each stream does something."""
    stages = [stage for stream in streams for stage in stream.stages]
    return sum(amounts[0] * stage.iterations for stage in stages for name, amounts in stage.actions if name == action)


def ends(streams: list[Stream]) -> list[tuple[int, int]]:
    """Return from which tile to which streams of the flit network bring something."""
    return [(stage.packets.source, stage.packets.target) for one in streams for stage in one.stages if stage.packets]


@pytest.fixture
def row(workload):
    """Build a network on four tiles in a row, with routers."""

    def made(layers: list[str], output: str, *more: str) -> Built:
        inputs = 64 if layers is SUMS else 16
        return build("tiny", workload([1, 1, inputs], layers, [output]), overrides=[*ROW, "network.model=flit", *more])

    return made


def test_a_star_moves_all_partial_sums_into_one_tile_and_a_tree_one_into_each(row):
    """4 partial sums of 24 bits are 12 bytes, with the header 16: 4 flits, each counted on every link, in and out too.

    Star, to tile 3 from 0, 1, 2: 5 + 4 + 3 links. Tree, from each to the next: 3 links, three times.
    """
    star, tree = row(SUMS, "sums"), row(SUMS, "sums", "network.reduction=tree")

    assert ends(moved(star, "sums")) == [(0, 3), (1, 3), (2, 3)]
    assert ends(moved(tree, "sums")) == [(0, 1), (1, 2), (2, 3)]
    assert counted(moved(star, "sums"), "router.flit") == 4 * (5 + 4 + 3)
    assert counted(moved(tree, "sums"), "router.flit") == 4 * 3 * 3


def test_a_tree_adds_as_often_as_a_star(row):
    """Of four tiles 3 additions of 4 outputs each, 4 of biases, and 4 activations, which come at the end alone."""
    star, tree = row(SUMS, "sums"), row(SUMS, "sums", "network.reduction=tree")
    reductions = moved(tree, "sums", "reduce")

    assert [counted([one], "vector_unit.op") for one in reductions] == [4, 4, 4 + 4 + 4]
    assert counted(moved(star, "sums", "reduce"), "vector_unit.op") == (3 + 1 + 1) * 4
    # Read: two vectors of partial sums, 12 bytes each. Written: one of them, or the outputs of 8 bits.
    assert [counted([one], "input_buffer.read") for one in reductions] == [24, 24, 24]
    assert [counted([one], "output_buffer.write") for one in reductions] == [12, 12, 4]


def test_the_busiest_way_out_of_the_network_has_one_partial_sum_instead_of_three(workload):
    """Into tile 3 go its own 64 inputs, once; of each partial sum 4 flits."""
    net = workload([1, 1, 64], SUMS, ["sums"])
    flits = {}
    for reduction in ("star", "tree"):
        chip = [*ROW, "network.model=flit", f"network.reduction={reduction}"]
        links = simulate("tiny", net, overrides=chip).table("links")
        flits[reduction] = dict(zip(links["link"].tolist(), links["flits"].tolist(), strict=True))

    assert flits["star"]["chip.tile[3].eject"] - flits["tree"]["chip.tile[3].eject"] == 2 * 4
    assert flits["tree"]["chip.tile[1].eject"] - flits["star"]["chip.tile[1].eject"] == 4
    # Between the routers of tiles 2 and 3 were three partial sums beside the inputs, and now is one.
    name = "chip.router[2].link[3]"
    assert flits["star"][name] - flits["tree"][name] == 2 * 4


def test_copies_leave_one_tile_for_all_others_and_a_tree_is_passed_on(row):
    """16 outputs of 8 bits are with the header 20 bytes: 5 flits. To tiles 1, 2, 3: 3 + 4 + 5 links, or 3 each."""
    copies, tree = row(FORK, "last"), row(FORK, "last", "network.multicast=tree")

    assert ends(moved(copies, "first")) == [(0, 1), (0, 2), (0, 3)]
    assert ends(moved(tree, "first")) == [(0, 1), (1, 2), (2, 3)]
    assert counted(moved(copies, "first"), "router.flit") == 5 * (3 + 4 + 5)
    assert counted(moved(tree, "first"), "router.flit") == 5 * 3 * 3


def test_every_flit_that_is_paid_for_has_crossed_a_link(workload):
    run = simulate("tiny", workload([2, 2, 16], FORK, ["last"]), overrides=[*ROW, "network.model=flit", *TREES])
    links, energy = run.table("links"), run.table("energy")

    paid = energy["count"][(energy["component"] == "router") & (energy["action"] == "flit")].sum()
    assert paid == links["flits"].sum() > 0


def test_what_is_passed_on_has_a_place_of_its_own_beside_the_copy_that_is_used(row):
    """At tiles 1 and 2 one place for the layer there and one for the next tile; at tile 3 one for the layer."""
    made = row(FORK, "last", "network.multicast=tree")
    streams = made.plan.system.streams
    places = [
        (edge.place, streams[edge.target].kind)
        for one in moved(made, "first")
        for edge in made.plan.system.edges
        if edge.source == one.index
    ]

    both = [(f"chip.tile[{tile}].scratch", kind) for tile in (1, 2) for kind in ("mvm", "send")]
    assert sorted(places) == sorted([*both, ("chip.tile[3].scratch", "mvm")])
    assert all(edge.capacity >= 1 for edge in made.plan.system.edges if edge.vector_bytes)


def test_what_is_passed_on_is_read_where_it_arrived(row):
    """With a buffer for inputs and one for results: its tile reads the latter, those that pass on the former."""
    results = "{area: 1 um2, instances_per: buffer, source: aimcsim, grade: assumed, how: test, actions: {%s, %s}}"
    action = "%s: {energy: 1 pJ, source: aimcsim, grade: assumed, how: test}"
    own = (
        "tile.buffers.results={size: 64 KiB, clock: digital}",
        "tile.output_buffer=results",
        "costs.results=" + results % (action % "read", action % "write"),
    )
    by_name = "tables.send.stages.inject.actions={results.read: input_bytes}"
    onward_by_name = moved(row(FORK, "last", "network.multicast=tree", *own, by_name), "first")[1:]
    first, *onward = moved(row(FORK, "last", "network.multicast=tree", *own), "first")

    assert (counted([first], "output_buffer.read"), counted([first], "input_buffer.read")) == (16, 0)
    assert (counted(onward, "output_buffer.read"), counted(onward, "input_buffer.read")) == (0, 2 * 16)
    assert (counted(onward_by_name, "results.read"), counted(onward_by_name, "input_buffer.read")) == (0, 2 * 16)
    assert [one.stages[0].server.path.rpartition(".")[0] for one in (first, *onward)] == [
        "chip.tile[0].results",
        *(f"chip.tile[{tile}].scratch" for tile in (1, 2)),
    ]


def test_inputs_cross_the_host_link_once(row):
    copies, tree = row(SUMS, "sums"), row(SUMS, "sums", "network.multicast=tree")

    assert len(moved(copies, "x", "load")) == 4
    assert counted(moved(copies, "x", "load"), "host_link.transfer") == 4 * 64  # inputs of 8 bits
    (load,) = moved(tree, "x", "load")
    assert counted([load], "host_link.transfer") == 64
    assert ends(moved(tree, "x")) == [(0, 1), (1, 2), (2, 3)]


BRANCHES = [
    "name: wide, kind: conv2d, inputs: [x], out_channels: 20, kernel: 2, activation: relu",
    "name: tall, kind: conv2d, inputs: [wide], out_channels: 3, kernel: 2, activation: relu",
    "name: beside, kind: conv2d, inputs: [wide], out_channels: 3, kernel: 2",
    "name: last, kind: add, inputs: [tall, beside]",
]
LONG = (*ROW, "tile.count=40", "network.routers=[40, 1]", "tile.analog.device=pcm")


@pytest.mark.parametrize("mode", ["ideal", "quantized", "analog"])
@pytest.mark.parametrize(
    ("trees", "mapping"),
    [
        (TREES[:1], MappingPolicy()),
        (TREES[1:], MappingPolicy()),
        (TREES, MappingPolicy()),
        (TREES, MappingPolicy(pack="crossbar", replicas={"tall": 2})),
    ],
)
def test_values_are_the_same_bits_by_any_tree(mode, trees, mapping, workload):
    """In the clock, where a sum that had not arrived would be missing, and outside it."""
    net = load_workload(workload([4, 4, 12], BRANCHES, ["last"]))
    inputs = {"x": np.random.default_rng(0).normal(size=(2, 4, 4, 12)).astype(np.float32)}
    straight = evaluate(load_chip("tiny", LONG), net, inputs, analog=mode, mapping=mapping)

    chip = [*LONG, *trees]
    run = simulate("tiny", net, inputs=inputs, analog=mode, engine="reference", overrides=chip, mapping=mapping)

    made = (build("tiny", net, overrides=one, mapping=mapping).plan.system.streams for one in (LONG, chip))
    star, tree = (sum(stream.kind == "reduce" for stream in streams) for streams in made)
    assert (tree > star) == (TREES[0] in trees)
    assert np.array_equal(run.outputs["last"], straight["last"])


TANGLE = [
    "name: stem, kind: conv2d, inputs: [x], out_channels: 20, kernel: 3, pads: 1",
    "name: near, kind: conv2d, inputs: [stem], out_channels: 20, kernel: 3, pads: 1",
    "name: far, kind: conv2d, inputs: [near], out_channels: 20, kernel: 3, pads: 1",
    "name: skip, kind: add, inputs: [stem, far]",
    "name: also, kind: conv2d, inputs: [stem], out_channels: 20, kernel: 1",
    "name: whole, kind: global_average_pool, inputs: [near]",
    "name: sum, kind: add, inputs: [skip, also]",
    "name: scaled, kind: multiply, inputs: [sum, whole]",
    "name: last, kind: linear, inputs: [scaled], out_features: 3",
]
"""Branches that look ahead by different amounts, up to a whole image, from tensors that several layers need."""
NARROW = (
    *("tile.count=36", "network.routers=[6, 6]", "tile.crossbars=3", "tile.crossbar.rows=16", "tile.adc.crossbars=1"),
    *("network.packet_slots=1", "network.packet_overhead_bits=600"),
    *("network.virtual_channels=1", "network.buffer_flits=1", *TREES),
)


def tangled(workload, tmp_path: Path, seed: int, *more: str, requests: int = 8) -> Built:
    """Build the tangle on tiles in random order, every edge with the least that it needs for progress."""
    chip, net = load_chip("tiny", [*NARROW, *more]), load_workload(workload([4, 4, 3], TANGLE, ["last"]))
    placed, tiles = map_workload(net, chip), np.random.default_rng(seed).permutation(36).tolist()
    shares = tuple(replace(share, tile=tiles[share.tile]) for share in placed.shares)
    homes = {layer: tiles[tile] for layer, tile in placed.home.items()}
    path = tmp_path / f"{seed}.yaml"
    path.write_text(mapping_yaml(replace(placed, shares=shares, home=homes), net, chip))
    made = build(chip, net, requests=requests, mapping=path)
    for quota in made.quotas:
        made.plan.system.edges[quota.edge].capacity = quota.progress
    return made


@pytest.mark.parametrize("model", ["flit", "packet", "ideal"])
@pytest.mark.parametrize("seed", range(3))
def test_trees_with_least_buffers_one_packet_slot_and_tiles_anywhere_do_not_get_stuck(model, seed, workload, tmp_path):
    made = tangled(workload, tmp_path, seed, f"network.model={model}")
    CompiledEngine(made.plan.system, keep=True).run()

    streams = made.plan.system.streams
    assert all(len(stream.end_ps) == stream.total for stream in streams)
    relays = [one for one in streams if one.kind == "send" and streams[one.inputs[0].source].kind in {"send", "load"}]
    assert len(relays) > 3
    reductions = Counter(stream.layer for stream in streams if stream.kind == "reduce")
    assert max(reductions.values()) > 1


def test_with_one_place_less_on_an_edge_they_would(workload, tmp_path):
    """The least is the least: so the runs above are as tight as can be."""
    least = tangled(workload, tmp_path, 0, requests=1)
    tight = [quota.edge for quota in least.quotas if quota.progress > 1]
    assert len(tight) > 20
    for edge in tight[::4]:
        made = tangled(workload, tmp_path, 0, requests=1)
        made.plan.system.edges[edge].capacity -= 1
        with pytest.raises(DeadlockError):
            CompiledEngine(made.plan.system, keep=True).run()


@pytest.mark.parametrize("model", ["flit", "packet", "ideal"])
def test_every_engine_has_the_same_logs_of_the_tangle_and_every_wait_is_derived_again(model, workload, tmp_path):
    systems = [tangled(workload, tmp_path, 1, f"network.model={model}", requests=1).plan.system for _ in range(3)]
    CompiledEngine(systems[0], keep=True).run()
    FastEngine(systems[1]).run()
    ReferenceEngine(systems[2]).run()

    assert everything(systems[0]) == everything(systems[1]) == everything(systems[2])
    check_all(systems[2])
