"""A Rich table whose title, caption and longer texts take the whole width of the terminal, not that of the columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

INDENT = 2
"""Columns by which a detail stands in from its row."""


class Grid(Table):
    """A table between a title and a caption; each row may have a detail, a text of its own below it."""

    def __init__(self, heading: str, note: str, details: Sequence[str] | None, *, show_header: bool) -> None:
        super().__init__(
            box=box.SIMPLE_HEAD, show_header=show_header, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
        )
        self._heading, self._note, self._details = heading, note, details

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        if self._heading:
            yield Text(self._heading, style="bold")
        drawn = cast("Iterable[Segment]", super().__rich_console__(console, options))  # without a title, only segments
        body = list(Segment.split_lines(drawn)) if self.columns else []
        details = self._details or ()
        first = len(body) - len(details)
        for place, line in enumerate(body):
            yield from (*line, Segment.line())
            if details and place >= first and details[place - first]:
                yield Padding(Text(details[place - first]), (0, 0, 0, INDENT))
        if self._note:
            yield Text(self._note, style="table.caption")
