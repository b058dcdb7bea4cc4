"""What a network does at a given rate, and the rate at which it saturates.

Rates are flits per endpoint and cycle; latency runs from creation to the ejection of the tail, waiting at the source
included. Packets that are created in a window after the warm-up count; traffic goes on until they have left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import ConfigError
from aimcsim.network.bounds import circuit_loads, zero_load_latency
from aimcsim.network.engine import Circuit, NetworkEngine
from aimcsim.network.traffic import BLOCK_CYCLES, Shares, bernoulli, largest_rate

SATURATED = 3.0
"""A network is saturated where mean latency is so many times that in an empty network."""
GROWTH = 0.03
"""Part of what is created in the window by which the packets inside may grow at a stable rate."""
CLOSE = 0.005
"""Relative precision of the saturation rate."""


@dataclass(frozen=True, slots=True)
class Window:
    """When packets are looked at.

    Parameters
    ----------
    warmup_cycles : int   Cycles before the window.
    cycles : int          Cycles of the window; as many again are given to its packets to leave. Both are rounded up to
                          hundreds.
    """

    warmup_cycles: int = 3000
    cycles: int = 10_000


@dataclass(frozen=True, slots=True)
class Load:
    """A network at one rate.

    Parameters
    ----------
    rate, accepted : float        Flits per sending endpoint and cycle: asked for, and ejected in the window.
    mean_latency, p50, p99 : float   Cycles. Where `stable` is false, what has not left counts with its age.
    stable : bool                 The packets inside do not grow in number, and all of the window leave in time.
    max_link_utilisation : float  Part of the window in which the busiest link is taken.
    """

    rate: float
    mean_latency: float
    p50: float
    p99: float
    accepted: float
    stable: bool
    max_link_utilisation: float


class Mark(NamedTuple):
    """Where a network is at one end of the window: packets so far, packets inside, busy cycles of links."""

    offered: int
    inside: int
    busy: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Offer:
    """Traffic for a network: pattern, flits of a packet, seed of what is random, and when to look."""

    shares: Shares
    flits: int
    seed: int = 0
    window: Window = Window()


def mean_empty_latency(network: NetworkEngine, offer: Offer) -> float:
    """Return the mean latency of the traffic in an empty network."""
    source, target = np.nonzero(offer.shares)
    cycles = zero_load_latency(network.fabric, network.router, source, target, offer.flits)
    return float(np.average(cycles, weights=offer.shares[source, target]))


def most_rate(network: NetworkEngine, offer: Offer) -> float:
    """Return the rate at which the busiest link, or a source, is never free; no network can carry more."""
    if not isinstance(network.router, Circuit):
        return largest_rate(network.fabric, offer.shares)
    source, target = np.nonzero(offer.shares)
    packets = offer.shares[source, target] / offer.flits
    busiest = circuit_loads(network.fabric, network.router, source, target, offer.flits, packets).max()
    return 1 / max(float(busiest), 1.0)


def measure(network: NetworkEngine, offer: Offer, rate: float) -> Load:
    """Run a new network at a rate.

    Raises
    ------
    ConfigError   If a source would have to send more than one flit in a cycle, or no packet is created in the window.
    """
    if not 0 < rate <= 1:
        raise ConfigError(f"a rate is above 0 and at most 1 flit a cycle (got {rate:g})")
    begin = -(-offer.window.warmup_cycles // BLOCK_CYCLES) * BLOCK_CYCLES
    end = begin + -(-offer.window.cycles // BLOCK_CYCLES) * BLOCK_CYCLES
    marks: dict[int, Mark] = {}
    for packets in bernoulli(offer.shares, rate, offer.flits, np.random.default_rng(offer.seed)):
        now = network.cycle
        if now in (begin, end):
            marks[now] = Mark(network.offered, network.inside, network.busy())
        if now >= end and (now >= 2 * end - begin or _all_left(network, marks[begin].offered, marks[end].offered)):
            break
        network.offer_many(*packets)
        network.advance(now + BLOCK_CYCLES)
    return _load(network, offer, rate, marks)


def _all_left(network: NetworkEngine, first: int, last: int) -> bool:
    return bool((network.packets(first, last).tail_eject >= 0).all())


def _load(network: NetworkEngine, offer: Offer, rate: float, marks: dict[int, Mark]) -> Load:
    (begin, before), (end, after) = sorted(marks.items())
    created = after.offered - before.offered
    if created == 0:
        raise ConfigError(f"no packet is created within {end - begin} cycles at a rate of {rate:g}")
    records = network.packets(before.offered, after.offered)
    left = records.tail_eject >= 0
    latency = np.where(left, records.tail_eject, network.cycle) - records.create
    tails = network.packets().tail_eject
    gone = int(((begin <= tails) & (tails < end)).sum())
    senders = int(offer.shares.any(axis=1).sum())
    return Load(
        rate=rate,
        mean_latency=float(latency.mean()),
        p50=float(np.percentile(latency, 50)),
        p99=float(np.percentile(latency, 99)),
        accepted=gone * offer.flits / senders / (end - begin),
        stable=bool(left.all()) and after.inside - before.inside <= max(GROWTH * created, senders),
        max_link_utilisation=float((after.busy - before.busy).max()) / (end - begin),
    )


def saturation(make: Callable[[], NetworkEngine], offer: Offer) -> float:
    """Return the rate at which mean latency is `SATURATED` times that of the empty network, by halving.

    Parameters
    ----------
    make : callable   Returns a new network, one for each rate that is tried.
    """
    network = make()
    threshold = SATURATED * mean_empty_latency(network, offer)
    low, high = 0.0, min(1.2 * most_rate(network, offer), 1.0)
    while high - low > CLOSE * high:
        middle = (low + high) / 2
        load = measure(make(), offer, middle)
        if load.mean_latency < threshold:
            low = middle
        else:
            high = middle
    return (low + high) / 2
