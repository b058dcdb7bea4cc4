"""Do twelve programmings of 256 x 256 weights give the recorded means?

The recorded peer collapses a pair of devices into one weight and splits it again before it drifts; a chip keeps both.
With the peer's order (`collapsed_pair`) the same equations give the recorded numbers. What `both_devices` gives differs
by what the order is worth: the idle device of a pair drifts and carries noise of its own, and nothing is scaled again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aimcsim.analog import AnalogSpec, ReadoutSpec, devices, program
from aimcsim.analog.array.spec import ReadNoise
from aimcsim.analog.devices import pcm
from aimcsim.analog.devices.base import DeviceModel, DeviceState
from aimcsim.analog.devices.pcm_hermes import HermesPcm
from aimcsim.analog.devices.power_law import PowerLawState
from aimcsim.analog.devices.rram_wan import RramWanState
from aimcsim.analog.draws import Draws

Reals = NDArray[np.float64]

REPEATS = 12
SIZE = 256
INPUTS = 256
DAY_S = 86400.0
YEAR_S = 365 * DAY_S


@cache
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
    x = Draws.of(2).normal("inputs", (INPUTS, SIZE))
    rows = []
    for repeat in range(REPEATS):
        place = Draws.of(3).child("repeat", repeat)
        pair = [
            model.program(least + (1.0 - least) * np.maximum(sign * w, 0.0), place.child("side", sign))
            for sign in (1, -1)
        ]
        reference = (pair[0].programmed - pair[1].programmed) / (1.0 - least)
        now = reference if time_s is None else effective(pair[0], pair[1], time_s) / (1.0 - least)
        whole = devices.compensate_globally(reference, now).factor
        columns = devices.compensate_columns(reference, now).factor
        rows.append(((now - w).std(), _mvm(now, w, x), whole[0], _mvm(now * whole, w, x), _mvm(now * columns, w, x)))
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


@pytest.fixture(scope="module")
def recorded(shared_dir: Path) -> dict[str, Any]:
    """Means over twelve programmings by CrossSim 3.2.0 and aihwkit 1.1.0."""
    found: dict[str, Any] = json.loads((shared_dir / "reference/numeric/stats_stochastic.json").read_text())
    return found


@pytest.fixture(scope="module")
def tables(shared_dir: Path) -> Any:
    """Curves over the relative conductance, from some 20 000 devices a point."""
    return np.load(shared_dir / "reference/numeric/stats_tables.npz")


PROGRAMMED = {
    "PCMLike_gmax25": devices.Pcm(),
    "Hermes_2dev": devices.HermesTwoDevices(),
    "Hermes_1dev": devices.HermesOneDevice(),
    "StateIndependent": devices.StateIndependent(),
    "ReRamWan2022_gmax40": devices.RramWan(),
}


@pytest.mark.parametrize("name", PROGRAMMED)
def test_right_after_programming_pairs_err_as_recorded(recorded: dict[str, Any], name: str) -> None:
    expected = recorded["aihwkit"][name]["programmed"]
    got = experiment(PROGRAMMED[name], None, both_devices)
    assert got.w_std == pytest.approx(expected["w_err_std"], rel=0.02)
    assert got.mvm == pytest.approx(expected["mvm_rel_l2"], rel=0.02)


LATER = [
    ("PCMLike_gmax25", "0s", 0.0),
    ("PCMLike_gmax25", "1h", 3600.0),
    ("PCMLike_gmax25", "1year(365d)", YEAR_S),
    ("Hermes_2dev", "1day", DAY_S),
    ("Hermes_1dev", "1year(365d)", YEAR_S),
    ("StateIndependent", "1min", 60.0),
    ("ReRamWan2022_gmax40", "1s", 1.0),
    ("ReRamWan2022_gmax40", "2day", 2 * DAY_S),
]


@pytest.mark.parametrize(("name", "label", "time_s"), LATER)
def test_in_the_order_of_the_peer_the_equations_give_the_recorded_numbers(
    recorded: dict[str, Any], name: str, label: str, time_s: float
) -> None:
    expected = recorded["aihwkit"][name][label]
    got = experiment(PROGRAMMED[name], time_s, collapsed_pair(PROGRAMMED[name]))
    assert got.w_std == pytest.approx(expected["raw"]["w_err_std"], rel=0.02)
    assert got.mvm == pytest.approx(expected["raw"]["mvm_rel_l2"], rel=0.02)
    assert got.alpha == pytest.approx(expected["alpha_mean"], rel=0.005)
    assert got.mvm_compensated == pytest.approx(expected["global_drift_comp"]["mvm_rel_l2"], rel=0.02)
    assert got.mvm_columns == pytest.approx(expected["per_column_drift_comp"]["mvm_rel_l2"], rel=0.02)


@pytest.mark.parametrize(("name", "label", "time_s"), [case for case in LATER if case[0] != "ReRamWan2022_gmax40"])
def test_with_both_devices_kept_errors_and_factors_hardly_differ(
    recorded: dict[str, Any], name: str, label: str, time_s: float
) -> None:
    """Seen: errors within 2 % but for PCM after 1 h, compensated (-2.5 %); factors up to 1.4 % less, Hermes at 1 year.

    ReRamWan is left out: the peer scales its noisy weights by the largest of them, a gain of 7 % that no chip has.
    """
    expected = recorded["aihwkit"][name][label]
    got = experiment(PROGRAMMED[name], time_s, both_devices)
    assert got.w_std == pytest.approx(expected["raw"]["w_err_std"], rel=0.02)
    assert got.mvm == pytest.approx(expected["raw"]["mvm_rel_l2"], rel=0.02)
    assert got.mvm_compensated == pytest.approx(expected["global_drift_comp"]["mvm_rel_l2"], rel=0.03)
    assert got.alpha == pytest.approx(expected["alpha_mean"], rel=0.015)


ONE_SIDED = [
    ("PCMJoshi_prog_25uS_onoff100", devices.PcmJoshi(), 0.01),
    ("RRAMMilo_prog_50-225uS", devices.RramMilo(), 50 / 225),
    ("RRAMWan_prog_1-39uS", devices.RramWanOneSecond(g_max_us=39.0), 1 / 39),
    ("SONOS_drift_t=0day_1600nA", devices.Sonos(), 0.0),
    ("NormalIndependent_prog_1pct", devices.Generic(programming=0.01), 0.0),
    ("NormalProportional_prog_5pct", devices.Generic(programming=0.05, law="proportional"), 0.0),
]


@pytest.mark.parametrize(("name", "model", "least"), ONE_SIDED, ids=[case[0] for case in ONE_SIDED])
def test_programming_errors_are_those_of_crosssim(
    recorded: dict[str, Any], name: str, model: DeviceModel, least: float
) -> None:
    expected = recorded["crosssim"][name]
    got = experiment(model, None, both_devices, least)
    assert got.w_std == pytest.approx(expected["w_err_std"], rel=0.02)
    assert got.mvm == pytest.approx(expected["mvm_rel_l2"], rel=0.02)


@pytest.mark.parametrize("days", [0.5, 1, 2, 3, 5])
def test_sonos_drifts_as_in_crosssim(recorded: dict[str, Any], days: float) -> None:
    expected = recorded["crosssim"][f"SONOS_drift_t={days:g}day_1600nA"]
    got = experiment(devices.Sonos(), days * DAY_S, both_devices)
    assert got.w_std == pytest.approx(expected["w_err_std"], rel=0.02)
    assert got.mvm == pytest.approx(expected["mvm_rel_l2"], rel=0.02)


READS = [
    ("SONOS_read", devices.Sonos(), devices.Sonos(read_noise="off")),
    ("NormalIndependent_read_1pct", devices.Generic(read=0.01), devices.Generic()),
    ("NormalProportional_read_1pct", devices.Generic(read=0.01, law="proportional"), devices.Generic()),
]


@pytest.mark.parametrize(("name", "model", "silent"), READS, ids=[case[0] for case in READS])
def test_read_noise_device_by_device_is_that_of_crosssim(
    recorded: dict[str, Any], name: str, model: DeviceModel, silent: DeviceModel
) -> None:
    expected = recorded["crosssim"][name]["mvm_rel_l2"]
    assert _read_error(model, silent, "sampled") == pytest.approx(expected, rel=0.02)


def test_lumped_read_noise_is_too_large_where_idle_devices_are_cut_off() -> None:
    """Noise of 0.01 that does not depend on the state hits as many idle devices as others.

    An idle device that is cut off at 0 has a mean square of sigma^2 / 2, so a pair has 1.5 sigma^2 where the lumped
    one has 2: an error of sqrt(4 / 3) = 1.155 times; somewhat more, since small conductances are cut off too.
    """
    lumped, sampled = (_read_error(devices.Generic(read=0.01), devices.Generic(), how) for how in BOTH)
    assert 1.13 < lumped / sampled < 1.18


BOTH: tuple[ReadNoise, ...] = ("lumped", "sampled")


def _read_error(model: DeviceModel, silent: DeviceModel, how: ReadNoise) -> float:
    """Return the error of products in arrays of `model` beside those, programmed alike, that are read without noise."""
    w, x = weights(), Draws.of(2).normal("inputs", (128, SIZE))
    specs = (AnalogSpec(device=one, readout=ReadoutSpec(read_noise=how)) for one in (model, silent))
    noisy, still = (program(w, spec, Draws.of(5)).mvm(x).outputs.astype(np.float64) for spec in specs)
    return float(np.mean(np.linalg.norm(noisy - still, axis=1) / np.linalg.norm(x @ w, axis=1)))


@pytest.mark.parametrize(
    ("label", "time_s"), [("programmed", 0.0), ("1s", 1.0), ("1h", 3600.0), ("1year(365d)", YEAR_S)]
)
def test_cmo_relaxes_as_recorded(recorded: dict[str, Any], label: str, time_s: float) -> None:
    # One device for each weight, from 9 to 88.2 uS around the middle.
    record, least, w = recorded["aihwkit"]["ReRamCMO"][label], 9 / 88.2, weights()
    expected = record.get("raw", record)
    errors, factors = [], []
    for repeat in range(REPEATS):
        target = least + (1 - least) * (w + 1) / 2
        state = devices.RramCmo().program(target, Draws.of(7).child("repeat", repeat))
        reference, now = ((2 * (g - least) / (1 - least) - 1) for g in (state.programmed, state.conductance(time_s)))
        errors.append(now - w)
        factors.append(devices.compensate_globally(reference, now).factor[0])
    assert np.mean([error.std() for error in errors]) == pytest.approx(expected["w_err_std"], rel=0.02)
    # The mean of 12 x 65 536 errors has a deviation of std / 887.
    assert np.mean(errors) == pytest.approx(expected["w_err_mean"], rel=0.02, abs=3 * expected["w_err_std"] / 887)
    assert np.mean(factors) == pytest.approx(record.get("alpha_mean", 1.0), rel=0.005)


CURVES = {
    "pcm": (devices.Pcm, 25.0),
    "hermes1": (devices.HermesOneDevice, 10.35),
    "hermes2": (devices.HermesTwoDevices, 20.7),
}


@pytest.mark.parametrize("name", CURVES)
def test_curves_over_the_conductance_are_as_recorded(tables: Any, name: str) -> None:
    """Each recorded point is the deviation of some 20 000 devices, so it scatters by 1 / sqrt(40 000) = 0.5 %.

    Ours come from 50 000, so a difference scatters by 0.6 % and a point of 500 lies 3.1 of these off: 1.8 %.
    """
    model, g_max_us = CURVES[name]
    got = {"prog_mean_uS": [], "prog_std_uS": [], "nu_mean": [], "nu_std": [], "read_std_rel_1h": []}
    for index, u in enumerate(tables["g_rel"][1:]):
        target, place = np.full(50_000, u), Draws.of(1).child("point", index)
        state = model().program(target, place)
        still = model(programming_scale=0.0, drift_scale=0.0).program(target, place)
        values = (state.programmed * g_max_us, state.exponent, still.conductance(3600.0) / u)
        got["prog_mean_uS"].append(values[0].mean())
        got["prog_std_uS"].append(values[0].std())
        got["nu_mean"].append(values[1].mean())
        got["nu_std"].append(values[1].std())
        got["read_std_rel_1h"].append(values[2].std())
    for curve, points in got.items():
        off = np.array(points) / tables[f"{name}_{curve}"][1:] - 1
        assert np.abs(off).max() < 0.02, curve
        assert math.sqrt((off**2).mean()) < 0.01, curve
        assert abs(off.mean()) < 0.002, curve


@pytest.mark.parametrize("name", CURVES)
def test_the_formula_of_programming_is_the_recorded_one(tables: Any, name: str) -> None:
    model, g_max_us = CURVES[name]
    u = tables["g_rel"]
    sigma = pcm.programming_sigma(u) if name == "pcm" else model().programming_sigma(u)
    assert np.allclose(sigma * g_max_us, tables[f"{name}_prog_sigma_formula_uS"], rtol=1e-4)


def test_wan_at_another_g_max_is_scaled_where_the_peer_is_not(tables: Any) -> None:
    # The peer's deviations at g_max 25 uS are those of the formula for 40 uS, unscaled: 1.6 times too large.
    high = tables["g_rel"] > 0.3  # nothing is cut off there
    u = tables["g_rel"][high]
    ours_us = np.array(
        [devices.RramWan().program(np.full(50_000, one), Draws.of(1)).programmed.std() * 25 for one in u]
    )
    assert np.allclose(ours_us * 1.6, tables["wan_formula40_uS"][high], rtol=0.02)
    assert np.allclose(ours_us * 1.6, tables["wan_prog_std_uS"][high], rtol=0.025)
