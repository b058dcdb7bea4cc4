"""From a workload and its mapping to the streams and edges of a system: who runs where, and who waits for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from aimcsim import quantities
from aimcsim.chip import Chip, Site
from aimcsim.components import Buffer
from aimcsim.engine import Stream, System
from aimcsim.mapping import LayerShare, Mapping
from aimcsim.network import HOST
from aimcsim.ops import DigitalKind, IndexArray, MatrixKind, TensorShape, Window
from aimcsim.quantities import Amounts, packed_bytes, whole
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
    homes : edge index -> the buffer that its vectors lie in.
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
    homes: dict[int, Buffer] = field(default_factory=dict)


class Controller:
    """Lays out the streams of a workload on a chip, layer by layer; a stream's index is its place in that order."""

    def __init__(self, system: System, chip: Chip, workload: Workload, mapping: Mapping) -> None:
        self._system = system
        self._chip = chip
        self._spec = chip.spec
        self._workload = workload
        self._mapping = mapping
        self._elementwise: dict[int, Window] = {}
        self._nothing: dict[int, IndexArray] = {}
        self.plan = Plan(system, chip, workload, mapping)

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

    def _stream(
        self, kind: str, layer: str, tile: int, shape: TensorShape, place: Place, *, vectors: int | None = None
    ) -> Stream:
        """Add a stream whose stages are those of its kind's table."""
        stages = compile_table(self._chip, self._spec.tables[kind], place)  # type: ignore[index]
        index = len(self._system.streams)
        home = "host" if tile == HOST else self._chip.tile(tile).path
        count = shape.vectors if vectors is None else vectors
        requests = 1 if kind == "program" else self._system.requests
        name = f"{layer}.{kind}@{home.removeprefix('chip.')}"
        stream = Stream(index, name, layer, home, kind, count, shape.width, requests, stages)
        self._system.streams.append(stream)
        return stream

    def _site(self, layer: str, tile: int, share: LayerShare | None = None) -> Site:
        crossbars, bank = (range(0), 0) if share is None else (share.crossbars, share.bank)
        return Site(len(self._system.streams), layer, tile, crossbars, bank)

    def _matrix_layer(self, layer: Layer) -> None:
        """A layer with static weights: a stream per tile that has part of it, and a reduction if these are several."""
        shares = self._mapping.shares_of(layer.name)
        final = len(shares) == 1
        columns = map(self._mapping.columns_of, shares)
        amounts = [
            quantities.mvm_amounts(self._spec, share, blocks, final=final)
            for share, blocks in zip(shares, columns, strict=True)
        ]
        window = layer.op.windows(*self._workload.input_shapes(layer))[0]
        parts = [
            self._share(layer, share, one, window, final=final) for share, one in zip(shares, amounts, strict=True)
        ]
        home = self._mapping.home[layer.name]
        result = parts[0] if final else self._reduce(layer, shares, amounts, parts)
        self.plan.result[layer.name], self.plan.tiles[layer.name] = result, home

    def _share(self, layer: Layer, share: LayerShare, amounts: Amounts, window: Window, *, final: bool) -> Stream:
        """The part of a layer on one tile, with the programming of its weights."""
        program = self._program(layer, share, amounts)
        feeds = self._feeds(layer, share.tile)
        windowed = quantities.mvm_windowed(self._spec, amounts, window)
        place = Place(self._site(layer.name, share.tile, share), amounts, final=final, windowed=windowed)
        stream = self._stream("mvm", layer.name, share.tile, layer.shape, place)
        self.plan.shares[stream.index] = share
        self._connect(feeds, stream, (window,), share.tile)
        self._state_edge(program, stream)
        return stream

    def _program(self, layer: Layer, share: LayerShare, amounts: Amounts) -> Stream:
        """The state op that writes a share's weights before its first read."""
        weights = whole(amounts["weights"])
        size = packed_bytes(weights, self._spec.numbers.weight_bits)
        amounts = {**amounts, "input_bytes": size, "input_elements": weights}
        place = Place(self._site(layer.name, share.tile, share), amounts, payload_bytes=size)
        stream = self._stream("program", layer.name, share.tile, TensorShape(1, 1, 1), place)
        self.plan.shares[stream.index] = share
        return stream

    def _state_edge(self, program: Stream, reader: Stream) -> None:
        """Have reads wait for the programming; the edge takes no bytes and its one vector serves all of them."""
        nothing = self._nothing.setdefault(reader.vectors, np.zeros(reader.vectors, dtype=np.int64))
        place = program.stages[-1].server.path if program.stages[-1].server else program.tile
        self._system.add_edge(program, reader, nothing, nothing, vector_bytes=0, place=place, cause="maintenance")

    def _reduce(
        self, layer: Layer, shares: Sequence[LayerShare], amounts: Sequence[Amounts], parts: Sequence[Stream]
    ) -> Stream:
        """The reduction of a layer's partial sums on its home tile."""
        home = self._mapping.home[layer.name]
        counts = [whole(one["output_elements"]) for one in amounts]
        sizes = [packed_bytes(count, self._spec.numbers.partial_sum_bits) for count in counts]
        feeds = [
            part if share.tile == home else self._send(part, share.tile, home, count, size)
            for part, share, count, size in zip(parts, shares, counts, sizes, strict=True)
        ]
        place = Place(self._site(layer.name, home), quantities.reduce_amounts(self._spec, counts, layer.shape))
        stream = self._stream("reduce", layer.name, home, layer.shape, place)
        one = self._one_to_one(layer.shape.vectors)
        for feed, size in zip(feeds, sizes, strict=True):
            self._edge(feed, stream, one, size, self._chip.buffer(home, "input_buffer"))
        return stream

    def _one_to_one(self, vectors: int) -> Window:
        """Return the window of targets that each require one source vector, the same one for all edges of a length."""
        return self._elementwise.setdefault(vectors, Window.elementwise(vectors))

    def _digital_layer(self, layer: Layer) -> None:
        """A layer without static weights, on its home tile's digital units."""
        op = layer.op
        assert isinstance(op, DigitalKind), "a layer has static weights or is digital"
        tile = self._mapping.home[layer.name]
        shapes = self._workload.input_shapes(layer)
        windows = op.windows(*shapes)
        inputs = list(zip(shapes, windows, strict=True))
        amounts, windowed = quantities.vector_amounts(self._spec, inputs, layer.shape, op.work_elements(shapes))
        feeds = self._feeds(layer, tile)
        place = Place(self._site(layer.name, tile), amounts, windowed=windowed)
        stream = self._stream("vector", layer.name, tile, layer.shape, place)
        self._connect(feeds, stream, windows, tile)
        self.plan.result[layer.name], self.plan.tiles[layer.name] = stream, tile

    def _feeds(self, layer: Layer, tile: int) -> list[tuple[Stream, int]]:
        """Return, for each input of a layer, the stream that brings it to a tile, and the bytes of its vectors."""
        return [self._feed(name, tile) for name in layer.inputs]

    def _feed(self, name: str, tile: int) -> tuple[Stream, int]:
        shape, numbers = self._workload.shape(name), self._spec.numbers
        if name in self._workload.inputs:
            size = packed_bytes(shape.length, numbers.input_bits)
            return self._load(name, shape, tile, size), size
        size = packed_bytes(shape.length, numbers.output_bits)
        made = self.plan.result[name]
        if self.plan.tiles[name] == tile:
            return made, size
        return self._send(made, self.plan.tiles[name], tile, shape.length, size), size

    def _connect(
        self, feeds: Sequence[tuple[Stream, int]], stream: Stream, windows: Sequence[Window], tile: int
    ) -> None:
        buffer = self._chip.buffer(tile, "input_buffer")
        for (feed, size), window in zip(feeds, windows, strict=True):
            self._edge(feed, stream, window, size, buffer)

    def _edge(self, source: Stream, target: Stream, window: Window, size: int, buffer: Buffer) -> None:
        edge = self._system.add_edge(source, target, window.needs, window.keeps, vector_bytes=size, place=buffer.path)
        self.plan.homes[edge.index] = buffer

    def _load(self, name: str, shape: TensorShape, tile: int, size: int) -> Stream:
        """Input vectors on their way from the host to one consumer's tile."""
        place = self._transport(name, HOST, tile, shape.length, size)
        stream = self._stream("load", name, tile, shape, place)
        stream.source = True
        self.plan.loads[stream.index] = name
        self.plan.result.setdefault(name, stream)
        return stream

    def _send(self, made: Stream, source: int, target: int, elements: int, size: int) -> Stream:
        """Vectors on their way from one tile to another."""
        shape = TensorShape(made.vectors // made.row, made.row, elements)
        place = self._transport(made.layer, source, target, elements, size)
        stream = self._stream("send", made.layer, target, shape, place)
        buffer = self._chip.buffer(source, "output_buffer")
        self._edge(made, stream, self._one_to_one(made.vectors), size, buffer)
        return stream

    def _store(self, name: str) -> None:
        """Result vectors on their way to the host, which always has room."""
        made, shape, tile = self.plan.result[name], self._workload.shape(name), self.plan.tiles[name]
        size = packed_bytes(shape.length, self._spec.numbers.output_bits)
        stream = self._stream("store", name, tile, shape, self._transport(name, tile, HOST, shape.length, size))
        self._edge(made, stream, self._one_to_one(shape.vectors), size, self._chip.buffer(tile, "output_buffer"))
        self.plan.stores[stream.index] = name

    def _transport(self, layer: str, source: int, target: int, elements: int, size: int) -> Place:
        """Return the place of a transport between two endpoints."""
        at, to = (self._site(layer, tile) for tile in (source, target))
        hops = len(self._chip.interconnect.hops(source, target, size))
        amounts = quantities.transport_amounts(elements, size, self._chip.interconnect.flits(size) * hops)
        return Place(at, amounts, target=to, endpoints=(source, target), payload_bytes=size)
