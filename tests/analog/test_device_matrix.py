"""A matrix of a mapping in devices: does it err as its parts say, and as nobody's order of reading says?"""

import numpy as np
import pytest

from aimcsim.analog import ArraySpec, Block, Draws, ErrorSpec, Reads, program_devices, program_matrix
from aimcsim.analog.devices import device
from aimcsim.errors import ConfigError, InputError

TINY = {"rows": 64, "cols": 64, "cell_bits": 4, "cells": "differential", "flip": False, "weight_bits": 8}
BITS = {"input_bits": 8, "encoding": "bit_serial", "sign": "twos_complement", "bits_per_phase": 1}
SPEC = ArraySpec(**TINY, **BITS, adc_bits=8, adc_step=0)
SPECS = {
    "pairs, bits": SPEC,
    "pairs, two passes": ArraySpec(**TINY, **{**BITS, "sign": "two_pass", "bits_per_phase": 2}, adc_bits=8, adc_step=0),
    "pairs, pulses": ArraySpec(
        **TINY, **{**BITS, "encoding": "pulse_width", "sign": "bipolar"}, adc_bits=10, adc_step=0
    ),
    "offset, flipped": ArraySpec(
        **{**TINY, "cells": "offset", "flip": True, "cell_bits": 2}, **BITS, adc_bits=7, adc_step=0
    ),
    "wide codes": ArraySpec(**TINY, **{**BITS, "input_bits": 16}, adc_bits=14, adc_step=1),
}
BLOCKS = [Block(0, 2, 0, 20, 0, 5), Block(0, 2, 20, 13, 0, 5)]
# A device model with no error at all, which takes the way of those that err.
FLAWLESS = ErrorSpec(device=device("generic"))


