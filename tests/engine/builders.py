"""Small words for building systems by hand: sources, layers, windows, servers, slots, edges.

A `Bench` stands for one run. What is built on it is what a chip file and a network would be compiled to, without
either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from aimcsim.engine import (
    Edge,
    Environment,
    ReferenceEngine,
    Server,
    SlotPool,
    Span,
    Stage,
    Stream,
    System,
    edge_needs,
    span_of,
)
from aimcsim.engine.edge import Indices
from aimcsim.units import ClockDomain
from tests.checker_shares import Part, check_all, joined

ARRAY = ClockDomain("array", Fraction(10**7))
"""10 MHz: the 100 ns cycle of the ISAAC tile."""
FAST = ClockDomain("fast", Fraction(3 * 10**9))
"""3 GHz: edges at 0, 333, 666, 1000 ps; the period is no whole number of picoseconds."""
ODD = ClockDomain("odd", Fraction(12 * 10**8))
"""1.2 GHz: edges at 0, 833, 1666, 2500 ps."""

LENGTHS = int | Sequence[int]


class Window(NamedTuple):
    """Which source vectors the target vectors of one request need and keep."""

    needs: Indices
    keeps: Indices


def window(wanted: Sequence[Iterable[int]], vectors: int) -> Window:
    """Return the window of targets that each require a set of source vectors.

    By definition `needs` is the highest that targets 0..i require, `keeps` the lowest that those after i require, which
    is `vectors`, the number of source vectors, where none after i requires any.
    """
    sets = [set(one) for one in wanted]
    needs = [max(max(one) for one in sets[: i + 1]) for i in range(len(sets))]
    keeps = [min((min(one) for one in sets[i + 1 :]), default=vectors) for i in range(len(sets))]
    return Window(np.array(needs, dtype=np.int64), np.array(keeps, dtype=np.int64))


def one_to_one(vectors: int) -> Window:
    """Target i requires source i."""
    return window([[i] for i in range(vectors)], vectors)


def whole(vectors: int) -> Window:
    """One target requires all: a fully connected layer behind an image."""
    return window([range(vectors)], vectors)


def convolution(plane: tuple[int, int], kernel: int, stride: int = 1, pad: int = 0) -> Window:
    """Targets in row-major order over a plane (height, width), each requiring the kernel's positions in it."""
    height, width = plane
    rows, columns = (range(-pad, size + pad - kernel + 1, stride) for size in plane)
    wanted = [
        [
            y * width + x
            for y in range(max(0, top), min(height, top + kernel))
            for x in range(max(0, left), min(width, left + kernel))
        ]
        for top in rows
        for left in columns
    ]
    return window(wanted, height * width)


