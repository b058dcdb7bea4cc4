"""Do tables say all they have to at 80 columns, with titles and longer texts over the whole width?"""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from rich.console import Console

from aimcsim.cli.tables import grid
from aimcsim.cli.validation import cells, result_table
from aimcsim.validation import Result, load_targets


def drawn(table, width):
    """Return the lines of a table in a terminal of `width` columns."""
    text = io.StringIO()
    Console(width=width, file=text).print(table)
    return [line.rstrip() for line in text.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 120])
def test_every_target_stands_on_one_line_with_what_it_is_below(width):
    """Each figure, tolerance and verdict is whole, and names that were cut stay apart."""
    results = [Result(target, 1.2345 * target.published) for target in load_targets()]
    lines = drawn(result_table(results), width)
    assert max(map(len, lines)) <= width
    for result in results:
        _, quantity, published, simulated, error, tolerance, kind, verdict = cells(result)
        figures = (published, simulated, f"{error.removesuffix(' %')} of {tolerance}", verdict.partition(",")[0])
        below = [after for line, after in pairwise(lines) if all(one in line for one in figures)]
        assert any(line.startswith(f"  {quantity}; {kind}") for line in below)
    rows = [line.split()[0] for line in lines if line[:1].strip() and line.endswith(("pass", "fail"))]
    assert len(rows) == len(set(rows)) == len(results)


def test_titles_and_captions_are_not_broken_at_the_width_of_the_columns():
    """Two columns of a letter each take 4 columns; what stands above and below takes one line each all the same."""
    lines = drawn(grid("a title that is longer", ("a", "b"), [("1", "2")], "and a caption, too"), 40)
    assert (lines[0], lines[-1], len(lines)) == ("a title that is longer", "and a caption, too", 5)


def test_a_detail_follows_its_row_and_keeps_its_indent():
    """Ten columns hold an indent of two and two words of three letters; the second row has none."""
    lines = drawn(grid("t", ("a",), [("1",), ("2",)], details=["one two six", ""]), 10)
    assert lines[3:] == ["1", "  one two", "  six", "2"]
