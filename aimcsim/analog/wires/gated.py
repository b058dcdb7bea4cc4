"""Arrays with a separate source: input bits connect cells between a supply line and an output line.

Which cells conduct changes the circuit, so the currents are not linear in the inputs and no matrix stands for the
array. But columns do not touch each other: each is a ladder of two rails (three, for interleaved pairs), solved exactly
for every vector of bits in time proportional to its length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim import _kernels
from aimcsim.analog.wires import checks
from aimcsim.analog.wires.network import siemens
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
    ohms = (wires.head_ohm, wires.input_pitch_ohm, wires.output_pitch_ohm, wires.end_ohm)
    head, rail, line, end = map(siemens, ohms)
    return _kernels.read_supplied(np.stack(rails), bits, np.array(volts), (head, rail, line, end))
