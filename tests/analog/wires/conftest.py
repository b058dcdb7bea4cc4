"""A circuit simulator of its own, for small arrays: all node voltages and wire currents from one dense system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from aimcsim.analog.wires import CellCurve, CubicCurve, WireSpec

OHMIC = CubicCurve(0.0)


@dataclass
class Circuit:
    """Modified nodal analysis: wires bring their currents as unknowns, so that one of 0 ohm is nothing special."""

    nodes: list[object] = field(default_factory=list)
    known: dict[object, float] = field(default_factory=dict)
    wires: list[tuple[int, int, float]] = field(default_factory=list)
    cells: list[tuple[int, int, float]] = field(default_factory=list)

    def node(self, name: object) -> int:
        """Return the number of a node."""
        if name not in self.nodes:
            self.nodes.append(name)
        return self.nodes.index(name)

    def wire(self, start: object, end: object, ohm: float) -> None:
        """Join two nodes by a wire."""
        self.wires.append((self.node(start), self.node(end), ohm))

    def cell(self, start: object, end: object, siemens: float) -> None:
        """Join two nodes by a cell."""
        self.cells.append((self.node(start), self.node(end), siemens))

    def line(self, names: list[object], ohms: list[float]) -> None:
        """Join nodes in a row."""
        for start, end, ohm in zip(names[:-1], names[1:], ohms, strict=True):
            self.wire(start, end, ohm)

    def solve(self, curve: CellCurve) -> dict[object, float]:
        """Return the current into each node of known voltage, ampere; Newton's method on the whole system."""
        nodes, wires = len(self.nodes), len(self.wires)
        unknown = np.zeros(nodes + wires + len(self.known))
        for _ in range(50):
            matrix, right = np.zeros((len(unknown), len(unknown))), np.zeros(len(unknown))
            for row, (start, end, ohm) in enumerate(self.wires, nodes):
                matrix[start, row], matrix[end, row] = 1, -1
                matrix[row, start], matrix[row, end], matrix[row, row] = 1, -1, -ohm
            for start, end, siemens in self.cells:
                volts = np.array(unknown[start] - unknown[end])
                slope = curve.slope(np.array(siemens), volts) if siemens else 0.0
                offset = curve.current(np.array(siemens), volts) - slope * volts if siemens else 0.0
                for a, b in ((start, end), (end, start)):
                    matrix[a, a] += slope
                    matrix[a, b] -= slope
                right[start] -= offset
                right[end] += offset
            for row, (name, volts) in enumerate(self.known.items(), nodes + wires):
                matrix[self.node(name), row] = 1
                matrix[row, self.node(name)], right[row] = 1, volts
            before, unknown = unknown, np.linalg.solve(matrix, right)
            if np.abs(unknown - before).max() <= 1e-15:
                break
        return {name: unknown[nodes + wires + index] for index, name in enumerate(self.known)}


def array_currents(
    rows: list[np.ndarray], volts: list[np.ndarray], wires: WireSpec, curve: CellCurve = OHMIC
) -> np.ndarray:
    """Return the output currents of input-source arrays whose line i carries the cells `rows[k][i]` at `volts[k][i]`.

    All `rows` share output nodes: two of them are interleaved pairs.
    """
    inputs, outputs = rows[0].shape
    circuit = Circuit(known={("ground", j): 0.0 for j in range(outputs)})
    head = wires.source_ohm + wires.input_pitch_ohm
    for k, (cells, drive) in enumerate(zip(rows, volts, strict=True)):
        for i in range(inputs):
            circuit.known["source", k, i] = float(drive[i])
            names = [("source", k, i), *(("in", k, i, j) for j in range(outputs))]
            circuit.line(names, [head] + [wires.input_pitch_ohm] * (outputs - 1))
            for j in range(outputs):
                circuit.cell(("in", k, i, j), ("out", i, j), float(cells[i, j]))
    for j in range(outputs):
        names = [*(("out", i, j) for i in range(inputs)), ("ground", j)]
        circuit.line(names, [wires.output_pitch_ohm] * (inputs - 1) + [wires.output_pitch_ohm + wires.terminal_ohm])
    current = circuit.solve(curve)
    return np.array([current["ground", j] for j in range(outputs)])


def supplied_currents(rails: list[np.ndarray], volts: list[float], bits: np.ndarray, wires: WireSpec) -> np.ndarray:
    """Return the output currents of a separate-source array, column by column; several rails are interleaved pairs."""
    inputs, outputs = rails[0].shape
    found = []
    for j in range(outputs):
        circuit = Circuit(known={"ground": 0.0})
        for k, (cells, volt) in enumerate(zip(rails, volts, strict=True)):
            circuit.known["supply", k] = volt
            names = [("supply", k), *(("rail", k, i) for i in range(inputs))]
            circuit.line(names, [wires.source_ohm + wires.input_pitch_ohm] + [wires.input_pitch_ohm] * (inputs - 1))
            for i in range(inputs):
                circuit.cell(("rail", k, i), ("out", i), float(bits[i] * cells[i, j]))
        end = wires.output_pitch_ohm + wires.terminal_ohm
        circuit.line([*(("out", i) for i in range(inputs)), "ground"], [wires.output_pitch_ohm] * (inputs - 1) + [end])
        found.append(circuit.solve(OHMIC)["ground"])
    return np.array(found)


@pytest.fixture(scope="session")
def circuit_currents() -> Callable[..., np.ndarray]:
    return array_currents


@pytest.fixture(scope="session")
def supplied_circuit_currents() -> Callable[..., np.ndarray]:
    return supplied_currents


def random_cells(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Return conductances of 1 to 100 uS, a fifth of them 0."""
    numbers = np.random.default_rng(seed)
    return numbers.uniform(1e-6, 1e-4, shape) * (numbers.random(shape) > 0.2)


@pytest.fixture(scope="session")
def cells() -> Callable[[tuple[int, int], int], np.ndarray]:
    return random_cells
