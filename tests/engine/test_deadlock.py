"""Who can get stuck, how is that told, and is the least space really the least?"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import count, product
from typing import Any

import pytest
from simpy.events import Event

from aimcsim.engine import BytePool, Edge, ReferenceEngine, Server, Stream, span_of
from aimcsim.errors import DeadlockError
from tests.engine.builders import Bench, convolution, convolved, one_to_one, stage, whole, window

Make = Callable[[], Bench]


def two_paths(bench: Bench, *, slow_ps: int = 50) -> tuple[Edge, Edge]:
    """Build a sum of two inputs that lie in one buffer, one of which comes much later than the other."""
    quick, slow = bench.source(3, 10, name="quick"), bench.source(3, slow_ps, name="slow")
    made = [
        bench.stream(f"{load.name} layer", 3, [stage("work", 5, bench.server(f"{load.name} unit"))])
        for load in (quick, slow)
    ]
    for load, layer in zip((quick, slow), made, strict=True):
        bench.join(load, layer)
    total = bench.stream("sum", 3, [stage("add", 5, bench.server("adder"))], kind="vector")
    first, second = (bench.join(layer, total, place="tile.buffer") for layer in made)
    return first, second


def pooled(bench: Bench, edges: Sequence[Edge], size_bytes: int) -> BytePool:
    """Have edges share the bytes of one buffer, without quotas."""
    pool = BytePool("tile.buffer", size_bytes, edges=list(edges))
    for edge in edges:
        edge.pool = pool
    return pool


def test_a_pool_without_quotas_deadlocks_and_the_cycle_is_told() -> None:
    """Two bytes, two inputs of one byte: the quick one fills both before the slow one asks.

    Then the sum waits for the slow layer's vector 0, and the slow layer for bytes that lie there for the sum.
    """
    bench = Bench()
    pooled(bench, two_paths(bench), 2)
    with pytest.raises(DeadlockError) as caught:
        ReferenceEngine(bench.system).run()
    cycle = caught.value.cycle
    assert len(cycle) == 2
    assert any("slow layer waits for 1 bytes of tile.buffer, of which sum keeps 2" in step for step in cycle)
    assert any("sum waits for vector 0 of slow layer" in step for step in cycle)
    assert any(line.startswith("quick layer waits for") for line in caught.value.blocked)


def test_the_same_bytes_as_quotas_complete() -> None:
    """One byte for each input: the quick layer waits for room, the slow one finds its own."""
    bench = Bench()
    for edge in two_paths(bench):
        edge.capacity = 1
    bench.run()
    assert bench.least()[2:] == [1, 1]


@pytest.mark.parametrize("shuffle_seed", [None, 1, 2, 3])
def test_a_pool_that_is_large_enough_completes(shuffle_seed: int | None) -> None:
    """Four bytes hold all three quick vectors and a slow one; the bytes all come back. Ends as with quotas of three:
    the slow inputs are there at 50, 100 and 150, pass 5 of work and 5 of addition.
    """
    bench = Bench(shuffle_seed=shuffle_seed)
    pool = pooled(bench, two_paths(bench), 4)
    ReferenceEngine(bench.system).run()
    assert bench.system.streams[-1].end_ps == [60, 110, 160]
    assert pool.used_bytes == 0


def test_a_vector_has_all_its_bytes_or_none() -> None:
    """A producer for two pools, of which one is full, takes nothing of the other meanwhile.

    `busy` fills the first pool at 0 and is fetched at 100. The producer's one vector then has room in both.
    """
    bench = Bench()
    busy = bench.stream("busy", 1, [stage("bring", 10, bench.server("link"))], kind="load", source=True)
    reader = bench.stream("reader", 1, [stage("fetch", 90, bench.server("port"))])
    load = bench.source(1, 20)
    producer = bench.stream("producer", 1, [stage("work", 5, bench.server("unit"))])
    consumers = [
        bench.stream(f"consumer[{index}]", 1, [stage("fetch", 1, bench.server(f"own[{index}]"))]) for index in (0, 1)
    ]
    held = bench.join(busy, reader)
    bench.join(load, producer)
    outputs = [bench.join(producer, consumer) for consumer in consumers]
    pooled(bench, [held, outputs[0]], 1)
    pooled(bench, [outputs[1]], 1)
    ReferenceEngine(bench.system).run()
    assert producer.issue_ps == [100]
    assert outputs[1].occupancy.integral == 6, "the second pool was touched only then"


@pytest.mark.parametrize(("size_bytes", "issues"), [(3, [100, 100]), (2, [100, 106])])
def test_who_waits_for_bytes_keeps_later_ones_off_the_pool(size_bytes: int, issues: list[int]) -> None:
    """Two bytes are taken over 0..100; one vector of two asks for them at 20, one of a single byte at 30.

    Of three bytes one is free at 30, but the vector of two comes first: at 100 both have theirs. Of two bytes, it has
    all from 100 on, is made in 5 and fetched in 1.
    """
    bench = Bench()
    busy = bench.stream("busy", 1, [stage("bring", 10, bench.server("link"))], kind="load", source=True)
    reader = bench.stream("reader", 1, [stage("fetch", 90, bench.server("port"))])
    shared = [bench.join(busy, reader, vector_bytes=2)]
    producers = []
    for asked, vector_bytes in ((20, 2), (30, 1)):
        load = bench.source(1, asked, name=f"load[{asked}]")
        producers.append(bench.stream(f"from {asked}", 1, [stage("work", 5, bench.server(f"unit[{asked}]"))]))
        consumer = bench.stream(f"to {asked}", 1, [stage("fetch", 1, bench.server(f"port[{asked}]"))])
        bench.join(load, producers[-1])
        shared.append(bench.join(producers[-1], consumer, vector_bytes=vector_bytes))
    pooled(bench, shared, size_bytes)
    ReferenceEngine(bench.system).run()
    assert [producer.issue_ps[0] for producer in producers] == issues


def test_a_stage_that_waits_for_a_slot_while_it_keeps_what_would_free_one_is_told() -> None:
    """Reads and conversions on one array: read 1 keeps the array until value 0 is converted, on that same array."""
    bench = Bench()
    array = bench.server("array")
    samples = bench.slots("sample_hold", "sample_hold", 1)
    load = bench.source(1)
    table = [
        stage("read", 10, array, times=2, captures=samples),
        stage("convert", 5, array, times=2, releases=[(samples, 2)]),
    ]
    layer = bench.stream("layer", 1, table)
    bench.join(load, layer)
    # Whether read 1 or conversion 0 is first: both ask at 10, and read 1 asked earlier, at 0.
    with pytest.raises(DeadlockError, match=r"layer waits for a slot of sample_hold") as caught:
        ReferenceEngine(bench.system).run()
    assert len(caught.value.cycle) == 1


def test_fewer_slots_than_are_given_back_together_are_told() -> None:
    """One conversion empties the slots of two reads, but there is only one: the second read waits for ever."""
    bench = Bench()
    samples = bench.slots("sample_hold", "sample_hold", 1)
    load = bench.source(1)
    table = [
        stage("read", 10, bench.server("crossbar"), times=2, captures=samples),
        stage("convert", 5, bench.server("adc"), releases=[(samples, 2)]),
    ]
    bench.join(load, bench.stream("layer", 1, table))
    with pytest.raises(DeadlockError, match=r"layer waits for a slot of sample_hold"):
        ReferenceEngine(bench.system).run()


def visiting(
    bench: Bench,
    server: Server,
    *,
    turns: Iterable[int],
    away_ps: int,
    open_end: bool,
    servers: Sequence[Server] | None = None,
) -> Stream:
    """Add a component of the user's own that comes back to a server again and again, for 30 each time."""
    guest, env = bench.system.add_guest("guest", servers=servers), bench.system.env

    def visit() -> Generator[Event, Any, None]:
        for turn in turns:
            yield env.timeout(away_ps)
            yield server.request(int(env.now), guest.index, 0, turn, 0, None if open_end else span_of(30))
            yield env.timeout(30)
            if open_end:
                server.release(int(env.now))

    env.process(visit())
    return guest


