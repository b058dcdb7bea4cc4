"""Do vectors move piece by piece where a stage table says so?

On `puma-sim`, 128 values of 16 bits are 8 pieces of 32 bytes, and an access keeps the memory for 2 cycles of 1 ns. A
`reshape` gives what a core has to the memory and has another core load it, a piece at a time (`each`). A `gather` is
taken in as a whole, 4 cycles a piece, the next one 8 cycles a piece later, and what follows begins 4 cycles into
putting it back (`passes: first`).
"""

import numpy as np
import pytest

from aimcsim import simulate
from aimcsim.ops import RELU, Activation, Gather, Reshape, TensorShape
from aimcsim.workload.graph import Layer, Workload

NS = 1000
SHAPE = TensorShape(1, 1, 128)


def ends(kind, count, engine="fast", overrides=()):
    """Return the ends of so many layers of a kind, in cycles since what all of them take was there."""
    layers = [Layer("x1", Activation(RELU), ("x",), SHAPE)]
    layers += [Layer(f"r{number}", kind(SHAPE, np.arange(128)), ("x1",), SHAPE) for number in range(count)]
    net = Workload("net", {"x": SHAPE}, tuple(layers), tuple(layer.name for layer in layers[1:]))
    run = simulate("puma-sim", net, engine=engine, overrides=overrides)
    rows = [row for row in run.ops.records() if row["kind"] == "vector"]
    begin = next(row["end_ps"] for row in rows if row["layer"] == "x1")
    return [(row["end_ps"] - begin) / NS for row in rows if row["layer"] != "x1"]


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_stages_for_each_piece_follow_one_another_piece_by_piece(engine):
    # Each piece takes the first core 2 cycles beside the 2 of its store. Its load goes on while the next piece is
    # prepared, so the last load ends 2 after the last store, and the core has it after 1 more.
    assert ends(Reshape, 1, engine) == [8 * (2 + 2) + 2 + 1]


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_pieces_of_two_layers_take_turns(engine):
    # From cycle 2 on the memory is never free: 2 layers x 8 pieces x (a store and a load) x 2 cycles = 64. The last
    # load is r1's, the one before r0's, and 1 cycle later each is had. As a whole, r0 would be done at half the time.
    assert ends(Reshape, 2, engine) == [2 + 62 + 1, 2 + 64 + 1]


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_what_follows_begins_with_the_first_piece(engine):
    # Taken in, 8 x 4, and the first piece put back, 4; the second layer is taken in 8 x 8 later.
    assert ends(Gather, 2, engine) == [36, 64 + 36]


def test_as_a_whole_it_takes_all_pieces():
    assert ends(Gather, 1, overrides=["tables.vector.stages.put.passes=whole"]) == [32 + 32]


def test_the_resource_is_kept_for_all_pieces():
    # Without a pause, r1 is taken in from 32 to 64. r0 is put back from 32 on, and keeps the memory for 8 x 6 cycles,
    # until 80; so r1 begins at 80.
    pace = ["tables.vector.stages.take.interval=4 cycles", "tables.vector.stages.put.interval=6 cycles"]
    assert ends(Gather, 2, overrides=pace) == [36, 80 + 4]


def test_each_piece_is_counted():
    layer = Layer("r", Reshape(SHAPE, np.arange(128)), ("x",), SHAPE)
    energy = simulate("puma-sim", Workload("net", {"x": SHAPE}, (layer,), ("r",))).table("energy").records()
    counted = {row["action"]: row["count"] for row in energy if row["component"] == "edram" and row["layer"] == "r"}
    # 8 stores and 8 loads; the bytes that leave are counted as such.
    assert counted["access"] == 16
