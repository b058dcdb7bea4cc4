"""Types of chip-file fields: how text becomes exact numbers, and what is refused on the way.

Each type is an annotation for pydantic, but pydantic itself is loaded only when a file is validated, so importing the
dataclasses that use these types stays cheap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from aimcsim.costs import Interval, Source
from aimcsim.errors import UnitError
from aimcsim.located import quoted
from aimcsim.units import (
    EXAMPLES,
    PS_PER_S,
    UNITS,
    a_quantity,
    format_exact,
    format_si,
    parse_quantity,
    ps_from_seconds,
)

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


_UNIT_SUFFIXES = ("_bytes_per_s", "_siemens", "_bytes", "_ps", "_hz", "_m2", "_m", "_w", "_j", "_v")


def file_key(name: str) -> str:
    """Return the field name that a chip file uses for the attribute `name`: the same without its unit.

    A word that Python keeps for itself has an underscore at its end here, and none in the file.
    """
    for suffix in _UNIT_SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name.removesuffix("_")


class Section:
    """Base of all parts of a chip file: unknown fields are refused, numbers are not converted from text."""

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "alias_generator": file_key}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A time in cycles of the resource's clock, or in picoseconds; exactly one of the two is set."""

    cycles: int | None = None
    time_ps: int | None = None

    def __str__(self) -> str:
        if self.time_ps is not None:
            return format_exact(Fraction(self.time_ps, PS_PER_S), "time")
        return f"{self.cycles} cycle{'' if self.cycles == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Per:
    """Work of a stage in units: its latency and interval are multiplied by ``ceil(quantity / amount)``.

    Attributes
    ----------
    quantity : str   One of `QUANTITIES`.
    amount : int     How much of it one latency handles (bytes for the `*_bytes` quantities).
    """

    quantity: str
    amount: int


_TINY, _HUGE = Fraction(0), Fraction(10) ** 30

# Outside these limits a number is far more often a slip of the prefix than meant. Zero is never suspicious.
_PLAUSIBLE: dict[str, tuple[Fraction, Fraction]] = {
    "time": (_TINY, Fraction(1)),
    "frequency": (Fraction(1000), Fraction(10**11)),
    "energy": (Fraction(1, 10**21), Fraction(1, 10**6)),
    "power": (Fraction(1, 10**15), Fraction(1000)),
    "area": (Fraction(1, 10**18), Fraction(1, 10**3)),
    "length": (Fraction(1, 10**10), Fraction(1)),
    "size": (_TINY, Fraction(2**34)),
    "bandwidth": (Fraction(1000), Fraction(10**14)),
    "voltage": (Fraction(1, 10**6), Fraction(10)),
    "conductance": (Fraction(1, 10**12), Fraction(1)),
}
_SI_UNIT = {
    "time": "s",
    "frequency": "Hz",
    "energy": "J",
    "power": "W",
    "area": "m2",
    "length": "m",
    "size": "B",
    "bandwidth": "B/s",
    "voltage": "V",
    "conductance": "S",
}


class SuspiciousError(ValueError):
    """A magnitude outside what is plausible, in a file that does not say ``suspicious: allow``."""


def quantity(raw: object, dimension: str, *, lenient: bool = False) -> Fraction:
    """Return the exact SI value of a field; `UnitError` for no quantity, `SuspiciousError` for an implausible one."""
    if not isinstance(raw, str):
        bare = isinstance(raw, int | float) and not isinstance(raw, bool)
        raise UnitError(f"expected {a_quantity(dimension)} (got {shown(raw)}{', which has no unit' if bare else ''})")
    value = parse_quantity(raw, dimension)
    if value < 0:
        raise UnitError(f"a {dimension} must not be negative (got {shown(raw)})")
    low, high = _PLAUSIBLE[dimension]
    if value and not low <= value <= high and not lenient:
        side, limit = ("above", high) if value > high else ("below", low)
        plain = format_si(limit, _SI_UNIT[dimension])
        raise SuspiciousError(
            f"suspicious magnitude, {side} {plain} (got `{raw}`); "
            "if you mean it, write `suspicious: allow` at the top of the file"
        )
    return value


