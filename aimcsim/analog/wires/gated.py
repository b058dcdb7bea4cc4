"""Arrays with a separate source: input bits connect cells between a supply line and an output line.

Which cells conduct changes the circuit, so the currents are not linear in the inputs and no matrix stands for the
array. But columns do not touch each other: each is a ladder of two rails (three, for interleaved pairs), solved exactly
for every vector of bits in time proportional to its length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim.analog.wires import checks
from aimcsim.analog.wires.network import Section, node_voltages, siemens
from aimcsim.analog.wires.spec import WireSpec

Floats = NDArray[np.float64]


def gated_currents(g: ArrayLike, x: ArrayLike, wires: WireSpec) -> Floats:
    """Return the output currents [batch, outputs] for input bits `x`, ampere per volt of supply.

    The work is about forty operations per cell and vector. Nothing is kept between vectors, as each has a circuit of
    its own.

    Parameters
    ----------
    g : [inputs, outputs]    Conductances, siemens.
    x : [batch, inputs]      Zeros and ones.

    Raises
    ------
    ConfigError    If an argument has a wrong shape or value, or the input lines are the source.
    """
    checks.require(wires, "separate_source")
    cells = checks.conductances("g", g)
    return _rail_currents([cells], [1.0], checks.bits("x", x, len(cells)), wires)


def gated_pair_currents(g_pos: ArrayLike, g_neg: ArrayLike, x: ArrayLike, wires: WireSpec) -> Floats:
    """Return the signed output currents [batch, outputs] of pairs of cells for input bits `x`, ampere per volt.

    In `separate` arrays two output lines are subtracted; `interleaved`, one output line has a supply line of plus one
    volt and one of minus one volt beside it.

    Raises
    ------
    ConfigError    If an argument has a wrong shape or value, or the input lines are the source.
    """
    checks.require(wires, "separate_source")
    positive, negative = checks.pair_of_conductances(g_pos, g_neg)
    bits = checks.bits("x", x, len(positive))
    if wires.pairs == "interleaved":
        return _rail_currents([positive, negative], [1.0, -1.0], bits, wires)
    return _rail_currents([positive], [1.0], bits, wires) - _rail_currents([negative], [1.0], bits, wires)


def _rail_currents(rails: Sequence[Floats], volts: Sequence[float], bits: Floats, wires: WireSpec) -> Floats:
    """Return the currents of output lines that cells join to supply rails of these voltages."""
    sections = [_section(rails, volts, bits, wires, i) for i in range(bits.shape[1])]
    batch, outputs = len(bits), rails[0].shape[1]
    last: Floats = node_voltages(sections)[-1, -1].reshape(batch, outputs)
    return last * siemens(wires.end_ohm)


def _section(rails: Sequence[Floats], volts: Sequence[float], bits: Floats, wires: WireSpec, i: int) -> Section:
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
