"""Compare the fast engines with the reference on random systems and machines; count what these had in them.

Usage: ``python scripts/compare_engines.py [SYSTEMS]`` (default 10000), from the source folder, with the
package and its test extra installed. Systems are those of `tests/engine/random_systems.py`, and a twentieth as many
machines those of `tests/machine/random_machines.py`. The same seed draws the same ones.

Of each, every log of the compiled engine and of its readable twin must equal the reference's, and at every grain what
the compiled engine accounts for (times, waits, holders, holds, counts, the critical path) must equal the walk over the
reference's logs. For every twentieth the checker, which knows no engine, derives both engines' logs again.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import get_args

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # behind the installed package: only the tests' own modules are taken from here

import numpy as np  # noqa: E402
from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402

from aimcsim import recorder  # noqa: E402
from aimcsim.engine import CompiledEngine, FastEngine, Question, ReferenceEngine, System  # noqa: E402
from aimcsim.engine.account import account  # noqa: E402
from aimcsim.engine.compiled import HISTORY  # noqa: E402
from aimcsim.errors import CapacityError  # noqa: E402
from aimcsim.recorder import Grain  # noqa: E402
from aimcsim.run import build as build_machine  # noqa: E402
from tests import features  # noqa: E402
from tests.checker_shares import check_all  # noqa: E402
from tests.engine.random_systems import Recipe, build, recipes, stores  # noqa: E402
from tests.engine.test_fast import everything  # noqa: E402
from tests.machine.random_machines import Case, cases  # noqa: E402

GRAINS: tuple[Grain, ...] = get_args(Grain)
CHECKED = 20
"""One in so many is derived again by the checker."""

options = argparse.Namespace(history=HISTORY)
found: dict[str, Counter[str]] = {"systems": Counter(), "machines": Counter()}


def note(kind: str, has: Collection[str]) -> None:
    """Count one compared system or machine, and what it has in it."""
    found[kind].update({"all", *has})


def compare(make: Callable[[], System], ask: Callable[[System, Grain], Question], *, checked: bool) -> System:
    """Compare all engines on one system, which `make` makes as often as asked; return it as the reference left it."""
    reference, compiled, twin = make(), make(), make()
    ReferenceEngine(reference).run()
    CompiledEngine(compiled, keep=True).run()
    FastEngine(twin).run()
    expected = everything(reference)
    for fast in (compiled, twin):
        for name, log in everything(fast).items():
            assert log == expected[name], f"{name} differs"
    for grain in GRAINS:
        question = ask(reference, grain)
        engine = CompiledEngine(make(), question, history=options.history)
        engine.run()
        differing = engine.account().same(account(reference, question))
        assert not differing, f"differs at grain {grain}: {', '.join(differing)}"
    if checked:
        check_all(reference)
        check_all(compiled)
    return reference


def question_of(system: System, grain: Grain) -> Question:
    """Return what to ask of a random system: ops by grain, and actions of every stream whose number varies."""
    streams = [stream for stream in system.streams if not stream.is_state_op]
    return Question(
        tuple({"vector": 1, "row": stream.row, "layer": stream.vectors}[grain] for stream in system.streams),
        tuple(stream.index for stream in streams if stream.kind == "load"),
        tuple(stream.index for stream in stores(system)),
        tuple((stream.index, "unit.work", np.arange(stream.vectors) % 7) for stream in streams),
    )


def compare_system(recipe: Recipe) -> None:
    """Compare on one random system."""
    checked = found["systems"]["all"] % CHECKED == 0
    system = compare(lambda: build(recipe).system, question_of, checked=checked)
    note("systems", features.of_recipe(recipe, system) | ({"checked"} if checked else set()))


def compare_machine(case: Case) -> None:
    """Compare on one random machine, unless its network does not fit it."""
    try:
        chip = case.chip()
    except CapacityError:
        return
    network, checked = case.workload(), found["machines"]["all"] % CHECKED == 0
    plans = {}

    def make() -> System:
        plan = build_machine(chip, network, requests=case.requests).plan
        plans[id(plan.system)] = plan
        return plan.system

    system = compare(make, lambda system, grain: recorder.question(plans[id(system)], grain), checked=checked)
    note("machines", features.of_case(case, system) | ({"checked"} if checked else set()))


def draw(count: int, number: int, drawn: object, each: Callable[..., None]) -> None:
    """Call `each` with so many drawn ones."""
    phases = [Phase.generate, Phase.shrink]
    quiet = settings(
        max_examples=count, deadline=None, database=None, phases=phases, suppress_health_check=list(HealthCheck)
    )
    seed(number)(quiet(given(drawn)(each)))()  # type: ignore[arg-type]


def table() -> str:
    """Return what was compared, by what it has in it."""
    names = ["all", *dict.fromkeys((*features.SYSTEMS, *features.MACHINES)), "checked"]
    lines = [f"{'':30s} {'systems':>9s} {'machines':>9s}"]
    reached = {"systems": features.SYSTEMS, "machines": features.MACHINES}
    for name in names:
        counts = [
            f"{count[name]:9d}" if name in {"all", "checked", *reached[kind]} else f"{'-':>9s}"
            for kind, count in found.items()
        ]
        lines.append(f"{name:30s} {' '.join(counts)}")
    return "\n".join(lines)


def main() -> None:
    """Compare as many as asked for."""
    parser = argparse.ArgumentParser(description="Compare the fast engines with the reference.")
    parser.add_argument("systems", type=int, nargs="?", default=10_000, help="random systems (default: 10000)")
    parser.add_argument("--seed", type=int, default=0, help="what to draw them from (default: 0)")
    parser.add_argument("--history", type=int, default=HISTORY, help="wakings between two cuts of the critical path")
    parser.parse_args(namespace=options)
    started = time.perf_counter()
    draw(options.systems, options.seed, recipes(), compare_system)
    draw(max(1, options.systems // 20), options.seed, cases(), compare_machine)
    print(table())
    print(f"equal in every log, and at every grain in every account; {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
