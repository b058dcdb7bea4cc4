"""What both engines of the network have in common: routers, packets offered and advanced, and records of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim.errors import CausalityError, ConfigError, DeadlockError
from aimcsim.network.fabric import Fabric

Pipeline = Literal["fast", "default"]
STAGE_CYCLES: dict[Pipeline, int] = {"fast": 2, "default": 4}
"""Cycles of a router: look-ahead routing and speculative switch requests, or one stage after the other."""
SWITCH_CYCLES = 2
"""Cycles from the grant of a flit to the beginning of its link; those of the stages that a body flit passes."""
EJECT_CYCLES = 3
"""Cycles from the grant of a flit for its endpoint until it is there."""
MOST_BUFFER = 4096
MOST_FLITS = 1 << 20
MOST_CYCLE = 1 << 60
DRAIN_CYCLES = 4096


@dataclass(frozen=True, slots=True)
class Router:
    """What every router of a network is like.

    Parameters
    ----------
    vcs : int       Virtual channels of each port.
    buffer : int    Flits that the input buffer of a virtual channel holds.
    pipeline : str  `fast` (2 cycles) or `default` (4 cycles).
    """

    vcs: int = 2
    buffer: int = 8
    pipeline: Pipeline = "fast"

    def __post_init__(self) -> None:
        if self.vcs < 1:
            raise ConfigError(f"a port needs at least one virtual channel (got {self.vcs})")
        if not 1 <= self.buffer <= MOST_BUFFER:
            raise ConfigError(f"the buffer of a virtual channel holds 1 to {MOST_BUFFER} flits (got {self.buffer})")
        if self.pipeline not in STAGE_CYCLES:
            raise ConfigError(f"the pipeline of a router is `fast` or `default` (got `{self.pipeline}`)")

    @property
    def cycles(self) -> int:
        """Cycles that a head spends in a router at least."""
        return STAGE_CYCLES[self.pipeline]


@dataclass(frozen=True, slots=True)
class Circuit:
    """What every circuit of a network is like.

    Parameters
    ----------
    setup_cycles : int    Cycles that a way is taken before the head sets out: set-up, or the arbitration of a bus.
    router_cycles : int   Cycles of a head through each router, or through the switch of a crossbar; a bus has none.
    hold_cycles : int     Cycles that a packet takes past any point whatever its flits, as pulses do side by side;
                          0: one for each flit.
    """

    setup_cycles: int = 1
    router_cycles: int = 1
    hold_cycles: int = 0

    def __post_init__(self) -> None:
        _check_circuit("set-up", self.setup_cycles)
        _check_circuit("a router", self.router_cycles)
        _check_circuit("a packet past a link", self.hold_cycles)


def _check_circuit(what: str, cycles: int) -> None:
    if not 0 <= cycles <= MOST_FLITS:
        raise ConfigError(f"{what} takes 0 to {MOST_FLITS} cycles (got {cycles})")


class Ejections(NamedTuple):
    """Packets that have left, in order of the cycle and of their numbers."""

    ids: NDArray[np.int64]
    cycles: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PacketRecords:
    """What became of packets; all int64, one entry per packet, in cycles. -1: not yet.

    ``tail_eject - create`` is ``transfer + link_wait + credit_wait``: what the packet takes in an empty network; what
    it waited for links (also behind others at its source and in buffers); and for room in the buffer ahead.
    """

    create: NDArray[np.int64]
    src: NDArray[np.int64]
    dst: NDArray[np.int64]
    flits: NDArray[np.int64]
    inject: NDArray[np.int64]
    head_eject: NDArray[np.int64]
    tail_eject: NDArray[np.int64]
    link_wait: NDArray[np.int64]
    credit_wait: NDArray[np.int64]

    @property
    def latency(self) -> NDArray[np.int64]:
        """From creation to the ejection of the tail."""
        return self.tail_eject - self.create

    @property
    def transfer(self) -> NDArray[np.int64]:
        """What is not waiting."""
        return self.latency - self.link_wait - self.credit_wait


@dataclass(frozen=True, slots=True)
class LinkRecords:
    """What links and routers did so far. Links are named by router and output port; waits count where they have ended.

    Parameters
    ----------
    flits, busy : int64 [routers, ports]   Flits sent, and cycles in which the link was taken by them.
    link_wait : int64 [routers, ports]     Cycles that flits at the front of a buffer waited for a virtual channel of
                                           the link or their turn on it.
    credit_wait : int64 [routers, ports]   Cycles that they waited for room in the buffer ahead.
    head_wait : int64 [routers]            Cycles that heads stood behind another packet in their buffer.
    injected, inject_credit_wait : int64 [endpoints]   Flits sent by a source, and cycles that they waited for room.
    inject_busy : int64 [endpoints]        Cycles in which the link from a source was taken.
    """

    flits: NDArray[np.int64]
    busy: NDArray[np.int64]
    link_wait: NDArray[np.int64]
    credit_wait: NDArray[np.int64]
    head_wait: NDArray[np.int64]
    injected: NDArray[np.int64]
    inject_credit_wait: NDArray[np.int64]
    inject_busy: NDArray[np.int64]


class NetworkEngine:
    """A network and the packets offered to it: a `FlitNetwork`, `PacketNetwork` or `CircuitNetwork`.

    Packets are offered in order of time and are numbered from 0. `cycle` is the next one to run: after ``advance(t)``
    nothing of cycle t has happened, and packets created in t are still in time. After `advance_to_ejection` packets
    have just left in `cycle`, and a packet that is offered then and there enters in that cycle.
    """

    def __init__(self, fabric: Fabric, router: Router | Circuit, kernel: Any) -> None:
        self.fabric, self.router = fabric, router
        self._kernel = kernel
        self._latest = 0

    @property
    def cycle(self) -> int:
        """The next cycle to run."""
        return int(self._kernel.cycle)

    @property
    def offered(self) -> int:
        """Packets that were offered so far."""
        return int(self._kernel.offered)

    @property
    def inside(self) -> int:
        """Packets that were offered and have not left yet."""
        return int(self._kernel.inside)

    def offer(self, create_cycle: int, src: int, dst: int, flits: int) -> int:
        """Take a packet that its source has from `create_cycle` on; return its number.

        Raises
        ------
        ConfigError      If there is no such endpoint, or no such length.
        CausalityError   If the cycle has passed, or is before that of the packet offered last.
        """
        if not (0 <= src < self.fabric.endpoints and 0 <= dst < self.fabric.endpoints):
            raise ConfigError(f"endpoints are 0 to {self.fabric.endpoints - 1} (got {src} to {dst})")
        if not 0 < flits <= MOST_FLITS:
            raise ConfigError(f"a packet has 1 to {MOST_FLITS} flits (got {flits})")
        self._check_time(create_cycle)
        self._latest = create_cycle
        return int(self._kernel.offer(create_cycle, src, dst, flits))

    def offer_many(self, create_cycle: ArrayLike, src: ArrayLike, dst: ArrayLike, flits: ArrayLike) -> int:
        """Take packets given as arrays of one length, in order of time; return the number of the first.

        Raises
        ------
        ConfigError, CausalityError   As `offer` does.
        """
        create, sources, targets, lengths = (np.asarray(one, np.int64) for one in (create_cycle, src, dst, flits))
        ends = np.concatenate([sources, targets])
        if ends.size and not 0 <= ends.min() <= ends.max() < self.fabric.endpoints:
            raise ConfigError(f"endpoints are 0 to {self.fabric.endpoints - 1} (got {ends.min()} to {ends.max()})")
        if lengths.size and not 0 < lengths.min() <= lengths.max() <= MOST_FLITS:
            raise ConfigError(f"a packet has 1 to {MOST_FLITS} flits (got {lengths.min()} to {lengths.max()})")
        if create.size:
            if (np.diff(create) < 0).any():
                raise CausalityError("packets must be offered in order of time")
            self._check_time(int(create[0]))
            self._latest = int(create[-1])
        narrow = (one.astype(np.int32) for one in (sources, targets, lengths))
        return int(self._kernel.offer_many(np.ascontiguousarray(create), *narrow))

    def advance(self, until: int) -> Ejections:
        """Run the cycles before `until`; return the packets that have left in them.

        Raises
        ------
        DeadlockError   If packets wait for each other for ever.
        """
        ids = self._kernel.advance(until)
        self._check_alive()
        return Ejections(ids, self._kernel.tails(ids))

    def advance_to_ejection(self, until: int) -> list[int]:
        """Run up to the first cycle in which packets leave, or the cycle before `until`; return those that left.

        They have left in `cycle`, of which nothing but what arrives in it has happened. No packet left: `cycle` is
        `until`.

        Raises
        ------
        DeadlockError   If packets wait for each other for ever.
        """
        ids: list[int] = self._kernel.advance_to_ejection(until)
        if not ids:
            self._check_alive()
        return ids

    def drain(self) -> Ejections:
        """Run until every packet that was offered has left."""
        gone = [Ejections(np.empty(0, np.int64), np.empty(0, np.int64))]
        while self.inside:
            gone.append(self.advance((self.next_event_cycle() or 0) + DRAIN_CYCLES))
        return Ejections(*map(np.concatenate, zip(*gone, strict=True)))

    def next_event_cycle(self) -> int | None:
        """Return a cycle before which nothing can happen; None if nothing will without another packet."""
        cycle = self._kernel.next_event_cycle()
        return None if cycle is None else int(cycle)

    def packets(self, first: int = 0, last: int | None = None) -> PacketRecords:
        """Return what became of the packets `first` to before `last` (default: all)."""
        return PacketRecords(*self._kernel.packets(first, self.offered if last is None else last))

    def links(self) -> LinkRecords:
        """Return what links and routers did so far."""
        table, sources = self._kernel.links(), self._kernel.sources()
        flits, link_wait, credit_wait = np.moveaxis(table, 2, 0)
        busy = flits * self.fabric.interval
        sent, inject_credit_wait = sources.T
        return LinkRecords(
            flits, busy, link_wait, credit_wait, self._kernel.head_waits(), sent, inject_credit_wait, inject_busy=sent
        )

    def busy(self) -> NDArray[np.int64]:
        """Return the cycles that each link was taken so far, those at all ports of all routers; flat."""
        return self.links().busy.ravel()

    def busiest_link(self) -> tuple[str, int]:
        """Return what the link that was taken longest so far is called, and for how many cycles it was taken."""
        busy = self.busy()
        place = int(busy.argmax())
        return self.fabric.place_name(place), int(busy[place])

    def _check_time(self, create_cycle: int) -> None:
        if create_cycle < self._latest:
            raise CausalityError(f"a packet of cycle {create_cycle} was offered after one of cycle {self._latest}")
        if not self._kernel.cycle <= create_cycle < MOST_CYCLE:
            raise CausalityError(f"a packet of cycle {create_cycle} was offered in cycle {self._kernel.cycle}")

    def _check_alive(self) -> None:
        if not self._kernel.inside or self._kernel.next_event_cycle() is not None:
            return
        records = self.packets()
        stuck = np.flatnonzero(records.tail_eject < 0)
        what = [f"packet {which} from {records.src[which]} to {records.dst[which]}" for which in stuck[:20]]
        raise DeadlockError([], [*what, *([f"and {len(stuck) - 20} more"] if len(stuck) > 20 else [])])


class CarryingNetwork(NetworkEngine):
    """A network that the stages of a run can hand packets to: one that can be told what else happens in a cycle."""

    @property
    def kernel(self) -> Any:
        """What runs it, for a loop that does so without Python."""
        return self._kernel

    def arrive(self) -> list[int]:
        """Have what arrives in `cycle` arrive, before anything else of it; return the packets that leave so."""
        ids: list[int] = self._kernel.arrive()
        return ids

    def packet(self, number: int) -> tuple[int, int, int, int, int]:
        """Return when a packet entered, when its head and tail left, and its waits for links and for credits."""
        inject, head, tail, link_wait, credit_wait = self._kernel.packet(number)
        return int(inject), int(head), int(tail), int(link_wait), int(credit_wait)
