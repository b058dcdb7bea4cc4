"""Files of arrivals: CSV with a column of times, every mistake with its line."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from aimcsim.errors import Problem, TraceError

LATEST_PS = 10**16
"""Latest arrival: 10 000 s. Sums of times over what lies in buffers then fit 64 bits."""
MOST_BYTES = 64 << 20
MOST_DIGITS = 40
COLUMNS = {"arrival_ps": Decimal(1), "arrival_s": Decimal(10**12), "time": Decimal(10**12)}
"""What a column of times may be called, and its unit in picoseconds."""
MOST_PROBLEMS = 20


def read_arrivals(path: Path) -> tuple[int, ...]:
    """Return the times of a CSV file, ps.

    Its first line names the columns; one of them is `arrival_ps`, or `arrival_s` or `time`, which are in seconds.
    Others are not looked at. Times do not descend; fractions of a picosecond are rounded half to even.

    Raises
    ------
    TraceError
        With all that is wrong, up to twenty lines of it.
    """
    lines = _lines(path)
    if not lines:
        raise TraceError(Problem(str(path), 0, 0, "", "is empty; its first line must name a column of times"))
    names = [name.strip().strip('"') for name in lines[0].split(",")]
    found = [name for name in names if name in COLUMNS]
    if len(found) != 1:
        what = "no column of times" if not found else f"several columns of times ({', '.join(found)})"
        raise TraceError(Problem(str(path), 1, 1, "", f"{what}; one must be called {', '.join(COLUMNS)}"))
    return _times(path, lines, names.index(found[0]), found[0])


def _lines(path: Path) -> list[str]:
    """Return the lines of a text file, trailing empty ones left out."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise TraceError(Problem(str(path), 0, 0, "", f"cannot be read ({error.strerror or error})")) from error
    if len(raw) > MOST_BYTES:
        raise TraceError(Problem(str(path), 0, 0, "", f"is larger than {MOST_BYTES >> 20} MiB"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TraceError(Problem(str(path), line, 1, "", "is no text in UTF-8")) from error
    if "\0" in text:
        raise TraceError(Problem(str(path), text.count("\n", 0, text.index("\0")) + 1, 1, "", "is no text"))
    return text.rstrip().splitlines()


def _times(path: Path, lines: Sequence[str], place: int, name: str) -> tuple[int, ...]:
    times: list[int] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split(",")
        before = times[-1] if times else 0
        found = _time(cells[place] if place < len(cells) else "", COLUMNS[name], before)
        if isinstance(found, int):
            times.append(found)
            continue
        column = 1 + sum(len(cell) + 1 for cell in cells[:place])
        problems.append(Problem(str(path), number, column, name, found))
        if len(problems) == MOST_PROBLEMS:
            break
    if problems:
        raise TraceError(problems)
    if not times:
        raise TraceError(Problem(str(path), 1, 1, name, "has no arrivals below it"))
    return tuple(times)


def _time(cell: str, unit: Decimal, before: int) -> int | str:
    """Return the time that a cell states, or what is wrong with it."""
    text = cell.strip().strip('"')
    shown = text if len(text) <= MOST_DIGITS else f"{text[:MOST_DIGITS]}..."
    try:
        value = Decimal(text) if len(text) <= MOST_DIGITS else Decimal("nan")
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite():
        return f"must be a number (got `{shown}`)"
    if value < 0:
        return f"must not be negative (got `{shown}`)"
    if value > LATEST_PS / unit:
        return f"must be at most {LATEST_PS / unit} (got `{shown}`)"
    time = int((value * unit).to_integral_value())
    if time < before:
        return f"must not be before the arrival in the line above (got `{shown}`)"
    return time
