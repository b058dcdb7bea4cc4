"""Energy, area and access time of on-chip memories by size: tables with interpolation, and what off-chip memories take.

Source: SRAM from runs of [cacti7], low-standby-power cells; eDRAM from the constants of [pumasim]; DRAM from
[oconnor17] and [hwcomponents]. Assumes: between two sizes of a table, energy, area and time follow a power of the size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log

from aimcsim.costs.model import ActionCost, Source
from aimcsim.costs.parameters import Estimate, ModelError, Number, Parameters, known_node, outside, rounded
from aimcsim.located import one_of
from aimcsim.units import format_exact


@dataclass(frozen=True, slots=True)
class Point:
    """One memory of a table: energy of a read and a write of one word, time of an access, area."""

    read_pj: float
    write_pj: float
    access_ns: float
    area_mm2: float


SizeTable = Mapping[int, Point]
KIB = 1024

# Word in bytes -> node in nm -> size in bytes -> what one access takes. [cacti7] run with its default configuration.
SRAM: Mapping[int, Mapping[int, SizeTable]] = {
    8: {
        22: {
            1 * KIB: Point(0.380, 0.785, 0.427, 0.0009),
            2 * KIB: Point(0.648, 0.943, 0.441, 0.0018),
            8 * KIB: Point(1.590, 1.771, 0.602, 0.0063),
            32 * KIB: Point(3.786, 3.104, 0.845, 0.0267),
        },
        32: {
            1 * KIB: Point(0.895, 1.895, 0.617, 0.0018),
            2 * KIB: Point(1.494, 2.287, 0.642, 0.0038),
            8 * KIB: Point(3.443, 4.272, 0.844, 0.0133),
            32 * KIB: Point(8.257, 7.461, 1.169, 0.0566),
        },
        45: {
            1 * KIB: Point(1.670, 3.492, 0.793, 0.0036),
            2 * KIB: Point(2.756, 4.239, 0.825, 0.0075),
            8 * KIB: Point(6.137, 7.878, 1.064, 0.0263),
            32 * KIB: Point(17.04, 15.40, 1.409, 0.0949),
        },
    },
    32: {
        22: {
            64 * KIB: Point(13.62, 14.35, 0.958, 0.0650),
            256 * KIB: Point(30.02, 27.29, 1.493, 0.2474),
            1024 * KIB: Point(63.34, 58.06, 2.502, 0.8781),
        },
        32: {
            64 * KIB: Point(29.56, 36.46, 1.282, 0.1006),
            256 * KIB: Point(67.18, 64.00, 1.949, 0.5245),
            1024 * KIB: Point(140.6, 134.6, 3.187, 1.8598),
        },
        45: {
            64 * KIB: Point(51.80, 66.24, 1.569, 0.1989),
            256 * KIB: Point(124.6, 118.0, 2.389, 0.8598),
            1024 * KIB: Point(251.9, 245.3, 3.945, 3.6763),
        },
    },
}
SRAM_LEAKAGE_W_PER_BYTE = Fraction(14, 100_000) / (1024 * KIB)
"""[cacti7]: below 0.14 mW a MiB in all of these runs; the bound is taken."""

# [pumasim] include/constants.py: one memory of 64 KiB at 32 nm, 256 bits an access, the same for reads and writes.
EDRAM: SizeTable = {64 * KIB: Point(17.2, 17.2, 2.0, 0.086)}
EDRAM_NODE_NM, EDRAM_WORD_BYTES = 32, 32
EDRAM_LEAKAGE_W_PER_BYTE = Fraction(46, 100_000) / (64 * KIB)

DRAM_PJ_PER_BIT: Mapping[str, tuple[Fraction, str]] = {
    "hbm2": (Fraction(397, 100), "oconnor17"),
    "gddr5": (Fraction(14), "oconnor17"),
    "hbm3": (Fraction(405, 100), "hwcomponents"),
    "lpddr4": (Fraction(8), "hwcomponents"),
    "ddr3": (Fraction(70), "hwcomponents"),
}
"""Kind of memory -> pJ a bit with activation, array and interface, and where that is from."""


def sram(asked: Parameters) -> Estimate:
    """Return what one SRAM takes; `read` and `write` are of one byte, as part of a word of `word_bytes`."""
    word = asked.word_bytes or (8 if asked.size_bytes <= 32 * KIB else 32)
    if word not in SRAM:
        raise ModelError("word", f"no table for words of {word} B; known words: 8 B, 32 B")
    node = known_node(asked.node_m, SRAM[word])
    locator, leakage = f"{node}nm_{8 * word}b", SRAM_LEAKAGE_W_PER_BYTE
    return _memory("cacti7", locator, SRAM[word][node], asked.size_bytes, word, leakage, node)


def edram(asked: Parameters) -> Estimate:
    """Return what one eDRAM takes; `read` and `write` are of one byte."""
    node = known_node(asked.node_m, {EDRAM_NODE_NM: EDRAM})
    return _memory("pumasim", "constants", EDRAM, asked.size_bytes, EDRAM_WORD_BYTES, EDRAM_LEAKAGE_W_PER_BYTE, node)


def _memory(
    reference: str, locator: str, table: SizeTable, size: int, word: int, leakage: Fraction, node: int
) -> Estimate:
    point = at_size(table, size)
    said = f"{_size(size)} at {node} nm, {word} B an access"
    read = f"{said}: {point.read_pj:.4g} pJ to read, {point.write_pj:.4g} pJ to write, {point.access_ns:.4g} ns"
    source = Source(reference, locator, f"{said}; leakage at its bound of {float(leakage * size) * 1e6:.4g} uW")
    latency_ps = round(point.access_ns * 1000)

    def action(energy_pj: float) -> ActionCost:
        per_byte_j = rounded(Fraction(energy_pj) / 10**12 / word)
        return ActionCost(per_byte_j, Source(reference, locator, read), "derived", latency_ps=latency_ps)

    return Estimate(
        area_m2=rounded(point.area_mm2 / 1e6),
        static_power_w=rounded(leakage * size),
        source=source,
        actions={"read": action(point.read_pj), "write": action(point.write_pj)},
        beyond=_beyond(table, size),
    )


def at_size(table: SizeTable, size: int) -> Point:
    """Return the memory of a size: a power of it between its neighbours, or through the nearest two beyond the table.

    A table of one size is carried on by what halves of a square array give: area in proportion to the size, energy and
    time to its square root.
    """
    if size in table:
        return table[size]
    sizes = sorted(table)
    if len(sizes) == 1:
        one, ratio = table[sizes[0]], size / sizes[0]
        root = ratio**0.5
        return Point(one.read_pj * root, one.write_pj * root, one.access_ns * root, one.area_mm2 * ratio)
    place = min(max(1, sum(known < size for known in sizes)), len(sizes) - 1)
    low, high = sizes[place - 1], sizes[place]
    share = log(size / low) / log(high / low)
    return Point(*(_between(getattr(table[low], name), getattr(table[high], name), share) for name in Point.__slots__))


def _between(low: float, high: float, share: float) -> float:
    return exp(log(low) + share * (log(high) - log(low)))


def _beyond(table: SizeTable, size: int) -> tuple[str, ...]:
    if len(table) > 1:
        return outside("a size", size, min(table), max(table), _size)
    (known,) = table
    return () if size == known else (f"a size of {_size(size)} is outside the only one known, {_size(known)}",)


def _size(size: Number) -> str:
    return format_exact(Fraction(size), "size")


def dram(asked: Parameters) -> Estimate:
    """Return what it takes to move `bits` to or from off-chip memory of a kind; 8 if they are not given."""
    if asked.memory not in DRAM_PJ_PER_BIT:
        raise ModelError("memory", f"no such memory {one_of(asked.memory, DRAM_PJ_PER_BIT)}")
    each, reference = DRAM_PJ_PER_BIT[asked.memory]
    bits = asked.bits or 8
    energy = each * bits / 10**12
    source = Source(reference, asked.memory, f"{float(each):g} pJ/bit x {bits} bits")
    return Estimate(source=source, actions={"": ActionCost(energy, source, "derived")})
