"""A network of routers or circuits in a run: how long do packets take, what for, and can they lock each other up?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from aimcsim.engine import CompiledEngine, FastEngine, Packets, ReferenceEngine, SlotPool, Stage, Stream, span_of
from aimcsim.engine.carrier import Carrier
from aimcsim.errors import DeadlockError
from aimcsim.network import Circuit, Fabric, Router, bus, crossbar, mesh, ring, torus
from aimcsim.units import ClockDomain
from tests.checker_shares import check_all
from tests.engine.builders import Bench, stage
from tests.engine.test_fast import everything

CLOCK = ClockDomain("network", Fraction(10**9))
"""1 GHz: a cycle is 1000 ps."""


def bench_with(fabric: Fabric, router: Router | Circuit) -> Bench:
    """Return a bench with a network."""
    bench = Bench(begin=0)
    bench.system.carrier = Carrier(CLOCK, fabric, router)
    return bench


def sending(packets: Packets, slots: SlotPool | None = None) -> Stage:
    """Return a stage that sends, keeping a packet slot until the packet has left."""
    cycle = span_of(1, CLOCK, in_cycles=True)
    freed = () if slots is None else ((slots, 1),)
    return Stage("network", 1, cycle, cycle, None, "link_busy", slots, releases=freed, transfer=True, packets=packets)


def send(bench: Bench, source: Stream, packets: Packets) -> Stream:
    """Add a stream that sends what another one makes."""
    stream = bench.stream(f"send{len(bench.system.streams)}", source.vectors, [sending(packets)], kind="send")
    bench.join(source, stream)
    return stream


def test_a_lone_packet_takes_what_the_formula_says_from_the_next_edge_of_the_clock():
    """Two routers, 4 flits: 3 + (1 + 1) * 2 + 1 * 1 + 4 - 1 = 11 cycles. Ready at 10.5 ns, it is handed over at 11."""
    bench = bench_with(mesh(2, 1), Router(vcs=1))
    packet = send(bench, bench.source(1, 10_500), Packets(0, 1, 4))

    shares = bench.run()

    assert packet.end_ps == [22_000]
    assert shares.story(packet, 0) == [("dependency", 10_500), ("service", 500), ("transfer", 11_000)]


def test_a_packet_behind_another_at_its_interface_waits_for_its_flits():
    """Both there at 0; the interface sends one flit a cycle, so the second packet follows 4 cycles behind the first."""
    bench = bench_with(mesh(2, 1), Router(vcs=1))
    packets = [send(bench, bench.source(1, name=name), Packets(0, 1, 4)) for name in ("a", "b")]

    shares = bench.run()

    assert [one.end_ps for one in packets] == [[11_000], [15_000]]
    assert shares.story(packets[1], 0) == [("link_busy", 4_000), ("transfer", 11_000)]
    assert shares.waits(packets[1], 0) == [("link_busy", "network", -1, -1, 4_000)]


def test_a_share_that_begins_in_the_middle_of_a_packet_has_its_end():
    """The same as one stream: its second share begins at 11 ns, when the packet's 4 ns of waiting are over."""
    bench = bench_with(mesh(2, 1), Router(vcs=1))
    packet = send(bench, bench.source(2), Packets(0, 1, 4))

    shares = bench.run()

    assert packet.end_ps == [11_000, 15_000]
    assert shares.story(packet, 1) == [("transfer", 4_000)]


def test_little_room_in_buffers_shows_as_waiting_for_credits():
    """The first router grants a flit at cycle g. The second one has it and grants it at g + 3, two cycles of a router
    and one of the link later, and its credit is back at g + 5, a cycle of the router and one of the link after that.
    With room for one flit the first router's next grant is then and not at g + 1 (the interface has its own credit at
    g + 2 and the next flit at the router at g + 4, so it is not what counts): 3 flits behind the head, each 4 late.
    """
    bench = bench_with(mesh(2, 1), Router(vcs=1, buffer=1))
    packet = send(bench, bench.source(1), Packets(0, 1, 4))

    assert bench.run().story(packet, 0) == [("credit", 12_000), ("transfer", 11_000)]


def test_packets_on_a_bus_go_one_after_the_other_and_the_second_waits_for_the_link():
    """Arbitration 1, link 1, three flits behind the head: 5 cycles each. Both ready at 10.5 ns, they ask at 11 ns."""
    bench = bench_with(bus(3), Circuit())
    packets = [send(bench, bench.source(1, 10_500, name=name), Packets(0, 2, 4)) for name in ("a", "b")]
    packets[1].stages[0].packets = Packets(1, 2, 4)

    shares = bench.run()

    assert [one.end_ps for one in packets] == [[16_000], [21_000]]
    assert shares.story(packets[1], 0)[1:] == [("service", 500), ("link_busy", 5_000), ("transfer", 5_000)]
    assert shares.waits(packets[1], 0)[-1] == ("link_busy", "network", -1, -1, 5_000)


