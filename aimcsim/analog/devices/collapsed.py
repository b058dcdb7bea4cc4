"""Pairs of devices that become one weight after programming and are split into a pair again.

No chip does this. aihwkit does (1.1 and 1.2, inference tiles), so that its statistics are those of such pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aimcsim.analog.devices.base import DeviceModel, DeviceState, Reals
from aimcsim.analog.draws import Draws


@dataclass(frozen=True, slots=True)
class CollapsedState:
    """Pairs as they were programmed, and what becomes of the pairs that they were split into.

    Attributes
    ----------
    programmed : float64    As written, both devices of each pair.
    split : DeviceState     The pairs that drift: one device of each at 0, the largest of all at 1.
    scale : float           What a conductance of 1 of the split pairs was before.
    """

    programmed: Reals
    split: DeviceState
    scale: float

    def conductance(self, time_s: float) -> Reals:
        """Return the conductance of the split pairs, in the scale of the programmed ones."""
        return self.scale * self.split.conductance(time_s)


def collapse(model: DeviceModel, state: DeviceState, draws: Draws, axis: int) -> CollapsedState:
    """Return the pairs of `state`, positive and negative devices along `axis`, as weights that are split again.

    The noise of an idle device is folded into the other one, and the idle one stands at 0, where it neither drifts nor
    is noisy. Drift exponents remain those of the targets.

    Raises
    ------
    ConfigError    If the model is not `restatable`.
    """
    positive, negative = np.split(state.programmed, 2, axis=axis)
    weight = positive - negative
    scale = float(np.abs(weight).max()) or 1.0
    pairs = np.maximum(np.concatenate([weight, -weight], axis=axis), 0.0) / scale
    return CollapsedState(state.programmed, model.restated(state, pairs, draws.child("split", 0)), scale)
