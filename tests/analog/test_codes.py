"""Does every converter give the code, and every array the integer, that the plain model says?"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aimcsim import _kernels
from aimcsim.analog import ArraySpec, Block, program_matrix
from aimcsim.analog.spec import CellKind, Encoding, Sign
from aimcsim.errors import ConfigError


def _load_model() -> ModuleType:
    """Import the model beside this file; test folders are no packages."""
    spec = importlib.util.spec_from_file_location("integer_model", Path(__file__).with_name("integer_model.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


model = _load_model()

DRIVES: list[tuple[Encoding, Sign]] = [
    ("bit_serial", "twos_complement"),
    ("bit_serial", "two_pass"),
    ("pulse_width", "two_pass"),
    ("pulse_width", "bipolar"),
]
CELLS: list[tuple[CellKind, bool]] = [("differential", False), ("offset", False), ("offset", True)]


@contextmanager
def using(implementation: str) -> Iterator[None]:
    before = _kernels.active().name
    _kernels.select(implementation)
    try:
        yield
    finally:
        _kernels.select(before)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Return a small array, a matrix cut into blocks for it, and some vectors."""
    encoding, sign = draw(st.sampled_from(DRIVES))
    cells, flip = draw(st.sampled_from(CELLS))
    groups, rows, cols = draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    figures = {
        "cell_bits": draw(st.integers(1, 8)),
        "weight_bits": draw(st.integers(2, 9)),
        "input_bits": draw(st.integers(2, 9)),
        "bits_per_phase": draw(st.integers(1, 4)),
        "adc_bits": draw(st.integers(1, 12)),
        "adc_step": draw(st.sampled_from([0, 0, 1, 1, 2, 3, 5, 8, 100])),
    }
    spec = ArraySpec(rows=groups * rows, cols=256, cells=cells, flip=flip, encoding=encoding, sign=sign, **figures)
    numbers = np.random.default_rng(draw(st.integers(0, 2**32)))
    # Whole numbers half of the time: ties of the quantiser and zero columns occur.
    weight = numbers.normal(size=(groups, rows, cols)) * draw(st.sampled_from([1.0, 30.0]))
    x = numbers.normal(size=(draw(st.integers(1, 3)), groups * rows))
    if draw(st.booleans()):
        weight, x = np.rint(weight), np.rint(3 * x)
    return {"spec": spec, "weight": weight.astype(np.float32), "x": x.astype(np.float32), "cut": draw(st.booleans())}


def cut(shape: tuple[int, int, int], fine: bool) -> list[Block]:
    """Return one block for all, or one per group, upper and lower rows, left and right columns."""
    groups, rows, cols = shape
    if not fine:
        return [Block(0, groups, 0, rows, 0, cols)]
    upper, left = (rows + 1) // 2, (cols + 1) // 2
    return [
        Block(group, 1, first_row, count, first_col, width)
        for group in range(groups)
        for first_col, width in ((0, left), (left, cols - left))
        for first_row, count in ((0, upper), (upper, rows - upper))
        if count and width
    ]


