"""What can be said without a simulation: latency in an empty network, and the load of each link."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim.network.engine import EJECT_CYCLES, SWITCH_CYCLES, Circuit, Router
from aimcsim.network.fabric import Fabric

Latency = NDArray[np.int64]


@lru_cache(maxsize=1)  # a run asks for every way that its packets take, a curve for every rate, of one network
def cycles_ahead(fabric: Fabric, router: Router) -> NDArray[np.int32]:
    """Return the cycles from the grant at each router to the endpoint at each other in an empty network.

    First for a head; second for a flit that comes so much later that it finds route and channel ready; third for the
    tail of a long packet, which the slowest links spread out: as slow as a head up to the last of them. Fourth is the
    interval of the slowest links. [routers, routers, 4], to be read only.

    Raises
    ------
    ConfigError   If a route does not arrive.
    """
    ahead = np.zeros((fabric.routers, fabric.routers, 4), np.int32)
    ahead[...] = EJECT_CYCLES, EJECT_CYCLES, 0, 1
    for hop, (source, target, here) in enumerate(fabric.steps()):
        port = fabric.route[0, here, target]
        interval = fabric.interval[here, port]
        flight = fabric.latency[here, port] + interval - 1
        ahead[source, target, 0] += flight + router.cycles
        ahead[source, target, 1] += flight + SWITCH_CYCLES
        if (interval > 1).any():
            slowest = interval >= np.maximum(2, ahead[source, target, 3])
            ahead[source[slowest], target[slowest], 2] = hop * (router.cycles - SWITCH_CYCLES)
            ahead[source, target, 3] = np.maximum(ahead[source, target, 3], interval)
    ahead[..., 2] = np.where(ahead[..., 3] > 1, ahead[..., 1] + ahead[..., 2], ahead[..., 0])
    ahead.setflags(write=False)
    return ahead


def zero_load_latency(
    fabric: Fabric, router: Router | Circuit, src: ArrayLike, dst: ArrayLike, flits: ArrayLike
) -> Latency:
    """Return the cycles from creation to the ejection of the tail in an empty network, for arrays of packets.

    On a mesh ``3 + (links + 1) * router.cycles + links * link_cycles + flits - 1``; of circuits see `circuit_cycles`.
    """
    if isinstance(router, Circuit):
        return circuit_cycles(fabric, router, src, dst, flits)
    start, end = fabric.home[np.asarray(src)], fabric.home[np.asarray(dst)]
    head, _, mixed, interval = np.moveaxis(cycles_ahead(fabric, router)[start, end], -1, 0)
    after = np.asarray(flits, np.int64) - 1
    return np.asarray(router.cycles + np.maximum(head + after, mixed + after * interval), np.int64)


def circuit_cycles(fabric: Fabric, circuit: Circuit, src: ArrayLike, dst: ArrayLike, flits: ArrayLike) -> Latency:
    """Return how long packets keep their ways, for arrays of them: the latency of one that waits for none.

    On a mesh ``setup_cycles + (links + 2) * link_cycles + (links + 1) * router_cycles + flits - 1``: so many links
    between routers, and one at either end. On a crossbar the same without any between; on a bus ``setup_cycles +
    link_cycles + flits - 1``. Links between chips count their own cycles, and spread flits out.
    """
    source, target = np.asarray(src), np.asarray(dst)
    start, end = fabric.home[source], fabric.home[target]
    head, interval = (table[start, end] for table in _between(fabric, circuit.router_cycles))
    head = head + fabric.latency[end, fabric.home_port[target]]
    if not fabric.medium:
        head = head + circuit.router_cycles + fabric.latency[start, fabric.home_port[source]]
    passing = np.where(circuit.hold_cycles, circuit.hold_cycles, np.asarray(flits, np.int64))
    return np.asarray(circuit.setup_cycles + head + (passing - 1) * interval, np.int64)


@lru_cache(maxsize=1)
def _between(fabric: Fabric, router_cycles: int) -> tuple[Latency, Latency]:
    """Return the cycles of a head over the links between routers and a router before each, and the slowest interval."""
    head = np.zeros((fabric.routers, fabric.routers), np.int64)
    interval = np.ones_like(head)
    for source, target, here in fabric.steps():
        port = fabric.route[0, here, target]
        head[source, target] += fabric.latency[here, port] + router_cycles
        interval[source, target] = np.maximum(interval[source, target], fabric.interval[here, port])
    return head, interval


def circuit_loads(
    fabric: Fabric, circuit: Circuit, src: ArrayLike, dst: ArrayLike, flits: int, packets: ArrayLike
) -> NDArray[np.float64]:
    """Return the cycles that so many packets from each to each take each link: those of ports, then from endpoints.

    No run is shorter than the largest of them.
    """
    source = np.asarray(src)
    taken = circuit_cycles(fabric, circuit, source, dst, flits) * np.asarray(packets, float)
    entering = np.zeros(fabric.endpoints)
    if not fabric.medium:
        np.add.at(entering, source, taken)
    return np.append(link_loads(fabric, source, dst, taken) / fabric.interval, entering)


class BusiestLink(NamedTuple):
    """The link with most to do: router and output port, and the cycles that it is taken. No run can be shorter."""

    router: int
    port: int
    load: float

    @classmethod
    def of(cls, loads: NDArray[Any]) -> BusiestLink:
        """Return the one with the largest load; [routers, ports]."""
        router, port = divmod(int(loads.argmax()), loads.shape[1])
        return cls(router, port, float(loads[router, port]))


def link_loads(fabric: Fabric, src: ArrayLike, dst: ArrayLike, flits: ArrayLike) -> NDArray[np.float64]:
    """Return the cycles that packets take each link, or its share if `flits` are rates; [routers, ports].

    Where there are several ways, packets count in equal parts on each.
    """
    start, end = fabric.home[np.asarray(src)], fabric.home[np.asarray(dst)]
    demand = np.zeros((fabric.routers, fabric.routers))
    np.add.at(demand, (start, end), np.asarray(flits, float))
    loads = np.zeros((fabric.routers, fabric.ports))
    np.add.at(loads, (end, fabric.home_port[np.asarray(dst)]), np.asarray(flits, float))
    for way in range(fabric.ways):
        for source, target, here in fabric.steps(way):
            np.add.at(loads, (here, fabric.route[way, here, target]), demand[source, target] / fabric.ways)
    return loads * fabric.interval


def busiest_link(fabric: Fabric, src: ArrayLike, dst: ArrayLike, flits: ArrayLike) -> BusiestLink:
    """Return the link that packets take longest."""
    return BusiestLink.of(link_loads(fabric, src, dst, flits))
