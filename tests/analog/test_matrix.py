"""Is a matrix in arrays the same, bit for bit, however its work is split up?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim import _kernels
from aimcsim.analog import ArraySpec, Block, Partial, ProgrammedMatrix, program_matrix
from aimcsim.errors import ConfigError, SimulationError

SPEC = ArraySpec(
    rows=16, cols=64, cell_bits=3, cells="differential", flip=False, weight_bits=8, input_bits=8,
    encoding="bit_serial", sign="twos_complement", bits_per_phase=1, adc_bits=6, adc_step=0,
)  # fmt: skip
GROUPS, ROWS, COLS = 2, 37, 11
BLOCKS = [
    Block(group, 1, row, min(16, ROWS - row), col, min(8, COLS - col))
    for group in range(GROUPS)
    for col in range(0, COLS, 8)
    for row in range(0, ROWS, 16)
]
MODES = ["ideal", "quantized"]


def weight() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(GROUPS, ROWS, COLS)).astype(np.float32)


def vectors(count: int) -> np.ndarray:
    x = np.random.default_rng(6).normal(size=(count, GROUPS * ROWS)).astype(np.float32)
    return x * np.linspace(0.1, 10, count, dtype=np.float32)[:, np.newaxis]


def matrix(mode: str) -> ProgrammedMatrix:
    return program_matrix(weight(), BLOCKS, SPEC, mode)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", MODES)
def test_any_split_of_the_batch_gives_the_same_bits(implementation: str, mode: str) -> None:
    x, stacked = vectors(31), matrix(mode)

    whole = stacked.mvm(x)

    for size in (1, 2, 3, 5, 13, 30):
        parts = [stacked.mvm(x[first : first + size]) for first in range(0, len(x), size)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(order=st.permutations(range(len(BLOCKS))), cuts=st.lists(st.integers(0, len(BLOCKS)), max_size=4))
def test_any_subsets_of_the_blocks_in_any_order_merge_to_the_same_bits(
    mode: str, order: list[int], cuts: list[int]
) -> None:
    x, cut_up = vectors(3), matrix(mode)
    edges = [0, *sorted(cuts), len(BLOCKS)]
    subsets = [order[first:last] for first, last in pairwise(edges)]

    merged = cut_up.merge([cut_up.partial(x, subset) for subset in subsets])

    assert merged.tobytes() == cut_up.mvm(x).tobytes()


@pytest.mark.parametrize("mode", MODES)
def test_every_implementation_gives_the_bits_of_the_twin(implementation: str, mode: str) -> None:
    x, read = vectors(9), matrix(mode)

    found = read.mvm(x)

    _kernels.select("twin")
    assert found.tobytes() == read.mvm(x).tobytes()


def test_an_ideal_matrix_is_sums_in_a_stated_order(implementation: str) -> None:
    # Inside a block rows ascend from zero; then blocks are added to zero in index order; every step in float32.
    w, x = weight(), vectors(4)
    total = np.zeros((4, GROUPS, COLS), dtype=np.float32)
    for block in BLOCKS:
        group, rows, cols = block.slices
        part = np.zeros((4, block.groups, block.cols), dtype=np.float32)
        for k in range(rows.start, rows.stop):
            part += x.reshape(4, GROUPS, ROWS)[:, group, k, np.newaxis] * w[group, k, cols]
        total[:, group, cols] += part

    assert matrix("ideal").mvm(x).tobytes() == total.tobytes()


def test_an_ideal_matrix_is_the_product_to_float32_precision() -> None:
    # The error of K additions in float32 is at most about K * 2^-24 of the sum of magnitudes.
    w, x = weight().astype(np.float64), vectors(4)
    grouped = x.reshape(4, GROUPS, ROWS).astype(np.float64)
    exact = np.einsum("bgk,gkn->bgn", grouped, w).reshape(4, -1)
    bound = np.einsum("bgk,gkn->bgn", abs(grouped), abs(w)).reshape(4, -1) * ROWS * 2**-24

    assert (abs(matrix("ideal").mvm(x) - exact) <= bound).all()


def test_quantisation_without_converter_loss_costs_half_a_level_of_input_and_weight() -> None:
    # |x w - xq wq| <= |x| dw / 2 + |w| dx / 2 + dx dw / 4 for each row, with dx, dw the scales.
    spec = ArraySpec(
        rows=ROWS, cols=64, cell_bits=4, cells="offset", flip=False, weight_bits=8, input_bits=8,
        encoding="pulse_width", sign="bipolar", bits_per_phase=1, adc_bits=24, adc_step=1,
    )  # fmt: skip
    w, x = weight()[:1], vectors(4)[:, :ROWS]
    exact = x.astype(np.float64) @ w[0].astype(np.float64)
    dx, dw = abs(x).max(axis=1, keepdims=True) / 127, abs(w[0]).max(axis=0) / 127
    bound = abs(x).sum(axis=1, keepdims=True) * dw / 2 + dx * abs(w[0]).sum(axis=0) / 2 + ROWS * dx * dw / 4

    found = program_matrix(w, [Block(0, 1, 0, ROWS, 0, COLS)], spec).mvm(x)

    assert (abs(found - exact) <= bound * (1 + 1e-5)).all()


def test_groups_side_by_side_in_one_array_do_not_touch_each_other(implementation: str) -> None:
    # Without converter loss a block-diagonal array must give what one array per group gives.
    spec = ArraySpec(
        rows=64, cols=64, cell_bits=2, cells="offset", flip=True, weight_bits=5, input_bits=6,
        encoding="bit_serial", sign="two_pass", bits_per_phase=2, adc_bits=16, adc_step=1,
    )  # fmt: skip
    numbers = np.random.default_rng(8)
    w = numbers.normal(size=(4, 9, 3)).astype(np.float32)
    x = numbers.normal(size=(5, 36)).astype(np.float32)

    together = program_matrix(w, [Block(0, 4, 0, 9, 0, 3)], spec).mvm(x)

    apart = program_matrix(w, [Block(group, 1, 0, 9, 0, 3) for group in range(4)], spec).mvm(x)
    assert together.tobytes() == apart.tobytes()


@pytest.mark.parametrize("mode", MODES)
def test_a_zero_vector_gives_zeros(mode: str) -> None:
    assert not matrix(mode).mvm(np.zeros((2, GROUPS * ROWS), dtype=np.float32)).any()


@pytest.mark.parametrize("mode", MODES)
def test_no_vectors_give_no_outputs(implementation: str, mode: str) -> None:
    assert matrix(mode).mvm(np.zeros((0, GROUPS * ROWS), dtype=np.float32)).shape == (0, GROUPS * COLS)


def test_a_vector_with_nan_or_infinity_is_refused_by_the_row_drivers() -> None:
    for bad in (np.nan, np.inf):
        x = vectors(2)
        x[1, 3] = bad
        with pytest.raises(SimulationError, match="NaN or infinity"):
            matrix("quantized").mvm(x)


def test_a_weight_that_is_not_finite_is_refused() -> None:
    bad = weight()
    bad[0, 0, 0] = np.inf
    with pytest.raises(ConfigError, match="weight is NaN or infinite"):
        program_matrix(bad, BLOCKS, SPEC, "quantized")


def test_an_ideal_matrix_has_no_codes_to_show() -> None:
    with pytest.raises(ValueError, match="no converters"):
        matrix("ideal").partial(vectors(1), [0], codes=True)


def test_vectors_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=rf"\[B, {GROUPS * ROWS}\]"):
        matrix("ideal").mvm(np.zeros((1, 3), dtype=np.float32))


@pytest.mark.parametrize("ids", [[], list(range(len(BLOCKS) - 1)), [*range(len(BLOCKS)), 0]])
def test_merging_needs_every_block_once(ids: list[int]) -> None:
    one = matrix("ideal")
    partials: list[Partial] = [one.partial(vectors(1), [index]) for index in ids]
    with pytest.raises(ValueError, match="once"):
        one.merge(partials)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (BLOCKS[1:], "left out or repeated"),
        ([*BLOCKS, BLOCKS[0]], "left out or repeated"),
        ([Block(0, 1, 0, 17, 0, 8)], "does not fit 16 rows"),
        ([Block(0, 1, 0, 16, 0, 11)], "of 10 weights"),
        ([Block(2, 1, 0, 16, 0, 8)], "beyond the matrix"),
    ],
)
def test_blocks_that_cannot_hold_the_matrix_are_refused(blocks: list[Block], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        program_matrix(weight(), blocks, SPEC, "ideal")
