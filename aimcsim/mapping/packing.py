"""Packing: several blocks, also of different layers, side by side in one crossbar.

One block of a crossbar is read at a time: its rows are driven and its columns converted, all other rows stay undriven
and so add no current to any column. Blocks may therefore share rows and columns, but never a cell. They share the
crossbar's time, which the timing sees as one server with several clients.

Source: rectangles are packed by maximal free rectangles, best short side fit (Jylanki, A Thousand Ways to Pack the Bin,
2010), largest area first; never turned, as rows and columns are not the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

OPEN_CROSSBARS = 64
"""Crossbars, opened last, that a block may still join; so the effort for a block does not grow with their number."""


class Rectangle(NamedTuple):
    """Cells of a crossbar: rows ``row..row+rows-1`` of columns ``col..col+cols-1``."""

    row: int
    col: int
    rows: int
    cols: int

    def overlaps(self, other: Rectangle) -> bool:
        """Whether a cell lies in both."""
        return (
            self.row < other.row + other.rows
            and other.row < self.row + self.rows
            and self.col < other.col + other.cols
            and other.col < self.col + self.cols
        )

    def contains(self, other: Rectangle) -> bool:
        """Whether every cell of `other` lies in this one."""
        return (
            self.row <= other.row
            and other.row + other.rows <= self.row + self.rows
            and self.col <= other.col
            and other.col + other.cols <= self.col + self.cols
        )


class Item(NamedTuple):
    """A block that is to be packed: the layer (by number), replica and block that it is, and its cells."""

    layer: int
    replica: int
    block: int
    rows: int
    cols: int


class Packed(NamedTuple):
    """A block with its place in the crossbar it was given."""

    item: Item
    place: Rectangle


@dataclass(slots=True)
class _Crossbar:
    """One crossbar that is being filled: its free rectangles, each as large as can be, so they overlap."""

    free: list[Rectangle]
    held: list[Packed] = field(default_factory=list)

    def fit(self, item: Item) -> tuple[int, int, Rectangle] | None:
        """Return (what is left of the shorter side, of the longer, place) of the best fit, if there is one."""
        sides = ((one.rows - item.rows, one.cols - item.cols, one) for one in self.free)
        fits = [(min(down, across), max(down, across), one) for down, across, one in sides if min(down, across) >= 0]
        return min(fits, default=None)

    def rank(self, item: Item) -> int:
        """Return 0 where the layer has nothing yet, 1 where it has another block, 2 where it has another replica."""
        mine = [one.item.replica for one in self.held if one.item.layer == item.layer]
        return 0 if not mine else 1 if set(mine) == {item.replica} else 2

    def put(self, item: Item, at: Rectangle) -> None:
        """Place an item in the corner of a free rectangle."""
        used = Rectangle(at.row, at.col, item.rows, item.cols)
        self.held.append(Packed(item, used))
        self.free = _largest(piece for one in self.free for piece in _without(one, used))


def pack(items: Iterable[Item], rows: int, cols: int) -> list[list[Packed]]:
    """Return the blocks of each crossbar of `rows` by `cols` that was needed, in the order of opening.

    A block goes where the shorter side left over is least, rather to a crossbar that has nothing of its layer, never to
    one that has another replica of it (which would have to wait for it). Deterministic.
    """
    crossbars: list[_Crossbar] = []
    whole = Rectangle(0, 0, rows, cols)
    for item in sorted(items, key=lambda item: (-item.rows * item.cols, item)):
        where = _best(crossbars[-OPEN_CROSSBARS:], item)
        if where is None:
            crossbars.append(_Crossbar([whole]))
            where = crossbars[-1], whole
        where[0].put(item, where[1])
    return [crossbar.held for crossbar in crossbars]


def _best(crossbars: Sequence[_Crossbar], item: Item) -> tuple[_Crossbar, Rectangle] | None:
    """Return the crossbar and the free rectangle for an item, if one of `crossbars` has room."""
    best: tuple[int, int, int, int] | None = None
    where = None
    for number, crossbar in enumerate(crossbars):
        fit = crossbar.fit(item)
        if fit is None:
            continue
        rank = crossbar.rank(item)
        score = (rank, fit[0], fit[1], number)
        if rank < 2 and (best is None or score < best):
            best, where = score, (crossbar, fit[2])
    return where


def _without(free: Rectangle, used: Rectangle) -> list[Rectangle]:
    """Return the largest rectangles that are left of a free one."""
    if not free.overlaps(used):
        return [free]
    below, right = used.row + used.rows, used.col + used.cols
    pieces = [
        Rectangle(free.row, free.col, used.row - free.row, free.cols),
        Rectangle(below, free.col, free.row + free.rows - below, free.cols),
        Rectangle(free.row, free.col, free.rows, used.col - free.col),
        Rectangle(free.row, right, free.rows, free.col + free.cols - right),
    ]
    return [piece for piece in pieces if piece.rows > 0 and piece.cols > 0]


def _largest(pieces: Iterable[Rectangle]) -> list[Rectangle]:
    """Return the rectangles that lie in no other."""
    once = list(dict.fromkeys(pieces))
    return [one for one in once if not any(other is not one and other.contains(one) for other in once)]
