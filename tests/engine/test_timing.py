"""When does what happen? Known pipelines, gates at t - 1 and t, closed forms, and clocks that do not drift."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim.engine import Stage, Stream
from aimcsim.units import ClockDomain
from tests.engine.builders import ARRAY, FAST, ODD, Bench, Shares, bit_serial, stage, whole

NS = 1000


def run_alone(
    bench: Bench, vectors: int, table: list[Stage], *, every_ps: int | list[int] = 0
) -> tuple[Stream, Shares]:
    """Run one layer, whose inputs come `every_ps` after one another."""
    load = bench.source(vectors, every_ps)
    layer = bench.stream("layer", vectors, table)
    bench.join(load, layer)
    return layer, bench.run()


def test_an_isaac_unit_writes_its_first_result_after_2200_ns_and_one_every_1600_ns() -> None:
    """22 cycles of 100 ns: fetch, 16 reads, the last one's conversion, shift and add, output register, sigmoid, write.

    The crossbar is read 16 times a vector and sets the pace. Two registers let vector 1 be fetched at 100 ns already,
    while vector 0 is read; the later ones wait for the end of a vector's reads, 1600 ns apart from 1700 ns on.
    """
    bench = Bench()
    layer, _ = run_alone(bench, 4, bit_serial(bench))
    assert layer.log[0].start_ps == [0, 100 * NS, 1700 * NS, 3300 * NS]
    assert layer.end_ps == [2200 * NS, 3800 * NS, 5400 * NS, 7000 * NS]


def test_an_isaac_unit_with_one_register_fetches_between_the_vectors() -> None:
    """Fetch and 16 reads then follow one another: a vector every 1700 ns."""
    bench = Bench()
    layer, _ = run_alone(bench, 3, bit_serial(bench, registers=1))
    assert layer.end_ps == [2200 * NS, 3900 * NS, 5600 * NS]


@pytest.mark.parametrize(("convert_ns", "every_ns"), [(1, 128), (127, 128), (128, 128), (129, 129), (200, 200)])
def test_a_pulse_of_128_ns_with_a_converter_per_column_is_given_every_128_ns(convert_ns: int, every_ns: int) -> None:
    """Pulse n is given from the capture of pulse n - 1 on, and captured once the conversion before has ended.

    So pulses follow one another every max(128, conversion) ns; a conversion of 129 ns delays the capture, not the pulse
    before.
    """
    clock = ClockDomain("core", Fraction(10**9))
    bench = Bench()
    samples = bench.slots("sample_hold", "sample_hold", 1)
    table = [
        stage("pulse", 128, bench.server("crossbar", clock), captures=samples),
        stage("convert", convert_ns, bench.server("converters", clock), releases=[(samples, 1)]),
    ]
    layer, _ = run_alone(bench, 5, table)
    ends = [(128 + convert_ns + n * every_ns) * NS for n in range(5)]
    assert layer.end_ps == ends
    captures = layer.log[0].done_ps
    assert layer.log[0].start_ps == [0, *captures[:-1]]
    assert np.diff(captures).tolist() == [every_ns * NS] * 4


@pytest.mark.parametrize(("asked", "waited"), [(99, 1), (100, 0), (101, 0)])
def test_a_server_opens_at_the_end_of_the_hold_before(asked: int, waited: int) -> None:
    """Held over 0..100 by another: who asks at 99 waits for 1, who asks at 100 has it at once."""
    bench = Bench()
    unit = bench.server("unit")
    early, late = bench.source(1, name="early"), bench.source(1, asked, name="late")
    first = bench.stream("first", 1, [stage("work", 100, unit, cause="vector_busy")])
    second = bench.stream("second", 1, [stage("work", 7, unit, cause="vector_busy")])
    bench.join(early, first)
    bench.join(late, second)
    shares = bench.run()
    assert second.end_ps == [asked + waited + 7]
    assert shares.total(second, "vector_busy") == waited


@pytest.mark.parametrize(("asked", "waited"), [(99, 1), (100, 0), (101, 0)])
@pytest.mark.parametrize("shared", [True, False])
def test_a_slot_is_free_at_its_return(asked: int, waited: int, shared: bool) -> None:
    """One slot, taken over 0..100: by another stream where the pool is shared, else by the stream's vector before."""
    bench = Bench()
    slots = bench.slots("slots", "input_register", 1, shared=shared)

    def table(name: str) -> list[Stage]:
        return [stage("keep", 100, bench.server(name), acquires=slots, releases=[(slots, 1)])]

    if shared:
        loads = [bench.source(1, time, name=f"load[{time}]") for time in (0, asked)]
        layers = [bench.stream(name, 1, table(name)) for name in ("first", "second")]
        for load, layer in zip(loads, layers, strict=True):
            bench.join(load, layer)
        shares = bench.run()
        assert shares.total(layers[1], "input_register") == waited
        assert layers[1].end_ps == [asked + waited + 100]
    else:
        load = bench.stream("load", 2, [stage("wait", [0, asked], bench.server("link"))], kind="load", source=True)
        layer = bench.stream("layer", 2, table("layer"))
        bench.join(load, layer)
        bench.run()
        assert layer.end_ps == [100, asked + waited + 100]


