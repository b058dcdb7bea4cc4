"""The finished mapping of a workload onto a chip: who sits where, and the table that shows it."""

from __future__ import annotations

import collections.abc
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import prod
from types import MappingProxyType

from aimcsim.errors import ConfigError
from aimcsim.located import one_of
from aimcsim.mapping.arrangement import arrange
from aimcsim.mapping.blocks import BlockColumns, BlockGrid, WeightBlock, cut, matrices
from aimcsim.mapping.capacity import capacity, check_capacity, crossbars_for
from aimcsim.mapping.placement import LayerShare, pieces_of, shares
from aimcsim.mapping.policy import MappingPolicy
from aimcsim.mapping.replicas import fill
from aimcsim.mapping.traffic import mesh_of, straight_flows
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Layer, Workload

Row = dict[str, str | int | float | None]

COLUMNS = ("layer", "kind", "matrix", "blocks", "replicas", "slices", "tiles", "crossbars", "fill", "home")
"""Keys of a row of `Mapping.table`, in the order in which `describe` prints them."""

MOST_SHARES_SHOWN = 3

HUB = 0
"""The tile whose digital units serve all others, on chips where these stand apart."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Where every layer of a workload sits on the chips.

    Attributes
    ----------
    grids : for each layer with weights, in the order of the layers, its blocks.
    shares : for each layer with weights, in the order of layers, replicas and places, its parts.
    home : for each layer the tile where its outputs come about. A layer with weights is reduced and finished on the
        tile of its last share, and so are the outputs of all its replicas put in order; a digital layer is computed
        where its first input comes about, on tile 0 if that is an input of the network. With `control.digital: hub`
        all of this happens on tile 0, except for what a layer that lies on one tile finishes there.
    """

    grids: collections.abc.Mapping[str, BlockGrid]
    shares: tuple[LayerShare, ...]
    home: collections.abc.Mapping[str, int]
    _by_layer: dict[str, tuple[LayerShare, ...]] = field(init=False, repr=False, compare=False)
    _held: Counter[tuple[int, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_layer = groupby(self.shares, key=lambda share: share.layer)
        object.__setattr__(self, "_by_layer", {layer: tuple(run) for layer, run in by_layer})
        single = (share for share in self.shares if len(share.crossbars) == 1)
        object.__setattr__(self, "_held", Counter((share.tile, share.crossbars.start) for share in single))

    def blocks_of(self, layer: str) -> tuple[WeightBlock, ...]:
        """Return the blocks of `layer`, by index, each made anew; none for a digital layer."""
        return tuple(self.grids[layer]) if layer in self.grids else ()

    def columns_of(self, share: LayerShare) -> BlockColumns:
        """Return the blocks that `share` holds, by index."""
        return self.grids[share.layer].columns(share.blocks)

    def shares_of(self, layer: str) -> tuple[LayerShare, ...]:
        """Return the shares of `layer`, by replica and place; none for a digital layer."""
        return self._by_layer.get(layer, ())

    def replicas_of(self, layer: str) -> list[tuple[LayerShare, ...]]:
        """Return the shares of each replica of `layer`; none for a digital layer."""
        return [tuple(run) for _, run in groupby(self.shares_of(layer), key=lambda share: share.replica)]

    def tiles_of(self, layer: str) -> list[int]:
        """Return the tiles that have part of `layer`, each once; the home of a digital layer."""
        return list(dict.fromkeys(share.tile for share in self.shares_of(layer))) or [self.home[layer]]

    def home_of(self, layer: str, replica: int) -> int:
        """Return the tile where a replica's outputs come about: the layer's home if it has but one replica."""
        replicas = self.replicas_of(layer)
        return self.home[layer] if len(replicas) == 1 else replicas[replica][-1].tile

    def is_packed(self, share: LayerShare) -> bool:
        """Whether other blocks share the crossbar of `share`, which then is one block."""
        return len(share.crossbars) == 1 and self._held[share.tile, share.crossbars.start] > 1

    @property
    def crossbars_used(self) -> int:
        """Crossbars that hold a block."""
        return len(self._held) + sum(len(share.crossbars) for share in self.shares if len(share.crossbars) > 1)

    @property
    def tiles_used(self) -> int:
        """Tiles that hold a block or are the home of a layer."""
        return len({share.tile for share in self.shares} | set(self.home.values()))

    def table(self, workload: Workload, chip: ChipFile) -> list[Row]:
        """Return one row per layer of the `workload` that was mapped onto `chip`.

        Keys: `layer`, `kind`, `matrix` (K x N x groups), `blocks`, `replicas`, `slices` (bit slices of a weight),
        `tiles` (how many hold blocks), `crossbars` (first and last of what it has to itself, and those it shares, as
        ``tile:crossbar``), `fill` (the part, 0..1, of the cells of its crossbars that hold one of its bit slices),
        `home`. Without weights all but `layer`, `kind` and `home` are None.
        """
        return [
            {
                "layer": layer.name,
                "kind": layer.kind,
                **_matrix_columns(self, layer.name, chip),
                "home": self.home[layer.name],
            }
            for layer in workload.layers
        ]


def map_workload(workload: Workload, chip: ChipFile, policy: MappingPolicy | None = None) -> Mapping:
    """Cut every layer with weights into blocks and give them crossbars, in the order of the layers, tile by tile.

    What shares a crossbar, how many replicas layers have and which tile comes when is the `policy`'s matter. A layer
    follows the one before in the same converter bank if all of it fits there, and otherwise begins with the next bank;
    a layer of several banks shares none of them (see `placement.starts`).

    Raises
    ------
    ConfigError
        If the policy names a layer that has no weights, or more replicas than output vectors, or a home that is no
        tile or of no digital layer.
    CapacityError
        If the chip has too few crossbars; with the changes that would help.
    """
    policy = policy or MappingPolicy()
    _check_replicas(workload, policy)
    _check_homes(workload, chip, policy)
    check_capacity(workload, chip, policy)
    grids = {name: cut(name, shape, chip) for name, shape in matrices(workload).items()}
    pieces = pieces_of(grids, _replicas(workload, chip, policy), chip, policy.pack)
    found = shares(pieces, chip.tile.crossbars, chip.tile.adc.crossbars)
    rank = {name: number for number, name in enumerate(grids)}
    found.sort(key=lambda share: (rank[share.layer], share.replica, share.tile, share.crossbars.start))
    placed = Mapping(grids, tuple(found), homes(workload.layers, found, chip, policy.homes))
    return placed if policy.placement == "in-order" else _arranged(placed, workload, chip, policy)


def _check_replicas(workload: Workload, policy: MappingPolicy) -> None:
    """Raise ConfigError unless the replicas of a policy are of layers that can have so many."""
    known = list(matrices(workload))
    for name, count in policy.replicas.items():
        if name not in known:
            raise ConfigError(f"replicas: no layer with weights has this name {one_of(name, known)}")
        most = workload.layer(name).shape.vectors
        if not 1 <= count <= most:
            possible = f"1 to {most} are possible, one for each output vector"
            raise ConfigError(f"replicas of `{name}`: {possible} (got {count})")


def _check_homes(workload: Workload, chip: ChipFile, policy: MappingPolicy) -> None:
    """Raise ConfigError unless the homes of a policy are tiles, and of layers without weights."""
    weighted = matrices(workload)
    known = [layer.name for layer in workload.layers if layer.name not in weighted]
    tiles = mesh_of(chip).tiles
    for name, tile in policy.homes.items():
        if name not in known:
            raise ConfigError(f"homes: no digital layer has this name {one_of(name, known)}")
        if not 0 <= tile < tiles:
            raise ConfigError(f"home of `{name}`: the tiles are 0 to {tiles - 1} (got {tile})")


def _replicas(workload: Workload, chip: ChipFile, policy: MappingPolicy) -> dict[str, int]:
    """Return how many replicas each layer gets."""
    if policy.budget is None:
        return dict(policy.replicas)
    budget = capacity(chip) if policy.budget == "all" else min(policy.budget, capacity(chip))
    shapes = matrices(workload)
    free = {name: workload.layer(name).shape.vectors for name in shapes if name not in policy.replicas}

    def needed(replicas: collections.abc.Mapping[str, int]) -> int:
        return crossbars_for(shapes, chip, replace(policy, replicas={**policy.replicas, **replicas}))

    return {**policy.replicas, **fill(free, needed, budget)}


def _arranged(mapping: Mapping, workload: Workload, chip: ChipFile, policy: MappingPolicy) -> Mapping:
    """Return a mapping with its tiles in another order."""
    count = max((*mapping.home.values(), *(share.tile for share in mapping.shares)), default=0) + 1
    moved = list(straight_flows(mapping, workload, chip)) if policy.placement == "traffic" else []
    tiles = arrange(policy.placement, count, moved, mesh_of(chip), policy.seed)
    return Mapping(
        mapping.grids,
        tuple(replace(share, tile=tiles[share.tile]) for share in mapping.shares),
        {layer: tiles[tile] for layer, tile in mapping.home.items()},
    )


def describe(mapping: Mapping, workload: Workload, chip: ChipFile) -> str:
    """Return the mapping as text: a line of totals and a table with one line per layer (see `Mapping.table`)."""
    lines = [COLUMNS, *(tuple(_text(key, row[key]) for key in COLUMNS) for row in mapping.table(workload, chip))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    crossbars = f"{mapping.crossbars_used} of {capacity(chip)} crossbars"
    totals = f"{workload.name} on {chip.name}: {crossbars}, {mapping.tiles_used} of {mesh_of(chip).tiles} tiles"
    return "\n".join([totals, *(line.rstrip() for line in aligned)])


def homes(
    layers: Sequence[Layer],
    on_tiles: Sequence[LayerShare],
    chip: ChipFile,
    chosen: collections.abc.Mapping[str, int] = MappingProxyType({}),
) -> dict[str, int]:
    """Return the home of each layer, `chosen` or where nothing else is said; see `Mapping`."""
    last = {share.layer: share.tile for share in on_tiles}
    if chip.control.digital == "hub":
        parts = Counter(share.layer for share in on_tiles)
        own = {layer.name: last[layer.name] if parts[layer.name] == 1 else HUB for layer in layers}
        return {**own, **chosen}
    home: dict[str, int] = {}
    for layer in layers:
        home[layer.name] = chosen.get(layer.name, last.get(layer.name, home.get(layer.inputs[0], 0)))
    return home


def _matrix_columns(mapping: Mapping, layer: str, chip: ChipFile) -> Row:
    grid, parts = mapping.grids.get(layer), mapping.shares_of(layer)
    if grid is None:
        return dict.fromkeys(COLUMNS[2:-1])
    replicas = parts[-1].replica + 1
    crossbars = {(share.tile, share.crossbars): len(share.crossbars) for share in parts}
    cells = prod(grid.shape) * chip.cells_per_weight * replicas
    return {
        "matrix": str(grid.shape),
        "blocks": len(grid),
        "replicas": replicas,
        "slices": chip.slices,
        "tiles": len(mapping.tiles_of(layer)),
        "crossbars": _places(mapping, parts),
        "fill": cells / (sum(crossbars.values()) * chip.tile.crossbar.rows * chip.tile.crossbar.cols),
    }


def _places(mapping: Mapping, parts: Sequence[LayerShare]) -> str:
    """Return where shares are: from the first to the last crossbar of their own, and those that others share."""
    own = [share for share in parts if not mapping.is_packed(share)]
    shared = [f"{share.tile}:{share.crossbars[0]}*" for share in parts if mapping.is_packed(share)]
    if own:
        first, last = f"{own[0].tile}:{own[0].crossbars[0]}", f"{own[-1].tile}:{own[-1].crossbars[-1]}"
        shared.insert(0, first if first == last else f"{first} - {last}")
    more = len(shared) - MOST_SHARES_SHOWN
    return ", ".join(shared[:MOST_SHARES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _text(key: str, value: str | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0%}" if key == "fill" else str(value)
