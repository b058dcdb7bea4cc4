"""Recorded statistics of whole programmings, drawn anew: how far weights and products are off, model by model, in time.

A file is JSON with `setup`, `aihwkit` and `crosssim`: for each model the means over twelve programmings of 256 x 256
weights. aihwkit collapses pairs after programming (`CellSpec.pair_state`), so arrays that are compared with it do, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.analog.array import AnalogMatrix, AnalogSpec, CellSpec, ReadoutSpec, program
from aimcsim.analog.array.spec import PairState
from aimcsim.analog.devices import DeviceModel, compensate_columns, compensate_globally, device
from aimcsim.analog.draws import Draws
from aimcsim.errors import ConfigError, Problem
from aimcsim.located import did_you_mean

Floats = NDArray[np.float64]

PROGRAMMINGS: Final = 12
SIDE: Final = 256
VECTORS: Final = 256
VECTORS_READ: Final = 16  # of each programming, where noise of reads is drawn cell by cell
MEANS_WITHIN: Final = 0.02
FACTOR_WITHIN: Final = 0.005
TWIN_STEP: Final = 12  # on the slow twin, one line of so many is drawn

_SECONDS: Final = {"s": 1, "min": 60, "h": 3600, "day": 86400, "month": 30 * 86400, "year": 365 * 86400}
_MEANS: Final = ("w_err_std", "w_rel_l2", "mvm_rel_l2")
_FACTOR: Final = "alpha_mean"
_READ: Final = "_read"
_WAN_G_MAX_US: Final = 40.0  # of the fit that aihwkit uses unscaled at any g_max


def _model(name: str, on_off_ratio: float = float("inf"), **parameters: Any) -> AnalogSpec:
    """Return an array of pairs of a device model."""
    return AnalogSpec(cells=CellSpec(on_off_ratio=on_off_ratio), device=device(name, **parameters))


_AIHWKIT: Final[Mapping[str, AnalogSpec]] = {
    "PCMLike_gmax25": _model("pcm"),
    "Hermes_2dev": _model("pcm_hermes_two"),
    "Hermes_1dev": _model("pcm_hermes_one"),
    "StateIndependent": _model("state_independent"),
    "ReRamWan2022_default_gmax25": _model("rram_wan", spread_scale=_WAN_G_MAX_US / 25.0),
    "ReRamWan2022_gmax40": _model("rram_wan"),
    "ReRamCMO": AnalogSpec(cells=CellSpec(pairing="offset", on_off_ratio=88.2 / 9.0), device="rram_cmo"),
}
_CROSSSIM: Final[Mapping[str, AnalogSpec]] = {
    "PCMJoshi_prog_25uS_onoff100": _model("pcm_joshi", 100.0),
    "RRAMMilo_prog_50-225uS": _model("rram_milo", 225.0 / 50.0),
    "RRAMWan_prog_1-39uS": _model("rram_wan_1s", 39.0, g_max_us=39.0),
    "SONOS": _model("sonos"),
    "NormalIndependent_prog_1pct": _model("generic", programming=0.01),
    "NormalProportional_prog_5pct": _model("generic", programming=0.05, law="proportional"),
    "NormalIndependent_read_1pct": _model("generic", read=0.01),
    "NormalProportional_read_1pct": _model("generic", read=0.01, law="proportional"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One record, drawn anew.

    Attributes
    ----------
    model, time : str           As the file names them.
    means : int                 How many are compared.
    means_off : float           The one that is missed most: ours over theirs, less 1.
    factor_off : float or None  The factor of global compensation likewise, if it is recorded.
    """

    model: str
    time: str
    means: int
    means_off: float
    factor_off: float | None

    @property
    def verdict(self) -> Literal["pass", "fail"]:
        """Whether means are within 2 % and the factor is within 0.5 %."""
        within = abs(self.means_off) <= MEANS_WITHIN and abs(self.factor_off or 0.0) <= FACTOR_WITHIN
        return "pass" if within else "fail"


