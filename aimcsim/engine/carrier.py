"""The network of a system whose packets go flit by flit or over circuits: what stages hand to it, and when it left.

A stage hands a packet over at the edge of the network's clock at which it is ready; the network says when the packet
has left. `Shipping` runs the network between the other events of a run, for the engines that are read; the compiled
loop does the same in `_kernels/streams_carry.c`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import DeadlockError
from aimcsim.network import CarryingNetwork, Circuit, CircuitNetwork, Fabric, FlitNetwork, Router
from aimcsim.network.engine import MOST_CYCLE
from aimcsim.units import ClockDomain

Ints = NDArray[np.int64]


class Packets(NamedTuple):
    """What a stage sends: packets from one endpoint to another, each of so many flits."""

    source: int
    target: int
    flits: int


class Passage(NamedTuple):
    """Moments of one packet (ps), which has been handed over at the stage's start.

    It waited for links until `linked_ps`, for room in the buffers ahead until `credited_ps`, and moved until `left_ps`.
    A packet may wait several times for either; these are the sums, waits first.
    """

    linked_ps: int
    credited_ps: int
    left_ps: int


class Offer(NamedTuple):
    """A packet as it is handed over; those of one instant enter in the order of these fields."""

    ready_ps: int
    stream: int
    stage: int
    iteration: int
    packets: Packets


@dataclass(slots=True, eq=False)
class Carrier:
    """The network that all stages with `packets` of a system share.

    Parameters
    ----------
    clock : ClockDomain   Its cycles are those of the network.
    fabric, router        What it is made of; a `Circuit` in the place of routers where packets take their ways at once.
    network : CarryingNetwork or None   That of the latest run, for its records.
    """

    clock: ClockDomain
    fabric: Fabric
    router: Router | Circuit
    network: CarryingNetwork | None = None

    def records(self) -> tuple[Ints, Ints]:
        """Return what the links and the routers of the latest run did, in cycles.

        First links, those at every port of every router, router by router, then those that sources send over: flits,
        cycles taken by them, cycles that flits waited for the link, and for room behind it. [links, 4]. Then for each
        router the cycles that heads stood behind another packet in their buffer. [routers]
        """
        assert self.network is not None, "a run has made a network"
        links, count = self.network.links(), self.fabric.routers * self.fabric.ports
        columns = (links.flits, links.busy, links.link_wait, links.credit_wait)
        ports = np.stack([column.reshape(count) for column in columns], axis=1)
        entering = (links.injected, links.inject_busy, np.zeros_like(links.injected), links.inject_credit_wait)
        return np.vstack([ports, np.stack(entering, axis=1)]), links.head_wait

    def make(self) -> CarryingNetwork:
        """Return an empty network."""
        if isinstance(self.router, Circuit):
            return CircuitNetwork(self.fabric, self.router)
        return FlitNetwork(self.fabric, self.router)

    def open(self) -> CarryingNetwork:
        """Return an empty network for a run to begin with."""
        self.network = self.make()
        return self.network


class Shipping:
    """The packets of one run: whose those inside the network are, and those of the present instant."""

    def __init__(self, carrier: Carrier) -> None:
        self._clock = carrier.clock
        self._network = carrier.open()
        self._offers: list[Offer] = []
        self._offered_ps = -1
        self._inside: dict[int, tuple[int, Offer]] = {}

    @property
    def idle(self) -> bool:
        """Whether no packet is inside, or about to be."""
        return not self._offers and not self._inside

    def offer(self, now_ps: int, offer: Offer) -> None:
        """Take a packet at an edge of the clock; it enters when the instant is over."""
        self._offers.append(offer)
        self._offered_ps = now_ps

    def run(self, until_ps: int | None) -> list[tuple[Offer, Passage]]:
        """Run up to the instant before which nothing else happens, at most to the first at which packets leave.

        Return those; what leaves at `until_ps` itself is among them, and nothing else has happened then. Nothing is
        done while packets are still being offered, which is while something else happens at their instant.
        """
        if self._offers and until_ps == self._offered_ps:
            return []
        self._enter()
        if not self._inside:
            return []
        until = MOST_CYCLE if until_ps is None else self._clock.index(until_ps)
        try:
            gone = self._network.advance_to_ejection(until)
        except DeadlockError:  # the engine reports it, with all that waits for these packets
            return []
        if not gone and until_ps is not None and self._clock.edge(until) == until_ps:
            gone = self._network.arrive()
        return [self._left(number) for number in gone]

    def _enter(self) -> None:
        """Hand the packets of the last instant over, in an order that the order of events has no part in."""
        cycle = self._clock.index(max(0, self._offered_ps))
        for offer in sorted(self._offers):
            self._inside[self._network.offer(cycle, *offer.packets)] = cycle, offer
        self._offers.clear()

    def _left(self, number: int) -> tuple[Offer, Passage]:
        cycle, offer = self._inside.pop(number)
        _, _, tail, link_wait, credit_wait = self._network.packet(number)
        linked, credited = cycle + link_wait, cycle + link_wait + credit_wait
        return offer, Passage(*map(self._clock.edge, (linked, credited, tail)))
