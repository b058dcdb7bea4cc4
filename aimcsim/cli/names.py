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


def shortened(name: str, width: int) -> str:
    """Return a name of at most `width` characters, both its ends kept."""
    if len(name) <= width:
        return name
    kept = max(0, width - len(ELLIPSIS))
    end = kept // 2
    return name[: kept - end] + ELLIPSIS + name[len(name) - end :]


class NameCell:
    """A name in a table, as long as its column allows."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Say how narrow and how wide it may be."""
        return Measurement(min(len(self.name), LEAST_WIDTH), len(self.name))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        yield Text(shortened(self.name, options.max_width), no_wrap=True)
