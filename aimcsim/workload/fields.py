"""Reading the fields of one entry of a workload file: every mistake is noted with its place, and reading goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from aimcsim.errors import Problem, ProblemKind
from aimcsim.located import Document, PathKeys, check_keys, one_of, quoted
from aimcsim.ops import CURVES, NO_ACTIVATION, RELU, ActivationFunction, clip, curve

Pair = tuple[int, int]

MOST = 1 << 24
"""Most of anything that a layer counts."""


class Fields:
    """The fields of the mapping at `path`.

    A reading method returns a usable value in any case: the field's, or a stand-in after a problem was noted. Look at
    `problems` before believing what was built from them.
    """

    def __init__(self, doc: Document, path: PathKeys, data: Mapping[str, Any]) -> None:
        self.doc = doc
        self.path = path
        self.data = data
        self.problems: list[Problem] = []

    def complain(self, name: str, message: str, *, kind: ProblemKind = "config") -> None:
        """Note a problem about the field `name`, or about the whole entry if the file does not have the field."""
        path = (*self.path, name)
        if path not in self.doc.values:
            path = self.path
        self.problems.append(self.doc.problem(path, message, kind=kind))

    def only(self, allowed: Iterable[str]) -> None:
        """Note every field that is not among `allowed`."""
        self.problems += check_keys(self.doc, self.path, self.data, allowed)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text that is not empty."""
        value = self._get(name, default)
        if isinstance(value, str) and value:
            return value
        self._wrong(name, "must be a name", value)
        return ""

    def choice(self, name: str, options: Iterable[str], default: str | None = None) -> str:
        """Return one of `options`."""
        options = list(options)
        value = self._get(name, default)
        if value in options:
            return str(value)
        if name in self.data:
            self.complain(name, f"unknown {name} {one_of(value, options)}", kind="reference")
        return options[0]

    def integer(self, name: str, default: int | None = None, *, least: int = 1) -> int:
        """Return a whole number not below `least`."""
        value = self._get(name, default)
        if type(value) is int and least <= value <= MOST:
            return value
        self._wrong(name, f"must be a whole number, {least} or more{_at_most(value)}", value)
        return least

    def number(self, name: str, default: float) -> float:
        """Return a finite number."""
        value = self.data.get(name, default)
        if type(value) in (int, float) and math.isfinite(value):
            return float(value)
        self._wrong(name, "must be a number", value)
        return default

    def flag(self, name: str) -> bool:
        """Return true or false; false if absent."""
        value = self.data.get(name, False)
        if isinstance(value, bool):
            return value
        self._wrong(name, "must be true or false", value)
        return False

    def integers(
        self,
        name: str,
        counts: Iterable[int],
        default: list[int] | None = None,
        *,
        least: int = 1,
    ) -> list[int]:
        """Return a list of whole numbers not below `least`, of one of the lengths in `counts`; a bare number is [n]."""
        value, counts = self._get(name, default), list(counts)
        numbers = value if isinstance(value, list) else [value]
        if len(numbers) in counts and all(type(number) is int and least <= number <= MOST for number in numbers):
            return numbers
        lengths = " or ".join(map(str, counts))
        plural = "s" * (counts != [1])
        self._wrong(name, f"must be {lengths} whole number{plural}, each {least} or more{_at_most(*numbers)}", value)
        return [least] * counts[-1]

    def pair(self, name: str, default: Pair | None = None) -> Pair:
        """Return (vertical, horizontal) from one number or two."""
        numbers = self.integers(name, (1, 2), None if default is None else list(default))
        return numbers[0], numbers[-1]

    def pads(self) -> tuple[int, int, int, int]:
        """Return (top, left, bottom, right) from one number for all sides, or four."""
        numbers = self.integers("pads", (1, 4), [0], least=0)
        top, left, bottom, right = numbers * (4 // len(numbers))
        return top, left, bottom, right

    def names(self, name: str, default: list[str]) -> list[str]:
        """Return a list of names; a bare name is a list of one."""
        value = self._get(name, default)
        names = [value] if isinstance(value, str) else value
        if isinstance(names, list) and names and all(isinstance(one, str) for one in names):
            return names
        self._wrong(name, "must be a name or a list of names", value)
        return []

    def activation(self) -> ActivationFunction:
        """Return the activation: its name, `{clip: [low, high]}` or `{name: parameters}`; none if absent."""
        value = self.data.get("activation", "none")
        name, parameters = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else (value, [])
        if name == "clip" and isinstance(value, dict):
            return self._clip(parameters)
        known = {function.name: function for function in (NO_ACTIVATION, RELU)}
        if isinstance(name, str) and name in known and name == value:
            return known[name]
        if isinstance(name, str) and name in CURVES:
            return self._curve(name, parameters if isinstance(parameters, list) else [parameters])
        self.complain("activation", f"unknown activation {one_of(value, [*known, '{clip: [low, high]}', *CURVES])}")
        return NO_ACTIVATION

    def _curve(self, name: str, parameters: list[Any]) -> ActivationFunction:
        if all(type(one) in (int, float) for one in parameters):
            try:
                return curve(name, *parameters)
            except ValueError as error:
                self.complain("activation", str(error))
                return NO_ACTIVATION
        self._wrong("activation", f"the parameters of {name} must be numbers", parameters)
        return NO_ACTIVATION

    def _clip(self, limits: object) -> ActivationFunction:
        if isinstance(limits, list) and len(limits) == 2 and all(type(limit) in (int, float) for limit in limits):
            try:
                return clip(float(limits[0]), float(limits[1]))
            except ValueError as error:
                self.complain("activation", str(error))
                return NO_ACTIVATION
        self._wrong("activation", "clip must be [low, high]", limits)
        return NO_ACTIVATION

    def _get(self, name: str, default: object) -> Any:
        """Return the field, or its default; a field without default that is missing is a problem."""
        if name not in self.data and default is None:
            self.complain("", f"the field `{name}` is missing")
        return self.data.get(name, default)

    def _wrong(self, name: str, message: str, value: object) -> None:
        """Note a value that is wrong, unless its absence has been noted already."""
        if name in self.data:
            self.complain(name, f"{message} (got {quoted(value)})")


def _at_most(*values: object) -> str:
    """Return the limit as part of a message, where it is what is wrong."""
    return f", and at most {MOST}" if any(type(value) is int and value > MOST for value in values) else ""
