"""Compare the fast engine with the reference on random systems and machines, log by log.

Usage: ``python scripts/compare_engines.py [SYSTEMS]`` (default 10000), from the source folder, with the package and its
test extra installed. Systems are those of `tests/engine/random_systems.py`, every twentieth a machine of
`tests/machine/random_machines.py`; each is drawn from a seed of its own, so a failure can be drawn again.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # behind the installed package: only the tests' own modules are taken from here

from hypothesis import HealthCheck, given, settings  # noqa: E402

from aimcsim.engine import CompiledEngine, ReferenceEngine, System  # noqa: E402
from aimcsim.errors import CapacityError  # noqa: E402
from aimcsim.run import build as build_machine  # noqa: E402
from tests.engine.random_systems import Recipe, build, recipes  # noqa: E402
from tests.engine.test_fast import everything  # noqa: E402
from tests.machine.random_machines import Case, cases  # noqa: E402

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
compared = {"systems": 0, "machines": 0}


def compare(reference: System, fast: System) -> None:
    """Run both and stop at the first log that differs."""
    ReferenceEngine(reference).run()
    CompiledEngine(fast).run()
    expected = everything(reference)
    for name, log in everything(fast).items():
        assert log == expected[name], f"{name} differs"


@settings(max_examples=COUNT, **QUIET)
@given(recipe=recipes())
def systems(recipe: Recipe) -> None:
    """Compare on one random system."""
    compare(build(recipe).system, build(recipe).system)
    compared["systems"] += 1


@settings(max_examples=max(1, COUNT // 20), **QUIET)
@given(case=cases())
def machines(case: Case) -> None:
    """Compare on one random machine."""
    try:
        chip = case.chip()
    except CapacityError:
        return
    network = case.workload()
    compare(*(build_machine(chip, network, requests=case.requests).plan.system for _ in range(2)))
    compared["machines"] += 1


systems()
machines()
print(f"equal in every log: {compared['systems']} systems, {compared['machines']} machines")
