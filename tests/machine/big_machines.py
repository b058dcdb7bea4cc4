"""Chips of many crossbars, and networks of large fully connected layers that fill them; nothing is computed on them."""

import numpy as np

from aimcsim import load_chip
from aimcsim.ops import Linear, TensorShape
from aimcsim.spec import ChipFile
from aimcsim.workload.graph import Layer, Workload

BLOCK = 128 * 16
"""Weights in a crossbar of `isaac`: 128 rows, and 128 columns of 2-bit cells for weights of 16 bits."""
ROUTERS_ACROSS, TILES_PER_ROUTER = 25, 4


def network(layers: int, inputs: int, outputs: int) -> Workload:
    """Return layers after one another, of so many inputs and outputs and the other way round in turn.

    All weights of a layer are one zero in memory, seen from everywhere.
    """
    made: list[Layer] = []
    for index in range(layers):
        k, n = (inputs, outputs) if index % 2 == 0 else (outputs, inputs)
        weight = np.broadcast_to(np.zeros(1, dtype=np.float32), (1, k, n))
        before = made[-1].name if made else "x"
        made.append(Layer(f"fc{index}", Linear(weight, np.zeros(n, np.float32)), (before,), TensorShape(1, 1, n)))
    return Workload("big", {"x": TensorShape(1, 1, inputs)}, tuple(made), (made[-1].name,))


def chip(crossbars: int, *, per_tile: int) -> ChipFile:
    """Return an `isaac` of at least so many crossbars; its network is as wide whatever its size."""
    tiles_across = ROUTERS_ACROSS * TILES_PER_ROUTER
    rows = -(-crossbars // (per_tile * tiles_across))
    overrides = [
        f"tile.count={rows * tiles_across}",
        f"network.routers=[{ROUTERS_ACROSS}, {rows}]",
        f"tile.crossbars={per_tile}",
        "tile.buffers.edram.size=16 MiB",
    ]
    return load_chip("isaac", overrides)
