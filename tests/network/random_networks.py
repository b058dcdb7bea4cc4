"""Random networks and packets, the same for the same seed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aimcsim.network import Circuit, CircuitNetwork, Fabric, Router, bus, chip_row, crossbar, mesh, ring, torus


class Drawn(NamedTuple):
    """A network and its packets: rows of create, src, dst, flits."""

    fabric: Fabric
    router: Router
    tie_seed: int | None
    packets: np.ndarray


def drawn_fabric(rng: np.random.Generator) -> Fabric:
    match int(rng.integers(5)):
        case 0:
            return mesh(int(rng.integers(1, 5)), int(rng.integers(1, 5)))
        case 1:
            return torus(int(rng.integers(1, 6)), int(rng.integers(1, 5)))
        case 2:
            return ring(int(rng.integers(1, 9)))
        case 3:
            return mesh(3, 2, tiles_per_router=int(rng.integers(2, 5)))
    return chip_row(
        2,
        int(rng.integers(1, 3)),
        tiles_per_router=2,
        chips=int(rng.integers(1, 4)),
        host=bool(rng.integers(2)),
        chip_link_cycles=int(rng.integers(1, 20)),
        chip_flit_cycles=int(rng.integers(1, 5)),
    )


def draw(seed: int, count: int = 120) -> Drawn:
    """Return a network of any kind with packets in order of time, crowded or with long gaps."""
    rng = np.random.default_rng(seed)
    fabric = drawn_fabric(rng)
    router = Router(int(rng.integers(2, 5)), int(rng.integers(1, 9)), ["fast", "default"][rng.integers(2)])
    create = np.cumsum(rng.exponential(1 / rng.choice([0.2, 1, 5]), count)).astype(np.int64)
    create[-5:] += 3000
    ends = rng.integers(fabric.endpoints, size=(2, count))
    flits = rng.integers(1, rng.choice([2, 6, 20]), size=count)
    return Drawn(fabric, router, None if rng.random() < 0.5 else seed, np.stack([create, *ends, flits]))


def circuits_of(drawn: Drawn) -> CircuitNetwork:
    """Return circuits over a drawn network, or a bus or crossbar for as many endpoints."""
    fabric = [drawn.fabric, bus(drawn.fabric.endpoints), crossbar(drawn.fabric.endpoints)][drawn.router.buffer % 3]
    return CircuitNetwork(fabric, Circuit(drawn.router.buffer - 1, drawn.router.cycles, 5 * (drawn.router.vcs % 2)))
