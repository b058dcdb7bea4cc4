"""Random small systems: a recipe is plain data, so that one system can be built again with another event order.

The recipes keep to what a chip file can say, and inside it to what always completes: who waits while holding something
(a read keeps its crossbar until its sample has a slot) waits only for somebody who will give it back without waiting
for the same kind of thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st

from aimcsim.engine import Server, SlotPool, Stage, Stream, System
from aimcsim.units import ClockDomain
from tests.engine.builders import FAST, LENGTHS, ODD, Bench, Window, convolution, convolved, stage, whole

CLOCKS = (None, None, ClockDomain("plain", Fraction(10**9)), ODD, FAST)
CYCLES = (1, 1, 2, 3)
TIMES_PS = (250, 500, 500, 1000, 333)
UNITS, ARRAYS = 3, 2
WAITS = {
    "fetch": "fetch_port",
    "convert": "adc_busy",
    "add": "vector_busy",
    "work": "vector_busy",
    "write": "buffer_port",
    "inject": "buffer_port",
    "link0": "link_busy",
    "link1": "link_busy",
    "cross": "link_busy",
    "deliver": "buffer_port",
}
"""What waiting for the server of a stage is called, by the stage's name."""
EVEN = 1
"""The length that all times are of in an even system, so that much happens at once."""


@dataclass(frozen=True)
class Work:
    """One stage's choices: which shared unit (or None: its own server, -1: none), how long, on which clock."""

    unit: int | None
    clock: int
    lengths: tuple[int, ...]
    interval: int | None
    crossing: int | None


@dataclass(frozen=True)
class Input:
    """One edge into a layer: from which stream, by which window (kernel 0: everything), with how much room to spare."""

    source: int
    kernel: int
    stride: int
    pad: int
    spare: int | None


@dataclass(frozen=True)
class Layer:
    """One stream: its chip, its inputs and its table."""

    chip: int
    inputs: tuple[Input, ...]
    plane: tuple[int, int]
    table: str
    loops: tuple[int, int, int]
    array: int
    shared_slots: bool
    slots: tuple[int, int]
    work: tuple[Work, ...]


@dataclass(frozen=True)
class Recipe:
    """A whole system; `programs` lists (array server, length in picks, layer that waits for it or None).

    Sources are on the first chip; `link` is the work of the links between chips, one each way. `gaps_ps` lie between
    the releases of requests, the first before the first; with none of them, all are released at the begin. `upkeep`
    lists state ops that come again and again, on the first chip: (array server, picks of lengths, gaps between turns).
    """

    requests: int
    begin: int | None
    chips: int
    link: Work
    sources: tuple[tuple[tuple[int, int], tuple[int, ...]], ...]
    layers: tuple[Layer, ...]
    unit_clocks: tuple[int, ...]
    array_clocks: tuple[int, ...]
    tile_slots: tuple[int, int, int]
    programs: tuple[tuple[int, int, int | None], ...] = field(default=())
    gaps_ps: tuple[int, ...] = ()
    most_in_flight: int | None = None
    upkeep: tuple[tuple[int, tuple[int, int, int], tuple[int, ...]], ...] = ()


@st.composite
def works(draw: st.DrawFn, even: bool, *, served: bool = False) -> Work:
    """Draw a stage's choices; with `served` it has a server, in an `even` system no clock and one length of time."""
    unit = draw(st.sampled_from([0, 0, 1, 2, None] if served else [0, 0, 1, 2, None, -1]))
    if even:
        return Work(None if unit == 0 else unit, 0, (EVEN,), None, None)
    lengths = tuple(draw(st.lists(st.integers(0, 3), min_size=1, max_size=3)))
    clock, crossing = draw(st.integers(0, len(CLOCKS) - 1)), draw(st.sampled_from([None, 0, 1, 2]))
    return Work(unit, clock, lengths, draw(st.none() | st.integers(0, 3)), crossing)


