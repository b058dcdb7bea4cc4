"""Arrays with resistive lines as one matrix each: the map from input voltages to output currents is linear."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim import _kernels
from aimcsim.analog.wires import checks
from aimcsim.analog.wires.lines import interleave, output_segments
from aimcsim.analog.wires.spec import WireSpec


def effective_matrix(g: ArrayLike, wires: WireSpec) -> NDArray[np.float64]:
    """Return what an array with these lines computes: ``output currents = input voltages @ effective matrix``.

    Exact for linear cells, up to rounding, whatever the resistances: no step subtracts what is nearly equal. The bits
    depend on the numbers alone. It has to be computed anew when the conductances change.

    The work is ``a * b^2 * (a + b) / 2`` multiplications for lines of b <= a cells: the array is taken apart along its
    longer side. With more outputs than inputs that is done on the transposed array, whose matrix is, by reciprocity,
    the transposed one.

    Parameters
    ----------
    g : [inputs, outputs]    Conductances, siemens.

    Raises
    ------
    ConfigError    If a conductance is negative or not finite, or the source is a separate one: what such an array
                   does is not linear in its inputs (see `gated_currents`).
    """
    checks.require(wires, "input_source")
    cells = checks.conductances("g", g)
    if cells.shape[1] > cells.shape[0]:
        turned = WireSpec(wires.output_pitch_ohm, wires.input_pitch_ohm, wires.terminal_ohm, wires.source_ohm)
        return np.ascontiguousarray(_eliminate(cells[::-1, ::-1].T, turned)[::-1, ::-1].T)
    return _eliminate(cells, wires)


def _eliminate(cells: NDArray[np.float64], wires: WireSpec) -> NDArray[np.float64]:
    below = output_segments(wires, len(cells))
    return _kernels.eliminate(cells, head=wires.head_ohm, pitch=wires.input_pitch_ohm, below=below)


def effective_pair(g_pos: ArrayLike, g_neg: ArrayLike, wires: WireSpec) -> NDArray[np.float64]:
    """Return the effective matrix of signed weights: positive cells less negative ones, in siemens.

    In `separate` arrays both see the same voltages and their currents are subtracted. `interleaved`, the negative
    cells see the opposite voltage and the currents meet on the output line.

    Parameters
    ----------
    g_pos, g_neg : [inputs, outputs]    Conductances, siemens.

    Raises
    ------
    ConfigError    As `effective_matrix`, or if the shapes differ.
    """
    checks.require(wires, "input_source")
    positive, negative = checks.pair_of_conductances(g_pos, g_neg)
    if wires.pairs == "separate":
        return effective_matrix(positive, wires) - effective_matrix(negative, wires)
    below = output_segments(wires, len(positive), lines_per_pitch=2)
    cells = interleave(positive, negative)
    both = _kernels.eliminate(cells, head=wires.head_ohm, pitch=wires.input_pitch_ohm, below=below)
    return both[0::2] - both[1::2]
