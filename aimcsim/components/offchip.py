"""Pipes off a chip: the host link, the channel to off-chip memory, and what a link to another chip is made of."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from aimcsim.engine import Server, Span, System, span_of


@dataclass(frozen=True, slots=True)
class Pipe:
    """A bandwidth and a latency.

    A transfer occupies it for its bytes over the bandwidth, rounded up to a picosecond, and arrives `latency_ps` later.
    """

    bandwidth_bytes_per_s: Fraction
    latency_ps: int

    def spans(self, size_bytes: int) -> tuple[Span, Span]:
        """Return latency and interval of a transfer."""
        rate = self.bandwidth_bytes_per_s
        hold_ps = max(1, -(-size_bytes * 10**12 * rate.denominator // rate.numerator))
        return span_of(self.latency_ps + hold_ps), span_of(hold_ps)


class Channel:
    """A pipe that carries one transfer at a time."""

    def __init__(self, system: System, path: str, kind: str, pipe: Pipe) -> None:
        self.server: Server = system.add_server(path, kind)
        self.spans = pipe.spans
