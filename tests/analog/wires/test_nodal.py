"""Does the solution of the whole circuit obey the laws of circuits?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aimcsim.analog.wires import WireSpec, nodal_currents, nodal_pair_currents, nodal_solution
from aimcsim.errors import ConfigError

WIRES = WireSpec(2.0, 3.0, source_ohm=20.0, terminal_ohm=30.0)
Cells = Callable[[tuple[int, int], int], np.ndarray]


def test_it_agrees_with_another_circuit_simulator(cells: Cells, circuit_currents: Callable[..., np.ndarray]) -> None:
    positive, negative, v = cells((5, 7), 1), cells((5, 7), 2), np.random.default_rng(3).uniform(-1, 1, 5)
    pairs = WireSpec(2.0, 3.0, source_ohm=20.0, terminal_ohm=30.0, pairs="interleaved")
    alone = circuit_currents([positive], [v], WIRES)
    together = circuit_currents([positive, negative], [v, -v], pairs)

    assert nodal_currents(positive, v, WIRES)[0] == pytest.approx(alone, abs=1e-12 * np.abs(alone).max())
    found = nodal_pair_currents(positive, negative, v, pairs)[0]
    assert found == pytest.approx(together, abs=1e-12 * np.abs(alone).max())


def test_what_the_sources_give_the_grounds_take(cells: Cells) -> None:
    v = np.random.default_rng(1).uniform(-1, 1, (3, 9))
    solution = nodal_solution(cells((9, 6), 4), v, WIRES)

    given, taken = solution.source_currents.sum(axis=1), solution.output_currents.sum(axis=1)
    assert given == pytest.approx(taken, abs=1e-13 * np.abs(solution.output_currents).max())


def test_every_wire_carries_what_ohm_says(cells: Cells) -> None:
    """Between two cells of an output line flows the current of all cells before; of an input line, of all after."""
    g, v = cells((6, 5), 5), np.random.default_rng(2).uniform(-1, 1, (1, 6))
    solution = nodal_solution(g, v, WIRES)
    on, off = solution.input_volts[0], solution.output_volts[0]
    carried = g * (on - off)
    before = np.cumsum(carried, axis=0)[:-1]
    after = np.cumsum(carried[:, ::-1], axis=1)[:, ::-1]

    scale = np.abs(carried).max()
    assert (off[:-1] - off[1:]) / WIRES.output_pitch_ohm == pytest.approx(before, abs=1e-9 * scale)
    assert (on[:, :-1] - on[:, 1:]) / WIRES.input_pitch_ohm == pytest.approx(after[:, 1:], abs=1e-9 * scale)
    assert (v[0] - on[:, 0]) / WIRES.head_ohm == pytest.approx(after[:, 0], abs=1e-9 * scale)


def test_voltages_add_up(cells: Cells) -> None:
    g, v = cells((4, 6), 6), np.random.default_rng(3).uniform(-1, 1, (2, 4))
    both = nodal_currents(g, v[0] + v[1], WIRES)[0]

    assert nodal_currents(g, v, WIRES).sum(axis=0) == pytest.approx(both, rel=1e-11)


def test_separate_sources_take_bits(cells: Cells, supplied_circuit_currents: Callable[..., np.ndarray]) -> None:
    wires = WireSpec(2.0, 3.0, source_ohm=20.0, terminal_ohm=30.0, arrangement="separate_source")
    g, bits = cells((6, 5), 6), np.array([1, 0, 1, 1, 0, 1])
    expected = supplied_circuit_currents([g], [1.0], bits, wires)

    assert nodal_currents(g, bits, wires)[0] == pytest.approx(expected, abs=1e-12 * expected.max())
    with pytest.raises(ConfigError, match=r"v\[0, 5\] must be 0 or 1"):
        nodal_currents(g, [1, 0, 1, 1, 0, 0.5], wires)


def test_inputs_that_are_none_are_refused_by_name(cells: Cells) -> None:
    g = cells((4, 6), 6)
    with pytest.raises(ConfigError, match=r"v must be \[batch, 4\] \(got shape \[1, 6\]\)"):
        nodal_currents(g, np.zeros(6), WIRES)
    with pytest.raises(ConfigError, match=r"v\[1, 2\] must be finite, in volts \(got inf\)"):
        nodal_currents(g, [[0, 0, 0, 0], [0, 0, float("inf"), 0]], WIRES)


def test_an_empty_batch_has_no_currents(cells: Cells) -> None:
    assert nodal_currents(cells((4, 6), 6), np.zeros((0, 4)), WIRES).shape == (0, 6)
