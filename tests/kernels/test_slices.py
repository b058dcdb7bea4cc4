"""Do products in slices and phases compute what their twins and a few lines of plain arithmetic say?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim import _kernels
from aimcsim._kernels import Converters, Levels, Product, dispatch, serial_planes, sliced_product
from aimcsim.errors import InputError

OTHERS = [name for name in _kernels.implementations() if name != "twin"]
DOTS = [name for name in OTHERS if dispatch._implementations[name].has_dots]
WITHOUT = " without dots"
FINE = Converters(Levels(1, -(1 << 22) + 1, (1 << 22) - 1))
"""Converters that tell all whole numbers apart that these tests' columns can give."""
WHOLE = Levels(1, -127, 127)


def on(name: str, work: Callable[[], Any]) -> Any:
    """Return what `work` gives with the implementation `name`, which may be one without its dot products of bytes."""
    before = _kernels.active().name
    _kernels.select(name.removesuffix(WITHOUT))
    if name.endswith(WITHOUT):
        dispatch._active = replace(dispatch._active, has_dots=False)
    try:
        return work()
    finally:
        _kernels.select(before)


def digits_of(levels: np.ndarray, slices: int, bits: int) -> np.ndarray:
    """Return signed digits, int8 [K, slices * N], least significant first."""
    magnitude = np.abs(levels)
    parts = [np.sign(levels) * (magnitude >> bits * index & (1 << bits) - 1) for index in range(slices)]
    return np.concatenate(parts, axis=1).astype(np.int8)


@st.composite
def cases(draw: st.DrawFn) -> Callable[[], bytes]:
    """Return what makes a random product and gives the bytes of all it computes for random vectors."""
    rows, cells, outputs = draw(st.integers(1, 300)), draw(st.integers(1, 4)), draw(st.integers(1, 80))
    numbers = np.random.default_rng(draw(st.integers(0, 999)))
    shape = (rows, cells * outputs)
    kind = draw(st.sampled_from(["int8", "uint8", "float32"]))
    state = {
        "int8": numbers.integers(-draw(st.sampled_from([1, 3, 127])), 4, shape),
        "uint8": numbers.integers(0, draw(st.sampled_from([2, 4, 256])), shape),
        "float32": numbers.normal(size=shape),
    }[kind].astype(kind)
    if draw(st.booleans()):
        planes, weights = serial_planes(draw(st.integers(1, 8)), draw(st.integers(1, 3)))
    else:  # positive inputs first, then negative ones
        planes = [(0, 1, 0, 1), (0, 1, 2, -3), (1, -1, 0, 1), (2, -1, 1, 2)]
        weights = [5, -3, -7]
    cols = cells * outputs
    levels = draw(
        st.sampled_from([
            Levels(numbers.uniform(1, 9, cols), -127, 127, numbers.normal(size=cols)),
            Levels(4, -16, 15, rounding="floor"),
            Levels(0.5, -1, 2),
        ])
    )  # fmt: skip
    converters = Converters(levels, numbers.uniform(0.9, 1.1, cols), numbers.normal(size=cols))
    factors, constants = numbers.normal(size=(cells, outputs)), numbers.normal(size=outputs)
    batch = draw(st.integers(0, 4))
    x = numbers.uniform(-150, 150, (batch, rows)).astype(np.float32)
    scale = draw(st.sampled_from([None, numbers.uniform(0.5, 2, batch).astype(np.float32)]))

    def work() -> bytes:
        product = sliced_product(
            state, drivers=WHOLE, planes=planes, weights=weights, converters=converters, factors=factors,
            constants=constants,
        )  # fmt: skip
        found = product.conversions(x, scale)
        assert found.outputs.tobytes() == product.outputs(x, scale).tobytes()
        return b"".join(part.tobytes() for part in found)

    return work


@pytest.mark.parametrize("name", [*OTHERS, *(name + WITHOUT for name in DOTS)])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(work=cases())
def test_sliced_products_have_the_bits_of_the_twin(name: str, work: Callable[[], bytes]) -> None:
    assert on("twin", work) == on(name, work)


