"""Mapping files: a mapping written down, and taken back after everything in it was checked.

A part is a share of a layer: consecutive crossbars of one tile, one for each of its blocks; the last part of a replica
is where it is finished. Crossbars and blocks are
written as a number, as ``first..last``, or, blocks, as a list. Where several parts share a crossbar, `corner` says at
which row and column the block of each begins.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from aimcsim.errors import ConfigError, Problem
from aimcsim.located import Document, PathKeys, check_keys, one_of, read_document
from aimcsim.mapping.blocks import BlockGrid, cut, matrices
from aimcsim.mapping.mapping import Mapping, homes
from aimcsim.mapping.packing import Rectangle
from aimcsim.mapping.placement import LayerShare, as_range
from aimcsim.mapping.traffic import mesh_of
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Workload

SCHEMA = "aimcsim-mapping/1"
_FIELDS = ("schema", "workload", "chip", "layers")
_LAYER_FIELDS = ("home", "parts")
_PART_FIELDS = ("replica", "tile", "blocks", "crossbars", "corner")


def mapping_yaml(mapping: Mapping, workload: Workload, chip: ChipFile) -> str:
    """Return a mapping as the text of a file that `load_mapping` reads."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    layers = {}
    for layer in workload.layers:
        parts = []
        for share in mapping.shares_of(layer.name):
            parts.append(CommentedMap(_part_data(share, packed=mapping.is_packed(share))))
            parts[-1].fa.set_flow_style()
        layers[layer.name] = {"home": mapping.home[layer.name], **({"parts": parts} if parts else {})}
    text = io.StringIO()
    yaml = YAML()
    yaml.width = 10**6
    yaml.dump({"schema": SCHEMA, "workload": workload.name, "chip": chip.name, "layers": layers}, text)
    return text.getvalue()


def _part_data(share: LayerShare, *, packed: bool) -> dict[str, Any]:
    data: dict[str, Any] = {"replica": share.replica} if share.replica else {}
    data |= {"tile": share.tile, "blocks": _shown(share.blocks), "crossbars": _shown(share.crossbars)}
    return {**data, "corner": list(share.corner)} if packed else data


def _shown(numbers: Sequence[int]) -> int | str | list[int]:
    if len(numbers) == 1:
        return numbers[0]
    return f"{numbers[0]}..{numbers[-1]}" if isinstance(numbers, range) else list(numbers)


def load_mapping(path: Path, workload: Workload, chip: ChipFile) -> Mapping:
    """Return the mapping that a file gives for a workload on a chip.

    Raises
    ------
    ConfigError
        With everything in it that does not fit, and where it stands.
    """
    return _Reader(read_document(path), workload, chip).read()


class _Placed(NamedTuple):
    """A share and where in the file it stands."""

    share: LayerShare
    path: PathKeys


