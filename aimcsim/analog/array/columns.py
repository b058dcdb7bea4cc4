"""From row voltages to column currents: ideal lines, lines with resistance, gated cells, and cells that are not linear.

A reader stands for the conductances of one array at one time. Its lines are what is converted or limited apart: the two
of a pair, or one where they are subtracted as currents.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.array.product import matrix_of
from aimcsim.analog.array.spec import AnalogSpec
from aimcsim.analog.wires import (
    CellCurve,
    CubicCurve,
    MiloCurve,
    WireSpec,
    effective_matrix,
    effective_pair,
    gated_currents,
    gated_pair_currents,
    nonlinear_currents,
    nonlinear_pair_currents,
)

Floats = NDArray[np.float64]


class Reader(Protocol):
    """Column currents of an array at one time."""

    def currents(self, voltages: Floats) -> Floats:
        """Return float64 [B, F, slices, lines, M] for the voltages [B, F, K] of every read."""
        ...


def lines_apart(spec: AnalogSpec) -> bool:
    """Return whether the lines of a pair give currents of their own."""
    limited = spec.readout.column_limit > 0 and not spec.cells.interleaved
    return spec.cells.is_pair and (limited or (spec.readout.subtraction == "digital" and not spec.cells.interleaved))


def is_linear(spec: AnalogSpec) -> bool:
    """Return whether currents are proportional to voltages, so that they are a product."""
    gated = spec.wires is not None and spec.wires.arrangement == "separate_source"
    return spec.current_voltage == "linear" and not gated


def build_reader(conductances: Floats, spec: AnalogSpec) -> Reader:
    """Return the reader of cells [slices, lines, K, M] at their `conductances`, in parts of the largest."""
    if is_linear(spec):
        return LinearReader(effective_lines(conductances, spec), spec)
    return SolvedReader.of(conductances, spec)


class LinearReader:
    """Currents as the product of voltages with `lines` [slices, lines, K, M].

    Lines that are no differences are summed about their mean, which is added in float64: what is left of them once the
    offset is removed may be a hundredth of the current, and keeps its digits.
    """

    def __init__(self, lines: Floats, spec: AnalogSpec) -> None:
        self._shape = (lines.shape[0], lines.shape[1], lines.shape[3])
        about_mean = spec.precision == "float32" and (lines_apart(spec) or not spec.cells.is_pair)
        self._mean = lines.mean(axis=(2, 3), keepdims=True) if about_mean else None
        self._matrix = matrix_of(lines if self._mean is None else lines - self._mean, spec.precision)

    def currents(self, voltages: Floats) -> Floats:
        """Return the currents."""
        currents: Floats = self._matrix.times(voltages).reshape(*voltages.shape[:2], *self._shape)
        if self._mean is not None:
            currents = currents + self._mean[..., 0] * voltages.sum(axis=2)[:, :, np.newaxis, np.newaxis, np.newaxis]
        return currents


def effective_lines(conductances: Floats, spec: AnalogSpec) -> Floats:
    """Return what every line conducts, or a pair as one, after the resistance of wires: [slices, lines, K, M]."""
    return np.stack([_effective(cells, spec) for cells in conductances])


def _effective(cells: Floats, spec: AnalogSpec) -> Floats:
    """Return the lines [lines, K, M] of the cells [lines, K, M] of one slice."""
    apart = lines_apart(spec) or len(cells) == 1
    if spec.wires is None:
        return cells if apart else cells[:1] - cells[1:]
    scale = spec.largest_conductance_s
    if apart:
        return np.stack([effective_matrix(line * scale, spec.wires) for line in cells]) / scale
    return effective_pair(cells[0] * scale, cells[1] * scale, _wires(spec))[np.newaxis] / scale


def _wires(spec: AnalogSpec) -> WireSpec:
    """Return the wires with the pairs standing as the cells say."""
    wires = spec.wires or WireSpec()
    return replace(wires, pairs="interleaved" if spec.cells.interleaved else "separate")


class SolvedReader:
    """Currents that depend on all voltages together, and so are solved for every read."""

    def __init__(self, conductances: Floats, spec: AnalogSpec) -> None:
        self._cells = conductances * spec.largest_conductance_s
        self._spec = spec
        self._pair = conductances.shape[1] == 2 and not lines_apart(spec)
        self._wires = _wires(spec)

    @staticmethod
    def of(conductances: Floats, spec: AnalogSpec) -> SolvedReader:
        """Return the reader of gated cells, or of cells that are not linear."""
        kind = _CurvedCells if spec.current_voltage != "linear" else _GatedCells
        return kind(conductances, spec)

    def currents(self, voltages: Floats) -> Floats:
        """Return the currents."""
        flat = voltages.reshape(-1, voltages.shape[2])
        slices = [np.stack(self._slice(cells, flat), axis=1) for cells in self._cells]
        solved = np.stack(slices, axis=1) / self._spec.largest_conductance_s
        return solved.reshape(*voltages.shape[:2], *solved.shape[1:])

    def _slice(self, cells: Floats, flat: Floats) -> list[Floats]:
        if self._pair:
            return [self._solve_pair(cells[0], cells[1], flat)]
        return [self._solve(line, flat) for line in cells]

    def _solve(self, cells: Floats, flat: Floats) -> Floats:
        raise NotImplementedError

    def _solve_pair(self, positive: Floats, negative: Floats, flat: Floats) -> Floats:
        raise NotImplementedError


class _GatedCells(SolvedReader):
    """Input bits connect cells to supply lines."""

    def _solve(self, cells: Floats, flat: Floats) -> Floats:
        return gated_currents(cells, flat, self._wires)

    def _solve_pair(self, positive: Floats, negative: Floats, flat: Floats) -> Floats:
        return gated_pair_currents(positive, negative, flat, self._wires)


class _CurvedCells(SolvedReader):
    """Cells whose current is not proportional to their voltage; a pulse drives the full one for a part of the time."""

    def __init__(self, conductances: Floats, spec: AnalogSpec) -> None:
        super().__init__(conductances, spec)
        self._curve: CellCurve = CubicCurve() if spec.current_voltage == "cubic" else MiloCurve()
        self._volt = spec.read_voltage_v

    def _solve(self, cells: Floats, flat: Floats) -> Floats:
        if self._spec.wires is not None:
            return nonlinear_currents(cells, flat * self._volt, self._wires, self._curve) / self._volt
        pulses = self._spec.inputs.encoding == "pulse_width"
        volts, times = (np.sign(flat), np.abs(flat)) if pulses else (flat, np.ones_like(flat))
        total = np.zeros((len(flat), cells.shape[1]))
        for row in range(len(cells)):
            current = self._curve.current(cells[row], volts[:, row, np.newaxis] * self._volt)
            total += times[:, row, np.newaxis] * current
        return total / self._volt

    def _solve_pair(self, positive: Floats, negative: Floats, flat: Floats) -> Floats:
        if self._spec.wires is not None:
            solved = nonlinear_pair_currents(positive, negative, flat * self._volt, self._wires, self._curve)
            return solved / self._volt
        if self._spec.cells.interleaved:
            return self._solve(positive, flat) + self._solve(negative, -flat)
        return self._solve(positive, flat) - self._solve(negative, flat)
