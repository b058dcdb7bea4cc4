"""Is nothing lost, overtaken, overbooked or stuck, and does nothing depend on chance?"""

from dataclasses import astuple, replace

import numpy as np
import pytest

from aimcsim._kernels.flits_twin import FlitTwin
from aimcsim._kernels.network_twin import way_of
from aimcsim.errors import ConfigError, DeadlockError
from aimcsim.network import FlitNetwork, PacketNetwork, Router, busiest_link, chip_row, mesh, ring, torus
from aimcsim.network.bounds import link_loads
from aimcsim.network.fabric import EAST
from aimcsim.network.flit import flit_tables
from aimcsim.network.load import Offer, Window, measure
from aimcsim.network.traffic import PATTERNS, Layout
from tests.network.random_networks import draw

FABRICS = {
    "mesh": mesh(4, 4),
    "torus": torus(5, 4),
    "ring": ring(9),
    "concentrated mesh": mesh(2, 3, tiles_per_router=4),
    "chips": chip_row(2, 2, tiles_per_router=2, chips=3, host=True, chip_link_cycles=9, chip_flit_cycles=4),
}


def flood(network, *, flits, rounds, shift):
    """Everybody sends to the one `shift` further on, `rounds` packets each, all in cycle 0."""
    count = network.fabric.endpoints
    src = np.tile(np.arange(count), rounds)
    network.offer_many(np.zeros(len(src), int), src, (src + shift) % count, np.full(len(src), flits))
    return network.drain()


@pytest.mark.parametrize("seed", range(12))
def test_every_flit_passes_every_link_of_its_way_once(seed, implementation):
    """Flits on each link are those of the packets whose route has it; sources send what endpoints receive."""
    drawn = draw(seed)
    network = FlitNetwork(drawn.fabric, drawn.router)
    create, src, dst, flits = drawn.packets
    network.offer_many(*drawn.packets)
    assert sorted(network.drain().ids) == list(range(len(create)))

    links, fabric = network.links(), drawn.fabric
    expected = np.zeros_like(links.flits)
    for packet in range(len(create)):
        for link in fabric.path(src[packet], dst[packet], way_of(packet, fabric.ways)):
            expected[link] += flits[packet]
    assert (links.flits == expected).all()
    if fabric.ways == 1:
        assert (links.busy == link_loads(fabric, src, dst, flits)).all()
    received = links.flits[fabric.home, fabric.home_port]
    assert (links.injected == np.bincount(src, flits, fabric.endpoints)).all()
    assert (received == np.bincount(dst, flits, fabric.endpoints)).all()


@pytest.mark.parametrize("seed", range(8))
def test_buffers_and_credits_stay_within_bounds(seed):
    """In every cycle, over each link and virtual channel: credits, flits there and on their way make up the buffer.

    Also those on the way back count: a credit that has left the buffer and has not arrived. Credits are 0 to buffer.
    """
    drawn = draw(seed, 50)
    tables = flit_tables(drawn.fabric, drawn.router, None)
    twin = FlitTwin(tables)
    twin.offer_many(drawn.packets[0], *drawn.packets[1:].astype(np.int32))
    size, vcs, ports = tables.buffer, tables.vcs, tables.peer.shape[1]
    while twin.inside:
        twin.advance(twin.next_event_cycle() + 1)
        flying = [(router, channel) for moving in twin._flits_at.values() for router, channel, _ in moving]
        returning = [one for coming_back in twin._credits_at.values() for one in coming_back]
        for link in np.flatnonzero(tables.peer.ravel() >= 0):
            (before, out), (after, entry) = divmod(int(link), ports), divmod(int(tables.peer.flat[link]), ports)
            for vc in range(vcs):
                left = twin._routers[before].outputs[out * vcs + vc].credits
                there = len(twin._routers[after].inputs[entry * vcs + vc].flits)
                coming = flying.count((after, entry * vcs + vc))
                assert 0 <= left <= size
                assert 0 <= there <= size
                assert left + there + coming + returning.count((before, out * vcs + vc)) == size


