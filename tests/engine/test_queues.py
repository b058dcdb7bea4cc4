"""Do waits behind one server follow queueing theory, and do all queues obey Little's law?"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aimcsim.engine import CompiledEngine, Question, ReferenceEngine, Stream
from aimcsim.workload.arrivals import arrivals
from tests.engine.builders import Bench, stage
from tests.engine.random_systems import Recipe, build, recipes
from tests.engine.test_account import questions
from tests.engine.test_random_systems import examples

Ints = NDArray[np.int64]

SERVICE_PS = 1000
BATCHES = 40


def one_server(bench: Bench, load: Stream) -> None:
    """A layer with a unit of its own: one hold a request."""
    layer = bench.stream("layer", 1, [stage("work", SERVICE_PS, bench.server("unit"), cause="vector_busy")])
    bench.join(load, layer)


def shared_bank(bench: Bench, load: Stream) -> None:
    """Two layers of every request share a bank of converters: two holds of half the time a request."""
    bank = bench.server("adc_bank")
    for name in ("one", "other"):
        layer = bench.stream(name, 1, [stage("convert", SERVICE_PS // 2, bank, cause="adc_busy")])
        bench.join(load, layer)


def link(bench: Bench, load: Stream) -> None:
    """A request crosses a link in four packets: four holds of a quarter of the time."""
    stages = [stage("cross", SERVICE_PS // 4, bench.server("link"), times=4, cause="link_busy", transfer=True)]
    bench.join(load, bench.stream("send", 1, stages, kind="send"))


QUEUES = pytest.mark.parametrize("queue", [one_server, shared_bank, link])
Queue = Callable[[Bench, Stream], None]


def run(queue: Queue, times_ps: tuple[int, ...]) -> Bench:
    """Run one request for every arrival through the compiled loop."""
    bench = Bench(requests=len(times_ps))
    bench.system.release_ps = times_ps
    queue(bench, bench.source(1))
    CompiledEngine(bench.system, keep=True).run()
    return bench


def waits_of(bench: Bench) -> Ints:
    """Return how long each request stood in line: from its arrival to the first hold for it."""
    (server,) = bench.system.servers
    starts = np.array([hold.start_ps for hold in server.holds], dtype=np.int64)
    holds = len(starts) // bench.system.requests
    return starts[::holds] - np.array(bench.system.release_ps)


@QUEUES
@pytest.mark.parametrize("load", [0.5, 0.8])
def test_poisson_arrivals_at_one_server_wait_as_long_as_m_d_1_says(queue: Queue, load: float) -> None:
    """Pollaczek-Khinchine for a constant service S: mean wait = load * S / (2 * (1 - load)).

    The mean of a run scatters about that. Waits of neighbours depend on one another, those of requests that are many
    busy periods apart do not: a busy period has 1 / (1 - load) requests on average, a batch here 1500. So the means of
    the 40 batches are independent, and their deviation over sqrt(40) is the standard error of the mean of the run. It
    must be small, so that the comparison says something, and the mean must lie within four of it.
    """
    requests = 60_000
    rate = f"{load * 1000:.0f} MHz"  # load / S with S = 1000 ps

    waits = waits_of(run(queue, arrivals(f"poisson:{rate}", requests, 11).times_ps))

    expected = load * SERVICE_PS / (2 * (1 - load))
    error = waits.reshape(BATCHES, -1).mean(axis=1).std(ddof=1) / np.sqrt(BATCHES)
    assert error < 0.05 * expected
    assert abs(waits.mean() - expected) < 4 * error


@QUEUES
def test_every_wait_is_that_of_lindleys_recursion(queue: Queue) -> None:
    """Wait of the next = max(0, wait + service - gap to the next arrival), exactly, also at overload."""
    times = arrivals("poisson:1.1 GHz", 3000, 5).times_ps
    expected = [0]
    for earlier, later in pairwise(times):
        expected.append(max(0, expected[-1] + SERVICE_PS - (later - earlier)))

    assert waits_of(run(queue, times)).tolist() == expected
    assert expected[-1] > 50 * SERVICE_PS, "it is overloaded"


@QUEUES
@pytest.mark.parametrize("gap_ps", [1250, 1001, 1000, 999, 800])
def test_with_fixed_arrivals_nobody_waits_up_to_a_load_of_1_and_everybody_longer_above(
    queue: Queue, gap_ps: int
) -> None:
    """D/D/1: request r arrives at r * gap and starts at r * max(gap, S), so it waits r * max(0, S - gap)."""
    times = tuple(range(0, 500 * gap_ps, gap_ps))

    waits = waits_of(run(queue, times)).tolist()

    assert waits == [request * max(0, SERVICE_PS - gap_ps) for request in range(500)]


@QUEUES
def test_the_number_in_a_buffer_is_the_rate_times_the_time_there(queue: Queue) -> None:
    """Little's law, times the length of the run: the integral of the level is the sum of the stays.

    The loop counts the level as it changes. A stay here is known from outside: from the arrival, which nothing keeps
    out of an unbounded buffer, to the end of the wait and of the request's first stage.
    """
    times = arrivals("poisson:900 MHz", 5000, 3).times_ps
    bench = run(queue, times)
    for edge in bench.system.edges:
        target = bench.system.streams[edge.target]
        fetched = np.array(target.log[0].done_ps)[target.stages[0].iterations - 1 :: target.stages[0].iterations]
        assert edge.occupancy.integral == fetched.sum() - sum(times)
    (server,) = bench.system.servers
    assert server.busy_ps == len(times) * SERVICE_PS


@examples(100)
@given(recipe=recipes(), data=st.data())
def test_littles_law_holds_on_every_queue_of_a_random_system(recipe: Recipe, data: st.DataObject) -> None:
    """What the loop integrates as it runs is the sum of the stays in the logs of the reference.

    Queues are the buffers, from reservation to release (what is never released stays to the end), the places at servers
    and slots, and the whole system, whose stays are those of the requests.
    """
    system = build(recipe).system
    ReferenceEngine(system).run()
    asked = data.draw(questions(system))
    engine = CompiledEngine(build(recipe).system, asked)
    engine.run()
    found = engine.account()

    for edge, (count, _, integral) in zip(system.edges, found.edges.tolist(), strict=True):
        issued = system.streams[edge.source].issue_ps
        left = edge.freed_ps + [found.elapsed_ps] * (len(issued) - len(edge.freed_ps))
        assert (count, integral) == (len(issued), sum(left) - sum(issued))
    for server, (count, busy, _) in zip(system.servers, found.servers.tolist(), strict=True):
        assert (count, busy) == (len(server.holds), sum(hold.end_ps - hold.start_ps for hold in server.holds))
    for pool, (count, busy, _) in zip(system.slots, found.pools.tolist(), strict=True):
        assert (count, busy) == (len(pool.uses), sum(use.end_ps - use.start_ps for use in pool.uses))


def test_the_first_request_of_a_late_arrival_begins_the_critical_path() -> None:
    """Arrivals at 0 and 5000, each done 1000 later: nothing before 5000 was waited for by the last result."""
    bench = Bench(requests=2)
    bench.system.release_ps = (0, 5000)
    one_server(bench, bench.source(1))
    engine = CompiledEngine(bench.system, Question((1, 1), (0,), (1,), ()))
    engine.run()
    found = engine.account()

    assert (found.admitted_ps.tolist(), found.ended_ps.tolist()) == ([0, 5000], [1000, 6000])
    assert (found.path_from_ps, found.path[:, 2].sum()) == (5000, 1000)


@pytest.mark.parametrize(("most", "ends"), [(1, [1100, 2200, 3300, 4400]), (2, [1100, 2100, 3100, 4100])])
def test_a_bound_on_requests_in_flight_closes_the_loop(most: int, ends: list[int]) -> None:
    """A request takes 100 to be brought and 1000 to be served.

    Alone it ends 1100 after its admission, and the next is admitted then. With two in flight the next one has been
    brought while the one before was served.
    """
    bench = Bench(requests=4)
    load = bench.source(1, 100)
    one_server(bench, load)
    layer = bench.system.streams[-1]
    bench.system.bound_in_flight([load], [layer], most, "host.in_flight")

    CompiledEngine(bench.system, keep=True).run()

    assert layer.end_ps == ends
    assert load.issue_ps == [0] * most + ends[:-most]
