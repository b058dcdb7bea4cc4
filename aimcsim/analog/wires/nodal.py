"""The whole circuit of an array, solved node by node: slow, and what everything else is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim.analog.wires import checks
from aimcsim.analog.wires.lines import interleave, output_segments
from aimcsim.analog.wires.network import Section, node_voltages, siemens
from aimcsim.analog.wires.spec import WireSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NodalSolution:
    """Voltages and currents of an array with input lines as sources.

    Attributes
    ----------
    input_volts, output_volts : [batch, inputs, outputs]    At each cell, on its input line and on its output line.
    source_currents : [batch, inputs]                       Out of each driver, ampere.
    output_currents : [batch, outputs]                      Into each virtual ground, ampere.
    """

    input_volts: Floats
    output_volts: Floats
    source_currents: Floats
    output_currents: Floats


def nodal_solution(g: ArrayLike, v: ArrayLike, wires: WireSpec) -> NodalSolution:
    """Return all voltages and currents of an input-source array of linear cells.

    The work is of the order of ``inputs * outputs^3``, interpreted: a tenth of a second for 32 x 32 cells, seconds for
    128 x 128.

    Parameters
    ----------
    g : [inputs, outputs]    Conductances, siemens.
    v : [batch, inputs]      Voltages of the drivers.

    Raises
    ------
    ConfigError    If an argument has a wrong shape or value, or the source is a separate one.
    """
    checks.require(wires, "input_source")
    cells = checks.conductances("g", g)
    return _solve(cells, checks.inputs("v", v, len(cells)), wires, output_segments(wires, len(cells)))


def nodal_currents(g: ArrayLike, v: ArrayLike, wires: WireSpec) -> Floats:
    """Return the output currents [batch, outputs] of an array, ampere, from its whole circuit.

    Separate-source arrays take bits for `v` and are supplied with one volt.

    Raises
    ------
    ConfigError    If an argument has a wrong shape or value.
    """
    if wires.arrangement == "separate_source":
        cells = checks.conductances("g", g)
        return _rail_currents([cells], [1.0], checks.bits("v", v, len(cells)), wires)
    return nodal_solution(g, v, wires).output_currents


def nodal_pair_currents(g_pos: ArrayLike, g_neg: ArrayLike, v: ArrayLike, wires: WireSpec) -> Floats:
    """Return the signed output currents [batch, outputs] of pairs of cells, ampere, from the whole circuit.

    Raises
    ------
    ConfigError    If an argument has a wrong shape or value.
    """
    positive, negative = checks.pair_of_conductances(g_pos, g_neg)
    drive = checks.inputs("v", v, len(positive))
    if wires.pairs == "separate":
        return nodal_currents(positive, drive, wires) - nodal_currents(negative, drive, wires)
    if wires.arrangement == "separate_source":
        return _rail_currents([positive, negative], [1.0, -1.0], checks.bits("v", drive, len(positive)), wires)
    lines = interleave(drive.T, -drive.T).T
    below = output_segments(wires, len(positive), lines_per_pitch=2)
    return _solve(interleave(positive, negative), lines, wires, below).output_currents


def _solve(cells: Floats, v: Floats, wires: WireSpec, below: Floats) -> NodalSolution:
    sections = [_section(cells, v, wires, below, i) for i in range(len(cells))]
    volts = node_voltages(sections).reshape(len(cells), 2, cells.shape[1], len(v))
    input_volts, output_volts = volts.transpose(1, 3, 0, 2)
    source_currents = (cells * (input_volts - output_volts)).sum(axis=2)
    output_currents = output_volts[:, -1] * siemens(below[-1])
    return NodalSolution(input_volts, output_volts, source_currents, output_currents)


def _section(cells: Floats, v: Floats, wires: WireSpec, below: Floats, i: int) -> Section:
    """Return input line i: the nodes of its cells on the line itself, then those on the output lines."""
    inputs, outputs = cells.shape
    inside = np.zeros((2 * outputs, 2 * outputs, 1))
    line, ends = np.arange(outputs), np.arange(outputs, 2 * outputs)
    inside[line[:-1], line[1:]] = inside[line[1:], line[:-1]] = siemens(wires.input_pitch_ohm)
    inside[line, ends, 0] = inside[ends, line, 0] = cells[i]
    known, down, drive = np.zeros((2 * outputs, 1)), np.zeros((2 * outputs, 1)), np.zeros((2 * outputs, len(v)))
    known[0] = siemens(wires.head_ohm)
    drive[0] = known[0] * v[:, i]
    if i == inputs - 1:
        known[outputs:] = siemens(below[i])
    else:
        down[outputs:] = siemens(below[i])
    return Section(inside, down, known, drive)


def _rail_currents(rails: Sequence[Floats], volts: Sequence[float], bits: Floats, wires: WireSpec) -> Floats:
    """Return the currents of output lines that cells join to supply rails of these voltages."""
    sections = [_rail_section(rails, volts, bits, wires, i) for i in range(bits.shape[1])]
    batch, outputs = len(bits), rails[0].shape[1]
    last: Floats = node_voltages(sections)[-1, -1].reshape(batch, outputs)
    return last * siemens(wires.end_ohm)


def _rail_section(rails: Sequence[Floats], volts: Sequence[float], bits: Floats, wires: WireSpec, i: int) -> Section:
    """Return input i in all columns: a node on each supply rail, then one on the output line."""
    supplies, inputs = len(rails), len(rails[0])
    side_by_side = (len(bits), rails[0].shape[1])
    inside = np.zeros((supplies + 1, supplies + 1, *side_by_side))
    down, known, drive = (np.zeros((supplies + 1, *side_by_side)) for _ in range(3))
    for rail, (cells, volt) in enumerate(zip(rails, volts, strict=True)):
        inside[rail, -1] = inside[-1, rail] = bits[:, i, np.newaxis] * cells[i]
        if i == 0:
            known[rail] = siemens(wires.head_ohm)
            drive[rail] = known[rail] * volt
    if i == inputs - 1:
        known[-1] = siemens(wires.end_ohm)
    else:
        down[:-1], down[-1] = siemens(wires.input_pitch_ohm), siemens(wires.output_pitch_ohm)
    return Section(inside, down, known, drive)