@pytest.mark.parametrize("pipeline", ["fast", "default"])
@pytest.mark.parametrize("fabric", [mesh(4, 4), mesh(2, 3, tiles_per_router=4)], ids=["mesh", "concentrated"])
def test_nobody_overtakes_on_one_virtual_channel(fabric, pipeline, implementation):
    """Packets from one endpoint to one other leave in the order in which they were created."""
    rng = np.random.default_rng(5)
    network = FlitNetwork(fabric, Router(1, 3, pipeline))
    src, dst = rng.integers(fabric.endpoints, size=(2, 600)) % 5
    network.offer_many(np.arange(600) // 4, src, dst, rng.integers(1, 9, 600))
    network.drain()
    tails = network.packets().tail_eject
    for pair in {*zip(src.tolist(), dst.tolist(), strict=True)}:
        mine = tails[(src == pair[0]) & (dst == pair[1])]
        assert (np.diff(mine) > 0).all()


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("buffer", [1, 8])
@pytest.mark.parametrize("pipeline", ["fast", "default"])
@pytest.mark.parametrize("name", FABRICS)
def test_no_topology_locks_up_under_adversarial_traffic(name, pipeline, buffer):
    """Long packets, the least buffers, everybody to everybody at each distance: links are held while others are waited
    for, and on a torus the links of a row close a ring.
    """
    fabric = FABRICS[name]
    fabric.check_routes()
    for shift in range(1, fabric.endpoints):
        network = FlitNetwork(fabric, Router(2, buffer, pipeline))
        assert len(flood(network, flits=20, rounds=3, shift=shift).ids) == 3 * fabric.endpoints


def test_a_ring_without_classes_does_lock_up(implementation):
    """What the test above rules out: each of four packets holds a link of the ring and waits for the next one."""
    fabric = replace(ring(4), classes=False, route=np.full((1, 4, 4), EAST, np.uint8))
    with pytest.raises(ConfigError, match=r"can deadlock: router\[0\].link\[1\] -> "):
        fabric.check_routes()
    with pytest.raises(DeadlockError, match="blocked: packet 0 from 0 to 2"):
        flood(FlitNetwork(fabric, Router(1, 1)), flits=20, rounds=1, shift=2)


@pytest.mark.usefixtures("compiled")
def test_two_runs_are_the_same_and_ties_move_no_mean():
    """Where arbiters begin their rounds is chance: it moves packets, but mean latency by less than 1 %."""
    offer = Offer(PATTERNS["uniform"](Layout(8, 8)), 4, 3, Window(1000, 6000))
    fabric = mesh(8, 8)
    first, again = (measure(FlitNetwork(fabric), offer, 0.25) for _ in range(2))
    assert first == again
    for tie_seed in range(3):
        shuffled = measure(FlitNetwork(fabric, tie_seed=tie_seed), offer, 0.25)
        assert shuffled.mean_latency == pytest.approx(first.mean_latency, rel=0.01)
        assert shuffled != first


@pytest.mark.parametrize("kind", [FlitNetwork, PacketNetwork])
@pytest.mark.parametrize("seed", range(8))
def test_no_burst_is_shorter_than_its_busiest_link(kind, seed):
    drawn = draw(seed)
    network = kind(drawn.fabric, drawn.router)
    src, dst, flits = drawn.packets[1:]
    network.offer_many(np.zeros(len(src), int), src, dst, flits)
    last = network.drain().cycles.max()
    assert last >= network.links().busy.max()
    if drawn.fabric.ways == 1:
        assert network.links().busy.max() == busiest_link(drawn.fabric, src, dst, flits).load


def test_more_room_never_makes_a_lone_stream_slower(implementation):
    """A packet of 32 over 3 links: B of 5 cycles for the first B < 5 flits, none waits with 5 (the credit loop)."""
    tails = []
    for buffer in (1, 2, 3, 4, 5, 8):
        network = FlitNetwork(mesh(4, 1), Router(1, buffer))
        network.offer(0, 0, 3, 32)
        network.drain()
        tails.append(int(network.packets().tail_eject[0]))
    assert tails == [14 + 5 * (31 // b) + 31 % b for b in (1, 2, 3, 4)] + [45, 45]


def test_waits_show_where_they_arose(implementation):
    """hol_v1 of the recorded cases: X holds router 2's +x in 2 to 17; Y waits for it; Z for node 2 stands behind Y.

    X: 0:2>3:16, Y: 0:1>3:4, Z: 1:1>2:1 on a row of four, one virtual channel. Y's head could go from router 2 in cycle
    5 and goes in 18, its other three right behind. Z is at the front in 22, and came after Y's 4 flits, in cycle 9.
    Before that it stood behind Y at their source, from 1 to 4.
    """
    network = FlitNetwork(mesh(4, 1), Router(1, 8))
    for packet in ((0, 2, 3, 16), (0, 1, 3, 4), (1, 1, 2, 1)):
        network.offer(*packet)
    network.drain()
    links = network.links()
    assert links.link_wait[2].tolist() == [18 - 5, 0, 0, 0, 0]
    assert links.head_wait.tolist() == [0, 0, 22 - 9, 0]
    assert astuple(network.packets())[7].tolist() == [0, 13, 13 + 3]
