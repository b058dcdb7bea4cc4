"""Recorded cases: what a file holds, and the arrays and inputs that its settings ask for.

A file is an ``.npz`` with ``params`` (JSON: another simulator's settings under its own key names), ``W`` (outputs,
inputs), ``X`` (batch, inputs) and what came out: ``Y`` (batch, outputs), or for wires exact currents. Arrays are built
from settings and weights alone, never from recorded conductances.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.array import AnalogSpec, CellSpec
from aimcsim.analog.importers import aihwkit_spec, crosssim_spec
from aimcsim.analog.importers.settings import Settings
from aimcsim.analog.wires import WireSpec
from aimcsim.errors import ConfigError, Problem

Floats = NDArray[np.float64]

FAMILIES: Final = ("crosssim", "aihwkit", "irdrop")
CIRCUITS: Final = ("inputsource", "signed", "sepsource", "terminal")

# The exact references of each circuit, as far as a file has them: how the array differs from the plain one.
_REFERENCES: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "inputsource": {"I_exact": {}, "I_exact_absX": {"magnitudes": True}, "Y": {}},
    "signed": {"I_exact_noninterleaved": {}, "I_exact_interleaved": {"interleaved": True}, "Y": {}},
    "sepsource": {"I_exact": {}, "Y": {}},
    "terminal": {"I_exact_in_term": {"terminal": "source"}, "I_exact_out_term": {"terminal": "output"}},
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """An array, its inputs, and what it must give.

    Attributes
    ----------
    name : str                             Of the recorded array.
    spec : AnalogSpec
    weights : float64 [inputs, outputs]
    inputs, outputs : float64 [batch, ...]
    scale : float                          What recorded outputs are multiplied by to be outputs of the array.
    """

    name: str
    spec: AnalogSpec
    weights: Floats
    inputs: Floats
    outputs: Floats
    scale: float = 1.0


def read_case(path: Path, arrays: Mapping[str, NDArray[Any]]) -> list[Comparison]:
    """Return the comparisons that the file at `path` with `arrays` asks for.

    Raises
    ------
    ConfigError    Naming the file and the array or key: it cannot be read, lacks something, or has settings that are
                   not modelled.
    """
    params = _params(path, arrays)
    family = family_of(path, params)
    weights = _matrix(path, arrays, "W").T
    inputs = _matrix(path, arrays, "X", columns=len(weights))
    if family == "irdrop":
        return _circuits(path, params, arrays, weights, inputs)
    outputs = _matrix(path, arrays, "Y", rows=len(inputs), columns=weights.shape[1])
    spec = aihwkit_spec(params, str(path)) if family == "aihwkit" else crosssim_spec(params, str(path))
    if spec.is_random:
        raise _wrong(path, "params", "has noise, so there is nothing to be equal to; only statistics can be compared")
    return [Comparison("Y", spec, weights, inputs, outputs)]


def family_of(path: Path, params: Mapping[str, Any]) -> str:
    """Return whose case it is: by ``_version``, or else by the first word of the file's name."""
    version = str(params.get("_version", "")).lower().replace("-", "")
    first = path.name.partition("_")[0].lower()
    for family in FAMILIES:
        if version.startswith(family) or (not version and first == family):
            return family
    if any(key.startswith(("core.", "xbar.")) for key in params):
        return "crosssim"
    raise _wrong(path, "params", f"`_version` or the file's name must say whose case it is: {', '.join(FAMILIES)}")


