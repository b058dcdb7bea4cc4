"""What the kernels of resistive lines compute, written for reading: the twin of `_wires.pyx`.

It runs in place of the extension only under ``AIMCSIM_NO_EXT=1``, and in the tests, which demand the same bits of both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def eliminate(g: Floats, head: float, pitch: float, below: Floats, out: Floats) -> None:
    """Write the effective conductances of an array to `out` [outputs, inputs].

    Taken apart after input line i, the part above the cut is a multiport seen from the output lines. `y` are its
    admittances off the diagonal, `j` its short-circuit currents per volt of each input. Input line i joins the lines,
    so its admittances and currents are added. A segment of r ohm in every line makes ``(Y^-1 + r)^-1`` of Y, which is
    ``(1 - K) / r`` with ``K = (1 + r Y)^-1``, and ``K j`` of j. In the end the lines stand at ground.

    One volt on all inputs and outputs drives no current: the rows of Y add up to the sum of j over the inputs. So the
    diagonal of Y follows from the rest, and nothing is got by subtracting what is nearly equal.

    Parameters
    ----------
    g : [inputs, outputs]     Cells, siemens.
    head, pitch : float       Input line from source to first cell, from cell to cell, ohm.
    below : [inputs]          Output line from this input's cells to the next's, the last to ground, ohm.
    """
    inputs, outputs = g.shape
    y = np.zeros((outputs, outputs))
    j = np.zeros((outputs, 1 + inputs))
    for i, r in enumerate(below.tolist()):
        add_input_line(y, j, g[i], head, pitch, i)
        if r == 0.0:
            continue
        y *= r
        np.fill_diagonal(y, 1.0 + _diagonal(y, r * j[:, 0]))
        sweep(y, j[:, : i + 2])
        y /= r
    out[...] = j[:, 1:]


def add_input_line(y: Floats, j: Floats, g: Floats, head: float, pitch: float, i: int) -> None:
    """Add input line i, whose cells are `g`, to the multiport; of `y` only what lies below the diagonal counts.

    From node n of the line, ``back[n]`` ohm lead to the source, ``ahead[n]`` siemens through later cells to ground; a
    voltage at node n - 1 is ``ratio[n]`` as high at node n.
    """
    outputs = len(g)
    back, ahead, ratio = np.full(outputs, head), np.zeros(outputs), np.ones(outputs)
    for n in range(1, outputs):
        back[n] = pitch + back[n - 1] / (1.0 + g[n - 1] * back[n - 1])
    for n in range(outputs - 1, 0, -1):
        beyond = ahead[n] + g[n]
        ratio[n] = 1.0 / (1.0 + pitch * beyond)
        ahead[n - 1] = beyond * ratio[n]
    voltage = 1.0 / (1.0 + back[0] * (ahead[0] + g[0]))
    coupled = np.zeros(outputs)  # voltage at node n per volt at output line k < n
    for n in range(outputs):
        voltage *= ratio[n]
        coupled[:n] *= ratio[n]
        y[n, :n] -= g[n] * coupled[:n]
        coupled[n] = back[n] / (1.0 + back[n] * (ahead[n] + g[n])) * g[n]
        j[n, 0] += g[n] * voltage
        j[n, 1 + i] = g[n] * voltage


def _diagonal(y: Floats, row_sums: Floats) -> Floats:
    """Return the diagonal of the symmetric matrix with the lower triangle of `y` and these row sums."""
    diagonal = row_sums.copy()
    for k in range(len(y)):
        diagonal[:k] -= y[k, :k]
        diagonal[k + 1 :] -= y[k + 1 :, k]
    return diagonal


def sweep(y: Floats, j: Floats) -> None:
    """Replace the symmetric `y` by ``-(y^-1)`` and `j` by ``y^-1 j``, in place, pivots ascending.

    Of `y` only the lower triangle counts: what rounding makes of the upper one is never read.
    """
    for k in range(len(y)):
        u = np.concatenate([y[k, :k], y[k:, k]])
        v = u / u[k]
        y -= np.multiply.outer(u, v)
        y[k], y[:, k] = v, v
        y[k, k] = -1.0 / u[k]
        row = j[k] / u[k]
        j -= np.multiply.outer(u, row)
        j[k] = row


def read_supplied(
    g: Floats, bits: Floats, volts: Floats, siemens: tuple[float, float, float, float], out: Floats
) -> None:
    """Write the currents of output lines with supply rails beside them to `out` [batch, outputs].

    Input after input, the nodes on the rails and the one on the output line are taken out of the circuit: whoever was
    joined to such a node by conductances c is joined by ``c_a c_b / sum of c`` more. What leads to known voltages is
    kept as one conductance per node, and the current that these voltages drive through it. The last node on the output
    line is left, and then the current into the ground known.

    Parameters
    ----------
    g : [supplies, inputs, outputs]    Cells, siemens.
    bits : [batch, inputs]             1: the cells of this input join rail and output line; 0: they do not.
    volts : [supplies]                 Voltages of the supplies.
    siemens : tuple                    Supply to rail, along a rail, along an output line, from its last cell to ground.
    """
    head, rail, line, end = siemens
    supplies, inputs, outputs = g.shape
    nodes, side_by_side = supplies + 1, (len(bits), outputs)
    mesh, known = np.zeros((2 * nodes, 2 * nodes, *side_by_side)), np.zeros((2 * nodes, *side_by_side))
    drive = known.copy()
    known[:supplies] = head
    drive[:supplies] = head * volts[:, np.newaxis, np.newaxis]
    for i in range(inputs):
        mesh[:supplies, supplies] += bits[:, i, np.newaxis] * g[:, i, np.newaxis]
        for node in range(nodes):
            mesh[node, nodes + node] = 0.0 if i == inputs - 1 else rail if node < supplies else line
        if i == inputs - 1:
            known[supplies] += end
        for node in range(nodes - (i == inputs - 1)):
            _take_out(node, mesh, known, drive)
        if i < inputs - 1:
            for part in (mesh, known, drive):
                part[:nodes], part[nodes:] = part[nodes:].copy(), 0.0
            mesh[:, :nodes], mesh[:, nodes:] = mesh[:, nodes:].copy(), 0.0
    out[...] = drive[supplies] / (mesh[supplies, nodes:].sum(axis=0) + known[supplies]) * end


def _take_out(node: int, mesh: Floats, known: Floats, drive: Floats) -> None:
    """Turn the star of a node into a mesh between the nodes after it; of `mesh` the upper triangle counts."""
    total = mesh[node, node + 1].copy()
    for after in range(node + 2, len(mesh)):
        total += mesh[node, after]
    total += known[node]
    for after in range(node + 1, len(mesh)):
        share = mesh[node, after] / total
        mesh[after, after + 1 :] += share * mesh[node, after + 1 :]
        known[after] += share * known[node]
        drive[after] += share * drive[node]
