"""Which blocks the weights of a layer are cut into."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim.mapping import MatrixShape, WeightBlock, count_blocks, cut
from aimcsim.spec import ChipFile, load_chip

MakeChip = Callable[..., ChipFile]

SHAPES = st.builds(MatrixShape, st.integers(1, 12), st.integers(1, 40), st.integers(1, 40))


def test_a_matrix_larger_than_a_crossbar_is_cut_rows_innermost(make_chip: MakeChip) -> None:
    # 64 columns at 4 a weight: 16 weights a row. K = 100 is 64 + 36 rows, N = 20 is 16 + 4 columns.
    blocks = cut("fc", MatrixShape(1, 100, 20), make_chip())

    assert tuple(blocks) == (
        WeightBlock("fc", 0, 0, 1, 0, 64, 0, 16),
        WeightBlock("fc", 1, 0, 1, 64, 36, 0, 16),
        WeightBlock("fc", 2, 0, 1, 0, 64, 16, 4),
        WeightBlock("fc", 3, 0, 1, 64, 36, 16, 4),
    )


def test_as_many_whole_groups_share_a_crossbar_as_rows_and_columns_allow(make_chip: MakeChip) -> None:
    # A depthwise 3 x 3 convolution of 20 channels: K = 9, N = 1. 64 // 9 = 7 groups by rows, 16 by columns: 7 + 7 + 6.
    by_rows = cut("dw", MatrixShape(20, 9, 1), make_chip())
    # K = 2, N = 5: 32 groups by rows, 16 // 5 = 3 by columns: 3 + 1.
    by_columns = cut("gc", MatrixShape(4, 2, 5), make_chip())

    assert [(block.first_group, block.groups, block.crossbar_rows) for block in by_rows] == [
        (0, 7, 63),
        (7, 7, 63),
        (14, 6, 54),
    ]
    assert [(block.first_group, block.groups, block.crossbar_weights) for block in by_columns] == [
        (0, 3, 15),
        (3, 1, 5),
    ]


def test_groups_that_do_not_fit_are_cut_one_by_one(make_chip: MakeChip) -> None:
    # K = 65 is one row too many for a whole group: each becomes 64 + 1 rows.
    blocks = cut("gc", MatrixShape(2, 65, 3), make_chip())

    assert [(block.first_group, block.groups, block.first_row, block.rows) for block in blocks] == [
        (0, 1, 0, 64),
        (0, 1, 64, 1),
        (1, 1, 0, 64),
        (1, 1, 64, 1),
    ]


@settings(deadline=None)
@given(shape=SHAPES, rows=st.integers(1, 24), cols=st.integers(4, 64))
def test_every_weight_of_every_group_is_in_exactly_one_block(
    make_chip: MakeChip, shape: MatrixShape, rows: int, cols: int
) -> None:
    seen = np.zeros(shape, dtype=int)
    for block in cut("layer", shape, make_chip(rows=rows, cols=cols)):
        groups = slice(block.first_group, block.first_group + block.groups)
        inputs = slice(block.first_row, block.first_row + block.rows)
        seen[groups, inputs, block.first_col : block.first_col + block.cols] += 1
        assert block.weights == seen[groups, inputs, block.first_col : block.first_col + block.cols].size

    assert (seen == 1).all()


@settings(deadline=None)
@given(shape=SHAPES, rows=st.integers(1, 24), cols=st.integers(4, 64))
def test_every_block_fits_a_crossbar_and_is_counted(
    make_chip: MakeChip, shape: MatrixShape, rows: int, cols: int
) -> None:
    chip = make_chip(rows=rows, cols=cols)
    blocks = cut("layer", shape, chip)

    assert len(blocks) == count_blocks(shape, chip)
    for block in blocks:
        assert min(block.groups, block.rows, block.cols) >= 1
        assert block.crossbar_rows <= rows
        assert block.crossbar_weights * chip.cells_per_weight <= cols
        # Only whole groups share a crossbar, so their outputs need no partial sums.
        assert block.groups == 1 or (block.rows, block.cols) == (shape.k, shape.n)


@settings(deadline=None)
@given(shape=SHAPES, rows=st.integers(1, 24), cols=st.integers(4, 64))
def test_the_blocks_that_sum_into_the_same_outputs_are_consecutive(
    make_chip: MakeChip, shape: MatrixShape, rows: int, cols: int
) -> None:
    blocks = cut("layer", shape, make_chip(rows=rows, cols=cols))
    outputs = [(block.first_group, block.first_col) for block in blocks]
    row_blocks = Counter(outputs)

    assert [block.index for block in blocks] == list(range(len(blocks)))
    assert outputs == [output for output in row_blocks for _ in range(row_blocks[output])]
    assert outputs == sorted(outputs)


@pytest.mark.parametrize(("k", "n"), [(128, 16), (256, 48), (1152, 512)])
def test_isaac_spends_one_conversion_per_16_bit_mac(k: int, n: int) -> None:
    # A 16-bit weight is 8 cells of 2 bits, so a row of 128 holds 16 weights. An input takes 16 reads of one bit, and
    # each converts the 128 columns of each crossbar: 16 * 128 conversions for 128 * 16 products.
    chip = load_chip("isaac")
    blocks = cut("fc", MatrixShape(1, k, n), chip)
    columns = sum(block.crossbar_weights * chip.cells_per_weight for block in blocks)

    assert chip.polarities * chip.input_phases * columns == k * n
    assert all(block.weights * chip.cells_per_weight == 128 * 128 for block in blocks)  # no cell is idle
