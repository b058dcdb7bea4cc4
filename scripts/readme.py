"""Bring the parts of the documentation that the program itself produces up to date.

That is the demo's output in README.md, in the block after `<!-- output: demo -->`, and the columns of all tables in
docs/run-directory.md. Uses the installed aimcsim:

    python scripts/readme.py            write them
    python scripts/readme.py --check    only say what would change; exit code 1 if anything would
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from aimcsim.records import SCHEMAS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
RUN_DIRECTORY = ROOT / "docs" / "run-directory.md"

OUTPUT = "<!-- output: demo -->\n```\n"
TABLES = "<!-- tables -->\n"
END_OF_TABLES = "<!-- end of tables -->"


def main() -> int:
    """Write or check, and return the exit code."""
    fresh = {README: readme(), RUN_DIRECTORY: run_directory()}
    stale = [path for path, text in fresh.items() if path.read_text() != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'differs' if '--check' in sys.argv else 'written'}")
        if "--check" not in sys.argv:
            path.write_text(fresh[path])
    return int(bool(stale) and "--check" in sys.argv)


def readme() -> str:
    """Return the README with the demo's present output."""
    command = [sys.executable, "-m", "aimcsim", "demo"]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(sys.prefix)).stdout  # noqa: S603
    return replaced(README.read_text(), OUTPUT, "```", output)


def run_directory() -> str:
    """Return the page on run directories with the present columns."""
    return replaced(RUN_DIRECTORY.read_text(), TABLES, END_OF_TABLES, "\n".join(map(columns, SCHEMAS)))


def columns(name: str) -> str:
    """Return one table's columns as Markdown."""
    rows = [f"| `{column.name}` | {column.dtype} | {column.meaning} |" for column in SCHEMAS[name]]
    return "\n".join([f"### {name}", "", "| column | type | means |", "|---|---|---|", *rows, ""])


def replaced(text: str, begin: str, end: str, fresh: str) -> str:
    """Return `text` with what stands between two markers replaced."""
    before, marker, rest = text.partition(begin)
    old, closing, after = rest.partition(end)
    if not marker or not closing:
        raise SystemExit(f"the marker {begin!r} or its end {end!r} is missing")
    del old
    return before + marker + fresh + closing + after


if __name__ == "__main__":
    raise SystemExit(main())
