"""What a mapping sends over the network: bytes a request between endpoints, and how many hops they travel.

The flows are those that the controller lays out as transports, without their times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from aimcsim.mapping.blocks import OutputBlock
from aimcsim.mapping.trees import Trees
from aimcsim.network import HOST, Mesh
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Layer, Workload

if TYPE_CHECKING:
    from aimcsim.mapping.mapping import Mapping
    from aimcsim.mapping.placement import LayerShare


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


def straight_flows(mapping: Mapping, workload: Workload, chip: ChipFile) -> Iterator[Flow]:
    """Yield what one request would move without trees, which are known only when tiles have their places."""
    network = replace(chip.network, multicast="copies", reduction="star")
    yield from flows(mapping, workload, replace(chip, network=network))


def flows(mapping: Mapping, workload: Workload, chip: ChipFile) -> Iterator[Flow]:
    """Yield what one request moves between different endpoints."""
    trees = Trees(chip.network, mesh_of(chip))
    for name in (*workload.inputs, *(layer.name for layer in workload.layers)):
        yield from _tensor(mapping, workload, chip, trees, name)
    for layer in workload.layers:
        if layer.name in mapping.grids:
            yield from _partial_sums(mapping, chip, trees, layer)
    for name in workload.outputs:
        yield Flow(mapping.home[name], HOST, _tensor_bytes(workload, chip, name))


def tensor_senders(mapping: Mapping, workload: Workload, trees: Trees, name: str) -> dict[int, int]:
    """Return the tiles that need a tensor and are not where it comes about, and the endpoint that each gets it from."""
    source = HOST if name in workload.inputs else mapping.home[name]
    needed = (tile for layer, _ in workload.consumers(name) for tile in mapping.tiles_of(layer.name))
    return trees.multicast(source, dict.fromkeys(tile for tile in needed if tile != source))


def _tensor(mapping: Mapping, workload: Workload, chip: ChipFile, trees: Trees, name: str) -> Iterator[Flow]:
    """Yield a tensor's ways: to each tile that needs it, once if by a tree, else once for each layer there."""
    size, senders = _tensor_bytes(workload, chip, name), tensor_senders(mapping, workload, trees, name)
    if chip.network.multicast == "tree":
        yield from (Flow(source, tile, size) for tile, source in senders.items())
        return
    for layer, _ in workload.consumers(name):
        for tile in mapping.tiles_of(layer.name):
            if tile in senders:
                yield Flow(senders[tile], tile, size)


def _partial_sums(mapping: Mapping, chip: ChipFile, trees: Trees, layer: Layer) -> Iterator[Flow]:
    """Yield the partial sums of each replica to where they are added, and its outputs to the layer's home."""
    replicas = mapping.replicas_of(layer.name)
    for number, shares in enumerate(replicas):
        vectors = replica_vectors(layer.shape.vectors, number, len(replicas))
        home = mapping.home_of(layer.name, number)
        if len(shares) > 1:
            for flow in _to_home(mapping, chip, trees, shares, home):
                yield flow._replace(size_bytes=vectors * flow.size_bytes)
        if home != mapping.home[layer.name]:
            size = packed_bytes(layer.shape.length, chip.numbers.output_bits)
            yield Flow(home, mapping.home[layer.name], vectors * size)


def _to_home(mapping: Mapping, chip: ChipFile, trees: Trees, shares: Sequence[LayerShare], home: int) -> Iterator[Flow]:
    """Yield the partial sums of one vector of a replica: of each share, or by a tree of each tile."""
    bits = chip.numbers.partial_sum_bits
    if chip.network.reduction == "star":
        for share in shares:
            if share.tile != home:
                yield Flow(share.tile, home, packed_bytes(mapping.columns_of(share).outputs, bits))
        return
    held: dict[int, dict[OutputBlock, int]] = {home: {}}
    for share in shares:
        held.setdefault(share.tile, {}).update(mapping.columns_of(share).output_blocks)
    for tile, adder in trees.reduction(home, held).items():
        yield Flow(tile, adder, packed_bytes(sum(held[tile].values()), bits))
        held[adder].update(held[tile])


def _tensor_bytes(workload: Workload, chip: ChipFile, name: str) -> int:
    shape, numbers = workload.shape(name), chip.numbers
    bits = numbers.input_bits if name in workload.inputs else numbers.output_bits
    return shape.vectors * packed_bytes(shape.length, bits)
