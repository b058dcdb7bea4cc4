"""Do both engines in one run give what the reference alone gives, whichever domains are left to it?"""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simpy.events import Event

from aimcsim.engine import (
    CompiledEngine,
    Engine,
    FastEngine,
    MixedEngine,
    Question,
    ReferenceEngine,
    domains,
    engine_for,
    foreign_streams,
)
from aimcsim.errors import DeadlockError, SimulationError
from tests.engine.builders import Bench, stage, whole
from tests.engine.random_systems import Recipe, build, recipes
from tests.engine.test_deadlock import visiting
from tests.engine.test_fast import everything
from tests.engine.test_random_systems import examples


@examples(200)
@given(recipe=recipes(), data=st.data())
def test_every_log_is_the_references_whichever_domains_it_runs(recipe: Recipe, data: st.DataObject) -> None:
    reference, mixed = build(recipe).system, build(recipe).system
    parts = domains(mixed)
    chosen = data.draw(st.lists(st.sampled_from(parts), unique=True, min_size=1))

    ReferenceEngine(reference).run()
    engine = MixedEngine(mixed, frozenset().union(*chosen))
    engine._loop.patience = data.draw(st.sampled_from([2, 3, 10, 1 << 17]))
    engine.run()

    assert everything(mixed) == everything(reference)


def ended(engine: Engine) -> str:
    """Run to the end; return what the report of a deadlock says, or nothing."""
    try:
        engine.run()
    except DeadlockError as error:
        return str(error)
    return ""


@examples(200)
@given(recipe=recipes(), data=st.data())
def test_a_deadlock_is_told_in_the_same_words_by_every_engine(recipe: Recipe, data: st.DataObject) -> None:
    """Some edges have less than their least space: some systems get stuck, and all engines say alike who waits."""
    least = build(recipe).least()
    tight = [data.draw(st.sampled_from([1, 1, max(1, room - 1), room])) if room else None for room in least]
    systems = [build(recipe, capacities=tight).system for _ in range(4)]
    parts = domains(systems[3])
    chosen = frozenset().union(*data.draw(st.lists(st.sampled_from(parts), unique=True, min_size=1)))

    told = ended(ReferenceEngine(systems[0]))

    assert ended(CompiledEngine(systems[1])) == told
    assert ended(FastEngine(systems[2])) == told
    assert ended(MixedEngine(systems[3], chosen)) == told


@pytest.mark.parametrize("open_end", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_a_component_of_ones_own_takes_along_only_what_shares_its_servers(*, open_end: bool, named: bool) -> None:
    """It has the unit over 5..35 and the input is there at 10, so that the work takes 35..45; the rest is compiled."""
    bench = Bench()
    unit = bench.server("unit")
    load = bench.source(1, 10)
    layer = bench.stream("layer", 1, [stage("work", 10, unit, cause="vector_busy")])
    last = bench.stream("last", 1, [stage("send", 7, bench.server("link"), cause="link_busy")])
    bench.join(load, layer)
    bench.join(layer, last)
    guest = visiting(bench, unit, turns=range(1), away_ps=5, open_end=open_end, servers=[unit] if named else None)

    engine = engine_for(bench.system, "fast", Question((1, 1, 1, 1), (load.index,), (last.index,), ()))
    engine.run()

    assert foreign_streams(bench.system) == ({layer.index, guest.index} if named else {0, 1, 2, 3})
    assert engine.name == ("mixed" if named else "reference")
    assert (layer.end_ps, last.end_ps) == ([45], [52])
    assert engine.account().servers[:, 1].tolist() == [30 + 10, 10, 7]


def test_a_component_may_not_ask_for_what_it_has_not_named() -> None:
    bench = Bench()
    unit, other = bench.server("unit"), bench.server("other")
    load = bench.source(1, 10)
    layer = bench.stream("layer", 1, [stage("work", 10, other, cause="vector_busy")])
    bench.join(load, layer)
    visiting(bench, other, turns=range(1), away_ps=5, open_end=False, servers=[unit])
    engine = engine_for(bench.system, "fast", Question((1, 1, 1), (load.index,), (layer.index,), ()))

    with pytest.raises(SimulationError, match=r"other belongs to the fast engine; .* servers=\[\.\.\.\]"):
        engine.run()


def test_a_component_that_never_rests_does_not_hide_a_deadlock_of_compiled_streams() -> None:
    """The layer wants three vectors at once, and has room for one."""
    bench = Bench()
    load = bench.source(3, 10)
    layer = bench.stream("layer", 1, [stage("work", 10, bench.server("unit"), cause="vector_busy")])
    bench.join(load, layer, whole(3), capacity=1)
    idle = bench.server("elsewhere")
    visiting(bench, idle, turns=count(), away_ps=70, open_end=False, servers=[idle])
    engine = engine_for(bench.system, "fast", Question((1, 1, 1), (load.index,), (layer.index,), ()))

    assert engine.name == "mixed"
    with pytest.raises(DeadlockError, match=r"load waits for room for vector 1 .* layer waits for vector 2 of load"):
        engine.run()


def test_what_a_component_raises_comes_out_as_it_is() -> None:
    bench = Bench()
    unit = bench.server("unit")
    load = bench.source(4, 10)
    bench.join(load, bench.stream("layer", 4, [stage("work", 10, bench.server("u"), cause="vector_busy")]))
    guest = bench.system.add_guest("guest", servers=[unit])

    def fail() -> Generator[Event, Any, None]:
        yield bench.system.env.timeout(15)
        raise ZeroDivisionError(guest.name)

    bench.system.env.process(fail())
    engine = engine_for(bench.system, "fast", Question((1, 1, 1), (load.index,), (1,), ()))

    with pytest.raises(ZeroDivisionError, match="guest"):
        engine.run()
