"""What each field alone cannot show: names that must exist and numbers that must go together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

from aimcsim.costs import REFERENCES, Grade, Source
from aimcsim.errors import Problem
from aimcsim.located import one_of
from aimcsim.spec.chip_file import ChipFile
from aimcsim.spec.layers import OVERRIDE
from aimcsim.spec.stage_checks import check_table
from aimcsim.spec.stage_table import OPTIONAL_TABLES, RESOURCES, TableName
from aimcsim.units import frequency_mistake


def check(chip: ChipFile, wrong: frozenset[str] = frozenset()) -> list[Problem]:
    """Return everything that does not fit together in `chip`.

    `wrong` are paths already reported, which hold a stand-in value: what depends on one of them is left out.
    """
    problems = [problem for rule in RULES for problem in rule(chip, wrong)]
    for parts in (_clocks(chip), _roles(chip), _units(chip), _costs(chip), _tables(chip)):
        problems += (problem for problem in parts if problem.path not in wrong)
    return problems


@dataclass(frozen=True, slots=True)
class Rule:
    """A relation between the fields `reads`; `broken` says what is wrong with it, or nothing.

    It is reported at that of its fields which was set last: in an override, else in the file itself, else in its base.
    """

    reads: tuple[str, ...]
    broken: Callable[[ChipFile], str]

    def __call__(self, chip: ChipFile, wrong: frozenset[str]) -> Iterator[Problem]:
        """Yield the problem, unless it is no news after `wrong`."""
        message = "" if wrong.intersection(self.reads) else self.broken(chip)
        if message:
            layers = {OVERRIDE: 0, chip.where.file: 1}
            path = min(self.reads, key=lambda path: layers.get(chip.where.place(path).file, 2))
            yield chip.where.problem(path, message)


def _one_package(chip: ChipFile) -> str:
    count = chip.system.packages
    return "" if count == 1 else f"links between packages are not simulated yet, so this must be 1 (got `{count}`)"


def _joined(chip: ChipFile) -> str:
    count = chip.system.chips_per_package
    if count == 1 or chip.system.chip_link is not None:
        return ""
    return f"{count} chips need a `system.chip_link` with its bandwidth and latency to join them"


def _grid(chip: ChipFile) -> str:
    (columns, rows), each = chip.network.routers, chip.network.tiles_per_router
    tiles = columns * rows * each
    if chip.tile.count == tiles:
        return ""
    return f"{columns} x {rows} routers with {each} each make {tiles} tiles, and `tile.count` is {chip.tile.count}"


def _whole_banks(chip: ChipFile) -> str:
    shared, crossbars = chip.tile.adc.crossbars, chip.tile.crossbars
    return f"banks of {shared} do not divide the {crossbars} crossbars of a tile" if crossbars % shared else ""


def _whole_converters(chip: ChipFile) -> str:
    columns, converters = chip.tile.crossbar.cols * chip.tile.adc.crossbars, chip.tile.adc.converters
    return f"{converters} converters do not divide the {columns} columns of their bank" if columns % converters else ""


def _cell_width(chip: ChipFile) -> str:
    cell, weight = chip.tile.crossbar.cell_bits, chip.numbers.weight_bits
    return f"a cell of {cell} bits holds more than a weight of {weight}" if cell > weight else ""


def _a_weight_fits(chip: ChipFile) -> str:
    needed, cols = chip.cells_per_weight, chip.tile.crossbar.cols
    return f"a weight takes {needed} columns, and a crossbar has {cols}" if needed > cols else ""


def _flip(chip: ChipFile) -> str:
    crossbar = chip.tile.crossbar
    return "flipped columns need `cells: offset`" if crossbar.flip and crossbar.cells != "offset" else ""


_SIGNS = {"bit_serial": ("twos_complement", "two_pass"), "pulse_width": ("two_pass", "bipolar")}


def _sign(chip: ChipFile) -> str:
    inputs = chip.tile.inputs
    allowed = _SIGNS[inputs.encoding]
    if inputs.sign in allowed:
        return ""
    return f"`{inputs.encoding}` inputs cannot have this sign {one_of(inputs.sign, allowed)}"


def _phase_width(chip: ChipFile) -> str:
    bits, per_phase = chip.numbers.input_bits, chip.tile.inputs.bits_per_phase
    return f"a phase of {per_phase} bits drives more than an input of {bits}" if per_phase > bits else ""


MOST_ROUTERS, MOST_CHANNELS, MOST_LINK_CYCLES, MOST_TILES_PER_ROUTER = 1024, 64, 65536, 32
"""What a network of the model `flit` or of circuits has at most: routers of all chips, channels of a router, ..."""
MOST_ENDPOINTS = MOST_ROUTERS * MOST_TILES_PER_ROUTER
"""Endpoints of a bus or crossbar at most, the host among them."""


def _topology(chip: ChipFile) -> str:
    network, chips = chip.network, chip.system.chips_per_package
    if network.topology == "mesh":
        return ""
    if network.switched and network.model == "flit":
        return f"a {network.topology} has no routers to go through flit by flit; it needs the model `packet` or `ideal`"
    if network.model != "flit" and not network.circuits:
        return (
            f"the model `{network.model}` switches packets on a mesh only; a {network.topology} needs the model "
            f"`flit`, or `switching: circuit`"
        )
    if chips > 1:
        return f"{chips} chips can only be joined where each is a mesh (got `{network.topology}`)"
    if network.topology == "ring" and network.routers[1] != 1:
        return f"a ring has one row of routers (got {network.routers[1]})"
    return ""


def _switching(chip: ChipFile) -> str:
    network = chip.network
    if network.model == "flit" and network.switching == "circuit":
        return "the routers of the model `flit` switch packets; circuits need the model `packet` or `ideal`"
    return ""


def _carried(chip: ChipFile) -> str:
    """Return by which choice packets do not simply hold one link after the other; nothing if they do."""
    network = chip.network
    if network.model == "flit":
        return "the model `flit`"
    if network.circuits:
        return f"a {network.topology}" if network.switched else "a network of circuits"
    return ""


def _routers(chip: ChipFile) -> str:
    (columns, rows), chips, kind = chip.network.routers, chip.system.chips_per_package, _carried(chip)
    if not kind or chip.network.switched or columns * rows * chips <= MOST_ROUTERS:
        return ""
    return (
        f"{kind} takes at most {MOST_ROUTERS} routers (got {columns} x {rows} on {chips} chips); the model `packet` "
        f"with `switching: packet` takes any number"
    )


def _endpoints(chip: ChipFile) -> str:
    if not chip.network.switched or chip.tile.count < MOST_ENDPOINTS:
        return ""
    return f"a {chip.network.topology} takes at most {MOST_ENDPOINTS - 1} tiles (got {chip.tile.count})"


def _tiles_per_router(chip: ChipFile) -> str:
    tiles, kind = chip.network.tiles_per_router, _carried(chip)
    if not kind or chip.network.switched or tiles <= MOST_TILES_PER_ROUTER:
        return ""
    return f"{kind} takes at most {MOST_TILES_PER_ROUTER} tiles at a router (got {tiles})"


def _channels(chip: ChipFile) -> str:
    network = chip.network
    channels, ports = network.virtual_channels, 5 + network.tiles_per_router
    if network.model != "flit" or network.switched:
        return ""
    if network.topology != "mesh" and channels < 2:
        return f"a {network.topology} needs 2 virtual channels, or its packets wait for each other (got {channels})"
    if ports * channels > MOST_CHANNELS:
        return (
            f"{channels} virtual channels at each of {ports} ports (4 links, host, tiles) are more than "
            f"{MOST_CHANNELS}, the most that the model `flit` takes"
        )
    return ""


def _link_cycles(chip: ChipFile) -> str:
    cycles, kind = chip.network.link_cycles, _carried(chip)
    if not kind or 1 <= cycles <= MOST_LINK_CYCLES:
        return ""
    return f"a link of {kind} takes 1 to {MOST_LINK_CYCLES} cycles (got {cycles})"


def _reduction(chip: ChipFile) -> str:
    if chip.network.reduction == "star" or chip.control.digital == "home":
        return ""
    return "with `control.digital: hub` tile 0 alone adds, so there is no `network.reduction: tree`"


def _forks(chip: ChipFile) -> str:
    network = chip.network
    if not network.switched or (network.multicast, network.reduction) == ("copies", "star"):
        return ""
    return f"a {network.topology} joins any two tiles directly, so there is no tree (take `copies` and `star`)"


def _sums_on_the_way(chip: ChipFile) -> str:
    table = chip.tables.get("reduce")
    if chip.network.reduction == "star" or table is None or any(stage.when == "always" for stage in table.stages):
        return ""
    return "`network.reduction: tree` adds partial sums on their way, and every stage is left out for these"


def _chip_link(chip: ChipFile) -> str:
    network, kind = chip.network, _carried(chip)
    if not kind or network.clock not in chip.clocks or not chip.clocks[network.clock].frequency_hz:
        return ""
    longest = max(chip.chip_link_cycles)
    if longest <= MOST_LINK_CYCLES:
        return ""
    return f"a flit takes {longest} cycles from chip to chip, and {kind} takes at most {MOST_LINK_CYCLES}"


_CELLS = ("tile.crossbar.cell_bits", "tile.crossbar.cells", "numbers.weight_bits")
_CARRIED = ("network.model", "network.switching", "network.topology")

RULES = (
    Rule(("system.packages",), _one_package),
    Rule(("system.chips_per_package", "system.chip_link"), _joined),
    Rule(("tile.count", "network.routers", "network.tiles_per_router"), _grid),
    Rule(
        ("network.topology", "network.model", "network.switching", "network.routers", "system.chips_per_package"),
        _topology,
    ),
    Rule(("network.switching", "network.model"), _switching),
    Rule(("network.routers", *_CARRIED, "system.chips_per_package"), _routers),
    Rule(("tile.count", "network.topology"), _endpoints),
    Rule(("network.tiles_per_router", *_CARRIED), _tiles_per_router),
    Rule(("network.virtual_channels", "network.tiles_per_router", "network.topology", "network.model"), _channels),
    Rule(("network.link_cycles", *_CARRIED), _link_cycles),
    Rule(("system.chip_link", "network.clock", "network.width_bits", *_CARRIED), _chip_link),
    Rule(("network.reduction", "control.digital"), _reduction),
    Rule(("network.multicast", "network.reduction", "network.topology"), _forks),
    Rule(("network.reduction", "tables.reduce.stages"), _sums_on_the_way),
    Rule(("tile.adc.crossbars", "tile.crossbars"), _whole_banks),
    Rule(("tile.adc.converters", "tile.adc.crossbars", "tile.crossbar.cols"), _whole_converters),
    Rule(("tile.crossbar.cell_bits", "numbers.weight_bits"), _cell_width),
    Rule(("tile.crossbar.cols", *_CELLS), _a_weight_fits),
    Rule(("tile.crossbar.flip", "tile.crossbar.cells"), _flip),
    Rule(("tile.inputs.sign", "tile.inputs.encoding"), _sign),
    Rule(("tile.inputs.bits_per_phase", "numbers.input_bits"), _phase_width),
)


def _known(chip: ChipFile, path: str, name: str | None, known: Iterable[str], what: str) -> Iterator[Problem]:
    """Yield a problem if `name`, which stands at `path`, is not among `known`."""
    known = list(known)
    if name is not None and name not in known:
        yield chip.where.problem(path, f"no such {what} {one_of(name, known)}", kind="reference")


def _clocks(chip: ChipFile) -> Iterator[Problem]:
    named = {"network.clock": chip.network.clock, "tile.array_clock": chip.tile.array_clock}
    named |= {f"tile.buffers.{name}.clock": buffer.clock for name, buffer in chip.tile.buffers.items()}
    named |= {f"tile.units.{name}.clock": unit.clock for name, unit in chip.tile.units.items()}
    for path, wanted in named.items():
        yield from _known(chip, path, wanted, chip.clocks, "clock")
    for name, clock in chip.clocks.items():
        if mistake := frequency_mistake(clock.frequency_hz):
            yield chip.where.problem(f"clocks.{name}.frequency", mistake)


def _roles(chip: ChipFile) -> Iterator[Problem]:
    tile = chip.tile
    for role in ("input_buffer", "output_buffer"):
        yield from _known(chip, f"tile.{role}", chip.buffer_of(role), tile.buffers, "buffer")
    for name, buffer in tile.buffers.items():
        if buffer.size_bytes == 0:
            yield chip.where.problem(f"tile.buffers.{name}.size", "a buffer must hold something (got `0 B`)")
    channels = {"host.link": chip.host.link, "memory.channel": chip.memory.channel}
    if chip.system.chip_link is not None:
        channels["system.chip_link"] = chip.system.chip_link
    for path, channel in channels.items():
        if channel.bandwidth_bytes_per_s == 0:
            yield chip.where.problem(f"{path}.bandwidth", "a bandwidth must be above 0")


def _units(chip: ChipFile) -> Iterator[Problem]:
    for name in chip.tile.units:
        if name in RESOURCES or "." in name:
            message = f"a unit may not be called like a resource that every chip has (got `{name}`)"
            yield chip.where.problem(f"tile.units.{name}", message, key=True)


def _costs(chip: ChipFile) -> Iterator[Problem]:
    for name, cost in chip.costs.items():
        path = f"costs.{name}"
        buffer = chip.buffer_of(name)
        if buffer != name and name not in chip.tile.buffers:
            message = f"costs go by buffer, and this role is played by `{buffer}` (got `{name}`)"
            yield chip.where.problem(path, message, key=True, kind="reference")
        elif cost.instances_per == "buffer":
            yield from _known(chip, path, name, chip.tile.buffers, "buffer")
        yield from _source(chip, path, cost.source, cost.grade)
        for act, action in cost.actions.items():
            yield from _source(chip, f"{path}.actions.{act}", action.source, action.grade)


def _source(chip: ChipFile, path: str, source: Source, grade: Grade) -> Iterator[Problem]:
    """Check that a cost's reference exists, and that what was derived or assumed says how or why."""
    yield from _known(chip, f"{path}.source", source.reference, REFERENCES, "reference")
    if grade in ("derived", "assumed") and not source.how:
        what = "the arithmetic" if grade == "derived" else "the reason"
        yield chip.where.problem(f"{path}.grade", f"a number graded `{grade}` states {what} in `how`")


def _tables(chip: ChipFile) -> Iterator[Problem]:
    for name in get_args(TableName):
        if name in chip.tables:
            yield from check_table(chip, name)
        elif name not in OPTIONAL_TABLES:
            yield chip.where.problem(f"tables.{name}", "is required, and missing")
