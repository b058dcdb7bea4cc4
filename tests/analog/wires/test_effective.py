"""Is the effective matrix the circuit, at any resistance?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aimcsim.analog.wires import WireSpec, effective_matrix, effective_pair, nodal_solution
from aimcsim.errors import ConfigError

SHAPES = [(1, 1), (1, 6), (6, 1), (4, 7), (7, 4), (5, 5)]
WIRES = [
    WireSpec(1.0, 1.0),
    WireSpec(2.5, 0.3, source_ohm=40.0, terminal_ohm=70.0),
    WireSpec(0.0, 3.0, source_ohm=10.0),
    WireSpec(3.0, 0.0, terminal_ohm=10.0),
    WireSpec(0.0, 0.0, source_ohm=1e3, terminal_ohm=1e3),
    WireSpec(2e3, 5e3),
]
Cells = Callable[[tuple[int, int], int], np.ndarray]
Solver = Callable[..., np.ndarray]


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("wires", WIRES)
def test_it_gives_the_currents_of_the_circuit(
    shape: tuple[int, int], wires: WireSpec, cells: Cells, circuit_currents: Solver
) -> None:
    g, v = cells(shape, 3), np.random.default_rng(4).uniform(-1, 1, shape[0])

    assert relative(v @ effective_matrix(g, wires), circuit_currents([g], [v], wires)) < 1e-12


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("wires", WIRES)
def test_interleaved_pairs_give_the_currents_of_their_circuit(
    shape: tuple[int, int], wires: WireSpec, cells: Cells, circuit_currents: Solver
) -> None:
    positive, negative, v = cells(shape, 3), cells(shape, 5), np.random.default_rng(4).uniform(-1, 1, shape[0])
    interleaved = WireSpec(
        wires.input_pitch_ohm, wires.output_pitch_ohm, wires.source_ohm, wires.terminal_ohm, pairs="interleaved"
    )

    found = v @ effective_pair(positive, negative, interleaved)

    # Currents of a pair cancel: the larger of both arrays alone sets the scale.
    scale = np.abs(circuit_currents([positive], [v], wires)).max()
    assert np.abs(found - circuit_currents([positive, negative], [v, -v], wires)).max() < 1e-12 * scale


def test_a_single_cell_is_a_row_of_resistors() -> None:
    wires = WireSpec(input_pitch_ohm=3.0, output_pitch_ohm=5.0, source_ohm=100.0, terminal_ohm=200.0)

    # 100 + 3 to the cell, 1000 the cell, 5 + 200 to ground.
    assert effective_matrix([[1e-3]], wires)[0, 0] == pytest.approx(1 / 1308, rel=1e-15)


def test_a_voltage_divider_by_hand() -> None:
    # Ideal output lines. From the driver 1000 ohm to two cells of 500 ohm each at one node: 250 ohm together, so the
    # node is at 1/5 V, and each cell carries 1/5 V / 500 ohm.
    matrix = effective_matrix([[2e-3, 2e-3]], WireSpec(source_ohm=1000.0))

    assert matrix == pytest.approx(np.full((1, 2), 4e-4), rel=1e-15)


def test_without_resistance_it_is_the_conductances_to_the_bit(cells: Cells) -> None:
    g = cells((9, 6), 1)

    assert effective_matrix(g, WireSpec()).tobytes() == g.tobytes()
    assert effective_matrix(g.T, WireSpec()).tobytes() == g.T.tobytes()


@pytest.mark.parametrize("ohm", [1e-5, 1e-7])
def test_small_resistances_take_what_first_order_says(ohm: float, cells: Cells) -> None:
    """Current I_ij = g_ij V of input i alone meets min(j, k) + 1 segments of its input line on the way to cell k, and
    n - max(i, k) segments of the output line are shared with cell k. What these drops take from the
    currents is of first order in the resistance; the next order is smaller by 20 * 20 * 100 uS * ohm < 1e-6.
    """
    n = 20
    g, at = cells((n, n), 2), np.arange(n)
    lost = g * (
        np.einsum("ik,jk->ij", g, np.minimum.outer(at, at) + 1)
        + np.einsum("kj,ik->ij", g, n - np.maximum.outer(at, at))
    )

    found = (g - effective_matrix(g, WireSpec(ohm, ohm))) / ohm

    rounding = 2 * np.finfo(float).eps * g.max() / ohm
    assert np.abs(found - lost).max() < 1e-6 * lost.max() + rounding


@pytest.mark.parametrize("ohm", [1e-9, 1.0, 1e9])
def test_every_element_keeps_its_digits_at_any_resistance(ohm: float, cells: Cells) -> None:
    """Neither way to it subtracts, so both are good to rounding, element by element."""
    g = cells((12, 10), 6)
    wires = WireSpec(ohm, 2 * ohm, source_ohm=ohm, terminal_ohm=ohm)

    by_nodes = nodal_solution(g, np.eye(12), wires).output_currents

    assert effective_matrix(g, wires) == pytest.approx(by_nodes, rel=1e-12, abs=0)


def test_more_resistance_never_means_more_current(cells: Cells) -> None:
    g = cells((8, 8), 7)
    totals = [effective_matrix(g, WireSpec(ohm, ohm)).sum() for ohm in (0.0, 0.1, 1.0, 10.0, 1e3, 1e6)]

    assert totals == sorted(totals, reverse=True)


def test_driving_the_outputs_gives_the_same_matrix(cells: Cells) -> None:
    """Reciprocity: a volt at output j drives as much into input i as a volt at input i into output j.

    Seen from the other end, both kinds of lines run backwards.
    """
    g = cells((6, 6), 8)
    forwards = effective_matrix(g, WireSpec(1.0, 20.0, source_ohm=300.0, terminal_ohm=4.0))
    backwards = effective_matrix(g[::-1, ::-1].T, WireSpec(20.0, 1.0, source_ohm=4.0, terminal_ohm=300.0))

    turned = backwards[::-1, ::-1].T
    assert turned == pytest.approx(forwards, rel=1e-13)


def test_cells_that_do_not_conduct_carry_nothing(cells: Cells) -> None:
    g = cells((5, 4), 9)
    g[2] = 0.0
    g[:, 1] = 0.0
    matrix = effective_matrix(g, WireSpec(5.0, 5.0))

    assert not matrix[2].any()
    assert not matrix[:, 1].any()
    assert not effective_matrix(np.zeros((3, 3)), WireSpec(5.0, 5.0)).any()


def test_separate_arrays_are_subtracted(cells: Cells) -> None:
    positive, negative, wires = cells((5, 4), 1), cells((5, 4), 2), WireSpec(5.0, 5.0)
    expected = effective_matrix(positive, wires) - effective_matrix(negative, wires)

    assert np.array_equal(effective_pair(positive, negative, wires), expected)


@pytest.mark.parametrize(
    ("g", "message"),
    [
        ([[1e-6, float("nan")]], r"g\[0, 1\] must be finite and not negative, in siemens \(got nan\)"),
        ([[1e-6], [-1e-6]], r"g\[1, 0\] must be finite and not negative, in siemens \(got -1e-06\)"),
        ([[float("inf")]], r"g\[0, 0\] must be finite"),
        ([1e-6, 1e-6], r"g must be \[inputs, outputs\], neither of them 0 \(got shape \[2\]\)"),
        (np.empty((0, 3)), r"g must be \[inputs, outputs\], neither of them 0 \(got shape \[0, 3\]\)"),
        ([[1j]], r"g must hold real numbers \(got dtype complex128\)"),
        ([["a"]], r"g must hold real numbers"),
    ],
)
def test_what_is_no_array_is_refused_by_name(g: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        effective_matrix(g, WireSpec(1.0, 1.0))


def test_pairs_of_different_shapes_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"g_neg must have the shape of g_pos, \[1, 2\] \(got \[2, 1\]\)"):
        effective_pair([[1e-6, 1e-6]], [[1e-6], [1e-6]], WireSpec())


def test_a_separate_source_has_no_matrix() -> None:
    with pytest.raises(ConfigError, match=r"wires.arrangement must be input_source here \(got separate_source\)"):
        effective_matrix([[1e-6]], WireSpec(arrangement="separate_source"))


def test_integers_lists_and_views_are_taken(cells: Cells) -> None:
    g, wires = cells((6, 8), 3), WireSpec(1, 1)
    view = np.asfortranarray(np.repeat(g, 2, axis=0))[::2]

    assert np.array_equal(effective_matrix(view, wires), effective_matrix(g, wires))
    assert effective_matrix([[1]], WireSpec(1, 0)) == pytest.approx(np.array([[0.5]]))
