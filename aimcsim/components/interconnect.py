"""The on-chip network as links that packets hold: every link a server, every interface a rack of packet slots.

A packet's head moves on as soon as a link has taken it, `router_cycles + link_cycles` a hop; each link is held for as
many cycles as the packet has flits. Routers buffer what they must (a stream sends only what has space reserved at its
destination), so contention shows as waiting for links. A link between chips takes a packet whole before it passes it
on. `ideal` keeps the latency and drops the contention. With a carrier the packets go through routers flit by flit
instead, or over circuits; see `routers.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from aimcsim.components.routers import endpoint_of
from aimcsim.engine import Carrier, Packets, Server, SlotPool, Span, System, span_of
from aimcsim.errors import ConfigError
from aimcsim.network import Link, Mesh, zero_load_latency
from aimcsim.network.engine import MOST_FLITS
from aimcsim.units import ClockDomain

LINK_CAUSE = "link_busy"
SLOT_CAUSE = "credit"
NETWORK = "network"
"""What time inside a network of routers is filed under."""


class Hop(NamedTuple):
    """One link of a packet's way, ready to be a stage; or the whole way through a carrier's network."""

    name: str
    server: Server | None
    latency: Span
    interval: Span
    packets: Packets | None = None


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
    carrier : Carrier or None          The network that packets go through; None if they hold one link after the other.
    """

    def __init__(  # noqa: PLR0913 - one parameter per field of the network
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
        carrier: Carrier | None = None,
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
        self._carrier = carrier
        system.carrier = carrier if contended else None
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
        if self._carrier is not None:
            return [self._carried(self._carrier, source, target, self.flits(size_bytes))]
        route = self.route(source, target)
        last = len(route) - 1
        return [self._hop(link, size_bytes, is_last=index == last) for index, link in enumerate(route)]

    def crossings(self, source: int, target: int) -> tuple[int, int]:
        """Return how many links a packet takes, and how many of these are between chips."""
        if self._carrier is not None and self._mesh.chips == 1:
            fabric = self._carrier.fabric
            way = fabric.path(endpoint_of(fabric, source), endpoint_of(fabric, target))
            return len(way) + int(not fabric.medium), 0
        route = self.route(source, target)
        return len(route), sum(link.between_chips for link in route)

    def _carried(self, carrier: Carrier, source: int, target: int, flits: int) -> Hop:
        """Return the way through the network; its times are those of a packet that meets no other."""
        if flits > MOST_FLITS:
            raise ConfigError(
                f"network.width_bits: a vector makes a packet of {flits} flits of {self._width_bits} bits, and "
                f"packets have at most {MOST_FLITS} here; wider flits make fewer of them"
            )
        ends = endpoint_of(carrier.fabric, source), endpoint_of(carrier.fabric, target)
        latency = int(zero_load_latency(carrier.fabric, carrier.router, *ends, flits))
        packets = Packets(*ends, flits) if self._contended else None
        return Hop(NETWORK, None, self._span(latency), self._span(flits), packets)

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
