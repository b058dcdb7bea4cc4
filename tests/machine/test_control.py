"""Do layers begin, and does digital work go on, where and when the chip file says?

The chip is one whose times can be added up by hand: a product takes 40 ns, everything digital its own time, and a way
from tile to tile 10 ns, as `sim3d` has them.
"""

import pytest

from aimcsim import load_chip, simulate
from aimcsim.errors import ConfigError
from aimcsim.mapping import map_workload
from aimcsim.run import build
from aimcsim.validation import sim3d

NS = 1000


def times(run, kind):
    """Return (first start, last end) of the ops of a kind, in ns."""
    ops = run.ops
    chosen = ops["kind"] == kind
    return ops["start_ps"][chosen].min() / NS, ops["end_ps"][chosen].max() / NS


@pytest.mark.parametrize(("layers", "expected"), [("overlap", 8 * 40 + 2 * 50), ("serial", 3 * 8 * 40 + 2 * 10)])
def test_serial_layers_wait_for_the_whole_of_what_they_need(workload, layers, expected):
    # Three products in a row on 8 vectors, each on a tile of its own. Overlapping, the last vector is 40 ns a product
    # and 10 ns a way behind the first layer's last; one after the other, each layer begins when that has arrived.
    net = workload(
        [1, 8, 16], [f"name: {name}, kind: conv2d, out_channels: 16, kernel: 1" for name in ("a", "b", "c")], ["c"]
    )
    start, end = times(simulate("sim3d", net, overrides=[f"control.layers={layers}"]), "mvm")
    assert end - start == expected


def test_a_serial_layer_takes_inputs_of_the_network_as_they_come(workload):
    net = workload([1, 8, 16], ["name: a, kind: conv2d, out_channels: 16, kernel: 1"], ["a"])
    one, other = (
        simulate("tiny", net, overrides=[f"control.layers={layers}"]).summary["makespan_ps"]
        for layers in ("overlap", "serial")
    )
    assert one == other


def test_a_serial_layer_needs_room_for_whole_tensors(workload):
    # 8 vectors of 16 bytes between the layers, where overlapping ones need one.
    net = workload(
        [1, 8, 16], [f"name: {name}, kind: conv2d, out_channels: 16, kernel: 1" for name in ("a", "b")], ["b"]
    )
    built = [build("tiny", net, overrides=[f"control.layers={layers}"]) for layers in ("overlap", "serial")]
    assert [max(quota.progress for quota in one.quotas) for one in built] == [1, 8]


def test_a_hub_is_the_home_of_digital_work(workload):
    # 600 inputs are two blocks on two tiles; their sum, and the addition behind it, are made on tile 0.
    layers = ["name: a, kind: conv2d, out_channels: 16, kernel: 1", "name: b, kind: add, inputs: [a, a]"]
    run = simulate("sim3d", workload([1, 4, 600], layers, ["b"]))
    ops = run.ops.records()
    assert {op["tile"] for op in ops if op["kind"] in ("reduce", "vector")} == {"chip.tile[0]"}
    assert not any(op["kind"] == "send" and op["layer"] == "b" for op in ops)


def test_partial_sums_of_a_block_are_added_one_after_the_other(workload):
    # 1500 inputs are three blocks of rows: two additions of 10 ns. 700 outputs are two blocks, added by units of their
    # own, or by the only one in turn.
    net = workload([1, 1, 1500], ["name: a, kind: conv2d, out_channels: 700, kernel: 1"], ["a"])
    for units, expected in ((288, 20), (1, 40)):
        start, end = times(simulate("sim3d", net, overrides=[f"tile.slots.digital_unit.count={units}"]), "reduce")
        assert end - start == expected


def test_a_layer_kind_without_a_stage_is_refused_where_the_stages_are(workload):
    net = workload([1, 4, 16], ["name: pool, kind: global_average_pool"], ["pool"])
    with pytest.raises(ConfigError, match=r"tables.vector.stages: no stage is for layers of the kind `pool2d`"):
        simulate("gaincell", net)


def test_stages_for_kinds_that_there_are_not_are_refused():
    with pytest.raises(ConfigError, match=r"no such kind of digital layer.*`ad`.*Did you mean `add`"):
        load_chip("sim3d", ['tables.vector.stages.add.kinds=["ad"]'])
    with pytest.raises(ConfigError, match="only stages of `vector` are for some kinds of layers alone"):
        load_chip("sim3d", ['tables.mvm.stages.read.kinds=["add"]'])


def test_a_packet_of_pulses_takes_as_long_whatever_its_size(workload):
    # From one tile to the next: 1 cycle into the network, 1 from router to router, 1 out of it, and the 40 cycles of
    # the longest pulse, the first of which has passed by then.
    for channels in (16, 256):
        layer = f"kind: conv2d, out_channels: {channels}, kernel: 1"
        net = workload([1, 1, 16], [f"name: a, {layer}", f"name: b, {layer}"], ["b"])
        run = simulate("jain", net)
        (send,) = [op for op in run.ops.records() if op["kind"] == "send"]
        ports = 2 * 1  # read from one scratchpad, written into the other
        assert (send["end_ps"] - send["start_ps"]) / NS == ports + 1 + 1 + 1 + 39


@pytest.mark.parametrize("tokens", [1, 2, 4, 8, 16, 32, 64])
def test_the_encoder_law_holds_for_every_length(tokens):
    # [sim3d.runs]: 353 + 80 n ns. By hand, for one token: 4 products of 40, 7 ways of 10, attention 2, additions of
    # partial sums 1 + 1 + 1 + 5 and two residual ones, each 10, two norms of 50, an activation of 1: 433. Every further
    # token waits for a product before attention, and for one behind it.
    assert 4 * 40 + 7 * 10 + 2 + 10 * 10 + 2 * 50 + 1 == 433
    assert sim3d.encoders_ns(1, tokens) == 353 + 80 * tokens


def test_encoders_take_forty_tiles_each():
    # 4 x (2 x 2) blocks of 768 x 768, 2 x 6 of 768 x 3072 and 6 x 2 back.
    assert map_workload(sim3d.encoders(12, 1), load_chip("sim3d")).tiles_used == 12 * 40
