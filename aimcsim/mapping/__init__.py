"""Which part of which weight matrix sits in which crossbar of which tile.

Knows shapes only: no weight value, no time, no energy.
"""

from aimcsim.mapping.blocks import BlockColumns, BlockGrid, MatrixShape, WeightBlock, count_blocks, cut, matrices
from aimcsim.mapping.capacity import Lever, levers
from aimcsim.mapping.mapping import Mapping, describe, map_workload
from aimcsim.mapping.placement import LayerShare

__all__ = [
    "BlockColumns",
    "BlockGrid",
    "LayerShare",
    "Lever",
    "Mapping",
    "MatrixShape",
    "WeightBlock",
    "count_blocks",
    "cut",
    "describe",
    "levers",
    "map_workload",
    "matrices",
]
