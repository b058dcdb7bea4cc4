"""Which tile comes when: the order in which tiles are filled, or the one in which bytes travel few hops.

A placement fills *positions*, tile after tile; an arrangement says which tile of the chips each position is. It changes
where things are and nothing about them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aimcsim.mapping.policy import Placement
from aimcsim.mapping.traffic import Flow
from aimcsim.network import HOST, Mesh

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_SWEEPS = 30
"""Times that the local search may look at every position; it seldom takes a third of them."""


def arrange(placement: Placement, positions: int, moved: Sequence[Flow], mesh: Mesh, seed: int) -> list[int]:
    """Return the tile of each of the first `positions` positions.

    Parameters
    ----------
    placement : str          See `MappingPolicy`.
    moved : sequence of Flow Between positions; looked at for ``traffic`` only.
    seed : int               Of the order in which the local search looks at positions.
    """
    if placement == "in-order":
        return list(range(positions))
    if placement == "snake":
        return snake(mesh)[:positions]
    search = _Search(positions, moved, mesh)
    begins = [np.arange(positions), np.array(snake(mesh)[:positions], dtype=np.int64), search.greedy()]
    best = min((search.improved(begin, seed) for begin in begins), key=search.cost)
    tiles: list[int] = best.tolist()
    return tiles


def snake(mesh: Mesh) -> list[int]:
    """Return all tiles, router rows in turn to the right and to the left, chip by chip."""
    routers = np.arange(mesh.columns * mesh.rows).reshape(mesh.rows, mesh.columns)
    routers[1::2] = routers[1::2, ::-1].copy()
    within = (routers.ravel()[:, None] * mesh.tiles_per_router + np.arange(mesh.tiles_per_router)).ravel()
    tiles: list[int] = (np.arange(mesh.chips)[:, None] * mesh.tiles_per_chip + within).ravel().tolist()
    return tiles


class _Search:
    """Positions with the bytes between them, to be given tiles so that bytes times hops are few.

    Every candidate's cost is found for all tiles at once, so a sweep takes positions x (flows + tiles) steps.
    """

    def __init__(self, positions: int, moved: Sequence[Flow], mesh: Mesh) -> None:
        ends = np.array([flow[:2] for flow in moved], dtype=np.int64).reshape(-1, 2)
        sizes = np.array([flow.size_bytes for flow in moved], dtype=np.float64)
        outside = (ends == HOST).any(axis=1)
        self._mesh = mesh
        self._tiles = np.arange(mesh.tiles)
        self._host = np.bincount(ends[outside].max(axis=1, initial=0), sizes[outside], positions)
        inside, weights = ends[~outside], sizes[~outside]
        both = np.concatenate([inside, inside[:, ::-1]])
        order = np.argsort(both[:, 0], kind="stable")
        self._from, self._to = both[order].T
        self._bytes: Floats = np.concatenate([weights, weights])[order]
        self._begin = np.searchsorted(self._from, np.arange(positions + 1))
        self._to_host: Floats = mesh.hops(HOST, self._tiles).astype(np.float64)

    def cost(self, tiles: Ints) -> float:
        """Return the bytes times hops of an arrangement."""
        between = np.dot(self._bytes, self._mesh.hops(tiles[self._from], tiles[self._to])) / 2
        return float(between + np.dot(self._host, self._to_host[tiles]))

    def greedy(self) -> Ints:
        """Return an arrangement that gives the position with most bytes to those placed its best free tile, in turn."""
        count = len(self._host)
        tiles, bound = np.full(count, -1, dtype=np.int64), self._host.copy()
        free = np.ones(len(self._tiles), dtype=bool)
        for _ in range(count):
            position = int(np.argmax(np.where(tiles < 0, bound, -1.0)))
            cost = np.where(free, self._at_every_tile(position, tiles), np.inf)
            tiles[position] = int(np.argmin(cost))
            free[tiles[position]] = False
            partners = slice(*self._begin[position : position + 2])
            np.add.at(bound, self._to[partners], self._bytes[partners])
        return tiles

    def improved(self, tiles: Ints, seed: int) -> Ints:
        """Return an arrangement in which no position gains by moving to another tile or changing with another."""
        tiles, rng = tiles.copy(), np.random.default_rng(seed)
        for _ in range(MOST_SWEEPS):
            moves = [self._move(int(position), tiles) for position in rng.permutation(len(tiles))]
            if not any(moves):
                break
        return tiles

    def _move(self, position: int, tiles: Ints) -> bool:
        """Give a position the tile that gains most, if one does; whoever has that tile gets the old one."""
        old = tiles[position]
        change = self._at_every_tile(position, tiles)
        change -= change[old]
        distances = self._mesh.hops(old, self._tiles).astype(np.float64)
        change[tiles] += self._at_one_tile(distances, tiles) - self._now(tiles)
        # A pair that changes places stays as far apart; both halves have counted that as none.
        partners = slice(*self._begin[position : position + 2])
        theirs = tiles[self._to[partners]]
        np.add.at(change, theirs, 2 * self._bytes[partners] * distances[theirs])
        change[old] = 0
        best = int(np.argmin(change))
        if change[best] >= 0:
            return False
        tiles[tiles == best] = old
        tiles[position] = best
        return True

    def _at_every_tile(self, position: int, tiles: Ints) -> Floats:
        """Return the cost of a position at every tile, all others being where they are (or nowhere yet)."""
        partners = slice(*self._begin[position : position + 2])
        theirs, sizes = tiles[self._to[partners]], self._bytes[partners]
        placed = theirs >= 0
        hops = self._mesh.hops(theirs[placed][:, None], self._tiles[None, :])
        cost: Floats = sizes[placed] @ hops + self._host[position] * self._to_host
        return cost

    def _at_one_tile(self, distances: Floats, tiles: Ints) -> Floats:
        """Return the cost of every position at one tile, whose `distances` to all tiles are given."""
        here = int(np.argmin(distances))
        sums = np.bincount(self._from, self._bytes * distances[tiles[self._to]], len(tiles))
        cost: Floats = sums + self._host * self._to_host[here]
        return cost

    def _now(self, tiles: Ints) -> Floats:
        """Return the cost of every position where it is."""
        hops = self._mesh.hops(tiles[self._from], tiles[self._to])
        sums = np.bincount(self._from, self._bytes * hops, len(tiles))
        cost: Floats = sums + self._host * self._to_host[tiles]
        return cost
