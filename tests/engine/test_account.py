"""Does what a run leaves behind close, and is it what the logs say?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimcsim.engine import CompiledEngine, ReferenceEngine, System
from aimcsim.engine.account import BINS, CAUSES_OF_SHARES, FIRST_SHARE, Account, Ints, Question, account, bin_width_ps
from aimcsim.errors import SimulationError
from aimcsim.records import CAUSES, Spool
from tests.engine.builders import Bench, stage
from tests.engine.random_systems import Recipe, build, recipes, stores
from tests.engine.test_random_systems import examples


def two_layers_on_one_unit(cause: str = "vector_busy") -> tuple[System, Question]:
    """Run two layers that share a unit, the second behind a register of its own, and give its results to the host.

    Programming holds the unit in [0, 50). Inputs are brought in [50, 150) and [150, 250). `rival` has the lower index:

        rival  0: there 150, unit [150, 170)            1: there 250, unit [320, 340), asked for before the layer did
        layer  0: there 150, unit [170, 320)            1: there 250, its register free at 320, unit [340, 490)
        out    0: [320, 327)                            1: [490, 497)
    """
    bench = Bench()
    unit = bench.server("unit")
    register = bench.slots("register", "input_register", 1)
    bench.program([stage("write", 50, unit, cause="crossbar_busy")])
    load = bench.source(2, 100)
    rival = bench.stream("rival", 2, [stage("work", 20, unit, cause=cause)])
    work = stage("work", 150, unit, cause=cause, acquires=register, releases=[(register, 1)])
    layer = bench.stream("layer", 2, [work])
    link = stage("send", 7, bench.server("out.link"), cause="host", transfer=True)
    out = bench.stream("out", 2, [link], kind="store")
    bench.join(load, rival)
    bench.join(load, layer)
    bench.join(layer, out)
    ReferenceEngine(bench.system).run()
    asked = Question((1, 1, 2, 1, 2), (load.index,), (out.index,), ((layer.index, "adc.convert", np.array([3, 5])),))
    return bench.system, asked


def share_row(op: int, release_ps: int, fetched_ps: int, end_ps: int, **spent_ps: int) -> list[int]:
    """Return a row of `Account.ops`."""
    return [op, release_ps, fetched_ps, end_ps, *(spent_ps.get(cause, 0) for cause in CAUSES_OF_SHARES)]


def in_bins(**counts: int) -> list[int]:
    """Return a row of bins from `b7=1`: one in bin 7."""
    return [counts.get(f"b{index}", 0) for index in range(BINS)]


def test_a_small_system_leaves_behind_what_its_timetable_says() -> None:
    system, asked = two_layers_on_one_unit()

    found = account(system, asked)

    assert found.names == (
        *("unit", "load.link", "out.link", "register", "load->rival", "load->layer", "layer->out"),
        *("write", "host", "work", "send"),
    )
    unit, load_link, out_link, rival_input, layer_input, out_input = 0, 1, 2, 4, 5, 6
    # Ops: 0 program; 1, 2 load; 3 rival, both vectors; 4, 5 layer; 6 out, both vectors. Shares begin at 50, the
    # admission. rival 1 waits [170, 250) for its input and [250, 320) behind layer 0; layer 1 has no wait for its
    # register, as it stood behind its own vector 0 until then, but [320, 340) behind rival 1.
    assert found.ops.whole().tolist() == [
        share_row(0, 0, 0, 50, service=50),
        share_row(1, 50, 50, 150, transfer=100),
        share_row(2, 150, 150, 250, transfer=100),
        share_row(3, 50, 150, 340, service=20 + 20, dependency=100 + 80, vector_busy=70),
        share_row(4, 50, 170, 320, service=150, dependency=100, vector_busy=20),
        share_row(5, 320, 340, 490, service=150, vector_busy=20),
        share_row(6, 50, 320, 497, transfer=7 + 7, dependency=270 + 163),
    ]
    dependency, busy = CAUSES.index("dependency"), CAUSES.index("vector_busy")
    assert found.waits.whole().tolist() == [
        [3, dependency, rival_input, 1, 100],
        [3, dependency, rival_input, 2, 80],
        [3, busy, unit, 4, 70],
        [4, dependency, layer_input, 1, 100],
        [4, busy, unit, 3, 20],
        [5, busy, unit, 3, 20],
        [6, dependency, out_input, 4, 270],
        [6, dependency, out_input, 5, 163],
    ]
    # Back from 497: out 1, layer 1, rival 1, layer 0, rival 0, load 0.
    assert found.path.tolist() == [[unit, 2, 20 + 20], [unit, 3, 150 + 150], [load_link, 1, 100], [out_link, 4, 7]]
    assert found.path_from_ps == 50
    assert (found.admitted_ps.tolist(), found.ended_ps.tolist()) == ([50], [497])
    # Of the unit's holds, that of the programming lies before the first admission.
    assert found.servers.tolist() == [[5, 50 + 340, 340], [2, 200, 200], [2, 14, 14]]
    assert found.pools.tolist() == [[2, 170 + 170, 340]]
    # Both inputs are issued at 50; rival has fetched at 170 and 340, layer at 320 and 490. layer issues at 150 and 250,
    # out has fetched at 327 and 497.
    assert found.edges.tolist() == [[2, 2, 120 + 290], [2, 2, 270 + 440], [2, 2, 177 + 247]]
    assert found.elapsed_ps == 497
    assert found.bin_ps == 4  # (497 - 50) // 2 is no less than 128
    # Ends since the admission: load 100, 200; rival 120, 290; layer 270, 440; out 277, 447.
    assert found.bin_vectors.tolist() == [
        in_bins(),
        in_bins(b25=1, b50=1),
        in_bins(b30=1, b72=1),
        in_bins(b67=1, b110=1),
        in_bins(b69=1, b111=1),
    ]
    assert found.bin_amounts.tolist() == [in_bins(b67=3, b110=5)]


def test_what_lasts_no_time_is_not_the_highest_level_and_what_stays_counts_to_the_end() -> None:
    """Results take no time: a vector frees its room as the next takes it. State is never freed."""
    bench = Bench()
    load = bench.source(3, 10)
    layer = bench.stream("layer", 3, [stage("work", 10, bench.server("unit"), cause="vector_busy")])
    inputs = bench.join(load, layer, capacity=1)
    state = bench.state(bench.program([stage("write", 5, bench.server("array"), cause="crossbar_busy")]), layer)
    ReferenceEngine(bench.system).run()

    found = account(bench.system, Question((1, 1, 1), (load.index,), (layer.index,), ()))

    # From 5 on each input is brought for 10 and read for 10, the next being issued as it has been read.
    assert found.edges[inputs.index].tolist() == [3, 1, 3 * 20]
    assert found.edges[state.index].tolist() == [1, 1, 65]
    assert found.elapsed_ps == 65


def test_a_cause_that_records_have_no_column_for_is_refused() -> None:
    system, asked = two_layers_on_one_unit(cause="queue")

    with pytest.raises(SimulationError, match=r"rival: `queue` is no cause of waiting; the causes are: dependency,"):
        account(system, asked)


def test_accounts_that_differ_say_where() -> None:
    system, asked = two_layers_on_one_unit()
    one, other = account(system, asked), account(system, asked)

    assert one.same(other) == []
    assert one.same(replace(other, pools=other.pools + 1, bin_ps=8)) == ["pools", "bin_ps"]
    fewer = Spool.of(other.waits.whole()[1:])
    assert one.same(replace(other, waits=fewer, names=other.names[1:])) == ["waits", "names"]


@pytest.mark.parametrize(
    ("last_ps", "width_ps"), [(0, 1), (127, 1), (128, 2), (255, 2), (256, 4), (128 * 2**30 - 1, 2**30)]
)
def test_the_bins_are_as_narrow_as_they_can_be(last_ps: int, width_ps: int) -> None:
    assert bin_width_ps(last_ps) == width_ps


@st.composite
def questions(draw: st.DrawFn, system: System) -> Question:
    """Draw a grain for every stream, and actions whose number varies for some."""
    streams = system.streams
    served = [stream for stream in streams if not stream.is_state_op]
    return Question(
        tuple(draw(st.integers(1, stream.vectors)) for stream in streams),
        tuple(stream.index for stream in streams if stream.kind == "load"),
        tuple(stream.index for stream in stores(system)),
        tuple(
            (stream.index, "unit.work", np.array([draw(st.integers(0, 9)) for _ in range(stream.vectors)]))
            for stream in draw(st.lists(st.sampled_from(served), max_size=2))
        ),
    )


def by_stream(found: Account, system: System, asked: Question) -> list[list[int]]:
    """Return the time of each stream's ops by what it went to."""
    counts = [
        stream.requests * -(-stream.vectors // size)
        for stream, size in zip(system.streams, asked.op_vectors, strict=True)
    ]
    bounds = np.cumsum([0, *counts])
    ops = found.ops.whole()
    return [ops[bounds[i] : bounds[i + 1], FIRST_SHARE:].sum(axis=0).tolist() for i in range(len(counts))]


@examples(150)
@given(recipes(), st.data())
def test_the_time_of_ops_closes_at_any_grain(recipe: Recipe, data: st.DataObject) -> None:
    system = build(recipe).system
    ReferenceEngine(system).run()
    asked = data.draw(questions(system))
    whole = replace(asked, op_vectors=tuple(stream.vectors for stream in system.streams))

    found, coarse = account(system, asked), account(system, whole)
    ops, waits = found.ops.whole(), found.waits.whole()

    assert ops[:, 0].tolist() == list(range(len(ops)))
    assert np.array_equal(ops[:, FIRST_SHARE:].sum(axis=1), ops[:, 3] - ops[:, 1])
    assert by_stream(found, system, asked) == by_stream(coarse, system, whole)
    waited = np.zeros((len(ops), len(CAUSES)), dtype=np.int64)
    np.add.at(waited, (waits[:, 0], waits[:, 1]), waits[:, 4])
    assert np.array_equal(waited, ops[:, FIRST_SHARE + 2 :])
    assert waited.sum() == coarse.waits.whole()[:, 4].sum()
    told = [(op, CAUSES[cause], found.names[place], holder) for op, cause, place, holder, _ in waits.tolist()]
    assert told == sorted(set(told))
    assert all(-1 <= holder < len(ops) and holder != op for op, _, _, holder in told)
    # The critical path covers the run from the first admission to the last result, or from a release that nobody kept
    # waiting, which is the admission of that request, or when a turn of maintenance was due.
    assert found.path[:, 2].sum() == found.ended_ps[-1] - found.path_from_ps
    due_ps = [found.begun_ps + due for stream in system.streams for due in stream.due_ps]
    assert found.path_from_ps in [*(found.admitted_ps if system.release_ps else found.admitted_ps[:1]), *due_ps]
    keys = found.path[:, :2].tolist()
    assert keys == sorted(keys)


def occupied(stretches: list[tuple[int, int]], until_ps: int) -> Ints:
    """Return how many of some stretches of time cover each picosecond."""
    changes = np.zeros(until_ps + 1, dtype=np.int64)
    for start, end in stretches:
        changes[min(start, until_ps)] += 1
        changes[min(end, until_ps)] -= 1
    return np.cumsum(changes)[:until_ps]


@examples(150)
@given(recipes(), st.data())
def test_space_and_use_are_those_of_each_picosecond(recipe: Recipe, data: st.DataObject) -> None:
    """Counted for every picosecond of the run, and against the counters that the engine keeps beside its logs."""
    system = build(recipe).system
    ReferenceEngine(system).run()
    found = account(system, data.draw(questions(system)))
    inside = slice(int(found.admitted_ps[0]), int(found.ended_ps[-1]))
    longest = max((hold.end_ps for server in system.servers for hold in server.holds), default=0)
    until = max(found.elapsed_ps, longest)

    assert found.elapsed_ps == max(end for stream in system.streams for end in stream.end_ps)
    for server, row in zip(system.servers, found.servers.tolist(), strict=True):
        held = occupied([(hold.start_ps, hold.end_ps) for hold in server.holds], until)
        assert row == [len(server.holds), int(held.sum()), int(held[inside].sum())]
        assert row[1] == server.busy_ps
    for pool, row in zip(system.slots, found.pools.tolist(), strict=True):
        taken = occupied([(use.start_ps, use.end_ps) for use in pool.uses], until)
        assert row == [len(pool.uses), int(taken.sum()), int(taken[inside].sum())]
        assert taken.max(initial=0) <= pool.count
    for edge, row in zip(system.edges, found.edges.tolist(), strict=True):
        issued = system.streams[edge.source].issue_ps
        freed = edge.freed_ps + [found.elapsed_ps] * (len(issued) - len(edge.freed_ps))
        level = occupied(list(zip(issued, freed, strict=True)), found.elapsed_ps)
        assert row == [edge.reserved, int(level.max(initial=0)), int(level.sum())]
        if len(edge.freed_ps) == edge.reserved:
            assert row[1:] == [edge.occupancy.highest, edge.occupancy.integral]


@examples(150)
@given(recipes(), st.data())
def test_every_vector_is_in_one_bin_with_what_it_did(recipe: Recipe, data: st.DataObject) -> None:
    system = build(recipe).system
    ReferenceEngine(system).run()
    asked = data.draw(questions(system))

    found = account(system, asked)

    served = [stream for stream in system.streams if not stream.is_state_op]
    begin = min(system.streams[load].issue_ps[0] for load in asked.loads)
    last = max(stream.end_ps[-1] for stream in served) - begin
    assert last // found.bin_ps < BINS
    assert found.bin_ps == 1 or 2 * last // found.bin_ps >= BINS
    vectors = np.zeros((len(system.streams), BINS), dtype=np.int64)
    amounts = np.zeros((len(asked.varying), BINS), dtype=np.int64)
    for stream in served:
        for vector, end in enumerate(stream.end_ps):
            place = max(0, end - begin) // found.bin_ps
            vectors[stream.index, place] += 1
            for row, (index, _, each) in enumerate(asked.varying):
                if index == stream.index:
                    amounts[row, place] += each[vector % stream.vectors]
    assert np.array_equal(found.bin_vectors, vectors)
    assert np.array_equal(found.bin_amounts, amounts)


@examples(75)
@given(recipes(), st.data())
def test_either_engine_leaves_the_same_behind(recipe: Recipe, data: st.DataObject) -> None:
    reference, fast = build(recipe).system, build(recipe).system
    ReferenceEngine(reference).run()
    CompiledEngine(fast, keep=True).run()
    asked = data.draw(questions(reference))

    assert account(fast, asked).same(account(reference, asked)) == []
