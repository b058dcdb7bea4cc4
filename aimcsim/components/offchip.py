"""Pipes off the chip: the host link and the channel to off-chip memory."""

from __future__ import annotations

from fractions import Fraction

from aimcsim.engine import Server, Span, System, span_of


class Channel:
    """A pipe that carries one transfer at a time.

    A transfer occupies it for its bytes over the bandwidth, rounded up to a picosecond, and arrives `latency_ps` later.
    """

    def __init__(self, system: System, path: str, kind: str, bandwidth_bytes_per_s: Fraction, latency_ps: int) -> None:
        self.server: Server = system.add_server(path, kind)
        self._bandwidth = bandwidth_bytes_per_s
        self._latency_ps = latency_ps

    def spans(self, size_bytes: int) -> tuple[Span, Span]:
        """Return latency and interval of a transfer."""
        hold_ps = max(1, -(-size_bytes * 10**12 * self._bandwidth.denominator // self._bandwidth.numerator))
        return span_of(self._latency_ps + hold_ps), span_of(hold_ps)
