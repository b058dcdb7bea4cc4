"""Files that a command writes where it is told to: may they be written, before time is spent; and their writing."""

from __future__ import annotations

from pathlib import Path

from aimcsim.errors import ConfigError, OutputError


def check_writable(file: Path | None, *, force: bool) -> None:
    """Refuse a file that is there already, unless it is to be replaced, one without a folder, and one that is a folder.

    Raises
    ------
    ConfigError
    """
    if file is None:
        return
    if file.exists() and not force:
        raise ConfigError(f"{file}: is there already; --force replaces it")
    if file.is_dir():
        raise ConfigError(f"{file}: cannot be written (it is a folder)")
    if not file.parent.is_dir():
        raise ConfigError(f"{file}: cannot be written (there is no folder `{file.parent}`)")


def write_file(file: Path, text: str) -> None:
    """Write a file that was asked for.

    Raises
    ------
    OutputError
        If it cannot be written: no room, for instance.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{file}: cannot be written ({error.strerror or error})") from error
