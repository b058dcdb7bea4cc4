"""The on-chip network as links that packets hold: every link a server, every interface a rack of packet slots.

A packet's head moves on as soon as a link has taken it, `router_cycles + link_cycles` a hop; each link is held for as
many cycles as the packet has flits. Routers buffer what they must (a stream sends only what has space reserved at its
destination), so contention shows as waiting for links. `ideal` keeps the latency and drops the contention.
"""

from __future__ import annotations

from typing import NamedTuple

from aimcsim.engine import Server, SlotPool, Span, System, span_of
from aimcsim.network import Mesh
from aimcsim.network.topology import endpoint_name
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
    """The network of one chip.

    Parameters
    ----------
    mesh : Mesh
    clock : ClockDomain
    width_bits, overhead_bits : int    Bits of a flit; bits a packet carries beside its payload.
    router_cycles, link_cycles : int   Head latency through a router and over a link.
    packet_slots : int                 Packets that one interface may have under way.
    contended : bool                   False for the ideal network.
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
    ) -> None:
        self.clock = clock
        self._system = system
        self._mesh = mesh
        self._width_bits = width_bits
        self._overhead_bits = overhead_bits
        self._cycles = (link_cycles, router_cycles + link_cycles)
        self._packet_slots = packet_slots
        self._contended = contended
        self._links: dict[str, Server] = {}
        self._slots: dict[int, SlotPool] = {}

    def flits(self, size_bytes: int) -> int:
        """Return the flits of a packet with so many bytes of payload."""
        return -(-(8 * size_bytes + self._overhead_bits) // self._width_bits)

    def hops(self, source: int, target: int, size_bytes: int) -> list[Hop]:
        """Return the links of a packet's way; the last one also waits for the packet's tail."""
        flits = self.flits(size_bytes)
        route = self._mesh.route(source, target)
        hops = []
        for index, link in enumerate(route):
            tail = flits - 1 if index == len(route) - 1 else 0
            latency = max(1, self._cycles[link.routers_before] + tail)
            hops.append(Hop(link.name, self._link(link.name), self._span(latency), self._span(flits)))
        return hops

    def slots(self, endpoint: int) -> SlotPool:
        """Return the packet slots of an endpoint's interface."""
        if endpoint not in self._slots:
            path = f"{endpoint_name(endpoint)}.packet_slot"
            pool = self._system.add_slots(path, "packet_slot", SLOT_CAUSE, self._packet_slots, shared=True)
            self._slots[endpoint] = pool
        return self._slots[endpoint]

    def _link(self, name: str) -> Server | None:
        if not self._contended:
            return None
        if name not in self._links:
            self._links[name] = self._system.add_server(name, "link", self.clock)
        return self._links[name]

    def _span(self, cycles: int) -> Span:
        return span_of(cycles, self.clock, in_cycles=True)
