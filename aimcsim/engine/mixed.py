"""Both engines in one run: some domains as SimPy processes, all others in the compiled loop, itself one process.

The loop runs ahead to whatever else happens next on the environment and never past it; what it makes known there (a
vector that arrives at a process, room that a process waits for) becomes an event. At an instant at which both have
something to decide, the loop decides in the same rounds as everybody else.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

from aimcsim.engine.account import Question
from aimcsim.engine.compiled import make_loop, nothing_asked
from aimcsim.engine.deadlock import Standing
from aimcsim.engine.environment import Process
from aimcsim.engine.flat import flatten
from aimcsim.engine.progress import Alive, Progress, Teller
from aimcsim.engine.reference import ReferenceEngine
from aimcsim.engine.restore import restore, stand_still
from aimcsim.engine.stream import Stream, System

ARRIVED, FREED, BEGIN = range(3)
"""What the loop makes known to processes, as `streams.h` numbers it."""


class MixedEngine(ReferenceEngine):
    """Runs a system to its end, the streams in `foreign` as processes.

    The logs of both end up in the system. As an arbiter the loop decides after all others of a round, which makes no
    difference: it shares nothing with them.
    """

    name = "mixed"

    def __init__(self, system: System, foreign: frozenset[int], question: Question | None = None) -> None:
        self._foreign = foreign
        super().__init__(system, question)
        self.order = system.arbiters + 1
        self._flat = flatten(system, nothing_asked(system), foreign)
        self._loop: Any = make_loop(system, self._flat, keep=True, recording=False)
        self._tell: Teller | None = None
        self._finished = False
        for stream, index, _ in self._flat.runs:
            server = stream.stages[index].server
            if server is not None:
                server.compiled = True
        for pool, _, _ in self._flat.clients:
            pool.compiled = True

    def run(self, alive: Alive | None = None) -> int:
        """Run both to the end; return the number of events of both."""
        self._tell = None if alive is None else Teller(alive, self._progress)
        self._unfinished += 1
        self._loop.start()
        self.env.process(self._look_ahead())
        events = super().run(alive)
        self._loop.run()
        self.env.run(until=1 + max(int(self.env.now), self._loop.facts()["elapsed_ps"]))
        restore(self.system, self._flat, self._loop)
        return events + int(self._loop.facts()["events"])

    def decide(self) -> None:
        """Have a round of the loop's decisions."""
        self._loop.round(int(self.env.now))
        self._hand_out()

    def _progress(self) -> Progress:
        facts, ended = self._loop.facts(), int(self._loop.progress()[:, 1].sum())
        total = sum(stream.total for stream in self.system.streams)
        return Progress(int(self.env.now), self.env.scheduled + facts["events"], ended, total)

    def _processes(self) -> list[Stream]:
        return [stream for stream in super()._processes() if stream.index in self._foreign]

    def _look_ahead(self) -> Process:
        """Have the loop run ahead, then wait for the next instant that it or somebody else has something at."""
        while True:
            yield self.env.over()
            ahead = self.env.peek()
            self._loop.run(until=None if ahead == inf else int(ahead), alive=self._tell)
            self._hand_out()
            now, own, ahead = int(self.env.now), self._loop.next_ps, self.env.peek()
            if own >= 0 and own <= ahead:
                yield self.env.at(own)
                self._stand_by()
            elif ahead < inf:
                yield self.env.timeout(int(ahead) - now)
            else:
                return

    def _stand_by(self) -> None:
        """Have what is known spread in the loop, and a round if it has something to decide at this instant."""
        now = int(self.env.now)
        self._loop.run(until=now)
        self._hand_out()

    def _hand_out(self) -> None:
        """Make known to the processes what the loop has for them, each at its time; and ask for a round if need be."""
        now = int(self.env.now)
        for kind, time, edge, amount in self._loop.take_outbox().tolist():
            if kind == ARRIVED:
                self.env.call_at(time, self.system.edges[edge].arrive)
            elif kind == FREED:
                self.env.call_at(time, partial(self.system.edges[edge].free, amount))
            else:
                self.env.call_at(time, self._begin)
        if self._loop.next_ps == now:
            self.env.arbitrate(self)
        if not self._loop.left and not self._finished:
            self._finished = True
            self._unfinished -= 1

    def _stands_still(self) -> bool:
        return self._loop.next_ps < 0 and super()._stands_still()

    def _fetched(self, stream: Stream, vector: int) -> None:
        super()._fetched(stream, vector)
        for edge in stream.inputs:
            if edge.source not in self._foreign:
                self._loop.feed_free(edge.index, edge.keeps[vector], int(self.env.now))
        self._stand_by()

    def _ended(self, stream: Stream) -> None:
        self._loop.feed_end(stream.index, int(self.env.now))
        self._stand_by()

    def _standing(self) -> Standing:
        return stand_still(self.system, self._flat, self._loop, super()._standing())
