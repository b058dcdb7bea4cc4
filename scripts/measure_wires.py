#!/usr/bin/env python3
"""Measure what arrays with resistive lines cost: the tables of docs/wires.md.

Usage: ``python scripts/measure_wires.py`` from another folder, with the Python that has aimcsim installed. Times are of
the processor, the least of several turns, on one thread.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from aimcsim import _kernels
from aimcsim.analog.wires import (
    CubicCurve,
    WireSpec,
    effective_matrix,
    gated_currents,
    nodal_currents,
    nonlinear_currents,
)

NUMBERS = np.random.default_rng(0)
ONE_OHM = WireSpec(1.0, 1.0)
SUPPLIED = WireSpec(1.0, 1.0, arrangement="separate_source")
SHAPES = [(64, 64), (128, 128), (256, 256), (512, 64), (64, 512), (512, 512)]
CHECKED = [16, 32, 64]


def cells(*shape: int) -> np.ndarray:
    """Return conductances of 0 to 100 uS."""
    return NUMBERS.uniform(0, 1e-4, shape)


def seconds(work: Callable[[], Any], turns: int = 3) -> float:
    """Return the least processor time of `work`."""
    times = []
    for _ in range(turns):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def effective_table() -> list[str]:
    """Return the times of effective matrices on every instruction set."""
    sets = [name for name in _kernels.implementations() if name != "twin"]
    lines = [f"| inputs x outputs | {' | '.join(f'{name}, s' for name in sets)} |", "|---|" + "---:|" * len(sets)]
    for shape in SHAPES:
        g, found = cells(*shape), []
        for name in sets:
            _kernels.select(name)
            found.append(f"{seconds(lambda: effective_matrix(g, ONE_OHM)):.3g}")  # noqa: B023 - called at once
        lines.append(f"| {shape[0]} x {shape[1]} | {' | '.join(found)} |")
    return lines


def error_table() -> list[str]:
    """Return the differences from the solution of the whole circuit, and the time that takes."""
    lines = ["| cells | largest difference by largest current | whole circuit, s |", "|---|---:|---:|"]
    for n in CHECKED:
        g, v = cells(n, n), NUMBERS.uniform(-1, 1, (4, n))
        start = time.process_time()
        exact = nodal_currents(g, v, ONE_OHM)
        took = time.process_time() - start
        error = np.abs(v @ effective_matrix(g, ONE_OHM) - exact).max() / np.abs(exact).max()
        lines.append(f"| {n} x {n} | {error:.0e} | {took:.2g} |")
    return lines


def vector_table() -> list[str]:
    """Return the times of what has to be solved for every vector, at 256 x 256 cells."""
    g, v, bits = cells(256, 256), NUMBERS.uniform(-0.5, 0.5, (1, 256)), NUMBERS.integers(0, 2, (16, 256))
    rows = [
        ("separate source, one vector", seconds(lambda: gated_currents(g, bits[:1], SUPPLIED))),
        ("separate source, each of 16", seconds(lambda: gated_currents(g, bits, SUPPLIED)) / 16),
        ("cubic cells, one vector", seconds(lambda: nonlinear_currents(g, v, ONE_OHM, CubicCurve()))),
    ]
    return ["| 256 x 256 cells, 1 ohm | ms |", "|---|---:|", *(f"| {name} | {1e3 * took:.3g} |" for name, took in rows)]


def main() -> None:
    """Print all tables."""
    for table in (effective_table(), error_table(), vector_table()):
        print("\n".join(table), end="\n\n")


if __name__ == "__main__":
    main()