def shown(raw: object) -> str:
    """Return how a message quotes a value of the file; text that looks like a number is told from the number."""
    if isinstance(raw, str):
        return f"the text {quoted(raw)}" if re.fullmatch(r"[-+.\d]*", raw) else quoted(raw)
    if raw is None or isinstance(raw, bool):
        return {None: "nothing", True: "`true`", False: "`false`"}[raw]
    if isinstance(raw, Mapping):
        return "a mapping"
    return "a list" if isinstance(raw, list) else quoted(raw)


Parse = Callable[[object, bool], object]


class FieldType:
    """Annotation metadata: the field is made by `parse(raw, lenient)` instead of by pydantic's own rules.

    `instead` is any right value. After an error the loader puts it in place of the wrong one and goes on checking, so
    that one run reports all there is.
    `schema` is JSON Schema that takes what `parse` takes, plausible or not; its `title` says what such a value is.
    """

    __slots__ = ("instead", "parse", "schema")

    def __init__(self, parse: Parse, instead: object, schema: dict[str, Any]) -> None:
        self.parse = parse
        self.instead = instead
        self.schema = schema

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import PydanticCustomError, core_schema

        def validate(raw: object, info: core_schema.ValidationInfo) -> object:
            try:
                return self.parse(raw, bool(info.context and info.context["lenient"]))
            except ValueError as error:
                kind = "unit" if isinstance(error, UnitError) else "config"
                raise PydanticCustomError(kind, "{said}", {"said": str(error), "instead": self.instead}) from None

        return core_schema.with_info_plain_validator_function(validate)


def _of(dimension: str) -> FieldType:
    schema = quantity_schema(dimension)
    return FieldType(lambda raw, lenient: quantity(raw, dimension, lenient=lenient), EXAMPLES[dimension], schema)


_NUMBER = r"\+?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,2})?"


def quantity_schema(dimension: str, *others: str) -> dict[str, Any]:
    """Return JSON Schema of text with a unit of `dimension`, or of one of the other patterns."""
    units = "|".join(unit.replace("u", "[u\u00b5\u03bc]") for unit in UNITS[dimension])
    either = "|".join((rf"{_NUMBER}\s*(?:{units})", *others))
    return {
        "title": dimension,
        "type": "string",
        "pattern": rf"^\s*(?:{either})\s*$",
        "examples": [EXAMPLES[dimension]],
    }


MOST = 1 << 20
"""Most of anything that a chip file counts: tiles, crossbars of a tile, cycles, turns of a loop."""


def _whole(low: int, high: int) -> FieldType:
    """Return the annotation of a whole number from `low` to `high`; text, fractions and booleans are refused."""
    allowed = f"of at least {low}" if high == MOST else f"from {low} to {high}"

    def parse(raw: object, _lenient: bool) -> int:
        if type(raw) is int and raw > high == MOST:
            raise ValueError(f"more than {MOST} is beyond what can be simulated (got {shown(raw)})")
        if type(raw) is not int or raw < low or raw > high:
            raise ValueError(f"expected a whole number {allowed} (got {shown(raw)})")
        return raw

    limits = {"minimum": low, "maximum": high}
    return FieldType(parse, low, {"title": f"whole number {allowed}", "type": "integer", **limits})


def _real(low: float, high: float) -> FieldType:
    """Return the annotation of a number from `low` to `high`, whole or not."""
    allowed = f"from {low:g} to {high:g}"

    def parse(raw: object, _lenient: bool) -> float:
        if type(raw) not in (int, float) or not low <= raw <= high:  # type: ignore[operator]  # a number by now
            raise ValueError(f"expected a number {allowed} (got {shown(raw)})")
        return float(raw)  # type: ignore[arg-type]

    return FieldType(parse, low, {"title": f"number {allowed}", "type": "number", "minimum": low, "maximum": high})


