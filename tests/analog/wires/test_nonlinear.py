"""Do arrays of cells with curved characteristics settle where their circuit does?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aimcsim.analog.wires import (
    CellCurve,
    CubicCurve,
    MiloCurve,
    Stopping,
    WireSpec,
    effective_matrix,
    nonlinear_currents,
    nonlinear_pair_currents,
)
from aimcsim.errors import ConfigError, SimulationError

Cells = Callable[[tuple[int, int], int], np.ndarray]
Solver = Callable[..., np.ndarray]
WIRES = [WireSpec(2.0, 3.0), WireSpec(50.0, 0.0, source_ohm=100.0), WireSpec(0.0, 300.0, terminal_ohm=1e3)]


def conducting(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Return conductances in the range of the Milo curve."""
    return np.random.default_rng(seed).uniform(50e-6, 225e-6, shape)


@pytest.mark.parametrize("wires", WIRES)
@pytest.mark.parametrize("curve", [CubicCurve(), MiloCurve()])
def test_they_settle_where_newtons_method_on_the_whole_circuit_does(
    wires: WireSpec, curve: CellCurve, circuit_currents: Solver
) -> None:
    g, v = conducting((5, 6), 1), np.random.default_rng(2).uniform(-0.5, 0.5, 5)
    expected = circuit_currents([g], [v], wires, curve)

    found = nonlinear_currents(g, v, wires, curve)[0]

    assert found == pytest.approx(expected, abs=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("wires", WIRES)
def test_interleaved_pairs_settle_where_their_circuit_does(wires: WireSpec, circuit_currents: Solver) -> None:
    positive, negative = conducting((4, 5), 3), conducting((4, 5), 4)
    v = np.random.default_rng(5).uniform(-0.5, 0.5, 4)
    pairs = WireSpec(
        wires.input_pitch_ohm, wires.output_pitch_ohm, wires.source_ohm, wires.terminal_ohm, pairs="interleaved"
    )
    expected = circuit_currents([positive, negative], [v, -v], pairs, CubicCurve())

    found = nonlinear_pair_currents(positive, negative, v, pairs, CubicCurve())[0]

    scale = np.abs(circuit_currents([positive], [v], pairs, CubicCurve())).max()
    assert found == pytest.approx(expected, abs=1e-10 * scale)


def test_separate_pairs_are_subtracted() -> None:
    positive, negative, v = conducting((4, 5), 3), conducting((4, 5), 4), [[0.1, -0.2, 0.3, 0.4]]
    alone = [nonlinear_currents(g, v, WIRES[0], CubicCurve()) for g in (positive, negative)]

    assert np.array_equal(nonlinear_pair_currents(positive, negative, v, WIRES[0], CubicCurve()), alone[0] - alone[1])


@pytest.mark.parametrize("wires", WIRES)
def test_straight_curves_give_the_effective_matrix(wires: WireSpec, cells: Cells) -> None:
    g, v = cells((9, 7), 6), np.random.default_rng(7).uniform(-1, 1, (3, 9))
    expected = v @ effective_matrix(g, wires)

    found = nonlinear_currents(g, v, wires, CubicCurve(0.0))

    assert found == pytest.approx(expected, abs=1e-10 * np.abs(expected).max())


def test_without_wires_currents_are_sums_of_the_curve() -> None:
    # 1 mS * (0.5 - 0.25 / 8) V + 2 mS * (-1 + 0.25) V
    found = nonlinear_currents([[1e-3], [2e-3]], [0.5, -1.0], WireSpec(), CubicCurve())

    assert found == pytest.approx(np.array([[0.46875e-3 - 1.5e-3]]), rel=1e-14)


def test_the_milo_curve_by_hand() -> None:
    # At 100 uS the logarithm is -4: n2 = -64 * 1.388e-4 + 16 * 1.541e-3 - 4 * 5.711e-3 + 7.063e-3 = -8.2e-6 and
    # n3 = 16 * 8.871e-5 - 4 * 6.7919e-4 + 1.2968e-3 = -6e-7; at 0.5 V: 5e-5 - 8.2e-6 / 4 - 6e-7 / 8.
    current = MiloCurve().current(np.array([1e-4]), np.array([0.5, -0.5]))

    assert current == pytest.approx([4.7875e-5, -5e-5 - 2.05e-6 + 7.5e-8], rel=1e-10)


@pytest.mark.parametrize("curve", [CubicCurve(), MiloCurve()])
def test_slopes_are_derivatives(curve: CellCurve) -> None:
    """A central difference of a cubic over 2 h is off by its third-order coefficient times h^2."""
    g, volts, h = np.linspace(50e-6, 225e-6, 7)[:, np.newaxis], np.linspace(-0.5, 0.5, 9), 1e-4
    difference = (curve.current(g, volts + h) - curve.current(g, volts - h)) / (2 * h)

    assert curve.slope(g, volts) == pytest.approx(difference, rel=1e-7)


def test_vectors_do_not_see_each_other() -> None:
    g, v = conducting((5, 6), 1), np.random.default_rng(2).uniform(-0.5, 0.5, (3, 5))
    alone = np.concatenate([nonlinear_currents(g, one, WIRES[0], CubicCurve()) for one in v])

    assert alone.tobytes() == nonlinear_currents(g, v, WIRES[0], CubicCurve()).tobytes()


def test_no_voltage_no_current() -> None:
    assert not nonlinear_currents(conducting((3, 3), 1), np.zeros(3), WIRES[0], MiloCurve()).any()


def test_what_does_not_settle_says_after_how_many_rounds() -> None:
    with pytest.raises(SimulationError, match=r"did not settle in 3 rounds: .* V are still open, 1e-12 of it allowed"):
        nonlinear_currents(
            conducting((20, 20), 1), np.full(20, 0.5), WireSpec(100.0, 100.0), CubicCurve(), Stopping(rounds=3)
        )


def test_a_curve_that_falls_is_refused_with_its_cell() -> None:
    # The cubic turns at 1 / sqrt(0.75) = 1.15 V.
    with pytest.raises(SimulationError, match=r"cell \(1, 0\) of 0.0001 S is at 1.5 V, where .* does not rise"):
        nonlinear_currents([[1e-4], [1e-4]], [0.5, 1.5], WireSpec(1.0, 1.0), CubicCurve())


def test_the_milo_curve_needs_cells_that_conduct() -> None:
    with pytest.raises(ConfigError, match=r"g must be positive for the Milo curve.*\(got 0.0\)"):
        nonlinear_currents([[1e-4], [0.0]], [0.5, 0.5], WireSpec(1.0, 1.0), MiloCurve())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stopping(residual=0.0), r"residual must be positive \(got 0.0\)"),
        (lambda: Stopping(rounds=0), r"rounds must be at least 1 \(got 0\)"),
        (lambda: CubicCurve(float("nan")), r"cubic must be finite and not negative \(got nan\)"),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
