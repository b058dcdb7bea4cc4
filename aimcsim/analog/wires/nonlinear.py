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

CELLS_TOGETHER = 1 << 16
"""Cells times vectors that are solved at a time."""


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
    array = _Array(cells[..., np.newaxis], along, below[::-1], curve)
    together = max(1, CELLS_TOGETHER // cells.size)
    batches = [array.settle(v[first : first + together].T, stopping) for first in range(0, len(v), together)]
    return np.concatenate(batches) if batches else np.zeros((0, cells.shape[1]))


@dataclass(frozen=True, slots=True)
class _Array:
    """Cells [inputs, outputs, 1], the segments of an input line from its driver on, and those of an output line from
    its ground on. What belongs to vectors has them on the last axis.
    """

    cells: Floats
    along: Floats
    up: Floats
    curve: CellCurve

    def settle(self, v: Floats, stopping: Stopping) -> Floats:
        """Return the output currents [vectors, outputs] for voltages [inputs, vectors]; each settles by itself."""
        outputs = self.cells.shape[1]
        settled = np.empty((v.shape[1], outputs))
        open_ = np.arange(v.shape[1])  # vectors that have not settled
        across = np.repeat(v[:, np.newaxis], outputs, axis=1)
        output_volts = np.zeros_like(across)
        highest = np.abs(v).max(axis=0)
        for _ in range(stopping.rounds):
            across, output_volts = self._round(across, output_volts, v)
            currents = self.curve.current(self.cells, across)
            residual = self._residual(across, currents, v)
            done = residual <= stopping.residual * highest
            settled[open_[done]] = _column_sums(currents[:, :, done]).T
            if done.all():
                return settled
            left = ~done
            open_, highest, residual = open_[left], highest[left], residual[left]
            v, across, output_volts = v[:, left], across[:, :, left], output_volts[:, :, left]
        raise SimulationError(
            f"cell voltages did not settle in {stopping.rounds} rounds: {residual[0]:.3g} V of {highest[0]:.3g} V are "
            f"still open, {stopping.residual:.3g} of it allowed; levers: more rounds, less wire resistance"
        )

    def _round(self, across: Floats, output_volts: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Return the voltages across cells and of output lines after a step on all input, then all output lines."""
        _, outputs, vectors = across.shape
        slope, offset = self._tangents(across)
        offset = offset - slope * output_volts
        input_volts = _lines(slope.transpose(1, 0, 2), offset.transpose(1, 0, 2), self.along, v.ravel())
        input_volts = input_volts.transpose(1, 0, 2)
        slope, offset = self._tangents(input_volts - output_volts)
        offset = -(offset + slope * input_volts)
        grounds = np.zeros(outputs * vectors)
        output_volts = _lines(slope[::-1], offset[::-1], self.up, grounds)[::-1]
        return input_volts - output_volts, output_volts

    def _residual(self, across: Floats, currents: Floats, v: Floats) -> Floats:
        """Return the most that is still open of the voltage across a cell, for each vector."""
        along = _drops(currents.transpose(1, 0, 2), self.along).transpose(1, 0, 2)
        left = v[:, np.newaxis] - along - _drops(currents[::-1], self.up)[::-1]
        worst: Floats = np.abs(left - across).max(axis=(0, 1))
        return worst

    def _tangents(self, across: Floats) -> tuple[Floats, Floats]:
        """Return slope and offset of ``current = slope * volts + offset`` at the voltages `across` the cells."""
        slope = self.curve.slope(self.cells, across)
        falling = (slope < 0) | ((slope == 0) & (self.cells > 0)) | ~np.isfinite(slope)
        if falling.any():
            row, column, vector = np.argwhere(falling)[0]
            raise SimulationError(
                f"cell ({row}, {column}) of {self.cells[row, column, 0]:.3g} S is at "
                f"{across[row, column, vector]:.3g} V, where its current-voltage curve does not rise; levers: lower "
                "input voltages, conductances in its range"
            )
        return slope, self.curve.current(self.cells, across) - slope * across


def _lines(slope: Floats, offset: Floats, segments: Floats, source: Floats) -> Floats:
    """Return `line_voltages` of the lines [nodes, lines, vectors]."""
    nodes = len(segments)
    return line_voltages(slope.reshape(nodes, -1), offset.reshape(nodes, -1), segments, source).reshape(slope.shape)


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
    """Return what is lost on the way to each node [nodes, lines, vectors] when the nodes draw `currents`."""
    carried = np.cumsum(currents[::-1], axis=0)[::-1]
    return np.cumsum(segments[:, np.newaxis, np.newaxis] * carried, axis=0)


def _column_sums(currents: Floats) -> Floats:
    """Return the sums over the inputs, in ascending order."""
    total: Floats = np.cumsum(currents, axis=0)[-1]
    return total
