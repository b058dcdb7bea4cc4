"""Files of packets: CSV with a line per packet, every mistake with its line and column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import Problem, TraceError
from aimcsim.network.engine import MOST_CYCLE, MOST_FLITS, NetworkEngine, PacketRecords

MOST_BYTES = 256 << 20
MOST_PROBLEMS = 20
MOST_DIGITS = 20
GIVEN = ("id", "create", "src", "dst", "flits")
FOUND = ("inject", "head_eject", "tail_eject")


@dataclass(frozen=True, slots=True)
class PacketTrace:
    """Packets in order of creation; int64, one entry each. `ids` are the file's names for them."""

    ids: NDArray[np.int64]
    create: NDArray[np.int64]
    src: NDArray[np.int64]
    dst: NDArray[np.int64]
    flits: NDArray[np.int64]


def read_trace(path: Path, endpoints: int) -> PacketTrace:
    """Return the packets of a CSV file for a network of so many endpoints.

    Its first line names the columns: `id`, `create` (cycle, not descending), `src`, `dst`, `flits`; others are not
    looked at. Each id is there once.

    Raises
    ------
    TraceError
        With all that is wrong, up to twenty lines of it.
    """
    lines = _lines(path)
    names = [name.strip().strip('"') for name in lines[0].split(",")] if lines else []
    if missing := [name for name in GIVEN if names.count(name) != 1]:
        what = f"needs one column each of {', '.join(GIVEN)} (got none or several of {', '.join(missing)})"
        raise TraceError(Problem(str(path), 1, 1, "", what))
    return PacketTrace(*_columns(path, lines, [names.index(name) for name in GIVEN], endpoints))


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise TraceError(Problem(str(path), 0, 0, "", f"cannot be read ({error.strerror or error})")) from error
    if len(raw) > MOST_BYTES:
        raise TraceError(Problem(str(path), 0, 0, "", f"is larger than {MOST_BYTES >> 20} MiB"))
    try:
        return raw.decode("utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TraceError(Problem(str(path), line, 1, "", "is no text in UTF-8")) from error


def _columns(path: Path, lines: Sequence[str], places: Sequence[int], endpoints: int) -> NDArray[np.int64]:
    rows: list[list[int]] = []
    seen: set[int] = set()
    problems: list[Problem] = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split(",")
        row: list[int] = []
        for name, place in zip(GIVEN, places, strict=True):
            found = _whole(cells[place] if place < len(cells) else "")
            wrong = found if isinstance(found, str) else _mistake(name, found, rows, seen, endpoints)
            if wrong is not None:
                column = 1 + sum(len(cell) + 1 for cell in cells[:place])
                problems.append(Problem(str(path), number, column, name, wrong))
                break
            row.append(int(found))
        else:
            rows.append(row)
            seen.add(row[0])
        if len(problems) == MOST_PROBLEMS:
            break
    if problems:
        raise TraceError(problems)
    if not rows:
        raise TraceError(Problem(str(path), 1, 1, "", "has no packets below its first line"))
    return np.array(rows, np.int64).T.copy()


def _whole(cell: str) -> int | str:
    """Return the number that a cell states, or what is wrong with it."""
    text = cell.strip().strip('"')
    if len(text) <= MOST_DIGITS and text.removeprefix("-").isdecimal() and text.isascii():
        return int(text)
    shown = text if len(text) <= MOST_DIGITS else f"{text[:MOST_DIGITS]}..."
    return f"must be a whole number (got `{shown}`)"


def _mistake(name: str, value: int, rows: Sequence[Sequence[int]], seen: set[int], endpoints: int) -> str | None:
    """Return what is wrong with a number in its column."""
    if name == "id" and value in seen:
        return f"each packet has an id of its own (got {value} again)"
    if name == "id" and abs(value) >= MOST_CYCLE:
        return f"must be smaller than {MOST_CYCLE} (got {value})"
    if name == "create" and not 0 <= value < MOST_CYCLE:
        return f"is a cycle from 0 on (got {value})"
    if name == "create" and rows and value < rows[-1][1]:
        return f"must not be before the packet in the line above, created in {rows[-1][1]} (got {value})"
    if name in ("src", "dst") and not 0 <= value < endpoints:
        return f"the network has endpoints 0 to {endpoints - 1} (got {value})"
    if name == "flits" and not 1 <= value <= MOST_FLITS:
        return f"a packet has 1 to {MOST_FLITS} flits (got {value})"
    return None


def replay(network: NetworkEngine, trace: PacketTrace) -> PacketRecords:
    """Send the packets of a trace through a new network until all have left."""
    network.offer_many(trace.create, trace.src, trace.dst, trace.flits)
    network.drain()
    return network.packets()


def write_trace(file: TextIO, ids: NDArray[np.int64], records: PacketRecords) -> None:
    """Write packets with the cycles of their injection and of the ejection of head and tail."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*GIVEN, *FOUND])
    writer.writerows(np.stack([ids, *(getattr(records, name) for name in (*GIVEN[1:], *FOUND))], axis=1).tolist())
