"""What a mapping sends over the network: bytes a request between endpoints, and how many hops they travel.

The flows are those that the controller lays out as transports, without their times.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from aimcsim.network import HOST, Mesh
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Layer, Workload

if TYPE_CHECKING:
    from aimcsim.mapping.mapping import Mapping


class Flow(NamedTuple):
    """Payload that one request moves from one endpoint to another; `HOST` is one of them."""

    source: int
    target: int
    size_bytes: int


def packed_bytes(elements: int, bits: int) -> int:
    """Return the bytes that so many numbers take, packed."""
    return -(-elements * bits // 8)


def replica_vectors(vectors: int, replica: int, replicas: int) -> int:
    """Return how many of a request's vectors go to a replica: the numbers replica, replica + replicas, ..."""
    return -(-(vectors - replica) // replicas)


def mesh_of(chip: ChipFile) -> Mesh:
    """Return the network of all chips of a system."""
    return Mesh(*chip.network.routers, chip.network.tiles_per_router, chip.system.chips_per_package)


def hop_bytes(mapping: Mapping, workload: Workload, chip: ChipFile) -> int:
    """Return the bytes of one request times the links from router to router that they travel."""
    moved = list(flows(mapping, workload, chip))
    hops = mesh_of(chip).hops([flow.source for flow in moved], [flow.target for flow in moved])
    return int(np.dot(hops, np.array([flow.size_bytes for flow in moved], dtype=np.int64)))


def flows(mapping: Mapping, workload: Workload, chip: ChipFile) -> Iterator[Flow]:
    """Yield what one request moves between different endpoints, layer by layer."""
    for layer in workload.layers:
        for name in layer.inputs:
            yield from _inputs(mapping, workload, chip, layer, name)
        if layer.name in mapping.grids:
            yield from _partial_sums(mapping, chip, layer)
    for name in workload.outputs:
        yield Flow(mapping.home[name], HOST, _tensor_bytes(workload, chip, name))


def _inputs(mapping: Mapping, workload: Workload, chip: ChipFile, layer: Layer, name: str) -> Iterator[Flow]:
    """Yield one input of a layer, which goes once to every tile that has part of the layer."""
    source = HOST if name in workload.inputs else mapping.home[name]
    size = _tensor_bytes(workload, chip, name)
    for tile in mapping.tiles_of(layer.name):
        if tile != source:
            yield Flow(source, tile, size)


def _partial_sums(mapping: Mapping, chip: ChipFile, layer: Layer) -> Iterator[Flow]:
    """Yield the partial sums of each replica to where they are added, and its outputs to the layer's home."""
    replicas = mapping.replicas_of(layer.name)
    for number, shares in enumerate(replicas):
        vectors = replica_vectors(layer.shape.vectors, number, len(replicas))
        home = mapping.home_of(layer.name, number)
        for share in shares if len(shares) > 1 else ():
            if share.tile != home:
                outputs = mapping.columns_of(share).outputs
                yield Flow(share.tile, home, vectors * packed_bytes(outputs, chip.numbers.partial_sum_bits))
        if home != mapping.home[layer.name]:
            size = packed_bytes(layer.shape.length, chip.numbers.output_bits)
            yield Flow(home, mapping.home[layer.name], vectors * size)


def _tensor_bytes(workload: Workload, chip: ChipFile, name: str) -> int:
    shape, numbers = workload.shape(name), chip.numbers
    bits = numbers.input_bits if name in workload.inputs else numbers.output_bits
    return shape.vectors * packed_bytes(shape.length, bits)