def test_of_two_circuits_that_share_a_link_the_second_waits_for_the_whole_first():
    """On 3x1: 0 to 2 takes 1 + (2 + 2) + 3 + 3 = 11 cycles; 1 to 2 shares a link with it and takes 1 + 3 + 5 = 9."""
    bench = bench_with(mesh(3, 1), Circuit())
    first = send(bench, bench.source(1, name="a"), Packets(0, 2, 4))
    second = send(bench, bench.source(1, name="b"), Packets(1, 2, 4))

    shares = bench.run()

    assert (first.end_ps, second.end_ps) == ([11_000], [20_000])
    assert shares.story(second, 0) == [("link_busy", 11_000), ("transfer", 9_000)]


def test_a_packet_that_overtakes_waits_for_those_sent_before_it():
    """Two streams of one-flit packets for one tile. On two virtual channels some pass others of their own stream: they
    have left earlier than what was sent before them, and are done together with it. Engines and checker agree on that.
    """
    systems = []
    for _ in range(3):
        bench = bench_with(mesh(2, 1), Router(vcs=2, buffer=1))
        for source in range(2):
            send(bench, bench.source(6, name=f"load{source}"), Packets(source, 1, 1))
        systems.append(bench.system)
    ReferenceEngine(systems[0]).run()
    FastEngine(systems[1]).run()
    CompiledEngine(systems[2], keep=True).run()

    logs = [stream.log[0] for stream in systems[0].streams if stream.kind == "send"]
    left = [[passage.left_ps for passage in log.passages] for log in logs]
    assert any(times != sorted(times) for times in left)
    assert all(log.done_ps == [max(times[: i + 1]) for i in range(6)] for log, times in zip(logs, left, strict=True))
    check_all(systems[0])
    assert everything(systems[1]) == everything(systems[0])
    assert everything(systems[2]) == everything(systems[0])


def all_to_all(
    fabric: Fabric, router: Router | Circuit, tiles: int, flits: int, *, layers: int = 3, vectors: int = 4
) -> Bench:
    """Return layers after one another, each on every tile and fed by all tiles, with room for one vector everywhere."""
    bench = bench_with(fabric, router)
    slots = [bench.slots(f"tile{tile}.packet_slot", "credit", 2, shared=True) for tile in range(tiles)]
    made = [bench.source(vectors, name=f"load{tile}") for tile in range(tiles)]
    for layer in range(layers):
        feeds = [
            [
                _to(bench, made[source], slots[source], Packets(source, target, flits))
                if source != target
                else made[source]
                for source in range(tiles)
            ]
            for target in range(tiles)
        ]
        made = []
        for target in range(tiles):
            work = stage("work", 1, bench.server(f"unit{layer}.{target}", CLOCK), cause="vector_busy")
            made.append(bench.stream(f"layer{layer}.{target}", vectors, [work]))
            for feed in feeds[target]:
                bench.join(feed, made[-1], capacity=1)
    return bench


def _to(bench: Bench, source: Stream, slots: SlotPool, packets: Packets) -> Stream:
    """Add a stream from one tile to another; it reserves its place there before it takes a packet slot."""
    name = f"send{packets.source}to{packets.target}from{source.name}"
    stream = bench.stream(name, source.vectors, [sending(packets, slots)], kind="send")
    bench.join(source, stream, capacity=1)
    return stream


NETWORKS: dict[str, Callable[[], tuple[Fabric, Router | Circuit, int]]] = {
    "mesh": lambda: (mesh(3, 2), Router(vcs=1, buffer=1), 6),
    "concentrated mesh": lambda: (mesh(2, 2, tiles_per_router=2), Router(vcs=1, buffer=1, pipeline="default"), 8),
    "torus": lambda: (torus(3, 3), Router(vcs=2, buffer=1), 9),
    "ring": lambda: (ring(8), Router(vcs=2, buffer=1), 8),
    "bus": lambda: (bus(6), Circuit(), 6),
    "crossbar": lambda: (crossbar(6), Circuit(), 6),
    "circuits over a mesh": lambda: (mesh(3, 2), Circuit(), 6),
    "circuits around a ring": lambda: (ring(8), Circuit(), 8),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_locks_up_where_space_is_reserved_first(name: str):
    """All to all through several layers, the least buffers there can be, long packets, room for one vector."""
    fabric, router, tiles = NETWORKS[name]()
    made = [all_to_all(fabric, router, tiles, flits=9).system for _ in range(3)]

    ReferenceEngine(made[0]).run()
    FastEngine(made[1]).run()
    CompiledEngine(made[2], keep=True).run()

    check_all(made[0])
    assert everything(made[1]) == everything(made[0])
    assert everything(made[2]) == everything(made[0])


@pytest.mark.parametrize("engine", [ReferenceEngine, FastEngine, CompiledEngine])
def test_the_same_traffic_on_a_ring_without_classes_does_lock_up_and_is_reported(engine):
    """What the test above would see if routes could wait for each other in a circle."""
    without = replace(ring(8), classes=False)

    with pytest.raises(DeadlockError, match="waits for its packets in the network"):
        engine(all_to_all(without, Router(vcs=1, buffer=1), 8, flits=9).system).run()
