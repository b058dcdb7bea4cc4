"""How small may a buffer be, and what happens below that?"""

import pytest

from aimcsim.engine import ReferenceEngine
from aimcsim.errors import CapacityError, DeadlockError
from aimcsim.run import build, simulate

SKIP = [
    "name: c1, kind: conv2d, inputs: [x], out_channels: 4, kernel: 3, pads: 1",
    "name: c2, kind: conv2d, inputs: [c1], out_channels: 4, kernel: 3, pads: 1",
    "name: c3, kind: conv2d, inputs: [c2], out_channels: 4, kernel: 3, pads: 1",
    "name: sum, kind: add, inputs: [c1, c3]",
]


def least_bytes(chip, net):
    """Return what the edges in the one buffer need to make progress."""
    return sum(quota.progress * quota.vector_bytes for quota in build(chip, net).quotas)


def test_the_least_of_a_convolution_is_two_rows_and_a_bit(workload):
    # Output (r, c) of a 3 x 3 window with padding needs input (r + 1, c + 1) and, of all after it, (r - 1, c - 1) is
    # the first: rows r - 1 to r + 1. Where output j is fetched, vectors keeps(j - 1) .. needs(j) are there:
    # from (r - 1, c - 1) to (r + 1, c + 1), 2 x 6 + 3 of a plane 6 wide.
    net = workload([6, 6, 4], SKIP[:1], ["c1"])
    needs = {quota.target: quota.progress for quota in build("tiny", net).quotas}

    assert needs["c1.mvm@tile[0]"] == 2 * 6 + 3


def test_the_skip_must_hold_what_the_way_around_looks_ahead(workload):
    # The addition of vector j needs c3(j), hence c2 up to j + w + 1 and c1 up to j + 2 w + 2, clipped at the border:
    # at j = (r, c) in the middle that are 2 w + 2 vectors ahead of j itself, which the skip must hold: 2 w + 3 with it.
    net = workload([6, 6, 4], SKIP, ["sum"])
    quotas = build("tiny", net).quotas
    (skip,) = [quota for quota in quotas if quota.source.startswith("c1") and quota.target.startswith("sum")]

    assert skip.progress == 2 * 6 + 3


def test_the_least_size_completes_and_one_byte_less_is_refused_where_it_is_written(workload, tmp_path):
    net = workload([6, 6, 4], SKIP, ["sum"])
    least = least_bytes("tiny", net)
    chip = tmp_path / "small.yaml"
    text = "extends: tiny\nname: small\ntile:\n  buffers:\n    scratch:\n      size: {} B\n"

    chip.write_text(text.format(least))
    run = simulate(chip, net, requests=3)
    assert run.summary["requests"] == 3

    chip.write_text(text.format(least - 1))
    with pytest.raises(CapacityError) as refused:
        simulate(chip, net)
    (problem,) = refused.value.problems
    assert (problem.line, problem.column, problem.path) == (6, 13, "tile.buffers.scratch.size")
    assert str(least) in problem.message
    assert str(least - 1) in problem.message
    assert "c1.mvm@tile[0] -> sum.vector@tile[0]: 15 x 4 bytes" in problem.message


def test_more_space_is_never_slower_and_full_rate_is_as_fast_as_any(workload):
    net = workload([6, 6, 4], SKIP, ["sum"])
    least = least_bytes("tiny", net)

    def makespan(size):
        run = simulate("tiny", net, requests=4, overrides=[f"tile.buffers.scratch.size={size} B"])
        return run.summary["makespan_ps"]

    quotas = build("tiny", net, requests=4).quotas
    full = sum(quota.full_rate * quota.vector_bytes for quota in quotas)
    assert makespan(least) > makespan(full)
    assert makespan(full) == pytest.approx(makespan(10 * full), rel=0.01)


def test_one_pool_without_quotas_deadlocks_and_says_who_waits_for_whom(workload):
    net = workload([6, 6, 4], SKIP, ["sum"])
    size = least_bytes("tiny", net)

    def pooled():
        return build(
            "tiny", net, requests=3, overrides=["tile.policy=pool", f"tile.buffers.scratch.size={size} B"]
        ).plan.system

    with pytest.raises(DeadlockError) as stuck:
        ReferenceEngine(pooled()).run()

    assert stuck.value.cycle
    assert all(" waits for " in step for step in stuck.value.cycle)
    assert any("chip.tile[0].scratch" in step for step in stuck.value.cycle)
    assert stuck.value.exit_code == 1


def test_quotas_of_the_same_size_complete(workload):
    net = workload([6, 6, 4], SKIP, ["sum"])
    size = least_bytes("tiny", net)

    run = simulate("tiny", net, requests=3, overrides=[f"tile.buffers.scratch.size={size} B"])

    assert run.requests.rows == 3
