"""Names in narrow columns: never broken, but shortened in the middle, where paths differ least."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

LEAST_WIDTH = 12
"""Columns below which no table shortens a name."""
ELLIPSIS = "…"


def local(path: str) -> str:
    """Return the path of a resource without the `chip.` that they all begin with."""
    return path.removeprefix("chip.")


def shortened(name: str, width: int, end: int | None = None) -> str:
    """Return a name of at most `width` characters, the last `end` of them its own (default: half)."""
    if len(name) <= width:
        return name
    kept = max(0, width - len(ELLIPSIS))
    tail = kept // 2 if end is None else end
    return name[: kept - tail] + ELLIPSIS + name[len(name) - tail :]


class NameColumn:
    """The names in one column of a table, shortened at the place that keeps most of them apart."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def cell(self, name: str) -> NameCell:
        """Return one more name as a cell."""
        self._names.append(name)
        return NameCell(name, self)

    def end(self, width: int) -> int:
        """Return how many characters to keep at the end of names that are cut to `width`, about half if that does."""
        kept = max(0, width - len(ELLIPSIS))
        ends = sorted(range(kept + 1), key=lambda end: abs(end - kept // 2))
        return max(ends, key=lambda end: len({shortened(name, width, end) for name in self._names}))


class NameCell:
    """A name in a table, as long as its column allows."""

    def __init__(self, name: str, column: NameColumn) -> None:
        self._name, self._column = name, column

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Say how narrow and how wide it may be."""
        return Measurement(min(len(self._name), LEAST_WIDTH), len(self._name))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        width = options.max_width
        end = self._column.end(width) if len(self._name) > width else 0
        yield Text(shortened(self._name, width, end), no_wrap=True)
