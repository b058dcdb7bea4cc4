"""Which engine runs a system: the one asked for, as far as it can."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Literal, Protocol

from aimcsim import _kernels
from aimcsim.engine.account import Account, Question
from aimcsim.engine.compiled import CompiledEngine
from aimcsim.engine.domains import foreign_streams
from aimcsim.engine.horizon import check_horizon
from aimcsim.engine.mixed import MixedEngine
from aimcsim.engine.progress import Alive
from aimcsim.engine.reference import ReferenceEngine
from aimcsim.engine.stream import System

EngineName = Literal["fast", "reference"]


class Engine(Protocol):
    """Runs a system to its end and accounts for it.

    Attributes
    ----------
    name : ``reference``, ``fast``, or ``mixed`` where the fast one has left some domains to the reference.
    """

    name: str

    def run(self, alive: Alive | None = None) -> int:
        """Advance all streams to their last vector; return the number of events that took."""

    def account(self) -> Account:
        """Return what the run leaves behind."""


def engine_for(system: System, asked: EngineName, question: Question, folder: Path | None = None) -> Engine:
    """Return the engine that runs a system, once all components of the user's own are attached.

    The fast engine leaves to the reference the domains that only this can run (see `domains.foreign_streams`). Where
    packets go flit by flit, it leaves everything to it then: only one of them can run the network. Alone, it puts the
    records of what has ended into a file in `folder` once they are many.

    Raises
    ------
    ConfigError
        If times of the run may not fit into 64 bits.
    """
    check_horizon(system)
    if asked == "reference":
        return ReferenceEngine(system, question)
    foreign = foreign_streams(system)
    if not foreign and system.env.peek() == inf:
        return CompiledEngine(system, question, folder=folder)
    alone = foreign.issuperset(stream.index for stream in system.streams if stream.total)
    if alone or system.carrier is not None or _kernels.stream_loop() is None:
        return ReferenceEngine(system, question)
    return MixedEngine(system, foreign, question)
