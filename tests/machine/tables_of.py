"""The tables of a machine that has run, without the rest of a simulation."""

from aimcsim import recorder
from aimcsim.engine.account import account
from aimcsim.recorder import Grain, Tables
from aimcsim.run import Built


def tables_of(built: Built, grain: Grain) -> Tables:
    """Return the tables of a finished system at a grain."""
    asked = recorder.question(built.plan, grain)
    return recorder.record(built.plan, built.quotas, account(built.plan.system, asked), grain)
