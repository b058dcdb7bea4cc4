"""aimcsim: simulate analog in-memory-computing chips: when things happen, what they cost, what the chip computes.

The public names load what they need when they are first used, so importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimcsim.lazy import face
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
    "Run": "run",
    "calibrate": "calibrating",
    "evaluate": "evaluation",
    "load_chip": "spec",
    "load_run": "run",
    "load_workload": "workload",
    "simulate": "run",
    "simulate_seeds": "seeds",
}

__getattr__, __dir__ = face(__name__, _HOMES, __all__)
