"""Bring the parts of the documentation that the program itself produces up to date.

That is the demo's output in README.md, in the block after `<!-- output: demo -->`, the columns of all tables in
docs/run-directory.md, what the commands in docs/first-five-minutes.md print, and docs/chip-reference.md, which is made
from the schema of chip files. Uses the installed aimcsim:

    python scripts/readme.py            write them
    python scripts/readme.py --check    only say what would change; exit code 1 if anything would
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimcsim.records import SCHEMAS
from aimcsim.spec.json_schema import NEEDED, chip_schema

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
RUN_DIRECTORY = ROOT / "docs" / "run-directory.md"
FIRST_MINUTES = ROOT / "docs" / "first-five-minutes.md"
CHIP_REFERENCE = ROOT / "docs" / "chip-reference.md"

OUTPUT = "<!-- output: demo -->\n```\n"
TABLES = "<!-- tables -->\n"
END_OF_TABLES = "<!-- end of tables -->"
FIELDS = "<!-- fields -->\n"
END_OF_FIELDS = "<!-- end of fields -->"

HOLDS = {"": "fields", ".NAME": "fields, by name", "[]": "list of fields"}
"""What a field holds whose parts stand one such step away."""

Schema = dict[str, Any]


def main() -> int:
    """Write or check, and return the exit code."""
    fresh = {
        README: readme(),
        RUN_DIRECTORY: run_directory(),
        FIRST_MINUTES: first_minutes(),
        CHIP_REFERENCE: chip_reference(),
    }
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


def first_minutes() -> str:
    """Return the page of the first five minutes with what its commands print now, all in one new folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "aimcsim").symlink_to(ROOT)

        def session(block: re.Match[str]) -> str:
            commands = [line for line in block[1].splitlines() if line.startswith("$ ")]
            printed = [f"{command}\n{printed_by(command[2:], folder)}" for command in commands]
            return f"```console\n{''.join(printed)}```"

        return re.sub(r"```console\n(.*?)```", session, FIRST_MINUTES.read_text(), flags=re.DOTALL)


def printed_by(command: str, folder: Path) -> str:
    """Return what a shell command prints, on both streams."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path}
    asked = ["bash", "-c", f"{command} 2>&1"]
    return subprocess.run(asked, check=False, capture_output=True, text=True, cwd=folder, env=env).stdout  # noqa: S603


def chip_reference() -> str:
    """Return the reference page of chip files."""
    text = CHIP_REFERENCE.read_text()
    schema = chip_schema()
    return replaced(text, FIELDS, END_OF_FIELDS, "\n".join(sections("", schema, schema["definitions"])))


def sections(path: str, section: Schema, definitions: Schema) -> Iterator[str]:
    """Yield a section of the chip file at `path` as Markdown, then those that are part of it."""
    inner: list[tuple[str, Schema]] = []
    rows = []
    for name, given in section["properties"].items():
        here = f"{path}.{name}" if path else name
        part, steps = part_of(given, definitions)
        if part:
            inner.append((f"{here}{steps}", part))
        needed = name in section.get(NEEDED, section.get("required", ()))
        default = "needed" if needed else f"`{shown(given['default'])}`" if "default" in given else ""
        value = HOLDS[steps] if part else given["title"]
        rows.append(f"| `{name}` | {value} | {default} | {given['description']} |")
    title = f"## `{path}`\n\n{section['description']}\n" if path else "## A chip file\n"
    yield "\n".join([title, "| field | value | default | means |", "|---|---|---|---|", *rows, ""])
    for here, part in inner:
        yield from sections(here, part, definitions)


def part_of(given: Schema, definitions: Schema) -> tuple[Schema, str]:
    """Return the section that a field holds, if any, and the step from the field to it."""
    for steps, holder in (("", given), (".NAME", given.get("additionalProperties")), ("[]", given.get("items"))):
        for one in [holder, *holder.get("allOf", ()), *holder.get("anyOf", ())] if isinstance(holder, dict) else ():
            if "$ref" in one:
                return definitions[one["$ref"].rpartition("/")[2]], steps
    return {}, ""


def shown(default: object) -> str:
    """Return a default as YAML would say it."""
    return str(default).lower() if isinstance(default, bool) else str(default)


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
