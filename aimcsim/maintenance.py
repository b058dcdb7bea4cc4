"""What happens to devices in the course of a run: which state of them a request reads, and when drift is measured.

A request reads the devices as they are in the epoch in which it is admitted, with the factors of the last compensation
that had ended before. Both are functions of the times of a run alone, so values are the same in and out of the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aimcsim.analog import CALIBRATION_VECTORS, Compensate
from aimcsim.analog.devices.base import TIME_END_S
from aimcsim.errors import ConfigError
from aimcsim.units import PS_PER_S

ONE_EPOCH = "the state of devices does not change during the run: all requests are of one epoch"
IN_EPOCHS = "the state of devices moves on every {}; a request reads that of its admission until it ends"
COMPENSATED = (
    "the reads of a compensation are ops of the run; what is computed from their results takes no time and energy, "
    "and its factors hold for requests that are admitted when it has ended in all arrays"
)
MOST_COMPENSATIONS = 100_000
"""Compensations that one run may have."""
SHORTEST_S = 1e-9
"""Least period of epochs and compensations."""


class Epoch(NamedTuple):
    """A state of the devices, both times in seconds since programming."""

    time_s: float
    """At which they are read."""
    compensated_s: float
    """At which what they lost was last measured; without compensations, 0."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """How devices fare in a run.

    Attributes
    ----------
    time_s : float                Since programming, at the begin.
    epoch_ps : int                Steps of simulated time in which their state moves on; 0: it stays.
    compensate : str              What is done about drift.
    every_ps : int                Period of the compensations after the one that the begin waits for; 0: there are none.
    due_ps : tuple of int         When these are due, counted from the begin.
    """

    time_s: float = 0.0
    epoch_ps: int = 0
    compensate: Compensate = "none"
    every_ps: int = 0
    due_ps: tuple[int, ...] = ()

    @property
    def vectors(self) -> int:
        """Known vectors that an array multiplies in one compensation; 0 if there are none."""
        return 0 if self.compensate == "none" else CALIBRATION_VECTORS

    def time_at(self, since_ps: int) -> float:
        """Return the time since programming of the state that stands `since_ps` after the begin."""
        moved = since_ps // self.epoch_ps * self.epoch_ps if self.epoch_ps else 0
        return self.time_s + moved / PS_PER_S

    def of_exact_arrays(self) -> Maintenance:
        """Return what is left of it where nothing drifts, so that there is nothing to measure."""
        return Maintenance(self.time_s)

    def said(self, arrays: int) -> dict[str, Any]:
        """Return what a run on so many arrays says about the state of its devices."""
        return {
            "time_s": self.time_s,
            "epoch_s": self.epoch_ps / PS_PER_S or None,
            "compensate": self.compensate,
            "compensate_every_s": self.every_ps / PS_PER_S or None,
            "compensations": len(self.due_ps) + 1 if self.vectors else 0,
            "compensation_reads": self.vectors * arrays,
        }

    def assumptions(self) -> list[str]:
        """Return what a run assumes of the state of its devices."""
        state = IN_EPOCHS.format(f"{self.epoch_ps / PS_PER_S:g} s") if self.epoch_ps else ONE_EPOCH
        return [state, COMPENSATED] if self.vectors else [state]

    def epoch(self, admitted_ps: int, begun_ps: int, done: int) -> Epoch:
        """Return what a request reads that was admitted at a time.

        Of the compensations after the begin, so many as `done` had by then ended in all arrays.
        """
        compensated = self.time_at(self.due_ps[done - 1]) if done else self.time_s
        return Epoch(self.time_at(admitted_ps - begun_ps), compensated if self.vectors else 0.0)


def maintenance_of(
    time_s: float,
    compensate: Compensate,
    epoch_s: float | None,
    every_s: float | None,
    arrivals_ps: Sequence[int] | None,
) -> Maintenance:
    """Return the maintenance that was asked for, of requests that arrive at some times, or are there at the start.

    Compensations are due until the last request arrives: nothing later is for any of them.

    Raises
    ------
    ConfigError
        If a period is none, or one of compensations does not go with the rest.
    """
    every_ps = 0 if every_s is None else _period_ps("compensate_every_s", every_s)
    epoch_ps = every_ps if epoch_s is None else _period_ps("epoch_s", epoch_s)
    if every_ps and compensate == "none":
        raise ConfigError("compensate_every_s needs a compensation to repeat (--compensate global or column)")
    if every_ps and arrivals_ps is None:
        raise ConfigError("compensate_every_s needs arrivals: compensations are due until the last request arrives")
    due_ps = range(every_ps, arrivals_ps[-1] + 1, every_ps) if every_ps and arrivals_ps is not None else range(0)
    if len(due_ps) > MOST_COMPENSATIONS:
        raise ConfigError(
            f"compensate_every_s = {every_s:g} makes {len(due_ps)} compensations until the last request arrives; "
            f"at most {MOST_COMPENSATIONS} can be simulated"
        )
    return Maintenance(time_s, epoch_ps, compensate, every_ps, tuple(due_ps))


def _period_ps(name: str, period_s: object) -> int:
    """Return a period of simulated time in picoseconds."""
    if isinstance(period_s, bool) or not isinstance(period_s, int | float) or not SHORTEST_S <= period_s <= TIME_END_S:
        raise ConfigError(f"{name} must be seconds, from {SHORTEST_S:g} to {TIME_END_S:g} (got {period_s!r})")
    return round(period_s * PS_PER_S)