class _Reader:
    """Reads one document; notes problems and goes on, so that all are reported at once."""

    def __init__(self, document: Document, workload: Workload, chip: ChipFile) -> None:
        self._document = document
        self._workload = workload
        self._chip = chip
        self._grids = {name: cut(name, shape, chip) for name, shape in matrices(workload).items()}
        self._problems: list[Problem] = list(document.problems)
        self._placed: list[_Placed] = []

    def read(self) -> Mapping:
        """Return the mapping; raise ConfigError if there is any problem."""
        layers = self._layers()
        home = {name: tile for name, data in layers.items() if (tile := self._layer(name, data)) is not None}
        if not self._problems:
            for name in self._grids:
                self._whole(name)
            self._no_overlaps()
        if self._problems:
            raise ConfigError.of(sorted(self._problems, key=lambda problem: (problem.line, problem.column)))
        rank = {name: number for number, name in enumerate(self._grids)}
        found = [placed.share for placed in self._placed]
        found.sort(key=lambda share: (rank[share.layer], share.replica))
        return Mapping(self._grids, tuple(found), {**homes(self._workload.layers, found, self._chip), **home})

    def _complain(self, path: PathKeys, message: str, *, key: bool = False) -> None:
        self._problems.append(self._document.problem(path, message, key=key))

    def _fields(self, path: PathKeys, data: Any, allowed: Sequence[str]) -> dict[str, Any]:
        """Return fields with known names; nothing if there are no fields."""
        if not isinstance(data, dict):
            self._complain(path, f"expected fields (got `{data}`)")
            return {}
        self._problems += check_keys(self._document, path, data, allowed)
        return data

    def _layers(self) -> dict[str, Any]:
        """Return what is said of each layer of the workload."""
        data = self._fields((), self._document.data, _FIELDS)
        if data.get("schema") != SCHEMA:
            self._complain(("schema",), f"a mapping file begins with `schema: {SCHEMA}` (got `{data.get('schema')}`)")
            return {}
        known = [layer.name for layer in self._workload.layers]
        layers = data.get("layers")
        if not isinstance(layers, dict):
            self._complain(("layers",), f"expected the layers of the workload (got `{layers}`)")
            return {}
        for name in layers:
            if name not in known:
                message = f"`{self._workload.name}` has no such layer {one_of(name, known)}"
                self._complain(("layers", name), message, key=True)
        for name in self._grids:
            if name not in layers:
                self._complain(("layers",), f"layer `{name}` is missing; every layer with weights needs a place")
        return {name: one for name, one in layers.items() if name in known}

    def _layer(self, name: str, data: Any) -> int | None:
        """Note the parts of a layer; return its home if there is one."""
        path: PathKeys = ("layers", name)
        fields = self._fields(path, data, _LAYER_FIELDS if name in self._grids else _LAYER_FIELDS[:1])
        if name in self._grids:
            parts = fields.get("parts")
            if not isinstance(parts, list) or not parts:
                self._complain((*path, "parts"), f"expected a list of parts (got `{parts}`)")
                parts = []
            for number, part in enumerate(parts):
                self._part(name, (*path, "parts", number), part)
        return self._number((*path, "home"), fields["home"], self._tiles, "tile") if "home" in fields else None

    @property
    def _tiles(self) -> int:
        return mesh_of(self._chip).tiles

    def _part(self, name: str, path: PathKeys, data: Any) -> None:
        """Note one part, if all of it can be read."""
        fields = self._fields(path, data, _PART_FIELDS)
        missing = [field for field in ("tile", "blocks", "crossbars") if field not in fields]
        if missing:
            self._complain(path, f"the field `{missing[0]}` is missing")
            return
        grid, tile = self._grids[name], self._chip.tile
        most = self._workload.layer(name).shape.vectors
        on = self._number((*path, "tile"), fields["tile"], self._tiles, "tile")
        replica = self._number((*path, "replica"), fields.get("replica", 0), most, "replica")
        blocks = self._numbers((*path, "blocks"), fields["blocks"], len(grid), "block")
        crossbars = self._numbers((*path, "crossbars"), fields["crossbars"], tile.crossbars, "crossbar")
        corner = self._corner((*path, "corner"), fields.get("corner", [0, 0]))
        if on is None or replica is None or blocks is None or crossbars is None or corner is None:
            return
        if not isinstance(crossbars, range) or len(crossbars) != len(blocks):
            many = f"{len(blocks)} block{'s' * (len(blocks) > 1)}"
            self._complain((*path, "crossbars"), f"must be consecutive, one for each of {many} (got {len(crossbars)})")
            return
        share = LayerShare(name, on, blocks, crossbars, crossbars.start // tile.adc.crossbars, replica, corner)
        self._inside(share, path, grid)
        self._placed.append(_Placed(share, path))

    def _number(self, path: PathKeys, value: Any, below: int, what: str) -> int | None:
        """Return a whole number from 0 to below `below`."""
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below:
            return value
        self._complain(path, f"there is no such {what} (got `{value}`); 0 to {below - 1} are possible")
        return None

    def _numbers(self, path: PathKeys, value: Any, below: int, what: str) -> Sequence[int] | None:
        """Return ascending whole numbers from 0 to below `below`, a range where they are consecutive."""
        found = re.fullmatch(r"(\d{1,12})\.\.(\d{1,12})", value) if isinstance(value, str) else None
        many: Sequence[Any] = value if isinstance(value, list) else [value]
        if found:
            many = range(int(found[1]), int(found[2]) + 1)
        checked = [one if isinstance(many, range) else self._number(path, one, below, what) for one in _ends(many)]
        if not many or None in checked or (isinstance(many, range) and many[-1] >= below):
            if not many or isinstance(many, range):
                message = f"expected a number, `first..last` or a list, within 0 to {below - 1} (got `{value}`)"
                self._complain(path, message)
            return None
        if isinstance(many, range):
            return many
        if any(later <= earlier for earlier, later in pairwise(many)):
            self._complain(path, f"must ascend (got `{value}`)")
            return None
        return as_range(many)

    def _corner(self, path: PathKeys, value: Any) -> tuple[int, int] | None:
        crossbar = self._chip.tile.crossbar
        if not isinstance(value, list) or len(value) != 2:
            self._complain(path, f"expected a row and a column (got `{value}`)")
            return None
        row = self._number(path, value[0], crossbar.rows, "row")
        col = self._number(path, value[1], crossbar.cols, "column")
        return None if row is None or col is None else (row, col)

    def _inside(self, share: LayerShare, path: PathKeys, grid: BlockGrid) -> None:
        """Check that the blocks lie inside their crossbars and the converter banks are the share's as they must be."""
        crossbar, bank = self._chip.tile.crossbar, self._chip.tile.adc.crossbars
        place = self._cells(share, grid)
        if place.row + place.rows > crossbar.rows or place.col + place.cols > crossbar.cols:
            size = f"{place.rows} x {place.cols} cells from {list(share.corner)}"
            self._complain((*path, "corner"), f"reaches beyond {crossbar.rows} x {crossbar.cols} (got {size})")
        if share.crossbars[-1] // bank > share.bank and share.crossbars.start % bank:
            message = f"crossbars of several converter banks must begin with one, a multiple of {bank}"
            self._complain((*path, "crossbars"), f"{message} (got {share.crossbars.start})")

    def _cells(self, share: LayerShare, grid: BlockGrid) -> Rectangle:
        """Return the cells of the largest block of a share."""
        columns = grid.columns(share.blocks)
        rows = int((columns.groups * columns.rows).max())
        cols = int((columns.groups * columns.cols).max()) * self._chip.cells_per_weight
        return Rectangle(*share.corner, rows, cols)

    def _whole(self, name: str) -> None:
        """Check that every replica of a layer has each block once."""
        parts = [placed.share for placed in self._placed if placed.share.layer == name]
        count = max(part.replica for part in parts) + 1
        for replica in range(count):
            held = Counter(block for part in parts if part.replica == replica for block in part.blocks)
            missing = next((block for block in range(len(self._grids[name])) if block not in held), None)
            twice = next((block for block, times in held.items() if times > 1), None)
            which = f"replica {replica}" if count > 1 else "the layer"
            if missing is not None:
                self._complain(("layers", name, "parts"), f"block {missing} of {which} has no place")
            if twice is not None:
                self._complain(("layers", name, "parts"), f"block {twice} of {which} has two places")

    def _no_overlaps(self) -> None:
        """Check that no cell is taken twice, and no crossbar or bank that a part must have to itself."""
        in_order = sorted(self._placed, key=lambda one: (one.share.tile, one.share.crossbars.start))
        active: list[_Placed] = []
        for one in in_order:
            reach = self._reach(one.share).start
            active = [
                other
                for other in active
                if other.share.tile == one.share.tile and self._reach(other.share).stop > reach
            ]
            for other in active:
                clash = self._clash(one.share, other.share)
                if clash:
                    other_place = self._document.place(other.path)
                    self._complain(one.path, f"{clash} of `{other.share.layer}` (line {other_place.line})")
            active.append(one)

    def _reach(self, share: LayerShare) -> range:
        """Return the crossbars that a share has to itself or has part of: whole banks if it has several."""
        bank = self._chip.tile.adc.crossbars
        first, last = share.crossbars.start // bank, share.crossbars[-1] // bank
        return share.crossbars if first == last else range(first * bank, (last + 1) * bank)

    def _clash(self, one: LayerShare, other: LayerShare) -> str:
        """Return in what way two parts of one tile are in each other's way, if they are."""
        mine, theirs = self._reach(one), self._reach(other)
        if mine.start >= theirs.stop or theirs.start >= mine.stop:
            return ""
        if not _meet(one.crossbars, other.crossbars):
            return "is in a converter bank of a part of several banks,"
        if len(one.crossbars) > 1 or len(other.crossbars) > 1:
            return "shares a crossbar with a part of several, read together,"
        cells = self._cells(one, self._grids[one.layer]), self._cells(other, self._grids[other.layer])
        return "takes cells" if cells[0].overlaps(cells[1]) else ""


def _meet(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop


def _ends(many: Sequence[Any]) -> Iterator[Any]:
    """Yield what has to be looked at of some numbers: of a range its ends do."""
    yield from (many[0], many[-1]) if isinstance(many, range) and many else many