@pytest.mark.parametrize(("slices", "cell_bits"), [(1, 7), (2, 4), (4, 2), (7, 1)])
@pytest.mark.parametrize("width", [1, 2, 3, 7])
def test_slices_and_phases_add_up_to_the_exact_product(
    implementation: str, slices: int, cell_bits: int, width: int
) -> None:
    numbers = np.random.default_rng(slices * 10 + width)
    weights, inputs = numbers.integers(-127, 128, (61, 30)), numbers.integers(-127, 128, (4, 61))
    planes, phase_weights = serial_planes(7, width)
    factors = np.repeat([[1 << cell_bits * index] for index in range(slices)], 30, axis=1)
    digits = digits_of(weights, slices, cell_bits)
    x = inputs.astype(np.float32)

    for state in (digits, digits.astype(np.float32)):
        product = sliced_product(
            state, drivers=WHOLE, planes=planes, weights=phase_weights, converters=FINE, factors=factors
        )
        # Below 2^24, so float32 holds it exactly.
        assert np.array_equal(product.outputs(x), inputs @ weights)


def test_rows_may_be_driven_with_more_than_a_byte(implementation: str) -> None:
    # One phase with all of 12 bits: a level of 4095 times a digit of 3.
    planes, weights = serial_planes(12, 12)
    product = sliced_product(
        np.array([[3, -3]], dtype=np.int8), drivers=Levels(1, -4095, 4095), planes=planes, weights=weights,
        converters=FINE, factors=[[1, 1]],
    )  # fmt: skip

    assert product.outputs(np.array([[4095], [-128]], dtype=np.float32)).tolist() == [[12285, -12285], [-384, 384]]


def test_each_read_is_converted_by_itself(implementation: str) -> None:
    # One row, two slices of two bits, two phases of one bit. Input 3 drives the row in both phases; the cells hold 3
    # and 1. With a step of 2: 3 is half-way between the codes 1 and 2, so 2; 1 is half-way between 0 and 1, so 0.
    state = np.array([[3, 1]], dtype=np.uint8)
    product = sliced_product(
        state,
        drivers=Levels(1, 0, 3),
        planes=[(0, 1, 0, 1), (1, 1, 1, 1)],
        weights=[1, 2],
        converters=Converters(Levels(2, 0, 1)),
        factors=[[1], [4]],
        constants=0.5,
    )

    found = product.conversions(np.array([[3], [2], [0]], dtype=np.float32))

    # Code 2 clips to 1. Value 2 in both phases: 2 * (1 + 2) = 6; input 2 has the second phase alone: 2 * 2 = 4.
    assert found.codes.tolist() == [[[1, 0], [1, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 0]]]
    assert found.outputs.ravel().tolist() == [6.5, 4.5, 0.5]
    assert found.clipped.tolist() == [2, 1, 0]


def test_codes_are_worth_their_origin_in_every_phase(implementation: str) -> None:
    # Values of the codes 0..3 are -3, -1, 1, 3. A sum of 1 is code 2, a sum of 0 half-way between the codes 1 and 2.
    product = sliced_product(
        np.array([[1]], dtype=np.uint8),
        drivers=Levels(1, 0, 3),
        planes=[(0, 1, 0, 1), (1, 1, 1, 1)],
        weights=[1, 2],
        converters=Converters(Levels(2, 0, 3, origin=-3)),
        factors=[[10]],
    )

    found = product.conversions(np.array([[1]], dtype=np.float32))

    # Code 2 in both phases, worth 1: 10 * (1 * 1 + 2 * 1).
    assert found.codes.tolist() == [[[2], [2]]]
    assert found.outputs.tolist() == [[30]]


def test_real_state_is_summed_in_ascending_rows(implementation: str) -> None:
    # In float32, 1e8 + 1 - 1e8 is 0, and 1e8 - 1e8 + 1 is 1 (from below it would be 0).
    product = sliced_product(
        np.array([[1e8, 1e8], [1, -1e8], [-1e8, 1]], dtype=np.float32),
        drivers=Levels(1, -1, 1),
        planes=serial_planes(1)[0],
        weights=[1],
        converters=Converters(Levels(1, -4, 4)),
        factors=[[1, 1]],
    )

    found = product.outputs(np.array([[1, 1, 1], [0, 1, 1]], dtype=np.float32))

    # Without the first row, the sums are -1e8, which clips.
    assert found.tolist() == [[0, 1], [-4, -4]]


