"""A run on disk: one directory, written whole or not at all.

The layout is a contract and carries its version in `manifest.json`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import InputError
from aimcsim.records.schema import SCHEMAS
from aimcsim.records.table import Table

LAYOUT = "aimcsim-run/1"


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What a run directory holds.

    Attributes
    ----------
    manifest : dict    Versions, seed, and what was run.
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


def write_run(directory: Path, files: RunFiles, *, force: bool = False) -> None:
    """Write a run directory beside its place, then move it there.

    Raises
    ------
    InputError
        If there is something already, unless `force`; a run directory is then replaced once the new one is complete.
        Anything that is no run directory is never replaced.
    """
    check_free(directory, force=force)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{directory.name}.partial-", dir=directory.parent))
    except OSError as error:
        raise InputError(f"cannot write `{directory}`: {error.strerror}") from error
    try:
        _write(fresh, files)
        fresh.chmod(0o755)
        if directory.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{directory.name}.old-", dir=directory.parent))
            directory.rename(old / "run")
            fresh.rename(directory)
            shutil.rmtree(old)
        else:
            fresh.rename(directory)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def check_free(directory: Path, *, force: bool = False) -> None:
    """Raise InputError if a run may not be written to `directory`."""
    if not directory.exists():
        return
    if not force:
        raise InputError(f"`{directory}` exists; choose another name, or --force to replace the run in it")
    if not (directory / "manifest.json").is_file() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"`{directory}` exists and is no run directory; it is not replaced")


def _write(directory: Path, files: RunFiles) -> None:
    (directory / "config.resolved.yaml").write_text(files.config)
    for name, table in files.tables.items():
        table.save(directory / f"{name}.npz")
    if files.outputs:
        with (directory / "outputs.npz").open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **dict(files.outputs))
    _write_json(directory / "summary.json", files.summary)
    _write_json(directory / "manifest.json", {"layout": LAYOUT, **files.manifest})


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def read_run(directory: Path) -> RunFiles:
    """Read a run directory.

    Raises
    ------
    InputError
        If it is none, of another version, or incomplete.
    """
    manifest = _read_json(directory / "manifest.json")
    if manifest.get("layout") != LAYOUT:
        raise InputError(f"`{directory}` has the layout {manifest.get('layout')}, this version reads {LAYOUT}")
    try:
        config = (directory / "config.resolved.yaml").read_text()
        tables = {name: Table.load(name, directory / f"{name}.npz") for name in SCHEMAS}
        outputs: dict[str, NDArray[Any]] = {}
        if (directory / "outputs.npz").exists():
            with np.load(directory / "outputs.npz", allow_pickle=False) as stored:
                outputs = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise InputError(f"`{directory}` is damaged: {error}") from error
    return RunFiles(manifest, config, _read_json(directory / "summary.json"), tables, outputs)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"`{path.parent}` is no run directory: {path.name} cannot be read") from error
    except ValueError as error:
        raise InputError(f"`{path}` is damaged: {error}") from error
    assert isinstance(value, dict), "both files hold an object"
    return value