def convolved(plane: tuple[int, int], kernel: int, stride: int = 1, pad: int = 0) -> tuple[int, int]:
    """Return the plane that a convolution makes of a plane."""
    height, width = ((size + 2 * pad - kernel) // stride + 1 for size in plane)
    return height, width


class Bench:
    """One system under construction, and its run.

    Parameters
    ----------
    requests : int
        Requests that follow one another.
    shuffle_seed : int or None
        Order of simultaneous events; None: the usual one.
    begin : int or None
        When sources may begin; None: when all programming has ended.
    """

    def __init__(self, *, requests: int = 1, shuffle_seed: int | None = None, begin: int | None = None) -> None:
        self.system = System(Environment(shuffle_seed=shuffle_seed), requests=requests, begin=begin)

    def server(self, path: str, clock: ClockDomain | None = None) -> Server:
        """Add a resource that serves one at a time."""
        return self.system.add_server(path, path, clock)

    def slots(self, path: str, cause: str, count: int, *, shared: bool = False) -> SlotPool:
        """Add counted storage."""
        return self.system.add_slots(path, path, cause, count, shared=shared)

    def stream(
        self,
        name: str,
        vectors: int,
        stages: Sequence[Stage],
        *,
        kind: str = "mvm",
        source: bool = False,
        requests: int | None = None,
    ) -> Stream:
        """Add a stream; later ones come after it wherever two arrive at once."""
        index, count = len(self.system.streams), self.system.requests if requests is None else requests
        stream = Stream(index, name, name, f"tile of {name}", kind, vectors, 1, count, list(stages), source=source)
        self.system.streams.append(stream)
        return stream

    def source(self, vectors: int, every_ps: LENGTHS = 0, *, name: str = "load") -> Stream:
        """Add a source whose vectors arrive `every_ps` after one another, the first after one such time.

        With 0 all are there from the start. Given a list, vector i takes its i-th time.
        """
        link = None if every_ps == 0 else self.server(f"{name}.link")
        stages = [Stage("host", 1, span_of(every_ps), span_of(every_ps), link, "host", transfer=True)]
        return self.stream(name, vectors, stages, kind="load", source=True)

    def program(self, stages: Sequence[Stage], *, name: str = "program") -> Stream:
        """Add a state op: one vector for all requests."""
        return self.stream(name, 1, stages, kind="program", requests=1)

    def join(
        self,
        source: Stream,
        target: Stream,
        how: Window | None = None,
        *,
        capacity: int | None = None,
        place: str | None = None,
        vector_bytes: int = 1,
    ) -> Edge:
        """Add an edge, vector to vector unless said otherwise, without bound unless `capacity` is given."""
        needs, keeps = one_to_one(source.vectors) if how is None else how
        place = f"{source.name}->{target.name}" if place is None else place
        edge = self.system.add_edge(source, target, needs, keeps, vector_bytes=vector_bytes, place=place)
        edge.capacity = capacity
        return edge

    def state(self, program: Stream, reader: Stream) -> Edge:
        """Have every vector of `reader` wait for a state op: an edge that takes no bytes and keeps its vector."""
        every = np.zeros(reader.vectors, dtype=np.int64)
        edge = Edge(
            self.system.env,
            len(self.system.edges),
            program.index,
            reader.index,
            every,
            every,
            vector_bytes=0,
            place=f"{reader.name}.state",
            cause="maintenance",
            requests=reader.requests,
        )
        self.system.edges.append(edge)
        program.outputs.append(edge)
        reader.inputs.append(edge)
        return edge

    def least(self) -> list[int | None]:
        """Return the least capacity of every edge, None for edges without bytes."""
        needs = edge_needs(self.system.streams, self.system.edges)
        return [need.progress or None for need in needs]

    def run(self) -> Shares:
        """Run to the end, check everything, and return the shares."""
        ReferenceEngine(self.system).run()
        return Shares(check_all(self.system))


class Shares:
    """The checked shares of a run, in words short enough to compare with."""

    def __init__(self, parts: dict[tuple[int, int], list[Part]]) -> None:
        self._parts = parts

    def of(self, stream: Stream, vector: int) -> list[Part]:
        """Return the share of a vector, earliest part first, neighbours of one kind joined."""
        return joined(self._parts[stream.index, vector])[::-1]

    def story(self, stream: Stream, vector: int) -> list[tuple[str, int]]:
        """Return the share of a vector as (cause, ps), earliest first; neighbouring time of one cause is summed."""
        told: list[tuple[str, int]] = []
        for part in self.of(stream, vector):
            before = told.pop()[1] if told and told[-1][0] == part.cause else 0
            told.append((part.cause, before + part.end_ps - part.start_ps))
        return told

    def waits(self, stream: Stream, vector: int) -> list[tuple[str, str, int, int, int]]:
        """Return the waits of a vector as (cause, resource, holder, holder's vector, ps), earliest first."""
        parts = self.of(stream, vector)
        return [(*part[:4], part.end_ps - part.start_ps) for part in parts if part.cause not in {"service", "transfer"}]

    def total(self, stream: Stream, cause: str) -> int:
        """Return the time of all vectors of a stream that went to a cause."""
        of_stream = [part for (index, _), parts in self._parts.items() if index == stream.index for part in parts]
        return sum(part.end_ps - part.start_ps for part in of_stream if part.cause == cause)


def stage(
    name: str,
    length: LENGTHS,
    server: Server | None = None,
    *,
    cause: str = "",
    times: int = 1,
    interval: LENGTHS | None = None,
    acquires: SlotPool | None = None,
    captures: SlotPool | None = None,
    releases: Sequence[tuple[SlotPool, int]] = (),
    crossing: int | None = None,
    clock: ClockDomain | None = None,
    transfer: bool = False,
) -> Stage:
    """Return a stage; lengths are cycles where the server has a clock, else picoseconds.

    `times` is how often it runs per vector; `crossing` the cycles of the clock that entering it costs. A stage without
    a server may have a `clock` of its own.
    """
    clock = clock if server is None else server.clock
    latency = _span(length, clock)
    return Stage(
        name,
        times,
        latency,
        latency if interval is None else _span(interval, clock),
        server,
        cause or (server.path if server is not None else name),
        acquires=acquires,
        captures=captures,
        releases=tuple(releases),
        crossing=None if crossing is None or clock is None else (clock, crossing),
        transfer=transfer,
    )


def _span(length: LENGTHS, clock: ClockDomain | None) -> Span:
    return span_of(length, clock, in_cycles=clock is not None)


def bit_serial(bench: Bench, *, phases: int = 16, registers: int = 2, prefix: str = "") -> list[Stage]:
    """Return the ISAAC table: fetch, `phases` reads into one sample-and-hold, their conversion, shift and add, write.

    Every resource is the layer's own, and every stage takes one cycle of 100 ns.
    """
    registers_pool = bench.slots(f"{prefix}input_register", "input_register", registers)
    samples = bench.slots(f"{prefix}sample_hold", "sample_hold", 1)

    def own(name: str) -> Server:
        return bench.server(prefix + name, ARRAY)

    return [
        stage("fetch", 1, own("fetch_port"), acquires=registers_pool),
        stage("read", 1, own("crossbar_busy"), times=phases, captures=samples, releases=[(registers_pool, 1)]),
        stage("convert", 1, own("adc_busy"), times=phases, releases=[(samples, phases)]),
        stage("shift_add", 1, own("shift_add"), times=phases),
        stage("output_register", 1, own("output_register")),
        stage("activate", 1, own("activate")),
        stage("write", 1, own("buffer_port")),
    ]
