"""Are times that 64 bits do not hold refused, and by what name?"""

from __future__ import annotations

import pytest

from aimcsim.engine import Question, engine_for
from aimcsim.engine.horizon import LATEST_PS, check_horizon
from aimcsim.errors import ConfigError
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
