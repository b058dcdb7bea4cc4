"""A chip written out as a chip file again: every default filled in, every cost with its source."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any

from aimcsim.costs import ActionCost, ComponentCost, Interval
from aimcsim.spec.chip_file import ChipFile
from aimcsim.spec.fields import Duration, Per, file_key
from aimcsim.units import PS_PER_S, format_exact

_DIMENSIONS = {
    "_bytes_per_s": "bandwidth",
    "_bytes": "size",
    "_ps": "time",
    "_hz": "frequency",
    "_m2": "area",
    "_m": "length",
    "_w": "power",
    "_j": "energy",
    "_v": "voltage",
    "_siemens": "conductance",
}


def resolved_yaml(chip: ChipFile) -> str:
    """Return YAML text that loads to a chip equal to `chip` and extends nothing."""
    from ruamel.yaml import YAML

    writer = YAML()
    writer.default_flow_style = None  # one line for what holds no further structure
    writer.width = 1_000
    text = io.StringIO()
    writer.dump(_plain(chip), text)
    return text.getvalue()


def _plain(value: Any) -> Any:
    """Return `value` as plain data that a chip file could have."""
    if isinstance(value, ComponentCost | ActionCost):
        return _cost(value)
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, Per):
        return {value.quantity: value.amount}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return _section(value) if is_dataclass(value) else value


def _section(value: Any) -> dict[str, Any]:
    """Return the fields of a part of a chip file; absent optional ones stay absent, since no text stands for them."""
    plain: dict[str, Any] = {}
    for one in fields(value):
        item = getattr(value, one.name)
        if item is None or one.name == "where":
            continue
        plain[file_key(one.name)] = plain_field(one.name, item)
    return plain


def plain_field(name: str, value: Any) -> Any:
    """Return the value of an attribute as a chip file says it."""
    if name == "step":
        return value or "auto"
    if isinstance(value, Interval):
        return [_quantity(name, end) for end in (value.low, value.high)]
    return _quantity(name, value) if name != file_key(name) else _plain(value)


def _quantity(name: str, value: int | Fraction) -> str:
    """Return the text of a quantity whose dimension the attribute's name tells."""
    suffix = name.removeprefix(file_key(name))
    return format_exact(Fraction(value, PS_PER_S if suffix == "_ps" else 1), _DIMENSIONS[suffix])


def _cost(cost: ComponentCost | ActionCost) -> dict[str, Any]:
    plain = _section(cost)
    plain |= {"source": cost.source.key, "how": cost.source.how}
    return plain
