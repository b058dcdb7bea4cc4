#!/usr/bin/env python3
"""Measure random numbers: nanoseconds for each, beside NumPy's Philox in the same process and in turn.

Usage: ``scripts/bench_normals.py`` with the Python that has aimcsim installed active. Times are of the processor; the
least of many turns counts. A read asks for few numbers at a time, so a row of 256 is measured as well as a matrix:
NumPy then builds a generator for each row, since its numbers depend on what was drawn before.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from aimcsim import _kernels
from aimcsim.analog.draws import Draws

TURNS = 200
MATRIX, ROW = 65_536, 256
PLACE = Draws.of(1)


def ns_each(work: Callable[[], object], count: int, calls: int) -> float:
    """Return the least processor time that `work` took for one of `count` numbers, over `calls` calls at a time."""
    best = float("inf")
    for _ in range(TURNS):
        start = time.process_time_ns()
        for _ in range(calls):
            work()
        best = min(best, (time.process_time_ns() - start) / (count * calls))
    return best


def main() -> None:
    """Print a table."""
    generator = np.random.Generator(np.random.Philox(1))
    numpy_ns = {
        MATRIX: ns_each(lambda: generator.standard_normal(MATRIX), MATRIX, 1),
        ROW: ns_each(lambda: np.random.Generator(np.random.Philox(1)).standard_normal(ROW), ROW, 50),
    }
    print("| numbers | matrix, ns each | of NumPy's | row of 256, ns each | of NumPy's |\n|---|---:|---:|---:|---:|")
    print(f"| NumPy's Philox, normal | {numpy_ns[MATRIX]:.1f} | 1 | {numpy_ns[ROW]:.1f} | 1 |")
    for name in _kernels.implementations():
        _kernels.select(name)
        for kind, draw in (("normal", PLACE.normal), ("uniform", PLACE.uniform)):
            cells = []
            for count, calls in ((MATRIX, 1), (ROW, 50)):
                each = ns_each(partial(draw, "bench", count), count, calls if name != "twin" else 1)
                cells.append(f"{each:.1f} | {each / numpy_ns[count]:.2f}")
            print(f"| {name}, {kind} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
