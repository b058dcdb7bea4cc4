"""What does a wrong argument say? Always one clear error that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aimcsim.analog import (
    AnalogSpec,
    CellSpec,
    ConverterSpec,
    InputSpec,
    PeripherySpec,
    RangeSpec,
    ReadoutSpec,
    WireSpec,
    program,
)
from aimcsim.errors import ConfigError, InputError

W = np.random.default_rng(1).normal(0, 0.3, (6, 4))
CODED = AnalogSpec(
    inputs=InputSpec(bits=6, range="abs_max", scale=0.0), converter=ConverterSpec(kind="uniform", bits=6)
)
SPECS = {"exact": AnalogSpec(), "coded": CODED, "general": AnalogSpec(precision="float64")}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(4), "weights: must be [K, N] (got [4])"),
        (np.zeros((2, 3, 4)), "weights: must be [K, N] (got [2, 3, 4])"),
        (np.zeros((0, 3)), "weights: must have at least one row (got [0, 3])"),
        (np.zeros((3, 0)), "weights: must be [K, N] (got [3, 0])"),
        (np.array([["a", "b"]]), "weights: must hold real numbers (got <U1)"),
        (np.zeros((2, 2), dtype=complex), "weights: must hold real numbers (got complex128)"),
        (np.array([[1.0, np.nan]]), "weights: holds nan at [0, 1]; must be finite"),
        (np.array([[1.0], [-np.inf]]), "weights: holds -inf at [1, 0]; must be finite"),
        ([[1, 2], [3]], "weights: must be an array of real numbers"),
        (None, "weights: must hold real numbers (got object)"),
        ([[1e16]], "weights: holds 1e+16 at [0, 0]; must be within 1e+15"),
    ],
)
def test_weights_that_are_no_matrix_are_refused(weights, message):
    with pytest.raises(InputError) as caught:
        program(weights)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("call", ["mvm", "outputs"])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(6), "x: must be [B, 6] (got [6])"),
        (np.zeros((2, 5)), "x: must be [B, 6] (got [2, 5])"),
        (np.zeros((2, 5), dtype=np.float32), "x: must be [B, 6] (got [2, 5])"),
        (np.zeros((2, 6), dtype=object), "x: must hold real numbers (got object)"),
        (np.full((2, 6), np.inf), "x: holds inf at [0, 0]; must be finite"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(x, message, spec, call):
    matrix = program(W, spec)

    with pytest.raises(InputError) as caught:
        getattr(matrix, call)(x)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("call", ["mvm", "outputs"])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_float32_vector_that_is_not_finite_is_refused_by_name(bad, spec, call):
    x = np.ones((3, 6), dtype=np.float32)
    x[1, 4] = bad

    with pytest.raises(InputError, match=r"^x"):
        getattr(program(W, spec), call)(x)


@pytest.mark.parametrize("call", ["mvm", "outputs"])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_inputs_of_any_size_give_finite_outputs_or_an_error(kind, spec, call):
    matrix = program(W, spec)

    for size in (0.0, 1e-45, 1e-30, 1e15):
        x = np.full((2, 6), size, dtype=kind).clip(max=1e15)
        assert np.isfinite(getattr(matrix, call)(x) if call == "outputs" else matrix.mvm(x).outputs).all()
    with pytest.raises(InputError, match=r"^x: holds 3e\+38 at \[0, 0\]; must be within 1e\+15"):
        getattr(matrix, call)(np.full((2, 6), 3e38))


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_an_empty_batch_gives_no_outputs(spec):
    matrix = program(W, spec)

    found = matrix.mvm(np.zeros((0, 6)), codes=True)

    assert found.outputs.shape == matrix.outputs(np.zeros((0, 6), dtype=np.float32)).shape == (0, 4)
    assert found.counts.total()["reads"] == 0


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_layout_and_type_of_the_vectors_change_nothing(spec):
    matrix = program(W, spec)
    x = np.random.default_rng(2).integers(-4, 5, (5, 6)).astype(np.float64) / 4  # exact in every type

    expected = matrix.mvm(x).outputs

    for same in (np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x.astype(np.float32), x.astype(np.float16)):
        assert np.array_equal(matrix.mvm(same).outputs, expected)
        assert np.array_equal(matrix.outputs(same), expected)


@pytest.mark.parametrize(
    ("request_", "message"), [(-1, "request"), (1.5, "request"), (True, "request"), (2**40, "request")]
)
def test_a_request_that_is_no_number_of_a_vector_is_refused(request_, message):
    for spec in SPECS.values():
        with pytest.raises(InputError, match=rf"^{message}: must be an integer"):
            program(W, spec).outputs(np.zeros((1, 6)), 0.0, request_)


@pytest.mark.parametrize("time_s", [-1.0, float("nan"), float("inf"), "now", [1.0], None])
def test_a_time_that_the_device_does_not_know_is_refused(time_s):
    with pytest.raises(InputError, match=r"^time_s: "):
        program(W, AnalogSpec(device="pcm")).mvm(np.zeros((1, 6)), time_s)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AnalogSpec(device="pmc"), "no device model 'pmc'; there are"),
        (lambda: AnalogSpec(device=3), "AnalogSpec.device: must be a device model or the name of one (got 3)"),
        (lambda: AnalogSpec(cells=None), "AnalogSpec.cells: must be a CellSpec (got None)"),
        (lambda: AnalogSpec(wires=1.0), "AnalogSpec.wires: must be a WireSpec or None (got 1.0)"),
        (lambda: AnalogSpec(rows=-1), "AnalogSpec.rows: must be an integer from 0 to 65535 (got -1)"),
        (lambda: AnalogSpec(rows=1.5), "AnalogSpec.rows: must be an integer from 0 to 65535 (got 1.5)"),
        (lambda: AnalogSpec(precision="half"), "AnalogSpec.precision: must be one of float32, float64 (got 'half')"),
        (lambda: AnalogSpec(read_voltage_v=float("nan")), "AnalogSpec.read_voltage_v: must be a number from"),
        (lambda: CellSpec(pairing="three"), "CellSpec.pairing: must be one of one_sided, two_sided, offset"),
        (lambda: CellSpec(on_off_ratio=0.5), "CellSpec.on_off_ratio: must be a number from 1 to inf (got 0.5)"),
        (lambda: CellSpec(slices=2), "CellSpec.weight_bits: must be 2 to 16 where weights are cut into slices"),
        (lambda: CellSpec(slices=2, weight_bits=9, bits_per_slice=3), "CellSpec.bits_per_slice: must be enough"),
        (lambda: CellSpec(flip=True), "CellSpec.pairing: must be offset"),
        (lambda: CellSpec(interleaved=1), "CellSpec.interleaved: must be True or False (got 1)"),
        (lambda: CellSpec(stuck_on=0.7, stuck_off=0.7), "CellSpec.stuck_off: must be a number from 0 to 0.3"),
        (lambda: CellSpec(weight_range=(1.0, -1.0)), "CellSpec.weight_range: must be two finite numbers"),
        (lambda: InputSpec(bits=17), "InputSpec.bits: must be an integer from 0 to 16 (got 17)"),
        (lambda: InputSpec(encoding="bit_serial"), "InputSpec.bits: must be at least 2"),
        (
            lambda: InputSpec(sign="twos_complement"),
            "InputSpec.sign: must be bipolar or offset or two_phase or unsigned",
        ),
        (lambda: InputSpec(bits=8, step=0.1), "InputSpec.step: must be 0"),
        (lambda: InputSpec(scale=0.0), "InputSpec.scale: must be above 0 where it is the range (got 0.0)"),
        (lambda: ConverterSpec(bits=0), "ConverterSpec.bits: must be an integer from 1 to 16 (got 0)"),
        (lambda: ConverterSpec(kind="flash"), "ConverterSpec.kind: must be one of ideal, uniform, sar"),
        (lambda: ConverterSpec(group_size=0), "ConverterSpec.group_size: must be an integer from 1"),
        (lambda: RangeSpec(kind="fixed"), "RangeSpec.bounds: must be one pair"),
        (lambda: RangeSpec(kind="fixed", bounds=((2.0, 1.0),)), "RangeSpec.bounds: must be pairs of finite numbers"),
        (lambda: ReadoutSpec(column_limit=-1.0), "ReadoutSpec.column_limit: must be a number from 0 to inf (got -1.0)"),
        (lambda: PeripherySpec(noise_sigma=-0.1), "PeripherySpec.noise_sigma: must be a number from 0"),
        (
            lambda: AnalogSpec(cells=CellSpec(pairing="offset"), periphery=PeripherySpec(noise_sigma=0.1)),
            "AnalogSpec.periphery: must be without effect but for real weights in pairs",
        ),
        (
            lambda: AnalogSpec(wires=WireSpec(pairs="interleaved")),
            "CellSpec.interleaved: must be True where the wires are those of interleaved pairs (got False)",
        ),
        (
            lambda: AnalogSpec(converter=ConverterSpec(range=RangeSpec(kind="fixed", bounds=((0.0, 1.0),) * 3))),
            "RangeSpec.bounds: must be 1 pair or 1, one for every slice",
        ),
    ],
)
def test_a_figure_out_of_range_is_refused_by_name(make: Callable[[], Any], message: str):
    with pytest.raises(ConfigError) as caught:
        make()

    assert message in str(caught.value)


def test_a_seed_and_a_spec_of_another_kind_are_refused():
    with pytest.raises(ConfigError, match=r"^seed must be an integer \(got 'a'\)"):
        program(W, AnalogSpec(), "a")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^spec: must be an AnalogSpec \(got dict\)"):
        program(W, {})  # type: ignore[arg-type]


def test_a_matrix_larger_than_any_array_stands_in_several():
    """70 000 rows are more than an array's 65 535; equal parts of at most 1024 rows are 69 of them."""
    w = np.zeros((70_000, 1))
    w[-1] = 1.0

    matrix = program(w, AnalogSpec(rows=1024))

    assert len(matrix.arrays) == 69
    x = np.zeros((1, 70_000))
    x[0, -1] = 2.0
    assert matrix.mvm(x).outputs == pytest.approx(2.0)
