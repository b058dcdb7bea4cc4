"""Which function computes which target: `@simulated("isaac.peak")` above a function without parameters.

Functions ask `preset` for their chips, so a file of somebody's own can stand in for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar

from aimcsim.spec import ChipFile, load_chip

Simulate = Callable[[], float]

SIMULATED: dict[str, Simulate] = {}
"""Target id -> function that returns the figure in the target's unit."""

DATA = Path(__file__).resolve().parents[1] / "data" / "validation"
"""Targets, and the workloads that only they need."""

_P = ParamSpec("_P")
_R = TypeVar("_R")

_stand_ins: dict[str, Path] = {}
_forget: list[Callable[[], None]] = []


def simulated(target: str) -> Callable[[Simulate], Simulate]:
    """Register the decorated function as what computes `target`; a second one is a mistake of ours."""

    def register(function: Simulate) -> Simulate:
        assert target not in SIMULATED, f"two functions compute {target}"
        SIMULATED[target] = function
        return function

    return register


def preset(name: str, overrides: Sequence[str] = ()) -> ChipFile:
    """Return the chip of a preset, or of the file that stands in for it."""
    return load_chip(_stand_ins.get(name, name), overrides)


def kept(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compute once what several targets need, once more when another chip stands in."""
    remembered = cache(function)
    _forget.append(remembered.cache_clear)
    return remembered  # type: ignore[return-value]


@contextmanager
def standing_in(name: str, file: Path) -> Iterator[None]:
    """Have `file` stand in for the preset `name`."""
    _stand_ins[name] = file
    _forget_all()
    try:
        yield
    finally:
        del _stand_ins[name]
        _forget_all()


def _forget_all() -> None:
    for forget in _forget:
        forget()
