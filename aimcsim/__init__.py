"""aimcsim: simulate analog in-memory-computing chips: when things happen, what they cost, what the chip computes.

The public names load what they need when they are first used, so importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aimcsim.version import __version__

if TYPE_CHECKING:
    from aimcsim.calibrating import calibrate
    from aimcsim.evaluation import evaluate
    from aimcsim.run import Run, load_run, simulate
    from aimcsim.seeds import simulate_seeds
    from aimcsim.spec import load_chip
    from aimcsim.workload import load_workload

__all__ = [
    "Run",
    "__version__",
    "calibrate",
    "evaluate",
    "load_chip",
    "load_run",
    "load_workload",
    "simulate",
    "simulate_seeds",
]

_HOMES = {
    "Run": "aimcsim.run",
    "calibrate": "aimcsim.calibrating",
    "evaluate": "aimcsim.evaluation",
    "load_chip": "aimcsim.spec",
    "load_run": "aimcsim.run",
    "load_workload": "aimcsim.workload",
    "simulate": "aimcsim.run",
    "simulate_seeds": "aimcsim.seeds",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module `aimcsim` has no attribute `{name}`")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
