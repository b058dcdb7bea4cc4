"""Write the tables of docs/validation.md from what `aimcsim validate` finds.

Uses the installed aimcsim:

python scripts/validation.py            write the page
python scripts/validation.py --check    only say whether it would change; exit code 1 if it would
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from aimcsim.cli.validation import cells
from aimcsim.validation import Result, validate

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "validation.md"
BEGIN, END = "<!-- targets -->\n", "<!-- end of targets -->"
HEAD = ("target", "what", "published", "simulated", "error", "tolerance", "class", "verdict", "source", "note")


def main() -> int:
    """Write or check, and return the exit code."""
    before, fresh = PAGE.read_text(), page(validate())
    if before == fresh:
        return 0
    print(f"{PAGE.relative_to(ROOT)}: {'differs' if '--check' in sys.argv else 'written'}")
    if "--check" in sys.argv:
        return 1
    PAGE.write_text(fresh)
    return 0


def page(results: list[Result]) -> str:
    """Return the page with present results."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}{chr(10).join(tables(results))}{END}{tail}"


def tables(results: list[Result]) -> Iterator[str]:
    """Yield the lines of a Markdown table for each chip."""
    for chip in dict.fromkeys(result.target.chip for result in results):
        yield f"## {chip}\n"
        yield f"| {' | '.join(HEAD)} |"
        yield "|---" * len(HEAD) + "|"
        for one in results:
            if one.target.chip == chip:
                yield f"| {' | '.join((*cells(one), one.target.source, one.target.note))} |"
        yield ""


if __name__ == "__main__":
    raise SystemExit(main())
