"""Synthetic traffic: who sends to whom, and when packets are created.

Rates are flits per endpoint and cycle. A pattern is a matrix of the part of each source's packets that goes to each
target; a source whose row is empty sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import ConfigError
from aimcsim.network.bounds import link_loads
from aimcsim.network.fabric import Fabric

BLOCK_CYCLES = 100
"""Cycles for which packets are drawn at a time."""
HOT_WEIGHT = 5.0
Shares = NDArray[np.float64]


class Packets(NamedTuple):
    """Packets in order of creation, one entry each."""

    create: NDArray[np.int64]
    src: NDArray[np.int64]
    dst: NDArray[np.int64]
    flits: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where endpoints sit, as patterns need it: endpoint n at column ``n % columns`` of row ``n // columns``."""

    columns: int
    rows: int

    @property
    def endpoints(self) -> int:
        """How many there are."""
        return self.columns * self.rows


def uniform(layout: Layout) -> Shares:
    """Everybody sends to everybody alike, also to itself."""
    return np.full((layout.endpoints, layout.endpoints), 1 / layout.endpoints)


def transpose(layout: Layout) -> Shares:
    """The endpoint at column x of row y sends to that at column y of row x, in a square."""
    if layout.columns != layout.rows:
        raise ConfigError(f"transpose traffic needs a square of endpoints (got {layout.columns}x{layout.rows})")
    row, column = np.divmod(np.arange(layout.endpoints), layout.columns)
    return _to(column * layout.columns + row)


def neighbour(layout: Layout) -> Shares:
    """Everybody sends to the next in its row, the last to the first."""
    row, column = np.divmod(np.arange(layout.endpoints), layout.columns)
    return _to(row * layout.columns + (column + 1) % layout.columns)


def gather(layout: Layout) -> Shares:
    """Everybody sends to endpoint 0, which sends to itself."""
    return _to(np.zeros(layout.endpoints, np.int64))


def scatter(layout: Layout) -> Shares:
    """Endpoint 0 sends to everybody alike."""
    shares = np.zeros((layout.endpoints, layout.endpoints))
    shares[0] = 1 / layout.endpoints
    return shares


def hotspot(layout: Layout) -> Shares:
    """Everybody sends five times as often to each of the (at most four) endpoints in the middle as to any other."""
    weights = np.ones((layout.rows, layout.columns))
    middle = (slice((size - 1) // 2, size // 2 + 1) for size in weights.shape)
    weights[tuple(middle)] = HOT_WEIGHT
    return np.tile(weights.ravel() / weights.sum(), (layout.endpoints, 1))


def _to(targets: NDArray[np.int64]) -> Shares:
    return np.eye(len(targets))[targets]


PATTERNS: dict[str, Callable[[Layout], Shares]] = {
    "uniform": uniform,
    "transpose": transpose,
    "hotspot": hotspot,
    "gather": gather,
    "scatter": scatter,
    "neighbour": neighbour,
}


def largest_rate(fabric: Fabric, shares: Shares) -> float:
    """Return the rate at which the busiest link, or a source, is never free; no network can carry more."""
    source, target = np.nonzero(shares)
    busiest = float(link_loads(fabric, source, target, shares[source, target]).max())
    return 1 / max(busiest, 1.0)


def burst(shares: Shares, packets: int, flits: int, rng: np.random.Generator) -> Packets:
    """Return so many packets of each source that sends, all created in cycle 0."""
    sources = np.repeat(np.flatnonzero(shares.any(axis=1)), packets)
    targets = _targets(np.cumsum(shares, axis=1), sources, rng)
    return Packets(np.zeros(len(sources), np.int64), sources, targets, np.full(len(sources), flits, np.int64))


def bernoulli(shares: Shares, rate: float, flits: int, rng: np.random.Generator) -> Iterator[Packets]:
    """Yield packets for ever, `BLOCK_CYCLES` at a time: in each cycle each source creates one by the same chance."""
    senders, edges = np.flatnonzero(shares.any(axis=1)), np.cumsum(shares, axis=1)
    for block in range(1 << 62):
        cycle, which = np.nonzero(rng.random((BLOCK_CYCLES, len(senders))) < rate / flits)
        sources = senders[which]
        targets = _targets(edges, sources, rng)
        yield Packets(block * BLOCK_CYCLES + cycle, sources, targets, np.full(len(sources), flits, np.int64))


def _targets(edges: Shares, sources: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw a target for each packet; `edges` are the summed shares of each source."""
    drawn = rng.random(len(sources)) * edges[sources, -1]
    targets = (edges[sources] <= drawn[:, None]).sum(axis=1)
    return np.asarray(np.minimum(targets, edges.shape[1] - 1), np.int64)
