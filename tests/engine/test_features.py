"""Do the random systems and machines have in them what engines could differ in?"""

from __future__ import annotations

from collections import Counter

from hypothesis import given

from aimcsim.errors import CapacityError
from aimcsim.run import build as build_machine
from tests import features
from tests.engine.random_systems import Recipe, build, recipes
from tests.engine.test_random_systems import examples
from tests.machine.random_machines import Case, cases

FEWEST = 0.01
"""Part of the drawn ones that a feature must be in, so that it is in a hundred of ten thousand."""


def test_every_feature_is_in_some_of_the_random_systems() -> None:
    found: Counter[str] = Counter()

    @examples(300)
    @given(recipe=recipes())
    def draw(recipe: Recipe) -> None:
        found.update({"all", *features.of_recipe(recipe, build(recipe).system)})

    draw()
    assert [name for name in features.SYSTEMS if found[name] < FEWEST * found["all"]] == []


def test_every_feature_is_in_some_of_the_random_machines() -> None:
    found: Counter[str] = Counter()

    @examples(100)
    @given(case=cases())
    def draw(case: Case) -> None:
        try:
            system = build_machine(case.chip(), case.workload(), requests=case.requests).plan.system
        except CapacityError:
            return
        found.update({"all", *features.of_case(case, system)})

    draw()
    assert [name for name in features.MACHINES if found[name] < FEWEST * found["all"]] == []
