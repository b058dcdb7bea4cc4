"""Does a number depend on who asks for which element, and on nothing else?"""

from __future__ import annotations

import numpy as np
import pytest

from aimcsim.analog.draws import Draws
from aimcsim.errors import ConfigError

PLACE = Draws.of(7).child("layer", "conv1").child("block", 3)


def test_the_same_path_gives_the_same_numbers() -> None:
    again = Draws.of(7).child("layer", "conv1").child("block", 3)
    assert np.array_equal(PLACE.normal("programming", (4, 5)), again.normal("programming", (4, 5)))


@pytest.mark.parametrize(
    "other",
    [
        Draws.of(8).child("layer", "conv1").child("block", 3),
        Draws.of(7).child("layer", "conv2").child("block", 3),
        Draws.of(7).child("layer", "conv1").child("block", 4),
        Draws.of(7).child("layer", "conv1").child("block", "3"),
        Draws.of(7).child("block", 3).child("layer", "conv1"),
        Draws.of(7).child("layerconv1", "").child("block", 3),
    ],
    ids=["seed", "layer", "block", "text for a number", "order", "where names end"],
)
def test_any_other_path_gives_others(other: Draws) -> None:
    assert not np.any(PLACE.normal("programming", 50) == other.normal("programming", 50))


def test_names_that_run_together_stay_apart() -> None:
    # Both would be "layersssx" if kind, the mark for text and name were only put one after the other.
    apart = Draws.of(7).child("layer", "ssx"), Draws.of(7).child("layers", "sx")
    assert not np.any(apart[0].normal("read", 50) == apart[1].normal("read", 50))


def test_purposes_do_not_share_numbers() -> None:
    assert not np.any(PLACE.normal("programming", 50) == PLACE.normal("flicker", 50))


def test_an_element_does_not_depend_on_shape_or_batch() -> None:
    whole = PLACE.normal("read", 600)
    assert np.array_equal(PLACE.normal("read", (20, 30)).ravel(), whole)
    assert np.array_equal(PLACE.normal("read", 100, start=57), whole[57:157])
    rows = PLACE.normal_rows("read", [500, 0, 40], 100)
    assert np.array_equal(rows, np.stack([whole[500:], whole[:100], whole[40:140]]))


def test_adding_is_scaling_and_adding() -> None:
    out = np.ones((3, 7))
    PLACE.add_normal(out, "read", 0.5)
    assert np.array_equal(out, 1.0 + 0.5 * PLACE.normal("read", (3, 7)))
    with pytest.raises(ValueError, match="contiguous"):
        PLACE.add_normal(out.T, "read", 0.5)


def test_the_order_of_calls_does_not_matter() -> None:
    first = [PLACE.normal("read", 10, start=start) for start in (0, 10)]
    second = [PLACE.normal("read", 10, start=start) for start in (10, 0)]
    assert np.array_equal(first[0], second[1])
    assert np.array_equal(first[1], second[0])


def test_uniforms_lie_inside_zero_and_one() -> None:
    u = PLACE.uniform("phase", 100_000)
    assert u.min() > 0.0
    assert u.max() < 1.0
    assert abs(u.mean() - 0.5) < 5 / np.sqrt(12 * u.size)


def test_empty_shapes_are_empty() -> None:
    assert PLACE.normal("read", (0, 5)).shape == (0, 5)
    assert PLACE.normal_rows("read", [], 5).shape == (0, 5)


@pytest.mark.parametrize("seed", [1.5, "1", None, True])
def test_a_seed_that_is_no_integer_is_refused(seed: object) -> None:
    with pytest.raises(ConfigError, match="seed must be an integer"):
        Draws.of(seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("start", [-1, 2**64])
def test_an_index_outside_the_stream_is_refused(start: int) -> None:
    with pytest.raises(ValueError, match="start must be in"):
        PLACE.normal("read", 3, start=start)
