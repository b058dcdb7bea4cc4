"""A line that says how far a run is, for who sits at a terminal: on stderr, and wiped out at the end."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

from aimcsim.engine import Progress
from aimcsim.units import format_si, format_time_ps

FIRST_SIGN_S = 2.0
"""What takes less says nothing."""
EVERY_S = 0.5


class Waiting:
    """What is waited for, and how far it is.

    Attributes
    ----------
    what : str    What goes on, as a participle: "running digits_cnn on tiny".
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._begun = monotonic()
        self._first: tuple[float, Progress] | None = None
        self._last: tuple[float, Progress] | None = None

    def tell(self, progress: Progress) -> None:
        """Take note of how far it is."""
        self._last = (monotonic(), progress)
        self._first = self._first or self._last

    def line(self, columns: int) -> str:
        """Return what there is to say, short of the last of `columns` columns, where a line would scroll."""
        said = self._said()
        room = columns - 1 - len(said)
        what = self.what if len(self.what) <= room else f"{self.what[: max(0, room - 1)]}…"
        return f"{what}{said}"[: columns - 1]

    def _said(self) -> str:
        if self._first is None or self._last is None:
            return f" ... {monotonic() - self._begun:.0f} s"
        (then, first), (now, last) = self._first, self._last
        if last.ended == last.total:
            return f": {format_time_ps(last.now_ps)} simulated, adding up ... {monotonic() - self._begun:.0f} s"
        took = now - then
        parts = [
            f"{last.ended / max(1, last.total):.0%}".replace("%", " %"),
            f"{format_time_ps(last.now_ps)} simulated",
        ]
        if took:
            parts.append(f"{format_si((last.events - first.events) / took, '').rstrip()} events/s")
        if last.ended > first.ended:
            parts.append(f"{_span((last.total - last.ended) * took / (last.ended - first.ended))} to go")
        return f": {', '.join(parts)}"


def _span(seconds: float) -> str:
    """Return a wall time as people say it: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


@contextmanager
def waiting(what: str) -> Iterator[Waiting]:
    """Show how far `what` is once it has taken `FIRST_SIGN_S`, and wipe it out at the end; only on a terminal."""
    told = Waiting(what)
    if not sys.stderr.isatty():
        yield told
        return
    done = Event()
    teller = Thread(target=_show, args=(told, done), daemon=True)
    teller.start()
    try:
        yield told
    finally:
        done.set()
        teller.join()


def _show(told: Waiting, done: Event) -> None:
    pause, widest = FIRST_SIGN_S, 0
    while not done.wait(pause):
        pause = EVERY_S
        line = told.line(shutil.get_terminal_size().columns)
        widest = max(widest, len(line))
        sys.stderr.write(f"\r{line.ljust(widest)}")
        sys.stderr.flush()
    if widest:
        sys.stderr.write(f"\r{' ' * widest}\r")
        sys.stderr.flush()
