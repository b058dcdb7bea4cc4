"""What becomes of pairs that are collapsed into one weight after programming and split again?"""

from __future__ import annotations

import numpy as np
import pytest

from aimcsim.analog import AnalogSpec, CellSpec, Draws, program
from aimcsim.analog.devices import Pcm, RramWan, collapse
from aimcsim.errors import ConfigError

WEIGHTS = np.array([[1.0, -0.5], [0.25, 0.0]])


def spec(**cells: object) -> AnalogSpec:
    return AnalogSpec(cells=CellSpec(pair_state="collapsed", **cells), device=Pcm())


def test_the_idle_device_of_a_pair_stands_at_zero_and_never_moves() -> None:
    ((array,),) = program(WEIGHTS, spec(), seed=3).arrays

    for time_s in (0.0, 3600.0, 1e7):
        positive, negative = array.conductances(time_s)[0]
        assert (np.minimum(positive, negative) == 0.0).all()


def test_noise_of_the_idle_device_is_folded_into_the_other_one() -> None:
    # At t_0 nothing has drifted, and without 1/f noise a pair is worth what it was programmed to.
    model, draws = Pcm(read_scale=0.0), Draws.of(3)
    targets = np.stack([np.maximum(WEIGHTS, 0.0), np.maximum(-WEIGHTS, 0.0)])
    written = model.program(targets, draws)
    positive, negative = collapse(model, written, draws, axis=0).conductance(0.0)

    assert (written.programmed.min(axis=0) > 0.0).any()  # idle devices were not at 0
    assert np.allclose(positive - negative, written.programmed[0] - written.programmed[1], rtol=1e-12, atol=0)


def test_drift_exponents_remain_those_of_the_targets() -> None:
    # (T / t_0)^-nu with t_0 = 20 s: after 180 s, T is ten times t_0.
    model, draws = Pcm(read_scale=0.0), Draws.of(3)
    written = model.program(np.stack([np.maximum(WEIGHTS, 0.0), np.maximum(-WEIGHTS, 0.0)]), draws)
    collapsed = collapse(model, written, draws, axis=0)

    expected = collapsed.conductance(0.0) * 10.0**-written.exponent
    assert np.allclose(collapsed.conductance(180.0), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("g_max_us", "time_s"), [(25.0, 1.0), (40.0, 86400.0)])
def test_collapsed_wan_pairs_are_those_of_the_peer_draw_for_draw(g_max_us: float, time_s: float) -> None:
    """Noise in uS on targets in uS, cut off at 0; the largest written weight becomes g_max, targets stay."""
    sigma_us = {1.0: (0.348, 16.030, -43.853, 45.393, -16.815), 86400.0: (0.701, 22.086, -50.773, 47.095, -16.458)}
    model = RramWan(spread_scale=40.0 / g_max_us)
    target_us = g_max_us * np.stack([np.maximum(WEIGHTS, 0.0), np.maximum(-WEIGHTS, 0.0)])
    written = model.program(target_us / g_max_us, Draws.of(3))
    got = collapse(model, written, Draws.of(4), axis=0)

    def spread(time_s: float, xi: np.ndarray) -> np.ndarray:
        return np.maximum(target_us + np.polynomial.polynomial.polyval(target_us / g_max_us, sigma_us[time_s]) * xi, 0)

    first, later = written.deviates / model.spread_scale, got.split.deviates / model.spread_scale
    largest = np.abs(np.subtract(*spread(1.0, first))).max() / g_max_us
    assert np.allclose(got.conductance(time_s), largest * spread(time_s, later) / g_max_us, rtol=1e-12, atol=0)
    assert not np.array_equal(first, later)  # drawn again


@pytest.mark.parametrize("cells", [{"pairing": "two_sided"}, {"pairing": "offset"}, {"on_off_ratio": 10.0}])
def test_only_one_sided_pairs_without_a_least_conductance_can_be_collapsed(cells: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="pair_state: must be kept but for one-sided pairs"):
        spec(**cells)


def test_a_model_that_does_not_say_how_its_devices_go_on_is_refused() -> None:
    with pytest.raises(ConfigError, match="pair_state: must be kept with sonos"):
        AnalogSpec(cells=CellSpec(pair_state="collapsed"), device="sonos")
