"""Where each layer of a network sits."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim.errors import CapacityError, ConfigError
from aimcsim.mapping import LayerShare, MappingPolicy, describe, map_workload
from aimcsim.ops import Activation, Add, Conv2d, Pool2d, Sliding, TensorShape, clip
from aimcsim.spec import ChipFile, load_chip
from aimcsim.workload.graph import Layer, Workload

MakeWorkload = Callable[..., Workload]
MakeChip = Callable[..., ChipFile]


@pytest.fixture
def residual_network(matrix_network: MakeWorkload) -> Workload:
    """Return x -> squash -> fc1 -> sum(squash, fc1) -> fc2 and pass(fc1): layers with and without weights."""
    fc1, fc2 = matrix_network((1, 70, 70), (1, 70, 2)).layers
    x = TensorShape(1, 1, 70)
    layers = (
        Layer("squash", Activation(clip(0.0, 1.0)), ("x",), x),
        Layer("fc1", fc1.op, ("squash",), x),
        Layer("sum", Add(), ("squash", "fc1"), x),
        Layer("fc2", fc2.op, ("sum",), TensorShape(1, 1, 2)),
        Layer("pass", Activation(clip(0.0, 1.0)), ("fc1",), x),
    )
    return Workload("residual", {"x": x}, layers, ("fc2", "pass"))


def test_layers_take_crossbars_in_order_tile_by_tile(residual_network: Workload, make_chip: MakeChip) -> None:
    # 16 weights a row: fc1 is 2 row blocks times 5 column blocks, fc2 2 row blocks. Tiles of 6 crossbars: fc1 takes six
    # on tile 0 and four on tile 1, where fc2 finds the other two.
    mapping = map_workload(residual_network, make_chip(tiles=3, crossbars=6))

    assert mapping.shares == (
        LayerShare("fc1", 0, range(6), range(6), 0),
        LayerShare("fc1", 1, range(6, 10), range(4), 0),
        LayerShare("fc2", 1, range(2), range(4, 6), 4),
    )
    assert mapping.shares_of("fc1") == mapping.shares[:2]
    assert mapping.shares_of("sum") == ()
    assert [block.index for block in mapping.blocks_of("fc1")] == list(range(10))
    assert mapping.blocks_of("sum") == ()
    assert mapping.columns_of(mapping.shares[1]).first_row.tolist() == [
        block.first_row for block in mapping.blocks_of("fc1")[6:]
    ]
    assert (mapping.crossbars_used, mapping.tiles_used) == (12, 2)


def test_outputs_come_about_on_the_last_tile_of_a_matrix_and_digital_layers_follow_their_first_input(
    residual_network: Workload, make_chip: MakeChip
) -> None:
    # fc1 ends on tile 1. `sum` follows its first input, `squash`, which sits where the network's inputs arrive.
    mapping = map_workload(residual_network, make_chip(tiles=3, crossbars=6))

    assert mapping.home == {"squash": 0, "fc1": 1, "sum": 0, "fc2": 1, "pass": 1}


def test_the_mapping_can_be_read(residual_network: Workload, make_chip: MakeChip) -> None:
    # fill: 70 * 70 weights of 4 cells on 10 crossbars of 64 * 64 cells is 47.9 %, 70 * 2 * 4 on 2 of them 6.8 %.
    chip = make_chip(tiles=3, crossbars=6)

    assert describe(map_workload(residual_network, chip), residual_network, chip).splitlines() == [
        "residual on tiny: 12 of 18 crossbars, 2 of 3 tiles",
        "layer   kind        matrix   blocks  replicas  slices  tiles  crossbars  fill  home",
        "squash  activation  -        -       -         -       -      -          -     0",
        "fc1     conv2d      70 x 70  10      1         2       2      0:0 - 1:3  48%   1",
        "sum     add         -        -       -         -       -      -          -     0",
        "fc2     conv2d      70 x 2   2       1         2       1      1:4 - 1:5  7%    1",
        "pass    activation  -        -       -         -       -      -          -     1",
    ]


def test_the_table_has_the_numbers_behind_the_text(matrix_network: MakeWorkload, make_chip: MakeChip) -> None:
    network, chip = matrix_network((20, 9, 1)), make_chip()

    assert map_workload(network, chip).table(network, chip) == [
        {
            "layer": "m0",
            "kind": "conv2d",
            "matrix": "9 x 1 x 20",
            "blocks": 3,
            "replicas": 1,
            "slices": 2,
            "tiles": 1,
            "crossbars": "0:0 - 0:2",
            "fill": 20 * 9 * 4 / (3 * 64 * 64),
            "home": 0,
        }
    ]


def test_a_network_without_weights_needs_no_crossbar(make_chip: MakeChip) -> None:
    pool = Pool2d(Sliding((2, 2), (2, 2)), "max")
    network = Workload(
        "pooling", {"x": TensorShape(2, 2, 3)}, (Layer("pool", pool, ("x",), TensorShape(1, 1, 3)),), ("pool",)
    )
    mapping = map_workload(network, make_chip(tiles=2))

    assert (mapping.grids, mapping.shares, mapping.home) == ({}, (), {"pool": 0})
    assert describe(mapping, network, make_chip(tiles=2)).startswith(
        "pooling on tiny: 0 of 16 crossbars, 1 of 2 tiles\n"
    )


def test_a_convolution_on_isaac_takes_rows_for_kernel_positions_times_channels(matrix_network: MakeWorkload) -> None:
    # 3 x 3 kernels on 64 channels: K = 576 = 4.5 * 128 gives 5 row blocks; N = 128 at 16 weights a row gives 8.
    (layer,) = matrix_network((1, 576, 128)).layers
    assert isinstance(layer.op, Conv2d)
    shape = TensorShape(14, 14, 64)
    conv = Conv2d(Sliding((14, 14), (3, 3), pads=(1, 1, 1, 1)), layer.op.weight, layer.op.bias)
    network = Workload("vgg", {"x": shape}, (Layer("conv", conv, ("x",), TensorShape(14, 14, 128)),), ("conv",))

    mapping = map_workload(network, load_chip("isaac"))

    assert mapping.crossbars_used == 40
    assert [(share.tile, len(share.blocks)) for share in mapping.shares] == [(0, 40)]


@settings(deadline=None)
@given(
    shapes=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 30), st.integers(1, 20)), max_size=5),
    tiles=st.integers(1, 5),
    banks=st.integers(1, 3),
    bank=st.integers(1, 4),
)
def test_a_network_is_mapped_whole_or_refused(
    matrix_network: MakeWorkload,
    make_chip: MakeChip,
    shapes: list[tuple[int, int, int]],
    tiles: int,
    banks: int,
    bank: int,
) -> None:
    network = matrix_network(*shapes)
    chip = make_chip(tiles=tiles, crossbars=banks * bank, bank=bank, rows=8, cols=16)
    try:
        mapping = map_workload(network, chip)
    except CapacityError:
        return

    places = [(share.tile, crossbar) for share in mapping.shares for crossbar in share.crossbars]
    assert len(set(places)) == len(places) == mapping.crossbars_used
    assert all(0 <= tile < tiles and 0 <= crossbar < banks * bank for tile, crossbar in places)
    assert sum(block.weights for layer in network.layers for block in mapping.blocks_of(layer.name)) == network.weights
    for layer in network.layers:
        assert mapping.home[layer.name] == mapping.shares_of(layer.name)[-1].tile


def test_digital_layers_are_computed_where_a_policy_says_and_those_behind_them_there_too(
    residual_network: Workload, make_chip: MakeChip
) -> None:
    # By itself `sum` would be on tile 0, with its first input `squash`.
    chip = make_chip(tiles=3, crossbars=6)
    mapping = map_workload(residual_network, chip, MappingPolicy(homes={"squash": 2}))
    assert {name: mapping.home[name] for name in ("squash", "sum", "pass")} == {"squash": 2, "sum": 2, "pass": 1}


@pytest.mark.parametrize(
    ("homes", "words"),
    [
        ({"fc1": 0}, "homes: no digital layer has this name (got `fc1`)"),
        ({"squash": 3}, "home of `squash`: the tiles are 0 to 2 (got 3)"),
        ({"squash": -1}, "home of `squash`: the tiles are 0 to 2 (got -1)"),
    ],
)
def test_homes_that_there_are_not_are_refused(
    residual_network: Workload, make_chip: MakeChip, homes: dict[str, int], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        map_workload(residual_network, make_chip(tiles=3, crossbars=6), MappingPolicy(homes=homes))
    assert words in str(caught.value)
