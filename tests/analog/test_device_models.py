"""Does each device model have the noise, the drift and the limits that its source states?"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aimcsim import _kernels
from aimcsim.analog import devices
from aimcsim.analog.devices import base, pcm
from aimcsim.analog.devices.elementary import exp, log, log10, power
from aimcsim.analog.draws import Draws
from aimcsim.errors import ConfigError, InputError, ReferenceError_, UnknownFieldError

ROOT = Path(__file__).resolve().parents[2]
PLACE = Draws.of(11)
DAY_S = 86400.0
MANY = 200_000
LEAST = {"rram_milo": 50 / 225, "rram_cmo": 9 / 88.2}
AT_S = {"rram_wan": (1.0, DAY_S)}


def times(name: str) -> tuple[float, float]:
    return AT_S.get(name, (0.0, 2 * DAY_S))


def spread(value: float) -> float:
    """Return how far an estimate of a deviation from MANY normals may be off: five of its own."""
    return 5 * value / math.sqrt(2 * MANY)


@pytest.mark.parametrize("name", devices.names())
def test_a_state_depends_on_its_place_and_the_time_alone(name: str) -> None:
    model, target = devices.device(name), np.linspace(LEAST.get(name, 0.0), 1.0, 60)
    state, again = (model.program(target.reshape(6, 10), PLACE) for _ in range(2))
    early, late = times(name)
    held = state.conductance(late)
    again.conductance(early)
    assert np.array_equal(again.conductance(late), held)
    assert held.dtype == np.float64
    assert held.shape == (6, 10)
    assert held.min() >= 0.0
    assert np.array_equal(state.conductance(late), held)
    assert np.array_equal(model.program(target, PLACE).conductance(late), held.ravel())


@pytest.mark.parametrize("name", [name for name in devices.names() if name not in {"ideal", "cubic", "generic"}])
def test_both_devices_of_a_pair_err_by_themselves(name: str) -> None:
    target = np.full(1000, LEAST.get(name, 0.0) + 0.3)
    pair = [devices.device(name).program(target, PLACE.child("side", side)).programmed - target for side in (0, 1)]
    assert abs(np.corrcoef(pair[0], pair[1])[0, 1]) < 5 / math.sqrt(1000)


@pytest.mark.parametrize("name", devices.names())
@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan, math.inf])
def test_targets_outside_the_range_are_refused(name: str, wrong: float) -> None:
    with pytest.raises(InputError, match=r"^target: "):
        devices.device(name).program([0.5, wrong], PLACE)


@pytest.mark.parametrize("name", LEAST)
def test_targets_below_the_least_measured_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"^target: "):
        devices.device(name).program([0.0], PLACE)


@pytest.mark.parametrize("name", devices.names())
@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_times_outside_the_range_are_refused(name: str, wrong: float) -> None:
    with pytest.raises(InputError, match=r"^time_s: "):
        devices.device(name).program([0.5], PLACE).conductance(wrong)


@pytest.mark.parametrize("name", devices.names())
def test_nothing_is_lost_of_an_empty_array(name: str) -> None:
    assert devices.device(name).program(np.empty((0, 4)), PLACE).conductance(times(name)[1]).shape == (0, 4)


def test_an_unknown_model_names_its_neighbour() -> None:
    with pytest.raises(ReferenceError_, match="Did you mean `rram_wan`"):
        devices.device("rram_wann")


def test_an_unknown_parameter_names_its_neighbour() -> None:
    with pytest.raises(UnknownFieldError, match=r"pcm has no parameter 'g_max'.*Did you mean `g_max_us`"):
        devices.device("pcm", g_max=25.0)


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("pcm", "g_max_us", -1.0),
        ("pcm", "read_scale", math.nan),
        ("pcm_joshi", "g_max_us", 30.0),
        ("rram_wan_1s", "g_max_us", 40.0),
        ("rram_cmo", "acceptance_percent", 1.0),
        ("generic", "law", "cubic"),
        ("generic", "read", True),
        ("sonos", "i_max_na", "1600"),
    ],
)
def test_a_parameter_outside_its_range_is_named(name: str, parameter: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}\.{parameter} must be"):
        devices.device(name, **{parameter: value})


def test_a_second_model_of_the_same_name_is_refused() -> None:
    class Impostor(devices.Ideal):
        pass

    with pytest.raises(ValueError, match="ideal already"):
        devices.register(Impostor)


@pytest.mark.parametrize("u", [0.2, 0.5, 1.0])
def test_pcm_is_programmed_with_its_sigma(u: float) -> None:
    # At these targets the conductance lies more than five sigmas above 0, so nothing is cut off.
    sigma = (0.26348 + 1.9650 * u - 1.1731 * u * u) / 25
    programmed = devices.Pcm().program(np.full(MANY, u), PLACE).programmed
    assert programmed.std() == pytest.approx(sigma, abs=spread(sigma))
    assert programmed.mean() == pytest.approx(u, abs=5 * sigma / math.sqrt(MANY))


def test_pcm_drifts_as_a_power_of_time() -> None:
    # With the noise of programming and of reading off: g = u (T / 20 s) ** -nu, so the log of g is straight in log T.
    quiet = devices.Pcm(programming_scale=0.0, read_scale=0.0)
    state = quiet.program(np.full(MANY, 0.5), PLACE)
    slopes = [np.log(state.conductance(t) / 0.5) / -math.log((t + 20) / 20) for t in (100.0, 1e4, 1e7)]
    assert np.allclose(slopes[0], slopes[1], rtol=1e-9, atol=1e-12)
    assert np.allclose(slopes[0], slopes[2], rtol=1e-9, atol=1e-12)
    # -0.0155 log 0.5 + 0.0244 = 0.0351 is raised to 0.049; -0.0125 log 0.5 - 0.0059 = 0.00276 to 0.008: all positive.
    assert slopes[0].mean() == pytest.approx(0.049, abs=5 * 0.008 / math.sqrt(MANY))
    assert slopes[0].std() == pytest.approx(0.008, abs=spread(0.008))


def test_what_is_drawn_for_a_device_is_independent() -> None:
    # Correlations of n independent numbers have a deviation of 1 / sqrt(n). At 0.8 nothing is cut off.
    state = devices.StateIndependent().program(np.full(MANY, 0.8), PLACE)
    drawn = [state.programmed, state.exponent, state.flicker.value(20.0), state.flicker.value(1e6)]
    pairs = np.corrcoef(drawn)[[0, 0, 1, 1], [1, 2, 2, 3]]
    assert np.abs(pairs).max() < 5 / math.sqrt(MANY)


def test_pcm_carries_one_over_f_noise_by_its_law() -> None:
    # q sqrt(log((T + t_read) / (2 t_read))) with T = 3600 + 20 s; at u = 0.8, q = 0.0088 / 0.8^0.65, 20 sigmas from 0.
    state = devices.Pcm(programming_scale=0.0, drift_scale=0.0).program(np.full(MANY, 0.8), PLACE)
    sigma = 0.0088 / 0.8**0.65 * math.sqrt(math.log((3620 + 250e-9) / 500e-9))
    relative = state.conductance(3600.0) / 0.8
    assert relative.std() == pytest.approx(sigma, abs=spread(sigma))
    # A second later it is the same device: most of the noise is still there, and some has gone.
    later = state.conductance(3601.0) / 0.8
    kept = (math.log(3620.0) - np.euler_gamma - math.log(2 * math.pi)) / math.log(3620 / 500e-9)
    assert np.corrcoef(relative, later)[0, 1] == pytest.approx(kept, abs=0.06)


def test_rram_wan_spreads_at_the_measured_times_only() -> None:
    state = devices.RramWan().program(np.full(MANY, 0.5), PLACE)
    # Horner by hand at u = 0.5: 0.348 + 8.015 - 10.96325 + 5.674125 - 1.0509375 = 2.0229375 uS at 1 s, of 40 uS.
    assert state.conductance(1.0).std() * 40 == pytest.approx(2.0229375, abs=spread(2.03))
    assert np.array_equal(state.programmed, state.conductance(1.0))
    with pytest.raises(InputError, match="measured at 1, 86400, 172800 s"):
        state.conductance(3600.0)


def test_rram_wan_between_times_runs_straight_in_the_logarithm_if_asked_to() -> None:
    target = np.linspace(0.2, 1.0, 50)
    state = devices.RramWan(between="log_time").program(target, PLACE)
    middle = state.conductance(math.sqrt(DAY_S)) - target  # halfway from 1 s to 1 day
    ends = [state.conductance(t) - target for t in (1.0, DAY_S)]
    assert np.allclose(middle, (ends[0] + ends[1]) / 2, rtol=1e-9)
    for outside in (0.5, 3 * DAY_S):
        with pytest.raises(InputError, match="time_s"):
            state.conductance(outside)


def test_rram_cmo_relaxes_with_the_logarithm_of_time() -> None:
    g_us = 50.0
    state = devices.RramCmo().program(np.full(MANY, g_us / 88.2), PLACE)
    sigma = 0.00106879 * g_us + 0.00081107
    assert state.programmed.std() * 88.2 == pytest.approx(sigma, abs=spread(sigma))
    assert np.array_equal(state.conductance(0.0), state.programmed)
    log_t = math.log(DAY_S)
    read = 0.0277316483 * math.log10(g_us) * math.sqrt(math.log((DAY_S + 1e-6) / 2e-6))
    total = math.sqrt(sigma**2 + (0.04201137 * log_t + 0.41183342) ** 2 + read**2)
    later = state.conductance(DAY_S) * 88.2
    assert later.mean() - g_us == pytest.approx(-0.08900206 * log_t, abs=5 * total / math.sqrt(MANY))
    assert later.std() == pytest.approx(total, rel=0.01)  # the noise of each device follows its own conductance
    still = replace(state, relaxation=np.zeros(MANY)).conductance(DAY_S) * 88.2
    assert still.std() == pytest.approx(math.hypot(sigma, read), rel=0.01)
    with pytest.raises(InputError, match="from 1 s"):
        state.conductance(0.5)


def test_sonos_spreads_and_reads_by_saturating_laws() -> None:
    state = devices.Sonos().program(np.full(MANY, 0.5), PLACE)
    # At 800 nA the shift of the mean moves exp(-I / B) by a thousandth at most, which `spread` covers.
    for days, height, scale in ((0, 19.88665, 176.3115), (1, 25.59102, 186.85544), (4, 33.76214, 204.77023)):
        sigma = height * (1 - math.exp(-800 / scale)) / 1600
        assert state.conductance(days * DAY_S).std() == pytest.approx(sigma, abs=spread(sigma))
    between = (25.59102 + 28.72753) / 2 * (1 - math.exp(-800 / ((186.85544 + 193.56834) / 2))) / 1600
    assert state.conductance(1.5 * DAY_S).std() == pytest.approx(between, abs=spread(between))
    read = 12.58037 * (1 - math.exp(-800 / 215.36557)) / 1600
    assert devices.Sonos().read_sigma(np.array([0.5]))[0] == pytest.approx(read, rel=1e-12)
    with pytest.raises(InputError, match="to 432000 s"):
        state.conductance(6 * DAY_S)


@pytest.mark.parametrize(
    ("days", "target_na", "shift_na"),
    # The polynomials of tenth order in exact fractions, to two decimals; 1.5 days lie half way between 1 and 2.
    [(0, 800, 0), (1, 100, 1.74), (1, 800, -3.83), (2, 800, -8.0), (1.5, 800, -5.92), (5, 100, 4.12), (5, 1600, -40.7)],
)
def test_the_mean_of_sonos_shifts_by_its_polynomial(days: float, target_na: float, shift_na: float) -> None:
    state = replace(devices.Sonos().program([target_na / 1600], PLACE), deviates=np.zeros(1))
    assert 1600 * state.conductance(days * DAY_S)[0] - target_na == pytest.approx(shift_na, abs=0.01)


def test_sonos_of_larger_currents_has_no_later() -> None:
    state = devices.Sonos(i_max_na=3200.0).program([0.5], PLACE)
    assert state.conductance(0.0)[0] == state.programmed[0]
    with pytest.raises(InputError, match=r"time_s: sonos was measured later than 0 s with i_max_na below 1800"):
        state.conductance(1.0)


@pytest.mark.parametrize(
    ("law", "scale"), [("independent", 1.0), ("proportional", 0.25), ("inverse", 4.0)]
)  # of e, at a conductance of 0.25
@pytest.mark.parametrize(("distribution", "deviation"), [("normal", 1.0), ("uniform", 1 / math.sqrt(12))])
def test_generic_noise_scales_by_its_law(law: str, scale: float, distribution: str, deviation: float) -> None:
    model = devices.Generic(distribution=distribution, law=law, programming=0.01, read=0.02)
    programmed = model.program(np.full(MANY, 0.25), PLACE).programmed
    assert programmed.std() == pytest.approx(0.01 * scale * deviation, abs=spread(0.01 * scale * deviation))
    assert model.read_sigma(np.array([0.25]))[0] == pytest.approx(0.02 * scale)
    assert model.read_redraw == "phase"
    assert devices.Generic().read_redraw == "never"


def test_inverse_noise_leaves_zero_alone() -> None:
    assert not devices.Generic(law="inverse", programming=0.1).program(np.zeros(100), PLACE).programmed.any()


def test_currents_follow_their_curves() -> None:
    g, v = np.array([0.5, 1.0]), np.array([0.2, 0.4])
    assert np.array_equal(devices.Ideal().current(g, v), g * v)
    assert np.allclose(devices.Cubic().current(g, v), g * (v - 0.25 * v**3), rtol=1e-15)
    # Milo: I = G V + N2 V^2 + N3 V^3, G in S, l = log10 G.
    siemens = g * 225e-6
    l = np.log10(siemens)  # noqa: E741 - the source's letter
    n2 = 1.388e-4 * l**3 + 1.541e-3 * l**2 + 5.711e-3 * l + 7.063e-3
    n3 = 8.871e-5 * l**2 + 6.7919e-4 * l + 1.2968e-3
    expected = (siemens * v + n2 * v**2 + n3 * v**3) / 225e-6
    assert np.allclose(devices.RramMilo().current(g, v), expected, rtol=1e-10)
    assert not devices.RramMilo().current(np.zeros(2), v).any()
    with pytest.raises(InputError, match=r"0 to 0\.5 V"):
        devices.RramMilo().current(g, np.array([0.6, 0.1]))


def test_the_cubic_curve_is_that_of_the_recorded_case(shared_dir: Path) -> None:
    # An input of 1 is 0.5 V there (`Vread`); Y is the difference of both columns' currents, over what an input of 1
    # gives in the whole range of conductances, 0.1 to 1 of the largest, without the cubic part.
    case = np.load(shared_dir / "reference/numeric/crosssim_balanced_nonlinearIV_cubic.npz")
    positive, negative = case["G_pos_norm"], case["G_neg_norm"]
    model = devices.Cubic()
    y = np.stack([(model.current(positive, x) - model.current(negative, x)).sum(axis=1) for x in 0.5 * case["X"]])
    y /= 0.5 * 0.9
    assert np.abs(y - case["Y"]).max() / np.abs(case["Y"]).max() < 1e-5


def test_compensation_finds_the_factor_that_was_lost() -> None:
    reference = np.array([[1.0, -2.0], [3.0, 0.5]])
    now = reference * np.array([0.5, 0.25])
    columns = devices.compensate_columns(reference, now)
    assert np.array_equal(columns.factor, [2.0, 4.0])
    # Globally: mean magnitudes 6.5 / 4 then, (0.5 + 1.5 + 0.5 + 0.125) / 4 now.
    whole = devices.compensate_globally(reference, now)
    assert np.allclose(whole.factor, [6.5 / 2.625] * 2, rtol=1e-15)
    assert (columns.reads, whole.reads) == (2, 2)


def test_compensation_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="nothing is left"):
        devices.compensate_columns(np.ones((2, 2)), np.array([[0.0, 1.0], [0.0, 1.0]]))
    with pytest.raises(InputError, match="one shape"):
        devices.compensate_globally(np.ones((2, 2)), np.ones((2, 3)))
    assert np.array_equal(devices.compensate_columns(np.zeros((2, 2)), np.zeros((2, 2))).factor, [1.0, 1.0])


def test_dies_differ_and_a_die_is_always_the_same() -> None:
    die_to_die = devices.DieToDie(0.05)
    factors = np.array([die_to_die.factor(PLACE.child("die", n)) for n in range(4000)])
    assert factors.std() == pytest.approx(0.05, abs=5 * 0.05 / math.sqrt(8000))
    assert die_to_die.factor(PLACE.child("die", 3)) == factors[3]
    with pytest.raises(ConfigError, match=r"die_to_die\.deviation"):
        devices.DieToDie(-0.1)


@pytest.mark.parametrize("page", ["devices.md", "extending.md"])
def test_the_examples_of_the_pages_run(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The model of an example is nobody else's, and other tests of the page may have left theirs.
    others = {name: model for name, model in base._models.items() if name != "crystal"}
    monkeypatch.setattr(base, "_models", others)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    (example,) = (block for block in blocks if "Draws" in block)
    # A module of its own, since dataclasses look up annotations by module.
    module = types.ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", module)
    exec(example, vars(module))  # noqa: S102 - the point
    assert module.state.programmed.dtype == np.float64


def test_a_layer_that_is_added_shifts_nobody() -> None:
    w = PLACE.uniform("weights", (8, 20))
    alone = devices.Pcm().program(w, PLACE.child("layer", "b")).conductance(1.0)
    devices.Pcm().program(w, PLACE.child("layer", "a")).conductance(1.0)
    assert np.array_equal(devices.Pcm().program(w, PLACE.child("layer", "b")).conductance(1.0), alone)


STATES = """
import hashlib
import numpy as np
from aimcsim.analog import devices
from aimcsim.analog.draws import Draws
target = np.linspace(0.3, 1.0, 997)
for name in devices.names():
    state = devices.device(name).program(target, Draws.of(1))
    held = state.conductance(86400.0)
    told = [state.programmed, held, devices.device(name).read_sigma(held), devices.device(name).current(held, held / 3)]
    print(name, hashlib.sha256(b"".join(one.tobytes() for one in told)).hexdigest())
