"""Giving every block a crossbar, in order, so that no converter bank ties a large layer to another.

Works on one long row of crossbars, tile after tile; a tile's crossbars are a whole number of converter banks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from aimcsim.mapping.blocks import WeightBlock


@dataclass(frozen=True, slots=True)
class Placed:
    """A block and its place: `crossbar` counts within `tile`, both from 0."""

    block: WeightBlock
    tile: int
    crossbar: int


@dataclass(frozen=True, slots=True)
class LayerShare:
    """The part of a layer on one tile: its crossbars read the same vector in lock-step, as one op.

    Attributes
    ----------
    layer : name of the layer.
    tile : number of the tile.
    blocks : indices, within the layer, of the blocks it holds, ascending.
    crossbars : the crossbar of the tile that holds each of `blocks`; consecutive.
    bank : converter bank of the first of them, counted within the tile. The share either lies inside this bank or
        begins with it and has every bank that it touches to itself.
    """

    layer: str
    tile: int
    blocks: tuple[int, ...]
    crossbars: tuple[int, ...]
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


def place(layers: Sequence[Sequence[WeightBlock]], tile_crossbars: int, bank: int) -> tuple[Placed, ...]:
    """Give the blocks of `layers` their crossbars, in order, one block to a crossbar."""
    first = starts((len(blocks) for blocks in layers), bank)
    return tuple(
        Placed(block, *divmod(start + block.index, tile_crossbars))
        for start, blocks in zip(first, layers, strict=True)
        for block in blocks
    )


def shares(placed: Iterable[Placed], bank: int) -> tuple[LayerShare, ...]:
    """Gather what lies on one tile of each layer, in the order of `placed`."""
    runs = (list(run) for _, run in groupby(placed, key=lambda one: (one.block.layer, one.tile)))
    return tuple(_share(run, bank) for run in runs)


def _share(run: Sequence[Placed], bank: int) -> LayerShare:
    crossbars = tuple(one.crossbar for one in run)
    blocks = tuple(one.block.index for one in run)
    return LayerShare(run[0].block.layer, run[0].tile, blocks, crossbars, crossbars[0] // bank)


def _left(position: int, bank: int) -> int:
    """Return how many crossbars from `position` on belong to its bank."""
    return bank - position % bank
