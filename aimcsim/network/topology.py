"""A mesh of routers with tiles at each, on one chip or on several in a row, and dimension-order routes over it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

HOST = -1
"""The endpoint outside the chips; it is joined to router 0."""


class Link(NamedTuple):
    """A directed link; ends are routers, or an endpoint where a packet enters or leaves the network."""

    name: str
    routers_before: int
    """Routers that a head passes just before it enters this link."""
    between_chips: bool = False


@dataclass(frozen=True, slots=True)
class Mesh:
    """A two-dimensional mesh on each of `chips` chips.

    Tiles are numbered router by router, row by row, chip by chip: tile t sits at router ``t // tiles_per_router``, and
    router r of a chip at column ``r % columns`` of row ``r // columns``. Routes go along the row first, then along the
    column. Chips stand in a row: the last router of the first row of one is joined to the first router of the next, and
    whatever goes further passes through the chips between.
    """

    columns: int
    rows: int
    tiles_per_router: int = 1
    chips: int = 1

    @property
    def tiles_per_chip(self) -> int:
        """Tiles of one chip."""
        return self._routers * self.tiles_per_router

    @property
    def tiles(self) -> int:
        """Tiles of all chips."""
        return self.chips * self.tiles_per_chip

    @property
    def _routers(self) -> int:
        return self.columns * self.rows

    def router_of(self, endpoint: int) -> int:
        """Return the router, counted over all chips, that a tile, or the host, is joined to."""
        return 0 if endpoint == HOST else endpoint // self.tiles_per_router

    def path(self, source: int, target: int) -> list[int]:
        """Return the routers that a packet passes, first to last."""
        here, last = self.router_of(source), self.router_of(target)
        chip, to_chip = here // self._routers, last // self._routers
        routers: list[int] = []
        while chip != to_chip:
            onward = chip + 1 if to_chip > chip else chip - 1
            routers += self._within(here, self._gate(chip, onward))
            here, chip = self._gate(onward, chip), onward
        return routers + self._within(here, last)

    def _gate(self, chip: int, other: int) -> int:
        """Return the router of a chip that is joined to a chip beside it."""
        return chip * self._routers + (self.columns - 1 if other > chip else 0)

    def _within(self, here: int, last: int) -> list[int]:
        """Return the routers from one to another of the same chip."""
        routers = [here]
        while here != last:
            column, row = self._place(here)
            to_column, to_row = self._place(last)
            if column != to_column:
                here += 1 if to_column > column else -1
            else:
                here += self.columns if to_row > row else -self.columns
            routers.append(here)
        return routers

    def _place(self, router: int) -> tuple[int, int]:
        """Return column and row of a router on its chip."""
        row, column = divmod(router % self._routers, self.columns)
        return column, row

    def hops(self, source: ArrayLike, target: ArrayLike) -> NDArray[np.int64]:
        """Return the links from router to router on the way between endpoints, for arrays of them.

        Entering and leaving the network count nothing, a link between chips counts as one.
        """
        ends = (np.maximum(np.asarray(end, dtype=np.int64), 0) for end in (source, target))
        routers = (end // self.tiles_per_router for end in ends)
        (chip, row, column), (to_chip, to_row, to_column) = (
            (router // self._routers, router % self._routers // self.columns, router % self.columns)
            for router in routers
        )
        along = np.abs((chip * self.columns + column) - (to_chip * self.columns + to_column))
        # From one chip to another the way leads over the first rows.
        return np.asarray(along + np.where(chip == to_chip, np.abs(row - to_row), row + to_row), dtype=np.int64)

    def route(self, source: int, target: int) -> list[Link]:
        """Return the links that a packet takes: into the network, from router to router, out to the endpoint."""
        routers = self.path(source, target)
        entry = Link(f"{self.name(source)}.inject", 0)
        hops = [self.link(here, there) for here, there in pairwise(routers)]
        return [entry, *hops, Link(f"{self.name(target)}.eject", 1)]

    def router_name(self, router: int) -> str:
        """Return the path of a router, counted over all chips."""
        chip, within = divmod(router, self._routers)
        return f"{self._chip(chip)}.router[{within}]"

    def link(self, here: int, there: int) -> Link:
        """Return the link from a router to another one beside it."""
        (chip, router), (to_chip, to_router) = divmod(here, self._routers), divmod(there, self._routers)
        if chip == to_chip:
            return Link(f"{self._chip(chip)}.router[{router}].link[{to_router}]", 1)
        return Link(f"{self._chip(chip)}.chip_link[{to_chip}]", 1, between_chips=True)

    def name(self, endpoint: int) -> str:
        """Return the path of a tile or of the host; the chip has a number where there are several."""
        if endpoint == HOST:
            return "host"
        chip, tile = divmod(endpoint, self.tiles_per_chip)
        return f"{self._chip(chip)}.tile[{tile}]"

    def _chip(self, chip: int) -> str:
        return "chip" if self.chips == 1 else f"chip[{chip}]"
