"""Recorded statistics of devices over their conductance, drawn anew.

A file holds `g_rel`, relative conductances, and for each model the mean and deviation of programmed conductances, those
of the drift exponent, and the deviation of 1/f noise after an hour. Every recorded point comes from some 20 000
devices, so it scatters by half a per cent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.analog.devices.pcm import Pcm
from aimcsim.analog.devices.pcm_hermes import HermesOneDevice, HermesTwoDevices
from aimcsim.analog.draws import Draws

Floats = NDArray[np.float64]

WITHIN: Final = 0.02
MOST_RMS: Final = 0.01
DEVICES: Final = 50_000  # drawn for a point
HOUR_S: Final = 3600.0
TWIN_STEP: Final = 10

_MODELS: Final = {"pcm": (Pcm, 25.0), "hermes1": (HermesOneDevice, 10.35), "hermes2": (HermesTwoDevices, 20.7)}
_CURVES: Final = ("prog_mean_uS", "prog_std_uS", "nu_mean", "nu_std", "read_std_rel_1h")


def holds_curves(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether a file's arrays are statistics of devices, not a case."""
    return "g_rel" in arrays and any(f"{name}_{_CURVES[0]}" in arrays for name in _MODELS)


def curve_errors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
    """Return, for every curve of a known model, by how much its points are off; without that of conductance 0."""
    found: dict[str, Floats] = {}
    for name in _MODELS:
        ours = _curves(name, _taken(arrays["g_rel"]))
        for curve, values in ours.items():
            if f"{name}_{curve}" in arrays:
                found[f"{name}_{curve}"] = values / _taken(arrays[f"{name}_{curve}"]) - 1.0
    return found


def _taken(values: NDArray[Any]) -> Floats:
    """Return the points of a curve that are drawn: all but the first, and on the slow twin every tenth of these."""
    step = TWIN_STEP if _kernels.active().name == "twin" else 1
    return values.astype(np.float64)[step::step]


def failed_curves(errors: Mapping[str, Floats]) -> list[str]:
    """Return the curves that are not as recorded."""
    return [
        name
        for name, off in errors.items()
        if np.abs(off).max() > WITHIN or np.sqrt((off * off).mean()) > MOST_RMS
    ]


def _curves(name: str, relative: Floats) -> dict[str, Floats]:
    """Return the statistics of a model at relative conductances."""
    model, largest_us = _MODELS[name]
    points = np.empty((len(_CURVES), len(relative)))
    for index, u in enumerate(relative.tolist()):
        place, target = Draws.of(1).child("point", f"{u:.6g}"), np.full(DEVICES, u)
        state = model().program(target, place)
        noise = model(programming_scale=0.0, drift_scale=0.0).program(target, place).conductance(HOUR_S) / u
        programmed = state.programmed * largest_us
        exponent = state.exponent
        points[:, index] = programmed.mean(), programmed.std(), exponent.mean(), exponent.std(), noise.std()
    return dict(zip(_CURVES, points, strict=True))
