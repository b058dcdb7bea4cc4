"""Are the random numbers those of Philox, the same everywhere, and normal out to the tails?"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim import _kernels
from aimcsim._kernels import normals_twin

OTHERS = [name for name in _kernels.implementations() if name != "twin"]
IDENTITY = np.array([1, 2, 3, 4], dtype=np.uint32)
FILLS = [_kernels.fill_uniforms, _kernels.fill_normals]


def filled(fill: Callable[..., None], starts: list[int], count: int) -> np.ndarray:
    out = np.full((len(starts), count), np.nan)
    fill(IDENTITY, np.array(starts, dtype=np.uint64), out)
    return out


# Known answers of Philox4x32-10: Random123 1.14 (Salmon et al., SC 2011), tests/kat_vectors: counter, key, result.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_the_words_are_those_of_the_publication(
    counter: tuple[int, ...], key: tuple[int, ...], result: tuple[int, ...]
) -> None:
    low = np.array([counter[0] | counter[1] << 32], dtype=np.uint64)
    first, second = normals_twin.philox(np.array([*key, *counter[2:]], dtype=np.uint32), low)
    assert [int(first[0]), int(second[0])] == [result[0] | result[1] << 32, result[2] | result[3] << 32]


@pytest.mark.parametrize("counter", [0, 1, 15, 16, 2**32 + 5])
def test_uniforms_are_the_words_of_their_counter(implementation: str, counter: int) -> None:
    # Element i is half (i // 16) % 2 of counter 16 (i // 32) + i % 16: the halves of a counter are 16 elements apart.
    index = counter // 16 * 32 + counter % 16
    words = normals_twin.philox(IDENTITY, np.array([counter], dtype=np.uint64))
    for half, word in enumerate(words):
        middle = (int(word[0]) >> 12) * 2.0**-52 + 2.0**-53
        assert filled(_kernels.fill_uniforms, [index + 16 * half], 1)[0, 0] == middle


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("fill", FILLS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(starts=st.lists(st.integers(0, 2**64 - 1), max_size=4), count=st.integers(0, 100))
def test_numbers_have_the_bits_of_the_twin(name: str, fill: Callable[..., None], starts: list[int], count: int) -> None:
    before = _kernels.active().name
    try:
        _kernels.select("twin")
        expected = filled(fill, starts, count)
        _kernels.select(name)
        assert filled(fill, starts, count).tobytes() == expected.tobytes()
    finally:
        _kernels.select(before)


@pytest.mark.parametrize("fill", FILLS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(start=st.integers(0, 2**40), cuts=st.lists(st.integers(0, 200), max_size=4))
def test_any_split_gives_the_same_elements(fill: Callable[..., None], start: int, cuts: list[int]) -> None:
    bounds = sorted({0, 200, *cuts})
    parts = [filled(fill, [start + low], high - low)[0] for low, high in pairwise(bounds)]
    assert np.concatenate(parts).tobytes() == filled(fill, [start], 200).tobytes()


def test_adding_is_filling_scaling_and_adding(implementation: str) -> None:
    starts = np.array([3, 2**64 - 9], dtype=np.uint64)
    out = np.linspace(-1.0, 1.0, 2 * 75).reshape(2, 75)
    expected = out + 0.3 * filled(_kernels.fill_normals, [3, 2**64 - 9], 75)
    _kernels.add_normals(IDENTITY, starts, 0.3, out)
    assert out.tobytes() == expected.tobytes()


def test_indices_count_round_the_end(implementation: str) -> None:
    across = filled(_kernels.fill_normals, [2**64 - 5], 10)[0]
    assert np.array_equal(across[5:], filled(_kernels.fill_normals, [0], 5)[0])


def test_threads_at_once_give_the_same_numbers() -> None:
    expected = filled(_kernels.fill_normals, [7], 20_000)
    got: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: got.append(filled(_kernels.fill_normals, [7], 20_000))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    assert all(np.array_equal(one, expected) for one in got)


def test_normals_are_box_muller_pairs_to_a_few_units_in_the_last_place() -> None:
    # An independent second computation with the C library: radius and angle from the same words.
    counters = np.arange(16, dtype=np.uint64)
    pairs = filled(_kernels.fill_normals, [0], 32)[0].reshape(2, 16)
    for counter, (bits, turn) in enumerate(
        zip(*(word.tolist() for word in normals_twin.philox(IDENTITY, counters)), strict=True)
    ):
        radius = math.sqrt(-2 * math.log((bits >> 12) * 2.0**-52 + 2.0**-53))
        offset = (turn << 2 & 2**64 - 1 >> 12 << 12) * 2.0**-64 - 0.5 + 2.0**-53
        angle = (turn >> 62) * math.pi / 2 + offset * math.pi / 2
        assert pairs[0, counter] == pytest.approx(radius * math.cos(angle), rel=1e-14, abs=1e-15)
        assert pairs[1, counter] == pytest.approx(radius * math.sin(angle), rel=1e-14, abs=1e-15)


def test_the_distribution_is_normal() -> None:
    # Largest distance of the empirical distribution: 1.95 / sqrt(n) is exceeded once in a thousand (Kolmogorov).
    n = 2_000_000
    x = np.sort(filled(_kernels.fill_normals, [0], n)[0])
    at = x[:: n // 1000]
    expected = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in at])
    assert np.abs(expected - np.arange(0, n, n // 1000) / n).max() < 1.95 / math.sqrt(n)
    # Moments, each with a deviation of sqrt(var) / sqrt(n): 1, sqrt 2, sqrt 15, sqrt 96; five of them are allowed.
    for power, moment, deviation in ((1, 0, 1), (2, 1, 2**0.5), (3, 0, 15**0.5), (4, 3, 96**0.5)):
        assert abs((x**power).mean() - moment) < 5 * deviation / math.sqrt(n)
    # Beyond four deviations: 6.334e-5 of all, so 127 of them, give or take five times 11.3.
    assert abs((np.abs(x) > 4).sum() - n * math.erfc(4 / math.sqrt(2))) < 5 * math.sqrt(n * 6.334e-5)


def test_neighbours_and_halves_of_a_counter_are_independent() -> None:
    # A correlation of n independent pairs has a deviation of 1 / sqrt(n).
    n = 1_000_000
    x = filled(_kernels.fill_normals, [0], n)[0]
    for distance in (1, 2, 16, 32, 1024):
        a, b = x[:-distance], x[distance:]
        assert abs((a * b).mean()) < 5 / math.sqrt(n)
        assert abs(((a * a - 1) * (b * b - 1)).mean() / 2) < 5 / math.sqrt(n)


def test_the_tail_ends_where_the_uniforms_do() -> None:
    # The least uniform is 2^-53, the largest 1 - 2^-53.
    least = normals_twin.unit_interval(np.array([0], dtype=np.uint64))
    assert least[0] == 2.0**-53
    assert normals_twin.unit_interval(np.array([2**64 - 1], dtype=np.uint64))[0] == 1.0 - 2.0**-53
    zero, middle = np.array([0], dtype=np.uint64), np.array([1 << 61], dtype=np.uint64)
    assert normals_twin.box_muller(zero, middle)[0][0] == pytest.approx(math.sqrt(2 * 53 * math.log(2)), rel=1e-12)


def test_wrong_shapes_and_types_are_refused() -> None:
    out = np.empty((2, 3))
    with pytest.raises(ValueError, match="shapes do not fit"):
        _kernels.fill_normals(IDENTITY, np.zeros(1, dtype=np.uint64), out)
    with pytest.raises(ValueError, match="uint64"):
        _kernels.fill_normals(IDENTITY, np.zeros(2, dtype=np.int64), out)  # type: ignore[arg-type]
    if _kernels.active().name != "twin":  # which writes to any layout
        with pytest.raises(ValueError, match="contiguous"):
            _kernels.fill_uniforms(IDENTITY, np.zeros(2, dtype=np.uint64), np.empty((3, 2)).T)
