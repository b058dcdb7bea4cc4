"""Packets over links that keep the cycle in which they will be free: what _calendar.pyx computes, in plain Python.

A head asks for a link when it gets to its router, and takes it for the cycles that all flits of its packet are on it.
Buffers have no end, so nobody waits for room. A packet is one event in a heap at each router and one when it is there;
events of one cycle go by the packets' numbers.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aimcsim._kernels.network_twin import NetworkTwin, way_of

ARRIVED = -1
"""Instead of a router: the tail is there."""


@dataclass(frozen=True, slots=True)
class CalendarTables:
    """What is fixed about a network, as both implementations read it.

    Parameters
    ----------
    route : uint8 [ways, routers, routers]   Output port towards the router of the target; 1, 2 or 4 ways to go.
    next_router : int32 [ways, routers, routers]  Router that follows on this way.
    hop : int32 [routers, ports]             Cycles from a grant to the next router's request over the link.
    interval : int32 [routers, ports]        Cycles between one flit and the next on the link.
    home, home_port : int32 [endpoints]      Router and port that an endpoint is joined to.
    router_cycles, eject_cycles : int        From a source to its router's request; from the last grant to the endpoint.
    """

    route: NDArray[np.uint8]
    next_router: NDArray[np.int32]
    hop: NDArray[np.int32]
    interval: NDArray[np.int32]
    home: NDArray[np.int32]
    home_port: NDArray[np.int32]
    router_cycles: int
    eject_cycles: int


@dataclass(slots=True)
class Packet:
    """A packet and when it went where; `spread` is what the slowest link so far put between its flits."""

    create: int
    source: int
    target: int
    flits: int
    inject: int
    link_wait: int
    head: int = -1
    tail: int = -1
    spread: int = 1

    @property
    def credit_wait(self) -> int:
        """Nothing: buffers have no end."""
        return 0


class CalendarTwin(NetworkTwin[Packet]):
    """All links, and the packets that were offered."""

    def __init__(self, tables: CalendarTables) -> None:
        super().__init__()
        self._tables = tables
        self._free_at = np.zeros(tables.hop.shape, np.int64)
        self._source_free_at = [0] * len(tables.home)
        self._links = np.zeros((*tables.hop.shape, 3), np.int64)
        self._sent = np.zeros((len(tables.home), 2), np.int64)
        self._events: list[tuple[int, int, int]] = []

    @property
    def inside(self) -> int:
        """Packets that were offered and have not left."""
        return len(self._events)

    def offer(self, create: int, source: int, target: int, flits: int) -> int:
        """Take a packet, created not before the one before and not before `cycle`; return its number."""
        inject = max(create, self._source_free_at[source])
        self._source_free_at[source] = inject + flits
        self._sent[source, 0] += flits
        self._packets.append(Packet(create, source, target, flits, inject, inject - create))
        event = (inject + self._tables.router_cycles, len(self._packets) - 1, int(self._tables.home[source]))
        heapq.heappush(self._events, event)
        return len(self._packets) - 1

    def next_event_cycle(self) -> int | None:
        """Return the next cycle in which anything can happen; None if nothing can without another packet."""
        return max(self.cycle, self._events[0][0]) if self._events else None

    def links(self) -> NDArray[np.int64]:
        """Return for the link at each router and port: flits, cycles that heads waited for it, and 0."""
        return self._links.copy()

    def head_waits(self) -> NDArray[np.int64]:
        """Return 0 for each router."""
        return np.zeros(len(self._tables.hop), np.int64)

    def sources(self) -> NDArray[np.int64]:
        """Return for each endpoint the flits of packets that it was offered, and 0."""
        return self._sent.copy()

    def _run(self, until: int, *, stop: bool) -> None:
        self._done = []
        while self._events and self._events[0][0] < until:
            time, which, router = self._events[0]
            if stop and self._done and time > self.cycle:
                return
            heapq.heappop(self._events)
            if router == ARRIVED:
                self._done.append(which)
                self.cycle = time
            else:
                heapq.heappush(self._events, self._cross(time, which, router))
        if not (stop and self._done):
            self.cycle = max(self.cycle, until)

    def _cross(self, time: int, which: int, router: int) -> tuple[int, int, int]:
        """A head asks for its link in cycle `time`; return its next event."""
        tables, packet = self._tables, self._packets[which]
        home = int(tables.home[packet.target])
        way = way_of(which, len(tables.route))
        port = int(tables.home_port[packet.target] if home == router else tables.route[way, router, home])
        granted = max(time, int(self._free_at[router, port]))
        interval = int(tables.interval[router, port])
        packet.spread = max(packet.spread, interval)
        packet.link_wait += granted - time
        self._free_at[router, port] = granted + packet.flits * interval
        self._links[router, port] += (packet.flits, granted - time, 0)
        if home != router:
            return granted + int(tables.hop[router, port]), which, int(tables.next_router[way, router, home])
        packet.head = granted + tables.eject_cycles
        packet.tail = packet.head + (packet.flits - 1) * packet.spread
        return packet.tail, which, ARRIVED
