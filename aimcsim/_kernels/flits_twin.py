"""The network of routers in plain Python: what flits.c computes, in the order in which docs/network.md tells it.

A *channel* is a virtual channel of a port: channel c of a router is virtual channel ``c % vcs`` of port ``c // vcs``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aimcsim._kernels.network_twin import NetworkTwin, way_of

NOBODY = -1
IDLE, ROUTING, WAITING, ACTIVE = range(4)
"""An input channel has no head; computes its route; asks for an output channel; holds one."""


@dataclass(frozen=True, slots=True)
class FlitTables:
    """What is fixed about a network, as both implementations read it. Links are named by the output they begin at.

    Parameters
    ----------
    peer : int32 [routers, ports]        Input port that an output feeds (router * ports + port), or -1.
    latency : int32 [routers, ports]     Cycles on the link.
    interval : int32 [routers, ports]    Cycles between one flit and the next on the link.
    route : uint8 [ways, routers, routers]  Output port towards the router of the target; 1, 2 or 4 ways to go.
    upper : uint8 [ways, routers, routers]  From source to target router: bit d for the upper class in dimension d.
    dimension : uint8 [ports]            Dimension of the links of a port.
    ahead : int32 [routers, routers, 4]  From the switch of a router to the target's endpoint in an empty network:
                                         of a head; of a flit that comes later; of one that is a head up to the last of
                                         the slowest links ahead and comes later from there on. And their interval.
    home, home_port : int32 [endpoints]  Router and port that an endpoint is joined to.
    vcs, buffer : int                    Virtual channels of a port, flits in the buffer of each.
    fast : bool                          Two stages with look-ahead routing and speculative switch requests, or four.
    classes : bool                       Whether the upper half of the virtual channels is a class of its own.
    channel_first : uint8 [2, routers, channels]  Where the rounds of grants and accepts of channels begin.
    port_first : uint8 [3, routers, ports]        Where those of the switch and of the choice of virtual channels do.
    """

    peer: NDArray[np.int32]
    latency: NDArray[np.int32]
    interval: NDArray[np.int32]
    route: NDArray[np.uint8]
    upper: NDArray[np.uint8]
    dimension: NDArray[np.uint8]
    ahead: NDArray[np.int32]
    home: NDArray[np.int32]
    home_port: NDArray[np.int32]
    vcs: int
    buffer: int
    fast: bool
    classes: bool
    channel_first: NDArray[np.uint8]
    port_first: NDArray[np.uint8]


@dataclass(slots=True)
class Packet:
    """A packet and when it went where.

    `empty` is when it would end in an empty network, `end` when it can still end. Of the latter's last change the cycle
    is kept, what it was before, and how long the flits that changed it had waited for credits; and of all earlier
    changes how much was for credits. So the order of routers within a cycle does not matter.
    """

    number: int
    create: int
    source: int
    target: int
    flits: int
    empty: int = 0
    end: int = 0
    inject: int = -1
    head: int = -1
    tail: int = -1
    changed: int = -1
    before: int = 0
    waited: int = 0
    settled: int = 0

    def wait(self, cycle: int, end: int, credit_wait: int) -> None:
        """A flit has left, and the packet cannot end before `end` any more; the flit waited that long for credits."""
        if end > (self.before if self.changed == cycle else self.end):
            if self.changed != cycle:
                self.settled = self.credit_wait
                self.changed, self.before, self.waited = cycle, self.end, 0
            self.end = max(self.end, end)
            self.waited = max(self.waited, credit_wait)

    @property
    def credit_wait(self) -> int:
        """Cycles that it waited for credits, as far as it has come."""
        return self.settled + min(self.end - self.before, self.waited)

    @property
    def link_wait(self) -> int:
        """All other waiting."""
        return self.end - self.empty - self.credit_wait


@dataclass(slots=True)
class Flit:
    """One flit in a buffer."""

    packet: Packet
    index: int
    arrival: int

    @property
    def last(self) -> bool:
        """Whether it is the tail."""
        return self.index == self.packet.flits - 1


@dataclass(slots=True)
class InputChannel:
    """The buffer of a virtual channel and what its front flit is about; `since` is when that could first have left."""

    flits: deque[Flit] = field(default_factory=deque)
    state: int = IDLE
    port: int = NOBODY
    out: int = NOBODY
    since: int = 0
    acquired: int = 0


@dataclass(slots=True)
class OutputChannel:
    """A virtual channel as the router before it sees it."""

    credits: int
    held: bool = False
    credit_since: int = 0


@dataclass(slots=True)
class Source:
    """The injecting side of an endpoint; lanes are the virtual channels to its router."""

    credits: list[int]
    queue: deque[Packet] = field(default_factory=deque)
    current: Packet | None = None
    index: int = 0
    lane: int = NOBODY
    next_lane: int = 0
    since: int = 0
    flits: int = 0
    credit_wait: int = 0


def round_robin(asking: Collection[int], first: int) -> int:
    """Return the first of `asking` at or after place `first`, going round."""
    return min((one for one in asking if one >= first), default=min(asking))


def grouped(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Return for each second member of the pairs the first members, in order."""
    groups: dict[int, list[int]] = {}
    for one, group in pairs:
        groups.setdefault(group, []).append(one)
    return groups


