"""What trees do to ResNet-18 on `isaac` flit by flit, as the table of docs/network.md has it.

Usage: ``python scripts/trees.py``, from the source folder, with the package installed. Prints a Markdown table.
"""

from pathlib import Path

from aimcsim.mapping import MappingPolicy
from aimcsim.run import Run, simulate

NETWORK = Path(__file__).resolve().parents[1] / "traces" / "resnet18.yaml"
CHIPS = {
    "as it is": (),
    "links of 1 bit": ("network.width_bits=1",),
    "12 crossbars a tile": ("tile.crossbars=12", "tile.count=1152", "network.routers=[18, 16]"),
}
"""What is different about `isaac`."""
TREES = (("copies", "star"), ("copies", "tree"), ("tree", "star"), ("tree", "tree"))
COLUMNS = (
    *("`isaac`", "multicast", "reduction", "flits on links", "most on one link", "latency, us"),
    *("waits for links and credits, us", "routers, uJ"),
)


def row(chip: str, multicast: str, reduction: str) -> list[str]:
    """Return the cells of one run."""
    trees = (f"network.multicast={multicast}", f"network.reduction={reduction}")
    overrides = ("tile.buffers.edram.size=256 KiB", "network.model=flit", *CHIPS[chip], *trees)
    run = simulate("isaac", NETWORK, grain="layer", mapping=MappingPolicy(placement="snake"), overrides=overrides)
    return [chip, multicast, reduction, *figures(run)]


def figures(run: Run) -> list[str]:
    """Return what is shown of a run."""
    links, energy = run.table("links"), run.table("energy")
    waits = sum(int(run.ops[f"wait_{cause}_ps"].sum()) for cause in ("link_busy", "credit"))
    return [
        f"{links['flits'].sum():,}".replace(",", " "),
        f"{links['flits'].max():,}".replace(",", " "),
        f"{run.summary['makespan_ps'] / 1e6:.1f}",
        f"{waits / 1e6:.1f}",
        f"{energy['energy_j'][energy['component'] == 'router'].sum() * 1e6:.2f}",
    ]


def main() -> None:
    """Print the table."""
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for chip in CHIPS:
        for multicast, reduction in TREES:
            print(f"| {' | '.join(row(chip, multicast, reduction))} |", flush=True)


if __name__ == "__main__":
    main()
