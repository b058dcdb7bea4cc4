"""The on-chip network as routers, circuits, a bus or a crossbar: its tables, and what its links are called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from aimcsim.network import HOST, Fabric, Mesh, bus, chip_row, crossbar, ring, torus
from aimcsim.network.fabric import BUS, LOCAL, NO_PORT

Topology = Literal["mesh", "torus", "ring", "bus", "crossbar"]


class ChipLink(NamedTuple):
    """A link between chips, in cycles of the network's clock: how long a flit is on it, and from one to the next."""

    cycles: int
    flit_cycles: int


class LinkName(NamedTuple):
    """What a link of the network is called, and where its records are: at a port of a router, or at a source."""

    path: str
    kind: str
    router: int
    port: int


def fabric_of(mesh: Mesh, topology: Topology, link_cycles: int, chip_link: ChipLink) -> Fabric:
    """Return the network of all chips, the host as the last endpoint.

    Raises
    ------
    ConfigError   If there are more routers than can be simulated.
    """
    if topology == "bus":
        return bus(mesh.tiles + 1, link_cycles=link_cycles)
    if topology == "crossbar":
        return crossbar(mesh.tiles + 1, link_cycles=link_cycles)
    if topology == "ring":
        return _with_host(ring(mesh.columns, tiles_per_router=mesh.tiles_per_router, link_cycles=link_cycles))
    if topology == "torus":
        each = mesh.tiles_per_router
        return _with_host(torus(mesh.columns, mesh.rows, tiles_per_router=each, link_cycles=link_cycles))
    return chip_row(
        mesh.columns,
        mesh.rows,
        tiles_per_router=mesh.tiles_per_router,
        chips=mesh.chips,
        host=True,
        link_cycles=link_cycles,
        chip_link_cycles=chip_link.cycles,
        chip_flit_cycles=chip_link.flit_cycles,
    )


def _with_host(fabric: Fabric) -> Fabric:
    """Return the same network with one more endpoint, at a port of its own of router 0."""
    ports = fabric.ports
    there = fabric.peer // ports * (ports + 1) + fabric.peer % ports
    none = np.full((fabric.routers, 1), NO_PORT, np.int32)
    one = np.ones_like(none)
    return replace(
        fabric,
        peer=np.hstack([np.where(fabric.peer < 0, NO_PORT, there), none]).astype(np.int32),
        latency=np.hstack([fabric.latency, one]),
        interval=np.hstack([fabric.interval, one]),
        home=np.append(fabric.home, 0).astype(np.int32),
        home_port=np.append(fabric.home_port, ports).astype(np.int32),
    )


def endpoint_of(fabric: Fabric, endpoint: int) -> int:
    """Return the number that an endpoint of a mesh has in the fabric."""
    return fabric.endpoints - 1 if endpoint == HOST else endpoint


def link_names(mesh: Mesh, fabric: Fabric) -> list[LinkName]:
    """Return all links: those from router to router and out of the network, then those into it."""
    if fabric.medium:
        return [LinkName(f"chip.{BUS}", "link", 0, LOCAL)]
    names = [HOST if one == fabric.endpoints - 1 else one for one in range(fabric.endpoints)]
    places = zip(fabric.home.tolist(), fabric.home_port.tolist(), strict=True)
    leaving = {place: mesh.name(names[endpoint]) for endpoint, place in enumerate(places)}
    entering = [LinkName(f"{mesh.name(name)}.inject", "link", -1, one) for one, name in enumerate(names)]
    return [*_between(mesh, fabric, leaving), *entering]


def _between(mesh: Mesh, fabric: Fabric, leaving: dict[tuple[int, int], str]) -> Iterator[LinkName]:
    for router in range(fabric.routers):
        for port in range(fabric.ports):
            peer = int(fabric.peer[router, port])
            if (router, port) in leaving:
                yield LinkName(f"{leaving[router, port]}.eject", "link", router, port)
            elif peer != NO_PORT and port < LOCAL:
                link = mesh.link(router, peer // fabric.ports)
                yield LinkName(link.name, "chip_link" if link.between_chips else "link", router, port)
