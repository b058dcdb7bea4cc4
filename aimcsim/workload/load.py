"""Finding and reading a workload: a file by its extension, or a network shipped with the package by its name."""

from __future__ import annotations

from pathlib import Path

from aimcsim.errors import ConfigError, Problem, ReferenceError_
from aimcsim.located import one_of
from aimcsim.workload.graph import Workload
from aimcsim.workload.layer_file import load_layer_file

_SHIPPED = Path(__file__).resolve().parents[1] / "data" / "workloads"


def workload_names() -> list[str]:
    """Return the names of the networks shipped with the package."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def demo_inputs(name: str) -> Path:
    """Return the `.npz` file of sample inputs (and `labels`) of a shipped network."""
    return _SHIPPED / f"{name}_inputs.npz"


def load_workload(source: str | Path, *, fold_unsupported: bool = False) -> Workload:
    """Return a workload from a `.yaml` layer graph, an `.onnx` model, or by the name of a shipped network.

    Parameters
    ----------
    source : the file or the name.
    fold_unsupported : of an ONNX model, leave out unsupported nodes that keep their input's shape; see `load_onnx`.

    Raises
    ------
    ReferenceError_
        If a bare name is no shipped network.
    ConfigError
        If the file is missing, of another kind, or wrong; see `load_layer_file` and `load_onnx`.
    MissingExtraError
        For an ONNX file without the extra `onnx`.
    """
    path = Path(source)
    if path.suffix in (".yaml", ".yml"):
        return load_layer_file(path)
    if path.suffix == ".onnx":
        from aimcsim.workload.onnx_file import load_onnx

        return load_onnx(path, fold_unsupported=fold_unsupported)
    if str(source) in workload_names():
        return load_layer_file(_SHIPPED / f"{source}.yaml")
    if path.suffix or path.exists():
        raise ConfigError(Problem(str(path), 0, 0, "", "a workload is a .yaml or .onnx file, or a shipped network"))
    raise ReferenceError_(f"unknown workload {one_of(source, workload_names())}")