@dataclass(frozen=True, slots=True)
class _Record:
    """A line to draw: the array, when it is read (None: as programmed), and what was found (nested)."""

    model: str
    time: str
    spec: AnalogSpec
    time_s: float | None
    found: Mapping[str, Any]


def read_statistics(path: Path) -> dict[str, Any]:
    """Return the JSON object that the file at `path` holds.

    Raises
    ------
    ConfigError    If it cannot be read, or is something else.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _wrong(path, "", f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise _wrong(path, "", f"is no JSON ({error})") from error
    if not isinstance(held, dict) or not {"aihwkit", "crosssim"} & set(held):
        raise _wrong(path, "", "must be an object with statistics under `aihwkit` or `crosssim`")
    return held


def draw_statistics(path: Path, held: Mapping[str, Any], pair_state: PairState = "collapsed") -> list[Line]:
    """Return every record of a file, drawn anew; on the slow twin, one of so many.

    Parameters
    ----------
    pair_state : str    What becomes of pairs after programming; `collapsed` is what aihwkit did when it was recorded.

    Raises
    ------
    ConfigError    Naming what in the file is not known or no number.
    """
    records = list(_records(path, held, pair_state))
    step = TWIN_STEP if _kernels.active().name == "twin" else 1
    return [_line(path, record) for record in records[::step]]


def _wrong(path: Path, where: str, message: str) -> ConfigError:
    return ConfigError(Problem(str(path), 0, 0, where, message))


def _records(path: Path, held: Mapping[str, Any], pair_state: PairState) -> Iterator[_Record]:
    for name, times in _objects(path, "aihwkit", held.get("aihwkit", {})):
        if name not in _AIHWKIT:
            raise _wrong(path, f"aihwkit.{name}", f"is no model that is known.{did_you_mean(name, _AIHWKIT)}")
        spec = _AIHWKIT[name]
        if spec.cells.is_pair:
            spec = replace(spec, cells=replace(spec.cells, pair_state=pair_state))
        for time, found in _objects(path, f"aihwkit.{name}", times):
            time_s = None if time == "programmed" else _seconds(path, f"aihwkit.{name}", time)
            yield _Record(name, time, spec, time_s, found)
    for name, found in _objects(path, "crosssim", held.get("crosssim", {})):
        model, _, time = name.partition("_drift_t=")
        model = model.removesuffix(_READ)
        if model not in _CROSSSIM:
            raise _wrong(path, f"crosssim.{name}", f"is no model that is known.{did_you_mean(name, _CROSSSIM)}")
        time_s = _seconds(path, f"crosssim.{name}", time.partition("_")[0]) if time else None
        yield _Record(name, "", _CROSSSIM[model], time_s, found)


def _objects(path: Path, where: str, held: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(held, dict):
        raise _wrong(path, where, "must be an object")
    for name, value in held.items():
        if not isinstance(value, dict):
            raise _wrong(path, f"{where}.{name}", "must be an object")
        yield name, value


def _seconds(path: Path, where: str, time: str) -> float:
    """Return the seconds of a time such as ``1h`` or ``1year(365d)``."""
    match = re.fullmatch(r"([0-9.]+)(s|min|h|day|month|year)(\(\d+d\))?", time)
    if not match:
        raise _wrong(path, where, f"`{time}` is no time such as 1s, 5min, 1h, 2day, 1month(30d), 1year(365d)")
    return float(match[1]) * _SECONDS[match[2]]


def _line(path: Path, record: _Record) -> Line:
    where = f"{record.model}.{record.time}".removesuffix(".")
    recorded, rows = _flat(path, where, record.found), [_programming(record, repeat) for repeat in range(PROGRAMMINGS)]
    ours = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if recorded.get(name)}
    off = {name: mean / recorded[name] - 1.0 for name, mean in ours.items()}
    factor_off = off.pop(_FACTOR, None)
    if not off:
        raise _wrong(path, where, f"holds none of {', '.join(_MEANS)}")
    return Line(record.model, record.time, len(off), max(off.values(), key=abs), factor_off)


def _flat(path: Path, where: str, found: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the numbers of a record by their names; those of an object in it as ``object.name``."""
    flat: dict[str, float] = {}
    for name, value in found.items():
        if isinstance(value, dict):
            flat |= _flat(path, where, value, "" if name == "raw" else f"{name}.")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise _wrong(path, f"{where}.{prefix}{name}", f"must be a number (got {value!r})")
        else:
            flat[prefix + name] = float(value)
    return flat


