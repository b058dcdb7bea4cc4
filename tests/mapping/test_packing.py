"""Several blocks in one crossbar: do they fit, and does none take another's cells?"""

import csv
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim.mapping import LayerShare, MappingPolicy, map_workload
from aimcsim.mapping.packing import Item, Packed, pack
from aimcsim.spec import ChipFile, load_chip
from aimcsim.workload.graph import Workload

MakeWorkload = Callable[..., Workload]
MakeChip = Callable[..., ChipFile]

BOTTLENECKS = [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]
"""Sandler et al., MobileNetV2, CVPR 2018, Table 2: expansion, output channels, repetitions."""


def mobilenet_v2_matrices() -> Iterator[tuple[int, int, int]]:
    """Yield (groups, K, N) of the stem and of all 1 x 1 convolutions of MobileNetV2, in their order."""
    yield 1, 3 * 3 * 3, 32
    channels = 32
    for expansion, outputs, times in BOTTLENECKS:
        for _ in range(times):
            if expansion > 1:
                yield 1, channels, expansion * channels
            yield 1, expansion * channels, outputs
            channels = outputs
    yield 1, 320, 1280


def one_cell_a_weight(rows: int = 256, cols: int = 256) -> ChipFile:
    """Return a chip of 96 crossbars whose cells hold a whole weight, so that columns are weights."""
    size = [f"tile.crossbar.rows={rows}", f"tile.crossbar.cols={cols}", "tile.crossbar.cell_bits=8"]
    adc = ["tile.adc.crossbars=1", "tile.adc.converters=16"]
    return load_chip("tiny", [*size, "tile.crossbar.cells=offset", *adc])


def test_mobilenet_v2_fits_34_crossbars_of_256_x_256(matrix_network: MakeWorkload) -> None:
    # [Garofalo 2022] put its stem and 1 x 1 convolutions on 34 crossbars. 2 125 536 weights are 32.4 crossbars of
    # 65 536 cells, so 33 is the least there could be. With a crossbar for each block it takes one for each piece of 256
    # inputs and 256 outputs.
    shapes = list(mobilenet_v2_matrices())
    network = matrix_network(*shapes)
    assert network.weights == 2_125_536
    pieces = sum(-(-k // 256) * -(-n // 256) for _, k, n in shapes)
    chip = one_cell_a_weight()

    assert map_workload(network, chip).crossbars_used == pieces == 86
    assert 33 <= map_workload(network, chip, MappingPolicy(pack="crossbar")).crossbars_used <= 34


def test_the_shapes_are_those_of_the_published_network(shared_dir: Path) -> None:
    with (shared_dir / "workloads/shapes/mobilenet_v2.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "conv"]

    assert [(1, int(row["rows"]), int(row["cols"])) for row in rows] == list(mobilenet_v2_matrices())


ITEMS = st.lists(st.tuples(st.integers(1, 8), st.integers(1, 8)), min_size=1, max_size=30)


def cells(packed: Packed) -> set[tuple[int, int]]:
    """Return every cell that a block takes, one by one."""
    row, col, rows, cols = packed.place
    return {(row + down, col + across) for down in range(rows) for across in range(cols)}


@settings(deadline=None)
@given(sides=ITEMS)
def test_every_block_lies_inside_a_crossbar_and_has_its_cells_to_itself(sides: list[tuple[int, int]]) -> None:
    items = [Item(number % 3, 0, number, *side) for number, side in enumerate(sides)]

    crossbars = pack(items, 8, 8)

    assert sorted(one.item for held in crossbars for one in held) == sorted(items)
    for held in crossbars:
        assert all((one.place.rows, one.place.cols) == (one.item.rows, one.item.cols) for one in held)
        assert all(0 <= row < 8 and 0 <= col < 8 for one in held for row, col in cells(one))
        assert all(cells(one).isdisjoint(cells(other)) for one, other in combinations(held, 2))


def test_replicas_of_a_layer_never_share_a_crossbar() -> None:
    # Two replicas of a layer in one crossbar would read one after the other, and a single one would do as well.
    crossbars = pack([Item(0, replica, 0, 2, 2) for replica in range(3)], 8, 8)

    assert [len(held) for held in crossbars] == [1, 1, 1]


def test_blocks_that_fill_their_crossbar_stay_together_and_only_the_rest_is_packed(
    matrix_network: MakeWorkload,
) -> None:
    # m0 is 24 x 16 on crossbars of 16 x 16: rows 0..15 fill one (block 0), rows 16..23 half of one (block 1). m1, of
    # 8 x 16, takes the other half. m2 fills two. Packed crossbars stand where their first layer does, after its own.
    network = matrix_network((1, 24, 16), (1, 8, 16), (1, 32, 16))

    mapping = map_workload(network, one_cell_a_weight(16, 16), MappingPolicy(pack="crossbar"))

    assert mapping.shares == (
        LayerShare("m0", 0, range(1), range(1), 0),
        LayerShare("m0", 0, range(1, 2), range(1, 2), 1, corner=(0, 0)),
        LayerShare("m1", 0, range(1), range(1, 2), 1, corner=(8, 0)),
        LayerShare("m2", 0, range(2), range(2, 4), 2),
    )
    assert [mapping.is_packed(share) for share in mapping.shares] == [False, True, True, False]
    assert mapping.crossbars_used == 4


def test_a_block_that_finds_no_company_is_read_with_the_others_of_its_layer(matrix_network: MakeWorkload) -> None:
    mapping = map_workload(matrix_network((1, 40, 16)), one_cell_a_weight(16, 16), MappingPolicy(pack="crossbar"))

    assert mapping.shares == (LayerShare("m0", 0, range(3), range(3), 0),)


@pytest.mark.parametrize("pack_how", ["none", "crossbar"])
def test_too_small_a_chip_is_refused_with_packing_as_a_lever_where_it_helps(
    matrix_network: MakeWorkload, pack_how: str
) -> None:
    # 97 layers of 8 x 16 need 97 crossbars of 16 x 16, and 49 if two share one; the chip has 96.
    network = matrix_network(*[(1, 8, 16)] * 97)
    if pack_how == "crossbar":
        assert map_workload(network, one_cell_a_weight(16, 16), MappingPolicy(pack="crossbar")).crossbars_used == 49
        return
    with pytest.raises(ValueError, match=r"--pack none -> crossbar \(needs 49 of 96, fits\)"):
        map_workload(network, one_cell_a_weight(16, 16))
