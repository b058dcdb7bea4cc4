"""Does lumped read noise have the distribution of device by device, and where does it stop?"""

from __future__ import annotations

import math

import numpy as np

from aimcsim.analog.devices import Generic, lumped_read, sampled_read
from aimcsim.analog.draws import Draws

ROWS, COLS, READS = 24, 40, 1500
PLACE = Draws.of(13)


def read_many(low: float, sigma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read one input many times; return lumped and sampled outputs [READS, COLS], their exact mean and deviation."""
    g = low + (1 - low) * PLACE.uniform("conductance", (ROWS, COLS))
    x = np.repeat(PLACE.uniform("input", (1, ROWS)), READS, axis=0)
    deviations = Generic(law="independent", read=sigma).read_sigma(g)
    reads = list(range(READS))
    mean = x[0] @ g
    deviation = np.sqrt((x[0] ** 2) @ (deviations**2))
    return lumped_read(x, g, deviations, PLACE, reads), sampled_read(x, g, deviations, PLACE, reads), mean, deviation


def test_where_no_device_is_cut_off_both_have_the_same_distribution() -> None:
    # Conductances from 0.3 with a sigma of 0.03 lie ten sigmas from 0. Standardised outputs are standard normals:
    # the greatest distance of n of them from the normal law exceeds 1.95 / sqrt(n) once in a thousand.
    *both, mean, deviation = read_many(0.3, 0.03)
    for outputs in both:
        z = np.sort(((outputs - mean) / deviation).ravel())
        law = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])
        assert np.abs(law - (np.arange(z.size) + 0.5) / z.size).max() < 1.95 / math.sqrt(z.size)


def test_outputs_of_one_read_are_independent_and_reads_are_too() -> None:
    *both, mean, deviation = read_many(0.3, 0.03)
    for outputs in both:
        z = (outputs - mean) / deviation
        assert abs((z[:, 1:] * z[:, :-1]).mean()) < 5 / math.sqrt(z[:, 1:].size)
        assert abs((z[1:] * z[:-1]).mean()) < 5 / math.sqrt(z[1:].size)


def test_idle_devices_that_are_cut_off_read_high_by_the_stated_amount() -> None:
    # All devices at z = g / sigma: the mean rises by sigma (phi(z) - z Phi(-z)) each; lumped noise has none of it.
    sigma = 0.02
    for z in (0.0, 1.0, 3.0):
        g = np.full((ROWS, COLS), z * sigma)
        x, deviations = np.ones((READS, ROWS)), np.full((ROWS, COLS), sigma)
        rise = sigma * (math.exp(-z * z / 2) / math.sqrt(2 * math.pi) - z * math.erfc(z / math.sqrt(2)) / 2)
        chance = 5 * sigma * math.sqrt(ROWS / (READS * COLS))
        sampled = sampled_read(x, g, deviations, PLACE, list(range(READS))) - ROWS * z * sigma
        lumped = lumped_read(x, g, deviations, PLACE, list(range(READS))) - ROWS * z * sigma
        assert abs(sampled.mean() - ROWS * rise) < chance
        assert abs(lumped.mean()) < chance
    assert rise < 4e-4 * sigma  # at three sigmas the two are hard to tell apart


def test_reads_do_not_depend_on_the_batch() -> None:
    g = PLACE.uniform("conductance", (ROWS, COLS))
    x, sigma = PLACE.normal("input", (9, ROWS)), 0.1 * g
    for read in (lumped_read, sampled_read):
        whole = read(x, g, sigma, PLACE, list(range(9)))
        parts = [read(x[a:b], g, sigma, PLACE, list(range(a, b))) for a, b in ((0, 1), (1, 7), (7, 9))]
        assert np.array_equal(np.concatenate(parts), whole)
