"""Pairs on one output line: twice the input lines, alternately positive and negative."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.wires.spec import WireSpec

Floats = NDArray[np.float64]


def interleave(positive: Floats, negative: Floats) -> Floats:
    """Return the rows of two matrices in turn: [2 n, ...], even rows positive."""
    return np.stack([positive, negative], axis=1).reshape(2 * len(positive), *positive.shape[1:])


def output_segments(wires: WireSpec, inputs: int, lines_per_pitch: int = 1) -> Floats:
    """Return the resistance of an output line below each of its cells, the last to ground, ohm.

    Cells of one pitch share a node: only the last of them has wire below it.
    """
    below = np.zeros(inputs * lines_per_pitch)
    below[lines_per_pitch - 1 :: lines_per_pitch] = wires.output_pitch_ohm
    below[-1] = wires.end_ohm
    return below
