"""The converters of a bank: who shares whose errors, and what do errors of a given size make of a sum?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aimcsim.analog import ArraySpec, Block, Draws, ErrorSpec, Ranges, Seat, program_devices, program_matrix
from aimcsim.analog.bank import ColumnConverters, code_steps, largest_sum
from aimcsim.analog.devices import device
from aimcsim.analog.wires import MiloCurve
from aimcsim.errors import ConfigError

# One phase of positive inputs, and a cell of 8 bits for a weight: column n of a block is its output n.
PULSES = {"input_bits": 8, "encoding": "pulse_width", "sign": "two_pass", "bits_per_phase": 1}
ONE_CELL = {"rows": 64, "cols": 64, "cell_bits": 8, "cells": "offset", "flip": False, "weight_bits": 8}
SPEC = ArraySpec(**ONE_CELL, **PULSES, adc_bits=8, adc_step=0)
BITS = {"input_bits": 8, "encoding": "bit_serial", "sign": "twos_complement", "bits_per_phase": 1}
PAIRS = ArraySpec(
    rows=64, cols=64, cell_bits=4, cells="differential", flip=False, weight_bits=8, **BITS, adc_bits=8, adc_step=5
)
BIPOLAR = replace(PAIRS, encoding="pulse_width", sign="bipolar")
ROOT = Draws.of(3)
CIRCUITS = ["sar", "ramp", "pipeline", "cyclic"]


def seat(bank=0, first_column=0, converters=64, first_row=0, crossbar=0):
    return Seat(ROOT.child("crossbar", crossbar), ROOT.child("bank", bank), first_row, first_column, converters)


def converters(errors, where=None, columns=8, spec=SPEC, step=1.0):
    return ColumnConverters(spec, errors, where or seat(), np.full(columns, step))


GAINS = ErrorSpec(adc_gain_sigma=0.1)
MISMATCH = {
    "gain": GAINS,
    "offset": ErrorSpec(adc_offset_sigma=0.1),
    "sar": ErrorSpec(adc_kind="sar", adc_capacitor_sigma=0.2),
    "ramp": ErrorSpec(adc_kind="ramp", adc_comparator_sigma=0.2),
    "pipeline": ErrorSpec(adc_kind="pipeline", adc_c1_sigma=0.2),
    "cyclic": ErrorSpec(adc_kind="cyclic", adc_c2_sigma=0.2),
}


@pytest.mark.parametrize("errors", MISMATCH.values(), ids=MISMATCH)
def test_columns_that_take_turns_at_one_converter_share_its_errors(errors):
    # A bank of 4 converters takes columns 0 to 3 at once, then 4 to 7: column n and n + 4 have the same one.
    sums = np.repeat(np.arange(0.0, 255.0)[:, np.newaxis], 8, axis=1)

    codes = converters(errors, seat(converters=4)).counted(sums)

    assert np.array_equal(codes[:, :4], codes[:, 4:])
    assert len(np.unique(codes[:, :4], axis=1).T) == 4


@pytest.mark.parametrize("errors", MISMATCH.values(), ids=MISMATCH)
def test_blocks_of_one_bank_meet_the_same_converters_wherever_they_stand(errors):
    # Columns 6 to 13 of a bank of 4, such as those of a block in the middle of a crossbar: converters 2, 3, 0, 1, ...
    sums = np.repeat(np.arange(0.0, 255.0)[:, np.newaxis], 8, axis=1)

    first = converters(errors, seat(converters=4)).counted(sums)
    other = converters(errors, seat(converters=4, first_column=6)).counted(sums)
    elsewhere = converters(errors, seat(bank=1, converters=4)).counted(sums)

    assert np.array_equal(other, first[:, [2, 3, 0, 1] * 2])
    assert not np.array_equal(elsewhere, first)


def test_a_gain_of_exactly_g_and_an_offset_of_exactly_o_are_rounded_sums():
    # The gain and offset that the bank has drawn, by their definition; codes are the nearest whole numbers to g x + o,
    # with o a part of the range of 255 codes, half-way ones the upper one.
    errors = ErrorSpec(adc_gain_sigma=0.1, adc_offset_sigma=0.01)
    gain = 1.0 + 0.1 * ROOT.child("bank", 0).normal("converter gain", 64)[:8]
    offset = 0.01 * ROOT.child("bank", 0).normal("converter offset", 64)[:8]
    sums = np.arange(0.0, 255.0)[:, np.newaxis]

    codes = converters(errors).counted(np.repeat(sums, 8, axis=1))

    assert np.array_equal(codes, np.clip(np.floor(gain * sums + 255 * offset + 0.5), 0, 255))


@pytest.mark.parametrize("kind", CIRCUITS)
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_circuits_without_mismatch_count_as_equal_levels_do(kind, bits):
    # Their thresholds are half a step from whole codes; sums of whole cells in steps of 5 never stand there, so codes
    # are (sum + 2) // 5. Amplifiers of 300 dB lose nothing that float64 sees.
    spec = ArraySpec(**ONE_CELL, **PULSES, adc_bits=bits, adc_step=5)
    errors = ErrorSpec(adc_kind=kind, adc_gain_db=300.0)
    sums = np.arange(-10.0, 5.0 * 2**bits + 20)

    codes = converters(errors, spec=spec, columns=1, step=5.0).counted(sums[:, np.newaxis])[:, 0]

    assert np.array_equal(codes, np.clip((sums + 2) // 5, 0, 2**bits - 1))


def test_every_kind_counts_as_it_is_defined():
    sums = np.array([[-3.0], [0.4], [0.5], [1.5], [2.6], [300.0]])

    def of(**fields):
        return converters(ErrorSpec(**fields), columns=1).counted(sums)[:, 0].tolist()

    assert of() == [0, 0, 1, 2, 3, 255]
    assert of(adc_rounding="half_even") == [0, 0, 0, 2, 3, 255]
    assert of(adc_rounding="floor") == [0, 0, 0, 1, 2, 255]
    assert of(adc_kind="oscillator") == [0, 0, 0, 1, 2, 255]
    assert of(adc_kind="ideal") == [-3.0, 0.4, 0.5, 1.5, 2.6, 300.0]


def test_the_ranges_are_what_they_are_called():
    # 64 rows of digits up to 255 at levels up to 127 add up to 2 072 640. With on_off_ratio r a cell of digit 0
    # conducts 1 / r of the largest, which is 255 / (r - 1) digits: 85 digits for r = 4, so 64 * 127 * 340.
    most = 64 * 255 * 127

    def of(ranges=None, **fields):
        return code_steps(SPEC, ErrorSpec(**fields), ranges or Ranges()).tolist()

    assert of() == [float(SPEC.step)]
    assert of(adc_range="granular") == [1.0]
    assert of(adc_range="maximum") == [most / 255]
    assert largest_sum(SPEC, ErrorSpec(on_off_ratio=4.0)) == pytest.approx(64 * 127 * 340, rel=1e-12)
    assert of(Ranges(converters=(510.0,))) == [2.0]
    with pytest.raises(ConfigError, match="need a calibration"):
        of(adc_range="calibrated")


def test_a_range_for_each_slice_counts_both_columns_of_its_pairs():
    # 7 bits in slices of 4 and 3: two slices of two columns.
    assert code_steps(PAIRS, ErrorSpec(), Ranges(converters=(255.0, 510.0))).tolist() == [1.0, 1.0, 2.0, 2.0]
    with pytest.raises(ConfigError, match="2 slices, and ranges are of 1"):
        code_steps(PAIRS, ErrorSpec(), Ranges(converters=(255.0,)))


BLOCK = [Block(0, 1, 0, 20, 0, 3)]


def matrix(errors, spec=PAIRS, *, weight=None, where=None, ranges=None):
    """Return a programmed block of 20 x 3 and its weights."""
    weight = np.random.default_rng(0).normal(size=(1, 20, 3)).astype(np.float32) if weight is None else weight
    seats = None if where is None else [[where]]
    return program_devices(weight, BLOCK, spec, errors, draws=Draws.of(1), seats=seats, ranges=ranges).at(0.0), weight


def vectors(count=6):
    return np.random.default_rng(1).normal(size=(count, 20)).astype(np.float32)


FLAWLESS = {"device": device("generic")}


@pytest.mark.parametrize("kind", [*CIRCUITS, "uniform"])
@pytest.mark.parametrize("rounding", ["half_up", "half_even"])
def test_a_block_behind_flawless_circuits_gives_the_integers_of_the_quantized_array(kind, rounding):
    # The step of 5 leaves no ties, so roundings agree as well.
    errors = ErrorSpec(**FLAWLESS, adc_kind=kind, adc_rounding=rounding, adc_gain_db=300.0)
    found, weight = matrix(errors)

    assert np.array_equal(found.mvm(vectors()), program_matrix(weight, BLOCK, PAIRS).mvm(vectors()))


def test_calibrated_ranges_are_the_steps_of_their_slices():
    # 1275 = 5 * 255, so a range of 1275 for either slice is the chip's own step of 5.
    found, weight = matrix(ErrorSpec(**FLAWLESS), ranges=Ranges(converters=(1275.0, 1275.0)))

    assert np.array_equal(found.mvm(vectors()), program_matrix(weight, BLOCK, PAIRS).mvm(vectors()))


def test_ideal_converters_pass_sums_on_so_that_integers_multiply_exactly():
    found, weight = matrix(ErrorSpec(**FLAWLESS, adc_kind="ideal"))
    x = vectors()

    scale, unit = np.abs(weight).max(axis=1) / 127, np.abs(x).max(axis=1, keepdims=True) / 127
    expected = np.rint(x / unit) @ np.rint(weight[0] / scale) * unit * scale
    assert np.allclose(found.mvm(x), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="no codes"):
        found.partial(x, [0], codes=True)


def test_inputs_beyond_a_fixed_range_are_those_at_its_end():
    # With a range of 1 an input of 0.5 has the level rint(63.5) = 64, and 7 that of 1.
    found, _ = matrix(ErrorSpec(**FLAWLESS, input_range="fixed", input_scale=1.0))
    x = np.zeros((3, 20), dtype=np.float32)
    x[:, 4] = [1.0, 7.0, 0.5]

    outputs = found.mvm(x)

    assert np.array_equal(outputs[0], outputs[1])
    other, _ = matrix(ErrorSpec(**FLAWLESS, input_range="fixed", input_scale=127 / 64))
    x[2, 4] = 1.0  # level 64 of a range 127 / 64 times as large
    assert np.allclose(other.mvm(x)[2] / (127 / 64), outputs[2], rtol=1e-6)


def test_a_percentile_range_is_the_quantile_of_the_vector_at_either_end():
    # 20 inputs 0, 1, ..., 19: their quantile of 0.9 is 0.9 * 19 = 17.1; 18 and 19 are clipped to it.
    found, _ = matrix(ErrorSpec(**FLAWLESS, input_range="percentile", input_percentile=0.9))
    fixed, _ = matrix(ErrorSpec(**FLAWLESS, input_range="fixed", input_scale=17.1))
    x = np.arange(20, dtype=np.float32)[np.newaxis]

    assert np.allclose(found.mvm(x), fixed.mvm(x), rtol=1e-6)
    assert np.array_equal(fixed.mvm(x), fixed.mvm(np.minimum(x, np.float32(17.1))))


def test_a_row_driver_multiplies_its_row():
    # Gains of drivers 3 to 22 of a crossbar, by their definition; one input at a time, ideal converters. A block whose
    # first row is 3 has them, whichever its columns are.
    errors = ErrorSpec(**FLAWLESS, adc_kind="ideal", driver_gain_sigma=0.2)
    gains = 1.0 + 0.2 * ROOT.child("crossbar", 0).normal("driver gain", 64)[3:23]
    plain, _ = matrix(ErrorSpec(**FLAWLESS, adc_kind="ideal"))

    found, _ = matrix(errors, where=seat(first_row=3, first_column=17))

    x = np.eye(20, dtype=np.float32)
    assert np.allclose(found.mvm(x), gains[:, np.newaxis] * plain.mvm(x), rtol=1e-5)


def test_the_kernel_drives_rows_with_the_same_gains():
    # Behind converters of 20 bits the rounding is far below a gain's per cent: the kernel's way equals the other one.
    spec = ArraySpec(**{**ONE_CELL, "cells": "differential"}, **BITS, adc_bits=20, adc_step=1)
    errors = ErrorSpec(**FLAWLESS, driver_gain_sigma=0.2)
    weight = np.random.default_rng(0).normal(size=(1, 20, 3)).astype(np.float32)

    fast, _ = matrix(errors, spec, weight=weight, where=seat())
    slow, _ = matrix(ErrorSpec(**FLAWLESS, driver_gain_sigma=0.2, adc_kind="ideal"), spec, weight=weight, where=seat())

    assert np.allclose(fast.mvm(vectors()), slow.mvm(vectors()), atol=2e-2 * np.abs(slow.mvm(vectors())).max())


def test_drivers_of_both_signs_fall_short_of_negative_levels():
    spec = ArraySpec(**ONE_CELL, **{**PULSES, "sign": "bipolar"}, adc_bits=8, adc_step=0)
    plain, _ = matrix(ErrorSpec(**FLAWLESS, adc_kind="ideal"), spec)
    errors = ErrorSpec(**FLAWLESS, adc_kind="ideal", driver_asymmetry=0.25)
    found, weight = matrix(errors, spec)
    x = np.zeros((1, 20), dtype=np.float32)
    x[0, 4] = -1.0

    # The column gets 3/4 of what it should; the offset of 128 is taken off with the whole input.
    level = np.rint(weight[0, 4] / np.abs(weight).max(axis=1) * 127)[0]
    ratio = (0.75 * (level + 128) - 128) / level
    assert np.allclose(found.mvm(x) / plain.mvm(x), ratio, rtol=1e-5)


def test_noise_of_drivers_has_its_deviation_times_the_cells_of_the_column():
    # Noise of 5 % of the largest level on each of 20 rows, none driven but by it. Offset cells: a column's sum deviates
    # by 0.05 * 127 * sqrt(sum of squared digits), in each of the two passes, which are subtracted: sqrt(2) times that.
    # The deviation of a deviation from 3000 draws is 1.3 %; five of them are 6.5 %.
    found, weight = matrix(ErrorSpec(**FLAWLESS, adc_kind="ideal", driver_noise_sigma=0.05), SPEC)
    x = np.zeros((3000, 20), dtype=np.float32)
    x[:, 4] = 1.0

    outputs = found.mvm(x)

    scale = np.abs(weight[0]).max(axis=0) / 127
    digits = np.rint(weight[0] / scale) + 128
    expected = 0.05 * 127 * np.sqrt(2 * (digits**2).sum(axis=0)) * scale / 127
    assert np.all(np.abs(outputs.std(axis=0) / expected - 1) < 0.065)


def test_no_column_carries_more_than_its_limit():
    # 20 cells of digit 255 driven with the largest level are 20 cell currents; the limit of 5 leaves a quarter, in the
    # pass of positive inputs. Level times weight of a fully driven column is 20 * 127 * 127 in weights, and its digits
    # 255 stand for 127 + 128: a quarter of 20 * 127 * 255, less the offset of 128 for each input.
    weight = np.ones((1, 20, 3), dtype=np.float32)
    found, _ = matrix(ErrorSpec(**FLAWLESS, adc_kind="ideal", column_limit=5.0), SPEC, weight=weight)

    outputs = found.mvm(np.ones((1, 20), dtype=np.float32))

    expected = (5 * 127 * 255 - 20 * 127 * 128) / 127 / 127
    assert np.allclose(outputs, expected, rtol=1e-6)


def test_a_cell_that_is_not_linear_conducts_what_its_curve_says():
    # At 0.5 V a cubic cell conducts 1 - 0.5^2 / 4 = 15/16 of a linear one, whatever its conductance; pulses and single
    # bits see no other voltage. Two bits at a time also drive a third and two thirds of it.
    errors = ErrorSpec(**FLAWLESS, adc_kind="ideal", current_voltage="cubic", read_voltage_v=0.5)
    for spec in (PAIRS, ArraySpec(**ONE_CELL, **PULSES, adc_bits=8, adc_step=0)):
        plain, weight = matrix(ErrorSpec(**FLAWLESS, adc_kind="ideal"), spec)
        found, _ = matrix(errors, spec)
        x = np.maximum(vectors(), 0)
        digits = 0 if spec.cells == "differential" else 128
        scale = np.abs(weight).max(axis=1) / 127
        offset = digits * x.sum(axis=1, keepdims=True) * scale  # taken off whole, though 15/16 of it were read
        expected = 15 / 16 * (plain.mvm(x) + offset) - offset
        assert np.allclose(found.mvm(x), expected, atol=1e-2 * np.abs(expected).max())


@pytest.mark.parametrize("spec", [PAIRS, BIPOLAR], ids=["bits", "pulses of both signs"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_milo_cells_conduct_what_their_curve_says(spec, sign):
    # One input, fully driven at 0.3 V, and a pair of cells for each slice: 225 uS (digit 15) or 50 + 7/15 of 175 uS
    # (digit 7), less 50 uS (digit 0), each on the curve; a digit is 175/15 uS. Bits drive a negative input as bits of
    # its two's complement, so with positive voltages; pulses of both signs drive it with the negative one.
    milo = {"current_voltage": "milo", "read_voltage_v": 0.3, "largest_conductance_s": 225e-6, "on_off_ratio": 4.5}
    x, weight = np.zeros((1, 20), dtype=np.float32), np.zeros((1, 20, 3), dtype=np.float32)
    x[0, 7], weight[0, 7] = sign, 1.0

    def current(digit):
        g = np.array(225e-6 * (1 + 3.5 * digit / 15) / 4.5)
        volts = np.array(-0.3 if spec is BIPOLAR and sign < 0 else 0.3)
        return float(MiloCurve().current(g, volts) / volts)

    found, _ = matrix(ErrorSpec(**FLAWLESS, adc_kind="ideal", **milo), spec, weight=weight)

    digits = [(current(digit) - current(0)) / (225e-6 * 3.5 / 4.5) * 15 for digit in (15, 7)]
    assert np.allclose(found.mvm(x), sign * (digits[0] + 16 * digits[1]) / 127, rtol=1e-5)


def test_levels_of_several_voltages_are_each_on_the_curve():
    # Inputs of 3 levels, 2 bits at a time: an input of 2 drives its row with level 2 of 3, 1/3 V of 0.5 V. That is
    # (1 - (1/3)^2 / 4) of what a linear cell would conduct. Converters are ideal and weights exact.
    spec = ArraySpec(**{**PAIRS_OF, "input_bits": 3}, adc_bits=8, adc_step=0)
    curved = ErrorSpec(**FLAWLESS, adc_kind="ideal", current_voltage="cubic", read_voltage_v=0.5)
    x = np.zeros((1, 20), dtype=np.float32)
    x[0, [2, 7]] = 3.0, 2.0
    weight = np.zeros((1, 20, 3), dtype=np.float32)
    weight[0, 7] = 1.0

    found, _ = matrix(curved, spec, weight=weight)

    assert np.allclose(found.mvm(x), 2 * (1 - (1 / 3) ** 2 / 4), rtol=1e-6)


PAIRS_OF = {
    "rows": 64,
    "cols": 64,
    "cell_bits": 4,
    "cells": "differential",
    "flip": False,
    "weight_bits": 8,
    "encoding": "bit_serial",
    "sign": "two_pass",
    "bits_per_phase": 2,
}


def test_lines_of_cells_that_are_hardly_curved_are_those_of_linear_cells():
    # At a microvolt the cubic term is 2.5e-13 of the current, so what is iterated must be what is solved at once.
    wires = {"row_wire": 1e-3, "column_wire": 1e-3}
    solved, _ = matrix(ErrorSpec(**FLAWLESS, adc_kind="ideal", **wires))
    iterated, _ = matrix(ErrorSpec(**FLAWLESS, adc_kind="ideal", **wires, current_voltage="cubic", read_voltage_v=1e-6))
    plain, _ = matrix(ErrorSpec(**FLAWLESS, adc_kind="ideal"))

    lossy = solved.mvm(vectors(2))
    assert np.allclose(iterated.mvm(vectors(2)), lossy, rtol=1e-5)
    assert not np.allclose(plain.mvm(vectors(2)), lossy, rtol=1e-3)


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_a_range_is_positive_and_finite(value):
    with pytest.raises(ConfigError, match=r"Ranges.inputs"):
        Ranges(inputs=value)
    with pytest.raises(ConfigError, match=r"Ranges.converters"):
        Ranges(converters=(1.0, value))