def test_a_component_that_never_rests_does_not_hide_a_deadlock() -> None:
    """It comes back for ever, but nobody else moves."""
    bench = Bench()
    pooled(bench, two_paths(bench), 2)
    visiting(bench, bench.server("elsewhere"), turns=count(), away_ps=70, open_end=False)
    with pytest.raises(DeadlockError, match=r"slow layer waits for 1 bytes of tile\.buffer"):
        ReferenceEngine(bench.system).run()


@pytest.mark.parametrize("open_end", [True, False])
def test_waiting_for_a_component_of_ones_own_is_no_deadlock(open_end: bool) -> None:
    """It has the unit over 5..35 and the input is there at 10, so that the work takes 35..45."""
    bench = Bench()
    unit = bench.server("unit")
    load = bench.source(1, 10)
    layer = bench.stream("layer", 1, [stage("work", 10, unit, cause="vector_busy")])
    bench.join(load, layer)
    visiting(bench, unit, turns=range(1), away_ps=5, open_end=open_end)
    shares = bench.run()
    assert layer.end_ps == [45]
    assert shares.total(layer, "service") == 10


def chain() -> Bench:
    """Two convolutions over a row of 6, then everything."""
    bench = Bench()
    streams, plane = [bench.source(6)], (1, 6)
    for index, (kernel, stride) in enumerate(((1, 1), (1, 2))):
        how = convolution(plane, kernel, stride)
        plane = convolved(plane, kernel, stride)
        streams.append(
            bench.stream(f"layer[{index}]", plane[1], [stage("work", 7 + index, bench.server(f"unit[{index}]"))])
        )
        bench.join(streams[-2], streams[-1], how)
    streams.append(bench.stream("last", 1, [stage("work", 9, bench.server("unit[2]"))]))
    bench.join(streams[-2], streams[-1], whole(plane[1]))
    return bench


