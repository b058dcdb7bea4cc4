"""Whatever small system is drawn: does it complete, is it told the same by an independent checker, is it repeatable?"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimcsim.engine import ReferenceEngine, System
from aimcsim.errors import DeadlockError
from tests.checker_shares import check_all
from tests.engine.random_systems import Recipe, build, recipes

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def examples(count: int) -> settings:
    """Return settings that try the same so many systems every time."""
    return settings(max_examples=count, derandomize=True, deadline=None, database=None, suppress_health_check=SLOW)


def everything(system: System) -> list[object]:
    """Return all that a run has logged."""
    streams = [(stream.issue_ps, stream.end_ps, stream.stage_counts, stream.log) for stream in system.streams]
    edges = [(edge.arrived_ps, edge.freed_ps) for edge in system.edges]
    space = [(use.integral, use.highest) for edge in system.edges for use in (edge.occupancy, edge.valid)]
    holds = [(server.busy_ps, server.holds) for server in system.servers]
    return [streams, edges, space, holds, [pool.uses for pool in system.slots]]


@examples(300)
@given(recipes())
def test_a_run_is_what_the_documentation_says(recipe: Recipe) -> None:
    """Times, order of service, space, counters and the share of every vector follow from the logs alone.

    That the shares close and follow one another is part of it, hence also that sums over rows or layers of vectors are
    those over their vectors.
    """
    bench = build(recipe)
    ReferenceEngine(bench.system).run()
    shares = check_all(bench.system)
    for stream in bench.system.streams:
        parts = [part for vector in range(stream.total) for part in shares[stream.index, vector]]
        stretches = sorted((part.start_ps, part.end_ps) for part in parts)
        assert all(end <= start for (_, end), (start, _) in pairwise(stretches)), "shares follow one another"


@examples(150)
@given(recipes(), st.integers(0, 2**32))
def test_the_order_of_simultaneous_events_changes_nothing(recipe: Recipe, seed: int) -> None:
    """Shuffling what happens at one picosecond leaves every log as it was."""
    usual, shuffled = build(recipe), build(recipe, shuffle_seed=seed)
    ReferenceEngine(usual.system).run()
    ReferenceEngine(shuffled.system).run()
    assert everything(usual.system) == everything(shuffled.system)


@examples(150)
@given(recipes(most_layers=3, most_requests=2, bounded=True), st.data())
def test_at_its_least_a_system_completes_and_with_one_vector_less_it_stands_still(
    recipe: Recipe, data: st.DataObject
) -> None:
    """The least capacities suffice, and none of them could be lower while the others stay."""
    bench = build(recipe)
    least = bench.least()
    ReferenceEngine(bench.system).run()
    edge = data.draw(st.sampled_from([index for index, room in enumerate(least) if room is not None]))
    less = [room if index != edge or room is None else room - 1 for index, room in enumerate(least)]
    lacking = build(recipe, capacities=less)
    with pytest.raises(DeadlockError) as caught:
        ReferenceEngine(lacking.system).run()
    assert caught.value.blocked, "something stands"
