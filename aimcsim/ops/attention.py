"""Attention: every output vector is a mean of value vectors, weighted by how well its query meets their keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops.base import DigitalKind, FloatArray, TensorShape, Window, check_arity


@dataclass(frozen=True, slots=True)
class Attention(DigitalKind):
    """Scaled dot-product attention over the vectors of one request, in heads side by side.

    In each head ``y[i] = sum over j of softmax(q[i] . k[j] / sqrt(length / heads))[j] * v[j]``. Inputs are queries,
    keys and values, all of one shape; a vector is a token.

    Parameters
    ----------
    heads : runs of equal length that the elements of a vector fall into.
    causal : whether a token meets those up to its own alone (its *prefix*), or all.

    Raises
    ------
    ValueError
        If `heads` is not positive, or does not divide the length of the inputs.

    Source: A. Vaswani et al., Attention Is All You Need, NeurIPS 2017, equation 1.
    """

    kind: ClassVar[str] = "attention"
    heads: int
    causal: bool = False

    def __post_init__(self) -> None:
        if self.heads < 1:
            raise ValueError(f"heads must be at least 1 (got {self.heads})")

    @property
    def arity(self) -> int:
        """Queries, keys and values."""
        return 3

    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape of each of the inputs."""
        check_arity(self, inputs)
        if len(set(inputs)) > 1:
            raise ValueError(f"queries, keys and values must have one shape (got {', '.join(map(str, inputs))})")
        if inputs[0].length % self.heads:
            raise ValueError(f"{self.heads} heads do not divide vectors of length {inputs[0].length}")
        return inputs[0]

    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return a query's own vector, and the prefix or all of keys and values."""
        shape = self.output_shape(*inputs)
        met = (Window.prefix if self.causal else Window.everything)(shape.vectors, shape.width)
        return (Window.elementwise(shape.vectors), met, met)

    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return the weighted means, token by token in float64."""
        queries, keys, values = (one.astype(np.float64).reshape(len(one), self.heads, -1) for one in inputs)
        count = len(keys)
        with np.errstate(all="ignore"):
            means = [
                self._token(queries[token], keys[:met], values[:met])
                for token in range(first, last)
                for met in [token + 1 if self.causal else count]
            ]
        return np.stack(means).astype(np.float32)

    def _token(
        self, query: NDArray[np.float64], keys: NDArray[np.float64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the mean for a query [heads, n] over keys and values [tokens, heads, n]."""
        scores = _sum(keys * query, axis=2) / math.sqrt(query.shape[1])
        powers = np.exp(scores - scores.max(axis=0))
        mean: NDArray[np.float64] = _sum(powers[:, :, None] * values, axis=0) / _sum(powers, axis=0)[:, None]
        return mean.reshape(-1)

    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return twice the elements of the tokens that a query meets, on average: those of keys and of values."""
        tokens, length = inputs[0].vectors, inputs[0].length
        return (tokens + 1 if self.causal else 2 * tokens) * length


def _sum(x: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return sums along an axis, one element after the other; np.sum would regroup them by shape."""
    return np.asarray(np.add.accumulate(x, axis=axis).take(-1, axis=axis))
