"""Who passes on what several tiles need, and where partial sums of several tiles are added: straight, or by trees.

A tree follows the routes of the network. What a tile gets comes from the last tile before it on the route from the
source; what it gives goes to the next one on the route to where it is wanted. So nothing takes a longer way than by
itself. Of several tiles at a router one stands for all: the first, or the root of the tree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from aimcsim.mapping.blocks import OutputBlock
from aimcsim.network import HOST, Fabric, Mesh, ring, torus
from aimcsim.spec.chip_file import Network

Outputs = Mapping[OutputBlock, int]
"""Blocks of outputs, and how many outputs each has."""


class Trees:
    """The trees over the tiles of a chip, or of several, as `network.multicast` and `network.reduction` ask for.

    Parameters
    ----------
    network : Network   Of the chip file.
    mesh : Mesh         Where the tiles are.
    """

    def __init__(self, network: Network, mesh: Mesh) -> None:
        self._network = network
        self._mesh = mesh
        self._wrapped = None if network.topology == "mesh" else _wrapped(network, mesh)

    def multicast(self, source: int, tiles: Collection[int]) -> dict[int, int]:
        """Return from which endpoint each of `tiles` gets what comes from `source`, which is none of them.

        In a tree, what comes from the host goes to the tile that is nearest to it, and from there to all others.
        """
        if self._network.multicast == "copies" or not tiles:
            return dict.fromkeys(tiles, source)
        root = source if source != HOST else min(tiles, key=lambda tile: (len(self._routers(HOST, tile)), tile))
        others = [tile for tile in tiles if tile != root]
        heads = self._heads(root, others)
        found = {} if root == source else {root: source}
        return found | {tile: next(_passed(tile, heads, self._routers(root, tile)[::-1])) for tile in others}

    def reduction(self, home: int, outputs: Mapping[int, Outputs]) -> dict[int, int]:
        """Return for each tile but `home` the tile that adds its partial sums to others, the farthest tile first.

        Partial sums that stop over at a tile leave the network and enter it once more, and over the links that are left
        to go, those of the same outputs go as one. In a tree they are added at the next tile on the way home at which
        that moves no more numbers over links; where there is none, at home.
        """
        away = [tile for tile in outputs if tile != home]
        if self._network.reduction == "star":
            return dict.fromkeys(away, home)
        heads, ways = self._heads(home, away), {tile: self._routers(tile, home) for tile in away}
        held: dict[int, Outputs] = {home: {}, **outputs}
        found: dict[int, int] = {}
        for tile in sorted(away, key=lambda tile: (-len(ways[tile]), heads[ways[tile][0]] == tile, tile)):
            on_way = (one for one in _passed(tile, heads, ways[tile]) if one != home)
            pays = (one for one in on_way if _saved(held[tile], held[one], 1 + len(ways[one])) >= 0)
            found[tile] = next(pays, home)
            held[found[tile]] = {**held[found[tile]], **held[tile]}
        return found

    def _heads(self, root: int, tiles: Iterable[int]) -> dict[int, int]:
        """Return the tile that stands for all at each router that has some."""
        heads = {self._mesh.router_of(tile): tile for tile in sorted(tiles, reverse=True)}
        return heads | {self._mesh.router_of(root): root}

    def _routers(self, source: int, target: int) -> list[int]:
        """Return the routers of a way; of several that are as long, the first."""
        if self._wrapped is None:
            return self._mesh.path(source, target)
        return [router for router, _ in self._wrapped.path(max(source, 0), max(target, 0))]


def _wrapped(network: Network, mesh: Mesh) -> Fabric:
    """Return a network whose rows (and columns) are rings."""
    if network.topology == "ring":
        return ring(mesh.columns, tiles_per_router=mesh.tiles_per_router)
    return torus(mesh.columns, mesh.rows, tiles_per_router=mesh.tiles_per_router)


def _saved(coming: Outputs, there: Outputs, links: int) -> int:
    """Return how many numbers less cross a link if partial sums stop over at a tile so many links from home."""
    common = sum(count for block, count in coming.items() if block in there)
    return common * links - 2 * sum(coming.values())


def _passed(tile: int, heads: Mapping[int, int], routers: Sequence[int]) -> Iterator[int]:
    """Yield the heads of the routers that a tile's way passes, its own among them if it is another tile."""
    return (heads[router] for router in routers if router in heads and heads[router] != tile)
