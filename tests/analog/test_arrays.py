"""What do analog arrays compute, in combination, beside exact solvers and hand arithmetic?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from aimcsim.analog import (
    AnalogSpec,
    CellSpec,
    ConverterSpec,
    InputSpec,
    PeripherySpec,
    RangeSpec,
    ReadoutSpec,
    WireSpec,
    calibrated,
    program,
)
from aimcsim.analog.array.converter_circuits import capacitor_levels, one_sided_levels
from aimcsim.analog.devices import device
from aimcsim.analog.wires import nodal_currents, nodal_pair_currents
from aimcsim.errors import InputError

Floats = NDArray[np.float64]

RNG = np.random.default_rng(11)
W = RNG.normal(0, 0.3, (24, 10))
X = RNG.uniform(-1, 1, (7, 24))


def fixed(high: float, low: float | None = None) -> RangeSpec:
    return RangeSpec(kind="fixed", bounds=((-high if low is None else low, high),))


def uniform(bits: int = 8, high: float = 8.0) -> ConverterSpec:
    return ConverterSpec(kind="uniform", bits=bits, range=fixed(high))


NOISY = device("generic", law="independent", programming=0.02, read=0.03)
SERIAL = InputSpec(bits=6, encoding="bit_serial")
SPECS = {
    "exact": AnalogSpec(),
    "coded": AnalogSpec(inputs=InputSpec(bits=6, range="abs_max", scale=0.0), converter=uniform()),
    "noisy": AnalogSpec(inputs=InputSpec(bits=6), device=NOISY, converter=uniform()),
    "noisy cell by cell": AnalogSpec(device=NOISY, readout=ReadoutSpec(read_noise="sampled")),
    "noise by product": AnalogSpec(inputs=SERIAL, device=replace(NOISY, redraw="product"), converter=uniform()),
    "slices and bits": AnalogSpec(cells=CellSpec(slices=2, weight_bits=7), inputs=SERIAL, converter=uniform()),
    "noisy slices and bits": AnalogSpec(
        cells=CellSpec(slices=2, weight_bits=7), inputs=SERIAL, device=NOISY, converter=uniform()
    ),
    "drifting": AnalogSpec(cells=CellSpec(pairing="two_sided"), device="pcm", inputs=InputSpec(bits=6)),
    "bound management": AnalogSpec(
        inputs=InputSpec(bits=8, range="abs_max", scale=0.0, bound_management="iterative"), converter=uniform(8, 0.4)
    ),
    "two phases": AnalogSpec(inputs=InputSpec(bits=6, sign="two_phase"), converter=uniform(), rows=10, cols=4),
    "offset": AnalogSpec(cells=CellSpec(pairing="offset", offset_removal="unit_column"), converter=uniform(10, 24.0)),
    "mismatch": AnalogSpec(converter=ConverterSpec(kind="sar", bits=6, capacitor_sigma=0.05, range=fixed(6.0))),
    "periphery": AnalogSpec(
        converter=uniform(),
        periphery=PeripherySpec(ir_drop=1.0, weight_noise="pcm_read", weight_noise_sigma=0.02, noise_sigma=0.05),
    ),
    "noisy inputs": AnalogSpec(inputs=InputSpec(bits=6, noise_sigma=0.01), converter=uniform()),
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_vector_gives_the_same_bits_alone_and_in_any_batch(spec):
    matrix = program(W, spec, 3)

    whole = matrix.mvm(X, 2.0, request=40, codes=True)

    for cut in (1, 3):
        parts = [matrix.mvm(X[first : first + cut], 2.0, request=40 + first) for first in range(0, len(X), cut)]
        assert np.array_equal(np.concatenate([part.outputs for part in parts]), whole.outputs)
        assert sum(part.counts.total()["clipped_columns"] for part in parts) == whole.counts.total()["clipped_columns"]
    assert np.array_equal(
        matrix.outputs(X.astype(np.float32), 2.0, 40), matrix.mvm(X.astype(np.float32), 2.0, 40).outputs
    )
    again = program(W, spec, 3)
    assert np.array_equal(again.mvm(X[3:4], 2.0, request=43).outputs, whole.outputs[3:4])


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_all_implementations_give_the_same_bits(spec, implementation):
    from aimcsim import _kernels

    found = program(W, spec, 3).mvm(X, 2.0).outputs

    _kernels.select("twin")
    assert np.array_equal(program(W, spec, 3).mvm(X, 2.0).outputs, found)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_the_kernels_and_the_general_path_differ_by_rounding_alone(spec):
    """The same array in float64, which takes the general path; codes may differ only where a current is at a tie."""
    single, double = (program(W, replace(spec, precision=kind), 3) for kind in ("float32", "float64"))

    found, exact = single.mvm(X, 2.0, codes=True), double.mvm(X, 2.0, codes=True)

    assert found.counts.total()["reads"] == exact.counts.total()["reads"]
    largest = np.abs(exact.outputs).max()
    assert (np.abs(found.outputs - exact.outputs) > 1e-5 * largest).mean() <= 0.02


@pytest.mark.parametrize("name", ["exact", "coded", "noisy", "slices and bits"])
def test_threads_change_no_bit(name):
    matrix = program(W, SPECS[name], 3)
    x = RNG.uniform(-1, 1, (50, 24)).astype(np.float32)

    assert np.array_equal(matrix.outputs(x, 2.0, threads=3), matrix.outputs(x, 2.0))
    with pytest.raises(InputError, match="threads: must be 1 or more"):
        matrix.outputs(x, threads=0)


def test_another_seed_and_another_request_give_other_noise():
    spec = SPECS["noisy"]
    first = program(W, spec, 1)

    assert not np.array_equal(first.mvm(X).outputs, program(W, spec, 2).mvm(X).outputs)
    assert not np.array_equal(first.mvm(X).outputs, first.mvm(X, request=7).outputs)


# ---- [ISAAC16]: nothing is lost ----


def isaac(*, flip: bool) -> AnalogSpec:
    """16-bit weights in eight cells of two bits, 16-bit inputs bit by bit, 8-bit converters of a unit cell a level."""
    return AnalogSpec(
        cells=CellSpec(pairing="offset", offset_removal="unit_column", slices=8, weight_bits=16, flip=flip),
        inputs=InputSpec(bits=16, encoding="bit_serial", sign="twos_complement"),
        converter=ConverterSpec(kind="uniform", bits=8, levels="full", range=fixed(255 / 3, 0.0)),
        precision="float64",
    )


def integers() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(5)
    weights = rng.integers(-32767, 32768, (128, 6))
    weights[:, 0], weights[:, 1] = 32767, -32767  # all digits as large, or as small, as can be
    weights[0, 2:] = 32767  # the scale of every column
    inputs = rng.integers(-32767, 32768, (5, 128))
    inputs[0], inputs[1] = 32767, -32767
    return weights, inputs


def test_flipped_weights_and_a_unit_column_lose_nothing_with_8_bit_converters():
    """128 rows of digits up to 3 sum to 384, and to at most 192 with columns flipped: within 256 codes of 8 bits."""
    weights, inputs = integers()
    matrix = program(weights / 32767.0, isaac(flip=True))

    found = matrix.mvm(inputs / 32767.0)

    assert np.array_equal(np.rint(found.outputs * 32767.0**2).astype(np.int64), inputs @ weights)
    assert found.counts.total()["clipped_columns"] == 0


def test_without_flipping_the_same_converters_clip():
    weights, inputs = integers()

    found = program(weights / 32767.0, isaac(flip=False)).mvm(inputs / 32767.0)

    assert found.counts.total()["clipped_columns"] > 0
    assert not np.array_equal(np.rint(found.outputs * 32767.0**2).astype(np.int64), inputs @ weights)


def test_the_counts_of_isaac_are_those_of_its_paper():
    """16 input bits times 8 slices: 128 reads of a column and, with the unit column, (6 + 1) conversions for each."""
    weights, inputs = integers()

    counts = program(weights / 32767.0, isaac(flip=True)).mvm(inputs / 32767.0).counts

    assert counts.reads.tolist() == [16 * 8] * 5
    assert counts.conversions.tolist() == [16 * 8 * 7] * 5
    assert counts.driven_rows[0] == 15 * 128  # 32767 has 15 bits set and no sign


# ---- combinations that others forbid, beside the exact circuit ----

WIRES = WireSpec(2.0, 3.0, 20.0, 10.0)
G_S = 1e-4  # largest conductance


def test_slices_with_wires_are_the_nodal_solution_of_every_slice():
    """Magnitudes of 6 bits in digits of 3, each slice in arrays of its own; inputs of 2 bits one by one."""
    spec = AnalogSpec(
        cells=CellSpec(slices=2, weight_bits=7, weight_range=(-1.0, 1.0)),
        inputs=InputSpec(bits=3, encoding="bit_serial"),
        wires=WIRES,
        largest_conductance_s=G_S,
        precision="float64",
    )
    w = np.clip(W, -1, 1)

    found = program(w, spec).mvm(X).outputs

    level, drive = np.rint(w * 63).astype(int), np.rint(X * 3).astype(int)
    expected = np.zeros(found.shape)
    for index in range(2):
        for sign in (1, -1):
            cells = (np.maximum(sign * level, 0) >> 3 * index & 7) / 7.0
            for bit in range(2):
                volts = (np.abs(drive) >> bit & 1) * np.sign(drive)
                current = nodal_currents(cells * G_S, volts.astype(float), WIRES) / G_S
                expected += sign * current * (2**bit / 3) * (8**index * 7 / 63)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert np.abs(found - X @ w).max() > 0.02  # the wires matter


def test_interleaved_pairs_with_wires_are_one_circuit():
    spec = AnalogSpec(
        cells=CellSpec(interleaved=True, on_off_ratio=50.0, weight_range=(-1.0, 1.0)),
        wires=WIRES,
        largest_conductance_s=G_S,
        precision="float64",
    )

    found = program(np.clip(W, -1, 1), spec).mvm(X).outputs

    lines = [0.02 + 0.98 * np.maximum(sign * np.clip(W, -1, 1), 0) for sign in (1, -1)]
    pairs = replace(WIRES, pairs="interleaved")
    expected = nodal_pair_currents(lines[0] * G_S, lines[1] * G_S, X, pairs) / G_S / 0.98
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_wires_with_read_noise_and_mismatched_converters_are_all_three_at_once():
    """Noise drawn cell by cell, the circuit solved for these cells, and thresholds of a converter's own capacitors."""
    converter = ConverterSpec(kind="sar", bits=6, capacitor_sigma=0.1, group_size=4, range=fixed(4.0))
    spec = AnalogSpec(
        cells=CellSpec(weight_range=(-1.0, 1.0)),
        device=device("generic", law="proportional", read=0.1),
        readout=ReadoutSpec(read_noise="sampled"),
        wires=WIRES,
        largest_conductance_s=G_S,
        converter=converter,
        precision="float64",
    )
    matrix = program(np.clip(W, -1, 1), spec, 9)

    found = matrix.mvm(X[:3], request=5, codes=True)

    array = matrix.arrays[0][0]
    cells = np.stack([np.maximum(np.clip(W, -1, 1), 0), np.maximum(-np.clip(W, -1, 1), 0)])
    for vector in range(3):
        noise = matrix.noise_of(0, 0, [(5 + vector) * 32]).normal("cell noise", (1, 1, *cells.shape))[0, 0, 0]
        noisy = np.maximum(cells * (1 + 0.1 * noise), 0)
        lines = [nodal_currents(line * G_S, X[[vector]], WIRES)[0] / G_S for line in noisy]
        current = lines[0] - lines[1]
        assert found.seen is not None
        assert found.codes is not None
        assert found.seen[0, 0][vector, 0, 0, 0] == pytest.approx(current, rel=1e-9, abs=1e-9)
        assert found.codes[0, 0][vector, 0, 0, 0].tolist() == [
            searched(current[column], 4.0 * mismatched_levels(array, column)) for column in range(10)
        ]


