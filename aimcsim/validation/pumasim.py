"""PUMA in its authors' simulator [pumasim]: what its preset gives for the simulator's own runs.

A run there is a program. The authors' compiler cuts vectors and matrices into pieces of 128, gives the products of a
layer to MVM units one after the other, all inputs of an output in a row, two units to a core and eight cores to a tile,
and has each output added up from core to core. `perceptron` does the same, with a layer of the workload for each piece
of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import pairwise

import numpy as np

from aimcsim.mapping import MappingPolicy
from aimcsim.ops import (
    Activation,
    Add,
    Concat,
    Conv2d,
    Gather,
    LayerKind,
    LazyArray,
    Reshape,
    Sliding,
    TensorShape,
    curve,
)
from aimcsim.run import Run, simulate
from aimcsim.spec import ChipFile, load_chip
from aimcsim.spec.rates import full_vector, iterations, product_s, worth
from aimcsim.validation.registry import simulated
from aimcsim.workload.graph import Layer, Workload
from aimcsim.workload.weights import random_weight

PIECE = 128
UNITS_PER_CORE, UNITS_PER_TILE = 2, 16
MLPL4 = (1024, 1024, 2048, 1024, 10)
CONTROL = "control"
"""The component whose constant power the simulator counts as dynamic."""


@dataclass(slots=True)
class Program:
    """A program while it is written: its layers in order, and the tiles of those that are not where their input is."""

    layers: list[Layer] = field(default_factory=list)
    homes: dict[str, int] = field(default_factory=dict)
    units: int = 0

    def add(self, name: str, op: LayerKind, *inputs: str, length: int, after: tuple[str, ...] = ()) -> str:
        """Append a layer and return its name."""
        self.layers.append(Layer(name, op, inputs, TensorShape(1, 1, length), after))
        return name

    def moved(self, name: str, kind: type[Gather], piece: str, length: int, tile: int | None = None) -> str:
        """Append a layer that hands a piece on as it is."""
        if tile is not None:
            self.homes[name] = tile
        return self.add(name, kind(TensorShape(1, 1, length), np.arange(length)), piece, length=length)


def perceptron(widths: Sequence[int]) -> tuple[Workload, MappingPolicy]:
    """Return the program of a perceptron with sigmoids, and the tiles of what is not where its first input is.

    All inputs of an output of the first layer must be on one tile: 2048 at most.
    """
    assert widths[0] <= PIECE * UNITS_PER_TILE, "a row of the first layer fits a tile"
    program = Program()
    cuts = [lengths(width) for width in widths]
    inputs = [f"x{column}" for column in range(len(cuts[0]))]
    pieces = _first_layer(program, inputs, cuts)
    for number, (k, n) in enumerate(pairwise(cuts[1:]), start=2):
        pieces = _layer(program, f"layer{number}", pieces, k, n)
    shapes = {piece: TensorShape(1, 1, length) for piece, length in zip(inputs, cuts[0], strict=True)}
    workload = Workload("x".join(map(str, widths)), shapes, tuple(program.layers), tuple(pieces))
    return workload, MappingPolicy(homes=program.homes)


def lengths(width: int) -> list[int]:
    """Return the lengths of the pieces of a vector."""
    return [min(PIECE, width - begin) for begin in range(0, width, PIECE)]


def wanted(columns: int) -> list[int]:
    """Return the order in which a sum asks for its inputs, as programs are written: from the last core to the first."""
    cores = range(0, columns, UNITS_PER_CORE)
    return [column for first in reversed(cores) for column in range(first, min(first + UNITS_PER_CORE, columns))]


def _first_layer(program: Program, inputs: list[str], cuts: list[list[int]]) -> list[str]:
    """Write the layer that takes the network's inputs, and return its pieces.

    Inputs come to the tile of its last outputs. Where others need them, too, a core takes each in and stores it again.
    The tile sends them on to other tiles; but if there are layers behind this one, only after its own outputs.
    """
    k, n, *behind = cuts
    kept = list(inputs)
    for column in wanted(len(k)) if _cores(len(k), len(n)) > 1 else ():
        kept[column] = program.moved(f"{inputs[column]}.kept", Gather, inputs[column], k[column], tile=0)
    rows = UNITS_PER_TILE // len(k)
    here = range(max(0, (len(n) - 1) // rows * rows), len(n))
    made = {row: _output(program, f"layer1.{row}", {0: kept}, k, n[row]) for row in here}
    after = tuple(made.values()) if behind else ()
    tiles = range(1, 1 + -(-here.start // rows))
    at = {tile: _brought(program, "layer1", kept, k, tile, after) for tile in tiles}
    return [_output(program, f"layer1.{row}", at, k, n[row]) for row in range(here.start)] + list(made.values())


def _cores(columns: int, rows: int) -> int:
    """Return how many cores use an input of a layer: all rows of outputs do, and each has its units in turn."""
    return len({row * columns // UNITS_PER_CORE for row in range(rows)})


def _layer(program: Program, name: str, taken: list[str], k: list[int], n: list[int]) -> list[str]:
    """Write the program of a further layer; return its pieces."""
    first = program.units // UNITS_PER_TILE
    last = (program.units + len(k) * len(n) - 1) // UNITS_PER_TILE
    at = {tile: _brought(program, name, taken, k, tile) for tile in range(first, last + 1)}
    return [_output(program, f"{name}.{row}", at, k, length) for row, length in enumerate(n)]


def _brought(
    program: Program, name: str, taken: list[str], k: list[int], tile: int, after: tuple[str, ...] = ()
) -> list[str]:
    """Have each piece come to a tile once, however many of its cores use it."""
    made = list(taken)
    for column in wanted(len(k)):
        arrived, length = f"{name}.{taken[column]}.at{tile}", k[column]
        program.homes[arrived] = tile
        made[column] = program.add(arrived, Concat("channels", (length,)), taken[column], length=length, after=after)
    return made


def _output(program: Program, name: str, at: dict[int, list[str]], k: list[int], length: int) -> str:
    """Write the products of one piece of outputs, their sum from core to core, and its sigmoid."""
    total = ""
    for column, rows in enumerate(k):
        unit = program.units
        program.units += 1
        product = program.add(
            f"{name}.product{column}",
            _weights(f"{name}.product{column}", rows, length),
            at[unit // UNITS_PER_TILE][column],
            length=length,
        )
        if not total:
            total = product
            continue
        if unit % UNITS_PER_CORE == 0:
            total = program.moved(f"{name}.passed{column}", Reshape, total, length)
        total = program.add(f"{name}.sum{column}", Add(), product, total, length=length)
    return program.add(name, Activation(curve("sigmoid")), total, length=length)


def _weights(name: str, k: int, n: int) -> Conv2d:
    weight = LazyArray((1, k, n), partial(random_weight, name, 1, k, n))
    return Conv2d(Sliding((1, 1), (1, 1)), weight, np.zeros(n, np.float32))


@cache
def _chip() -> ChipFile:
    return load_chip("puma-sim")


@cache
def run_of(widths: tuple[int, ...]) -> Run:
    """Return the run of a perceptron's program."""
    workload, policy = perceptron(widths)
    return simulate(_chip(), workload, mapping=policy, grain="layer")


