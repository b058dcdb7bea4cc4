"""Networks and chips of given sizes, for mapping alone: weights are zero, nothing runs."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from aimcsim.ops import Conv2d, Sliding, TensorShape
from aimcsim.spec import ChipFile, load_chip
from aimcsim.workload.graph import Layer, Workload

MakeWorkload = Callable[..., Workload]
MakeChip = Callable[..., ChipFile]


@pytest.fixture(scope="session")
def matrix_network() -> MakeWorkload:
    """Return a function: one layer `m0`, `m1`, ... for each (groups, K, N), each on an input of its own."""

    def make(*shapes: tuple[int, int, int]) -> Workload:
        inputs = {f"x{i}": TensorShape(1, 1, groups * k) for i, (groups, k, _) in enumerate(shapes)}
        layers = tuple(matrix_layer(f"m{i}", f"x{i}", *shape) for i, shape in enumerate(shapes))
        return Workload("net", inputs, layers, tuple(layer.name for layer in layers))

    return make


def matrix_layer(name: str, source: str, groups: int, k: int, n: int) -> Layer:
    """Return a layer with the given matrices: a 1 x 1 convolution of one pixel."""
    weight, bias = np.zeros((groups, k, n), np.float32), np.zeros(groups * n, np.float32)
    op = Conv2d(Sliding((1, 1), (1, 1)), weight, bias)
    return Layer(name, op, (source,), TensorShape(1, 1, groups * n))


@pytest.fixture(scope="session")
def make_chip() -> MakeChip:
    """Return a function: the chip `tiny` with other sizes.

    8-bit weights; with the default of 4-bit differential cells 7 magnitude bits are 2 slices of a column pair, so one
    weight takes 4 columns.
    """
    tiny = load_chip("tiny")

    def make(
        *, tiles: int = 1, crossbars: int = 8, rows: int = 64, cols: int = 64, cell_bits: int = 4, bank: int = 1
    ) -> ChipFile:
        crossbar = replace(tiny.tile.crossbar, rows=rows, cols=cols, cell_bits=cell_bits)
        adc = replace(tiny.tile.adc, crossbars=bank, converters=1)
        network = replace(tiny.network, routers=(tiles, 1))
        tile = replace(tiny.tile, count=tiles, crossbars=crossbars, crossbar=crossbar, adc=adc)
        return replace(tiny, network=network, tile=tile)

    return make
