"""How far a run is, for whoever waits for it. Looking changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

EVERY_S = 0.25
"""Wall time between two looks; a look goes over all streams."""


class Progress(NamedTuple):
    """How far a run is.

    Attributes
    ----------
    now_ps : int    Simulated time.
    events : int    Events so far.
    ended : int     Vectors that have ended, over all streams.
    total : int     Vectors in all.
    """

    now_ps: int
    events: int
    ended: int
    total: int


Alive = Callable[[Progress], None]


class Teller:
    """Hands on how far a run is, not more often than `EVERY_S`; an engine calls it as often as it likes.

    Parameters
    ----------
    alive : callable    What is told.
    look : callable     Gives the progress.
    """

    def __init__(self, alive: Alive, look: Callable[[], Progress]) -> None:
        self._alive, self._look = alive, look
        self._due = 0.0

    def __call__(self, _now_ps: int = 0) -> None:
        """Tell, if it is time."""
        now = monotonic()
        if now >= self._due:
            self._due = now + EVERY_S
            self._alive(self._look())
