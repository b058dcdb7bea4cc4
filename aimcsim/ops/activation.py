"""Activation functions that a layer applies to each of its output elements."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.floating[Any])


@dataclass(frozen=True, slots=True)
class ActivationFunction:
    """Limits every element to ``low..high``.

    Parameters
    ----------
    name : str
        `none`, `relu` or `clip`, as workload files spell it.
    low, high : float
        Limits; infinite where there is none.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf

    def apply(self, x: NDArray[T]) -> NDArray[T]:
        """Return `x` limited; the same array where nothing is limited.

        Which zero `maximum` and `minimum` return for (-0, +0) depends on the vector instructions in use and on the
        element's position, and outputs must not: adding +0 makes every zero positive.
        """
        if self.low > -math.inf:
            x = np.maximum(x, self.low) + 0.0
        if self.high < math.inf:
            x = np.minimum(x, self.high) + 0.0
        return x


NO_ACTIVATION = ActivationFunction("none")
RELU = ActivationFunction("relu", low=0.0)


def clip(low: float, high: float) -> ActivationFunction:
    """Return the function that limits to ``low..high``.

    Raises
    ------
    ValueError
        If `low` is not below `high`.
    """
    if not low < high:
        raise ValueError(f"clip needs a low limit below its high limit (got {low:g} and {high:g})")
    return ActivationFunction("clip", low, high)
