"""Do edges that are lowered together come to what lowering them one after the other gives?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given

from aimcsim.engine import Edge, Stream
from aimcsim.engine.capacity import Game, Player, compiled_game, least_capacities, own_window
from aimcsim.engine.edge import Indices
from tests.engine.builders import FAST, Bench, stage, window
from tests.engine.random_systems import Recipe, build, recipes
from tests.engine.test_random_systems import examples

Games = Callable[[Sequence[Stream], Sequence[Edge]], Player]


def one_by_one(bench: Bench, game: Games) -> list[int]:
    """Least capacities as their definition says: every edge in turn, the others having theirs."""
    streams, edges = bench.system.streams, bench.system.edges
    play, least = game(streams, edges), np.zeros(len(edges), dtype=np.int64)
    play.eager(least)
    least[[not edge.vector_bytes for edge in edges]] = 0
    for edge in edges:
        if least[edge.index] > own_window(edge):
            least[edge.index] = play.least(edge.index, least)
    counts: list[int] = least.tolist()
    return counts


@examples(150)
@given(recipes())
def test_random_systems_have_the_same_least_however_it_is_found(recipe: Recipe) -> None:
    bench = build(recipe)
    expected = one_by_one(bench, Game)
    for game in (Game, compiled_game):
        assert least_capacities(bench.system.streams, bench.system.edges, game) == expected


def sums(ahead: int) -> Bench:
    """Three parts of a layer on a row of 6 whose sums are added; the last looks `ahead` vectors further than others."""
    bench = Bench()
    work = [stage("work", 1, bench.server("unit", FAST))]
    load = bench.source(6)
    parts = [bench.stream(f"part{index}", 6, work) for index in range(3)]
    total = bench.stream("sum", 6, work)
    for part in parts:
        reach = ahead + 1 if part is parts[-1] else 1
        bench.join(load, part, window([range(vector, min(vector + reach, 6)) for vector in range(6)], 6))
    for part in parts:
        bench.join(part, total)
    return bench


class Counting:
    """A game that counts what it is asked."""

    def __init__(self, streams: Sequence[Stream], edges: Sequence[Edge]) -> None:
        self._play = compiled_game(streams, edges)
        self.asked: list[str] = []

    def eager(self, highest: Indices) -> None:
        """Have every edge filled; here each could hold a whole request."""
        self._play.eager(highest)
        highest[:] = 6

    def least(self, edge: int, capacities: Indices) -> int:
        """Ask for one edge."""
        self.asked.append(f"least {edge}")
        return self._play.least(edge, capacities)

    def ends(self, target: int, capacities: Indices) -> bool:
        """Ask for a stream."""
        self.asked.append(f"ends {target}")
        return self._play.ends(target, capacities)


@pytest.mark.parametrize(("ahead", "together"), [(0, True), (1, True), (3, False)])
def test_parts_that_are_added_are_lowered_together_if_they_can_be(ahead: int, together: bool) -> None:
    """The last part's vector 0 requires the vectors 0 to `ahead` of the source, which needs room in all three inputs.

    Its own input holds these. Inputs of the others come first and may hold one; so these parts have made `ahead`
    vectors by then, which wait for the sum, and what is on its way to the sum must have room for them.
    """
    bench = sums(ahead)
    games: list[Counting] = []

    def game(streams: Sequence[Stream], edges: Sequence[Edge]) -> Player:
        games.append(Counting(streams, edges))
        return games[-1]

    least = least_capacities(bench.system.streams, bench.system.edges, game)
    assert least == [1, 1, 1 + ahead, max(1, ahead), max(1, ahead), 1]
    (asked,) = (one.asked for one in games)
    sum_edges = [one for one in asked if one in {"ends 4", "least 3", "least 4", "least 5"}]
    assert sum_edges == ["ends 4"] + ([] if together else ["least 3", "least 4", "least 5"])
