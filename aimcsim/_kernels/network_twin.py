"""What networks in plain Python have in common: packets are taken by number, and asked for afterwards.

How they move is said by flits_twin.py, calendar_twin.py and circuits_twin.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray


class Carried(Protocol):
    """A packet and when it went where, in cycles; -1: not yet."""

    create: int
    source: int
    target: int
    flits: int
    inject: int
    head: int
    tail: int

    @property
    def link_wait(self) -> int:
        """Cycles that it waited for links."""

    @property
    def credit_wait(self) -> int:
        """Cycles that it waited for credits."""


PacketType = TypeVar("PacketType", bound=Carried)


def way_of(packet: int, ways: int) -> int:
    """Return which of the ways a packet takes: spread evenly, and always the same for its number."""
    return (packet * 2654435769 % 2**32 >> 30) & (ways - 1)


class NetworkTwin(ABC, Generic[PacketType]):
    """The packets that were offered to a network, and those that left when it was run last."""

    def __init__(self) -> None:
        self._packets: list[PacketType] = []
        self._done: list[int] = []
        self.cycle = 0

    @property
    def offered(self) -> int:
        """Packets that were offered."""
        return len(self._packets)

    @abstractmethod
    def offer(self, create: int, source: int, target: int, flits: int) -> int:
        """Take a packet, created not before the one before and not before `cycle`; return its number."""

    def offer_many(
        self,
        create: NDArray[np.int64],
        source: NDArray[np.int32],
        target: NDArray[np.int32],
        flits: NDArray[np.int32],
    ) -> int:
        """Take many packets; return the number of the first."""
        first = len(self._packets)
        for packet in zip(create.tolist(), source.tolist(), target.tolist(), flits.tolist(), strict=True):
            self.offer(*packet)
        return first

    def advance(self, until: int) -> NDArray[np.int64]:
        """Run the cycles before `until`; return the packets that have left, in order of their last cycle and number."""
        self._run(until, stop=False)
        return np.array(self._done, np.int64)

    def advance_to_ejection(self, until: int) -> list[int]:
        """Do the same up to the first cycle in which a packet leaves, and end before anything else happens in it."""
        self._run(until, stop=True)
        return self._done

    @abstractmethod
    def _run(self, until: int, *, stop: bool) -> None:
        """Run the cycles before `until`, or to the first in which a packet leaves; put what has left into `_done`."""

    def packet(self, which: int) -> tuple[int, int, int, int, int]:
        """Return when a packet was injected and when its head and tail left, and its waits for links and credits."""
        packet = self._packets[which]
        return packet.inject, packet.head, packet.tail, packet.link_wait, packet.credit_wait

    def tails(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return when the tails of packets left."""
        return np.array([self._packets[which].tail for which in ids.tolist()], np.int64)

    def packets(self, first: int, last: int) -> NDArray[np.int64]:
        """Return rows of create, source, target, flits, inject, head, tail, wait for links, wait for credits."""
        rows = [
            (p.create, p.source, p.target, p.flits, p.inject, p.head, p.tail, p.link_wait, p.credit_wait)
            for p in self._packets[first:last]
        ]
        return np.array(rows, np.int64).reshape(len(rows), 9).T.copy()
