"""A mesh of routers with tiles at each, and dimension-order routes over it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

HOST = -1
"""The endpoint outside the chip; it is joined to router 0."""


class Link(NamedTuple):
    """A directed link; ends are routers, or an endpoint where a packet enters or leaves the network."""

    name: str
    routers_before: int
    """Routers that a head passes just before it enters this link."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """A two-dimensional mesh.

    Tiles are numbered router by router, row by row: tile t sits at router ``t // tiles_per_router``, router r at column
    ``r % columns`` of row ``r // columns``. Routes go along the row first, then along the column.
    """

    columns: int
    rows: int
    tiles_per_router: int = 1

    def router_of(self, endpoint: int) -> int:
        """Return the router that a tile, or the host, is joined to."""
        return 0 if endpoint == HOST else endpoint // self.tiles_per_router

    def path(self, source: int, target: int) -> list[int]:
        """Return the routers that a packet passes, first to last."""
        here, last = self.router_of(source), self.router_of(target)
        routers = [here]
        while here != last:
            column, row = here % self.columns, here // self.columns
            to_column, to_row = last % self.columns, last // self.columns
            if column != to_column:
                here += 1 if to_column > column else -1
            else:
                here += self.columns if to_row > row else -self.columns
            routers.append(here)
        return routers

    def route(self, source: int, target: int) -> list[Link]:
        """Return the links that a packet takes: into the network, from router to router, out to the endpoint."""
        routers = self.path(source, target)
        entry = Link(f"{endpoint_name(source)}.inject", 0)
        hops = [Link(f"chip.router[{here}].link[{there}]", 1) for here, there in pairwise(routers)]
        return [entry, *hops, Link(f"{endpoint_name(target)}.eject", 1)]


def endpoint_name(endpoint: int) -> str:
    """Return the path of a tile or of the host."""
    return "host" if endpoint == HOST else f"chip.tile[{endpoint}]"