def _wrong(path: Path, where: str, message: str) -> ConfigError:
    return ConfigError(Problem(str(path), 0, 0, where, message))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file, none of them pickled.

    Raises
    ------
    ConfigError    If it cannot be read.
    """
    try:
        held = np.load(path, allow_pickle=False)
        if not isinstance(held, np.ndarray):
            with held:
                return {name: held[name] for name in held.files}
    except OSError as error:
        raise _wrong(path, "", f"cannot be read: {error.strerror or error}") from error
    except (ValueError, BadZipFile, EOFError) as error:
        raise _wrong(path, "", f"is no .npz of plain arrays ({error})") from error
    raise _wrong(path, "", "must be an .npz with W, X, Y and params (got a single array)")


def _params(path: Path, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    if "params" not in arrays:
        raise _wrong(path, "params", "is missing")
    try:
        params = json.loads(str(arrays["params"]))
    except json.JSONDecodeError as error:
        raise _wrong(path, "params", f"is no JSON ({error})") from error
    if not isinstance(params, dict):
        raise _wrong(path, "params", "must be a JSON object")
    return params


def _matrix(path: Path, arrays: Mapping[str, NDArray[Any]], name: str, rows: int = 0, columns: int = 0) -> Floats:
    if name not in arrays:
        raise _wrong(path, name, "is missing")
    array = arrays[name]
    wrong = array.ndim != 2 or (rows and array.shape[0] != rows) or (columns and array.shape[1] != columns)
    if wrong or not array.size or array.dtype.kind not in "biuf":
        wanted = f"[{rows or 'any'}, {columns or 'any'}] of real numbers"
        raise _wrong(path, name, f"must be {wanted} (got {list(array.shape)} of {array.dtype})")
    exact = array.astype(np.float64)
    if not np.isfinite(exact).all():
        raise _wrong(path, name, "must be finite")
    return exact


def _circuits(
    path: Path, params: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], weights: Floats, inputs: Floats
) -> list[Comparison]:
    """Return the comparisons of a wire resistance case, whose circuit is the second word of the file's name."""
    words = path.stem.lower().split("_")
    circuit = words[1] if len(words) > 1 else ""
    if circuit not in CIRCUITS:
        raise _wrong(path, "", f"the second word of the name must be one of {', '.join(CIRCUITS)} (got {circuit!r})")
    spec, terminal = _wired(Settings(params, str(path)), circuit)
    rmin = 1.0 / spec.largest_conductance_s
    # Recorded circuits have conductances of the precision of W, in which W was divided by Rmin.
    weights = (weights.astype(arrays["W"].dtype) / arrays["W"].dtype.type(rmin)).astype(np.float64) * rmin
    found: list[Comparison] = []
    for name, how in _REFERENCES[circuit].items():
        if name not in arrays or (name == "Y" and found):
            continue
        outputs = _matrix(path, arrays, name, rows=len(inputs), columns=weights.shape[1])
        x = np.abs(inputs) if "magnitudes" in how else inputs
        scale = 1.0 if name == "Y" else 1.0 / spec.largest_conductance_s
        found.append(Comparison(name, _arranged(spec, how, terminal), weights, x, outputs, scale))
    if not found:
        raise _wrong(path, "", f"holds none of {', '.join(_REFERENCES[circuit])}")
    return found


def _wired(settings: Settings, circuit: str) -> tuple[AnalogSpec, float]:
    """Return the array, and the resistance of its terminals."""
    settings.ignore("solvers", "unit")
    rmin = settings.needed("Rmin", 1e-9)
    wires = WireSpec(
        settings.needed("Rp_row", 0.0),
        settings.needed("Rp_col", 0.0),
        arrangement="separate_source" if circuit == "sepsource" else "input_source",
    )
    terminal = settings.needed("R_terminal", 0.0) if circuit == "terminal" else 0.0
    settings.finish()
    cells = CellSpec(weight_range=(-1.0, 1.0), beyond="extend")
    return AnalogSpec(cells=cells, wires=wires, largest_conductance_s=1.0 / rmin, precision="float64"), terminal


def _arranged(spec: AnalogSpec, how: Mapping[str, Any], terminal: float) -> AnalogSpec:
    assert spec.wires is not None  # made with wires
    wires, cells = spec.wires, spec.cells
    if "interleaved" in how:
        cells = replace(cells, interleaved=True)
    if how.get("terminal") == "source":
        wires = replace(wires, source_ohm=terminal)
    elif how.get("terminal") == "output":
        wires = replace(wires, terminal_ohm=terminal)
    return replace(spec, cells=cells, wires=wires)