def case(seed=0, vectors=7):
    """Return a matrix of two groups of 33 x 5, and vectors for it."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(2, 33, 5)).astype(np.float32)
    return weight, rng.normal(size=(vectors, 66)).astype(np.float32)


def programmed(errors, spec=SPEC, *, seed=1, replicas=1, weight=None):
    return program_devices(
        case()[0] if weight is None else weight, BLOCKS, spec, errors, draws=Draws.of(seed), replicas=replicas
    )


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_devices_without_error_compute_the_integers_of_the_quantized_matrix(spec, implementation):
    weight, x = case()

    found = programmed(FLAWLESS, spec).at(0.0).mvm(x)

    assert np.array_equal(found, program_matrix(weight, BLOCKS, spec).mvm(x))


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_their_codes_are_those_of_the_quantized_matrix(spec):
    weight, x = case()

    found = programmed(FLAWLESS, spec).at(0.0).partial(x, [0, 1], codes=True).codes

    expected = program_matrix(weight, BLOCKS, spec).partial(x, [0, 1], codes=True).codes
    for index in (0, 1):
        assert np.array_equal(found[index], expected[index])


def test_what_digit_zero_conducts_is_taken_off_again():
    # A cell of digit 0 conducts a tenth of the largest. In a pair both columns gain the same, so codes of a wide
    # converter round the same way and the difference is exact.
    spec = ArraySpec(**TINY, **BITS, adc_bits=20, adc_step=1)
    weight, x = case()

    found = programmed(ErrorSpec(device=device("generic"), on_off_ratio=10.0), spec).at(0.0).mvm(x)

    assert np.array_equal(found, program_matrix(weight, BLOCKS, spec).mvm(x))


def test_what_digit_zero_conducts_is_taken_off_by_the_sum_of_all_inputs_of_the_array():
    # With an offset the least conductance times the sum of the inputs of both groups is known and subtracted. What is
    # left is the rounding of codes, half a unit cell each: 2 blocks, phases that count 255 together, slices 17.
    spec = ArraySpec(**{**TINY, "cells": "offset"}, **BITS, adc_bits=20, adc_step=1)
    weight, x = case()

    found = programmed(ErrorSpec(device=device("generic"), on_off_ratio=10.0), spec).at(0.0).mvm(x)

    exact = program_matrix(weight, BLOCKS, spec).mvm(x)
    unit = np.abs(x).max(axis=1, keepdims=True) / 127 * np.abs(weight).max(axis=1).reshape(1, -1) / 127
    assert np.all(np.abs(found - exact) <= 0.5 * 2 * 255 * 17 * unit)
    assert not np.array_equal(found, exact)


NOISY = {
    "pcm": ErrorSpec(device=device("pcm")),
    "read noise": ErrorSpec(device=device("generic", programming=0.02, read=0.02)),
    "noise of products": ErrorSpec(device=device("generic", read=0.02, redraw="product")),
    "converters": ErrorSpec(adc_gain_sigma=0.05, adc_offset_sigma=0.02),
    "circuits": ErrorSpec(adc_kind="sar", adc_capacitor_sigma=0.05, adc_range="maximum"),
    "drivers": ErrorSpec(driver_gain_sigma=0.05, driver_noise_sigma=0.05),
    "limit": ErrorSpec(column_limit=3.0),
    "ranges of inputs": ErrorSpec(input_range="percentile", input_percentile=0.8),
    "cells not linear": ErrorSpec(current_voltage="cubic", read_voltage_v=0.8, adc_rounding="half_even"),
    "stuck": ErrorSpec(stuck_on=0.05, stuck_off=0.05),
    "wires": ErrorSpec(row_wire=1e-4, column_wire=1e-4),
    "tensor": ErrorSpec(weight_scale="tensor"),
}


@pytest.mark.parametrize("errors", NOISY.values(), ids=NOISY)
def test_every_vector_has_its_own_noise_whoever_reads_it_with_what(errors, implementation):
    _, x = case(vectors=6)
    matrix = programmed(errors, replicas=2).at(3600.0)
    reads = Reads.of_requests(3, 2, 3)

    together = matrix.mvm(x, reads)

    one_by_one = [matrix.mvm(x[[i]], Reads.of_vector(3 + i // 3, i % 3))[0] for i in (5, 0, 3, 1, 4, 2)]
    assert np.array_equal(together[[5, 0, 3, 1, 4, 2]], one_by_one)
    apart = matrix.merge([matrix.partial(x, [1], reads), matrix.partial(x, [0], reads)])
    assert np.array_equal(together, apart)


@pytest.mark.parametrize("errors", NOISY.values(), ids=NOISY)
def test_every_error_changes_something_and_the_same_seed_draws_the_same(errors):
    _, x = case()
    flawless = programmed(FLAWLESS).at(0.0).mvm(x)

    first, again = (programmed(errors).at(3600.0).mvm(x) for _ in range(2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, flawless)


def test_replicas_are_other_arrays_and_take_turns():
    # Vector i is read in replica i mod 3. The same input as vectors 0 to 5 gives three outputs, twice each.
    _, x = case()
    matrix = programmed(NOISY["pcm"], replicas=3).at(0.0)

    found = matrix.mvm(np.repeat(x[:1], 6, axis=0), Reads.of_requests(0, 1, 6))

    assert np.array_equal(found[:3], found[3:])
    assert len(np.unique(found[:3], axis=0)) == 3
    assert np.array_equal(found[0], programmed(NOISY["pcm"]).at(0.0).mvm(x[:1])[0])


def test_read_noise_lumped_per_column_has_the_deviation_of_noise_drawn_per_cell():
    # One phase of pulses, so that a read is a product. Offset cells at mid-range, where none is cut off at 0: digit
    # 128 +- 60 of 255 at a deviation of 2 % of the largest conductance is beyond 13 deviations. The deviation of an
    # estimate from n draws is 1 / sqrt(2 n) of it: 1.6 % for 2000; the ratio of two varies by 2.2 %, and four times
    # that is 9 %.
    spec = ArraySpec(
        **{**TINY, "cells": "offset", "cell_bits": 8, "rows": 33},
        **{**BITS, "encoding": "pulse_width", "sign": "bipolar"},
        adc_bits=22,
        adc_step=1,
    )
    weight = (np.random.default_rng(2).uniform(-0.45, 0.45, size=(1, 33, 4))).astype(np.float32)
    weight[:, 0] = 1.0  # the scale
    x = np.repeat(np.random.default_rng(3).normal(size=(1, 33)).astype(np.float32), 2000, axis=0)
    x[:, 0] = 0.0

    def deviation(redraw):
        errors = ErrorSpec(device=device("generic", read=0.02, redraw=redraw))
        blocks = [Block(0, 1, 0, 33, 0, 4)]
        matrix = program_devices(weight, blocks, spec, errors, draws=Draws.of(5))
        return matrix.at(0.0).mvm(x).std(axis=0)

    lumped, sampled = deviation("phase"), deviation("product")

    expected = 0.02 * 255 / 127 * np.sqrt((x[0] ** 2).sum())  # a cell of 255 digits is 255 / 127 weights
    assert np.all(np.abs(lumped / sampled - 1) < 0.09)
    assert np.all(np.abs(lumped / expected - 1) < 0.07)


def test_a_compensation_brings_the_gain_back_that_drift_took():
    # Devices fall by (T / t0)^-nu with nu around 0.049 (full) to 0.1 (empty ones), spread by 0.008 or more. After a day
    # that is 4321^-nu: the gain of a product lies between 0.66 and 0.43, or a little beside it by the spread. One
    # factor, or one for each output, brings it to 1; from 64 calibration vectors of 33 inputs within a few percent.
    _, x = case(vectors=400)
    errors = ErrorSpec(device=device("pcm", programming_scale=0.0, read_scale=0.0))
    arrays = programmed(errors, ArraySpec(**TINY, **BITS, adc_bits=20, adc_step=1))
    then = arrays.at(0.0).mvm(x).astype(np.float64)

    gains = [
        (arrays.at(86_400.0, how).mvm(x) * then).sum() / (then * then).sum() for how in ("none", "global", "column")
    ]

    assert 0.43 < gains[0] < 0.7
    assert abs(gains[1] - 1) < 0.03
    assert abs(gains[2] - 1) < 0.03


def test_at_the_time_of_programming_there_is_nothing_to_compensate():
    _, x = case()
    arrays = programmed(NOISY["pcm"])

    assert np.array_equal(arrays.at(0.0, "global").mvm(x), arrays.at(0.0).mvm(x))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("on_off_ratio", 1.0),
        ("stuck_on", 1.5),
        ("adc_gain_sigma", -0.1),
        ("row_wire", float("inf")),
        ("column_limit", float("inf")),
        ("adc_kind", "flash"),
        ("adc_gain_db", 10.0),
        ("driver_noise_sigma", 2.0),
        ("input_percentile", 0.0),
        ("read_voltage_v", 0.0),
        ("stuck_off", float("nan")),
    ],
)
def test_what_no_array_can_be_is_refused(name, value):
    with pytest.raises(ConfigError, match=name):
        ErrorSpec(**{name: value})


def test_a_time_that_a_model_does_not_know_is_refused():
    with pytest.raises(InputError, match="time_s"):
        programmed(ErrorSpec(device=device("rram_wan"))).at(3600.0)
