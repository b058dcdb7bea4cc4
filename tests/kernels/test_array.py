"""Do the kernels compute what their twins and a few lines of plain arithmetic say?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim import _kernels
from aimcsim._kernels import ColumnRead, Converter, packing
from aimcsim.errors import ConfigError

OTHERS = [name for name in _kernels.implementations() if name != "twin"]
IDENTITY = Converter(step=1, low=0, high=2**24)


def on(name: str, work: Callable[[], Any]) -> Any:
    """Return what `work` gives with the implementation `name`."""
    before = _kernels.active().name
    _kernels.select(name)
    try:
        return work()
    finally:
        _kernels.select(before)


def float_product(batch: int, groups: int, rows: int, cols: int, seed: int) -> np.ndarray:
    numbers = np.random.default_rng(seed)
    x = numbers.normal(size=(batch, groups + 1, rows + 3)).astype(np.float32)
    w = numbers.normal(size=(groups, rows, cols)).astype(np.float32)
    out = np.full((batch, groups, cols), np.nan, dtype=np.float32)
    _kernels.mvm_f32(x[:, 1:, 2 : 2 + rows], _kernels.pack_weights(w), out)
    return out


@pytest.mark.parametrize("name", OTHERS)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    batch=st.integers(0, 27), groups=st.integers(1, 3), rows=st.integers(1, 40), cols=st.integers(1, 70),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_float_products_have_the_bits_of_the_twin(
    name: str, batch: int, groups: int, rows: int, cols: int, seed: int
) -> None:
    def work() -> np.ndarray:
        return float_product(batch, groups, rows, cols, seed)

    assert on("twin", work).tobytes() == on(name, work).tobytes()


def test_float_products_add_rows_in_ascending_order(implementation: str) -> None:
    # 1e8 + 1 - 1e8 is 0 in float32 in this order, and 1 in the order 1e8 - 1e8 + 1.
    x = np.ones((1, 1, 3), dtype=np.float32)
    w = np.array([[[1e8, 1e8], [1, -1e8], [-1e8, 1]]], dtype=np.float32)
    out = np.empty((1, 1, 2), dtype=np.float32)

    _kernels.mvm_f32(x, _kernels.pack_weights(w), out)

    assert out.tolist() == [[[0.0, 1.0]]]


def test_float_products_multiply_and_then_add(implementation: str) -> None:
    # (1 + e)^2 = 1 + 2e + e^2 rounds to 1 + 2e; a fused step would keep e^2 when -(1 + 2e) is added before.
    e = np.float32(2**-12)
    x = np.array([[[1, 1 + e]]], dtype=np.float32)
    w = np.array([[[-(1 + 2 * e)], [1 + e]]], dtype=np.float32)
    out = np.empty((1, 1, 1), dtype=np.float32)

    _kernels.mvm_f32(x, _kernels.pack_weights(w), out)

    assert out.item() == 0.0


def test_float_products_pass_infinity_and_nan_on(implementation: str) -> None:
    x = np.array([[[np.inf, 1]], [[0, np.nan]]], dtype=np.float32)
    w = np.array([[[2, 0], [1, 1]]], dtype=np.float32)
    out = np.empty((2, 1, 2), dtype=np.float32)

    with np.errstate(invalid="ignore"):
        _kernels.mvm_f32(x, _kernels.pack_weights(w), out)

    assert out[0, 0, 0] == math.inf
    assert np.isnan(out.ravel()[1:]).all()


def test_float_arrays_that_do_not_fit_are_refused() -> None:
    w = _kernels.pack_weights(np.zeros((1, 4, 5), dtype=np.float32))
    out = np.zeros((2, 1, 5), dtype=np.float32)
    with pytest.raises(ValueError, match="shapes do not fit"):
        _kernels.mvm_f32(np.zeros((2, 1, 3), dtype=np.float32), w, out)
    with pytest.raises(ValueError, match="must be float32"):
        _kernels.mvm_f32(np.zeros((2, 1, 4)), w, out)  # type: ignore[arg-type]


@st.composite
def reads(draw: st.DrawFn) -> tuple[ColumnRead, np.ndarray]:
    """Return a column read and levels for it."""
    rows, cells, outputs = draw(st.integers(1, 300)), draw(st.integers(1, 5)), draw(st.integers(1, 90))
    digit_max = draw(st.sampled_from([1, 2, 3, 7, 15, 31, 255]))
    phases, bits, channels = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    numbers = np.random.default_rng(draw(st.integers(0, 999)))
    full = draw(st.booleans())  # every digit and level at its largest
    digits = (
        np.full((rows, cells * outputs), digit_max)
        if full
        else numbers.integers(0, digit_max + 1, (rows, cells * outputs))
    )
    levels = numbers.integers(0, 2**16, (draw(st.integers(0, 3)), channels, rows)) | (65535 if full else 0)
    planes = [
        (phase, channel, int(numbers.integers(0, 16)), (-1) ** channel * 2**bit)
        for phase in range(phases)
        for channel in range(channels)
        for bit in range(bits)
    ]
    step = draw(st.sampled_from([1, 2, 3, 7, 16, 100]))
    low, high = draw(st.sampled_from([(0, 255), (-128, 127), (0, 1), (0, 2**20), (-(2**20), 2**20)]))
    weights = tuple(int(w) for w in numbers.integers(-(2**15), 2**15, phases))
    factors = numbers.integers(-(2**12), 2**12, (cells, outputs))
    read = ColumnRead(
        digits.astype(np.uint8), np.array(planes, dtype=np.int32), weights, Converter(step, low, high), factors
    )
    return read, levels.astype(np.uint16)


@pytest.mark.parametrize("name", OTHERS)
@settings(max_examples=200, deadline=None, derandomize=True)
@given(case=reads())
def test_column_reads_have_the_bits_of_the_twin(name: str, case: tuple[ColumnRead, np.ndarray]) -> None:
    read, levels = case

    def work() -> tuple[bytes, bytes]:
        codes = read.empty_codes(len(levels))
        return read.read(levels, codes).tobytes(), codes.tobytes()

    assert on("twin", work) == on(name, work)


@pytest.mark.parametrize("digit_max", [1, 15, 255])
@pytest.mark.parametrize("rows", [1, 17, 255, 256, 257, 258, 4369, 4370, 20000])
def test_partial_sums_of_few_bits_never_overflow(implementation: str, digit_max: int, rows: int) -> None:
    # All rows driven, all digits at their largest: bytes overflow after 255 / digit_max rows, 16 bits after
    # 65535 / digit_max, so the sums must have been moved to wider numbers before.
    read = ColumnRead(
        np.full((rows, 65), digit_max, dtype=np.uint8), np.array([[0, 0, 15, 1]], dtype=np.int32), (1,),
        IDENTITY, np.ones((1, 65), dtype=np.int64),
    )  # fmt: skip

    found = read.read(np.full((1, 1, rows), 1 << 15, dtype=np.uint16))

    assert found.tolist() == [[rows * digit_max] * 65]


@pytest.mark.parametrize(
    ("total", "step", "code"),
    [
        (0, 4, 0), (1, 4, 0), (2, 4, 1), (5, 4, 1), (6, 4, 2),  # halves round up: step // 2 is added first
        (1, 3, 0), (2, 3, 1), (4, 3, 1), (5, 3, 2),
        (-1, 4, 0), (-2, 4, 0), (-3, 4, -1), (-1, 3, 0), (-2, 3, -1), (-4, 3, -1), (-5, 3, -2),
        (31, 4, 7), (30, 4, 7), (-30, 4, -7), (-34, 4, -8), (-35, 4, -8),  # range -8 .. 7 saturates
    ],
)  # fmt: skip
def test_conversion_rounds_to_the_nearest_step_and_saturates(
    implementation: str, total: int, step: int, code: int
) -> None:
    read = ColumnRead(
        np.full((1, 1), abs(total), dtype=np.uint8),
        np.array([[0, 0, 0, 1 if total > 0 else -1]], dtype=np.int32),
        (1,), Converter(step, -8, 7), np.ones((1, 1), dtype=np.int64),
    )  # fmt: skip
    codes = read.empty_codes(1)

    found = read.read(np.ones((1, 1, 1), dtype=np.uint16), codes)

    assert codes.item() == code
    assert found.item() == code * step


@pytest.mark.parametrize(("weight", "wide"), [(2**15, False), (2**24, True)])
def test_accumulators_are_wide_where_31_bits_do_not_hold_them(implementation: str, weight: int, wide: bool) -> None:
    # The largest magnitude is (sum / step + 1) * step * |weights| = 256 * 2 * weight: 2^24 and 2^33.
    read = ColumnRead(
        np.full((1, 3), 255, dtype=np.uint8), np.array([[0, 0, 0, 1], [1, 0, 1, 1]], dtype=np.int32), (weight, -weight),
        IDENTITY, np.ones((1, 3), dtype=np.int64),
    )  # fmt: skip

    found = read.read(np.array([[[1]], [[2]], [[3]]], dtype=np.uint16))

    assert read.wide is wide
    assert found.tolist() == [[255 * weight] * 3, [-255 * weight] * 3, [0] * 3]


def test_a_column_sum_beyond_31_bits_is_refused() -> None:
    digits = np.full((600, 1), 255, dtype=np.uint8)
    planes = np.array([[0, 0, bit, 1 << bit] for bit in range(14)], dtype=np.int32)
    with pytest.raises(ConfigError, match="does not fit 31 bits"):  # 600 * 255 * (2^14 - 1) = 2.5e9
        ColumnRead(digits, planes, (1,), IDENTITY, np.ones((1, 1), dtype=np.int64))


def test_an_output_beyond_63_bits_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not fit 63 bits"):
        ColumnRead(
            np.ones((1, 1), dtype=np.uint8), np.array([[0, 0, 0, 1]], dtype=np.int32), (2**40,), IDENTITY,
            np.full((1, 1), 2**30),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("planes", "message"),
    [
        ([[1, 0, 0, 1]], "name every phase"),
        ([[1, 0, 0, 1], [0, 0, 0, 1]], "ordered by phase"),
        ([[0, 0, 16, 1], [1, 0, 0, 1]], "does not exist"),
        ([[0, -1, 0, 1], [1, 0, 0, 1]], "does not exist"),
    ],
)
def test_planes_that_make_no_sense_are_refused(planes: list[list[int]], message: str) -> None:
    weights = (1,) * len(planes)
    with pytest.raises(ValueError, match=message):
        ColumnRead(
            np.ones((1, 1), dtype=np.uint8), np.array(planes), weights, IDENTITY, np.ones((1, 1), dtype=np.int64)
        )


def test_levels_and_codes_of_another_shape_are_refused() -> None:
    read = ColumnRead(
        np.ones((4, 2), dtype=np.uint8), np.array([[0, 0, 0, 1]]), (1,), IDENTITY, np.ones((1, 2), dtype=np.int64)
    )
    with pytest.raises(ValueError, match="array of 4 rows"):
        read.read(np.zeros((1, 1, 3), dtype=np.uint16))
    with pytest.raises(ValueError, match="do not fit 1 reads"):
        read.read(np.zeros((1, 1, 4), dtype=np.uint16), np.zeros((2, 1, 2), dtype=np.int32))


@pytest.mark.parametrize("cols", [1, 63, 64, 65, 200])
def test_packing_can_be_undone(cols: int) -> None:
    digits = np.random.default_rng(0).integers(0, 256, (5, cols)).astype(np.uint8)
    weight = np.random.default_rng(1).normal(size=(2, 5, cols)).astype(np.float32)

    packed, packed_weight = packing.pack_digits(digits), _kernels.pack_weights(weight)

    assert packed.ctypes.data % 64 == packed_weight.ctypes.data % 64 == 0
    assert np.array_equal(packing.unpack_digits(packed, cols), digits)
    assert np.array_equal(packing.unpack_weights(packed_weight, cols), weight)
