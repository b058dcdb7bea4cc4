"""Packets that take all links of their way at once: what circuits.c computes, in plain Python.

A source asks for the way of one packet at a time: of the first when this is created, of the next when the one before
has left. The way is had when all its links are free of the packets that asked before, and its links are given back
together; so nobody keeps a link while waiting for another one. A packet is one event in a heap when it asks and one
when it leaves; events of one cycle go by the packets' numbers.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aimcsim._kernels.network_twin import NetworkTwin, way_of

NOT_YET = -1


@dataclass(frozen=True, slots=True)
class CircuitTables:
    """What is fixed about a network, as both implementations read it.

    Parameters
    ----------
    route : uint8 [ways, routers, routers]   Output port towards the router of the target; 1, 2 or 4 ways to go.
    next_router : int32 [ways, routers, routers]  Router that follows on this way.
    latency, interval : int32 [routers, ports]    Cycles of a flit on a link, and from one flit to the next there; the
                                             link from an endpoint is like the one to it.
    home, home_port : int32 [endpoints]      Router and port that an endpoint is joined to.
    medium : bool                            Whether all endpoints share the link that they are joined to.
    setup_cycles : int                       Cycles that a way is taken before the head sets out.
    router_cycles : int                      Cycles of a head through a router.
    hold_cycles : int                        Cycles that a packet takes past any point; 0: one for each flit.
    """

    route: NDArray[np.uint8]
    next_router: NDArray[np.int32]
    latency: NDArray[np.int32]
    interval: NDArray[np.int32]
    home: NDArray[np.int32]
    home_port: NDArray[np.int32]
    medium: bool
    setup_cycles: int
    router_cycles: int
    hold_cycles: int


@dataclass(slots=True)
class Packet:
    """A packet and when it went where."""

    create: int
    source: int
    target: int
    flits: int
    inject: int = NOT_YET
    head: int = NOT_YET
    tail: int = NOT_YET

    @property
    def link_wait(self) -> int:
        """Cycles until it had its way."""
        return 0 if self.tail == NOT_YET else self.inject - self.create

    @property
    def credit_wait(self) -> int:
        """Nothing: there are no buffers."""
        return 0


@dataclass(slots=True)
class Link:
    """A link: when it is free of all packets that have it or will, and what it did."""

    latency: int
    interval: int
    free_at: int = 0
    flits: int = 0
    busy: int = 0
    link_wait: int = 0


class CircuitTwin(NetworkTwin[Packet]):
    """All links, sources, and the packets that were offered."""

    def __init__(self, tables: CircuitTables) -> None:
        super().__init__()
        self._tables = tables
        rows = zip(tables.latency.tolist(), tables.interval.tolist(), strict=True)
        self._ports = [[Link(*one) for one in zip(*row, strict=True)] for row in rows]
        places = zip(tables.home.tolist(), tables.home_port.tolist(), strict=True)
        joined = [self._ports[router][port] for router, port in places]
        self._to = joined
        self._from = [Link(one.latency, one.interval) for one in joined]
        self._lines: list[deque[int]] = [deque() for _ in joined]
        self._events: list[tuple[int, int]] = []
        self.inside = 0
        """Packets that were offered and have not left."""

    def offer(self, create: int, source: int, target: int, flits: int) -> int:
        """Take a packet, created not before the one before and not before `cycle`; return its number."""
        number = len(self._packets)
        self._packets.append(Packet(create, source, target, flits))
        self.inside += 1
        self._lines[source].append(number)
        if len(self._lines[source]) == 1:
            heapq.heappush(self._events, (create, number))
        return number

    def next_event_cycle(self) -> int | None:
        """Return the next cycle in which anything can happen; None if nothing can without another packet."""
        return max(self.cycle, self._events[0][0]) if self._events else None

    def links(self) -> NDArray[np.int64]:
        """Return flits, cycles taken and cycles waited for, of links at all ports, then of those from endpoints."""
        every = [*(link for ports in self._ports for link in ports), *self._from]
        return np.array([(link.flits, link.busy, link.link_wait) for link in every], np.int64)

    def arrive(self) -> list[int]:
        """Have what happens in `cycle` so far happen; return the packets that leave so."""
        self._done = []
        while self._events and self._events[0][0] <= self.cycle:
            self._act(*heapq.heappop(self._events))
        return self._done

    def _run(self, until: int, *, stop: bool) -> None:
        self._done = []
        while self._events and self._events[0][0] < until:
            time, number = self._events[0]
            if stop and self._done and time > self.cycle:
                return
            self.cycle = max(self.cycle, time)
            heapq.heappop(self._events)
            self._act(time, number)
        if not (stop and self._done):
            self.cycle = max(self.cycle, until)

    def _act(self, time: int, number: int) -> None:
        if self._packets[number].tail == NOT_YET:
            self._take_way(number, time)
        else:
            self._leave(number)

    def _take_way(self, number: int, asked: int) -> None:
        """A packet asks for its way: it has it when the last link is free, and keeps all until its tail is out."""
        tables, packet = self._tables, self._packets[number]
        way = list(self._way(packet, number))
        last = max(way, key=lambda link: link.free_at)
        packet.inject = max(asked, last.free_at)
        last.link_wait += packet.inject - asked
        head_cycles = sum(link.latency for link in way) + (len(way) - 1) * tables.router_cycles
        packet.head = packet.inject + tables.setup_cycles + head_cycles
        passing = tables.hold_cycles or packet.flits
        packet.tail = packet.head + (passing - 1) * max(link.interval for link in way)
        for link in way:
            link.free_at = packet.tail
            link.flits += packet.flits
            link.busy += packet.tail - packet.inject
        heapq.heappush(self._events, (packet.tail, number))

    def _way(self, packet: Packet, number: int) -> Iterator[Link]:
        """Yield the links of a packet's way: the one from its source, those between routers, the one to its target."""
        tables = self._tables
        here, home = int(tables.home[packet.source]), int(tables.home[packet.target])
        if not tables.medium:
            yield self._from[packet.source]
        plane = way_of(number, len(tables.route))
        while here != home:
            yield self._ports[here][int(tables.route[plane, here, home])]
            here = int(tables.next_router[plane, here, home])
        yield self._to[packet.target]

    def _leave(self, number: int) -> None:
        """A packet has left, and the next of its source asks."""
        packet = self._packets[number]
        self._done.append(number)
        self.inside -= 1
        line = self._lines[packet.source]
        line.popleft()
        if line:
            heapq.heappush(self._events, (max(packet.tail, self._packets[line[0]].create), line[0]))