def mismatched_levels(array, column: int) -> Floats:
    """Levels of the converter behind `column`, from the same draws."""
    from aimcsim.analog.draws import Draws

    place = Draws.of(9).child("array row", 0).child("array column", 0).child("converters", 0)
    drawn = 0.1 * place.normal("converter capacitors", (1, 1, 3, 7))
    return capacitor_levels(array.spec.converter, drawn[0, 0, column // 4])


def searched(current: float, levels: Floats) -> int:
    """The code of a successive approximation."""
    code = 0
    for bit in (32, 16, 8, 4, 2, 1):
        code |= bit * bool(np.clip(current, -4, 4) > levels[code | bit])
    return code


def test_bit_serial_inputs_with_bound_management_are_read_again_until_nothing_clips():
    """A pass is a whole product with twice the input scale, as if it had been asked for with that scale."""
    serial = InputSpec(bits=8, encoding="bit_serial", range="abs_max", scale=0.0)
    managed = AnalogSpec(inputs=replace(serial, bound_management="iterative"), converter=uniform(8, 0.9))

    found = program(W, managed).mvm(X)

    assert found.counts.second_passes.max() >= 1
    for vector, passes in enumerate(found.counts.second_passes.tolist()):
        scale = np.abs(X[vector]).max() * 2.0**passes
        by_hand = replace(managed, inputs=replace(serial, range="fixed", scale=float(scale)))
        once = program(W, by_hand).mvm(X[[vector]])
        assert found.outputs[vector] == pytest.approx(once.outputs[0], rel=1e-6)
        assert found.counts.reads[vector] == 7 * (passes + 1)
        limit = 2.0**passes > 0.25 * 127
        assert limit or once.counts.clipped_columns[0] == 0


def test_a_scale_for_every_column_is_the_matrix_column_by_column():
    spec = AnalogSpec(
        cells=CellSpec(slices=2, weight_bits=7, weight_scale="column"), inputs=SERIAL, converter=uniform(10, 24.0)
    )
    w = W * np.logspace(-2, 0, 10)

    together = program(w, spec).mvm(X).outputs

    apart = np.concatenate([program(w[:, [column]], spec).mvm(X).outputs for column in range(10)], axis=1)
    assert np.array_equal(together, apart)
    tensor = program(w, replace(spec, cells=replace(spec.cells, weight_scale="tensor"))).mvm(X).outputs
    exact = X @ w
    assert np.abs(together - exact)[:, 0].max() < 0.1 * np.abs(tensor - exact)[:, 0].max()


# ---- noise ----


def test_lumped_read_noise_has_the_distribution_of_cells_where_none_is_clipped():
    """4000 reads: mean within 4 deviations of the mean, variance within 4 of its own, sqrt(2 / 4000)."""
    spec = AnalogSpec(
        cells=CellSpec(pairing="two_sided", weight_range=(-4.0, 4.0)),
        device=device("generic", law="independent", read=0.02),
        inputs=InputSpec(bits=8),
    )
    sampled = replace(spec, readout=ReadoutSpec(read_noise="sampled"))
    x = np.repeat(X[:1], 4000, axis=0)

    lumped, cells = (program(W, one).mvm(x).outputs.astype(float) for one in (spec, sampled))

    drive = np.rint(X[0] * 127) / 127
    sigma = 4.0 * 0.02 * np.sqrt(2 * (drive**2).sum())  # two cells for every weight, in units of 4
    for found in (lumped, cells):
        assert np.abs(found.mean(axis=0) - drive @ W).max() < 4 * sigma / np.sqrt(4000)
        assert np.abs(found.std(axis=0) / sigma - 1).max() < 4 * np.sqrt(0.5 / 4000)


def test_noise_of_a_product_is_the_same_in_all_its_phases_and_that_of_a_phase_is_not():
    """Inputs with all bits set read the same rows in every phase: with noise drawn by product, the same currents."""
    x = np.ones((1, 24))
    for redraw, same in (("product", True), ("phase", False)):
        spec = AnalogSpec(
            inputs=InputSpec(bits=4, encoding="bit_serial", sign="unsigned"),
            device=device("generic", law="independent", read=0.05, redraw=redraw),
        )
        seen = program(W, spec).mvm(x, codes=True).seen
        assert seen is not None
        phases = seen[0, 0][0, :, 0, 0]
        assert np.allclose(phases[0], phases[1], rtol=1e-6) is same


# ---- converters ----


@pytest.mark.parametrize("kind", ["sar", "ramp", "pipeline", "cyclic"])
@pytest.mark.parametrize("bits", [1, 2, 5, 8])
def test_circuits_without_mismatch_all_round_down_to_the_middle_of_their_interval(kind, bits):
    """floor((v + R) / 2R 2^N), for an amplifier so good that no threshold moves."""
    spec = AnalogSpec(
        converter=ConverterSpec(kind=kind, bits=bits, gain_db=300.0, range=fixed(3.0)),
        cells=CellSpec(weight_range=(-1.0, 1.0)),
        precision="float64",
    )

    found = program(np.clip(W, -1, 1), spec).mvm(X, codes=True)

    current = np.clip(X @ np.clip(W, -1, 1), -3, 3)
    code = np.clip(np.floor((current + 3) / 6 * 2**bits), 0, 2**bits - 1)
    assert found.codes is not None
    assert np.array_equal(found.codes[0, 0][:, 0, 0, 0], code)
    assert found.outputs == pytest.approx(3.0 * (2 * code + 1 - 2**bits) / 2**bits)


@pytest.mark.parametrize("split", [True, False])
def test_a_capacitor_array_without_mismatch_has_levels_at_equal_distances(split):
    for bits in range(1, 9):
        spec = ConverterSpec(kind="sar", bits=bits, gain_db=400.0, split_capacitors=split)
        levels = capacitor_levels(spec, np.zeros(bits + 1))
        assert levels == pytest.approx(np.arange(2**bits) / 2.0 ** (bits - 1) - 1)


def test_a_ramp_from_the_lowest_level_up_loads_its_amplifier_more_and_more():
    """Capacitors 1 and 2 of 4 make (2 c / 4 - 3/4) R; an amplifier of gain 10 (20 dB) divides by 1 + (1 + c / 4) / 10.

    The other way round, c - 2 over 2, raised by 1/4, the divisor is 1 + (1 + |c - 2| / 2) / 10.
    """
    spec = ConverterSpec(kind="ramp", bits=2, gain_db=20.0)

    up, sided = one_sided_levels(spec, np.zeros(3)), capacitor_levels(spec, np.zeros(3), raised=0.25)

    assert up == pytest.approx([-0.75 / 1.1, -0.25 / 1.125, 0.25 / 1.15, 0.75 / 1.175])
    assert sided == pytest.approx([-0.75 / 1.2, -0.25 / 1.15, 0.25 / 1.1, 0.75 / 1.15])


@pytest.mark.parametrize("kind", ["pipeline", "cyclic"])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_current_at_a_threshold_of_the_first_stage_is_converted_to_within_a_code(kind, sign):
    """CrossSim is R/2 too low at exactly +-R/4: the stage gives the digit of one side and the residue of the other."""
    spec = AnalogSpec(converter=ConverterSpec(kind=kind, bits=6, range=fixed(2.0)), precision="float64")

    found = program([[1.0]], spec).mvm([[0.5 * sign]])

    assert abs(found.outputs[0, 0] - 0.5 * sign) <= 2.0 / 64 * (1 + 1e-9)


def test_columns_that_take_turns_at_a_converter_share_its_errors():
    """Eight equal columns on converters of four: two groups of equal codes, and different ones between the groups."""
    w = np.repeat(W[:, :1], 8, axis=1)
    converter = ConverterSpec(
        kind="uniform", bits=12, group_size=4, offset_sigma=0.05, gain_sigma=0.05, range=fixed(8.0)
    )

    codes = program(w, AnalogSpec(converter=converter), 2).mvm(X, codes=True).codes

    assert codes is not None
    by_column = codes[0, 0][:, 0, 0, 0].T.tolist()
    assert by_column[0] == by_column[1] == by_column[3]
    assert by_column[4] == by_column[7]
    assert by_column[3] != by_column[4]


def test_half_way_currents_go_where_the_rounding_says():
    """Levels at whole numbers from 0 to 3 and currents of 0.5, 1.5 and 2.5."""
    x = np.array([[0.5], [1.5], [2.5]])
    for rounding, codes in (("half_even", [0, 2, 2]), ("half_up", [1, 2, 3]), ("floor", [0, 1, 2])):
        converter = ConverterSpec(kind="uniform", bits=2, levels="full", rounding=rounding, range=fixed(3.0, 0.0))
        found = program([[1.0]], AnalogSpec(converter=converter)).mvm(x, codes=True)
        assert found.codes is not None
        assert found.codes[0, 0].ravel().tolist() == codes


def test_an_oscillator_counts_whole_periods():
    """A step of 7 / 127 between codes, rounded towards zero."""
    converter = ConverterSpec(kind="oscillator", bits=8, range=fixed(7.0))

    codes = program(W, AnalogSpec(converter=converter, precision="float64")).mvm(X, codes=True).codes

    assert codes is not None
    scale = np.abs(W).max()
    assert np.array_equal(codes[0, 0][:, 0, 0, 0], np.trunc(X @ W / scale / (7 / 127)))


def test_a_calibrated_range_just_fits_the_samples():
    spec = AnalogSpec(
        cells=CellSpec(slices=2, weight_bits=7), inputs=SERIAL, converter=ConverterSpec(kind="uniform", bits=6)
    )

    found = calibrated(spec, W, X)

    assert len(found.converter.range.bounds) == 2
    assert program(W, found).mvm(X).counts.total()["clipped_columns"] == 0
    exact = X @ W
    errors = [np.abs(program(W, one).mvm(X).outputs - exact).std() for one in (found, spec)]
    assert errors[0] < errors[1] / 2  # the widest range is that of 24 cells of the largest conductance
    tighter = calibrated(spec, W, X, quantile=0.9)
    assert program(W, tighter).mvm(X).counts.total()["clipped_columns"] > 0


# ---- state ----


def test_stuck_cells_stand_where_they_stand_whatever_was_written():
    """All cells stuck at the least conductance compute nothing; half of them stuck on is half of all cells."""
    nothing = program(W, AnalogSpec(cells=CellSpec(stuck_off=1.0, on_off_ratio=10.0))).mvm(X).outputs
    some = program(np.zeros((200, 50)), AnalogSpec(cells=CellSpec(stuck_on=0.5))).arrays[0][0].conductances(0.0)

    assert np.abs(nothing).max() < 1e-6
    assert some.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(20_000))


def test_drift_is_undone_by_compensation():
    """PCM loses conductance as a power of time; what a factor for the matrix does not undo is spread and noise."""
    matrix = program(RNG.normal(0, 0.3, (128, 64)), AnalogSpec(device="pcm"), 4)
    x = RNG.uniform(-1, 1, (16, 128))
    then, day = matrix.mvm(x, 0.0).outputs, matrix.mvm(x, 86400.0).outputs

    found = matrix.compensation(86400.0)

    assert found.reads == 128
    assert 1.3 < found.factor[0] < 1.8
    assert np.abs(day * found.factor - then).mean() < 0.5 * np.abs(day - then).mean()
    assert len(set(matrix.compensation(86400.0, "column").factor.tolist())) > 1


def test_conductances_move_with_time_and_are_the_same_whenever_asked():
    matrix = program(W, AnalogSpec(device="pcm"), 4)
    array = matrix.arrays[0][0]

    late = array.conductances(1e6)

    assert not np.array_equal(late, array.conductances(1.0))
    assert np.array_equal(array.conductances(1e6), late)


def test_the_counts_of_a_plain_product():
    """Bits 0 to 6 of magnitudes, one read each; rows whose bit is set are driven; charge by hand."""
    x = np.array([[1.0, -1.0, 0.0], [64 / 127, 0.0, 0.0]])
    spec = AnalogSpec(
        cells=CellSpec(on_off_ratio=2.0, weight_range=(-1.0, 1.0)),
        inputs=InputSpec(bits=8, encoding="bit_serial"),
        readout=ReadoutSpec(subtraction="digital"),
        converter=uniform(8, 8.0),
    )
    w = np.array([[1.0], [0.5], [-1.0]])

    counts = program(w, spec).mvm(x).counts

    assert counts.reads.tolist() == [14, 14]  # both lines of 7 phases
    assert counts.conversions.tolist() == [14, 14]
    assert counts.driven_rows.tolist() == [14, 1]  # 127 has 7 bits set, 64 one
    # cells of rows 0 and 1: 1 + 0.5 and 0.75 + 0.5
    assert counts.column_charge.tolist() == pytest.approx([7 * (1.5 + 1.25), 1.5])
    assert counts.clipped_inputs.tolist() == counts.second_passes.tolist() == [0, 0]


@pytest.mark.parametrize(
    "cells",
    [
        CellSpec(pairing="offset"),
        CellSpec(pairing="offset", offset_removal="zero_column"),
        CellSpec(pairing="offset", weight_bits=8, slices=4),
    ],
)
def test_an_offset_of_many_inputs_costs_no_digits(cells):
    """1024 positive inputs put a current of 250 behind outputs of about 10: a float32 sum would lose 5e-5 of them.

    Weights are multiples of 1/127, which 8 bits hold.
    """
    rng = np.random.default_rng(0)
    weights, x = np.rint(rng.uniform(-1, 1, (1024, 32)) * 127) / 127, rng.uniform(0, 1, (64, 1024))
    weights[0, 0] = 1.0
    expected = x.astype(np.float32).astype(float) @ weights
    spec = AnalogSpec(cells=cells, inputs=InputSpec(sign="unsigned"))

    found = program(weights, spec).outputs(x.astype(np.float32))

    assert np.abs(found - expected).max() < 5e-6 * np.abs(expected).max()
