"""Runs of BookSim2 over again: the same packets at the same times through our routers, measured in the same windows.

What it does is told by its source (booksim/booksim2 on GitHub: trafficmanager.cpp, injection.cpp, traffic.cpp,
routefunc.cpp, iq_router.cpp, random_utils.hpp) and is only this:

* Chance is Knuth's generator of The Art of Computer Programming, volume 2, section 3.6, started with seed 0, once with
  whole numbers and once with fractions (`Numbers`).
* A source that has nothing left to send draws a fraction for each cycle that it has not drawn for, in order of sources,
  until it has a packet, created in that cycle. Of a packet it draws a whole number for the target (if that is random)
  and one for the subnetwork, of which there is one. So sources behind their time draw later than others.
* Where both ways around a torus are as long, a whole number decides when the route is computed: on the way to the
  router with the fast pipeline, in it with the default one; in order of routers, and within one as its channels queue
  for the switch (`DrawnWays`).
* Periods of warm-up and then of measurement, until three in a row differ by at most 5 % in mean latency and in
  accepted flits, or ten are over. Traffic goes on until every packet of the measured time has left. A run is given up
  where the mean latency, flits on their way included by their age, exceeds 300 cycles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim._kernels.flits_twin import ACTIVE, ROUTING, Flit, FlitTwin, InputChannel, Packet
from aimcsim._kernels.flits_twin import Router as RouterState
from aimcsim.network import Fabric, NetworkEngine, Router, mesh, torus
from aimcsim.network.engine import EJECT_CYCLES, Pipeline
from aimcsim.network.flit import flit_tables

LONG_LAG, SHORT_LAG = 100, 37
PRODUCED, USED = 1009, 100
"""Of so many numbers in a row the first so many are used."""
SQUARINGS = 69
WARM_UP_ROUNDS = 10
WARMUP_PERIODS, MOST_PERIODS = 3, 10
SETTLED_CHANGE, SETTLED_PERIODS = 0.05, 3
MOST_LATENCY, LATENCY_CHECK_CYCLES = 300, 1000
CREDIT_CYCLES = 3
"""From the last ejection until its credit is back and the run is over."""
HOT_WEIGHT = 5
DIGITS = 6
"""Significant digits of what was recorded."""
PERIOD_CYCLES = {1: 800, 4: 1000, 16: 2000}
"""Period by flits of a packet; half of it on 64 nodes."""
WHOLE_PERIODS = ("mesh8_uniform_p1_v1_b", "mesh8_uniform_p1_v2_b4", "mesh8_uniform_p1_v2_b8", "mesh8_uniform_p1_v4_b4")
"""Curves on 64 nodes whose period was not halved, by their recorded cycles."""
PIPELINE_OF: dict[str, Pipeline] = {"fast": "fast", "deflt": "default"}
Row = dict[str, str]
Numeric = NDArray[np.int64]


class Numbers:
    """Knuth's subtractive or additive generator: x[n] = x[n - 100] -+ x[n - 37], modulo a power of two, from one seed.

    Iterating gives the numbers from the first on, each time; they are kept, since runs share them.
    """

    def __init__(self, bits: int, sign: int, seed: int = 0) -> None:
        self.modulus, self._sign = 1 << bits, sign
        self.state = self._started(seed)
        self._known: list[int] = []

    def __iter__(self) -> Iterator[int]:
        place = 0
        while True:
            if place == len(self._known):
                produced = self.following(self.state, PRODUCED)
                self._known += produced[:USED].tolist()
                self.state = produced[-LONG_LAG:]
            yield self._known[place]
            place += 1

    def following(self, state: Numeric, count: int) -> Numeric:
        """Return the state, which is the first 100 numbers, and so many numbers after it."""
        row = np.empty(LONG_LAG + count, np.int64)
        row[:LONG_LAG] = state
        for begin in range(LONG_LAG, len(row), SHORT_LAG):
            here = np.arange(begin, min(begin + SHORT_LAG, len(row)))
            row[here] = (row[here - LONG_LAG] + self._sign * row[here - SHORT_LAG]) % self.modulus
        return row

    def _started(self, seed: int) -> Numeric:
        """Return the state for a seed: a power of z in polynomials modulo z^100 -+ z^37 - 1, by squaring."""
        row = self._seeds(seed)
        for squaring in range(SQUARINGS + seed.bit_length()):
            row = self._reduced_square(row)
            if squaring < seed.bit_length() and seed >> squaring & 1:
                row = np.roll(row, 1)
                row[SHORT_LAG] = (row[SHORT_LAG] + self._sign * row[0]) % self.modulus
        state = np.roll(row, LONG_LAG - SHORT_LAG)
        return self.following(state, WARM_UP_ROUNDS * (2 * LONG_LAG - 1))[-LONG_LAG:]

    def _seeds(self, seed: int) -> Numeric:
        """Return the first polynomial: the seed, made even, turned left bit by bit; only the second number is odd."""
        row = np.empty(LONG_LAG, np.int64)
        one = seed + 2 & ~1 if self._sign < 0 else 2 * (seed + 2)
        for place in range(LONG_LAG):
            row[place] = one
            one = 2 * one if 2 * one < self.modulus else 2 * one - self.modulus + 2
        row[1] += 1
        return row

    def _reduced_square(self, row: Numeric) -> Numeric:
        square = np.zeros(2 * LONG_LAG - 1, np.int64)
        square[::2] = row
        middle = 2 * LONG_LAG - SHORT_LAG
        for high in (slice(middle, None), slice(LONG_LAG, middle)):
            for lower in (LONG_LAG - SHORT_LAG, LONG_LAG):
                places = np.arange(len(square))[high]
                square[places - lower] = (square[places - lower] + self._sign * square[places]) % self.modulus
        return square[:LONG_LAG]


WHOLE, FRACTIONS = Numbers(30, -1), Numbers(52, +1)
"""The generators of a run with seed 0; a fraction is in units of 2^-52."""


class DrawnWays(FlitTwin):
    """The routers of a square torus where whole numbers say which way a packet goes that may go either."""

    def __init__(self, fabric: Fabric, router: Router, whole: Iterator[int]) -> None:
        super().__init__(flit_tables(fabric, router))
        self._whole, self._columns = whole, math.isqrt(fabric.routers)
        self._way_of: list[int] = []
        self._queues = [_Queues() for _ in self._routers]

    def next_event_cycle(self) -> int:
        """Return the present cycle: whoever replays steps through all of them."""
        return self.cycle

    def offer(self, create: int, source: int, target: int, flits: int) -> int:
        """Take a packet, whose ways are not drawn yet."""
        self._way_of.append(0)
        return super().offer(create, source, target, flits)

    def _way(self, packet: Packet) -> int:
        return self._way_of[packet.number]

    def _draw(self, packet: Packet, router: int) -> None:
        """Draw the way around the dimension that a packet begins at a router, if both are as long."""
        size = self._columns
        (row, column), (last_row, last_column) = divmod(router, size), divmod(packet.target, size)
        if column != last_column:
            begins, ahead, way = router == packet.source, last_column - column, 2
        else:
            begins, ahead, way = row == packet.source // size, last_row - row, 1
        if begins and 2 * (ahead % size) == size and next(self._whole) % 2 == 0:
            self._way_of[packet.number] |= way

    def _send(self, number: int) -> None:
        before = self._sources[number].flits
        super()._send(number)
        source = self._sources[number]
        if self._tables.fast and source.flits > before and self._sent_head(number):
            self._draw(self._last_sent(number), number)

    def _last_sent(self, number: int) -> Packet:
        flit: Flit = self._flits_at[self.cycle + 2][-1][2]
        assert flit.packet.source == number, "a source's flit is the last that is on its way"
        return flit.packet

    def _sent_head(self, number: int) -> bool:
        return self._last_sent(number).inject == self.cycle

    def _take(self, router: RouterState, channel: InputChannel, flit: Flit) -> None:
        if not channel.flits:
            place = next(place for place, one in enumerate(router.inputs) if one is channel)
            self._queues[router.number].arrived.append(place)
        super()._take(router, channel, flit)

    def _step(self, router: RouterState) -> None:
        queues = self._queues[router.number]
        queues.arrive(router)
        routed = queues.routing
        super()._step(router)
        if not self._tables.fast:
            for place in routed:
                self._route(router, router.inputs[place])
        queues.move_on(router)

    def _route(self, router: RouterState, channel: InputChannel) -> None:
        """Compute the route of a head again, its way being drawn now; nothing has used the first one."""
        packet = channel.flits[0].packet
        self._draw(packet, router.number)
        home = int(self._tables.home[packet.target])
        if home != router.number:
            channel.port = int(self._tables.route[self._way(packet), router.number, home])

    def _match_switch(self, router: RouterState) -> list[int]:
        return sorted(super()._match_switch(router), key=self._queues[router.number].switch.index)

    def _move(self, router: RouterState, place: int) -> None:
        flit, out = router.inputs[place].flits[0], router.inputs[place].out
        super()._move(router, place)
        onward = int(self._tables.peer[router.number, out // self._vcs])
        if self._tables.fast and flit.index == 0 and onward >= 0:
            self._draw(flit.packet, onward // self._ports)


@dataclass
class _Queues:
    """Channels of a router in the order in which its stages take them, and those that a flit has just come into."""

    arrived: list[int] = field(default_factory=list)
    routing: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    switch: list[int] = field(default_factory=list)

    def arrive(self, router: RouterState) -> None:
        """Put channels that a flit has come into at the end, in order of ports."""
        for place in sorted(self.arrived):
            (self.routing if router.inputs[place].state == ROUTING else self.switch).append(place)
        self.arrived = []

    def move_on(self, router: RouterState) -> None:
        """Say who is in which stage in the next cycle; those that a stage has refused stand behind the new ones."""
        inputs, routed = router.inputs, self.routing
        self.routing = [place for place in self.switch if inputs[place].state == ROUTING]
        granted = [place for place in self.waiting if inputs[place].state == ACTIVE]
        self.waiting = routed + [place for place in self.waiting if place not in granted]
        stay = [place for place in self.switch if inputs[place].flits and place not in self.routing]
        self.switch = granted + stay


@dataclass(frozen=True)
class Setup:
    """A run: the network, who sends to whom, flits of a packet and of a node and cycle, cycles of a period."""

    fabric: Fabric
    router: Router
    traffic: str
    flits: int
    rate: float
    period: int
    latency: bool
    """Whether the run is for latency, and given up when that is too long; else for accepted flits."""

    @classmethod
    def of(cls, row: Row) -> Setup:
        """Return how a recorded run was set up."""
        size, flits = int(row["k"]), int(row["pkt_flits"])
        period = PERIOD_CYCLES[flits] // (2 if size == 8 and not row["curve"].startswith(WHOLE_PERIODS) else 1)
        fabric = (torus if row["topology"] == "torus" else mesh)(size, size)
        router = Router(int(row["vcs"]), int(row["buf"]), PIPELINE_OF[row["pipeline"]])
        return cls(fabric, router, row["traffic"], flits, float(row["offered"]), period, row["sim"] == "latency")

    @property
    def nodes(self) -> int:
        """Sources and targets."""
        return self.fabric.endpoints

    def targets(self, whole: Iterator[int]) -> Callable[[int], int]:
        """Return what gives the target of the next packet of a source."""
        size = math.isqrt(self.nodes)
        if self.traffic == "uniform":
            return lambda _source: next(whole) % self.nodes
        if self.traffic == "transpose":
            return lambda source: source % size * size + source // size
        if self.traffic == "gather0":
            return lambda _source: 0
        middle = ((size - 1) // 2, size // 2)
        hot = [row * size + column for row in middle for column in middle]
        lots = [node for node in hot for _ in range(HOT_WEIGHT)] + [n for n in range(self.nodes) if n not in hot]
        return lambda _source: lots[next(whole) % len(lots)]

    def network(self, whole: Iterator[int]) -> tuple[NetworkEngine, Any]:
        """Return the network and what runs it: on a torus the readable twin, whose ways can be drawn."""
        if self.fabric.classes:
            kernel: Any = DrawnWays(self.fabric, self.router, whole)
        else:
            kernel = _kernels.flit_network()(flit_tables(self.fabric, self.router))
        return NetworkEngine(self.fabric, self.router, kernel), kernel


class Replay:
    """One run over again."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._whole, self._fractions = iter(WHOLE), iter(FRACTIONS)
        self._target = setup.targets(self._whole)
        self._network, self._kernel = setup.network(self._whole)
        self._chance = setup.rate / setup.flits * FRACTIONS.modulus
        self._drawn = [0] * setup.nodes
        self._given = np.zeros(setup.nodes, np.int64)
        self._created: list[int] = []
        self._counts: list[bool] = []
        self._ejected = {0: np.zeros(setup.nodes, np.int64)}
        self._reset, self._end = 0, math.inf
        self._measuring = False

    def run(self) -> dict[str, float] | None:
        """Return what BookSim2 reports, by the names of the recorded columns; None if it gives the run up."""
        latency = accepted = 0.0
        settled = 0
        for period in range(MOST_PERIODS):
            self._measuring = period >= WARMUP_PERIODS
            if period == WARMUP_PERIODS or (period % 2 == 0 and not self._measuring):
                self._reset = self._network.cycle
            self._run_period()
            if self.setup.latency and self._overloaded():
                return None
            before, (latency, accepted) = (latency, accepted), (self._mean_latency(), self._accepted_rate())
            changes = [abs((accepted - before[1]) / accepted)] if accepted else []
            changes += [abs((latency - before[0]) / latency)] if self.setup.latency else []
            calm = not any(change > SETTLED_CHANGE for change in changes)
            settled = settled + 1 if self._measuring and calm else 0
            if settled == SETTLED_PERIODS:
                break
        self._end = self._network.cycle
        return self._report() if self._left() else None

    def _run_period(self) -> None:
        end = self._network.cycle + self.setup.period
        while self._network.cycle < end - EJECT_CYCLES:
            self._step()
        fabric = self.setup.fabric
        self._ejected[end] = self._network.links().flits[fabric.home, fabric.home_port]
        while self._network.cycle < end:
            self._step()

    def _step(self) -> None:
        idle = np.flatnonzero(self._kernel.sources()[:, 0] == self._given)
        for source in idle.tolist():
            self._draw(source)
        self._network.advance(self._network.cycle + 1)

    def _draw(self, source: int) -> None:
        """Draw for a source, cycle by cycle, until it has a packet."""
        while self._drawn[source] <= self._network.cycle:
            cycle = self._drawn[source]
            self._drawn[source] += 1
            if next(self._fractions) < self._chance:
                target = self._target(source)
                next(self._whole)
                self._network.offer(self._network.cycle, source, target, self.setup.flits)
                self._given[source] += self.setup.flits
                self._created.append(cycle)
                self._counts.append(self._measuring and cycle < self._end)
                return

    def _latencies(self) -> Numeric:
        """Return the latencies of packets that have left since the last reset and count."""
        tails = self._network.packets().tail_eject
        seen = (tails >= self._reset) & (np.array(self._counts, bool) | (not self._measuring))
        return np.asarray((tails - np.array(self._created))[seen])

    def _mean_latency(self) -> float:
        latencies = self._latencies()
        return float(latencies.mean()) if len(latencies) else math.nan

    def _accepted(self) -> tuple[Numeric, int]:
        """Return the flits that nodes have taken since the last reset, up to the last period's end, and its cycles."""
        end = max(self._ejected)
        return self._ejected[end] - self._ejected[self._reset], end - self._reset

    def _accepted_rate(self) -> float:
        """Return flits of a node and cycle, rounded as BookSim2 does: changes of just 5 % are not rare."""
        flits, cycles = self._accepted()
        return int(flits.sum()) / cycles / self.setup.nodes

    def _overloaded(self) -> bool:
        """Return whether mean latency is too long, where flits that have not left count with their age."""
        records, flits, now = self._network.packets(), self.setup.flits, self._network.cycle
        heads = np.where(records.head_eject < 0, now, records.head_eject)
        left = np.where(records.tail_eject < 0, flits - np.minimum(now - heads, flits - 1), 0)
        gone = self._latencies()
        count = len(gone) + left.sum()
        ages = (now - np.array(self._created, np.int64)) * left
        return bool(count) and float(gone.sum() + ages.sum()) / float(count) > MOST_LATENCY

    def _left(self) -> bool:
        """Have traffic go on until everything that counts has left; return whether it does."""
        start = self._network.cycle
        while self.setup.latency and (self._counted_inside() or min(self._drawn) <= self._end):
            self._step()
            if (self._network.cycle - start) % LATENCY_CHECK_CYCLES == 0 and self._overloaded():
                return False
        return True

    def _counted_inside(self) -> bool:
        return bool((self._network.packets().tail_eject[np.array(self._counts, bool)] < 0).any())

    def _report(self) -> dict[str, float]:
        over, fabric = self._network.cycle, self.setup.fabric
        while self._network.inside:
            self._network.advance(self._network.cycle + PRODUCED)
        records, counts, (accepted, cycles) = self._network.packets(), np.array(self._counts, bool), self._accepted()
        latency = (records.tail_eject - np.array(self._created))[counts]
        ends = zip(records.src[counts].tolist(), records.dst[counts].tolist(), strict=True)
        return {
            "lat_avg": float(latency.mean()),
            "lat_max": float(latency.max()),
            "netlat_avg": float((records.tail_eject - records.inject)[counts].mean()),
            "accepted_avg": self._accepted_rate(),
            "accepted_min": int(accepted.min()) / cycles,
            "hops_avg": float(np.mean([len(fabric.path(*pair)) for pair in ends])),
            "cycles": float(max(int(records.tail_eject.max()) + CREDIT_CYCLES, over)),
        }


def equal(ours: float, recorded: float) -> bool:
    """Return whether a number is the recorded one, as far as its digits go."""
    unit = 10.0 ** (math.floor(math.log10(abs(recorded))) + 1 - DIGITS) if recorded else 1.0
    return abs(ours - recorded) <= 0.5001 * unit


def differences(row: Row) -> dict[str, tuple[float | None, str]]:
    """Run a recorded run over again and return what is not equal: ours and what was recorded."""
    ours = Replay(Setup.of(row)).run()
    if ours is None or not row["lat_avg"]:
        both_give_up = ours is None and not row["lat_avg"]
        return {} if both_give_up else {"lat_avg": (ours["lat_avg"] if ours else None, row["lat_avg"])}
    return {name: (value, row[name]) for name, value in ours.items() if not equal(value, float(row[name]))}
