"""Are lines and parameters that cannot be refused by name?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aimcsim.analog.wires import PolynomialDrop, WireSpec
from aimcsim.errors import ConfigError


@pytest.mark.parametrize("name", ["input_pitch_ohm", "output_pitch_ohm", "source_ohm", "terminal_ohm"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_resistance_is_finite_and_not_negative(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"{name} must be finite and not negative \(got {value}\)"):
        WireSpec(**{name: value})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"source_ohm": "1"}, r"source_ohm must be a number of ohms \(got '1'\)"),
        ({"source_ohm": True}, r"source_ohm must be a number of ohms \(got True\)"),
        ({"arrangement": "x"}, r"arrangement must be input_source or separate_source \(got x\)"),
        ({"pairs": "x"}, r"pairs must be separate or interleaved \(got x\)"),
    ],
)
def test_other_mistakes_say_what_is_possible(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        WireSpec(**wrong)


def test_the_polynomial_by_hand() -> None:
    # Two inputs, one output, ratio 1: a = 2 (0.5 * 1 + 0.25 * 1) = 1.5, c = 1.5 (0.05 * 2.25 - 0.2 * 1.5 + 0.5)
    # = 0.46875; only input 1 is away from the end: 1 - (1 - 1/2)^2 = 3/4, so the drop is 2 c * (-0.25 * 3/4).
    drop = PolynomialDrop([[0.5, -0.25]], strength=2.0, ratio=1.0).drop([[1.0, 1.0]])

    assert drop == pytest.approx(np.array([[-0.17578125]]), rel=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"strength": -1.0}, "strength must be finite and not negative"),
        ({"ratio": 0.0}, "ratio must be finite and positive"),
        ({"weights": [[float("nan")]]}, "weights must be finite"),
        ({"weights": [1.0]}, r"weights must be finite and \[outputs, inputs\] \(got shape \[1\]\)"),
    ],
)
def test_the_polynomial_refuses_what_it_cannot_use(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PolynomialDrop(**{"weights": [[1.0]], **wrong})


def test_the_polynomial_takes_finite_inputs_only() -> None:
    with pytest.raises(ConfigError, match=r"x\[0, 0\] must be finite"):
        PolynomialDrop([[1.0]]).drop([[float("nan")]])
