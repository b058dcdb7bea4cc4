"""Is a train in closed form what serving its iterations one by one gives?"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim import _kernels
from aimcsim._kernels.trains import TrainStage, serve_train
from aimcsim.engine import span_of
from aimcsim.units import ClockDomain

PERIODS = st.sampled_from([1, 1, 250, 1000, 333])
TIMES = st.integers(0, 5000)


def forms() -> list[Callable[..., Any]]:
    """Return the compiled form, where there is one, and its twin."""
    return [serve_train] if _kernels.stream_loop() is None else [serve_train, _kernels.train_loop()]


def clock_of(period_ps: int) -> ClockDomain | None:
    return None if period_ps == 1 else ClockDomain("clock", Fraction(10**12, period_ps))


def one_by_one(stage: TrainStage, ready: list[int], free: int, worked: int) -> list[tuple[int, int, int]]:
    """Serve iterations as docs/execution.md says: cross, wait for the server, start at an edge, leave in order."""
    clock, entered = clock_of(stage.period_ps), clock_of(stage.cross_period_ps)
    interval, latency = span_of(stage.interval_ps, clock), span_of(stage.latency_ps, clock)
    served = []
    for time in ready:
        arrival = time if entered is None else entered.after(entered.align(time), stage.cross_cycles)
        start = max(arrival, free) if clock is None else clock.align(max(arrival, free))
        free = interval.end(start, 0)
        worked = max(worked, latency.end(start, 0))
        served.append((arrival, start, worked))
    return served


@pytest.mark.parametrize("form", forms())
@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    periods=st.tuples(PERIODS, PERIODS),
    times=st.tuples(TIMES, TIMES),
    cycles=st.integers(0, 3),
    gaps=st.lists(st.integers(0, 2000), max_size=200),
    before=st.tuples(TIMES, TIMES),
)
def test_a_train_is_its_iterations_one_by_one(
    form: Callable[..., Any],
    periods: tuple[int, int],
    times: tuple[int, int],
    cycles: int,
    gaps: list[int],
    before: tuple[int, int],
) -> None:
    stage = TrainStage(periods[0], *times, periods[1], cycles if periods[1] > 1 else 0)
    ready = np.cumsum(gaps, dtype=np.int64)

    served = form(stage, ready, *before)

    assert list(zip(*(column.tolist() for column in served), strict=True)) == one_by_one(stage, ready.tolist(), *before)


@pytest.mark.parametrize("form", forms())
def test_reads_of_100_ns_whose_inputs_come_faster_follow_each_other(form: Callable[..., Any]) -> None:
    """Inputs at 0, 30, 60, 400 ns; each is read for 100 ns from a 10 ns edge on, and there 20 ns later."""
    stage = TrainStage(period_ps=10_000, latency_ps=120_000, interval_ps=100_000)

    _, start, worked = form(stage, np.array([0, 30_000, 60_000, 400_000]), 0, 0)

    assert start.tolist() == [0, 100_000, 200_000, 400_000]
    assert worked.tolist() == [120_000, 220_000, 320_000, 520_000]
