"""A run on disk: one directory, marked partial from its first moment until everything in it is written.

Whatever happens while a run is written (an interrupt, a full disk, SIGKILL), its directory loads: as what was there
before, as partial, or as complete. Every file gets its name only when it is whole, and the manifest that says
`complete` comes last. The layout is a contract and carries its version in `manifest.json`.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import InputError, OutputError
from aimcsim.records.schema import SCHEMAS
from aimcsim.records.table import Table

LAYOUT = "aimcsim-run/2"
"""Version 2 has the table `latency`, and in the summary what goes with arrivals and power."""
MANIFEST = "manifest.json"
PARTIAL = "partial"
COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What a run directory holds.

    Attributes
    ----------
    manifest : dict    State, versions, seed, and what was run.
    config : str       The chip file with every default filled in and every cost with its source.
    summary : dict
    tables : mapping   By the names of `SCHEMAS`.
    outputs : mapping  What the network returned, by output name; empty without values.
    """

    manifest: dict[str, Any]
    config: str
    summary: dict[str, Any]
    tables: Mapping[str, Table]
    outputs: Mapping[str, NDArray[Any]]

    @property
    def partial(self) -> bool:
        """Whether the run had not been written whole; then only what is there can be asked for."""
        return self.manifest.get("state") == PARTIAL


class OpenRun:
    """A run directory that is being written, and locked against other writers.

    It stands at its own place from the start, or beside an older run, as `NAME.partial`, until it takes that one's
    place. Used as a context, it leaves the directory as it is after an interrupt, and removes it after any other
    exception: there was no run.

    Parameters
    ----------
    directory : Path    Where the run goes in the end.
    place : Path        Where it is written.
    lock : int          Descriptor of `place`, locked as long as somebody writes.
    """

    def __init__(self, directory: Path, place: Path, lock: int) -> None:
        self.directory, self.place = directory, place
        self._lock = lock

    def finish(self, files: RunFiles) -> None:
        """Write everything, mark the run complete, and have it take its place.

        Raises
        ------
        OutputError
            If something cannot be written, a full disk for instance. The directory stays, and is partial.
        """
        try:
            _write(self.place, files)
            if self.place != self.directory:
                _exchange(self.place, self.directory)
                _mark_partial(self.place)
                _remove(self.place)
        except OSError as error:
            what = f"`{error.filename or self.place}`: {error.strerror}"
            raise OutputError(f"cannot write {what}; `{self.place}` is marked partial") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is not None and issubclass(kind, Exception) and not issubclass(kind, OutputError):
            _remove(self.place)
        os.close(self._lock)


def begin_run(directory: Path, manifest: Mapping[str, Any], *, force: bool = False) -> OpenRun:
    """Reserve a run directory, marked partial.

    Raises
    ------
    InputError
        If there is something already, unless `force`; a run directory is then replaced once the new one is complete.
        Anything that is no run directory is never replaced. Also if another run is being written there.
    """
    check_free(directory, force=force)
    place = directory.with_name(f"{directory.name}.{PARTIAL}") if directory.exists() else directory
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        if place != directory and place.exists():
            _remove_left_over(place)
        fresh = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    except OSError as error:
        raise InputError(f"cannot write `{directory}`: {error.strerror}") from error
    lock = _locked(fresh)
    try:
        fresh.chmod(0o755)
        _write_json(fresh / MANIFEST, {"layout": LAYOUT, "state": PARTIAL, **manifest})
        fresh.rename(place)
        _sync(directory.parent)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise InputError(f"cannot write `{directory}`: {error.strerror}") from error
    except KeyboardInterrupt as error:
        if not fresh.exists():
            error.args = (f"`{place}` is marked partial",)
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return OpenRun(directory, place, lock)


def write_run(directory: Path, files: RunFiles, *, force: bool = False) -> None:
    """Write a run directory; see `begin_run` and `OpenRun.finish` for what is raised."""
    with begin_run(directory, files.manifest, force=force) as place:
        place.finish(files)


def check_free(directory: Path, *, force: bool = False) -> None:
    """Raise InputError if a run may not be written to `directory`."""
    if not directory.exists():
        return
    if not force:
        raise InputError(f"`{directory}` exists; choose another name, or --force to replace the run in it")
    if not (directory / MANIFEST).is_file() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"`{directory}` exists and is no run directory; it is not replaced")
    if _is_being_written(directory):
        raise InputError(f"`{directory}` is being written by another run")


def _remove_left_over(place: Path) -> None:
    """Remove what an interrupted run left beside its goal, and nothing else."""
    if _is_being_written(place):
        raise InputError(f"`{place}` is being written by another run")
    other = not (place / MANIFEST).is_file() or _read_json(place / MANIFEST).get("state") != PARTIAL
    if other and any(place.iterdir()):
        raise InputError(f"`{place}` is in the way, and is not the rest of an interrupted run; move it")
    _remove(place)


