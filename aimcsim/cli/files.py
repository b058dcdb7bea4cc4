"""Files that options name to be written: whether they may be, and writing them."""

from __future__ import annotations

from pathlib import Path

from aimcsim.errors import ConfigError, OutputError


def check_writable(file: Path | None, *, force: bool) -> None:
    """Raise `ConfigError` unless a file, if one was asked for, may be written."""
    if file is not None and file.exists() and not force:
        raise ConfigError(f"{file}: is there already; --force replaces it")
    if file is not None and not file.parent.is_dir():
        raise ConfigError(f"{file}: cannot be written (there is no folder `{file.parent}`)")


def write_file(file: Path, text: str) -> None:
    """Write a file that was asked for; raise `OutputError` if that fails."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{file}: cannot be written ({error.strerror or error})") from error
