"""Where the noise of reads comes from, and the noise of the cells in a read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.draws import Draws

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Noise:
    """Normal numbers for the vectors of a batch, one number of a vector telling which are its own.

    Attributes
    ----------
    draws : Draws
    numbers : ints [B]    A vector takes the elements ``number * count ...`` of every purpose.
    """

    draws: Draws
    numbers: Sequence[int]

    def normal(self, purpose: str, shape: tuple[int, ...]) -> Floats:
        """Return standard normals, float64 [B, *shape]."""
        count = int(np.prod(shape))
        drawn = self.draws.normal_rows(purpose, [number * count for number in self.numbers], count)
        return drawn.reshape(len(self.numbers), *shape)

    def of(self, vector: int) -> Noise:
        """Return the noise of one vector of the batch."""
        return Noise(self.draws, self.numbers[vector : vector + 1])