@pytest.mark.parametrize(("ready", "start"), [(0, 0), (1, 833), (832, 833), (833, 833), (834, 1666), (2500, 2500)])
def test_a_hold_starts_at_the_first_edge_of_the_clock(ready: int, start: int) -> None:
    """1.2 GHz has edges at 0, 833, 1666 and 2500 ps; the time until the edge is service."""
    bench = Bench()
    layer, shares = run_alone(bench, 1, [stage("work", 1, bench.server("unit", ODD))], every_ps=ready)
    assert layer.log[0].start_ps == [start]
    assert shares.total(layer, "service") == layer.end_ps[0] - ready


@pytest.mark.parametrize(("ready", "start"), [(0, 0), (1, 833), (833, 833), (834, 1666)])
def test_work_without_a_server_starts_at_an_edge_of_its_clock(ready: int, start: int) -> None:
    """A network that is never busy still moves data by its clock."""
    bench = Bench()
    layer, _ = run_alone(bench, 1, [stage("route", 1, clock=ODD)], every_ps=ready)
    assert layer.log[0].start_ps == [start]


@pytest.mark.parametrize(("ready", "start"), [(1, 1666), (833, 1666), (834, 2500)])
def test_entering_a_clock_costs_its_cycles_from_the_next_edge_on(ready: int, start: int) -> None:
    """One cycle of crossing into 1.2 GHz: from the first edge at or after the data are ready to the edge after."""
    bench = Bench()
    layer, _ = run_alone(bench, 1, [stage("work", 1, bench.server("unit", ODD), crossing=1)], every_ps=ready)
    assert layer.log[0].start_ps == [start]


@pytest.mark.parametrize("clock", [FAST, ODD, ARRAY])
def test_a_clock_does_not_drift(clock: ClockDomain) -> None:
    """After n cycles back to back it is n / f, rounded down once: 3000 cycles of 3 GHz are 1 us to the picosecond."""
    vectors = 3000
    bench = Bench()
    layer, _ = run_alone(bench, vectors, [stage("work", 1, bench.server("unit", clock))])
    exact = [Fraction(10**12) * n / clock.frequency_hz for n in range(1, vectors + 1)]
    assert layer.end_ps == [time.numerator // time.denominator for time in exact]


def test_edges_of_two_clocks_that_coincide_are_one_moment() -> None:
    """3 GHz and 1.2 GHz meet every 15 and 6 cycles, at 5000 ps: what is done there by one is taken up by the other."""
    bench = Bench()
    table = [stage("fast", 15, bench.server("fast", FAST)), stage("odd", 6, bench.server("odd", ODD))]
    layer, _ = run_alone(bench, 200, table)
    assert layer.end_ps == [5000 * (n + 2) for n in range(200)]


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=30),
    st.integers(1, 60),
    st.integers(1, 4),
    st.integers(1, 40),
    st.data(),
)
def test_private_servers_follow_the_closed_form(
    gaps: list[int], fetch: int, phases: int, read: int, data: st.DataObject
) -> None:
    """With servers of its own and conversions no longer than reads, a layer is a max-plus form of its arrivals.

    Let vector i be there at s_i, fetched for f, read for D = phases * read, converted for c <= read and finished for
    p <= D. The port serves in order: q_i = max(s_i, q_{i-1}) + f, that is q_i = max_{j<=i}(s_j - j f) + (i + 1) f. So
    does the crossbar: its reads start at x_i = max(q_i, x_{i-1} + D) = max_{j<=i}(q_j - j D) + i D. It is never
    held up, as the sample-and-hold is empty again c <= read after each capture. The end is x_i + D + c + p, as neither
    the converters nor what follows is asked for a second vector earlier than D after the first.
    """
    convert, finish = data.draw(st.integers(1, read)), data.draw(st.integers(1, phases * read))
    count, whole_read = len(gaps), phases * read
    bench = Bench()
    samples = bench.slots("sample_hold", "sample_hold", 1)
    table = [
        stage("fetch", fetch, bench.server("port")),
        stage("read", read, bench.server("crossbar"), times=phases, captures=samples),
        stage("convert", convert, bench.server("adc"), times=phases, releases=[(samples, phases)]),
        stage("finish", finish, bench.server("unit")),
    ]
    layer, _ = run_alone(bench, count, table, every_ps=gaps)
    there = np.array(list(accumulate(gaps)))
    index = np.arange(count)
    fetched = np.maximum.accumulate(there - index * fetch) + (index + 1) * fetch
    reading = np.maximum.accumulate(fetched - index * whole_read) + index * whole_read
    assert layer.end_ps == (reading + whole_read + convert + finish).tolist()


