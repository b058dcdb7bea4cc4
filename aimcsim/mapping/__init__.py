"""Which part of which weight matrix sits in which crossbar of which tile.

Knows shapes only: no weight value, no time, no energy.
"""

from aimcsim.mapping.blocks import (
    BlockColumns,
    BlockGrid,
    MatrixShape,
    OutputBlock,
    WeightBlock,
    count_blocks,
    cut,
    matrices,
)
from aimcsim.mapping.capacity import Lever, capacity, chips_for, crossbars_for, joined, levers
from aimcsim.mapping.engines import on_engines
from aimcsim.mapping.mapping import Mapping, describe, map_workload
from aimcsim.mapping.mapping_file import load_mapping, mapping_yaml
from aimcsim.mapping.placement import LayerShare
from aimcsim.mapping.policy import MappingPolicy
from aimcsim.mapping.traffic import hop_bytes, mesh_of, packed_bytes, replica_vectors, tensor_senders
from aimcsim.mapping.trees import Trees

__all__ = [
    "BlockColumns",
    "BlockGrid",
    "LayerShare",
    "Lever",
    "Mapping",
    "MappingPolicy",
    "MatrixShape",
    "OutputBlock",
    "Trees",
    "WeightBlock",
    "capacity",
    "chips_for",
    "count_blocks",
    "crossbars_for",
    "cut",
    "describe",
    "hop_bytes",
    "joined",
    "levers",
    "load_mapping",
    "map_workload",
    "mapping_yaml",
    "matrices",
    "mesh_of",
    "on_engines",
    "packed_bytes",
    "replica_vectors",
    "tensor_senders",
]
