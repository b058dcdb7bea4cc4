"""The finished mapping of a workload onto a chip: who sits where, and the table that shows it."""

from __future__ import annotations

import collections.abc
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from aimcsim.mapping.blocks import MatrixShape, WeightBlock, cut, matrices
from aimcsim.mapping.capacity import check_capacity
from aimcsim.mapping.placement import LayerShare, Placed, place, shares
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Layer, Workload

Row = dict[str, str | int | float | None]

COLUMNS = ("layer", "kind", "matrix", "blocks", "slices", "tiles", "crossbars", "fill", "home")
"""Keys of a row of `Mapping.table`, in the order in which `describe` prints them."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Where every layer of a workload sits on a chip.

    Attributes
    ----------
    placed : every block with its place, in the order of layers and blocks; no two share a crossbar.
    shares : for each layer with weights, in the order of layers and tiles, its part on one tile.
    home : for each layer the tile where its outputs come about. A layer with weights is reduced and finished on the
        tile of its last share; a digital layer is computed where its first input comes about, on tile 0 if that is an
        input of the network.
    """

    placed: tuple[Placed, ...]
    shares: tuple[LayerShare, ...]
    home: collections.abc.Mapping[str, int]
    _by_layer: dict[str, tuple[Placed, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_layer = groupby(self.placed, key=lambda one: one.block.layer)
        object.__setattr__(self, "_by_layer", {layer: tuple(placed) for layer, placed in by_layer})

    def placed_of(self, layer: str) -> tuple[Placed, ...]:
        """Return the blocks of `layer` with their places, by index; none for a digital layer."""
        return self._by_layer.get(layer, ())

    def blocks_of(self, layer: str) -> tuple[WeightBlock, ...]:
        """Return the blocks of `layer`, by index; none for a digital layer."""
        return tuple(one.block for one in self.placed_of(layer))

    def blocks_in(self, share: LayerShare) -> tuple[WeightBlock, ...]:
        """Return the blocks that `share` holds, by index."""
        placed = self.placed_of(share.layer)
        return tuple(placed[index].block for index in share.blocks)

    def shares_of(self, layer: str) -> tuple[LayerShare, ...]:
        """Return the shares of `layer`, by tile; none for a digital layer."""
        return tuple(share for share in self.shares if share.layer == layer)

    @property
    def crossbars_used(self) -> int:
        """Crossbars that hold a block."""
        return len(self.placed)

    @property
    def tiles_used(self) -> int:
        """Tiles that hold a block or are the home of a layer."""
        return len({share.tile for share in self.shares} | set(self.home.values()))

    def table(self, workload: Workload, chip: ChipFile) -> list[Row]:
        """Return one row per layer of the `workload` that was mapped onto `chip`.

        Keys: `layer`, `kind`, `matrix` (K x N x groups), `blocks`, `slices` (bit slices of a weight), `tiles` (how
        many hold blocks), `crossbars` (first and last, as ``tile:crossbar``), `fill` (the part, 0..1, of the cells of
        its crossbars that hold a bit slice), `home`. Without weights all but `layer`, `kind` and `home` are None.
        """
        shapes = matrices(workload)
        return [
            {
                "layer": layer.name,
                "kind": layer.kind,
                **_matrix_columns(shapes.get(layer.name), self.placed_of(layer.name), chip),
                "home": self.home[layer.name],
            }
            for layer in workload.layers
        ]


def map_workload(workload: Workload, chip: ChipFile) -> Mapping:
    """Cut every layer with weights into blocks and give them crossbars, in the order of the layers, tile by tile.

    One crossbar holds one block (see `blocks.cut`). A layer follows the one before in the same converter bank if all of
    it fits there, and otherwise begins with the next bank; a layer of several banks shares none of them (see
    `placement.starts`).

    Raises
    ------
    CapacityError
        If the chip has too few crossbars; with the changes that would help.
    """
    check_capacity(workload, chip)
    tile, bank = chip.tile, chip.tile.adc.crossbars
    blocks = [cut(name, shape, chip) for name, shape in matrices(workload).items()]
    placed = place(blocks, tile.crossbars, bank)
    on_tiles = shares(placed, bank)
    return Mapping(placed, on_tiles, _homes(workload.layers, on_tiles))


def describe(mapping: Mapping, workload: Workload, chip: ChipFile) -> str:
    """Return the mapping as text: a line of totals and a table with one line per layer (see `Mapping.table`)."""
    lines = [COLUMNS, *(tuple(_text(key, row[key]) for key in COLUMNS) for row in mapping.table(workload, chip))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    crossbars = f"{mapping.crossbars_used} of {chip.tile.count * chip.tile.crossbars} crossbars"
    totals = f"{workload.name} on {chip.name}: {crossbars}, {mapping.tiles_used} of {chip.tile.count} tiles"
    return "\n".join([totals, *(line.rstrip() for line in aligned)])


def _homes(layers: tuple[Layer, ...], on_tiles: tuple[LayerShare, ...]) -> dict[str, int]:
    last = {share.layer: share.tile for share in on_tiles}
    home: dict[str, int] = {}
    for layer in layers:
        home[layer.name] = last.get(layer.name, home.get(layer.inputs[0], 0))
    return home


def _matrix_columns(shape: MatrixShape | None, placed: Sequence[Placed], chip: ChipFile) -> Row:
    if shape is None:
        return dict.fromkeys(COLUMNS[2:-1])
    first, last = (f"{one.tile}:{one.crossbar}" for one in (placed[0], placed[-1]))
    cells = sum(one.block.weights for one in placed) * chip.cells_per_weight
    return {
        "matrix": str(shape),
        "blocks": len(placed),
        "slices": chip.slices,
        "tiles": placed[-1].tile - placed[0].tile + 1,
        "crossbars": first if first == last else f"{first} - {last}",
        "fill": cells / (len(placed) * chip.tile.crossbar.rows * chip.tile.crossbar.cols),
    }


def _text(key: str, value: str | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0%}" if key == "fill" else str(value)