@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_a_vector_gives_the_same_bits_alone_and_in_any_batch(implementation: str, kind: str) -> None:
    numbers = np.random.default_rng(7)
    product = any_product(numbers.integers(-3, 4, (90, 140)).astype(kind))
    x = numbers.uniform(-130, 130, (12, 90)).astype(np.float32)

    alone = np.concatenate([product.outputs(vector[np.newaxis]) for vector in x])

    assert alone.tobytes() == product.outputs(x).tobytes()


def any_product(state: np.ndarray, **changes: Any) -> Product:
    planes, weights = serial_planes(7)
    arguments: dict[str, Any] = {
        "drivers": WHOLE,
        "planes": planes,
        "weights": weights,
        "converters": Converters(Levels(5, -40, 40)),
        "factors": np.ones((2, state.shape[1] // 2)),
    }
    return sliced_product(state, **{**arguments, **changes})


@pytest.mark.parametrize(
    ("message", "state", "changes"),
    [
        (r"cells: must be float32 \[K, N\] \(got int64 \[2, 2\]\)", np.ones((2, 2), dtype=np.int64), {}),
        (r"cells: must be finite", np.full((1, 2), np.nan, dtype=np.float32), {}),
        (r"cells: must have at most 65535 rows", np.ones((1 << 16, 2), dtype=np.int8), {}),
        (r"cells: 600 rows of up to 255 driven with up to 127 pass 2\^24", np.full((600, 2), 255, dtype=np.uint8),
         {"planes": serial_planes(7, 7)[0], "weights": [1]}),
        (r"factors: must be finite, \[cells, N\] with cells \* N = 2 \(got \[3, 1\]\)", None,
         {"factors": np.ones((3, 1))}),
        (r"constants: must be finite, a number or \[1\]", None, {"constants": [1, 2]}),
        (r"drivers: levels of a sliced product reach 65535", None, {"drivers": Levels(1, 0, 1 << 16)}),
        (r"planes: must name every one of 2 phases", None, {"planes": [(0, 1, 0, 1)], "weights": [1, 1]}),
        (r"planes: must name every one of 0 phases", None, {"planes": [], "weights": []}),
        (r"planes: must be ordered by phase", None, {"planes": [(1, 1, 0, 1), (0, 1, 0, 1)], "weights": [1, 1]}),
        (r"planes: signs are 1 or -1, bits 0 to 15", None, {"planes": [(0, 0, 0, 1)], "weights": [1]}),
        (r"planes: signs are 1 or -1, bits 0 to 15", None, {"planes": [(0, 1, 16, 1)], "weights": [1]}),
        (r"planes, weights: must fit 24 and 32 bits", None, {"planes": [(0, 1, 0, 1)], "weights": [1 << 31]}),
        (r"weights: codes times phase weights add up to 2540000000, beyond 31 bits", None,
         {"converters": Converters(Levels(1, -2_000_000, 2_000_000)), "weights": [10] * 127,
          "planes": [(phase, 1, 0, 1) for phase in range(127)]}),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_are_named(message: str, state: np.ndarray | None, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=message):
        any_product(np.ones((3, 2), dtype=np.int8) if state is None else state, **changes)


def test_what_does_not_fit_is_named(implementation: str) -> None:
    product = any_product(np.ones((3, 2), dtype=np.int8))
    x = np.ones((2, 3), dtype=np.float32)

    with pytest.raises(InputError, match=r"x: must be \[B, 3\] \(got \[2, 2\]\)"):
        product.outputs(x[:, :2])
    with pytest.raises(InputError, match="normal: this product has no noise"):
        product.outputs(x, None, np.ones((2, 1)))
    x[1, 2] = np.nan
    with pytest.raises(InputError, match=r"x\[1, 2\]: must be finite \(got nan\)"):
        product.outputs(x)
    assert product.outputs(x[:0]).shape == (0, 1)