def cycles(widths: tuple[int, ...]) -> float:
    """Return the time from the first packet of the inputs to the last of the results, in cycles of 1 ns."""
    return float(run_of(widths).summary["latency_ps"]["max"]) / 1000


@simulated("pumasim.mvm_latency")
def mvm_latency_ns() -> float:
    """Return the time of one product from the first read to the last sum."""
    return float(product_s(_chip()) * 10**9)


def of_one_product(action: str) -> float:
    """Return how often one product of a whole MVM unit does something."""
    chip = _chip()
    table, full = chip.tables["mvm"], full_vector(chip)
    counted = (
        iterations(chip, table, stage) * worth(full, quantity)
        for stage in table.stages
        for name, quantity in stage.actions.items()
        if name == action
    )
    return sum(counted) / chip.tile.crossbars


@simulated("pumasim.adc")
def conversions() -> float:
    """Return the conversions of one product."""
    return of_one_product("adc.convert")


@simulated("pumasim.crossbar")
def crossbar_reads() -> float:
    """Return the reads of arrays of 128 x 128 of one product."""
    return of_one_product("crossbar.read")


@simulated("pumasim.dac")
def row_drives() -> float:
    """Return the rows that one product drives."""
    return of_one_product("dac.drive")


@simulated("pumasim.shift_add")
def shift_adds() -> float:
    """Return the shift-and-adds of one product: one for each conversion, one for each output and input bit."""
    return of_one_product("shift_add.add")


def _beyond_product(width: int) -> float:
    return cycles((width, width)) - mvm_latency_ns()


@simulated("pumasim.fc128")
def fc128_cycles() -> float:
    """Return the cycles of a layer of 128 inputs and outputs beyond those of its products."""
    return _beyond_product(128)


@simulated("pumasim.fc256")
def fc256_cycles() -> float:
    """Return the cycles of a layer of 256 inputs and outputs beyond those of its products."""
    return _beyond_product(256)


@simulated("pumasim.fc512")
def fc512_cycles() -> float:
    """Return the cycles of a layer of 512 inputs and outputs beyond those of its products."""
    return _beyond_product(512)


@simulated("pumasim.fc1024")
def fc1024_cycles() -> float:
    """Return the cycles of a layer of 1024 inputs and outputs beyond those of its products."""
    return _beyond_product(1024)


@simulated("pumasim.mlpl4")
def mlpl4_cycles() -> float:
    """Return the cycles of one request alone."""
    return cycles(MLPL4)


def tile_seconds(run: Run) -> float:
    """Return for how long tiles work, added up: each from the begin of the request until it has nothing left to do."""
    ends: dict[str, int] = {}
    rows = [row for row in run.ops.records() if row["kind"] != "program"]
    for row in rows:
        ends[row["tile"]] = max(ends.get(row["tile"], 0), row["end_ps"])
    begin = min(row["start_ps"] for row in rows)
    return float(sum(end - begin for end in ends.values())) / 1e12


def tile_static_w(chip: ChipFile) -> dict[str, float]:
    """Return the static power of each component of one tile."""
    return {
        name: float(cost.static_power_w) * chip.instances(cost.instances_per) / chip.tile.count
        for name, cost in chip.costs.items()
    }


@simulated("pumasim.mlpl4_dynamic")
def mlpl4_dynamic_uj() -> float:
    """Return the energy of what is done, and of the control of tiles while they work."""
    run = run_of(MLPL4)
    energy = run.summary["energy_j"]
    done = float(energy["total"] - energy["by_layer"]["static"])
    return (done + tile_seconds(run) * tile_static_w(_chip())[CONTROL]) * 1e6


@simulated("pumasim.mlpl4_leakage")
def mlpl4_leakage_uj() -> float:
    """Return the leakage of tiles while they work: in the simulator they are off when they have nothing left to do."""
    power = tile_static_w(_chip())
    return tile_seconds(run_of(MLPL4)) * (sum(power.values()) - power[CONTROL]) * 1e6
