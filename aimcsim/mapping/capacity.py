"""Whether a workload fits a chip and, where it does not, what could be changed and what that would give.

Every figure is found by cutting and placing anew for the changed chip; none is estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from aimcsim.errors import CapacityError
from aimcsim.mapping.blocks import MatrixShape, count_blocks, matrices
from aimcsim.mapping.placement import crossbars_needed
from aimcsim.spec.checks import check
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Workload

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Part = TypeVar("Part", bound=DataclassInstance)


@dataclass(frozen=True, slots=True)
class Lever:
    """One field of the chip file changed: how many crossbars the workload then needs and the chip then has."""

    path: str
    before: int | str
    after: int | str
    needed: int
    capacity: int
    together_with: str = ""
    """Another field that has to follow."""

    @property
    def fits(self) -> bool:
        """Whether this change alone is enough."""
        return self.needed <= self.capacity

    def __str__(self) -> str:
        verdict = "fits" if self.fits else "still too many"
        follow = f" with {self.together_with}" if self.together_with else ""
        change = f"{self.path} {self.before} -> {self.after}{follow}"
        return f"{change} (needs {self.needed} of {self.capacity}, {verdict})"


def check_capacity(workload: Workload, chip: ChipFile) -> None:
    """Raise unless `chip` has a crossbar for every block of `workload`.

    Raises
    ------
    CapacityError
        With need, capacity and levers, located at `tile.crossbars`.
    """
    shapes = _shapes(workload)
    if _needed(shapes, chip) > _capacity(chip):
        listed = "; ".join(map(str, levers(workload, chip)))
        what = f"workload `{workload.name}` {_too_few(shapes, chip)}; levers: {listed}"
        raise CapacityError(chip.where.problem("tile.crossbars", what))


def levers(workload: Workload, chip: ChipFile) -> tuple[Lever, ...]:
    """Return the single changes of `chip` that make `workload` fit, or at least need fewer crossbars.

    More tiles or more crossbars per tile: the least number that is enough. Rows and columns are doubled, the bits of a
    cell raised and those of a weight lowered one by one, until it fits; where nothing is enough, the first step that
    needs the fewest is given. Then offset instead of differential cells, and converter banks of one crossbar.
    """
    shapes = _shapes(workload)
    found = (_best(shapes, chip, path, values) for path, values in _alternatives(shapes, chip))
    now = _needed(shapes, chip)
    return (*_more_crossbars(now, chip), *(lever for lever in found if lever and lever.needed < now))


def _more_crossbars(needed: int, chip: ChipFile) -> Iterator[Lever]:
    count, per_tile, bank = chip.tile.count, chip.tile.crossbars, chip.tile.adc.crossbars
    if needed > count * per_tile:
        tiles = -(-needed // per_tile)
        yield Lever("tile.count", count, tiles, needed, tiles * per_tile, "network.routers")
        crossbars = -(-needed // (count * bank)) * bank
        yield Lever("tile.crossbars", per_tile, crossbars, needed, count * crossbars)


def _alternatives(shapes: Sequence[MatrixShape], chip: ChipFile) -> Iterator[tuple[str, Iterable[int | str]]]:
    """Yield the path of a field and the other values it may have, in the order to try them."""
    crossbar, weight_bits = chip.tile.crossbar, chip.numbers.weight_bits
    # Once all groups of every layer fit side by side, a larger crossbar changes nothing.
    most_rows = max((shape.groups * shape.k for shape in shapes), default=0)
    most_cols = max((shape.groups * shape.n for shape in shapes), default=0) * chip.cells_per_weight
    yield "tile.crossbar.rows", _doublings(crossbar.rows, most_rows)
    yield "tile.crossbar.cols", _doublings(crossbar.cols, most_cols)
    yield "tile.crossbar.cell_bits", range(crossbar.cell_bits + 1, weight_bits + 1)
    yield "numbers.weight_bits", range(weight_bits - 1, max(crossbar.cell_bits, 2) - 1, -1)
    yield "tile.crossbar.cells", ["offset"] if crossbar.cells == "differential" else []
    yield "tile.adc.crossbars", [1]


def _doublings(size: int, most: int) -> Iterator[int]:
    while size < most:
        size *= 2
        yield size


def _best(shapes: Sequence[MatrixShape], chip: ChipFile, path: str, values: Iterable[int | str]) -> Lever | None:
    """Return the first value that fits, else the first that needs the fewest crossbars; never one the file refuses."""
    best: Lever | None = None
    for value in values:
        changed = _changed(chip, path, value)
        if check(changed):
            continue
        lever = Lever(path, attrgetter(path)(chip), value, _needed(shapes, changed), _capacity(chip))
        if best is None or lever.needed < best.needed:
            best = lever
        if best.fits:
            break
    return best


def _changed(part: Part, path: str, value: int | str) -> Part:
    """Return a copy of `part` with `value` at the dotted `path`."""
    name, _, rest = path.partition(".")
    return replace(part, **{name: _changed(getattr(part, name), rest, value) if rest else value})


def _shapes(workload: Workload) -> tuple[MatrixShape, ...]:
    return tuple(matrices(workload).values())


def _needed(shapes: Sequence[MatrixShape], chip: ChipFile) -> int:
    return crossbars_needed([count_blocks(shape, chip) for shape in shapes], chip.tile.adc.crossbars)


def _capacity(chip: ChipFile) -> int:
    return chip.tile.count * chip.tile.crossbars


def _too_few(shapes: Sequence[MatrixShape], chip: ChipFile) -> str:
    crossbar, needed = chip.tile.crossbar, _needed(shapes, chip)
    idle = needed - sum(count_blocks(shape, chip) for shape in shapes)
    free = f" ({idle} of them left free, as a layer of several converter banks shares none)" if idle else ""
    has = f"the chip has {_capacity(chip)} ({chip.tile.count} tiles x {chip.tile.crossbars})"
    return f"needs {needed} crossbars of {crossbar.rows} x {crossbar.cols}{free}, {has}"