def _remove(directory: Path) -> None:
    """Remove a run directory, the manifest last, so that it stays one for as long as there is anything in it."""
    for path in sorted(directory.iterdir(), key=lambda path: path.name == MANIFEST):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    directory.rmdir()


def _mark_partial(directory: Path) -> None:
    path = directory / MANIFEST
    if path.is_file():
        _write_json(path, {**_read_json(path), "state": PARTIAL})


def _write(directory: Path, files: RunFiles) -> None:
    _write_file(directory / "config.resolved.yaml", lambda file: file.write(files.config.encode()))
    for name, table in files.tables.items():
        _write_file(directory / f"{name}.npz", table.write)
    if files.outputs:
        outputs = dict(files.outputs)
        _write_file(directory / "outputs.npz", lambda file: np.savez_compressed(file, allow_pickle=False, **outputs))
    _write_json(directory / "summary.json", files.summary)
    _write_json(directory / MANIFEST, {"layout": LAYOUT, "state": COMPLETE, **files.manifest})


def _write_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file under another name, and give it its own once it is whole and on the disk."""
    unfinished = path.with_name(f".{path.name}.{PARTIAL}")
    try:
        with unfinished.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync(path.parent)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def _sync(directory: Path) -> None:
    """Have the names in a directory on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked(directory: Path) -> int:
    """Return a descriptor that locks a directory until it is closed, or the process ends in whatever way."""
    descriptor = os.open(directory, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _is_being_written(directory: Path) -> bool:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _exchange(one: Path, other: Path) -> None:
    """Have two directories take each other's place, in one step where the system can do that."""
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux, which Python has no call for
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None or renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange):
        aside = Path(tempfile.mkdtemp(prefix=f".{other.name}.", dir=other.parent)) / other.name
        other.rename(aside)
        one.rename(other)
        aside.rename(one)
        aside.parent.rmdir()
    _sync(other.parent)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=2) + "\n"
    _write_file(path, lambda file: file.write(text.encode()))


def read_run(directory: Path) -> RunFiles:
    """Read a run directory; of one that is partial, what there is.

    Raises
    ------
    InputError
        If it is none, of another version, or incomplete without being marked partial. Asking a partial run for a table
        or figure that it does not have raises it, too.
    """
    manifest = _read_json(directory / MANIFEST)
    if manifest.get("layout") != LAYOUT:
        other = f"`{directory}` has the layout {manifest.get('layout')}, this version reads {LAYOUT}"
        raise InputError(f"{other}; run it again, or read its tables with NumPy")
    if manifest.get("state") == PARTIAL:
        return _read_partial(directory, manifest)
    try:
        config = (directory / "config.resolved.yaml").read_text()
        tables = {name: Table.load(name, directory / f"{name}.npz") for name in SCHEMAS}
        outputs = _read_outputs(directory / "outputs.npz")
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"`{directory}` is damaged: {error}") from error
    return RunFiles(manifest, config, _read_json(directory / "summary.json"), tables, outputs)


def _read_outputs(path: Path) -> dict[str, NDArray[Any]]:
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


class _Part(dict[str, Any]):
    """What a partial run has of something; asking for the rest says that it is partial."""

    def __init__(self, found: Mapping[str, Any], directory: Path) -> None:
        super().__init__(found)
        self._directory = directory

    def __missing__(self, name: str) -> NoReturn:
        raise InputError(f"{partial_word(self._directory)}: there is no `{name}`")


def partial_word(directory: Path) -> str:
    """Return what to say about a partial run directory."""
    if _is_being_written(directory):
        return f"`{directory}` is partial, its run is still going on"
    return f"`{directory}` is partial, its run ended before it was written whole (run it again with --force)"


def _read_partial(directory: Path, manifest: dict[str, Any]) -> RunFiles:
    """Return what there is of a run; files have their names only when they are whole."""
    tables = {name: directory / f"{name}.npz" for name in SCHEMAS}
    there = {name: Table.load(name, path) for name, path in tables.items() if path.exists()}
    config, summary = directory / "config.resolved.yaml", directory / "summary.json"
    known: dict[str, Any] = {name: manifest[name] for name in ("chip", "workload") if name in manifest}
    known["partial"] = True
    figures = {**_read_json(summary), **known} if summary.exists() else known
    text = config.read_text() if config.exists() else ""
    outputs = _read_outputs(directory / "outputs.npz")
    return RunFiles(manifest, text, _Part(figures, directory), _Part(there, directory), outputs)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"`{path.parent}` is no run directory: {path.name} cannot be read") from error
    except ValueError as error:
        raise InputError(f"`{path}` is damaged: {error}") from error
    assert isinstance(value, dict), "both files hold an object"
    return value