@cache
def _weights() -> Floats:
    """Return normal weights of deviation 0.3, clipped to [-1, 1], the largest exactly 1."""
    w = np.clip(0.3 * Draws.of(1).normal("weights", (SIDE, SIDE)), -1.0, 1.0)
    w.flat[0] = 1.0
    return w


@cache
def _vectors() -> Floats:
    return 2.0 * Draws.of(2).uniform("inputs", (VECTORS, SIDE)) - 1.0


def _programming(record: _Record, repeat: int) -> dict[str, float]:
    """Return what is off after one programming, by the names that `_flat` gives recorded means."""
    place = Draws.of(3).child("programming", repeat)
    if _READ in record.model:
        return {"mvm_rel_l2": _read_error(record.spec, place)}
    matrix = program(_weights(), record.spec, place)
    reference = _held(matrix, None)
    now = reference if record.time_s is None else _held(matrix, record.time_s)
    found = _errors("", now)
    if "rescaled_to_target_mean_abs" in record.found:
        found |= _errors("rescaled_to_target_mean_abs.", now * compensate_globally(_weights(), now).factor)
    if record.time_s is None:
        return found
    factor = compensate_globally(reference, now).factor
    found |= {_FACTOR: float(factor[0])} | _errors("global_drift_comp.", now * factor)
    found |= _errors("per_column_drift_comp.", now * compensate_columns(reference, now).factor)
    if "no_read_noise_global_comp" in record.found:
        silent = replace(record.spec, device=_without_flicker(record.spec.model))
        still = _held(program(_weights(), silent, place), record.time_s)
        found |= _errors("no_read_noise_global_comp.", still * compensate_globally(reference, still).factor)
    return found


def _without_flicker(model: DeviceModel) -> DeviceModel:
    """Return a model whose state carries no 1/f noise."""
    silent: dict[str, Any] = {"read_us" if model.name == "state_independent" else "read_scale": 0.0}
    return replace(model, **silent)


def _held(matrix: AnalogMatrix, time_s: float | None) -> Floats:
    """Return the weights that the one array of a matrix holds, as programmed or at a time."""
    ((array,),) = matrix.arrays
    lines = (array.state.programmed if time_s is None else array.conductances(time_s))[0]
    least = matrix.spec.cells.least_conductance
    if matrix.spec.cells.is_pair:
        held: Floats = (lines[0] - lines[1]) / (1.0 - least)
        return held
    single: Floats = 2.0 * (lines[0] - least) / (1.0 - least) - 1.0
    return single


def _errors(prefix: str, now: Floats) -> dict[str, float]:
    """Return by how much weights and products are off."""
    error = now - _weights()
    relative = float(np.linalg.norm(error) / np.linalg.norm(_weights()))
    means = (float(error.std()), relative, _off(_vectors() @ now))
    return dict(zip((prefix + name for name in _MEANS), means, strict=True))


def _off(y: Floats) -> float:
    """Return the mean over vectors of the error of products over their size."""
    exact = _vectors()[: len(y)] @ _weights()
    return float(np.mean(np.linalg.norm(y - exact, axis=1) / np.linalg.norm(exact, axis=1)))


def _read_error(spec: AnalogSpec, place: Draws) -> float:
    """Return by how much products are off that have the noise of reads alone."""
    matrix = program(_weights(), replace(spec, readout=ReadoutSpec(read_noise="sampled")), place)
    x = _vectors()[:VECTORS_READ]
    noise = matrix.mvm(x).outputs - x @ _held(matrix, None)
    return _off(x @ _weights() + noise)