"""


def test_states_have_the_same_bits_whatever_numpy_and_the_kernels_run_on() -> None:
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    isas = [name for name in _kernels.implementations() if name != "twin"]
    plain = {"NPY_DISABLE_CPU_FEATURES": " ".join(found)} | ({"AIMCSIM_ISA": isas[0]} if isas else {})
    told = [
        subprocess.run(
            [sys.executable, "-P", "-c", STATES], env=os.environ | more, capture_output=True, text=True, check=True
        ).stdout
        for more in ({}, plain)
    ]
    assert told[0] == told[1]
    assert told[0].count("\n") == len(devices.names())


def test_functions_are_right_to_a_few_units_in_the_last_place() -> None:
    x = np.concatenate([np.geomspace(1e-300, 1e300, 10_001), np.linspace(0.5, 2.0, 10_001)])
    assert np.allclose(log(x), np.log(x), rtol=1e-15, atol=1e-16)
    assert np.allclose(log10(x), np.log10(x), rtol=2e-15, atol=1e-16)
    y = np.linspace(-700, 700, 20_001)
    assert np.allclose(exp(y), np.exp(y), rtol=1e-15)
    assert np.allclose(power(pcm.LEAST_U, 0.65), pcm.LEAST_U**0.65, rtol=1e-14)
