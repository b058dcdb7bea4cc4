"""Do the figures derived from an array's description agree with those worked out by hand?"""

from __future__ import annotations

from typing import Any

import pytest

from aimcsim.analog import ArraySpec, Block
from aimcsim.errors import ConfigError

TINY = {
    "rows": 64, "cols": 64, "cell_bits": 4, "cells": "differential", "flip": False, "weight_bits": 8, "input_bits": 8,
    "encoding": "bit_serial", "sign": "twos_complement", "bits_per_phase": 1, "adc_bits": 8, "adc_step": 0,
}  # fmt: skip


def spec(**changes: Any) -> ArraySpec:
    return ArraySpec(**{**TINY, **changes})


@pytest.mark.parametrize(
    ("changes", "slices", "per_weight", "per_row"),
    [
        ({}, 2, 4, 16),  # 7 magnitude bits in 4-bit cells, times two columns
        ({"cells": "offset"}, 2, 2, 32),  # 8 bits in 4-bit cells
        ({"cells": "offset", "cell_bits": 3}, 3, 3, 21),  # 8 bits in 3-bit cells; one column of 64 stays free
        ({"cell_bits": 8}, 1, 2, 32),
        ({"weight_bits": 2, "cell_bits": 1}, 1, 2, 32),
    ],
)
def test_columns_of_a_weight(changes: dict[str, Any], slices: int, per_weight: int, per_row: int) -> None:
    found = spec(**changes)

    assert (found.slices, found.cells_per_weight, found.weights_per_row) == (slices, per_weight, per_row)


@pytest.mark.parametrize(
    ("changes", "polarities", "phases", "level"),
    [
        ({}, 1, 8, 1),
        ({"bits_per_phase": 2}, 1, 5, 3),  # bits 0-1, 2-3, 4-5, 6, and the sign bit by itself
        ({"bits_per_phase": 8}, 1, 2, 127),
        ({"sign": "two_pass"}, 2, 7, 1),
        ({"sign": "two_pass", "bits_per_phase": 4}, 2, 2, 15),
        ({"encoding": "pulse_width", "sign": "two_pass"}, 2, 1, 127),
        ({"encoding": "pulse_width", "sign": "bipolar"}, 1, 1, 127),
    ],
)
def test_phases_of_an_input(changes: dict[str, Any], polarities: int, phases: int, level: int) -> None:
    found = spec(**changes)

    assert (found.polarities, found.input_phases, found.level_max) == (polarities, phases, level)


@pytest.mark.parametrize(
    ("changes", "largest", "step", "codes"),
    [
        ({}, 960, 4, (0, 255)),  # 64 * 15; (960 + 1) // 2 = 480 > 255, (960 + 2) // 4 = 240
        ({"adc_bits": 10}, 960, 1, (0, 1023)),
        ({"cells": "offset", "flip": True}, 480, 2, (0, 255)),  # half of 960; (480 + 1) // 2 = 240
        ({"rows": 17}, 255, 1, (0, 255)),
        ({"cell_bits": 1, "rows": 256}, 256, 2, (0, 255)),
        ({"cell_bits": 1, "rows": 511, "adc_step": 0}, 511, 4, (0, 255)),  # (511 + 1) // 2 = 256 saturates
        ({"encoding": "pulse_width", "sign": "bipolar"}, 121920, 1024, (-128, 127)),  # 960 * 127; / 1024 = 119.1
        ({"adc_step": 7}, 960, 7, (0, 255)),
    ],
)
def test_range_and_step_of_the_converter(
    changes: dict[str, Any], largest: int, step: int, codes: tuple[int, int]
) -> None:
    found = spec(**changes)

    assert (found.largest_sum, found.step, (found.code_low, found.code_high)) == (largest, step, codes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell_bits": 9}, r"cell_bits must be 1 to 8 \(got 9\)"),
        ({"rows": 0}, "rows must be 1"),
        ({"adc_step": -1}, "adc_step must be 0"),
        ({"cells": "ternary"}, "differential or offset"),
        ({"sign": "bipolar"}, "bit_serial with twos_complement or two_pass"),
        ({"encoding": "pulse_width"}, "pulse_width with two_pass or bipolar"),
        ({"encoding": "amplitude"}, "got amplitude"),
        ({"flip": True}, "flip needs offset cells"),
        ({"cols": 3}, "a weight takes 4 columns, the array has 3"),
    ],
)
def test_what_no_array_can_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        spec(**changes)


def test_an_empty_block_is_refused() -> None:
    with pytest.raises(ValueError, match="rows too small"):
        Block(0, 1, 0, 0, 0, 1)
