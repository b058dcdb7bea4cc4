"""Do arrays with a separate source carry what their ladders do?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aimcsim.analog.wires import WireSpec, effective_matrix, gated_currents, gated_pair_currents, nodal_pair_currents
from aimcsim.errors import ConfigError

WIRES = [
    WireSpec(2.0, 3.0, arrangement="separate_source"),
    WireSpec(2.0, 3.0, source_ohm=40.0, terminal_ohm=50.0, arrangement="separate_source"),
    WireSpec(0.0, 300.0, terminal_ohm=50.0, arrangement="separate_source"),
    WireSpec(200.0, 0.0, arrangement="separate_source"),
]
Cells = Callable[[tuple[int, int], int], np.ndarray]
Solver = Callable[..., np.ndarray]
BITS = np.array([[1, 0, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]])


@pytest.mark.parametrize("wires", WIRES)
def test_every_pattern_of_bits_is_its_own_circuit(
    wires: WireSpec, cells: Cells, supplied_circuit_currents: Solver, implementation: str
) -> None:
    g = cells((6, 4), 1)
    expected = np.array([supplied_circuit_currents([g], [1.0], bits, wires) for bits in BITS])

    assert gated_currents(g, BITS, wires) == pytest.approx(expected, abs=1e-12 * expected.max())


@pytest.mark.parametrize("wires", WIRES)
def test_interleaved_pairs_have_a_supply_of_either_sign(
    wires: WireSpec, cells: Cells, supplied_circuit_currents: Solver
) -> None:
    positive, negative = cells((6, 4), 1), cells((6, 4), 2)
    pairs = WireSpec(
        wires.input_pitch_ohm,
        wires.output_pitch_ohm,
        wires.source_ohm,
        wires.terminal_ohm,
        arrangement="separate_source",
        pairs="interleaved",
    )
    expected = np.array([supplied_circuit_currents([positive, negative], [1.0, -1.0], bits, pairs) for bits in BITS])

    found = gated_pair_currents(positive, negative, BITS, pairs)

    assert found == pytest.approx(expected, abs=1e-12 * gated_currents(positive, BITS, pairs).max())
    assert found == pytest.approx(nodal_pair_currents(positive, negative, BITS, pairs), rel=1e-12)


def test_separate_arrays_are_subtracted(cells: Cells) -> None:
    positive, negative, wires = cells((6, 4), 1), cells((6, 4), 2), WIRES[1]
    expected = gated_currents(positive, BITS, wires) - gated_currents(negative, BITS, wires)

    assert np.array_equal(gated_pair_currents(positive, negative, BITS, wires), expected)


def test_a_single_cell_is_a_row_of_resistors_or_an_open_end() -> None:
    wires = WireSpec(3.0, 5.0, source_ohm=100.0, terminal_ohm=200.0, arrangement="separate_source")

    assert gated_currents([[1e-3]], [[1], [0]], wires)[:, 0] == pytest.approx([1 / 1308, 0.0], rel=1e-15)


def test_without_resistance_it_is_a_product(cells: Cells) -> None:
    g = cells((6, 4), 3)
    found = gated_currents(g, BITS, WireSpec(arrangement="separate_source"))

    assert found == pytest.approx(BITS @ g, rel=1e-14)


def test_inputs_as_sources_lose_more_than_a_supply_beside_the_output() -> None:
    """The supply line of a column carries that column's current; an input line carries one cell's of every column."""
    g = np.full((4, 40), 1e-4)
    as_sources = np.ones(4) @ effective_matrix(g, WireSpec(10.0, 10.0))
    supplied = gated_currents(g, np.ones(4), WireSpec(10.0, 10.0, arrangement="separate_source"))

    assert as_sources.min() < supplied.min()


def test_vectors_do_not_see_each_other(cells: Cells) -> None:
    g, wires = cells((6, 4), 3), WIRES[1]
    alone = np.concatenate([gated_currents(g, bits, wires) for bits in BITS])

    assert alone.tobytes() == gated_currents(g, BITS, wires).tobytes()


def test_what_is_no_bit_is_refused(cells: Cells) -> None:
    with pytest.raises(ConfigError, match=r"x\[0, 1\] must be 0 or 1: a separate source's inputs connect cells"):
        gated_currents(cells((2, 2), 3), [1, 0.5], WIRES[0])


def test_input_lines_as_sources_are_refused(cells: Cells) -> None:
    with pytest.raises(ConfigError, match=r"wires\.arrangement must be separate_source here"):
        gated_currents(cells((2, 2), 3), [1, 0], WireSpec())
