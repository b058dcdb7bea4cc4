"""Do routes lead where they should, and are tables refused that do not?"""

import numpy as np
import pytest

from aimcsim.errors import CausalityError, ConfigError
from aimcsim.network import HOST, FlitNetwork, Mesh, PacketNetwork, Router, chip_row, mesh, ring, torus
from aimcsim.network.fabric import EAST, NORTH, SOUTH, WEST


@pytest.mark.parametrize(("chips", "tiles"), [(1, 1), (1, 4), (3, 2)])
def test_a_row_of_chips_has_the_routes_of_the_topology(chips, tiles):
    """`Mesh` and `chip_row` are two descriptions of one network, and agree on every way, the host's too."""
    topology = Mesh(3, 2, tiles, chips)
    fabric = chip_row(3, 2, tiles_per_router=tiles, chips=chips, host=True)
    ends = [*range(topology.tiles), HOST]
    assert fabric.endpoints == len(ends)
    for source in ends:
        for target in ends:
            routers = [router for router, _ in fabric.path(source, target)]
            assert routers == topology.path(source, target)


@pytest.mark.parametrize("make", [mesh, torus])
def test_the_links_of_a_port_lead_back(make):
    """Who is fed through a port feeds the same port: the input at the other end belongs to the same link."""
    fabric = make(4, 3)
    links = np.flatnonzero(fabric.peer.ravel() >= 0)
    assert (fabric.peer.ravel()[fabric.peer.ravel()[links]] == links).all()


def test_a_torus_packet_to_a_lower_place_has_the_upper_class():
    """On a ring of 8: from 6 to 1 over 7 and 0, and from 3 back to 1; not from 1 to 6 over 0 and 7, nor to 3."""
    fabric = ring(8)
    for way in range(fabric.ways):
        assert [int(fabric.upper[(way, *pair)]) for pair in ((6, 1), (3, 1), (1, 6), (1, 3))] == [1, 1, 0, 0]


def test_no_class_of_a_torus_closes_a_ring():
    """In either direction only one class crosses the wrap link, and no way is longer than half of the ring."""
    torus(5, 6).check_routes()
    ring(8).check_routes()


def test_packets_take_both_directions_where_both_are_as_long():
    """From 1 to 5 on a ring of 8, up or down; of 1000 packets about half go up, and by the parts of their numbers."""
    fabric = ring(8)
    first = {fabric.path(1, 5, way)[0] for way in range(fabric.ways)}
    assert first == {(1, EAST), (1, WEST)}
    network = FlitNetwork(fabric)
    network.offer_many(np.arange(1000) * 20, [1] * 1000, [5] * 1000, [1] * 1000)
    network.drain()
    up, down = network.links().flits[1, [EAST, WEST]].tolist()
    assert up + down == 1000
    assert abs(up - 500) < 20


def test_other_routes_are_a_table(implementation):
    """Column first instead of row first, over a 3x3 mesh: from 0 to 8 through 3 and 6; it takes as long."""
    fabric = mesh(3, 3)
    row, column = np.divmod(np.arange(9), 3)
    down, right = row[None] - row[:, None], column[None] - column[:, None]
    sideways = np.where(right > 0, EAST, WEST)
    other = fabric.routed(np.where(down > 0, SOUTH, np.where(down < 0, NORTH, sideways)).astype(np.uint8))
    assert [router for router, _ in other.path(0, 8)] == [0, 3, 6, 7, 8]
    network = FlitNetwork(other)
    network.offer(0, 0, 8, 1)
    network.drain()
    assert network.packets().latency.tolist() == [3 + 5 * 2 + 4]


def swapped(fabric, *changes):
    route = fabric.route[0].copy()
    for here, target, port in changes:
        route[here, target] = port
    return route


def test_tables_that_lead_nowhere_or_round_in_circles_are_refused():
    fabric = mesh(2, 2)
    with pytest.raises(ConfigError, match="leads from router 0 towards 3 out of a port without a link"):
        fabric.routed(swapped(fabric, (0, 3, WEST)))
    with pytest.raises(ConfigError, match="from router 0 to 3 in a circle"):
        fabric.routed(swapped(fabric, (1, 3, WEST)))
    with pytest.raises(ConfigError, match=r"must be of 4 x 4 routers \(got \(2, 2\)\)"):
        fabric.routed(np.zeros((2, 2), np.uint8))


def test_routes_that_can_wait_for_each_other_are_refused():
    """The four turns of a square: 0 > 1 > 3, 1 > 3 > 2, 3 > 2 > 0, 2 > 0 > 1, each holds what the one before wants."""
    fabric = mesh(2, 2)
    with pytest.raises(ConfigError, match="can deadlock"):
        fabric.routed(swapped(fabric, (0, 3, EAST), (1, 2, SOUTH), (3, 0, WEST), (2, 1, NORTH)))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: mesh(0, 4), r"at least one column and one row of routers \(got 0x4\)"),
        (lambda: mesh(100, 100), r"at most 1024 routers \(got 100x100 = 10000\)"),
        (lambda: mesh(2, 2, tiles_per_router=0), r"1 to 32 tiles \(got 0\)"),
        (lambda: mesh(2, 2, link_cycles=0), r"a link takes 1 to 65536 cycles \(got 0\)"),
        (
            lambda: chip_row(2, 2, chips=2, chip_flit_cycles=0),
            r"a flit between chips takes 1 to 65536 cycles \(got 0\)",
        ),
        (lambda: Router(vcs=0), r"at least one virtual channel \(got 0\)"),
        (lambda: Router(buffer=0), r"holds 1 to 4096 flits \(got 0\)"),
        (lambda: Router(pipeline="slow"), r"`fast` or `default` \(got `slow`\)"),
        (lambda: FlitNetwork(mesh(2, 2), Router(vcs=13)), "13 virtual channels at each of the 5 ports .* more than 64"),
        (lambda: FlitNetwork(torus(4, 4), Router(vcs=1)), r"a 4x4 torus needs at least 2 virtual channels.*\(got 1\)"),
    ],
)
def test_networks_that_cannot_be_are_refused(make, said):
    with pytest.raises(ConfigError, match=said):
        make()


@pytest.mark.parametrize("kind", [FlitNetwork, PacketNetwork])
def test_packets_that_cannot_be_are_refused(kind, implementation):
    network = kind(mesh(2, 2))
    network.offer(5, 0, 1, 4)
    for packet, said in (
        ((6, 0, 4, 1), r"endpoints are 0 to 3 \(got 0 to 4\)"),
        ((6, -1, 0, 1), r"endpoints are 0 to 3 \(got -1 to 0\)"),
        ((6, 0, 1, 0), r"a packet has 1 to 1048576 flits \(got 0\)"),
    ):
        with pytest.raises(ConfigError, match=said):
            network.offer(*packet)
        with pytest.raises(ConfigError, match=r"endpoints are|a packet has"):
            network.offer_many(*([value] for value in packet))
    with pytest.raises(CausalityError, match="cycle 4 was offered after one of cycle 5"):
        network.offer(4, 0, 1, 1)
    with pytest.raises(CausalityError, match="in order of time"):
        network.offer_many([8, 7], [0, 0], [1, 1], [1, 1])
    network.advance(20)
    with pytest.raises(CausalityError, match="cycle 19 was offered in cycle 20"):
        network.offer(19, 0, 1, 1)
