"""Are times that 64 bits do not hold refused, and by what name?"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from aimcsim.engine import Packets, Question, Stage, engine_for, span_of
from aimcsim.engine.carrier import Carrier
from aimcsim.engine.horizon import LATEST_PS, check_horizon, packet_cycles
from aimcsim.errors import ConfigError
from aimcsim.network import FlitNetwork, Router, mesh, zero_load_latency
from aimcsim.units import ClockDomain
from tests.engine.builders import ARRAY, Bench, stage


def one_stage(work_ps: int, *, vectors: int = 4, requests: int = 2) -> Bench:
    """Build a source that takes no time, and a stage without a clock that works on every vector of it."""
    bench = Bench(requests=requests)
    load = bench.source(vectors)
    layer = bench.stream("layer", vectors, [stage("work", work_ps, bench.server("unit"))])
    bench.join(load, layer)
    return bench


def test_what_fits_is_let_through_and_one_picosecond_more_is_not() -> None:
    """8 vectors one after another: 8 x work must stay below 2^62 ps, so at most 2^59 - 1 ps each."""
    check_horizon(one_stage((LATEST_PS >> 3) - 1).system)
    with pytest.raises(ConfigError, match="most of it is stage `work` of layer"):
        check_horizon(one_stage(LATEST_PS >> 3).system)


def test_the_largest_contributor_is_named_with_its_server_and_how_often() -> None:
    bench = one_stage(10**27)
    bench.stream("other", 4, [stage("rest", 10**20, bench.server("bench"))])
    with pytest.raises(ConfigError) as refused:
        check_horizon(bench.system)
    assert "stage `work` of layer (unit), 8 times" in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_cycle_for_the_way_to_a_clock_edge_counts() -> None:
    """A start waits up to 100 ns for its edge: 8 x (2^59 - 100 000 + 100 000) is 2^62; without the wait it is less."""
    work_ps = (LATEST_PS >> 3) - 100_000
    check_horizon(one_stage(work_ps).system)
    bench = Bench(requests=2)
    bench.stream("layer", 4, [stage("work", work_ps, bench.server("unit", ARRAY))])
    with pytest.raises(ConfigError, match="counted up to"):
        check_horizon(bench.system)


def test_a_release_too_late_is_named() -> None:
    bench = one_stage(5)
    bench.system.release_ps = (0, LATEST_PS)
    with pytest.raises(ConfigError, match="the last request is released"):
        check_horizon(bench.system)


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_both_engines_refuse(engine: str) -> None:
    """Before, the fast one took the sum for a negative time and reported a deadlock that there is not."""
    bench = one_stage(1 << 60)
    question = Question((1, 1), (0,), (1,), ())
    with pytest.raises(ConfigError, match="times are counted"):
        engine_for(bench.system, engine, question)  # type: ignore[arg-type]


CYCLE_PS = 1 << 10


def network_bench(packets: int, router: Router, flits: int) -> Bench:
    """Build a source whose vectors go as packets from corner to corner of a 3 x 3 mesh, a cycle being 1024 ps."""
    clock = ClockDomain("network", Fraction(10**12, CYCLE_PS))
    bench = Bench(begin=0)
    bench.system.carrier = Carrier(clock, mesh(3, 3), router)
    cycle = span_of(1, clock, in_cycles=True)
    sent = Stage("route", 1, cycle, cycle, transfer=True, packets=Packets(0, 8, flits))
    bench.join(bench.source(packets), bench.stream("send", packets, [sent], kind="send"))
    return bench


def test_packets_may_take_what_all_their_flits_take_at_every_router() -> None:
    """A fast router has a flit for 2 cycles, 2 to the link, 3 to an endpoint, links of 1 + 1 there and back that take
    one flit a cycle, a credit 2: 12 cycles a hop, of 9 routers and the interface; 16 flits make 1920. The stage itself
    has its cycle and one for the edge: 1922 cycles of 2^10 ps a packet.
    """
    bench = network_bench(7, Router(vcs=1), 16)
    most = LATEST_PS // (1922 << 10)
    check_horizon(bench.system)
    for stream in bench.system.streams:
        stream.vectors = most
    check_horizon(bench.system)
    bench.system.streams[-1].vectors = most + 1
    with pytest.raises(ConfigError, match=r"most of it is stage `route` of send, \d+ times up to 1\.97 us"):
        check_horizon(bench.system)


@pytest.mark.parametrize("seed", range(12))
def test_no_network_takes_longer_than_that(seed: int) -> None:
    """Random packets through narrow buffers and long links, which take much longer than each would alone."""
    draw = np.random.default_rng(seed)
    fabric = mesh(4, 3, link_cycles=int(draw.integers(1, 9)))
    router = Router(vcs=int(draw.integers(1, 3)), buffer=int(draw.integers(1, 3)))
    network = FlitNetwork(fabric, router)
    source, target = draw.integers(12, size=(2, 60))
    flits = draw.integers(1, 30, size=60)
    for one in zip(source, target, flits, strict=True):
        network.offer(0, *map(int, one))
    network.drain()

    carrier = Carrier(ARRAY, fabric, router)
    most = sum(
        packet_cycles(carrier, Packets(int(a), int(b), int(c))) for a, b, c in zip(source, target, flits, strict=True)
    )
    assert int(network.packets().tail_eject.max()) <= most


def test_a_packet_may_take_longer_than_in_an_empty_network_with_room() -> None:
    """Which is why its unloaded latency is no bound: with one place a buffer, a flit waits for the credit of the last.

    Of 100 flits over one link of 8 cycles, each is let go some 2 + 8 + 1 + 2 cycles behind the last.
    """
    fabric, router = mesh(2, 1, link_cycles=8), Router(vcs=1, buffer=1)
    network = FlitNetwork(fabric, router)
    network.offer(0, 0, 1, 100)
    network.drain()
    assert int(network.packets().tail_eject.max()) > 5 * int(zero_load_latency(fabric, router, 0, 1, 100))
