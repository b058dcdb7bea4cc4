"""A sign of life while a run takes its time, for who sits at a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

FIRST_SIGN_S = 1.0


@contextmanager
def sign_of_life(what: str) -> Iterator[None]:
    """Say on stderr, every second, that `what` goes on, and wipe it out at the end; only on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    done = Event()
    teller = Thread(target=_tell, args=(what, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(what: str, done: Event) -> None:
    begun, widest = monotonic(), 0
    while not done.wait(FIRST_SIGN_S):
        # A line that reached the last column would scroll, and could not be wiped out.
        line = f"{what} ... {monotonic() - begun:.0f} s"[: shutil.get_terminal_size().columns - 1]
        widest = max(widest, len(line))
        sys.stderr.write(f"\r{line}")
        sys.stderr.flush()
    if widest:
        sys.stderr.write(f"\r{' ' * widest}\r")
        sys.stderr.flush()
