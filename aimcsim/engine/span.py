"""How long a stage takes: a number of clock cycles or of picoseconds, the same for all vectors or one per vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aimcsim.units import ClockDomain


@dataclass(frozen=True, slots=True)
class Span:
    """A duration that starts at an edge of its clock.

    Parameters
    ----------
    amounts : tuple of int
        Cycles if `in_cycles`, else picoseconds; one for all vectors or one per vector of a request.
    clock : ClockDomain or None
        Clock of the resource; without one a span may start at any picosecond.
    in_cycles : bool
        Whether the amounts are cycles of the clock.
    """

    amounts: tuple[int, ...]
    clock: ClockDomain | None = None
    in_cycles: bool = False

    def end(self, start_ps: int, vector: int) -> int:
        """Return when a span that starts at `start_ps` (an edge, if clocked) for a vector ends."""
        amount = self.amounts[vector % len(self.amounts)]
        if not self.in_cycles:
            return start_ps + amount
        assert self.clock is not None, "cycles are counted on a clock"
        return self.clock.after(start_ps, amount)

    def align(self, time_ps: int) -> int:
        """Return the first moment at or after `time_ps` at which the span may start."""
        return time_ps if self.clock is None else self.clock.align(time_ps)

    def approximate_ps(self) -> int:
        """Return the longest of the amounts as picoseconds from time zero; for estimates only."""
        return self.end(0, self.amounts.index(max(self.amounts)))


def span_of(amounts: int | Sequence[int], clock: ClockDomain | None = None, *, in_cycles: bool = False) -> Span:
    """Return a span from one amount or from one amount per vector."""
    return Span((amounts,) if isinstance(amounts, int) else tuple(amounts), clock, in_cycles)