def windows() -> Bench:
    """A 3 x 3 convolution with padding over 3 x 3, then 2 x 2 over its result."""
    bench = Bench(requests=2)
    load = bench.source(9, 4)
    first = bench.stream("first", 9, [stage("work", 7, bench.server("unit[0]"))])
    second = bench.stream("second", 4, [stage("work", 3, bench.server("unit[1]"))])
    bench.join(load, first, convolution((3, 3), 3, pad=1))
    bench.join(first, second, convolution((3, 3), 2))
    return bench


def skip() -> Bench:
    """A residual block: a padded convolution over 2 x 3 beside a skip, and their sum."""
    bench = Bench(requests=2)
    load = bench.source(6, 3)
    stem = bench.stream("stem", 6, [stage("work", 2, bench.server("unit[0]"))])
    conv = bench.stream("conv", 6, [stage("work", 11, bench.server("unit[1]"))])
    total = bench.stream("sum", 6, [stage("add", 1, bench.server("unit[2]"))], kind="vector")
    bench.join(load, stem)
    bench.join(stem, conv, convolution((2, 3), 3, pad=1))
    bench.join(stem, total)
    bench.join(conv, total)
    return bench


def strided_join() -> Bench:
    """Two ways from 1 x 5 to 1 x 3, one of which looks ahead; both strided, so that some vectors nobody needs."""
    bench = Bench()
    load = bench.source(5)
    ahead = bench.stream("ahead", 3, [stage("work", 5, bench.server("unit[0]"))])
    total = bench.stream("sum", 3, [stage("add", 2, bench.server("unit[1]"))], kind="vector")
    bench.join(load, ahead, convolution((1, 5), 1, stride=2))
    bench.join(load, total, convolution((1, 5), 1, stride=2))
    bench.join(ahead, total, one_to_one(3))
    return bench


def two_sources() -> Bench:
    """One source looked at one vector at a time, another three at a time: either may be ahead of the other."""
    bench = Bench()
    one, three = bench.source(2, name="one"), bench.source(4, 30, name="three")
    total = bench.stream("sum", 2, [stage("add", 2, bench.server("unit"))], kind="vector")
    bench.join(one, total)
    bench.join(three, total, window([range(3), range(1, 4)], 4))
    return bench


def plays(bench: Bench, capacities: Sequence[int]) -> bool:
    """Whether all vectors of one request can be taken up, by trying every stream in turn until none can.

    A vector is taken up when its inputs were and every destination has room; its inputs are then used at once.
    """
    streams = bench.system.streams
    fired = [0] * len(streams)

    def room(edge: Edge) -> bool:
        taken = fired[edge.target]
        gone = min(edge.keeps[taken - 1] if taken else 0, fired[edge.source])
        return fired[edge.source] - gone < capacities[edge.index]

    moved = True
    while moved:
        moved = False
        for stream in streams:
            while (
                fired[stream.index] < stream.vectors
                and all(fired[edge.source] > edge.needs[fired[stream.index]] for edge in stream.inputs)
                and all(room(edge) for edge in stream.outputs)
            ):
                fired[stream.index] += 1
                moved = True
    return all(fired[stream.index] == stream.vectors for stream in streams)


def runs(make: Make, capacities: Sequence[int]) -> bool:
    """Whether the engine completes all requests."""
    bench = make()
    for edge, capacity in zip(bench.system.edges, capacities, strict=True):
        edge.capacity = capacity
    try:
        ReferenceEngine(bench.system).run()
    except DeadlockError:
        return False
    return True


@pytest.mark.parametrize(
    ("make", "tried"),
    [
        (chain, [range(4), range(4), range(5)]),
        (windows, [range(3, 10), range(3, 8)]),
        (skip, [range(2), range(3, 7), range(3, 8), range(2)]),
        (strided_join, [range(4), range(5), range(4)]),
        (two_sources, [range(4), range(6)]),
    ],
)
def test_the_least_space_is_that_of_brute_force(make: Make, tried: Sequence[range]) -> None:
    """Of all capacities, the engine completes with just those with which the play without time does.

    The least is among them, and no other of them is nowhere more than it: one vector less on any edge, and it is none.
    """
    least = make().least()
    feasible = set()
    for capacities in product(*tried):
        completes = plays(make(), capacities)
        assert runs(make, capacities) == completes, f"{capacities}"
        if completes:
            feasible.add(capacities)
    assert tuple(least) in feasible
    below = [
        one for one in feasible if all(mine <= room for mine, room in zip(one, least, strict=True) if room is not None)
    ]
    assert below == [tuple(least)]
    assert all(room in values for room, values in zip(least, tried, strict=True))


def test_along_a_chain_the_least_is_what_its_windows_span() -> None:
    """max(needs(j) - keeps(j - 1) + 1): one for 1 x 1 at any stride, all that is left of a row for everything."""
    assert chain().least() == [1, 1, 3]


def test_a_skip_keeps_what_the_convolution_beside_it_looks_ahead() -> None:
    """The padded 3 x 3 over 2 x 3 needs source vector 4 for its vector 0: rows 0 and 1, columns 0 and 1.

    Its own edge spans all that vectors 0..4 keep. The sum's vector 0 waits for the convolution's, so that the skip too
    must hold vectors 0..4 until then: five.
    """
    least = skip().least()
    assert least[2] == 5