class Router:
    """One router: its channels, and where its rounds have come to."""

    def __init__(self, tables: FlitTables, number: int) -> None:
        channels = tables.peer.shape[1] * tables.vcs
        self.number = number
        self.inputs = [InputChannel() for _ in range(channels)]
        self.outputs = [OutputChannel(tables.buffer) for _ in range(channels)]
        self.channel_grant, self.channel_accept = (row[number].tolist() for row in tables.channel_first)
        self.port_grant, self.port_accept, self.choice = (row[number].tolist() for row in tables.port_first)
        self.free_at = [0] * tables.peer.shape[1]
        self.head_wait = 0

    def occupied(self) -> bool:
        """Whether any flit is here."""
        return any(channel.flits for channel in self.inputs)


class FlitTwin(NetworkTwin[Packet]):
    """All routers and sources, and the packets that were offered to them."""

    def __init__(self, tables: FlitTables) -> None:
        super().__init__()
        self._tables = tables
        self._vcs = tables.vcs
        self._stages = 2 if tables.fast else 4
        self._ports = tables.peer.shape[1]
        self._routers = [Router(tables, number) for number in range(len(tables.peer))]
        self._sources = [Source([tables.buffer] * tables.vcs) for _ in tables.home]
        self._links = np.zeros((*tables.peer.shape, 3), np.int64)
        self._feeds = {int(peer): link for link, peer in enumerate(tables.peer.flat) if peer != NOBODY}
        self._at_port = {
            (int(r), int(p)): e for e, (r, p) in enumerate(zip(tables.home, tables.home_port, strict=True))
        }
        self._admitted = 0
        self._inside = 0
        self._delivered = False
        self._flits_at: dict[int, list[tuple[int, int, Flit]]] = {}
        self._ejected_at: dict[int, list[tuple[int, int, Flit]]] = {}
        self._credits_at: dict[int, list[tuple[int, int]]] = {}
        self._lane_credits_at: dict[int, list[tuple[int, int]]] = {}

    @property
    def inside(self) -> int:
        """Packets that were offered and have not left, created or not."""
        return self._inside + len(self._packets) - self._admitted

    def offer(self, create: int, source: int, target: int, flits: int) -> int:
        """Take a packet, created not before the one before and not before `cycle`; return its number."""
        packet = Packet(len(self._packets), create, source, target, flits)
        packet.empty = self._earliest_end(packet, int(self._tables.home[source]), 0, create + self._stages)
        packet.end = packet.before = packet.empty
        self._packets.append(packet)
        return len(self._packets) - 1

    def arrive(self) -> list[int]:
        """Have what arrives in `cycle` arrive, before anything else of it; return the packets that leave so."""
        self._done = []
        if not self._delivered:
            self._deliver()
            self._delivered = True
        return self._done

    def next_event_cycle(self) -> int | None:
        """Return the next cycle in which anything can happen; None if nothing can without another packet."""
        arriving = (self._flits_at, self._ejected_at, self._credits_at, self._lane_credits_at)
        times = [cycle for kind in arriving for cycle in kind]
        if self._admitted < len(self._packets):
            times.append(max(self.cycle, self._packets[self._admitted].create))
        if any(self._can_act(router) for router in self._routers) or any(map(self._can_send, self._sources)):
            times.append(self.cycle)
        return min(times, default=None)

    def links(self) -> NDArray[np.int64]:
        """Return for the link at each router and port: flits, cycles that flits waited for it, and for its credits."""
        return self._links.copy()

    def head_waits(self) -> NDArray[np.int64]:
        """Return for each router the cycles that heads stood behind another packet in their buffer."""
        return np.array([router.head_wait for router in self._routers], np.int64)

    def sources(self) -> NDArray[np.int64]:
        """Return for each endpoint the flits that it injected, and the cycles that they waited for credits."""
        return np.array([(source.flits, source.credit_wait) for source in self._sources], np.int64)

    def _run(self, until: int, *, stop: bool) -> None:
        self._done = []
        while self.cycle < until:
            if not self._delivered:
                self.cycle = min(until, until if (event := self.next_event_cycle()) is None else event)
                if self.cycle == until:
                    return
                self._deliver()
                self._delivered = True
                if stop and self._done:
                    return
            self._admit()
            for number in range(len(self._sources)):
                self._send(number)
            for router in self._routers:
                if router.occupied():
                    self._step(router)
            self._delivered = False
            self.cycle += 1

    def _can_act(self, router: Router) -> bool:
        """Return whether anything in a router can change without an arrival."""
        return any(
            channel.state == ROUTING
            or (channel.state == WAITING and self._free(router, channel))
            or (channel.state == ACTIVE and router.outputs[channel.out].credits > 0)
            for channel in router.inputs
            if channel.flits
        )

    def _can_send(self, source: Source) -> bool:
        if source.current is None:
            return bool(source.queue)
        return any(source.credits) if source.lane == NOBODY else source.credits[source.lane] > 0

    # What arrives in a cycle.

    def _deliver(self) -> None:
        for number, channel, flit in self._ejected_at.pop(self.cycle, ()):
            self._eject(flit)
            self._credits_at.setdefault(self.cycle + 2, []).append((number, channel))
        for endpoint, lane in self._lane_credits_at.pop(self.cycle, ()):
            self._sources[endpoint].credits[lane] += 1
        for number, channel in self._credits_at.pop(self.cycle, ()):
            output = self._routers[number].outputs[channel]
            output.credit_since = output.credit_since if output.credits else self.cycle
            output.credits += 1
        for number, channel, flit in self._flits_at.pop(self.cycle, ()):
            self._take(self._routers[number], self._routers[number].inputs[channel], flit)
        self._done[:] = sorted(self._done, key=lambda which: (self._packets[which].tail, which))

    def _eject(self, flit: Flit) -> None:
        if flit.index == 0:
            flit.packet.head = self.cycle
        if flit.last:
            flit.packet.tail = self.cycle
            self._inside -= 1
            self._done.append(flit.packet.number)

    def _take(self, router: Router, channel: InputChannel, flit: Flit) -> None:
        flit.arrival = self.cycle
        channel.flits.append(flit)
        if len(channel.flits) == 1:
            if channel.state == IDLE:
                self._begin(router, channel, self.cycle)
            else:
                channel.since = self.cycle

    def _begin(self, router: Router, channel: InputChannel, start: int) -> None:
        """A head is at the front of a channel that holds no output channel, from cycle `start` on."""
        head = channel.flits[0]
        home = int(self._tables.home[head.packet.target])
        local = home == router.number
        route = self._tables.route[self._way(head.packet), router.number]
        channel.port = int(self._tables.home_port[head.packet.target] if local else route[home])
        channel.state = WAITING if self._tables.fast else ROUTING
        channel.since = start + self._stages - 2
        router.head_wait += start - head.arrival

    def _way(self, packet: Packet) -> int:
        return way_of(packet.number, len(self._tables.route))

    # Sources.

    def _admit(self) -> None:
        while self._admitted < len(self._packets) and self._packets[self._admitted].create <= self.cycle:
            packet = self._packets[self._admitted]
            self._sources[packet.source].queue.append(packet)
            self._admitted += 1
            self._inside += 1

    def _send(self, number: int) -> None:
        """Send a flit, if there is one and a credit for it; a head takes the next lane that has one."""
        source = self._sources[number]
        if source.current is None:
            if not source.queue:
                return
            source.current, source.index, source.lane = source.queue.popleft(), 0, NOBODY
            source.since = self.cycle
        if source.lane == NOBODY and any(source.credits):
            source.lane = round_robin([lane for lane in range(self._vcs) if source.credits[lane]], source.next_lane)
        if source.lane == NOBODY or not source.credits[source.lane]:
            return
        packet, lane, home = source.current, source.lane, int(self._tables.home[number])
        if source.index == 0:
            packet.inject = self.cycle
            source.next_lane = (lane + 1) % self._vcs
        source.credits[lane] -= 1
        channel = int(self._tables.home_port[number]) * self._vcs + lane
        self._flits_at.setdefault(self.cycle + 2, []).append((home, channel, Flit(packet, source.index, 0)))
        waited, switch = self.cycle - source.since, self.cycle + (2 if source.index else self._stages)
        packet.wait(self.cycle, self._earliest_end(packet, home, source.index, switch), waited)
        source.flits += 1
        source.credit_wait += waited
        source.since = self.cycle + 1
        source.index += 1
        if source.index == packet.flits:
            source.current = None

    def _earliest_end(self, packet: Packet, router: int, index: int, cycle: int) -> int:
        """Return when the packet can end at the earliest if its flit `index` passes a switch at `cycle`."""
        head, body, mixed, each = self._tables.ahead[router, self._tables.home[packet.target]].tolist()
        left = packet.flits - 1 - index
        last = body + left * each if index else max(head + left, mixed + left * each)
        return cycle + int(last)

    # Routers.

    def _step(self, router: Router) -> None:
        routed = [channel for channel in router.inputs if channel.state == ROUTING]
        matches = self._match_channels(router)
        winners = self._match_switch(router)
        for channel in routed:
            channel.state = WAITING
        for place, out in matches:
            channel = router.inputs[place]
            channel.state, channel.out, channel.acquired = ACTIVE, out, self.cycle
            router.outputs[out].held = True
        for place in winners:  # a head that hoped may have got no channel, or one without a credit
            channel = router.inputs[place]
            if channel.state == ACTIVE and router.outputs[channel.out].credits:
                self._move(router, place)

    def _may_use(self, router: Router, channel: InputChannel) -> range:
        """Return the output channels that the packet at the front may use."""
        first, packet = channel.port * self._vcs, channel.flits[0].packet
        home, lower = self._tables.home, self._vcs - self._vcs // 2
        if not self._tables.classes or home[packet.target] == router.number:
            return range(first, first + self._vcs)
        dimensions = int(self._tables.upper[self._way(packet), home[packet.source], home[packet.target]])
        if dimensions >> int(self._tables.dimension[channel.port]) & 1:
            return range(first + lower, first + self._vcs)
        return range(first, first + lower)

    def _free(self, router: Router, channel: InputChannel) -> list[int]:
        return [out for out in self._may_use(router, channel) if not router.outputs[out].held]

    def _match_channels(self, router: Router) -> list[tuple[int, int]]:
        """Every free output channel grants one of those that ask for it, and each of these accepts one."""
        asking = [
            (place, out)
            for place, channel in enumerate(router.inputs)
            if channel.state == WAITING
            for out in self._free(router, channel)
        ]
        granted = [(out, round_robin(who, router.channel_grant[out])) for out, who in grouped(asking).items()]
        matches = []
        for place, outs in grouped(granted).items():
            out = round_robin(outs, router.channel_accept[place])
            router.channel_grant[out] = (place + 1) % len(router.inputs)
            router.channel_accept[place] = (out + 1) % len(router.inputs)
            matches.append((place, out))
        return matches

    def _requests(self, router: Router) -> dict[tuple[int, int], tuple[list[int], list[int]]]:
        """Return for input and output port the virtual channels that can go, and those that hope for a channel."""
        found: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
        for place, channel in enumerate(router.inputs):
            if not channel.flits or router.free_at[port := self._port(channel)] > self.cycle:
                continue
            hoping = channel.state == WAITING and self._tables.fast
            usable = self._free(router, channel) if hoping else [channel.out] if channel.state == ACTIVE else []
            if any(router.outputs[out].credits for out in usable):
                asking = found.setdefault((place // self._vcs, port), ([], []))
                asking[hoping].append(place % self._vcs)
        return found

    def _port(self, channel: InputChannel) -> int:
        return channel.out // self._vcs if channel.state == ACTIVE else channel.port

    def _match_switch(self, router: Router) -> list[int]:
        """Every output grants one input, every input accepts one output; within both, one virtual channel goes."""
        requests = self._requests(router)
        granted = [(out, round_robin(ins, router.port_grant[out])) for out, ins in grouped(requests).items()]
        winners = []
        for port, outs in grouped(granted).items():
            out = round_robin(outs, router.port_accept[port])
            sure, hoping = requests[port, out]
            vc = round_robin(sure or hoping, router.choice[port])
            router.port_grant[out] = (port + 1) % self._ports
            router.port_accept[port] = (out + 1) % self._ports
            router.choice[port] = (vc + 1) % self._vcs
            winners.append(port * self._vcs + vc)
        return winners

    def _move(self, router: Router, place: int) -> None:
        channel = router.inputs[place]
        flit = channel.flits.popleft()
        self._account(router, channel, flit)
        channel.since = self.cycle + 1
        router.outputs[channel.out].credits -= 1
        self._return_credit(router, place)
        self._pass_on(router, channel.out, flit)
        if flit.last:
            router.outputs[channel.out].held = False
            channel.state = IDLE
            if channel.flits:
                self._begin(router, channel, self.cycle + 1)

    def _account(self, router: Router, channel: InputChannel, flit: Flit) -> None:
        """Say for what the flit waited since it could have left, and what that adds to the end of its packet."""
        ready = max(channel.since, channel.acquired + (0 if self._tables.fast else 1))
        credit_wait = max(0, router.outputs[channel.out].credit_since - ready)
        end = self._earliest_end(flit.packet, router.number, flit.index, self.cycle)
        flit.packet.wait(self.cycle, end, credit_wait)
        link_wait = self.cycle - channel.since - credit_wait
        self._links[router.number, channel.out // self._vcs] += (1, link_wait, credit_wait)

    def _return_credit(self, router: Router, place: int) -> None:
        port, vc = divmod(place, self._vcs)
        if (router.number, port) in self._at_port:
            lane = (self._at_port[router.number, port], vc)
            self._lane_credits_at.setdefault(self.cycle + 2, []).append(lane)
            return
        before, out = divmod(self._feeds[router.number * self._ports + port], self._ports)
        cycle = self.cycle + 1 + int(self._tables.latency[before, out])
        self._credits_at.setdefault(cycle, []).append((before, out * self._vcs + vc))

    def _pass_on(self, router: Router, out: int, flit: Flit) -> None:
        port, vc = divmod(out, self._vcs)
        peer = int(self._tables.peer[router.number, port])
        if peer == NOBODY:
            self._ejected_at.setdefault(self.cycle + 3, []).append((router.number, out, flit))
            return
        latency, interval = (
            int(self._tables.latency[router.number, port]),
            int(self._tables.interval[router.number, port]),
        )
        router.free_at[port] = self.cycle + interval
        number, entry = divmod(peer, self._ports)
        self._flits_at.setdefault(self.cycle + 1 + latency + interval, []).append(
            (number, entry * self._vcs + vc, flit)
        )
