"""Attention in gain cells [leroux25]: what its preset gives for its target."""

from __future__ import annotations

from aimcsim.run import simulate
from aimcsim.validation.registry import DATA, preset, simulated
from aimcsim.workload import load_workload


@simulated("gaincell.energy")
def token_nj() -> float:
    """Return the energy of a token in a head, of a run of 256 tokens."""
    workload = load_workload(DATA / "head.yaml")
    run = simulate(preset("gaincell"), workload)
    return float(run.summary["energy_j"]["total"]) / workload.shape("attention").vectors * 1e9