def integers(case: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return the model's integer weights [group][row][col] and inputs [vector][group][row]."""
    spec, weight, x = case["spec"], case["weight"].astype(float), case["x"].astype(float)
    groups, rows, cols = weight.shape
    columns = [
        [model.to_integers(weight[g, :, n].tolist(), spec.weight_bits)[0] for n in range(cols)] for g in range(groups)
    ]
    weights = [[[columns[g][n][k] for n in range(cols)] for k in range(rows)] for g in range(groups)]
    vectors = [model.to_integers(vector.tolist(), spec.input_bits)[0] for vector in x]
    return weights, [[vector[g * rows : (g + 1) * rows] for g in range(groups)] for vector in vectors]


def read_by_model(case: dict[str, Any], block: Block) -> list[Any]:
    """Return the model's reading of `block` for every vector."""
    weights, inputs = integers(case)
    group_slice, row_slice, col_slice = block.slices
    part = [[row[col_slice] for row in group[row_slice]] for group in weights[group_slice]]
    return [model.read_block(case["spec"], part, [g[row_slice] for g in v[group_slice]]) for v in inputs]


@pytest.mark.parametrize("name", _kernels.implementations())
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(case=cases())
def test_every_code_and_every_integer_equal_those_of_the_plain_model(name: str, case: dict[str, Any]) -> None:
    blocks = cut(case["weight"].shape, case["cut"])

    with using(name):
        partial = program_matrix(case["weight"], blocks, case["spec"]).partial(
            case["x"], range(len(blocks)), codes=True
        )

    assert partial.codes is not None
    for index, block in enumerate(blocks):
        readings = read_by_model(case, block)
        assert [reading.codes for reading in readings] == partial.codes[index].tolist()
        assert [reading.outputs for reading in readings] == partial.blocks[index].tolist()


@pytest.mark.parametrize(("encoding", "sign"), DRIVES)
@pytest.mark.parametrize(("cells", "flip"), CELLS)
@pytest.mark.parametrize("step", [1, 3])
def test_a_converter_too_small_saturates_as_the_model_does(
    implementation: str, encoding: Encoding, sign: Sign, cells: CellKind, flip: bool, step: int
) -> None:
    spec = ArraySpec(
        rows=24, cols=64, cell_bits=3, cells=cells, flip=flip, weight_bits=7, input_bits=6, encoding=encoding,
        sign=sign, bits_per_phase=2, adc_bits=3, adc_step=step,
    )  # fmt: skip
    numbers = np.random.default_rng(3)
    weight = numbers.normal(size=(1, 24, 5)).astype(np.float32)
    case: dict[str, Any] = {"spec": spec, "weight": weight, "x": numbers.normal(size=(3, 24)).astype(np.float32)}
    block = Block(0, 1, 0, 24, 0, 5)

    partial = program_matrix(weight, [block], spec).partial(case["x"], [0], codes=True)

    readings = read_by_model(case, block)
    assert all(reading.saturated for reading in readings)
    assert partial.codes is not None
    assert [reading.codes for reading in readings] == partial.codes[0].tolist()
    assert [reading.outputs for reading in readings] == partial.blocks[0].tolist()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(case=cases())
def test_a_converter_of_step_one_that_never_saturates_gives_the_integer_product(case: dict[str, Any]) -> None:
    # The largest column sum is rows * (2^cell_bits - 1) * largest level; 24 bits hold it or the case is set aside.
    given_spec = case["spec"]
    names = (
        "rows",
        "cols",
        "cell_bits",
        "cells",
        "flip",
        "weight_bits",
        "input_bits",
        "encoding",
        "sign",
        "bits_per_phase",
    )
    spec = ArraySpec(**{name: getattr(given_spec, name) for name in names}, adc_bits=24, adc_step=1)
    assume(spec.largest_sum < 2**23)
    blocks = cut(case["weight"].shape, case["cut"])
    weights, inputs = integers(case)

    matrix = program_matrix(case["weight"], blocks, spec)
    partial = matrix.partial(case["x"], range(len(blocks)))

    total = np.zeros((len(case["x"]), len(weights), len(weights[0][0])), dtype=np.int64)
    for index, block in enumerate(blocks):
        group_slice, _, col_slice = block.slices
        total[:, group_slice, col_slice] += partial.blocks[index].reshape(-1, block.groups, block.cols)
    assert total.reshape(len(total), -1).tolist() == [model.product(weights, vector) for vector in inputs]


def test_the_published_isaac_converter_is_eight_bits_and_loses_nothing() -> None:
    # 128 rows of two-bit cells read with single bits give sums up to 128 * 3 = 384, nine bits; the flipped-column
    # encoding halves that to 192, which eight bits hold at step 1 (ISAAC, ISCA 2016, section on encoding).
    spec = ArraySpec(
        rows=128, cols=128, cell_bits=2, cells="offset", flip=True, weight_bits=16, input_bits=16,
        encoding="bit_serial", sign="twos_complement", bits_per_phase=1, adc_bits=8, adc_step=0,
    )  # fmt: skip
    numbers = np.random.default_rng(1)
    weight = numbers.normal(size=(1, 128, 16)).astype(np.float32)
    x = numbers.normal(size=(4, 128)).astype(np.float32)

    partial = program_matrix(weight, [Block(0, 1, 0, 128, 0, 16)], spec).partial(x, [0])

    assert (spec.step, spec.largest_sum, spec.slices, spec.input_phases, spec.weights_per_row) == (1, 192, 8, 16, 16)
    weights, inputs = integers({"spec": spec, "weight": weight, "x": x})
    assert partial.blocks[0].tolist() == [model.product(weights, vector) for vector in inputs]


def test_sums_that_no_integer_holds_are_refused_when_the_matrix_is_programmed() -> None:
    # 600 rows * digit 255 * level 32767 = 5.0e9 > 2^31.
    spec = ArraySpec(
        rows=600, cols=64, cell_bits=8, cells="offset", flip=False, weight_bits=9, input_bits=16,
        encoding="pulse_width", sign="bipolar", bits_per_phase=1, adc_bits=8, adc_step=0,
    )  # fmt: skip
    with pytest.raises(ConfigError, match="does not fit 31 bits"):
        program_matrix(np.ones((1, 600, 1), dtype=np.float32), [Block(0, 1, 0, 600, 0, 1)], spec)