def test_a_vector_does_not_overtake_the_one_before() -> None:
    """A port takes a new fetch every 80, 10, 10, but the first is away only after 240: the others leave with it.

    Fed at 10, 20 and 30 the fetches start at 10, 90 and 100, and would be away at 250, 120 and 130.
    """
    bench = Bench()
    table = [stage("fetch", [240, 30, 30], bench.server("port"), interval=[80, 10, 10])]
    layer, shares = run_alone(bench, 3, table, every_ps=10)
    assert layer.log[0].start_ps == [10, 90, 100]
    assert layer.end_ps == [250, 250, 250]
    assert [shares.story(layer, vector) for vector in range(3)] == [[("dependency", 10), ("service", 240)], [], []]


def test_simultaneous_requests_are_served_in_the_order_of_the_streams() -> None:
    """Four streams ask at 50, one has asked at 49: that one first, then by index."""
    bench = Bench()
    unit = bench.server("unit")
    loads = [bench.source(1, 49 if index == 3 else 50, name=f"load[{index}]") for index in range(5)]
    layers = [bench.stream(f"layer[{index}]", 1, [stage("work", 10, unit)]) for index in range(5)]
    for load, layer in zip(loads, layers, strict=True):
        bench.join(load, layer)
    bench.run()
    assert [hold.stream - layers[0].index for hold in unit.holds] == [3, 0, 1, 2, 4]
    assert [hold.start_ps for hold in unit.holds] == [49, 59, 69, 79, 89]


def test_inner_iterations_feed_the_stages_of_outer_loops_when_all_of_them_are_done() -> None:
    """Two outer times three inner reads of 10; an addition of 1 per outer, which waits for its third read.

    Additions take the reads done at 30 and 60 (and 90, 120 for the second vector).
    """
    bench = Bench()
    table = [
        stage("read", 10, bench.server("crossbar"), times=6),
        stage("add", 1, bench.server("adder"), times=2),
        stage("write", 1, bench.server("port")),
    ]
    layer, _ = run_alone(bench, 2, table)
    assert layer.log[1].arrival_ps == [30, 60, 90, 120]
    assert layer.end_ps == [62, 122]


def test_requests_overlap() -> None:
    """Two images of four vectors through a layer of 10 a vector and one of 25 a whole image.

    The second image follows the first without a gap: the results are there at 40 + 25 and 80 + 25.
    """
    bench = Bench(requests=2)
    load = bench.source(4)
    layer = bench.stream("layer", 4, [stage("work", 10, bench.server("unit"))])
    last = bench.stream("last", 1, [stage("work", 25, bench.server("other"))])
    bench.join(load, layer)
    bench.join(layer, last, whole(4), capacity=8)
    bench.run()
    assert last.end_ps == [65, 105]
