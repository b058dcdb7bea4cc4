"""Exact quantities and clocks: text with a unit in, `Fraction` in SI base units or integer picoseconds out.

No float takes part: ``6.4 GB/s`` is exactly 6 400 000 000 bytes a second, and edge `n` of a clock is computed from `n`,
never by adding up periods, so two clocks that coincide on paper coincide here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from aimcsim.errors import UnitError

PS_PER_S = 10**12

_DECIMAL = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "": 0, "k": 3, "M": 6, "G": 9, "T": 12}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4}


def _scaled(base: str, prefixes: str, power: int = 1) -> dict[str, Fraction]:
    """Return ``{unit: factor}`` for `base` with each of `prefixes` (`-` stands for none), a factor to the `power`."""
    names = ["" if one == "-" else one for one in prefixes]
    return {name + base: Fraction(10) ** (_DECIMAL[name] * power) for name in names}


_SIZE = _scaled("B", "-kMGT") | {prefix + "B": Fraction(1024) ** n for prefix, n in _BINARY.items()}

# Only prefixes somebody would mean: leaving out `mHz` lets `100 mhz` be answered with `MHz`.
UNITS: dict[str, dict[str, Fraction]] = {
    "time": _scaled("s", "-munpf"),
    "frequency": _scaled("Hz", "-kMGT"),
    "energy": _scaled("J", "-munpfa"),
    "power": _scaled("W", "-munpk"),
    "area": _scaled("m2", "-cmun", power=2),
    "size": _SIZE,
    "bandwidth": {f"{unit}/s": factor for unit, factor in _SIZE.items()},
    "voltage": _scaled("V", "-mun"),
    "resistance": _scaled("ohm", "-kMG"),
    "conductance": _scaled("S", "-munp"),
    "length": _scaled("m", "-cmunp"),
}

EXAMPLES = {
    "time": "100 ns",
    "frequency": "1.28 GHz",
    "energy": "2 pJ",
    "power": "16 mW",
    "area": "1200 um2",
    "size": "64 KiB",
    "bandwidth": "6.4 GB/s",
    "voltage": "0.2 V",
    "resistance": "10 kohm",
    "conductance": "25 uS",
    "length": "10 um",
}

# Digits are bounded so that a typed-in `1e999999999 s` is refused rather than computed.
_QUANTITY = re.compile(r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?)\s*([^\d\s.].*)?")


def a_quantity(dimension: str) -> str:
    """Return what a message calls a quantity of `dimension`: ``a time with its unit, such as `100 ns```."""
    article = "an" if dimension[0] in "aeiou" else "a"
    return f"{article} {dimension} with its unit, such as `{EXAMPLES[dimension]}`"


def parse_quantity(text: str, dimension: str) -> Fraction:
    """Return the exact value of `text` in the SI base unit of `dimension` (a key of `UNITS`).

    Sizes are in bytes: `KiB` is 1024, `kB` is 1000. Raises `UnitError` for a bare number, an unknown unit, a unit in
    the wrong case (the right spelling is suggested), or a quantity of another dimension.
    """
    match = _QUANTITY.fullmatch(text.strip().replace("µ", "u").replace("μ", "u"))
    if match is None:
        raise UnitError(f"expected {a_quantity(dimension)} (got `{text}`)")
    number, unit = match.groups()
    if unit is None:
        raise UnitError(f"expected {a_quantity(dimension)} (got `{text}`, which has no unit)")
    factor = UNITS[dimension].get(unit)
    if factor is None:
        raise UnitError(_wrong_unit(text, number, unit, dimension))
    return Fraction(number) * factor


def _wrong_unit(text: str, number: str, unit: str, dimension: str) -> str:
    """Say why `unit` is no unit of `dimension`: another spelling, another dimension, or unknown."""
    spellings = [known for known in UNITS[dimension] if known.lower() == unit.lower()]
    if spellings:
        nearest = " or ".join(f"`{number} {known}`" for known in spellings)
        return f"unit `{unit}` is misspelt (got `{text}`). Did you mean {nearest}?"
    others = [other for other, units in UNITS.items() if unit in units]
    if others:
        return f"expected {a_quantity(dimension)} (got `{text}`, which is {_called(others[0])})"
    allowed = ", ".join(UNITS[dimension])
    return f"unknown unit `{unit}` (got `{text}`); a {dimension} is given in one of: {allowed}"


def _called(dimension: str) -> str:
    return f"an {dimension}" if dimension[0] in "aeiou" else f"a {dimension}"


def ps_from_seconds(seconds: Fraction) -> int:
    """Return `seconds` in picoseconds; `UnitError` when that is no whole number: time here has no smaller unit."""
    ps = Fraction(seconds) * PS_PER_S
    if ps.denominator != 1:
        raise UnitError(f"{format_exact(seconds, 'time')} is no whole number of picoseconds")
    return ps.numerator


def format_si(value: float | Fraction, unit: str) -> str:
    """Return `value` for a table: three significant digits and a prefix (`1.56 pJ`, `1.20 mm2`).

    `unit` is an SI base unit; the prefix of one that ends in `2` is squared, as in `mm2`.
    """
    if value == 0:
        return f"0 {unit}"
    step = 6 if unit.endswith("2") else 3
    exponent = int(f"{float(value):.2e}".partition("e")[2])  # of the rounded value: 999.9 becomes 1.00 k
    shift = 0 if step == 3 else 2  # the prefixes of a square are far apart: 0.372 mm2 reads better than 372000 um2
    index = max(-6, min(4, (exponent + shift) // step))
    scaled = float(value) / 10.0 ** (index * step)
    prefix = "" if index == 0 else ("kMGT"[index - 1] if index > 0 else "munpfa"[-index - 1])
    decimals = max(0, 2 - (exponent - index * step))
    return f"{scaled:.{decimals}f} {prefix}{unit}"


def format_time_ps(time_ps: int) -> str:
    """Return a time for a table: `2.20 us`; whole picoseconds below one nanosecond."""
    return f"{time_ps} ps" if abs(time_ps) < 1000 else format_si(Fraction(time_ps, PS_PER_S), "s")


def format_energy_j(energy_j: float | Fraction) -> str:
    """Return an energy for a table: `13.4 nJ`."""
    return format_si(energy_j, "J")


def format_exact(value: Fraction, dimension: str) -> str:
    """Return text that `parse_quantity` turns back into exactly `value`, in the largest unit that keeps it above one.

    Sizes in whole KiB are given in binary units. Raises `ValueError` for a value without a finite decimal form,
    which no quantity read from text has.
    """
    units = sorted(UNITS[dimension].items(), key=lambda item: item[1], reverse=True)
    binary = dimension == "size" and value != 0 and (value / 1024).denominator == 1
    units = [(unit, factor) for unit, factor in units if ("i" in unit) == binary and not unit.startswith("c")]
    if binary:
        units = [(unit, factor) for unit, factor in units if (value / factor).denominator == 1]
    unit, factor = next(((u, f) for u, f in units if abs(value) >= f), units[-1])
    if value == 0:
        unit, factor = next((u, f) for u, f in units if f == 1)
    return f"{_decimal(value / factor)} {unit}"


def _decimal(value: Fraction) -> str:
    """Return the finite decimal form of `value`."""
    digits = 0
    scaled = value
    while scaled.denominator != 1:
        if scaled.denominator % 2 and scaled.denominator % 5:
            raise ValueError(f"{value} has no finite decimal form")
        scaled *= 10
        digits += 1
    if not digits:
        return str(scaled)
    sign = "-" if scaled < 0 else ""
    text = str(abs(scaled.numerator)).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}"


def frequency_mistake(frequency_hz: Fraction) -> str | None:
    """Return why no clock can have a frequency; None if one can.

    Above 1 THz edges would fall on the same picosecond. The compiled loop counts with a period's numerator and
    denominator as 64-bit integers.
    """
    if not 0 < frequency_hz <= PS_PER_S:
        return "a frequency must be above 0 and at most 1 THz"
    period_ps = PS_PER_S / Fraction(frequency_hz)
    if max(period_ps.numerator, period_ps.denominator) < 1 << 63:
        return None
    return (
        f"the period of a clock must be a fraction of integers below 2^63 in picoseconds (got `{period_ps}`); "
        f"a frequency of fewer digits has one"
    )


@dataclass(frozen=True, slots=True)
class ClockDomain:
    """A clock whose edge `n` falls at ``n * numerator // denominator`` ps, with ``numerator/denominator`` its period.

    All clocks have an edge at 0. Rounding an edge down to a picosecond never accumulates. Times and counts are Python
    integers; anything else is refused with `TypeError`, and a frequency that no clock can have with `UnitError`.
    """

    name: str
    frequency_hz: Fraction
    numerator: int = field(init=False, repr=False, compare=False)
    denominator: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if mistake := frequency_mistake(self.frequency_hz):
            raise UnitError(f"clock `{self.name}`: {mistake}")
        period = PS_PER_S / Fraction(self.frequency_hz)
        object.__setattr__(self, "numerator", period.numerator)
        object.__setattr__(self, "denominator", period.denominator)

    @property
    def period_ps(self) -> Fraction:
        """One cycle in ps, exact."""
        return Fraction(self.numerator, self.denominator)

    def edge(self, n: int) -> int:
        """Return the time of edge `n` in ps."""
        return _integer(n) * self.numerator // self.denominator

    def index(self, t_ps: int) -> int:
        """Return the number of the first edge at or after `t_ps`."""
        return -(-_integer(t_ps) * self.denominator // self.numerator)

    def align(self, t_ps: int) -> int:
        """Return the time of the first edge at or after `t_ps`."""
        return self.edge(self.index(t_ps))

    def after(self, t_ps: int, cycles: int) -> int:
        """Return the time of the edge `cycles` edges after the one at `t_ps`; ValueError if that is no edge."""
        n = self.index(t_ps)
        if self.edge(n) != t_ps:
            raise ValueError(f"{t_ps} ps is no edge of clock `{self.name}`; align it first")
        return self.edge(n + _integer(cycles))


def _integer(value: int) -> int:
    # NumPy integers would overflow silently in the products above, and booleans are a mistake.
    if type(value) is not int:
        raise TypeError(f"times and cycle counts are Python integers (got {value!r} of type {type(value).__name__})")
    return value
