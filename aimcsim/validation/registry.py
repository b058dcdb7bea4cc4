"""Which function computes which target: `@simulated("isaac.peak")` above a function without parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Simulate = Callable[[], float]

SIMULATED: dict[str, Simulate] = {}
"""Target id -> function that returns the figure in the target's unit."""

DATA = Path(__file__).resolve().parents[1] / "data" / "validation"
"""Targets, and the workloads that only they need."""


def simulated(target: str) -> Callable[[Simulate], Simulate]:
    """Register the decorated function as what computes `target`; a second one is a mistake of ours."""

    def register(function: Simulate) -> Simulate:
        assert target not in SIMULATED, f"two functions compute {target}"
        SIMULATED[target] = function
        return function

    return register
