"""Does lumped read noise have the distribution of cell by cell, and where does it stop?"""

from __future__ import annotations

import math

import numpy as np

from aimcsim.analog import AnalogSpec, CellSpec, Draws, ReadoutSpec, program
from aimcsim.analog.array.spec import ReadNoise
from aimcsim.analog.devices import Generic

ROWS, COLS, READS = 24, 40, 1500
PLACE = Draws.of(13)
BOTH: tuple[ReadNoise, ...] = ("lumped", "sampled")


def reads(weights: np.ndarray, x: np.ndarray, sigma: float, least: float, how: ReadNoise) -> np.ndarray:
    """Return outputs [READS, COLS] of the same vector in one-sided pairs, whose cells have a read noise of `sigma`."""
    spec = AnalogSpec(
        cells=CellSpec(weight_range=(-1.0, 1.0), on_off_ratio=1 / least if least else math.inf),
        device=Generic(law="independent", read=sigma),
        readout=ReadoutSpec(read_noise=how),
    )
    return program(weights, spec, PLACE).mvm(np.repeat(x, READS, axis=0)).outputs.astype(np.float64)


def standardised(how: ReadNoise) -> np.ndarray:
    """Return outputs less their mean, in deviations, of cells that lie ten sigmas from 0 at least.

    From 0.3 on, 0.7 is a weight of 1, and both cells of a pair are noisy: sqrt(2 sum of x^2) * 0.03 / 0.7.
    """
    w = 2.0 * PLACE.uniform("weights", (ROWS, COLS)) - 1.0
    x = PLACE.uniform("input", (1, ROWS))
    return (reads(w, x, 0.03, 0.3, how) - x @ w) / (0.03 / 0.7 * math.sqrt(2.0 * (x * x).sum()))


def test_where_no_cell_is_cut_off_both_have_the_same_distribution() -> None:
    # Standardised outputs are standard normals: the greatest distance of n of them from the normal law exceeds
    # 1.95 / sqrt(n) once in a thousand.
    for how in BOTH:
        z = np.sort(standardised(how).ravel())
        law = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])
        assert np.abs(law - (np.arange(z.size) + 0.5) / z.size).max() < 1.95 / math.sqrt(z.size)


def test_outputs_of_one_read_are_independent_and_reads_are_too() -> None:
    for how in BOTH:
        z = standardised(how)
        assert abs((z[:, 1:] * z[:, :-1]).mean()) < 5 / math.sqrt(z[:, 1:].size)
        assert abs((z[1:] * z[:-1]).mean()) < 5 / math.sqrt(z[1:].size)


def rise(z: float) -> float:
    """Return by how many sigmas a cell at z sigmas is read high on average, none being read below 0."""
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) - z * math.erfc(z / math.sqrt(2)) / 2


def test_cells_that_are_cut_off_read_high_by_the_stated_amount() -> None:
    # A weight of z sigmas has one cell at z sigmas and an idle one at 0, which rises more and counts the other way.
    sigma = 0.02
    chance = 5 * sigma * math.sqrt(2 * ROWS / (READS * COLS))
    for z in (1.0, 3.0):
        w, x = np.full((ROWS, COLS), z * sigma), np.ones((1, ROWS))
        lumped, sampled = (reads(w, x, sigma, 0.0, how).mean() - ROWS * z * sigma for how in BOTH)
        assert abs(lumped) < chance
        assert abs(sampled - ROWS * sigma * (rise(z) - rise(0.0))) < chance
    assert rise(3.0) < 4e-4  # at three sigmas the two are hard to tell apart
