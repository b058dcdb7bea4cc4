"""Are calendars of links what they should be, and do they say where they should not be trusted?"""

import numpy as np
import pytest

from aimcsim.network import FlitNetwork, PacketNetwork, Router, mesh
from aimcsim.network.load import Offer, Window, measure
from aimcsim.network.traffic import PATTERNS, Layout, burst


def tails(network, *packets):
    for packet in packets:
        network.offer(*packet)
    network.drain()
    return network.packets().tail_eject.tolist()


def test_the_second_of_two_packets_waits_until_the_link_is_free(implementation):
    """Case link2: on a row of four, 0 to 3 at 0 and 1 to 3 at 3, four flits each, fast.

    Router 1's link +x is granted in cycle 5 to both, by number to the first, for four cycles: the second leaves in 9,
    its head is there two routers and links later, 9 + 2 x 3 + 3, its tail three cycles after: 21. The first: 17.
    """
    network = PacketNetwork(mesh(4, 1))
    assert tails(network, (0, 0, 3, 4), (3, 1, 3, 4)) == [17, 21]
    assert network.packets().link_wait.tolist() == [0, 4]
    assert network.links().link_wait[1].tolist() == [4, 0, 0, 0, 0]


def test_packets_of_one_source_follow_each_other(implementation):
    """Back to back, six of four flits over three links: 17, and 4 cycles more for each, as in case b2b_v1_fast."""
    assert tails(PacketNetwork(mesh(4, 1)), *[(0, 0, 3, 4)] * 6) == [17, 21, 25, 29, 33, 37]


def test_a_gather_is_exact_to_the_busiest_link(implementation):
    """gather16_L4: 15 packets of 4 into node 0, the last tail in 67 = 5 + 60 - 1 + 3: first grant, flits, way out."""
    network = PacketNetwork(mesh(4, 4))
    assert max(tails(network, *[(0, source, 0, 4) for source in range(1, 16)])) == 67


LOADS = [(4, 4, 0.1, -0.05, 0.0), (4, 4, 0.3, -0.10, -0.02), (8, 4, 0.2, -0.10, -0.02), (8, 4, 0.3, -0.20, -0.06)]


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(("size", "flits", "rate", "low", "high"), LOADS)
def test_mean_latency_is_too_short_by_what_the_docs_say(size, flits, rate, low, high):
    """docs/network.md: 4x4 at .1 -2 %, at .3 -7 %; 8x8 at .2 -6 %, at .3 -13 %; about half as much either way."""
    offer = Offer(PATTERNS["uniform"](Layout(size, size)), flits, 1, Window(1000, 5000))
    fabric, router = mesh(size, size), Router(2, 8)
    exact = measure(FlitNetwork(fabric, router), offer, rate).mean_latency
    quick = measure(PacketNetwork(fabric, router), offer, rate).mean_latency
    assert low < quick / exact - 1 < high


def test_it_doubts_itself_where_links_are_crowded():
    """Idle: nothing. A neighbour burst of 8 x 4 flits: a link 32 of 46 cycles or so. A gather: nearly all of them."""
    layout = Layout(4, 4)

    def doubts(pattern, packets):
        network = PacketNetwork(mesh(4, 4))
        network.offer_many(*burst(PATTERNS[pattern](layout), packets, 4, np.random.default_rng(0)))
        network.drain()
        return network.doubts()

    assert PacketNetwork(mesh(4, 4)).doubts() == []
    lone = PacketNetwork(mesh(4, 4))
    tails(lone, (0, 0, 15, 4))
    assert lone.doubts() == []
    (crowded,) = doubts("neighbour", 8)
    assert "real waits are longer" in crowded
    (full,) = doubts("gather", 8)
    assert full.startswith("router[0].eject[0] is taken 9")
