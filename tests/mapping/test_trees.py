"""Who passes on to whom: do trees follow the routes, and join only what can be added?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim import load_chip
from aimcsim.errors import ConfigError
from aimcsim.mapping import Trees, mesh_of
from aimcsim.network import HOST, Mesh

TREES = ("network.multicast=tree", "network.reduction=tree")
ALL = {(0, 0): 4}
"""Outputs that are one block of four."""


def trees(columns: int, rows: int, each: int = 1, *more: str) -> Trees:
    """Return the trees of a chip with so many routers, and tiles at each."""
    shape = (f"network.routers=[{columns}, {rows}]", f"network.tiles_per_router={each}")
    chip = load_chip("tiny", (*shape, f"tile.count={columns * rows * each}", *TREES, *more))
    return Trees(chip.network, mesh_of(chip))


def test_a_tile_gets_it_from_the_last_one_before_it_on_its_way():
    #  0  1  2  3      From 0 along the row, then down: to 6 over 1, 2, 6; to 10 over 1, 2, 6, 10; to 3 over 1, 2, 3; to
    #  4  5  6  7      9 over 1, 5, 9. Nobody at 1 and 2 wants it, so what goes to 3 and to 9 goes there straight.
    #  8  9 10 11
    assert trees(4, 3).multicast(0, [3, 6, 9, 10]) == {3: 0, 6: 0, 9: 0, 10: 6}


def test_sums_go_to_the_next_one_on_their_way():
    # To 0 along the row, then up: from 11 over 10, 9, 8; from 10 over 9, 8; from 3 over 2, 1.
    found = trees(4, 3).reduction(0, dict.fromkeys([0, 2, 3, 8, 10, 11], ALL))

    assert found == {11: 10, 10: 8, 3: 2, 2: 0, 8: 0}
    assert list(found) == [11, 10, 3, 2, 8]


def test_the_first_tile_at_a_router_stands_for_all_there():
    # Two tiles at each of three routers in a row; home is tile 5, at the last of them.
    assert trees(3, 1, 2).reduction(5, dict.fromkeys(range(6), ALL)) == {0: 2, 1: 0, 2: 5, 3: 2, 4: 5}
    assert trees(3, 1, 2).multicast(5, range(5)) == {0: 2, 1: 0, 2: 5, 3: 2, 4: 5}


def outputs(**counts: int) -> dict[tuple[int, int], int]:
    """Return blocks of outputs by the letters that they are called here."""
    return {(0, ord(name)): count for name, count in counts.items()}


def test_only_sums_of_the_same_outputs_meet():
    # 0 and 2 have outputs in common, and 1 has others: 0 passes 1 by, and 1 has nobody before its home.
    held = {0: outputs(a=4), 1: outputs(b=4), 2: outputs(a=4), 4: outputs(a=4, b=4)}
    assert trees(5, 1).reduction(4, held) == {0: 2, 1: 4, 2: 4}
    # 6 has a alone, but 7 has sent it b as well, which 5 has.
    held = {7: outputs(a=4, b=4), 6: outputs(a=4), 5: outputs(b=4)}
    assert trees(8, 1).reduction(0, held) == {7: 6, 6: 5, 5: 0}


def test_sums_stop_over_only_where_that_moves_no_more_numbers():
    """From 1 over 2, from where it is three links to 5, and five with the ways into the network and out.

    What both have in common crosses these five links once instead of twice; all 10 that come go out and in once more.
    """
    for common, adder in ((3, 5), (4, 2), (5, 2)):
        held = {1: outputs(a=common, b=10 - common), 2: outputs(a=common, c=9)}
        assert trees(6, 1).reduction(5, held) == {1: adder, 2: 5}


def test_what_comes_from_the_host_comes_once_to_the_nearest():
    # The host is at router 0; of 2, 5 and 6 tile 2 is nearest, two links away, and numbers decide between 2 and 8.
    #  0  1  2  3
    #  4  5  6  7
    #  8  9 10 11
    assert trees(4, 3).multicast(HOST, [6, 8, 2, 7]) == {2: HOST, 6: 2, 7: 2, 8: 2}
    assert trees(4, 3).multicast(HOST, []) == {}


def test_on_a_ring_the_way_goes_round():
    # Ring of six: from 0 the way to 4 is over 5.
    ring = trees(6, 1, 1, "network.topology=ring", "network.model=flit")

    assert ring.multicast(0, [4, 5, 2, 1]) == {4: 5, 5: 0, 2: 1, 1: 0}
    assert ring.reduction(0, dict.fromkeys([4, 5, 2, 1], ALL)) == {2: 1, 4: 5, 1: 0, 5: 0}


def test_without_trees_everything_goes_straight():
    chip = load_chip("tiny")
    straight = Trees(chip.network, mesh_of(chip))

    assert straight.multicast(HOST, [0, 1, 3]) == dict.fromkeys([0, 1, 3], HOST)
    assert straight.reduction(0, dict.fromkeys([0, 1, 3], ALL)) == {1: 0, 3: 0}


GRIDS = {mesh: trees(4, 3, 2, f"system.chips_per_package={mesh.chips}") for mesh in (Mesh(4, 3, 2), Mesh(4, 3, 2, 2))}


@pytest.mark.parametrize("mesh", GRIDS)
@settings(deadline=None, derandomize=True)
@given(tiles=st.sets(st.integers(0, 23)), root=st.integers(0, 23), seed=st.integers(0, 9))
def test_nothing_takes_a_longer_way_and_all_arrives(mesh: Mesh, tiles: set[int], root: int, seed: int):
    """From any tile one comes to the root over as many links as straight, in whatever order tiles are given."""
    found, root = GRIDS[mesh], root * mesh.chips
    order = np.random.default_rng(seed).permutation(sorted({tile * mesh.chips for tile in tiles} - {root})).tolist()
    for parents in (found.multicast(root, order), found.reduction(root, dict.fromkeys(order, ALL))):
        assert set(parents) == set(order)
        for tile in order:
            links, here = 0, tile
            while here != root:
                links += int(mesh.hops(here, parents[here]))
                here = parents[here]
            assert links == mesh.hops(tile, root)
    assert found.multicast(root, order) == found.multicast(root, sorted(order))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("control.digital=hub",), "with `control.digital: hub` tile 0 alone adds"),
        (("tables.reduce.stages=[{name: add, when: final, latency: 1 ns}]",), "every stage is left out for these"),
    ],
)
def test_a_chip_that_cannot_add_on_the_way_is_refused(changes: tuple[str, ...], message: str):
    load_chip("tiny", changes)
    with pytest.raises(ConfigError, match=message):
        load_chip("tiny", (*changes, "network.reduction=tree"))
