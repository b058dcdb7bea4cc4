"""The finished mapping of a workload onto a chip: who sits where, and the table that shows it."""

from __future__ import annotations

import collections.abc
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import prod

from aimcsim.mapping.blocks import BlockColumns, BlockGrid, WeightBlock, cut, matrices
from aimcsim.mapping.capacity import check_capacity
from aimcsim.mapping.placement import LayerShare, shares
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
    grids : for each layer with weights, in the order of the layers, its blocks; a crossbar holds one.
    shares : for each layer with weights, in the order of layers and tiles, its part on one tile.
    home : for each layer the tile where its outputs come about. A layer with weights is reduced and finished on the
        tile of its last share; a digital layer is computed where its first input comes about, on tile 0 if that is an
        input of the network.
    """

    grids: collections.abc.Mapping[str, BlockGrid]
    shares: tuple[LayerShare, ...]
    home: collections.abc.Mapping[str, int]
    _by_layer: dict[str, tuple[LayerShare, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_layer = groupby(self.shares, key=lambda share: share.layer)
        object.__setattr__(self, "_by_layer", {layer: tuple(run) for layer, run in by_layer})

    def blocks_of(self, layer: str) -> tuple[WeightBlock, ...]:
        """Return the blocks of `layer`, by index, each made anew; none for a digital layer."""
        return tuple(self.grids[layer]) if layer in self.grids else ()

    def columns_of(self, share: LayerShare) -> BlockColumns:
        """Return the blocks that `share` holds, by index."""
        return self.grids[share.layer].columns(share.blocks)

    def shares_of(self, layer: str) -> tuple[LayerShare, ...]:
        """Return the shares of `layer`, by tile; none for a digital layer."""
        return self._by_layer.get(layer, ())

    @property
    def crossbars_used(self) -> int:
        """Crossbars that hold a block."""
        return sum(map(len, self.grids.values()))

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
        return [
            {
                "layer": layer.name,
                "kind": layer.kind,
                **_matrix_columns(self.grids.get(layer.name), self.shares_of(layer.name), chip),
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
    grids = {name: cut(name, shape, chip) for name, shape in matrices(workload).items()}
    on_tiles = shares({name: len(grid) for name, grid in grids.items()}, tile.crossbars, bank)
    return Mapping(grids, on_tiles, _homes(workload.layers, on_tiles))


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


def _matrix_columns(grid: BlockGrid | None, on_tiles: Sequence[LayerShare], chip: ChipFile) -> Row:
    if grid is None:
        return dict.fromkeys(COLUMNS[2:-1])
    first = f"{on_tiles[0].tile}:{on_tiles[0].crossbars[0]}"
    last = f"{on_tiles[-1].tile}:{on_tiles[-1].crossbars[-1]}"
    cells = prod(grid.shape) * chip.cells_per_weight
    return {
        "matrix": str(grid.shape),
        "blocks": len(grid),
        "slices": chip.slices,
        "tiles": len(on_tiles),
        "crossbars": first if first == last else f"{first} - {last}",
        "fill": cells / (len(grid) * chip.tile.crossbar.rows * chip.tile.crossbar.cols),
    }


def _text(key: str, value: str | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0%}" if key == "fill" else str(value)
