"""What a network is made of: routers, the links between their ports, endpoints, and a routing table.

Both engines read the same `Fabric`. `mesh`, `torus`, `ring` and `chip_row` make those with dimension-order routes;
`Fabric.routed` gives any of them another table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import ConfigError

EAST, WEST, SOUTH, NORTH, LOCAL = range(5)
"""Ports of a router: along the row, along the column, and the first of those to endpoints."""
DIMENSIONS = (0, 0, 1, 1)
NO_PORT = -1
BUS = "bus"
"""What the one link of a bus is called."""
MOST_ROUTERS = 1024
MOST_TILES_PER_ROUTER = 32
MOST_ENDPOINTS = MOST_ROUTERS * MOST_TILES_PER_ROUTER
MOST_LINK_CYCLES = 65536

Table = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Fabric:
    """Routers, links, endpoints and routes, as tables. Router r of a mesh sits at column ``r % columns``.

    Its tables never change, and it is equal to itself alone.

    Parameters
    ----------
    name : str                           What it is, for people.
    peer : int32 [routers, ports]        Input port that an output feeds (router * ports + port), or -1.
    latency : int32 [routers, ports]     Cycles that a flit is on the link, at least 1.
    interval : int32 [routers, ports]    Cycles from one flit on the link to the next, at least 1.
    home, home_port : int32 [endpoints]  Router and port that each endpoint is joined to.
    route : uint8 [ways, routers, routers]  Output port from a router towards the router of the target, for each of 1, 2
                                            or 4 ways of one length; a packet takes one of them by its number.
    upper : uint8 [ways, routers, routers]  Of a packet from one router to another: bit d is set if it has the upper
                                            class of virtual channels in dimension d.
    classes : bool                       Whether there are two classes (needed where links form rings).
    medium : bool                        Whether all endpoints share the one link that they are joined to: a bus.
    """

    name: str
    peer: Table
    latency: Table
    interval: Table
    home: Table
    home_port: Table
    route: NDArray[np.uint8]
    upper: NDArray[np.uint8]
    classes: bool = False
    medium: bool = False

    @property
    def routers(self) -> int:
        """How many routers there are."""
        return len(self.peer)

    @property
    def ports(self) -> int:
        """Ports of each router, connected or not."""
        return int(self.peer.shape[1])

    @property
    def endpoints(self) -> int:
        """How many endpoints there are."""
        return len(self.home)

    @cached_property
    def dimension(self) -> NDArray[np.uint8]:
        """Dimension that the links of each port belong to."""
        return np.array([*DIMENSIONS, *[0] * self.ports][: self.ports], np.uint8)

    @cached_property
    def next_router(self) -> Table:
        """Router that follows on each way from each router to each other; to itself, itself."""
        here = np.arange(self.routers)[:, None]
        peer = self.peer[here, np.minimum(self.route, self.ports - 1)]
        return np.where(here == here.T, here, np.where(peer < 0, -1, peer // self.ports)).astype(np.int32)

    @property
    def ways(self) -> int:
        """How many ways there are."""
        return len(self.route)

    def link_name(self, router: int, port: int) -> str:
        """Return what the link at an output port is called in tables."""
        if self.medium:
            return BUS
        if port >= LOCAL:
            ends = np.flatnonzero((self.home == router) & (self.home_port == port))
            return f"router[{router}].eject[{ends[0]}]" if ends.size else f"router[{router}].port[{port}]"
        return f"router[{router}].link[{int(self.peer[router, port]) // self.ports}]"

    def place_name(self, place: int) -> str:
        """Return what a link is called that is numbered with all others: ports first, then links from endpoints."""
        if place < self.peer.size:
            return self.link_name(*divmod(place, self.ports))
        endpoint = place - self.peer.size
        return f"router[{self.home[endpoint]}].inject[{endpoint}]"

    def path(self, source: int, target: int, way: int = 0) -> list[tuple[int, int]]:
        """Return the output ports, as (router, port), that a packet from one endpoint to another takes."""
        here, last = int(self.home[source]), int(self.home[target])
        taken = []
        while here != last:
            taken.append((here, int(self.route[way, here, last])))
            here = int(self.next_router[way, here, last])
        return [*taken, (last, int(self.home_port[target]))]

    def steps(self, way: int = 0) -> Iterator[tuple[Table, Table, Table]]:
        """Walk all routes of a way at once: yield, for those not there yet, source, target and present router."""
        source, target = (ends.ravel().astype(np.int32) for ends in np.indices((self.routers, self.routers)))
        here = source
        for _ in range(self.routers + 1):
            going = here != target
            if not going.any():
                return
            source, target, here = source[going], target[going], here[going]
            yield source, target, here
            here = self.next_router[way, here, target]
            if (here < 0).any():
                lost = int(np.flatnonzero(here < 0)[0])
                raise ConfigError(
                    f"the routing table of {self.name} leads from router {source[lost]} towards "
                    f"{target[lost]} out of a port without a link"
                )
        raise ConfigError(
            f"the routing table of {self.name} leads packets from router {source[0]} to {target[0]} in a circle"
        )

    def routed(self, route: NDArray[np.uint8], upper: NDArray[np.uint8] | None = None) -> Fabric:
        """Return the same network with other routes, which must arrive and must not be able to lock each other.

        Raises
        ------
        ConfigError
            If the table has another shape, a route does not arrive, or routes wait for each other in a circle.
        """
        count = self.routers
        if route.shape != (count, count):
            raise ConfigError(f"the routing table must be of {count} x {count} routers (got {route.shape})")
        classes = np.zeros_like(route) if upper is None else upper
        other = replace(self, route=np.array([route], np.uint8), upper=np.array([classes], np.uint8))
        other.check_routes()
        return other

    def check_routes(self) -> None:
        """Refuse routes that do not arrive, and those that can wait for each other in a circle.

        A packet holds a link while it waits for the next one of its way; if these pairs of links have no circle, then
        no packets ever do. Links count once for each class of virtual channels.

        Raises
        ------
        ConfigError
        """
        follows = set[tuple[int, int]]().union(*map(self._follows, range(self.ways)))
        if circle := find_circle(follows):
            names = " -> ".join(self.link_name(*divmod(link // 2, self.ports)) for link in circle)
            raise ConfigError(f"the routing table of {self.name} can deadlock: {names}")

    def _follows(self, way: int) -> set[tuple[int, int]]:
        """Return which links follow each other on any route of a way, each as 2 (router x ports + port) + class."""
        follows: set[tuple[int, int]] = set()
        before = np.full((self.routers, self.routers), -1, np.int64)
        for source, target, here in self.steps(way):
            port = self.route[way, here, target].astype(np.int64)
            upper = self.upper[way, source, target] >> self.dimension[port] & 1 if self.classes else 0
            link = (here * self.ports + port) * 2 + upper
            last = before[source, target]
            follows.update(zip(last[last >= 0].tolist(), link[last >= 0].tolist(), strict=True))
            before[source, target] = link
        return follows


def find_circle(follows: set[tuple[int, int]]) -> list[int]:
    """Return the nodes of a circle of directed edges, or nothing if there is none."""
    after: dict[int, set[int]] = {}
    for one, other in follows:
        after.setdefault(one, set()).add(other)
    while leaves := [one for one, others in after.items() if not others & after.keys()]:
        for one in leaves:
            del after[one]
    walk: list[int] = [min(after)] if after else []
    while walk and walk[-1] not in walk[:-1]:
        walk.append(min(after[walk[-1]] & after.keys()))
    return walk[walk.index(walk[-1]) :] if walk else []


def mesh(columns: int, rows: int, *, tiles_per_router: int = 1, link_cycles: int = 1) -> Fabric:
    """Return a mesh, along the row first; with several tiles at each router it is called concentrated."""
    _check_sizes(columns, rows, tiles_per_router, link_cycles)
    name = (
        f"{columns}x{rows} mesh" if tiles_per_router == 1 else f"{columns}x{rows} mesh of {tiles_per_router} tiles each"
    )
    return _lattice(name, columns, rows, tiles_per_router, link_cycles, wrapped=False)


def torus(columns: int, rows: int, *, tiles_per_router: int = 1, link_cycles: int = 2) -> Fabric:
    """Return a torus, the shorter way along the row first; a link takes two cycles, as in a folded layout.

    Where both directions are as long, a packet takes either by its number, in each dimension by itself. One that goes
    to a lower column (row) than its own has the upper half of the virtual channels in that dimension, as in BookSim2.
    """
    _check_sizes(columns, rows, tiles_per_router, link_cycles)
    return _lattice(f"{columns}x{rows} torus", columns, rows, tiles_per_router, link_cycles, wrapped=True)


def ring(routers: int, *, tiles_per_router: int = 1, link_cycles: int = 2) -> Fabric:
    """Return a ring: a torus of one row."""
    _check_sizes(routers, 1, tiles_per_router, link_cycles)
    return _lattice(f"ring of {routers}", routers, 1, tiles_per_router, link_cycles, wrapped=True)


def bus(endpoints: int, *, link_cycles: int = 1) -> Fabric:
    """Return a bus: one link that all endpoints send over, in `link_cycles` from any to any."""
    return _star(f"bus of {endpoints}", endpoints, np.zeros(endpoints, np.int32), link_cycles, medium=True)


def crossbar(endpoints: int, *, link_cycles: int = 1) -> Fabric:
    """Return a crossbar switch: a link from each endpoint into it, and one to each endpoint out of it."""
    return _star(f"crossbar of {endpoints}", endpoints, np.arange(endpoints, dtype=np.int32), link_cycles, medium=False)


def _star(name: str, endpoints: int, ports: Table, link_cycles: int, *, medium: bool) -> Fabric:
    """Return endpoints around one switch, each at one of its ports."""
    if not 1 <= endpoints <= MOST_ENDPOINTS:
        raise ConfigError(f"a bus or crossbar has 1 to {MOST_ENDPOINTS} endpoints (got {endpoints})")
    _check_cycles("a link", link_cycles)
    peer = np.full((1, LOCAL + int(ports[-1]) + 1), NO_PORT, np.int32)
    way = np.zeros((1, 1, 1), np.uint8)
    return Fabric(
        name,
        peer,
        np.full_like(peer, link_cycles),
        np.ones_like(peer),
        np.zeros(endpoints, np.int32),
        LOCAL + ports,
        way,
        way,
        medium=medium,
    )


def chip_row(
    columns: int,
    rows: int,
    *,
    tiles_per_router: int = 1,
    chips: int = 1,
    host: bool = False,
    link_cycles: int = 1,
    chip_link_cycles: int = 1,
    chip_flit_cycles: int = 1,
) -> Fabric:
    """Return equal meshes in a row, joined as `topology.Mesh` says, the host as the last endpoint at router 0.

    Parameters
    ----------
    chip_link_cycles : int   Cycles that a flit is on its way from chip to chip.
    chip_flit_cycles : int   Cycles between one flit and the next there.
    """
    _check_sizes(columns, rows * chips, tiles_per_router, link_cycles)
    _check_cycles("a link between chips", chip_link_cycles)
    _check_cycles("a flit between chips", chip_flit_cycles)
    one = mesh(columns, rows, tiles_per_router=tiles_per_router, link_cycles=link_cycles)
    each, ports = one.routers, one.ports + int(host)
    peer = np.full((chips * each, ports), NO_PORT, np.int32)
    latency, interval = np.full_like(peer, link_cycles), np.ones_like(peer)
    for chip in range(chips):
        there = np.where(one.peer < 0, NO_PORT, (one.peer // one.ports + chip * each) * ports + one.peer % one.ports)
        peer[chip * each : (chip + 1) * each, : one.ports] = there
    for chip in range(chips - 1):
        gate, entry = chip * each + columns - 1, (chip + 1) * each
        peer[gate, EAST], peer[entry, WEST] = entry * ports + WEST, gate * ports + EAST
        for link in ((gate, EAST), (entry, WEST)):
            latency[link], interval[link] = chip_link_cycles, chip_flit_cycles
    tiles = np.arange(chips * each * tiles_per_router)
    home = np.append(tiles // tiles_per_router, [0] * host).astype(np.int32)
    home_port = np.append(LOCAL + tiles % tiles_per_router, [LOCAL + tiles_per_router] * host).astype(np.int32)
    route = _chip_routes(one, columns, chips)
    name = one.name if chips == 1 else f"{chips} chips of {one.name}"
    return Fabric(name, peer, latency, interval, home, home_port, route[None], np.zeros_like(route)[None])


def _chip_routes(one: Fabric, columns: int, chips: int) -> NDArray[np.uint8]:
    """Return the routes over several chips: to the gate of the chip, over its link, and on."""
    route = np.tile(one.route[0], (chips, chips))
    chip, within = np.divmod(np.arange(chips * one.routers), one.routers)
    here, last = chip[:, None], chip[None, :]
    east = np.where(within == columns - 1, EAST, one.route[0, within, columns - 1])[:, None]
    west = np.where(within == 0, WEST, one.route[0, within, 0])[:, None]
    return np.where(last > here, east, np.where(last < here, west, route)).astype(np.uint8)


def _lattice(name: str, columns: int, rows: int, tiles: int, link_cycles: int, *, wrapped: bool) -> Fabric:
    """Return a mesh or a torus."""
    routers, ports = columns * rows, LOCAL + tiles
    row, column = np.divmod(np.arange(routers), columns)
    peer = np.full((routers, ports), NO_PORT, np.int32)
    for port, back, along, size, pitch, step in (
        (EAST, WEST, column, columns, 1, 1),
        (WEST, EAST, column, columns, 1, -1),
        (SOUTH, NORTH, row, rows, columns, 1),
        (NORTH, SOUTH, row, rows, columns, -1),
    ):
        to = along + step
        there = np.arange(routers) + (to % size - along) * pitch
        joined = (size > 1) & (wrapped | ((to >= 0) & (to < size)))
        peer[:, port] = np.where(joined, there * ports + back, NO_PORT)
    routes, uppers = [], []
    for tie_along, tie_down in product((1, -1), repeat=2) if wrapped else [(1, 1)]:
        onward, lower = _directions(column, columns, tie_along, wrapped=wrapped)
        downward, lower_down = _directions(row, rows, tie_down, wrapped=wrapped)
        routes.append(np.where(onward != 0, np.where(onward > 0, EAST, WEST), np.where(downward > 0, SOUTH, NORTH)))
        uppers.append(lower + 2 * lower_down)
    endpoints = np.arange(routers * tiles)
    return Fabric(
        name,
        peer,
        np.full_like(peer, link_cycles),
        np.ones_like(peer),
        (endpoints // tiles).astype(np.int32),
        (LOCAL + endpoints % tiles).astype(np.int32),
        np.array(routes, np.uint8),
        np.array(uppers, np.uint8),
        classes=wrapped,
    )


def _directions(
    place: NDArray[np.int64], size: int, tie: int, *, wrapped: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return for each pair of places the direction to go in, 1, 0 or -1, and on a torus whether to a lower place."""
    here, to = place[:, None], place[None, :]
    ahead = to - here
    if not wrapped:
        return np.sign(ahead), np.zeros(ahead.shape, bool)
    distance = ahead % size
    up = (2 * distance < size) | ((2 * distance == size) & (tie > 0))
    direction = np.where(distance == 0, 0, np.where(up, 1, -1))
    return direction, ahead < 0


def _check_sizes(columns: int, rows: int, tiles_per_router: int, link_cycles: int) -> None:
    if columns < 1 or rows < 1:
        raise ConfigError(f"a network needs at least one column and one row of routers (got {columns}x{rows})")
    if columns * rows > MOST_ROUTERS:
        raise ConfigError(f"a network has at most {MOST_ROUTERS} routers (got {columns}x{rows} = {columns * rows})")
    if not 1 <= tiles_per_router <= MOST_TILES_PER_ROUTER:
        raise ConfigError(f"a router has 1 to {MOST_TILES_PER_ROUTER} tiles (got {tiles_per_router})")
    _check_cycles("a link", link_cycles)


def _check_cycles(what: str, cycles: int) -> None:
    if not 1 <= cycles <= MOST_LINK_CYCLES:
        raise ConfigError(f"{what} takes 1 to {MOST_LINK_CYCLES} cycles (got {cycles})")
