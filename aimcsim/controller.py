"""From a workload and its mapping to the streams and edges of a system: who runs where, and who waits for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from aimcsim import quantities
from aimcsim.chip import Chip, Site
from aimcsim.components import Buffer
from aimcsim.engine import STATE_OPS, Stage, Stream, System, span_of
from aimcsim.maintenance import Maintenance
from aimcsim.mapping import (
    BlockColumns,
    LayerShare,
    Mapping,
    OutputBlock,
    Trees,
    mesh_of,
    packed_bytes,
    replica_vectors,
    tensor_senders,
)
from aimcsim.network import HOST
from aimcsim.ops import Depthwise, DigitalKind, IndexArray, MatrixKind, TensorShape, Window
from aimcsim.quantities import Amounts, whole
from aimcsim.spec.stage_table import TableName
from aimcsim.tables import Place, compile_table
from aimcsim.workload.graph import Layer, Workload


@dataclass(slots=True)
class Plan:
    """The streams of a run and what they stand for.

    Attributes
    ----------
    shares : stream index of an `mvm` or `program` stream -> the share of the layer that it runs.
    result : layer or input name -> the stream whose vectors are the tensor (for inputs, one of the loads).
    loads, stores : stream index -> name of the tensor that is brought in or taken out.
    added_in : stream index of what makes partial sums -> index of the `reduce` stream that adds them to others.
    every : stream index -> (first, step) of a replica's stream: its vector j is the layer's vector first + j * step.
    homes : edge index -> the buffer that its vectors lie in.
    maintenance : what happens to devices in the run.
    """

    system: System
    chip: Chip
    workload: Workload
    mapping: Mapping
    shares: dict[int, LayerShare] = field(default_factory=dict)
    result: dict[str, Stream] = field(default_factory=dict)
    tiles: dict[str, int] = field(default_factory=dict)
    loads: dict[int, str] = field(default_factory=dict)
    stores: dict[int, str] = field(default_factory=dict)
    added_in: dict[int, int] = field(default_factory=dict)
    every: dict[int, tuple[int, int]] = field(default_factory=dict)
    homes: dict[int, Buffer] = field(default_factory=dict)
    maintenance: Maintenance = field(default_factory=Maintenance)


@dataclass(frozen=True, slots=True)
class Replica:
    """One of `count` replicas of a layer: the vectors ``number, number + count, ...`` of a request are its own."""

    layer: Layer
    number: int
    count: int
    window: Window
    home: int

    @property
    def vectors(self) -> int:
        """Its vectors of one request."""
        return replica_vectors(self.layer.shape.vectors, self.number, self.count)

    @property
    def row(self) -> int:
        """About as many of them as stand in a row of the layer's output."""
        return min(self.vectors, -(-self.layer.shape.width // self.count))


@dataclass(frozen=True, slots=True)
class PartialSum:
    """Partial sums that a stream makes on a tile; `outputs` says of which blocks of outputs, and how many in each."""

    stream: Stream
    tile: int
    outputs: dict[OutputBlock, int]

    @property
    def elements(self) -> int:
        """How many numbers a vector of them has."""
        return sum(self.outputs.values())


class Controller:
    """Lays out the streams of a workload on a chip, layer by layer; a stream's index is its place in that order."""

    def __init__(
        self,
        system: System,
        chip: Chip,
        workload: Workload,
        mapping: Mapping,
        maintenance: Maintenance | None = None,
    ) -> None:
        self._system = system
        self._chip = chip
        self._spec = chip.spec
        self._workload = workload
        self._mapping = mapping
        self._shares_on: dict[str, Counter[int]] = {}
        self._last: dict[tuple[int, int], IndexArray] = {}
        self._brought: dict[tuple[str, int], list[tuple[Stream, int]]] = {}
        self._carried: dict[tuple[str, int], Stream] = {}
        self._senders: dict[str, dict[int, int]] = {}
        self._mesh = mesh_of(chip.spec)
        self._trees = Trees(chip.spec.network, self._mesh)
        self._maintenance = maintenance or Maintenance()
        self.plan = Plan(system, chip, workload, mapping, maintenance=self._maintenance)

    def build(self) -> Plan:
        """Add every stream and edge to the system and return what they stand for."""
        for layer in self._workload.layers:
            if isinstance(layer.op, MatrixKind):
                self._matrix_layer(layer)
            else:
                self._digital_layer(layer)
        for name in self._workload.outputs:
            self._store(name)
        return self.plan

    def build_compensation(self) -> Plan:
        """Add nothing but one compensation of every array, to tell what it takes on an idle chip."""
        for layer in self._workload.layers:
            for shares in self._mapping.replicas_of(layer.name):
                final = len(shares) == 1
                for share in shares:
                    amounts = quantities.mvm_amounts(self._spec, share, self._mapping.columns_of(share), final=final)
                    self._known_vectors(layer, share, amounts, self._maintenance.vectors, "alone", final=final)
        return self.plan

    def _stream(
        self, kind: TableName, layer: str, place: Place, vectors: int, row: int, table: TableName | None = None
    ) -> Stream:
        """Add a stream of so many vectors a request, whose stages are those of `table`, or of its kind's."""
        stages = compile_table(self._chip, table or kind, place)
        tile = place.site.tile if place.target is None or place.target.tile == HOST else place.target.tile
        return self._add(kind, layer, tile, self._where(tile, place.site, layer), stages, vectors, row)

    def _where(self, tile: int, site: Site, layer: str) -> str:
        """Return the place in a stream's name; with its crossbars and block where the layer alone does not say it."""
        name = self._mesh.name(tile).removeprefix("chip.")
        return name if site.owner == layer else f"{name}.{site.owner}{site.block}"

    def _add(self, kind: str, layer: str, tile: int, where: str, stages: list[Stage], vectors: int, row: int) -> Stream:
        index = len(self._system.streams)
        requests = 1 if kind in STATE_OPS else self._system.requests
        path = self._chip.tile(tile).path
        stream = Stream(index, f"{layer}.{kind}@{where}", layer, path, kind, vectors, row, requests, stages)
        self._system.streams.append(stream)
        return stream

    def _site(self, layer: str, tile: int, share: LayerShare | None = None) -> Site:
        stream = len(self._system.streams)
        if share is None:
            return Site(stream, layer, tile)
        shared = self._mapping.is_packed(share)
        alone = self._parts(layer)[tile] == 1
        owner = layer if alone and not shared else crossbars_name(share.crossbars)
        block = f".block[{share.blocks[0]}]" if shared else ""
        shared = shared or self._maintenance.vectors > 0
        return Site(stream, owner, tile, share.crossbars, share.bank, shared, block)

    def _parts(self, layer: str) -> Counter[int]:
        """Return how many shares a layer has on each tile."""
        if layer not in self._shares_on:
            self._shares_on[layer] = Counter(share.tile for share in self._mapping.shares_of(layer))
        return self._shares_on[layer]

    def _matrix_layer(self, layer: Layer) -> None:
        """A layer with static weights: its replicas, and what puts their outputs in order if there are several."""
        window = layer.op.windows(*self._workload.input_shapes(layer))[0]
        if self._spec.control.layers == "serial" and layer.inputs[0] not in self._workload.inputs:
            window = window.complete()
        self._brought.clear()
        shared_out = self._mapping.replicas_of(layer.name)
        count, width = len(shared_out), layer.shape.width
        made = []
        for number, shares in enumerate(shared_out):
            own = window if count == 1 else window.every(number, count, width)
            replica = Replica(layer, number, count, own, self._mapping.home_of(layer.name, number))
            made.append((replica, self._replica(replica, shares)))
        result = made[0][1] if count == 1 else self._merge(layer, made)
        self.plan.result[layer.name], self.plan.tiles[layer.name] = result, self._mapping.home[layer.name]

    def _replica(self, replica: Replica, shares: Sequence[LayerShare]) -> Stream:
        """One replica: a stream for each of its shares, and a reduction if these are several."""
        final = len(shares) == 1
        columns = [self._mapping.columns_of(share) for share in shares]
        amounts = [
            quantities.mvm_amounts(self._spec, share, blocks, final=final) | self._turns(replica, blocks)
            for share, blocks in zip(shares, columns, strict=True)
        ]
        parts = [self._share(replica, share, one, final=final) for share, one in zip(shares, amounts, strict=True)]
        if final:
            return parts[0]
        made = zip(parts, shares, columns, strict=True)
        sums = [PartialSum(part, share.tile, blocks.output_blocks) for part, share, blocks in made]
        return self._reduce(replica, sums)

    def _turns(self, replica: Replica, blocks: BlockColumns) -> Amounts:
        """Return the amounts that differ where blocks take turns in one array."""
        one_array = self._spec.tile.arrays == "one"
        return quantities.turns_in_one_array(self._spec, blocks, replica.vectors) if one_array else {}

    def _of(self, replica: Replica, stream: Stream) -> Stream:
        """Note which vectors of the layer a stream of a replica has."""
        if replica.count > 1:
            self.plan.every[stream.index] = (replica.number, replica.count)
        return stream

    def _share(self, replica: Replica, share: LayerShare, amounts: Amounts, *, final: bool) -> Stream:
        """The part of a replica on one tile, with the programming of its weights."""
        layer = replica.layer
        ready = self._program(layer, share, amounts)
        if self._maintenance.vectors:
            ready = self._compensate(layer, share, amounts, ready, final=final)
        feeds = self._feeds(layer, share.tile)
        windowed = quantities.mvm_windowed(self._spec, amounts, replica.window)
        place = Place(self._site(layer.name, share.tile, share), amounts, final=final, windowed=windowed)
        stream = self._of(replica, self._stream("mvm", layer.name, place, replica.vectors, replica.row))
        self.plan.shares[stream.index] = share
        self._connect(feeds, stream, (replica.window,), share.tile)
        self._order(layer, stream)
        self._state_edge(ready, stream)
        return stream

    def _program(self, layer: Layer, share: LayerShare, amounts: Amounts) -> Stream:
        """The state op that writes a share's weights before its first read."""
        weights = whole(amounts["weights"])
        size = packed_bytes(weights, self._spec.numbers.weight_bits)
        amounts = {
            **amounts,
            "input_bytes": size,
            "input_elements": weights,
            "array_steps": 1,
            "loaded_weights": weights,
        }
        place = Place(self._site(layer.name, share.tile, share), amounts, payload_bytes=size)
        stream = self._stream("program", layer.name, place, 1, 1)
        self.plan.shares[stream.index] = share
        return stream

    def _compensate(self, layer: Layer, share: LayerShare, amounts: Amounts, program: Stream, *, final: bool) -> Stream:
        """The state ops that measure drift in a share's arrays; return the one that reads wait for.

        It reads the known vectors twice: right after programming, to have what later ones are compared with, and before
        the first request. What comes later is released by the clock.
        """
        vectors, due_ps = self._maintenance.vectors, self._maintenance.due_ps
        first = self._known_vectors(layer, share, amounts, 2 * vectors, "before", final=final)
        self._state_edge(program, first)
        if due_ps:
            again = self._known_vectors(layer, share, amounts, vectors, "during", final=final)
            again.source, again.requests, again.due_ps = True, len(due_ps), due_ps
            self._state_edge(first, again)
        return first

    def _known_vectors(
        self, layer: Layer, share: LayerShare, amounts: Amounts, vectors: int, when: str, *, final: bool
    ) -> Stream:
        """Products of known vectors with a share's weights: they pass the stages of all others, and move nothing."""
        if self._spec.tile.arrays == "one":
            amounts = amounts | quantities.turns_in_one_array(self._spec, self._mapping.columns_of(share), vectors)
        place = Place(self._site(layer.name, share.tile, share), amounts, final=final)
        where = f"{self._where(share.tile, place.site, layer.name)}.{when}"
        stages = compile_table(self._chip, "mvm", place)
        return self._add("compensate", layer.name, share.tile, where, stages, vectors, self._maintenance.vectors)

    def _state_edge(self, before: Stream, reader: Stream) -> None:
        """Have reads wait for a state op; the edge takes no bytes, and the op's last vector serves all of them."""
        key = reader.vectors, before.vectors - 1
        last = self._last.setdefault(key, np.full(reader.vectors, key[1], dtype=np.int64))
        place = before.stages[-1].server.path if before.stages[-1].server else before.tile
        self._system.add_edge(before, reader, last, last, vector_bytes=0, place=place, cause="maintenance")

    def _reduce(self, replica: Replica, parts: Sequence[PartialSum]) -> Stream:
        """The reduction of a replica's partial sums where its outputs come about, or on the way there."""
        if self._spec.network.reduction == "star":
            return self._added(replica, parts, replica.home, final=True).stream
        meeting: dict[int, list[PartialSum]] = {replica.home: []}
        for part in parts:
            meeting.setdefault(part.tile, []).append(part)
        outputs = {tile: _together(there) for tile, there in meeting.items()}
        for tile, onward in self._trees.reduction(replica.home, outputs).items():
            there = meeting[tile]
            one = there[0] if len(there) == 1 else self._added(replica, there, tile, final=False)
            meeting[onward].append(one)
        return self._added(replica, meeting[replica.home], replica.home, final=True).stream

    def _added(self, replica: Replica, parts: Sequence[PartialSum], tile: int, *, final: bool) -> PartialSum:
        """Partial sums added on a tile, to which those from elsewhere are sent; `final` if that completes them."""
        counts = [part.elements for part in parts]
        sizes = [packed_bytes(count, self._spec.numbers.partial_sum_bits) for count in counts]
        feeds = [
            part.stream if part.tile == tile else self._send(part.stream, part.tile, tile, part.elements, size)
            for part, size in zip(parts, sizes, strict=True)
        ]
        outputs = _together(parts)
        met = Counter(block for part in parts for block in part.outputs)
        amounts = quantities.reduce_amounts(self._spec, counts, sum(outputs.values()), list(met.values()), final=final)
        place = Place(self._site(replica.layer.name, tile), amounts, final=final)
        stream = self._of(replica, self._stream("reduce", replica.layer.name, place, replica.vectors, replica.row))
        one = Window.elementwise(replica.vectors)
        for part, feed, size in zip(parts, feeds, sizes, strict=True):
            self.plan.added_in[part.stream.index] = stream.index
            self._edge(feed, stream, one, size, self._chip.buffer(tile, "input_buffer"))
        return PartialSum(stream, tile, outputs)

    def _merge(self, layer: Layer, made: Sequence[tuple[Replica, Stream]]) -> Stream:
        """What lets the outputs of replicas be seen in order of their vectors; it moves nothing and takes no time."""
        home, vectors, length = self._mapping.home[layer.name], layer.shape.vectors, layer.shape.length
        size = packed_bytes(length, self._spec.numbers.output_bits)
        feeds = [
            stream if replica.home == home else self._send(stream, replica.home, home, length, size)
            for replica, stream in made
        ]
        nothing = span_of(0)
        where = self._where(home, self._site(layer.name, home), layer.name)
        stream = self._add(
            "merge", layer.name, home, where, [Stage("order", 1, nothing, nothing)], vectors, layer.shape.width
        )
        buffer = self._chip.buffer(home, "input_buffer")
        for number, feed in enumerate(feeds):
            self._edge(feed, stream, Window.dealt(vectors, number, len(feeds)), size, buffer)
        return stream

    def _digital_layer(self, layer: Layer) -> None:
        """A layer without static weights, on its home tile's digital units."""
        op = layer.op
        assert isinstance(op, DigitalKind), "a layer has static weights or is digital"
        tile = self._mapping.home[layer.name]
        shapes = self._workload.input_shapes(layer)
        windows = op.windows(*shapes)
        inputs = list(zip(shapes, windows, strict=True))
        amounts, windowed = quantities.vector_amounts(self._spec, inputs, layer.shape, op.work_elements(shapes))
        self._brought.clear()
        feeds = self._feeds(layer, tile)
        place = Place(self._site(layer.name, tile), amounts, kind=op.kind, windowed=windowed)
        table: TableName = "depthwise" if isinstance(op, Depthwise) else "vector"
        stream = self._stream("vector", layer.name, place, layer.shape.vectors, layer.shape.width, table)
        self._connect(feeds, stream, windows, tile)
        self._order(layer, stream)
        self.plan.result[layer.name], self.plan.tiles[layer.name] = stream, tile

    def _feeds(self, layer: Layer, tile: int) -> list[tuple[Stream, int]]:
        """Return, for each input of a layer, the stream that brings it to a tile, and the bytes of its vectors.

        What several shares of the layer on a tile need is brought there once.
        """
        key = layer.name, tile
        if key not in self._brought:
            self._brought[key] = [self._feed(name, tile) for name in layer.inputs]
        return self._brought[key]

    def _feed(self, name: str, tile: int) -> tuple[Stream, int]:
        """Return the stream that brings a tensor to a tile, and the bytes of a vector."""
        shape, numbers = self._workload.shape(name), self._spec.numbers
        bits = numbers.input_bits if name in self._workload.inputs else numbers.output_bits
        size = packed_bytes(shape.length, bits)
        if self.plan.tiles.get(name) == tile:
            return self.plan.result[name], size
        if self._spec.network.multicast == "tree":
            return self._by_tree(name, tile, shape, size), size
        return self._bring(name, self.plan.tiles.get(name, HOST), tile, shape, size), size

    def _bring(self, name: str, source: int, tile: int, shape: TensorShape, size: int) -> Stream:
        """Bring a tensor from where it comes about to a tile."""
        if source == HOST:
            return self._load(name, shape, tile, size)
        return self._send(self.plan.result[name], source, tile, shape.length, size)

    def _by_tree(self, name: str, tile: int, shape: TensorShape, size: int) -> Stream:
        """Bring a tensor to a tile, once for all who need it there or from there on."""
        if name not in self._senders:
            self._senders[name] = tensor_senders(self._mapping, self._workload, self._trees, name)
        senders, way = self._senders[name], [tile]
        while way[-1] in senders and (name, way[-1]) not in self._carried:
            way.append(senders[way[-1]])
        made = self._carried.get((name, way[-1]))
        for source, target in pairwise(reversed(way)):
            if made is None:
                made = self._bring(name, source, target, shape, size)
            else:
                made = self._send(made, source, target, shape.length, size)
            self._carried[name, target] = made
        assert made is not None, "a tensor that is needed comes from somewhere"
        return made

    def _connect(
        self, feeds: Sequence[tuple[Stream, int]], stream: Stream, windows: Sequence[Window], tile: int
    ) -> None:
        buffer = self._chip.buffer(tile, "input_buffer")
        for (feed, size), window in zip(feeds, windows, strict=True):
            self._edge(feed, stream, window, size, buffer)

    def _order(self, layer: Layer, stream: Stream) -> None:
        """Have a stream wait for whole layers that it takes nothing from; the edges take no bytes."""
        for name in layer.after:
            before = self.plan.result[name]
            needs = np.full(stream.vectors, before.vectors - 1, dtype=np.int64)
            keeps = np.append(np.zeros_like(needs[1:]), before.vectors)
            self._system.add_edge(before, stream, needs, keeps, vector_bytes=0, place=before.tile)

    def _edge(self, source: Stream, target: Stream, window: Window, size: int, buffer: Buffer) -> None:
        edge = self._system.add_edge(source, target, window.needs, window.keeps, vector_bytes=size, place=buffer.path)
        self.plan.homes[edge.index] = buffer

    def _load(self, name: str, shape: TensorShape, tile: int, size: int) -> Stream:
        """Input vectors on their way from the host to one consumer's tile."""
        place = self._transport(name, HOST, tile, shape.length, size)
        stream = self._stream("load", name, place, shape.vectors, shape.width)
        stream.source = True
        self.plan.loads[stream.index] = name
        self.plan.result.setdefault(name, stream)
        return stream

    def _send(self, made: Stream, source: int, target: int, elements: int, size: int) -> Stream:
        """Vectors on their way from one tile to another; what has come by a transport lies where that has put it."""
        passes_on = made.kind in {"load", "send"}
        place = replace(self._transport(made.layer, source, target, elements, size), passes_on=passes_on)
        stream = self._stream("send", made.layer, place, made.vectors, made.row)
        buffer = self._chip.buffer(source, "input_buffer" if passes_on else "output_buffer")
        self._edge(made, stream, Window.elementwise(made.vectors), size, buffer)
        return stream

    def _store(self, name: str) -> None:
        """Result vectors on their way to the host, which always has room."""
        made, shape, tile = self.plan.result[name], self._workload.shape(name), self.plan.tiles[name]
        size = packed_bytes(shape.length, self._spec.numbers.output_bits)
        place = self._transport(name, tile, HOST, shape.length, size)
        stream = self._stream("store", name, place, shape.vectors, shape.width)
        self._edge(made, stream, Window.elementwise(shape.vectors), size, self._chip.buffer(tile, "output_buffer"))
        self.plan.stores[stream.index] = name

    def _transport(self, layer: str, source: int, target: int, elements: int, size: int) -> Place:
        """Return the place of a transport between two endpoints."""
        at, to = (self._site(layer, tile) for tile in (source, target))
        network = self._chip.interconnect
        links, crossings = network.crossings(source, target)
        flit_hops = network.flits(size) * (links - crossings)
        amounts = quantities.transport_amounts(elements, size, flit_hops, network.packet_bytes(size) * crossings)
        return Place(at, amounts, target=to, endpoints=(source, target), payload_bytes=size)


def _together(parts: Sequence[PartialSum]) -> dict[OutputBlock, int]:
    """Return the outputs of all these partial sums."""
    return {block: count for part in parts for block, count in part.outputs.items()}


def crossbars_name(crossbars: range) -> str:
    """Return the name of some consecutive crossbars, within their tile."""
    names = str(crossbars[0]) if len(crossbars) == 1 else f"{crossbars[0]}..{crossbars[-1]}"
    return f"crossbar[{names}]"
