"""Whether a workload fits a chip and, where it does not, what could be changed and what that would give.

Every figure is found by cutting and placing anew for the changed chip; none is estimated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from aimcsim.errors import CapacityError, ConfigError
from aimcsim.mapping.blocks import MatrixShape, cut, matrices
from aimcsim.mapping.placement import crossbars_needed, pieces_of
from aimcsim.mapping.policy import MappingPolicy
from aimcsim.spec.checks import check
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Workload

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Part = TypeVar("Part", bound=DataclassInstance)


PLAIN: Final = MappingPolicy()


@dataclass(frozen=True, slots=True)
class Lever:
    """One field of the chip file, or one option, changed: crossbars needed then, and there then."""

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


def capacity(chip: ChipFile) -> int:
    """Return the crossbars of all chips."""
    return chip.system.chips_per_package * chip.tile.count * chip.tile.crossbars


def crossbars_for(shapes: Mapping[str, MatrixShape], chip: ChipFile, policy: MappingPolicy = PLAIN) -> int:
    """Return the crossbars that layers of these shapes take, those left free between them included.

    Of the policy, what shares a crossbar and the replicas that are named count; a budget does not.
    """
    grids = {name: cut(name, shape, chip) for name, shape in shapes.items()}
    pieces = pieces_of(grids, policy.replicas, chip, policy.pack)
    return crossbars_needed([piece.crossbars for piece in pieces], chip.tile.adc.crossbars)


def joined(chip: ChipFile, workload: Workload, policy: MappingPolicy, chips: int | Literal["auto"]) -> ChipFile:
    """Return so many equal chips as one system; ``auto``: as many as one replica of everything needs.

    Raises
    ------
    ConfigError
        If there are no links to join several.
    """
    count = chips if chips != "auto" else chips_for(crossbars_for(matrices(workload), chip, policy), chip)
    several = replace(chip, system=replace(chip.system, chips_per_package=count))
    problems = check(several)
    if problems:
        raise ConfigError.of(problems)
    return several


def check_capacity(workload: Workload, chip: ChipFile, policy: MappingPolicy = PLAIN) -> None:
    """Raise unless the chips have a place for every block of `workload`.

    Raises
    ------
    CapacityError
        With need, capacity and levers, located at `tile.crossbars`; or if the budget of the policy is too small.
    """
    shapes = matrices(workload)
    needed = crossbars_for(shapes, chip, policy)
    if needed > capacity(chip):
        listed = "; ".join(map(str, levers(workload, chip, policy)))
        what = f"workload `{workload.name}` {_too_few(shapes, chip, policy)}; levers: {listed}"
        raise CapacityError(chip.where.problem("tile.crossbars", what))
    if isinstance(policy.budget, int) and needed > policy.budget:
        too_small = f"a budget of {policy.budget} crossbars is too small"
        raise CapacityError(f"{too_small}: one replica of each layer takes {needed}")


def levers(workload: Workload, chip: ChipFile, policy: MappingPolicy = PLAIN) -> tuple[Lever, ...]:
    """Return the single changes that make `workload` fit, or at least need fewer crossbars.

    More chips, tiles or crossbars per tile: the least number that is enough. Rows and columns are doubled, the bits of
    a cell raised and those of a weight lowered one by one, until it fits; where nothing is enough, the first step that
    needs the fewest is given. Then offset instead of differential cells, converter banks of one crossbar, and packing.
    """
    shapes = matrices(workload)
    now = crossbars_for(shapes, chip, policy)
    found = (_best(shapes, chip, policy, path, values) for path, values in _alternatives(shapes.values(), chip))
    helping = [lever for lever in found if lever and lever.needed < now]
    if policy.pack == "none":
        packed = crossbars_for(shapes, chip, replace(policy, pack="crossbar"))
        if packed < now:
            helping.append(Lever("--pack", "none", "crossbar", packed, capacity(chip)))
    return (*_more_crossbars(now, chip), *helping)


def chips_for(needed: int, chip: ChipFile) -> int:
    """Return the least number of chips that have so many crossbars."""
    return max(1, -(-needed // (chip.tile.count * chip.tile.crossbars)))


def _more_crossbars(needed: int, chip: ChipFile) -> Iterator[Lever]:
    chips, count, per_tile = chip.system.chips_per_package, chip.tile.count, chip.tile.crossbars
    bank = chip.tile.adc.crossbars
    if needed > capacity(chip):
        tiles = -(-needed // (chips * per_tile))
        yield Lever("tile.count", count, tiles, needed, chips * tiles * per_tile, "network.routers")
        crossbars = -(-needed // (chips * count * bank)) * bank
        yield Lever("tile.crossbars", per_tile, crossbars, needed, chips * count * crossbars)
        if chip.system.chip_link is not None:
            more = chips_for(needed, chip)
            yield Lever("system.chips_per_package", chips, more, needed, more * count * per_tile)


def _alternatives(shapes: Collection[MatrixShape], chip: ChipFile) -> Iterator[tuple[str, Iterable[int | str]]]:
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


def _best(
    shapes: Mapping[str, MatrixShape], chip: ChipFile, policy: MappingPolicy, path: str, values: Iterable[int | str]
) -> Lever | None:
    """Return the first value that fits, else the first that needs the fewest crossbars; never one the file refuses."""
    best: Lever | None = None
    for value in values:
        changed = _changed(chip, path, value)
        if check(changed):
            continue
        lever = Lever(path, attrgetter(path)(chip), value, crossbars_for(shapes, changed, policy), capacity(chip))
        if best is None or lever.needed < best.needed:
            best = lever
        if best.fits:
            break
    return best


def _changed(part: Part, path: str, value: int | str) -> Part:
    """Return a copy of `part` with `value` at the dotted `path`."""
    name, _, rest = path.partition(".")
    return replace(part, **{name: _changed(getattr(part, name), rest, value) if rest else value})


def _too_few(shapes: Mapping[str, MatrixShape], chip: ChipFile, policy: MappingPolicy) -> str:
    crossbar, needed = chip.tile.crossbar, crossbars_for(shapes, chip, policy)
    # Banks of one crossbar leave none free.
    alone = replace(chip, tile=replace(chip.tile, adc=replace(chip.tile.adc, crossbars=1)))
    idle = needed - crossbars_for(shapes, alone, policy)
    free = f" ({idle} of them left free, as a layer of several converter banks shares none)" if idle else ""
    chips = chip.system.chips_per_package
    has = "the chip has" if chips == 1 else f"{chips} chips have"
    each = f"{chip.tile.count} tiles x {chip.tile.crossbars}" + (f" x {chips} chips" if chips > 1 else "")
    return f"needs {needed} crossbars of {crossbar.rows} x {crossbar.cols}{free}, {has} {capacity(chip)} ({each})"
