"""The experiment behind the recorded statistics: 256 x 256 weights of deviation 0.3, programmed as pairs, twelve times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog import devices
from aimcsim.analog.devices import pcm
from aimcsim.analog.devices.base import DeviceModel, DeviceState
from aimcsim.analog.devices.pcm_hermes import HermesPcm
from aimcsim.analog.devices.power_law import PowerLawState
from aimcsim.analog.devices.rram_wan import RramWanState
from aimcsim.analog.draws import Draws

Reals = NDArray[np.float64]

REPEATS = 12
SIZE = 256


def weights() -> Reals:
    """Normal with deviation 0.3, clipped to [-1, 1], the largest exactly 1."""
    w = np.clip(0.3 * Draws.of(1).normal("weights", (SIZE, SIZE)), -1.0, 1.0)
    w.flat[0] = 1.0
    return w


@dataclass(frozen=True)
class Errors:
    """Means over all programmings."""

    w_std: float  # of the error of a weight, full scale 1
    mvm: float  # mean of |error| / |y| over products
    alpha: float  # global compensation factor
    mvm_compensated: float
    mvm_columns: float


Weights = Callable[[DeviceState, DeviceState, float], Reals]


def experiment(model: DeviceModel, time_s: float | None, effective: Weights, least: float = 0.0) -> Errors:
    """Program `weights` as pairs from `least` to 1 and look at them at `time_s` (None: right after programming)."""
    w = weights()
    x = Draws.of(2).normal("inputs", (64, SIZE))
    rows = []
    for repeat in range(REPEATS):
        place = Draws.of(3).child("repeat", repeat)
        pair = [
            model.program(least + (1.0 - least) * np.maximum(sign * w, 0.0), place.child("side", sign)) for sign in (1, -1)
        ]
        reference = (pair[0].programmed - pair[1].programmed) / (1.0 - least)
        now = reference if time_s is None else effective(pair[0], pair[1], time_s) / (1.0 - least)
        whole = devices.compensate_globally(reference, now).factor
        columns = devices.compensate_columns(reference, now).factor
        rows.append(
            ((now - w).std(), _mvm(now, w, x), whole[0], _mvm(now * whole, w, x), _mvm(now * columns, w, x))
        )
    return Errors(*np.mean(rows, axis=0))


def _mvm(now: Reals, w: Reals, x: Reals) -> float:
    y = x @ w
    return float(np.mean(np.linalg.norm(x @ now - y, axis=1) / np.linalg.norm(y, axis=1)))


def both_devices(positive: DeviceState, negative: DeviceState, time_s: float) -> Reals:
    """Both devices of a pair go their way, as on a chip; what aimcsim does."""
    return positive.conductance(time_s) - negative.conductance(time_s)


def collapsed_pair(model: DeviceModel) -> Weights:
    """What the recorded peer does: a pair becomes one weight, which is split again before it drifts.

    The new pair has one device at exactly 0 and is scaled so that the largest weight is g_max; the drift exponents
    remain those of the targets. A device at 0 neither drifts nor carries noise, so the noise of the idle devices, which
    was folded into the other ones once, does not change any more.
    """

    def effective(positive: DeviceState, negative: DeviceState, time_s: float) -> Reals:
        w = positive.programmed - negative.programmed
        scale = np.abs(w).max()
        sides = zip((1.0, -1.0), (positive, negative), strict=True)
        split = [_restate(model, state, np.maximum(sign * w, 0.0) / scale) for sign, state in sides]
        return scale * both_devices(split[0], split[1], time_s)

    return effective


def _restate(model: DeviceModel, state: DeviceState, programmed: Reals) -> DeviceState:
    if isinstance(state, RramWanState):  # takes its noise from the target again: only the scale remains of programming
        again = Draws.of(4).child("state", repr(state.deviates.flat[0]))
        return replace(state, deviates=again.normal("programming", state.target.shape))
    assert isinstance(state, PowerLawState)
    if isinstance(model, devices.Pcm):
        return replace(state, programmed=programmed, strength=pcm.read_strength(programmed))
    if isinstance(model, HermesPcm):
        return replace(state, programmed=programmed, strength=model.read_strength(programmed))
    return replace(state, programmed=programmed)

