"""Whether analog is worth it: ResNet-18 on the digital accelerator and on `isaac`, as a table for the docs.

    python scripts/digital.py

Runs the installed aimcsim on the shapes of traces/resnet18.yaml; takes a minute or two.
"""

from __future__ import annotations

from pathlib import Path

from aimcsim import simulate
from aimcsim.mapping import MappingPolicy

RESNET18 = Path(__file__).resolve().parents[1] / "traces/resnet18.yaml"
LARGER = "tile.buffers.edram.size=1 MiB"
EIGHT_BITS = [f"numbers.{name}_bits=8" for name in ("weight", "input", "output")]
BALANCED = MappingPolicy(budget="all")
CASES = [
    ("`systolic`, 8 bits", "systolic", [], MappingPolicy()),
    ("`isaac`, 16 bits", "isaac", [LARGER], MappingPolicy()),
    ("`isaac`, 8 bits", "isaac", [LARGER, *EIGHT_BITS], MappingPolicy()),
    ("`isaac`, 8 bits, replicas in all crossbars", "isaac", [LARGER, *EIGHT_BITS], BALANCED),
]
HEAD = ("chip", "latency, ms", "images/s", "energy, mJ", "of it static, mJ", "area, mm2", "TOPS/W without static")
STREAM = 8
"""Requests that a throughput is of."""


def row(name: str, chip: str, overrides: list[str], mapping: MappingPolicy) -> tuple[str, ...]:
    """Return one line: an image alone, and the rate of several."""
    one, several = (
        simulate(chip, RESNET18, overrides=overrides, mapping=mapping, requests=count, grain="layer").summary
        for count in (1, STREAM)
    )
    energy_j, static_j = one["energy_j"]["total"], one["energy_j"]["by_layer"]["static"]
    operations = one["ops_per_j"] * energy_j
    return (
        name,
        f"{one['latency_ps']['max'] / 1e9:.2f}",
        f"{several['throughput_per_s']:.0f}",
        f"{energy_j * 1e3:.2f}",
        f"{static_j * 1e3:.2f}",
        f"{one['area_m2'] * 1e6:.1f}",
        f"{operations / (energy_j - static_j) / 1e12:.2f}",
    )


def main() -> None:
    """Print the table."""
    print(f"| {' | '.join(HEAD)} |")
    print("|---" * len(HEAD) + "|")
    for case in CASES:
        print(f"| {' | '.join(row(*case))} |", flush=True)


if __name__ == "__main__":
    main()
