"""What a chip computes beside its crossbars: depthwise convolutions, if it has a digital engine for them."""

from __future__ import annotations

from dataclasses import replace

from aimcsim.ops import Conv2d, Depthwise
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Layer, Workload


def on_engines(workload: Workload, chip: ChipFile) -> Workload:
    """Return the workload as a chip runs it.

    Where the chip file has a table `depthwise`, depthwise convolutions are digital layers and take no crossbars.
    """
    if "depthwise" not in chip.tables:
        return workload
    return replace(workload, layers=tuple(map(_moved, workload.layers)))


def _moved(layer: Layer) -> Layer:
    op = layer.op
    return replace(layer, op=Depthwise(op)) if isinstance(op, Conv2d) and op.depthwise else layer
