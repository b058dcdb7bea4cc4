"""Which tile comes when, and how far bytes travel."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim.mapping import MappingPolicy, hop_bytes, map_workload
from aimcsim.mapping.arrangement import arrange, snake
from aimcsim.mapping.traffic import Flow
from aimcsim.network import HOST, Mesh
from aimcsim.run import build
from aimcsim.spec import load_chip
from aimcsim.workload import load_workload

MESHES = st.builds(Mesh, st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))


@given(mesh=MESHES, data=st.data())
def test_hops_are_the_links_of_the_path(mesh: Mesh, data: st.DataObject) -> None:
    source, target = (data.draw(st.integers(HOST, mesh.tiles - 1)) for _ in range(2))

    path = mesh.path(source, target)

    assert (path[0], path[-1]) == (mesh.router_of(source), mesh.router_of(target))
    assert mesh.hops(source, target) == len(path) - 1 == len(mesh.route(source, target)) - 2


def test_a_snake_turns_at_the_end_of_a_row() -> None:
    # Routers 0 1 2 / 3 4 5, two tiles each: the second row is taken from its end.
    assert snake(Mesh(3, 2, 2)) == [0, 1, 2, 3, 4, 5, 10, 11, 8, 9, 6, 7]
    assert snake(Mesh(2, 2, 1, chips=2)) == [0, 1, 3, 2, 4, 5, 7, 6]


ENDS = st.tuples(st.integers(HOST, 5), st.integers(0, 5)).filter(lambda ends: ends[0] != ends[1])
FLOWS = st.lists(st.builds(lambda ends, size: Flow(*ends, size), ENDS, st.integers(1, 100)), max_size=20)


def cost(flows: list[Flow], tiles: list[int], mesh: Mesh) -> int:
    """Return bytes times hops, one by one."""
    at = {HOST: HOST, **dict(enumerate(tiles))}
    return sum((len(mesh.path(at[flow.source], at[flow.target])) - 1) * flow.size_bytes for flow in flows)


@settings(deadline=None)
@given(flows=FLOWS, seed=st.integers(0, 3))
def test_no_move_and_no_exchange_gains_anything_after_the_search(flows: list[Flow], seed: int) -> None:
    mesh = Mesh(3, 3)
    tiles = arrange("traffic", 6, flows, mesh, seed)

    assert len(set(tiles)) == 6
    assert tiles == arrange("traffic", 6, flows, mesh, seed)
    found = cost(flows, tiles, mesh)
    assert found <= min(cost(flows, list(range(6)), mesh), cost(flows, snake(mesh)[:6], mesh))
    for position in range(6):
        for tile in range(9):
            other = [tiles[position] if one == tile else one for one in tiles]
            other[position] = tile
            assert cost(flows, other, mesh) >= found


def test_traffic_aware_placement_of_resnet18_saves_a_fifth_of_the_hop_bytes(traces_dir: Path) -> None:
    network, chip = load_workload(traces_dir / "resnet18.yaml"), load_chip("isaac")
    in_order, traffic = (
        hop_bytes(map_workload(network, chip, MappingPolicy(placement=how)), network, chip)
        for how in ("in-order", "traffic")
    )

    assert traffic <= 0.8 * in_order


@pytest.mark.parametrize(
    "policy",
    [
        MappingPolicy(),
        MappingPolicy(placement="snake", replicas={"conv1": 3, "conv2": 2}),
        MappingPolicy(placement="traffic", pack="crossbar"),
    ],
    ids=["plain", "replicas", "packed"],
)
@pytest.mark.parametrize("trees", [(), ("network.multicast=tree", "network.reduction=tree")], ids=["straight", "trees"])
def test_the_hop_bytes_of_a_mapping_are_those_of_the_transports_that_run(
    policy: MappingPolicy, trees: tuple[str, ...]
) -> None:
    # Two chips of 4 tiles of 8 crossbars: the network's layers lie on several tiles.
    built = build("tiny", "digits_cnn", overrides=["tile.crossbars=8", *trees], mapping=policy, chips=2)
    total = 0
    for stream in built.plan.system.streams:
        if stream.kind in {"send", "load", "store"}:
            links = [stage for stage in stream.stages if stage.name.startswith("route:")]
            edge = (stream.inputs or stream.outputs)[0]
            total += (len(links) - 2) * edge.vector_bytes * stream.vectors

    assert total > 0
    assert hop_bytes(built.mapping, built.workload, built.chip) == total
