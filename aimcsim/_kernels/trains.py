"""Trains: many iterations in a row on a server that nobody else asks for, in closed form.

`serve_train` is the readable form and the twin of `train_scan` in `streams_train.c`, which the loop of the fast engine
calls. With starts at least `interval` apart, the recurrence start(i) = max(arrival(i), start(i - 1) + interval) is the
running maximum of arrival(i) - i * interval, plus i * interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrainStage:
    """A stage of which every iteration takes the same time.

    Attributes
    ----------
    period_ps : clock period of the server, at whose edges iterations start; 1 without a clock.
    latency_ps, interval_ps : from start to result, and from start to the server being free.
    cross_period_ps, cross_cycles : clock that is entered on the way in, and what that costs; 1 and 0 if none is.
    """

    period_ps: int
    latency_ps: int
    interval_ps: int
    cross_period_ps: int = 1
    cross_cycles: int = 0


class Served(NamedTuple):
    """When iterations arrive, start and have their results (int64, ps), one entry each."""

    arrival_ps: Ints
    start_ps: Ints
    worked_ps: Ints


def serve_train(stage: TrainStage, ready_ps: Ints, free_ps: int, worked_ps: int) -> Served:
    """Return the times of a train whose data is there at `ready_ps` (int64, ascending).

    `free_ps` is when the server is free and the iteration before has started, `worked_ps` when that one had its result:
    results leave in order.
    """
    arrival = (_up(ready_ps, stage.cross_period_ps) + stage.cross_cycles) * stage.cross_period_ps
    apart = -(-stage.interval_ps // stage.period_ps) * stage.period_ps
    earliest = _up(np.maximum(arrival, free_ps), stage.period_ps) * stage.period_ps
    steps = np.arange(len(ready_ps), dtype=np.int64) * apart
    start = np.maximum.accumulate(earliest - steps) + steps
    return Served(arrival, start, np.maximum(start + stage.latency_ps, worked_ps))


def _up(time_ps: Ints, period_ps: int) -> Ints:
    """Return the number of the first clock edge at or after a time."""
    return -(-time_ps // period_ps)
