"""Arrays of cells whose current is not proportional to voltage, with resistive lines.

No matrix stands for such an array. Each vector is solved by Newton steps on the lines in turn: with the output lines
held, the cells are replaced by their tangents and every input line is solved exactly; then the same the other way
round. A round takes time proportional to the number of cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim.analog.wires import checks
from aimcsim.analog.wires.curves import CellCurve
from aimcsim.analog.wires.lines import interleave, output_segments
from aimcsim.analog.wires.spec import WireSpec
from aimcsim.errors import ConfigError, SimulationError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stopping:
    """When the voltages count as settled.

    Parameters
    ----------
    residual : float    Largest difference between the voltage across a cell and what the drops that all cells' currents
                        cause in the lines leave of the driver's, as a part of the highest input voltage.
    rounds : int        Most rounds; more is an error.
    """

    residual: float = 1e-12
    rounds: int = 1000

    def __post_init__(self) -> None:
        if not (np.isfinite(self.residual) and self.residual > 0):
            raise ConfigError(f"residual must be positive (got {self.residual})")
        if self.rounds < 1:
            raise ConfigError(f"rounds must be at least 1 (got {self.rounds})")


def nonlinear_currents(
    g: ArrayLike, v: ArrayLike, wires: WireSpec, curve: CellCurve, stopping: Stopping | None = None
) -> Floats:
    """Return the output currents [batch, outputs] of an input-source array, ampere.

    Each vector is settled by itself, so its result does not depend on the others.

    Parameters
    ----------
    g : [inputs, outputs]    Conductances near 0 V, siemens.
    v : [batch, inputs]      Voltages of the drivers.

    Raises
    ------
    ConfigError        If an argument has a wrong shape or value, or the source is a separate one.
    SimulationError    If the voltages do not settle, or a cell comes to where its curve does not rise.
    """
    checks.require(wires, "input_source")
    cells = checks.conductances("g", g)
    below = output_segments(wires, len(cells))
    return _each(cells, checks.inputs("v", v, len(cells)), wires, below, curve, stopping or Stopping())


def nonlinear_pair_currents(
    g_pos: ArrayLike,
    g_neg: ArrayLike,
    v: ArrayLike,
    wires: WireSpec,
    curve: CellCurve,
    stopping: Stopping | None = None,
) -> Floats:
    """Return the signed output currents [batch, outputs] of pairs of cells, ampere.

    Raises
    ------
    ConfigError, SimulationError    As `nonlinear_currents`.
    """
    positive, negative = checks.pair_of_conductances(g_pos, g_neg)
    drive = checks.inputs("v", v, len(positive))
    if wires.pairs == "separate":
        currents = [nonlinear_currents(cells, drive, wires, curve, stopping) for cells in (positive, negative)]
        return currents[0] - currents[1]
    checks.require(wires, "input_source")
    below = output_segments(wires, len(positive), lines_per_pitch=2)
    lines = interleave(drive.T, -drive.T).T
    return _each(interleave(positive, negative), lines, wires, below, curve, stopping or Stopping())


def _each(cells: Floats, v: Floats, wires: WireSpec, below: Floats, curve: CellCurve, stopping: Stopping) -> Floats:
    along = np.full(cells.shape[1], wires.input_pitch_ohm)
    along[0] = wires.head_ohm
    array = _Array(cells, along, below[::-1], curve)
    return np.array([array.settle(vector, stopping) for vector in v]).reshape(len(v), cells.shape[1])


@dataclass(frozen=True, slots=True)
class _Array:
    """Cells, the segments of an input line from its driver on, and those of an output line from its ground on."""

    cells: Floats
    along: Floats
    up: Floats
    curve: CellCurve

    def settle(self, v: Floats, stopping: Stopping) -> Floats:
        """Return the output currents for one vector of voltages."""
        input_volts, output_volts = np.broadcast_to(v[:, np.newaxis], self.cells.shape), np.zeros(self.cells.shape)
        highest = np.abs(v).max()
        residual = np.inf
        for _ in range(stopping.rounds):
            slope, offset = self._tangents(input_volts - output_volts)
            offset = offset - slope * output_volts
            input_volts = line_voltages(slope.T, offset.T, self.along, v).T
            slope, offset = self._tangents(input_volts - output_volts)
            offset = -(offset + slope * input_volts)
            output_volts = line_voltages(slope[::-1], offset[::-1], self.up, np.zeros(slope.shape[1]))[::-1]
            across = input_volts - output_volts
            currents = self.curve.current(self.cells, across)
            left = v[:, np.newaxis] - _drops(currents.T, self.along).T - _drops(currents[::-1], self.up)[::-1]
            residual = np.abs(left - across).max()
            if residual <= stopping.residual * highest:
                return _column_sums(currents)
        raise SimulationError(
            f"cell voltages did not settle in {stopping.rounds} rounds: {residual:.3g} V of {highest:.3g} V are still "
            f"open, {stopping.residual:.3g} of it allowed; levers: more rounds, less wire resistance"
        )

    def _tangents(self, across: Floats) -> tuple[Floats, Floats]:
        """Return slope and offset of ``current = slope * volts + offset`` at the voltages `across` the cells."""
        slope = self.curve.slope(self.cells, across)
        falling = (slope < 0) | ((slope == 0) & (self.cells > 0))
        if falling.any() or not np.isfinite(slope).all():
            row, column = np.argwhere(falling | ~np.isfinite(slope))[0]
            raise SimulationError(
                f"cell ({row}, {column}) of {self.cells[row, column]:.3g} S is at {across[row, column]:.3g} V, where "
                "its current-voltage curve does not rise; levers: lower input voltages, conductances in its range"
            )
        return slope, self.curve.current(self.cells, across) - slope * across


def line_voltages(slope: Floats, offset: Floats, segments: Floats, source: Floats) -> Floats:
    """Return the voltages [nodes, lines] of lines whose nodes draw ``slope * voltage + offset`` ampere each.

    Parameters
    ----------
    slope, offset : [nodes, lines]    Siemens and ampere, node 0 nearest the source.
    segments : [nodes]                Resistance before each node, ohm.
    source : [lines]                  Voltage that the line starts at.
    """
    nodes = len(segments)
    drawn_slope, drawn_offset = slope.copy(), offset.copy()
    ratio = np.empty_like(drawn_slope)
    for node in range(nodes - 1, -1, -1):
        ratio[node] = 1.0 / (1.0 + segments[node] * drawn_slope[node])
        if node:
            drawn_slope[node - 1] += drawn_slope[node] * ratio[node]
            drawn_offset[node - 1] += drawn_offset[node] * ratio[node]
    volts = np.empty_like(drawn_slope)
    before = source
    for node in range(nodes):
        volts[node] = before = (before - segments[node] * drawn_offset[node]) * ratio[node]
    return volts


def _drops(currents: Floats, segments: Floats) -> Floats:
    """Return what is lost on the way to each node [nodes, lines] when the nodes draw `currents`."""
    carried = np.cumsum(currents[::-1], axis=0)[::-1]
    return np.cumsum(segments[:, np.newaxis] * carried, axis=0)


def _column_sums(currents: Floats) -> Floats:
    """Return the sums over the inputs, in ascending order."""
    total: Floats = np.cumsum(currents, axis=0)[-1]
    return total
