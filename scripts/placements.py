"""What the order of tiles is worth: hop-bytes, time and network energy of one request, as a table for the docs.

    python scripts/placements.py [CHIP [WORKLOAD [PATH=VALUE ...]]]

Default: ResNet-18 (traces/resnet18.yaml) on `isaac` with buffers of 256 KiB, which its layers need.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import get_args

from aimcsim import recorder
from aimcsim.engine import CompiledEngine
from aimcsim.mapping import MappingPolicy, hop_bytes
from aimcsim.mapping.policy import Placement
from aimcsim.run import build

RESNET18 = Path(__file__).resolve().parents[1] / "traces/resnet18.yaml"


def measure(chip: str, workload: str | Path, overrides: list[str], placement: Placement) -> tuple[str, ...]:
    """Return one row: what a request moves, how long it takes, what the routers cost."""
    begin = time.perf_counter()
    built = build(chip, workload, overrides=overrides, mapping=MappingPolicy(placement=placement))
    engine = CompiledEngine(built.plan.system, recorder.question(built.plan, "row"))
    engine.run()
    account = engine.account()
    tables = recorder.record(built.plan, built.quotas, account, "row")
    energy, ops = tables["energy"], tables["ops"]
    router = float(energy["energy_j"][(energy["component"] == "router") & (energy["action"] == "flit")].sum())
    moved = hop_bytes(built.mapping, built.workload, built.chip)
    waited = int(ops["wait_link_busy_ps"].sum())
    latency = recorder.timed(account).length_ps
    wall = time.perf_counter() - begin
    cells = (moved / 1e6, latency / 1e6, int(ops["transfer_ps"].sum()) / 1e6, waited / 1e6, router * 1e6, wall)
    return placement, *(f"{value:.1f}" for value in cells)


def main(arguments: list[str]) -> None:
    """Print the table."""
    chip = arguments[0] if arguments else "isaac"
    workload = arguments[1] if len(arguments) > 1 else RESNET18
    overrides = arguments[2:] or ["tile.buffers.edram.size=256 KiB"] * (chip == "isaac")
    print("| placement | hop-bytes, MB | latency, us | transfer, us | link waits, us | router flits, uJ | wall, s |")
    print("|---|---|---|---|---|---|---|")
    for placement in get_args(Placement):
        print("| " + " | ".join(measure(chip, workload, overrides, placement)) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
