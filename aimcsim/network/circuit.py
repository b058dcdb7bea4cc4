"""Circuits: a packet takes all links of its way at once, and gives them back together.

So work a bus and a crossbar switch, whose ways are one link and two, and the circuit-switched meshes of analog fabrics.
Nobody keeps a link while waiting for another one, so nothing can lock up; there are no buffers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.network.engine import CarryingNetwork, Circuit, LinkRecords
from aimcsim.network.fabric import Fabric


class CircuitNetwork(CarryingNetwork):
    """Links and packets; who waits takes nothing.

    A source asks for the way of one packet at a time: the first when it is created, the next when the one before has
    left. Who asks first is first on every link of its way, and of those of one cycle the packet with the lower number.
    """

    def __init__(self, fabric: Fabric, circuit: Circuit | None = None) -> None:
        circuit = Circuit() if circuit is None else circuit
        tables = _kernels.CircuitTables(
            route=fabric.route,
            next_router=fabric.next_router,
            latency=fabric.latency,
            interval=fabric.interval,
            home=fabric.home,
            home_port=fabric.home_port,
            medium=fabric.medium,
            setup_cycles=circuit.setup_cycles,
            router_cycles=circuit.router_cycles,
            hold_cycles=circuit.hold_cycles,
        )
        super().__init__(fabric, circuit, _kernels.circuit_network()(tables))

    def links(self) -> LinkRecords:
        """Return what links did so far; from the set-up of a circuit to its end all its links are busy."""
        ports = self.fabric.peer.size
        table = self._kernel.links()
        flits, busy, link_wait = (column.reshape(self.fabric.peer.shape) for column in table[:ports].T)
        sent, taken, _ = table[ports:].T
        none = np.zeros_like(flits)
        return LinkRecords(flits, busy, link_wait, none, none[:, 0], sent, np.zeros_like(sent), taken)

    def busy(self) -> NDArray[np.int64]:
        """Return the cycles that each link was taken so far: those at all ports, then those from endpoints; flat."""
        links = self.links()
        return np.append(links.busy, links.inject_busy)
