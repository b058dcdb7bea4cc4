"""The on-chip network as links that packets hold: every link a server, every interface a rack of packet slots.

A packet's head moves on as soon as a link has taken it, `router_cycles + link_cycles` a hop; each link is held for as
many cycles as the packet has flits. Routers buffer what they must (a stream sends only what has space reserved at its
destination), so contention shows as waiting for links. A link between chips takes a packet whole before it passes it
on. `ideal` keeps the latency and drops the contention.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from aimcsim.engine import Server, SlotPool, Span, System, span_of
from aimcsim.network import Link, Mesh
from aimcsim.units import ClockDomain

LINK_CAUSE = "link_busy"
SLOT_CAUSE = "credit"


class Hop(NamedTuple):
    """One link of a packet's way, ready to be a stage."""

    name: str
    server: Server | None
    latency: Span
    interval: Span


class Interconnect:
    """The network of one chip, or of several that are joined.

    Parameters
    ----------
    mesh : Mesh
    clock : ClockDomain
    width_bits, overhead_bits : int    Bits of a flit; bits a packet carries beside its payload.
    router_cycles, link_cycles : int   Head latency through a router and over a link.
    packet_slots : int                 Packets that one interface may have under way.
    contended : bool                   False for the ideal network.
    hold_cycles : int or None          For how long a packet holds a link; None: a cycle for each of its flits.
    chip_link : callable or None       (latency, interval) of so many bytes between chips; None if there is one chip.
    """

    def __init__(
        self,
        system: System,
        mesh: Mesh,
        clock: ClockDomain,
        *,
        width_bits: int,
        overhead_bits: int,
        router_cycles: int,
        link_cycles: int,
        packet_slots: int,
        contended: bool,
        hold_cycles: int | None = None,
        chip_link: Callable[[int], tuple[Span, Span]] | None = None,
    ) -> None:
        self.clock = clock
        self._system = system
        self._mesh = mesh
        self._width_bits = width_bits
        self._overhead_bits = overhead_bits
        self._cycles = (link_cycles, router_cycles + link_cycles)
        self._packet_slots = packet_slots
        self._contended = contended
        self._hold_cycles = hold_cycles
        self._chip_link = chip_link
        self._routes: dict[tuple[int, int], list[Link]] = {}
        self._links: dict[str, Link] = {}
        self._servers: dict[str, Server] = {}
        self._spans: dict[int, Span] = {}
        self._chip_link_spans: dict[int, tuple[Span, Span]] = {}
        self._slots: dict[int, SlotPool] = {}

    def flits(self, size_bytes: int) -> int:
        """Return the flits of a packet with so many bytes of payload."""
        return -(-(8 * size_bytes + self._overhead_bits) // self._width_bits)

    def packet_bytes(self, size_bytes: int) -> int:
        """Return the bytes of a packet with so many bytes of payload."""
        return -(-(8 * size_bytes + self._overhead_bits) // 8)

    def route(self, source: int, target: int) -> list[Link]:
        """Return the links of the way between two endpoints; each link is one object on whatever ways it lies."""
        key = (source, target)
        if key not in self._routes:
            self._routes[key] = [self._links.setdefault(link.name, link) for link in self._mesh.route(source, target)]
        return self._routes[key]

    def hops(self, source: int, target: int, size_bytes: int) -> list[Hop]:
        """Return the links of a packet's way; the last one also waits for the packet's tail."""
        route = self.route(source, target)
        last = len(route) - 1
        return [self._hop(link, size_bytes, is_last=index == last) for index, link in enumerate(route)]

    def _hop(self, link: Link, size_bytes: int, *, is_last: bool) -> Hop:
        held = self._hold_cycles or self.flits(size_bytes)
        latency = self._span(max(1, self._cycles[link.routers_before] + (held - 1 if is_last else 0)))
        interval = self._span(held)
        if link.between_chips:
            assert self._chip_link is not None, "several chips have links between them"
            size = self.packet_bytes(size_bytes)
            if size not in self._chip_link_spans:
                self._chip_link_spans[size] = self._chip_link(size)
            latency, interval = self._chip_link_spans[size]
        return Hop(link.name, self._server(link), latency, interval)

    def slots(self, endpoint: int) -> SlotPool:
        """Return the packet slots of an endpoint's interface."""
        if endpoint not in self._slots:
            path = f"{self._mesh.name(endpoint)}.packet_slot"
            pool = self._system.add_slots(path, "packet_slot", SLOT_CAUSE, self._packet_slots, shared=True)
            self._slots[endpoint] = pool
        return self._slots[endpoint]

    def _server(self, link: Link) -> Server | None:
        if not self._contended:
            return None
        if link.name not in self._servers:
            kind, clock = ("chip_link", None) if link.between_chips else ("link", self.clock)
            self._servers[link.name] = self._system.add_server(link.name, kind, clock)
        return self._servers[link.name]

    def _span(self, cycles: int) -> Span:
        """Return a span of so many cycles, the same one for all hops."""
        if cycles not in self._spans:
            self._spans[cycles] = span_of(cycles, self.clock, in_cycles=True)
        return self._spans[cycles]