def _parameter(raw: object, _lenient: bool) -> float | str:
    if isinstance(raw, str) or (isinstance(raw, int | float) and not isinstance(raw, bool)):
        return raw
    raise ValueError(f"expected a number or a word (got {shown(raw)})")


def _flag(raw: object, _lenient: bool) -> bool:
    if not isinstance(raw, bool):
        raise ValueError(f"expected `true` or `false` (got {shown(raw)})")
    return raw


def _time_ps(raw: object, lenient: bool) -> int:
    return ps_from_seconds(quantity(raw, "time", lenient=lenient))


def _size_bytes(raw: object, lenient: bool) -> int:
    value = quantity(raw, "size", lenient=lenient)
    if value.denominator != 1:
        raise UnitError(f"no whole number of bytes (got {shown(raw)})")
    return value.numerator


_CYCLES = re.compile(r"(\d{1,9})\s*cycles?")


def _duration(raw: object, lenient: bool) -> Duration:
    match = _CYCLES.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match:
        return Duration(cycles=int(match[1]))
    if isinstance(raw, str) and re.search(r"\d\s*cycles?$", raw.strip()):
        raise UnitError(f"cycles are a whole number of at most nine digits (got {shown(raw)})")
    try:
        return Duration(time_ps=_time_ps(raw, lenient))
    except UnitError as error:
        raise UnitError(str(error).replace("such as `100 ns`", "such as `100 ns` or `3 cycles`")) from None


def _per(raw: object, lenient: bool) -> Per:
    if not isinstance(raw, Mapping) or len(raw) != 1:
        raise ValueError(f"expected one quantity and its amount, such as `{{output_elements: 16}}` (got {shown(raw)})")
    [(name, amount)] = raw.items()
    if name.endswith("_bytes") and isinstance(amount, str):
        amount = _size_bytes(amount, lenient)
    if type(amount) is not int or amount < 1:
        raise ValueError(f"the amount of `{name}` must be a whole number of at least 1 (got `{amount}`)")
    return Per(name, amount)


def _source(raw: object, _lenient: bool) -> Source:
    if not isinstance(raw, str) or not raw:
        raise ValueError(f"expected a reference and a place in it, such as `isaac16.table1` (got {shown(raw)})")
    reference, _, locator = raw.partition(".")
    return Source(reference, locator)


def _energy_range(raw: object, lenient: bool) -> Interval:
    if not isinstance(raw, list) or len(raw) != 2:
        raise ValueError(f"expected the lowest and the highest, such as `[1.5 pJ, 1.7 pJ]` (got {shown(raw)})")
    low, high = (quantity(one, "energy", lenient=lenient) for one in raw)
    if low > high:
        raise ValueError(f"the lowest comes first (got `[{raw[0]}, {raw[1]}]`)")
    return Interval(low, high)


def _attributes(raw: object, _lenient: bool) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping) or not all(isinstance(one, str | int | float) for one in raw.values()):
        raise ValueError(f"expected numbers and words by name (got {shown(raw)})")
    return dict(raw)


def _optional_name(raw: object, _lenient: bool) -> str | None:
    if raw is None or raw == "none":
        return None
    if not isinstance(raw, str):
        raise ValueError(f"expected a name, or `none` (got {shown(raw)})")
    return raw


def _count(raw: object, _lenient: bool) -> int | str:
    if isinstance(raw, str) or (type(raw) is int and 1 <= raw <= MOST):
        return raw
    raise ValueError(f"expected a whole number from 1 to {MOST}, or the name of a count (got {shown(raw)})")


def _step(raw: object, _lenient: bool) -> int:
    if raw == "auto":
        return 0
    if type(raw) is int and raw >= 1:
        return raw
    raise ValueError(f"expected `auto` or a whole number of unit-cell steps (got {shown(raw)})")


def _not_read(_raw: object, _lenient: bool) -> None:
    raise ValueError("unknown field")


not_read = FieldType(_not_read, None, {"not": {}})
"""For a field that the loader fills in and that no file may give."""

