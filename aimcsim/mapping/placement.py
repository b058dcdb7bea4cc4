"""Giving every block a crossbar, in order, so that no converter bank ties a large layer to another.

Works on one long row of crossbars, tile after tile; a tile's crossbars are a whole number of converter banks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerShare:
    """The part of a layer on one tile: its crossbars read the same vector in lock-step, as one op.

    Attributes
    ----------
    layer : name of the layer.
    tile : number of the tile.
    blocks : indices, within the layer, of the blocks it holds; consecutive.
    crossbars : the crossbar of the tile that holds each of `blocks`; consecutive.
    bank : converter bank of the first of them, counted within the tile. The share either lies inside this bank or
        begins with it and has every bank that it touches to itself.
    """

    layer: str
    tile: int
    blocks: range
    crossbars: range
    bank: int


def starts(counts: Iterable[int], bank: int) -> list[int]:
    """Return the first crossbar of each layer, for layers of `counts` blocks and banks of `bank` crossbars.

    A layer follows the one before directly if it fits into what is left of that one's last bank; otherwise it begins
    with the next bank. A layer of more than one bank leaves the rest of its last bank free. So several layers may share
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
    """Return how many crossbars layers of `counts` blocks take, with those that `starts` leaves free between them."""
    return starts(counts, bank)[-1] + counts[-1] if counts else 0


def shares(counts: Mapping[str, int], tile_crossbars: int, bank: int) -> tuple[LayerShare, ...]:
    """Give each layer its crossbars, in order, one to each of its `counts` of blocks, and split it by tiles."""
    first = starts(counts.values(), bank)
    return tuple(
        share
        for (layer, count), start in zip(counts.items(), first, strict=True)
        for share in _split(layer, start, count, tile_crossbars, bank)
    )


def _split(layer: str, first: int, count: int, tile_crossbars: int, bank: int) -> Iterator[LayerShare]:
    """Yield the shares of a layer whose `count` crossbars begin with `first` on the long row of all."""
    for tile in range(first // tile_crossbars, (first + count - 1) // tile_crossbars + 1):
        origin = tile * tile_crossbars
        begin, end = max(first, origin), min(first + count, origin + tile_crossbars)
        crossbars = range(begin - origin, end - origin)
        yield LayerShare(layer, tile, range(begin - first, end - first), crossbars, crossbars.start // bank)


def _left(position: int, bank: int) -> int:
    """Return how many crossbars from `position` on belong to its bank."""
    return bank - position % bank
