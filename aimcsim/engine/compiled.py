"""The fast engine: the compiled loop over a system's streams, and what it leaves behind.

What the loop needs is written down by `flat.py`; what it does is said by its readable twin, `fast.py`. It keeps what is
under way and forgets what is finished: shares of vectors are accounted for as these end, so a finished vector costs no
more than its record. `keep` has it keep everything and put the logs into the system, for whoever wants to look at them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from aimcsim import _kernels
from aimcsim.engine.account import (
    CAUSES_OF_SHARES,
    FIRST_SHARE,
    Account,
    OpNumbers,
    Question,
    account,
    check_causes,
    network_records,
)
from aimcsim.engine.deadlock import report_deadlock, standing_of
from aimcsim.engine.fast import FastEngine, check_can_run_fast
from aimcsim.engine.flat import RUN_FIELDS, Flat, Ints, flatten, varying_order
from aimcsim.engine.progress import Alive, Progress, Teller
from aimcsim.engine.restore import restore, stand_still
from aimcsim.engine.stream import System
from aimcsim.errors import SimulationError
from aimcsim.network import Circuit
from aimcsim.records import Spool

OP_COLUMNS, WAIT_COLUMNS = FIRST_SHARE + len(CAUSES_OF_SHARES), 5
"""Of `Account.ops` and `Account.waits`."""
HISTORY = 1 << 16
"""Wakings of runs between two cuts of the critical path; the past is kept from one cut to the next."""


class CompiledEngine:
    """Runs a system to its end, if it has nothing that only the reference engine knows.

    Parameters
    ----------
    system : System
    question : Question, optional
        What to account for; without one, nothing is recorded.
    keep : bool
        Keep every log and put it into the system at the end.
    history : int
        Wakings of runs between two cuts of the critical path, at least 1.
    folder : Path, optional
        Where the records of what has ended lie once they are many (see `Spool`).

    Raises
    ------
    SimulationError
        If a stage, slot or edge has a cause of waiting that records do not know.
    DeadlockError
        From `run`, if nothing can happen any more and some stream has vectors left.
    """

    name = "fast"

    def __init__(
        self,
        system: System,
        question: Question | None = None,
        *,
        keep: bool = False,
        history: int = HISTORY,
        folder: Path | None = None,
    ) -> None:
        check_can_run_fast(system)
        if question is not None:
            check_causes(system)
        self.system = system
        self._question = question
        self._keep = keep
        self._twin = FastEngine(system) if _kernels.stream_loop() is None else None
        asked = question or nothing_asked(system)
        self._flat: Flat = flatten(system, asked)
        starts = OpNumbers(system.streams, asked.op_vectors).starts
        self._ops, self._waits = (Spool(columns, starts, folder) for columns in (OP_COLUMNS, WAIT_COLUMNS))
        self._loop: Any = None
        self._settled = False
        self._account: Account | None = None
        if self._twin is None:
            self._loop = make_loop(system, self._flat, history, keep=keep, recording=question is not None)

    def run(self, alive: Alive | None = None) -> int:
        """Advance all streams to their last vector; return the number of events that took.

        `alive` is told every so often how far the run is.
        """
        if self._twin is not None:
            return self._twin.run()
        if self._settled:
            raise RuntimeError("the system has run to its end already; build it anew")
        self.advance(alive)
        if self._loop.left:
            standing = stand_still(self.system, self._flat, self._loop, standing_of(self.system))
            raise report_deadlock(self.system, standing)
        self._loop.settle()
        self._settled = True
        if self._keep:
            restore(self.system, self._flat, self._loop)
        return int(self._loop.facts()["events"])

    def advance(self, alive: Alive | None = None) -> None:
        """Run the loop alone, without what follows."""
        tell = None if alive is None else Teller(alive, self._progress)

        def paused(now_ps: int) -> None:
            self._take()
            if tell is not None:
                tell(now_ps)

        self._loop.start()
        self._loop.run(alive=paused)
        if alive is not None:
            alive(self._progress())

    def _take(self) -> None:
        """Take the ops that have ended out of the loop."""
        ops = self._loop.take_ops()
        _check(ops)
        self._ops.append(ops)
        self._waits.append(self._loop.take_waits())

    def _progress(self) -> Progress:
        facts, ended = self._loop.facts(), int(self._loop.progress()[:, 1].sum())
        return Progress(facts["now_ps"], facts["events"], ended, sum(stream.total for stream in self.system.streams))

    @property
    def facts(self) -> dict[str, int]:
        """Counts of the loop: events, most bytes of logs at a time, most vectors under way."""
        return dict(self._loop.facts())

    def account(self) -> Account:
        """Return what the run leaves behind.

        Raises
        ------
        SimulationError
            If the time of an op does not add up.
        """
        assert self._question is not None, "an engine without a question has no answer"
        if self._account is None:
            counted = self._counted if self._twin is None else account
            self._account = counted(self.system, self._question)
        return self._account

    def _counted(self, system: System, question: Question) -> Account:
        """Return what the loop has counted."""
        loop = self._loop
        self._take()
        since, path = self._path()
        links, head_waits = network_records(system)
        tallies, (shift, vectors, amounts) = loop.tallies(), loop.bins()
        return Account(
            ops=self._ops,
            waits=self._waits,
            path=path,
            path_from_ps=since,
            names=self._flat.names,
            begun_ps=loop.facts()["begun_ps"],
            admitted_ps=loop.admitted_ps(),
            ended_ps=loop.ended_ps(),
            servers=tallies[: len(system.servers)],
            pools=tallies[len(system.servers) :],
            edges=loop.edges(),
            links=links,
            head_waits=head_waits,
            elapsed_ps=loop.facts()["elapsed_ps"],
            bin_ps=1 << shift,
            bin_vectors=vectors,
            bin_amounts=amounts[varying_order(question)],
        )

    def _path(self) -> tuple[int, Ints]:
        """Return how far back the critical path was followed, and its time by resource and stream."""
        question, tables = self._question, self._flat.tables
        assert question is not None, "only what was asked for is followed"
        ends = {index: self._loop.last_end(index) for index in question.stores}
        last = max(question.stores, key=lambda index: (ends[index], index))
        since, by_run = self._loop.path(last, self.system.streams[last].total - 1)
        on_path = np.flatnonzero(by_run)
        keys = tables["runs"][on_path][:, [RUN_FIELDS.index("path"), RUN_FIELDS.index("stream")]]
        found, row = np.unique(keys, axis=0, return_inverse=True)
        spent = np.zeros(len(found), dtype=np.int64)
        np.add.at(spent, row.ravel(), by_run[on_path])
        return since, np.column_stack([found, spent])


def nothing_asked(system: System) -> Question:
    """Return the question of who wants to know nothing: one op per stream and request."""
    return Question(tuple(max(1, stream.vectors) for stream in system.streams), (), (), ())


def make_loop(system: System, flat: Flat, history: int = HISTORY, *, keep: bool, recording: bool) -> Any:
    """Return the compiled loop over a system's tables."""
    return _kernels.stream_loop()(
        flat.tables,
        requests=system.requests,
        begin=system.begin or 0,
        begin_given=system.begin is not None,
        programs=sum(stream.prepares for stream in system.streams),
        history=history,
        keep=keep,
        recording=recording,
        network=None if system.carrier is None else system.carrier.open().kernel,
        circuits=system.carrier is not None and isinstance(system.carrier.router, Circuit),
    )


def _check(ops: Ints) -> None:
    """Refuse ops whose time does not add up."""
    wrong = np.flatnonzero(ops[:, FIRST_SHARE:].sum(axis=1) != ops[:, 3] - ops[:, 1])
    if len(wrong):
        raise SimulationError(f"the time of op {ops[wrong[0], 0]} does not add up; this is a defect of the simulator")