_OPTIONAL_NAME = {"title": "name or none", "type": ["string", "null"]}
_TURNS = {"minimum": 1, "maximum": MOST}
_COUNT = {**_TURNS, "title": "whole number of at least 1, or name of a count", "type": ["integer", "string"]}
_STEP = {"title": "auto or whole number of at least 1", "anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1}]}
_SOURCE = {"title": "reference, and after a dot where in it", "type": "string", "minLength": 1}
_DURATION = {**quantity_schema("time", "[0-9]{1,9}\\s*cycles?"), "title": "cycles or time", "examples": ["1 cycle"]}
_ENERGY_RANGE = {
    "title": "[energy, energy]",
    "type": "array",
    "items": quantity_schema("energy"),
    "minItems": 2,
    "maxItems": 2,
}
_ATTRIBUTES = {
    "title": "numbers and words by name",
    "type": "object",
    "additionalProperties": {"type": ["number", "string", "boolean"]},
}
_AMOUNT = {"anyOf": [{"type": "integer", "minimum": 1}, quantity_schema("size")]}
_PER = {
    "title": "{quantity: amount}",
    "type": "object",
    "additionalProperties": _AMOUNT,
    "minProperties": 1,
    "maxProperties": 1,
}

TimePs = Annotated[int, FieldType(_time_ps, "100 ns", quantity_schema("time"))]
SizeBytes = Annotated[int, FieldType(_size_bytes, "1 KiB", quantity_schema("size"))]
FrequencyHz = Annotated[Fraction, _of("frequency")]
BandwidthBytesPerS = Annotated[Fraction, _of("bandwidth")]
EnergyJ = Annotated[Fraction, _of("energy")]
PowerW = Annotated[Fraction, _of("power")]
EnergyRangeJ = Annotated[Interval, FieldType(_energy_range, ["1 pJ", "2 pJ"], _ENERGY_RANGE)]
VoltageV = Annotated[Fraction, _of("voltage")]
ConductanceSiemens = Annotated[Fraction, _of("conductance")]
LengthM = Annotated[Fraction, _of("length")]
Attributes = Annotated[Mapping[str, Any], FieldType(_attributes, {}, _ATTRIBUTES)]
AreaM2 = Annotated[Fraction, _of("area")]
DurationText = Annotated[Duration, FieldType(_duration, "100 ns", _DURATION)]
PerMapping = Annotated[Per, FieldType(_per, {"one": 1}, _PER)]
SourceKey = Annotated[Source, FieldType(_source, "aimcsim", _SOURCE)]
OptionalName = Annotated[str | None, FieldType(_optional_name, None, _OPTIONAL_NAME)]
LoopCount = Annotated[int | str, FieldType(_count, 1, _COUNT)]
AdcStep = Annotated[int, FieldType(_step, "auto", _STEP)]
Positive = Annotated[int, _whole(1, MOST)]
NotNegative = Annotated[int, _whole(0, MOST)]
VirtualChannels = Annotated[int, _whole(1, 64)]
BufferFlits = Annotated[int, _whole(1, 4096)]
Rows = Annotated[int, _whole(1, 65535)]
Columns = Annotated[int, _whole(1, 1 << 20)]
# The widths that the value path computes with: digits are bytes, inputs and weights 16-bit numbers with a sign.
CellBits = Annotated[int, _whole(1, 8)]
PhaseBits = Annotated[int, _whole(1, 15)]
SignedBits = Annotated[int, _whole(2, 16)]
AdcBits = Annotated[int, _whole(1, 24)]
OutputBits = Annotated[int, _whole(1, 32)]
PartialSumBits = Annotated[int, _whole(1, 64)]
Number = Annotated[float, _real(0, 1e9)]
Part = Annotated[float, _real(0, 1)]
Decibels = Annotated[float, _real(20, 400)]
Parameter = Annotated[
    float | str, FieldType(_parameter, 1.0, {"title": "number or word", "type": ["number", "string"]})
]
Flag = Annotated[bool, FieldType(_flag, False, {"title": "true or false", "type": "boolean"})]