@st.composite
def recipes(draw: st.DrawFn, *, most_layers: int = 5, most_requests: int = 3, bounded: bool = False) -> Recipe:
    """Draw a system; `bounded` gives every edge its least capacity and nothing more."""
    even = draw(st.booleans())
    planes = st.sampled_from([(4, 4), (3, 4), (3, 3), (1, 8), (2, 2), (1, 1)])
    times = st.just((EVEN,)) if even else st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple)
    sources = tuple(draw(st.lists(st.tuples(planes, times), min_size=1, max_size=2)))
    made = [plane for plane, _ in sources]
    layers: list[Layer] = []
    chips = draw(st.sampled_from([1, 1, 1, 2, 3]))
    for _ in range(draw(st.sampled_from(range(most_layers, 0, -1)))):
        layer = draw(_layers(tuple(made), chips, bounded, even))
        made.append(layer.plane)
        layers.append(layer)
    clock = st.just(0) if even else st.integers(0, len(CLOCKS) - 1)
    programs = st.tuples(st.integers(0, ARRAYS - 1), st.integers(0, 3), st.none() | st.integers(0, len(layers) - 1))
    requests = draw(st.integers(1, most_requests))
    turns = st.lists(st.sampled_from([0, 500, 2_000]), min_size=1, max_size=3).map(tuple)
    picks = st.just((EVEN,) * 3) if even else st.tuples(*[st.integers(0, 3)] * 3)
    upkeep = st.lists(st.tuples(st.integers(0, ARRAYS - 1), picks, turns), max_size=2).map(tuple)
    gaps = st.lists(st.sampled_from([0, 1, 500, 2_000, 20_000]), min_size=requests, max_size=requests)
    return Recipe(
        requests,
        draw(st.sampled_from([None, 0, 700, 5000])),
        chips,
        draw(works(even, served=True)),
        sources,
        tuple(layers),
        tuple(draw(clock) for _ in range(UNITS)),
        tuple(draw(clock) for _ in range(ARRAYS)),
        (draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        tuple(draw(st.lists(programs, max_size=2))),
        tuple(draw(st.just([]) | gaps)),
        draw(st.sampled_from([None, None, 1, 2])),
        draw(st.just(()) | upkeep),
    )


@st.composite
def _layers(draw: st.DrawFn, made: tuple[tuple[int, int], ...], chips: int, bounded: bool, even: bool) -> Layer:
    first = draw(st.integers(0, len(made) - 1))
    size = made[first]
    kernel = draw(st.integers(0, min(3, *size)))
    stride = draw(st.integers(1, 2))
    pad = draw(st.integers(0, kernel - 1)) if kernel else 0
    plane = convolved(size, kernel, stride, pad) if kernel else (1, 1)
    alike = [index for index, other in enumerate(made) if other == size]
    sources = [first, *draw(st.lists(st.sampled_from(alike), max_size=1))]
    spare = st.just(0) if bounded else st.sampled_from([0, 0, 1, 3, None])
    return Layer(
        draw(st.integers(0, chips - 1)),
        tuple(Input(source, kernel, stride, pad, draw(spare)) for source in sources),
        plane,
        draw(st.sampled_from(["serial", "nested", "transport", "folded", "plain"])),
        (draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        draw(st.sampled_from([ARRAYS, *range(ARRAYS)])),
        draw(st.sampled_from([True, True, False])),
        (draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        (draw(works(even)), draw(works(even, served=True)), draw(works(even, served=True)), draw(works(even))),
    )


def build(recipe: Recipe, *, shuffle_seed: int | None = None, capacities: Sequence[int | None] | None = None) -> Bench:
    """Build a system; edges have their least capacity and what the recipe spares, unless `capacities` are given."""
    bench = Bench(requests=recipe.requests, shuffle_seed=shuffle_seed, begin=recipe.begin)
    chips = [_Tile(bench, recipe, f"chip[{index}].") for index in range(recipe.chips)]
    links = _Links(bench, recipe, chips)
    programs = [_program(bench, recipe, chips, index) for index in range(len(recipe.programs))]
    for index, (array, picks, gaps_ps) in enumerate(recipe.upkeep):
        again = _again(bench, chips[0], array, picks, gaps_ps, f"again[{index}]")
        for program in programs:
            bench.state(program, again)
    made = [
        _Made(bench.source(plane[0] * plane[1], [TIMES_PS[pick] for pick in picks], name=f"load[{index}]"), 0, plane)
        for index, (plane, picks) in enumerate(recipe.sources)
    ]
    for index, layer in enumerate(recipe.layers):
        stream = _layer(bench, layer, index, chips[layer.chip], links, made)
        for program, (_, _, reader) in zip(programs, recipe.programs, strict=True):
            if reader == index:
                bench.state(program, stream)
        made.append(_Made(stream, layer.chip, layer.plane))
    for one in made:
        one.stream.row = one.plane[1]
    bench.system.release_ps = tuple(accumulate(recipe.gaps_ps))
    if recipe.most_in_flight is not None:
        loads, last = [one.stream for one in made[: len(recipe.sources)]], stores(bench.system)
        bench.system.bound_in_flight(loads, last, recipe.most_in_flight, "host.in_flight")
    least = bench.least() if capacities is None else list(capacities)
    for edge, room in zip(bench.system.edges, least, strict=True):
        spare = links.spares.get(edge.index) if capacities is None else 0
        edge.capacity = None if room is None or spare is None else room + spare
    return bench


def stores(system: System) -> list[Stream]:
    """Return the streams whose vectors no other one takes, which end requests."""
    served = [stream for stream in system.streams if not stream.is_state_op]
    return [stream for stream in served if not any(edge.vector_bytes for edge in stream.outputs)]


def _layer(bench: Bench, layer: Layer, index: int, tile: _Tile, links: _Links, made: Sequence[_Made]) -> Stream:
    """Add a layer's stream with its inputs, and what brings them."""
    name = f"layer[{index}]"
    array = bench.server(f"{name}.array") if layer.array == ARRAYS else tile.arrays[layer.array]
    here = [links.bring(made[one.source], one, layer, f"{name}.{turn}") for turn, one in enumerate(layer.inputs)]
    stream = bench.stream(name, layer.plane[0] * layer.plane[1], TABLES[layer.table](tile, layer, array, name))
    for source, one in zip(here, layer.inputs, strict=True):
        links.join(source, stream, one, _window(made[one.source].plane, one))
    return stream


@dataclass(frozen=True)
class _Made:
    """What a stream makes, and where."""

    stream: Stream
    chip: int
    plane: tuple[int, int]


def _program(bench: Bench, recipe: Recipe, chips: Sequence[_Tile], index: int) -> Stream:
    """Add a state op, on the chip of the layer that waits for it."""
    array, pick, reader = recipe.programs[index]
    server = chips[0 if reader is None else recipe.layers[reader].chip].arrays[array]
    written = stage("write", _length(server.clock, [pick]), server, cause="crossbar_busy")
    return bench.program([written], name=f"program[{index}]")


def _again(
    bench: Bench, tile: _Tile, array: int, picks: tuple[int, int, int], gaps_ps: tuple[int, ...], name: str
) -> Stream:
    """Add a state op of several turns, two vectors each, that reads an array through the slots of all others."""
    server, unit = tile.arrays[array], tile.units[0]
    registers, samples = tile.slots["input_register"], tile.slots["sample_hold"]
    fetched, read, converted = (
        _length(one.clock, [pick]) for one, pick in zip((unit, server, unit), picks, strict=True)
    )
    stages = [
        stage("fetch", fetched, unit, cause="fetch_port", acquires=registers),
        stage("read", read, server, cause="crossbar_busy", captures=samples, releases=[(registers, 1)]),
        stage("convert", converted, unit, cause="adc_busy", releases=[(samples, 1)]),
    ]
    again = bench.stream(name, 2, stages, kind="compensate", source=True, requests=len(gaps_ps))
    again.due_ps = tuple(accumulate(gaps_ps))
    return again


def _window(plane: tuple[int, int], one: Input) -> Window:
    return convolution(plane, one.kernel, one.stride, one.pad) if one.kernel else whole(plane[0] * plane[1])


class _Tile:
    """What the layers on a chip share."""

    def __init__(self, bench: Bench, recipe: Recipe, path: str) -> None:
        self.bench = bench
        clocks = enumerate(recipe.unit_clocks)
        self.units = [bench.server(f"{path}unit[{index}]", CLOCKS[clock]) for index, clock in clocks]
        names = ("input_register", "sample_hold", "packet_slot")
        counts = zip(names, recipe.tile_slots, strict=True)
        self.slots = {name: bench.slots(path + name, _cause(name), count, shared=True) for name, count in counts}
        clocks = enumerate(recipe.array_clocks)
        self.arrays = [bench.server(f"{path}array[{index}]", CLOCKS[clock]) for index, clock in clocks]

    def pool(self, layer: Layer, name: str, prefix: str, *, at_least: int = 1) -> SlotPool:
        """Return a layer's slots: the tile's or its own; only its own may be more than one per release."""
        which = layer.slots[0 if name == "input_register" else 1]
        if layer.shared_slots and at_least == 1:
            return self.slots[name]
        return self.bench.slots(f"{prefix}.{name}", _cause(name), which + at_least - 1)

    def stage(self, name: str, layer: Layer, work: int, prefix: str, **more: Any) -> Stage:
        """Return a stage that does one of a layer's drawn works; `more` are attributes of `Stage`."""
        drawn = layer.work[work]
        server = self._server(drawn, f"{prefix}.{name}")
        clock = CLOCKS[drawn.clock] if server is None else server.clock
        lengths = _length(clock, drawn.lengths)
        interval = None if drawn.interval is None else _length(clock, [drawn.interval])
        return replace(
            stage(name, lengths, server, interval=interval, crossing=drawn.crossing, clock=clock, cause=WAITS[name]),
            **more,
        )

    def _server(self, drawn: Work, path: str) -> Server | None:
        if drawn.unit == -1:
            return None
        return self.bench.server(path, CLOCKS[drawn.clock]) if drawn.unit is None else self.units[drawn.unit]


class _Links:
    """The edges between streams and the links between chips: one each way, which whatever goes that way shares.

    `spares` has the room that an edge is to have beyond its least.
    """

    def __init__(self, bench: Bench, recipe: Recipe, chips: Sequence[_Tile]) -> None:
        self.spares: dict[int, int | None] = {}
        self._bench = bench
        self._work = recipe.link
        self._chips = chips
        self._servers = {
            (one, other): bench.server(f"link[{one}][{other}]", CLOCKS[recipe.link.clock])
            for one in range(recipe.chips)
            for other in range(recipe.chips)
            if one != other
        }

    def join(self, source: Stream, target: Stream, one: Input, how: Window | None = None) -> None:
        """Add an edge."""
        self.spares[self._bench.join(source, target, how).index] = one.spare

    def bring(self, made: _Made, one: Input, layer: Layer, name: str) -> Stream:
        """Return the stream whose vectors arrive on a layer's chip: the source, or a send from its chip."""
        if made.chip == layer.chip:
            return made.stream
        stages = self._stages(made.chip, layer, name)
        send = self._bench.stream(f"{name}.send", made.stream.vectors, stages, kind="send")
        send.row = made.plane[1]
        self.join(made.stream, send, one)
        return send

    def _stages(self, chip: int, layer: Layer, name: str) -> list[Stage]:
        """Packets that keep a slot of the sending chip's interface until they have crossed."""
        packets, count = self._chips[chip].slots["packet_slot"], layer.loops[0]
        server = self._servers[chip, layer.chip]
        lengths = _length(server.clock, self._work.lengths)
        interval = None if self._work.interval is None else _length(server.clock, [self._work.interval])
        cross = stage("cross", lengths, server, times=count, interval=interval, crossing=self._work.crossing)
        cross = replace(cross, cause=WAITS["cross"], acquires=packets, releases=((packets, count),), transfer=True)
        inject = self._chips[chip].stage("inject", layer, 1, name, transfer=True, crossing=None)
        return [inject, cross, self._chips[layer.chip].stage("deliver", layer, 3, name, transfer=True)]


def _cause(name: str) -> str:
    return "credit" if name == "packet_slot" else name


def _length(clock: ClockDomain | None, picks: Sequence[int]) -> LENGTHS:
    """Return a length for each pick: cycles if there is a clock, else picoseconds."""
    choices = TIMES_PS if clock is None else CYCLES
    lengths = [choices[pick] for pick in picks]
    return lengths[0] if len(lengths) == 1 else lengths


def _plain(tile: _Tile, layer: Layer, _array: Server, prefix: str) -> list[Stage]:
    """A digital layer: fetch, work, write."""
    return [tile.stage(name, layer, work, prefix) for work, name in enumerate(("fetch", "work", "write"))]


def _serial(tile: _Tile, layer: Layer, array: Server, prefix: str) -> list[Stage]:
    """Bit-serial reads, each converted at once."""
    return _reads(tile, layer, array, prefix, reads=layer.loops[0], converts=layer.loops[0], adds=layer.loops[0])


def _nested(tile: _Tile, layer: Layer, array: Server, prefix: str) -> list[Stage]:
    """Loops inside loops: several conversions a read, one addition for all reads of the inner loop."""
    outer, middle, inner = layer.loops
    return _reads(tile, layer, array, prefix, reads=outer * middle, converts=outer * middle * inner, adds=outer)


def _folded(tile: _Tile, layer: Layer, array: Server, prefix: str) -> list[Stage]:
    """Several reads into slots of their own that one conversion empties."""
    outer, middle, _ = layer.loops
    return _reads(tile, layer, array, prefix, reads=outer * middle, converts=outer, adds=1)


def _reads(
    tile: _Tile, layer: Layer, array: Server, prefix: str, *, reads: int, converts: int, adds: int
) -> list[Stage]:
    registers = tile.pool(layer, "input_register", prefix)
    samples = tile.pool(layer, "sample_hold", prefix, at_least=max(1, reads // converts))
    length = _length(array.clock, [layer.work[1].lengths[0]])
    return [
        tile.stage("fetch", layer, 0, prefix, acquires=registers),
        stage("read", length, array, cause="crossbar_busy", times=reads, captures=samples, releases=[(registers, 1)]),
        tile.stage("convert", layer, 2, prefix, iterations=converts, releases=((samples, reads),)),
        tile.stage("add", layer, 1, prefix, iterations=adds),
        tile.stage("write", layer, 3, prefix),
    ]


def _transport(tile: _Tile, layer: Layer, _array: Server, prefix: str) -> list[Stage]:
    """Packets over two links, each of which has a slot of the interface until its tail has left."""
    packets, count = tile.slots["packet_slot"], layer.loops[0]
    return [
        tile.stage("inject", layer, 1, prefix),
        tile.stage("link0", layer, 0, prefix, iterations=count, acquires=packets, transfer=True),
        tile.stage("link1", layer, 2, prefix, iterations=count, releases=((packets, count),), transfer=True),
        tile.stage("deliver", layer, 3, prefix),
    ]


TABLES: dict[str, Callable[[_Tile, Layer, Server, str], list[Stage]]] = {
    "folded": _folded,
    "nested": _nested,
    "plain": _plain,
    "serial": _serial,
    "transport": _transport,
}
