"""What the shell offers for arguments: names that come with the package, and files that could be meant.

Called between two keystrokes, so nothing here reads a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_DATA = Path(__file__).parents[1] / "data"


def chip_choices(incomplete: str) -> list[str]:
    """Return presets and YAML files that begin with what was typed."""
    return [*_named("presets", incomplete), *_files(incomplete, (".yaml", ".yml"))]


def workload_choices(incomplete: str) -> list[str]:
    """Return shipped networks, YAML and ONNX files that begin with what was typed."""
    return [*_named("workloads", incomplete), *_files(incomplete, (".yaml", ".yml", ".onnx"))]


def input_choices(incomplete: str) -> list[str]:
    """Return shipped networks, which bring inputs, and .npz files that begin with what was typed."""
    return [*_named("workloads", incomplete), *_files(incomplete, (".npz",))]


def preset_choices(incomplete: str) -> list[str]:
    """Return presets that begin with what was typed."""
    return _named("presets", incomplete)


def _named(folder: str, incomplete: str) -> list[str]:
    """Return the names of the YAML files of a data folder."""
    return sorted(path.stem for path in (_DATA / folder).glob("*.yaml") if path.stem.startswith(incomplete))


def _files(incomplete: str, suffixes: Iterable[str]) -> list[str]:
    """Return files with one of the suffixes, and folders, as they would be typed on."""
    head, slash, begun = incomplete.rpartition("/")
    try:
        found = sorted(path for path in Path(head + slash).iterdir() if path.name.startswith(begun))
    except OSError:
        return []
    shown = [path for path in found if begun or not path.name.startswith(".")]
    files = [f"{head}{slash}{path.name}" for path in shown if path.suffix in suffixes]
    return files + [f"{head}{slash}{path.name}/" for path in shown if path.is_dir()]
