"""Do products between converters compute what their twins and a few lines of plain arithmetic say?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim import _kernels
from aimcsim._kernels import Converters, Levels, Noise, converted_product, in_threads
from aimcsim.errors import InputError

OTHERS = [name for name in _kernels.implementations() if name != "twin"]
WIDE = Levels(step=1, low=-1000, high=1000)


def on(name: str, work: Callable[[], Any]) -> Any:
    """Return what `work` gives with the implementation `name`."""
    before = _kernels.active().name
    _kernels.select(name)
    try:
        return work()
    finally:
        _kernels.select(before)


def column(*values: float) -> np.ndarray:
    """Return weights [1, N]: with an input of 1, the sums themselves."""
    return np.array([values], dtype=np.float32)


def vectors(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)[:, np.newaxis]


@st.composite
def cases(draw: st.DrawFn) -> Callable[[], bytes]:
    """Return what makes a random product and gives the bytes of all it computes for random vectors."""
    rows, cols, batch = draw(st.integers(1, 70)), draw(st.integers(1, 150)), draw(st.integers(0, 110))
    numbers = np.random.default_rng(draw(st.integers(0, 999)))
    levels = [
        Levels(0.1, -7, 7),
        Levels(2 / 255, 0, 255, origin=-1),
        Levels(0.25, -7, 7, rounding="floor"),
        Levels(2.0**-20, -(2**22) + 1, 2**22 - 1),
    ]
    drivers = draw(st.sampled_from([None, *levels]))
    spread = Levels(numbers.uniform(0.1, 2, cols), -20, 30, numbers.normal(size=cols))
    converters = draw(
        st.sampled_from([None, *map(Converters, levels), Converters(spread, numbers.uniform(0.9, 1.1, cols), 0.3)])
    )
    noise = draw(st.sampled_from([None, Noise(numbers.uniform(0, 0.1, (rows, cols)).astype(np.float32), 0.01)]))
    weights = numbers.normal(size=(rows, cols)).astype(np.float32)
    x = numbers.uniform(-1.5, 1.5, (batch, 2 * rows)).astype(np.float32)[:, ::-1][:, rows:]  # not contiguous
    x[numbers.random(x.shape) < 0.2] = 0
    scale = draw(st.sampled_from([None, numbers.uniform(0.1, 3, batch).astype(np.float32)]))
    normal = None if noise is None else numbers.normal(size=(batch, cols))

    def work() -> bytes:
        product = converted_product(weights, drivers=drivers, converters=converters, noise=noise)
        outputs = product.outputs(x, scale, normal)
        if converters is None:
            return outputs.tobytes()
        found = product.conversions(x, scale, normal)
        assert found.outputs.tobytes() == outputs.tobytes()
        return b"".join(part.tobytes() for part in found)

    return work


@pytest.mark.parametrize("name", OTHERS)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(work=cases())
def test_products_have_the_bits_of_the_twin(name: str, work: Callable[[], bytes]) -> None:
    assert on("twin", work) == on(name, work)


def test_a_product_without_anything_is_the_float_product(implementation: str) -> None:
    numbers = np.random.default_rng(1)
    weights, x = numbers.normal(size=(33, 70)).astype(np.float32), numbers.normal(size=(5, 33)).astype(np.float32)
    out = np.empty((5, 1, 70), dtype=np.float32)
    _kernels.mvm_f32(x[:, np.newaxis], _kernels.pack_weights(weights[np.newaxis]), out)

    assert converted_product(weights).outputs(x).tobytes() == out.tobytes()


def test_a_vector_gives_the_same_bits_alone_and_in_any_batch(implementation: str) -> None:
    numbers = np.random.default_rng(2)
    weights = numbers.normal(size=(40, 50)).astype(np.float32)
    product = converted_product(weights, drivers=Levels(0.05, -31, 31), converters=Converters(Levels(0.01, -999, 999)))
    x = numbers.normal(size=(211, 40)).astype(np.float32)
    whole = product.outputs(x)

    for cut in (1, 2, 3, 5, 7, 13, 97):
        parts = [product.outputs(x[first : first + cut]) for first in range(0, len(x), cut)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_drivers_round_half_to_even_and_clip(implementation: str) -> None:
    product = converted_product(column(1), drivers=Levels(0.5, -3, 3))

    # In levels: 0.5, 1.5, 2.5, -0.5, -1.5, 2.98, 100, -100.
    found = product.outputs(vectors(0.25, 0.75, 1.25, -0.25, -0.75, 1.49, 50, -50))

    assert found.ravel().tolist() == [0, 1, 1, 0, -1, 1.5, 1.5, -1.5]


def test_an_even_number_of_levels_runs_from_end_to_end(implementation: str) -> None:
    # Two bits over -1..1: levels -1, -1/3, 1/3, 1; 0 is half-way between levels 1 and 2, and goes to the even one.
    product = converted_product(column(1), drivers=Levels(2 / 3, 0, 3, origin=-1))

    found = product.outputs(vectors(-1, -0.7, -0.6, 0, 0.1, 1, 9)).ravel()

    assert found == pytest.approx([-1, -1, -1 / 3, 1 / 3, 1 / 3, 1, 1], rel=1e-6)


def test_converters_round_clip_and_count(implementation: str) -> None:
    product = converted_product(column(0.5, 1.5, 2.4, 2.5, 3.4, 3.5, -9), converters=Converters(Levels(1, -3, 3)))

    found = product.conversions(vectors(1, 0))

    # 3.5 goes to the even level 4, which is beyond the range; 3.4 goes to 3, which is not.
    assert found.codes[0].tolist() == [0, 2, 2, 2, 3, 3, -3]
    assert found.outputs[0].tolist() == [0, 2, 2, 2, 3, 3, -3]
    assert found.clipped.tolist() == [2, 0]


def test_floor_takes_the_level_below(implementation: str) -> None:
    levels = Levels(0.5, -4, 3, rounding="floor")
    product = converted_product(column(0.49, 0.5, -0.01, -0.5, 1.99, 2, -2, -2.01), converters=Converters(levels))

    found = product.conversions(vectors(1))

    assert found.codes[0].tolist() == [0, 1, -1, -1, 3, 3, -4, -4]
    assert found.clipped.tolist() == [2]


def test_each_column_has_its_own_converter(implementation: str) -> None:
    levels = Levels([1, 0.5, 1, 1], -100, 100, [0, 0, 0.25, 0])
    converters = Converters(levels, gain=[1, 1, 1, 2], offset=[0, 0, 0, -1])
    product = converted_product(column(7.2, 7.2, 7.2, 7.2), converters=converters)

    found = product.conversions(vectors(1))

    # 7.2; 7.2 / 0.5 = 14.4; 7.2 - 0.25 = 6.95; 2 * 7.2 - 1 = 13.4. Values are code * step + origin.
    assert found.codes[0].tolist() == [7, 14, 7, 13]
    assert found.outputs[0].tolist() == [7, 7, 7.25, 13]


def test_input_scales_go_in_and_come_out_again(implementation: str) -> None:
    product = converted_product(column(1), drivers=Levels(0.25, -4, 4), converters=Converters(Levels(0.5, -2, 2)))

    # 3 / 4 = 0.75 is level 3, and half-way between the codes 1 and 2: code 2, value 1, times 4. 3 / 1 clips at 1.
    assert product.outputs(vectors(3, 3), np.array([4, 1], dtype=np.float32)).ravel().tolist() == [4, 1]


def test_noise_is_the_root_of_its_variance_before_conversion(implementation: str) -> None:
    weights = np.array([[1, 2], [3, 4]], dtype=np.float32)
    variance = np.array([[1, 0], [3, 0.25]], dtype=np.float32)
    x = np.array([[2, 2]], dtype=np.float32)
    normal = np.array([[1.0, -2.0]])

    # Sums 8 and 12; variances 4 * 1 + 4 * 3 = 16 and 4 * 0.25 = 1, to which the floor adds 9 and 0.
    plain = converted_product(weights, noise=Noise(variance, [9, 0]))
    converted = converted_product(weights, noise=Noise(variance, [9, 0]), converters=Converters(Levels(4, -9, 9)))

    assert plain.outputs(x, None, normal).tolist() == [[13, 10]]
    assert converted.outputs(x, None, normal).tolist() == [[12, 8]]


def test_lumped_noise_is_spread_like_cells_drawn_one_by_one() -> None:
    numbers = np.random.default_rng(3)
    sigma = numbers.uniform(0, 0.2, (24, 1)).astype(np.float32)
    x = numbers.uniform(-1, 1, (1, 24)).astype(np.float32)
    draws = 40_000
    product = converted_product(np.zeros((24, 1), dtype=np.float32), noise=Noise(sigma**2))

    lumped = product.outputs(np.repeat(x, draws, axis=0), None, numbers.normal(size=(draws, 1)))
    cells = (numbers.normal(size=(draws, 24)) * sigma[:, 0]) @ x[0]

    # The deviation of n draws is off by 1 / sqrt(2 n) = 0.35 % of itself (one sigma) on either side.
    assert lumped.std() == pytest.approx(cells.std(), rel=0.02)
    assert lumped.mean() == pytest.approx(0, abs=5 * cells.std() / draws**0.5)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("drivers", [None, Levels(1, -3, 3)])
def test_inputs_that_are_not_finite_are_named_and_not_clipped(
    implementation: str, odd: float, drivers: Levels | None
) -> None:
    product = converted_product(np.ones((37, 3), dtype=np.float32), drivers=drivers)
    x = np.zeros((120, 37), dtype=np.float32)
    x[101, 36] = odd

    with pytest.raises(InputError, match=rf"x\[101, 36\]: must be finite \(got {odd}\)"):
        product.outputs(x)


@pytest.mark.parametrize("scale", [0, -1, np.nan, np.inf])
def test_scales_that_are_not_positive_numbers_are_named(implementation: str, scale: float) -> None:
    product = converted_product(column(1))

    with pytest.raises(InputError, match=r"scale\[1\]: must be a positive number"):
        product.outputs(vectors(1, 1), np.array([1, scale], dtype=np.float32))
    with pytest.raises(InputError, match=r"scale\[0\]: x / scale must be finite"):
        product.outputs(vectors(1), np.array([1e-40], dtype=np.float32))


def test_sums_beyond_float32_are_clipped(implementation: str) -> None:
    weights = np.array([[3e38, -3e38], [3e38, 3e38]], dtype=np.float32)
    product = converted_product(weights, converters=Converters(Levels(1, -5, 5)))

    # 6e38 is infinite in float32; with a third row the sum would be infinity minus infinity.
    assert product.conversions(np.ones((1, 2), dtype=np.float32)).clipped.tolist() == [1]


def test_what_does_not_fit_is_named(implementation: str) -> None:
    weights = np.ones((4, 5), dtype=np.float32)
    product = converted_product(weights)
    noisy = converted_product(weights, noise=Noise(weights))
    x = np.ones((2, 4), dtype=np.float32)
    wrong: list[tuple[str, Callable[[], Any]]] = [
        (r"x: must be \[B, 4\] \(got \[2, 3\]\)", lambda: product.outputs(x[:, :3])),
        (r"x: must be \[B, 4\] \(got \[4\]\)", lambda: product.outputs(x[0])),
        (r"x: must be an array of float32 \(got float64\)", lambda: product.outputs(x.astype(np.float64))),  # type: ignore[arg-type]
        (r"x: must be an array of float32 \(got list\)", lambda: product.outputs([[1.0] * 4])),  # type: ignore[arg-type]
        (r"x: must be an array of float32 \(got datetime64", lambda: product.outputs(np.zeros((1, 4), "M8[s]"))),
        (r"x: must be an array of float32 \(got >f4\)", lambda: product.outputs(x.astype(">f4"))),
        (r"scale: must be float32 \[2\] \(got float32 \[3\]\)", lambda: product.outputs(x, np.ones(3, np.float32))),
        (r"scale: must be float32 \[2\] \(got int\)", lambda: product.outputs(x, 1)),  # type: ignore[arg-type]
        (r"normal: this product has no noise", lambda: product.outputs(x, None, np.ones((2, 5)))),
        (r"normal: must be float64 \[2, 5\] \(got NoneType\)", lambda: noisy.outputs(x)),
        (r"normal: must be float64 \[2, 5\] \(got float64 \[1, 5\]\)", lambda: noisy.outputs(x, None, np.ones((1, 5)))),
        (r"without converters has no codes", lambda: product.conversions(x)),
        (r"threads: must be 1 or more \(got 0\)", lambda: in_threads(product.outputs, 0, x)),
    ]
    for message, work in wrong:
        with pytest.raises(InputError, match=message):
            work()


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (r"weights: must be float32 \[K, N\] \(got float64 \[2, 2\]\)", {"weights": np.ones((2, 2))}),
        (r"weights: must be float32 \[K, N\] \(got float32 \[2\]\)", {"weights": np.ones(2, np.float32)}),
        (r"weights: must have 1 to \d+ elements", {"weights": np.ones((0, 2), np.float32)}),
        (r"weights: must have 1 to \d+ elements", {"weights": np.broadcast_to(np.float32(1), (1 << 20, 1 << 20))}),
        (r"weights: must be finite", {"weights": column(1, np.nan)}),
        (r"drivers.step: must be positive \(got 0.0\)", {"drivers": Levels(0, -1, 1)}),
        (r"drivers: low must be below high.*\(got 3..3\)", {"drivers": Levels(1, 3, 3)}),
        (r"drivers: low must be below high, magnitudes up to 4194303", {"drivers": Levels(1, 0, 1 << 22)}),
        (r"drivers.step: must be a number or \[1\] \(got \[2\]\)", {"drivers": Levels([1, 1], 0, 1)}),
        (r"rounding: must be half_even or floor \(got up\)", {"drivers": Levels(1, 0, 1, rounding="up")}),  # type: ignore[arg-type]
        (r"converters.gain: must be finite", {"converters": Converters(WIDE, gain=np.inf)}),
        (r"converters.offset: must be a number or \[3\]", {"converters": Converters(WIDE, offset=[1, 2])}),
        (r"gain / step: must be finite in float32", {"converters": Converters(Levels(1e-44, 0, 1), gain=1e4)}),
        (r"noise.variance: must not be negative", {"noise": Noise(-column(1, 1, 1))}),
        (r"noise.variance: must be \[1, 3\] \(got \[1, 2\]\)", {"noise": Noise(column(1, 1))}),
        (r"noise.floor: must be finite in float32 and at least 0", {"noise": Noise(column(1, 1, 1), -1)}),
    ],
)
def test_arrays_that_cannot_be_are_named(message: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=message):
        converted_product(**{"weights": column(1, 2, 3), **arguments})


def test_any_layout_of_the_inputs_gives_the_same(implementation: str) -> None:
    numbers = np.random.default_rng(4)
    product = converted_product(numbers.normal(size=(6, 9)).astype(np.float32))
    x = numbers.normal(size=(7, 6)).astype(np.float32)
    raw = np.zeros(x.nbytes + 1, dtype=np.uint8)
    odd = raw[1:].view(np.float32).reshape(x.shape)
    odd[...] = x
    locked = x.copy()
    locked.flags.writeable = False
    layouts = [np.asfortranarray(x), odd, locked, np.repeat(x, 2, axis=1)[:, ::2], x[::-1].copy()[::-1]]

    for layout in layouts:
        assert product.outputs(layout).tobytes() == product.outputs(x).tobytes()
    same = np.broadcast_to(x[0], x.shape)  # no stride from vector to vector
    assert product.outputs(same).tobytes() == product.outputs(same.copy()).tobytes()
    assert converted_product(column(2)).outputs(x[:, 1:2]).tobytes() == (x[:, 1:2] * 2).tobytes()


def test_more_vectors_than_memory_holds_are_an_error(implementation: str) -> None:
    product = converted_product(np.ones((2, 3), dtype=np.float32))

    with pytest.raises(InputError, match=r"x: \[1125899906842624, 2\] does not fit into memory"):
        product.outputs(np.broadcast_to(np.float32(1), (1 << 50, 2)))


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("batch", [1 << 50, 1 << 59])
def test_more_outputs_than_memory_holds_are_an_error(name: str, batch: int) -> None:
    product = on(name, lambda: converted_product(np.ones((2, 30), dtype=np.float32)))

    with pytest.raises(InputError, match=rf"x: what it gives, \[{batch}, 30\] does not fit into memory"):
        product.outputs(np.broadcast_to(np.ones(2, dtype=np.float32), (batch, 2)))


def test_an_empty_batch_gives_no_outputs(implementation: str) -> None:
    product = converted_product(column(1, 2), converters=Converters(WIDE))

    found = product.conversions(np.empty((0, 1), dtype=np.float32))

    assert [part.shape for part in found] == [(0, 2), (0, 2), (0,)]


def test_threads_change_nothing_but_who_computes(implementation: str) -> None:
    numbers = np.random.default_rng(5)
    weights = numbers.normal(size=(30, 20)).astype(np.float32)
    product = converted_product(weights, noise=Noise(weights**2), converters=Converters(Levels(0.1, -99, 99)))
    x, normal = numbers.normal(size=(50, 30)).astype(np.float32), numbers.normal(size=(50, 20))
    scale = numbers.uniform(1, 2, 50).astype(np.float32)
    alone = product.outputs(x, scale, normal).tobytes()

    for threads in (1, 2, 3, 60):
        assert in_threads(product.outputs, threads, x, scale, normal).tobytes() == alone
    assert in_threads(product.outputs, 4, x[:0], scale[:0], normal[:0]).shape == (0, 20)


def test_one_product_serves_several_callers_at_once(implementation: str) -> None:
    numbers = np.random.default_rng(6)
    product = converted_product(numbers.normal(size=(64, 64)).astype(np.float32), converters=Converters(WIDE))
    inputs = [numbers.normal(size=(40, 64)).astype(np.float32) for _ in range(4)]
    expected = [product.outputs(x).tobytes() for x in inputs]
    found: dict[int, set[bytes]] = {}

    def call(caller: int) -> None:
        found[caller] = {product.outputs(inputs[caller]).tobytes() for _ in range(20)}

    callers = [threading.Thread(target=call, args=(caller,)) for caller in range(4)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()

    assert [found[caller] for caller in range(4)] == [{outputs} for outputs in expected]


def test_the_scale_of_a_vector_is_its_largest_magnitude(implementation: str) -> None:
    x = np.array([[0.5, -2.0, 1.0], [-0.0, 1e-31, 0.0], [9.0, 3.0, -8.0]], dtype=np.float32)

    # The second vector drives nothing, the third one is capped.
    assert _kernels.abs_max_scales(x, 1e-30, 8.5, 1e15).tolist() == [2.0, 1.0, 8.5]
    assert _kernels.abs_max_scales(x[::2, ::-2], 1e-30, 100.0, 1e15).tolist() == [1.0, 9.0]
    assert _kernels.abs_max_scales(x[:0], 1e-30, 8.5, 1e15).shape == (0,)


@pytest.mark.parametrize("wrong", [np.nan, -np.nan, np.inf, -np.inf, 2e15, -2e15])
def test_a_vector_with_an_input_out_of_range_has_no_scale(implementation: str, wrong: float) -> None:
    x = np.ones((3, 40), dtype=np.float32)
    x[1, 17] = wrong

    assert _kernels.abs_max_scales(x, 1e-30, 8.5, 1e15) is None
