"""Do the kernels of resistive lines give the bits of their twins, and refuse what they cannot take?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimcsim import _kernels
from aimcsim._kernels import wires_twin

OTHERS = [name for name in _kernels.implementations() if name != "twin"]


def on(name: str, work: Callable[[], Any]) -> Any:
    """Return what `work` gives with the implementation `name`."""
    before = _kernels.active().name
    _kernels.select(name)
    try:
        return work()
    finally:
        _kernels.select(before)


@pytest.mark.parametrize("name", OTHERS)
@settings(max_examples=100, deadline=None, derandomize=True)
@given(inputs=st.integers(1, 40), outputs=st.integers(1, 52), seed=st.integers(0, 99))
def test_every_instruction_set_has_the_bits_of_the_twin(name: str, inputs: int, outputs: int, seed: int) -> None:
    numbers = np.random.default_rng(seed)
    g = numbers.uniform(0, 1e-3, (inputs, outputs)) * (numbers.random((inputs, outputs)) > 0.3)
    below = numbers.choice([0.0, 0.5, 20.0, 3e4], inputs)
    head, pitch = numbers.choice([0.0, 0.5, 3e4], 2)

    def work() -> np.ndarray:
        return _kernels.eliminate(g, head=head, pitch=pitch, below=below)

    assert on("twin", work).tobytes() == on(name, work).tobytes()


def test_wide_and_tall_arrays_have_the_bits_of_the_twin() -> None:
    numbers = np.random.default_rng(1)
    for shape in ((3, 150), (150, 3), (40, 97)):
        g, below = numbers.uniform(0, 1e-4, shape), np.ones(shape[0])
        found = {on(name, lambda: _kernels.eliminate(g, head=1.0, pitch=1.0, below=below).tobytes())  # noqa: B023
                 for name in _kernels.implementations()}  # fmt: skip
        assert len(found) == 1


@pytest.mark.parametrize("name", OTHERS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    supplies=st.integers(1, 2), inputs=st.integers(1, 20), outputs=st.integers(1, 40), batch=st.integers(0, 3),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_supplied_lines_have_the_bits_of_the_twin(
    name: str, supplies: int, inputs: int, outputs: int, batch: int, seed: int
) -> None:
    numbers = np.random.default_rng(seed)
    g = numbers.uniform(0, 1e-3, (supplies, inputs, outputs)) * (numbers.random((supplies, inputs, outputs)) > 0.3)
    bits = numbers.integers(0, 2, (batch, inputs)).astype(float)
    head, rail, line, end = numbers.choice([1e-4, 0.5, 1e30], 4)

    def work() -> np.ndarray:
        return _kernels.read_supplied(g, bits, np.array([1.0, -1.0])[:supplies], (head, rail, line, end))

    assert on("twin", work).tobytes() == on(name, work).tobytes()


def test_a_sweep_inverts_a_matrix_and_solves_with_it() -> None:
    numbers = np.random.default_rng(2)
    half = numbers.normal(size=(9, 9))
    matrix, right = half @ half.T + np.eye(9), numbers.normal(size=(9, 4))
    y, j = matrix.copy(), right.copy()

    wires_twin.sweep(y, j)

    assert -np.tril(y) == pytest.approx(np.tril(np.linalg.inv(matrix)), abs=1e-12)
    assert j == pytest.approx(np.linalg.solve(matrix, right), abs=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"g": np.ones(3)}, "shapes do not fit"),
        ({"g": np.ones((0, 3))}, "shapes do not fit"),
        ({"below": np.ones(3)}, "shapes do not fit"),
        ({"g": np.full((2, 3), np.nan)}, "g must be finite and not negative"),
        ({"below": np.array([1.0, -1.0])}, "below must be finite and not negative"),
        ({"head": np.inf}, "head must be finite and not negative"),
        ({"pitch": -1.0}, "pitch must be finite and not negative"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _kernels.eliminate(**{"g": np.ones((2, 3)), "head": 1.0, "pitch": 1.0, "below": np.ones(2), **wrong})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"g": np.ones((2, 3))}, "shapes do not fit"),
        ({"g": np.ones((3, 2, 3)), "volts": np.ones(3)}, "shapes do not fit"),
        ({"bits": np.ones((1, 3))}, "shapes do not fit"),
        ({"volts": np.ones(2)}, "shapes do not fit"),
        ({"g": np.full((1, 2, 3), -1.0)}, "g must be finite and not negative"),
        ({"siemens": (1.0, 1.0, 0.0, 1.0)}, "siemens must be finite and positive"),
    ],
)
def test_supplied_lines_that_do_not_fit_are_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    right = {"g": np.ones((1, 2, 3)), "bits": np.ones((1, 2)), "volts": np.ones(1), "siemens": (1.0, 1.0, 1.0, 1.0)}
    with pytest.raises(ValueError, match=message):
        _kernels.read_supplied(**{**right, **wrong})
