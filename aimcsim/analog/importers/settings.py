"""Another program's settings under its own key names: each is read once and checked, and none is passed over."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from aimcsim.errors import ConfigError, Problem
from aimcsim.located import Position, did_you_mean, quoted

Places = Mapping[str, Position]


class Settings:
    """Values by dotted key, from `file`; a key that is absent or null has its default.

    Parameters
    ----------
    values : mapping    Key -> number, text, truth value or list.
    file : str          What messages name.
    places : mapping    Key -> where it stands in the file, if that is known.
    """

    def __init__(self, values: Mapping[str, Any], file: str, places: Places | None = None) -> None:
        self.file = file
        self._values = dict(values)
        self._places = places or {}
        self._known: set[str] = set()

    def error(self, key: str, message: str) -> ConfigError:
        """Return the error about `key`, with its place."""
        line, column = 0, 0
        if key in self._places:
            line, column = self._places[key].line, self._places[key].column
        return ConfigError(Problem(self.file, line, column, key, message))

    def value(self, key: str, default: Any) -> Any:
        """Return the value of `key` unchecked."""
        self._known.add(key)
        value = self._values.get(key)
        return default if value is None else value

    def number(self, key: str, default: float, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a finite number in [low, high]."""
        value = self.value(key, default)
        right = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not right or not low <= value <= high:
            raise self.error(key, f"must be a number{_between(low, high)} (got {quoted(value)})")
        return float(value)

    def needed(self, key: str, low: float = -math.inf) -> float:
        """Return a finite number of at least `low` that has no default."""
        if self.value(key, None) is None:
            raise self.error(key, "is missing")
        return self.number(key, low, low)

    def refuse(self, key: str, value: str, reason: str) -> None:
        """Refuse the name `value` of `key`, and say why."""
        given = self.value(key, None)
        if isinstance(given, str) and _plain(given) == _plain(value):
            raise self.error(key, f"{quoted(given)} is not supported: {reason}")

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """Return an integer in [low, high]."""
        value = self.value(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.error(key, f"must be an integer{_between(low, high)} (got {quoted(value)})")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a truth value."""
        value = self.value(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"must be true or false (got {quoted(value)})")
        return value

    def choice(self, key: str, default: str, options: Mapping[str, Any]) -> Any:
        """Return what the value of `key`, a name or an enumeration's number, stands for among `options`.

        Names are compared without their class, their case and underscores; options are keyed as ``NAME`` or ``NAME=1``.
        """
        value = self.value(key, default)
        for option, meaning in options.items():
            name, _, number = option.partition("=")
            if (isinstance(value, str) and _plain(value) == _plain(name)) or (number and value == int(number)):
                return meaning
        names = [option.partition("=")[0] for option in options]
        hint = did_you_mean(value, names) if isinstance(value, str) else ""
        raise self.error(key, f"{quoted(value)} is not supported; there is {', '.join(names)}.{hint}")

    def only(self, key: str, *allowed: Any) -> None:
        """Refuse any value of `key` but those at which it does nothing, the first of which is its default."""
        value = self.value(key, allowed[0])
        if value not in allowed:
            raise self.error(key, f"{quoted(value)} is not supported; there is only {quoted(allowed[0])}")

    def ignore(self, *keys: str) -> None:
        """Take note of keys that do not bear on values; one that ends in a dot stands for all below it."""
        self._known.update(keys)
        groups = tuple(key for key in keys if key.endswith("."))
        self._known.update(key for key in self._values if key.startswith(groups))

    def finish(self) -> None:
        """Refuse keys that nobody asked for.

        Raises
        ------
        ConfigError    Naming the first one.
        """
        for key in self._values:
            if key not in self._known and not key.startswith("_"):
                raise self.error(key, f"is not supported.{did_you_mean(key, self._known)}")


def _between(low: float, high: float) -> str:
    if high == math.inf:
        return "" if low == -math.inf else f" of at least {low:g}"
    return f" from {low:g} to {high:g}"


def _plain(name: str) -> str:
    return name.rpartition(".")[2].replace("_", "").upper()
