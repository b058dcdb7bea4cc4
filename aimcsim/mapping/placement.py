"""Giving every block a crossbar, in order, so that no converter bank ties a large layer to another.

Works on one long row of crossbars, tile after tile; a tile's crossbars are a whole number of converter banks. Which
tile comes first in that row is the arrangement's matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from aimcsim.mapping.blocks import BlockGrid
from aimcsim.mapping.packing import Item, pack
from aimcsim.mapping.policy import Pack
from aimcsim.spec.chip_file import ChipFile


@dataclass(frozen=True, slots=True)
class LayerShare:
    """The part of a layer on one tile: its crossbars read the same vector in lock-step, as one op.

    A layer has one share on a tile, or several where it has several replicas there or shares crossbars with others.

    Attributes
    ----------
    layer : name of the layer.
    tile : number of the tile.
    blocks : indices, within the layer, of the blocks it holds, ascending.
    crossbars : the crossbar of the tile that holds each of `blocks`; consecutive.
    bank : converter bank of the first of them, counted within the tile. The share either lies inside this bank or
        begins with it and has every bank that it touches to itself.
    replica : which replica of the layer it is part of.
    corner : row and column of the crossbar at which its one block begins, where others share the crossbar; columns are
        physical ones.
    """

    layer: str
    tile: int
    blocks: Sequence[int]
    crossbars: range
    bank: int
    replica: int = 0
    corner: tuple[int, int] = (0, 0)


class Part(NamedTuple):
    """Blocks of a replica of a layer."""

    layer: str
    replica: int
    blocks: Sequence[int]
    corner: tuple[int, int] = (0, 0)


class Piece(NamedTuple):
    """Crossbars that are placed as one run: a replica's own, one for each block, or one that several blocks share."""

    crossbars: int
    parts: tuple[Part, ...]


def pieces_of(grids: Mapping[str, BlockGrid], replicas: Mapping[str, int], chip: ChipFile, how: Pack) -> list[Piece]:
    """Return what is to be placed, in the order of the layers; layers that `replicas` does not name have one."""
    return packed_pieces(grids, replicas, chip) if how == "crossbar" else own_pieces(grids, replicas)


def own_pieces(grids: Mapping[str, BlockGrid], replicas: Mapping[str, int]) -> list[Piece]:
    """Return a piece for each replica of each layer, a crossbar for each block."""
    return [
        Piece(len(grid), (Part(layer, replica, range(len(grid))),))
        for layer, grid in grids.items()
        for replica in range(replicas.get(layer, 1))
    ]


def packed_pieces(grids: Mapping[str, BlockGrid], replicas: Mapping[str, int], chip: ChipFile) -> list[Piece]:
    """Return the pieces where blocks that leave room in a crossbar share it with others.

    What finds no company stays with the other blocks of its replica that have a crossbar to themselves; these are read
    in lock-step. A shared crossbar stands where the first layer that it holds does.
    """
    names = list(grids)
    left: list[Item] = []
    own: dict[tuple[int, int], list[int]] = {}
    for layer, grid in enumerate(grids.values()):
        full, items = _split_by_room(layer, grid, chip)
        for replica in range(replicas.get(names[layer], 1)):
            own[layer, replica] = list(full)
            left += [item._replace(replica=replica) for item in items]
    found: list[tuple[int, int, Piece]] = []
    for crossbar in pack(left, chip.tile.crossbar.rows, chip.tile.crossbar.cols):
        first = crossbar[0].item
        if len(crossbar) == 1:
            own[first.layer, first.replica].append(first.block)
            continue
        parts = (
            Part(names[item.layer], item.replica, range(item.block, item.block + 1), (place.row, place.col))
            for item, place in crossbar
        )
        found.append((min(item.layer for item, _ in crossbar), 1, Piece(1, tuple(parts))))
    for (layer, replica), blocks in own.items():
        if blocks:
            part = Part(names[layer], replica, as_range(sorted(blocks)))
            found.append((layer, 0, Piece(len(blocks), (part,))))
    return [piece for *_, piece in sorted(found, key=lambda one: one[:2])]


def _split_by_room(layer: int, grid: BlockGrid, chip: ChipFile) -> tuple[list[int], list[Item]]:
    """Return the blocks of a layer that fill their crossbar, and those that leave room, as items of replica 0."""
    columns = grid.columns(range(len(grid)))
    rows, cols = columns.groups * columns.rows, columns.groups * columns.cols
    # What is narrower than a weight is no room.
    full = (rows == chip.tile.crossbar.rows) & (cols == chip.weights_per_row)
    sides = zip(np.flatnonzero(~full).tolist(), rows[~full].tolist(), cols[~full].tolist(), strict=True)
    items = [Item(layer, 0, block, down, across * chip.cells_per_weight) for block, down, across in sides]
    return np.flatnonzero(full).tolist(), items


def as_range(blocks: Sequence[int]) -> Sequence[int]:
    """Return ascending numbers as a range where they are consecutive, else as a tuple."""
    whole = range(blocks[0], blocks[-1] + 1)
    return whole if len(whole) == len(blocks) else tuple(blocks)


def starts(counts: Iterable[int], bank: int) -> list[int]:
    """Return the first crossbar of each piece, for pieces of `counts` crossbars and banks of `bank` crossbars.

    A piece follows the one before directly if it fits into what is left of that one's last bank; otherwise it begins
    with the next bank. A piece of more than one bank leaves the rest of its last bank free. So several layers may share
    one bank, and a layer of several banks shares none: a conversion for another layer never holds up all of its banks.
    """
    first: list[int] = []
    position = 0
    for count in counts:
        if count > _left(position, bank):
            position += _left(position, bank) % bank
        first.append(position)
        position += count
        if count > bank:
            position += _left(position, bank) % bank
    return first


def crossbars_needed(counts: Sequence[int], bank: int) -> int:
    """Return how many crossbars pieces of `counts` take, with those that `starts` leaves free between them."""
    return starts(counts, bank)[-1] + counts[-1] if counts else 0


def shares(pieces: Sequence[Piece], tile_crossbars: int, bank: int) -> list[LayerShare]:
    """Give each piece its crossbars, in order, and split it by tiles; shares come in the order of the pieces."""
    first = starts([piece.crossbars for piece in pieces], bank)
    return [
        share
        for piece, start in zip(pieces, first, strict=True)
        for part in piece.parts
        for share in _split(part, start, piece.crossbars, tile_crossbars, bank)
    ]


def _split(part: Part, first: int, count: int, tile_crossbars: int, bank: int) -> Iterator[LayerShare]:
    """Yield the shares of a part whose `count` crossbars begin with `first` on the long row of all."""
    for tile in range(first // tile_crossbars, (first + count - 1) // tile_crossbars + 1):
        origin = tile * tile_crossbars
        begin, end = max(first, origin), min(first + count, origin + tile_crossbars)
        crossbars, blocks = range(begin - origin, end - origin), as_range(part.blocks[begin - first : end - first])
        yield LayerShare(part.layer, tile, blocks, crossbars, crossbars.start // bank, part.replica, part.corner)


def _left(position: int, bank: int) -> int:
    """Return how many crossbars from `position` on belong to its bank."""
    return bank - position % bank
