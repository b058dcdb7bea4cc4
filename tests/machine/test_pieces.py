"""Does what follows a stage with `passes: first` begin with its first unit, while the resource is kept for all of them?

On `puma-sim` a `reshape` of 128 values of 16 bits, 8 units of 32 bytes, is stored (4 cycles a unit, 2 of them in the
memory) and loaded by what takes it, which follows one unit behind. A cycle is 1 ns.
"""

import pytest

from aimcsim import simulate

NS = 1000


def reshapes(run):
    """Return layer -> end in ns since what they take was there."""
    rows = [row for row in run.ops.records() if row["kind"] == "vector"]
    begin = next(row["end_ps"] for row in rows if row["layer"] == "x1")
    return {row["layer"]: (row["end_ps"] - begin) / NS for row in rows if row["layer"] != "x1"}


@pytest.fixture
def handed_on(workload):
    """Return how to have a tensor handed on by so many layers at once."""

    def write(count):
        layers = ["name: x1, kind: activation, activation: relu"]
        layers += [f"name: r{number}, kind: reshape, shape: [1, 1, 128], inputs: x1" for number in range(count)]
        return workload([128], layers, [f"r{number}" for number in range(count)])

    return write


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_what_follows_begins_with_the_first_unit(handed_on, engine):
    # All 8 units stored, 32 cycles, and the first one loaded, 4 cycles.
    assert reshapes(simulate("puma-sim", handed_on(1), engine=engine)) == {"r0": 8 * 4 + 4}


def test_as_a_whole_it_takes_all_units(handed_on):
    overrides = ["tables.vector.stages.load.passes=whole"]
    assert reshapes(simulate("puma-sim", handed_on(1), overrides=overrides)) == {"r0": 8 * 4 + 8 * 4}


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_the_resource_is_kept_for_all_units(handed_on, engine):
    # Stores begin at 0 and 16, as each keeps the memory for 16 cycles. r0's load begins at 32, when its store is done,
    # and keeps the memory until 48, though r0 is done at 36; so r1's load, asked for at 48, begins then.
    assert reshapes(simulate("puma-sim", handed_on(2), engine=engine)) == {"r0": 36, "r1": 52}


def test_a_load_that_is_asked_for_while_units_still_pass_waits(handed_on):
    # Stores begin at 0, 16, 32; loads are asked for at 32, 48, 64. At 32 r0's load meets r2's store, which was asked
    # for at 0 and goes first, until 48; then r0's load until 64, r1's until 80, r2's.
    assert reshapes(simulate("puma-sim", handed_on(3))) == {"r0": 52, "r1": 68, "r2": 84}
