"""Does a packet in an empty network take what the formula says, over all pairs?"""

import numpy as np
import pytest

from aimcsim.network import FlitNetwork, PacketNetwork, Router, chip_row, mesh, ring, torus, zero_load_latency

APART = 1000
"""Cycles between packets, more than any of them takes."""


def latencies(network, flits):
    """Send a packet between all pairs, one after the other."""
    ends = np.arange(network.fabric.endpoints)
    src, dst = (side.ravel() for side in np.meshgrid(ends, ends, indexing="ij"))
    network.offer_many(np.arange(len(src)) * APART, src, dst, np.full(len(src), flits))
    network.drain()
    return src, dst, network.packets().latency


def steps(src, dst, size, *, wrapped):
    """Links between routers on the way of a size x size mesh or torus."""
    away = [np.abs(src // size - dst // size), np.abs(src % size - dst % size)]
    return sum(np.minimum(distance, size - distance) if wrapped else distance for distance in away)


@pytest.mark.parametrize("flits", [1, 4, 16])
@pytest.mark.parametrize(("pipeline", "router_cycles"), [("fast", 2), ("default", 4)])
@pytest.mark.parametrize("kind", [FlitNetwork, PacketNetwork])
@pytest.mark.parametrize(("make", "link_cycles"), [(mesh, 1), (torus, 2)])
def test_all_pairs_of_8x8_take_what_the_formula_says(compiled, kind, make, link_cycles, pipeline, router_cycles, flits):
    """3 + (H + 1) t_r + H t_l + L - 1 with H links: NOC A.3's router, buffers of 16 so that credits never lack."""
    network = kind(make(8, 8), Router(2, 16, pipeline))

    src, dst, found = latencies(network, flits)

    links = steps(src, dst, 8, wrapped=make is torus)
    assert (found == 3 + (links + 1) * router_cycles + links * link_cycles + flits - 1).all()
    assert (found == zero_load_latency(network.fabric, network.router, src, dst, flits)).all()


@pytest.mark.parametrize("pipeline", ["fast", "default"])
@pytest.mark.parametrize("flits", [1, 5, 40])
def test_slower_links_between_chips_spread_a_packet_out(implementation, pipeline, flits):
    """Every pair of endpoints of three chips and a host, links of 7 cycles that take a flit every 3."""
    fabric = chip_row(2, 1, chips=3, host=True, chip_link_cycles=7, chip_flit_cycles=3)
    network = FlitNetwork(fabric, Router(1, 64, pipeline))

    src, dst, found = latencies(network, flits)

    assert (found == zero_load_latency(fabric, network.router, src, dst, flits)).all()
    assert (network.packets().transfer == found).all()


def test_a_packet_over_one_chip_link_by_hand():
    """Router 1 of one chip of 2x1 to router 0 of the next: the link takes 7 cycles and a flit every 3.

    Fast: 2 in the first router, 7 + (3 - 1) on the link, 2 in the second, 3 to the endpoint; 4 more flits, 3 apart.
    """
    fabric = chip_row(2, 1, chips=2, chip_link_cycles=7, chip_flit_cycles=3)
    network = FlitNetwork(fabric, Router(1, 64))
    network.offer(0, 1, 2, 5)
    network.drain()
    assert network.packets().tail_eject.tolist() == [2 + 7 + 2 + 2 + 3 + 4 * 3]


def test_several_tiles_share_a_router_of_a_concentrated_mesh(implementation):
    """Tiles 0 to 3 are at router 0: 3 + 2 cycles and no link. Tile 4 is one link away."""
    network = FlitNetwork(mesh(2, 1, tiles_per_router=4), Router(1, 8))
    for place, target in enumerate((0, 3, 4)):
        network.offer(100 * place, 0, target, 1)
    network.drain()
    assert network.packets().latency.tolist() == [5, 5, 3 + 2 * 2 + 1]


def test_a_ring_goes_the_shorter_way(implementation):
    """Of seven routers, links of 2 cycles: 3 links to either side at most."""
    network = FlitNetwork(ring(7), Router(2, 16))
    src, dst, found = latencies(network, 1)
    links = np.minimum((dst - src) % 7, (src - dst) % 7)
    assert (found == 3 + (links + 1) * 2 + links * 2).all()
