"""Keeping a run: its directory is reserved before time is spent, and says so if the run is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aimcsim.records.run_dir import begin_run
from aimcsim.run import Run
from aimcsim.version import __version__


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where a run goes.

    Attributes
    ----------
    place : Path or None    The directory that is being written, which has room for what the run needs on the way.
    keep : callable         Takes the finished run.
    """

    place: Path | None
    keep: Callable[[Run], None]


@contextmanager
def kept(directory: Path | None, *, chip: str, workload: str, seed: int, force: bool) -> Iterator[Keeping]:
    """Reserve a directory for the run of a workload on a chip; what comes of it is handed to what this gives.

    An interrupt leaves the directory, marked partial, and names it. Without a directory nothing is kept.
    """
    if directory is None:
        yield Keeping(None, lambda _run: None)
        return
    manifest = {"tool": "aimcsim", "version": __version__, "chip": chip, "workload": workload, "seed": seed}
    with begin_run(directory, manifest, force=force) as place:
        try:
            yield Keeping(place.place, lambda run: place.finish(run.files))
        except KeyboardInterrupt as error:
            error.args = (f"`{place.place}` is marked partial",)
            raise
