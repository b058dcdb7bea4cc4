"""Is the 1/f noise of devices a trajectory with the variance and the spectrum that publications state?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from aimcsim.analog.devices.flicker import BAND_RATIO, CELL_PER_PERIOD, Flicker
from aimcsim.analog.draws import Draws

READ_S = 250e-9
ARRAYS, DEVICES = 60, 4000


def law(elapsed_s: float) -> float:
    return math.log((elapsed_s + READ_S) / (2 * READ_S))


def flickers(count: int, devices: int) -> list[Flicker]:
    return [Flicker(Draws.of(5).child("array", index), (devices,), READ_S) for index in range(count)]


def lobe_correlation(s: np.ndarray) -> np.ndarray:
    return np.where(s < 2, (2 - s) * np.cos(np.pi * s / 2) / 2 + np.sin(np.pi * s / 2) / np.pi, 0)


@pytest.mark.parametrize("elapsed_s", [1e-6, 1e-3, 20.0, 3620.0, 3.15e7])
def test_the_variance_is_that_of_the_law_at_every_time(elapsed_s: float) -> None:
    # n squares of normals average to 1 with a deviation of sqrt(2 / n); five of them are allowed.
    x = Flicker(Draws.of(1), (400_000,), READ_S).value(elapsed_s)
    assert (x * x).mean() == pytest.approx(law(elapsed_s), rel=5 * math.sqrt(2 / x.size))


def test_there_is_none_before_one_measurement_has_passed() -> None:
    assert not Flicker(Draws.of(1), (10,), READ_S).value(READ_S).any()


def test_what_is_read_does_not_depend_on_what_else_was_read() -> None:
    alone = Flicker(Draws.of(1), (50,), READ_S).value(100.0)
    other = Flicker(Draws.of(1), (50,), READ_S)
    for time_s in (1e6, 3.0, 99.9):
        other.value(time_s)
    assert np.array_equal(other.value(100.0), alone)


def test_the_lobe_has_the_stated_correlation_with_itself() -> None:
    # r(s) = integral of h(v) h(v + s), h(v) = cos(pi v / 2) within one cell to both sides.
    v = (np.arange(200_000) + 0.5) * 1e-5 - 1.0
    h = lambda at: np.where(np.abs(at) <= 1, np.cos(np.pi * at / 2), 0)  # noqa: E731
    for s in (0.0, 0.3, 1.0, 1.7):
        assert (h(v) * h(v + s)).sum() * 1e-5 == pytest.approx(float(lobe_correlation(np.array(s))), abs=1e-6)


def test_cells_are_as_long_as_the_spectrum_asks_for() -> None:
    # c = exp(C - gamma - log 2 pi), C = integral of (1 - r - [s > 1]) / s; beyond s = 2 the integrand is 0.
    s = (np.arange(2_000_000) + 0.5) * 1e-6
    integral = float(((1 - lobe_correlation(s) - (s > 1)) / s).sum() * 1e-6)
    assert math.exp(integral - np.euler_gamma - math.log(2 * math.pi)) == pytest.approx(CELL_PER_PERIOD, rel=1e-6)


def of_the_spectrum(elapsed_s: float, distance_s: float) -> float:
    """Covariance that 1/f between 1 / T and 1 / (2 t_read) has at a distance well between the two."""
    return math.log(elapsed_s / distance_s) - np.euler_gamma - math.log(2 * math.pi)


def of_the_bands(elapsed_s: float, distance_s: float) -> float:
    """Covariance of the bands, averaged over where their cells begin."""
    band = np.arange(40)
    weight = np.clip(law(elapsed_s) - band * math.log(BAND_RATIO), 0, math.log(BAND_RATIO))
    cell_s = CELL_PER_PERIOD * 2 * READ_S * BAND_RATIO ** (band + 0.5)
    return float((weight * lobe_correlation(distance_s / cell_s)).sum())


def test_bands_have_the_covariance_of_the_spectrum() -> None:
    for elapsed_s in (20.0, 3620.0, 3.15e7):
        for distance_s in np.geomspace(1e-4, elapsed_s / 50, 200):
            gap = of_the_bands(elapsed_s, distance_s) - of_the_spectrum(elapsed_s, distance_s)
            assert abs(gap) < 0.09


@pytest.mark.parametrize(("elapsed_s", "distance_s"), [(1e4, 1e-3), (1e4, 1.0), (1e4, 100.0), (3e7, 3600.0)])
def test_two_reads_have_the_covariance_of_the_bands(elapsed_s: float, distance_s: float) -> None:
    """Where the cells of an array begin moves the covariance of its devices, so many arrays are averaged.

    Only bands with cells about as long as the distance feel it, some three, each by less than half its width.
    """
    products = [(one.value(elapsed_s) * one.value(elapsed_s + distance_s)).mean() for one in flickers(ARRAYS, DEVICES)]
    devices = law(elapsed_s) * math.sqrt(2 / (ARRAYS * DEVICES))
    beginnings = math.sqrt(3) * math.log(BAND_RATIO) / 2 / math.sqrt(ARRAYS)
    allowed = 3 * math.hypot(devices, beginnings)
    assert np.mean(products) == pytest.approx(of_the_bands(elapsed_s, distance_s), abs=allowed)


def test_reads_far_apart_differ_by_the_whole_law_and_close_ones_hardly() -> None:
    one = Flicker(Draws.of(1), (100_000,), READ_S)
    differences = [(one.value(1e6 + d) - one.value(1e6)) ** 2 for d in (1e-8, 1e-3, 1.0, 1e3)]
    means = [float(difference.mean()) for difference in differences]
    assert means == sorted(means)
    assert means[0] < 0.1
    # log(d / 2 t_read) + gamma + log(2 pi), twice: what the spectrum between the two frequencies gives.
    expected = 2 * (math.log(1.0 / (2 * READ_S)) + np.euler_gamma + math.log(2 * math.pi))
    assert means[2] == pytest.approx(expected, rel=0.1)
