"""How many replicas of each layer keep a pipeline of layers balanced.

A layer takes as many reads a request as it has output vectors; replicas share them out. A pipeline is as fast as its
slowest layer, so layers get replicas in proportion to their vectors.

Source: the balanced pipeline of [isaac16]. Assumes: a read takes every layer the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


def balanced(vectors: Mapping[str, int], reads: int) -> dict[str, int]:
    """Return the least replicas of each layer with which none makes more than `reads` reads a request.

    With ``reads = 1`` every output vector has a replica of its own, which is full balance with a layer of one vector.
    """
    return {layer: -(-count // reads) for layer, count in vectors.items()}


def fill(vectors: Mapping[str, int], needed: Callable[[Mapping[str, int]], int], budget: int) -> dict[str, int]:
    """Return the replicas with which the slowest layer makes the fewest reads that `budget` crossbars allow.

    Parameters
    ----------
    vectors : mapping
        Output vectors a request of each layer.
    needed : callable
        Crossbars that layers with so many replicas each take.
    budget : int
        Crossbars there are; if one replica of each does not fit, it is what is returned all the same.
    """
    low, high = 1, max(vectors.values(), default=1)
    while low < high:
        middle = (low + high) // 2
        if needed(balanced(vectors, middle)) <= budget:
            high = middle
        else:
            low = middle + 1
    return balanced(vectors, high)
