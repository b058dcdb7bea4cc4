"""A chip of a million crossbars is mapped in seconds, and twice as much takes about twice as long."""

import gc
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aimcsim.chip import Chip
from aimcsim.controller import Controller
from aimcsim.engine import Environment, System
from aimcsim.mapping import MappingPolicy, load_mapping, map_workload, mapping_yaml
from aimcsim.ops import Linear, TensorShape
from aimcsim.spec import ChipFile
from aimcsim.workload.graph import Layer, Workload

MakeChip = Callable[..., ChipFile]

CROSSBARS = 200
"""Crossbars of a tile; a layer below takes 20 tiles of them."""


REPEATS = 5


def chain(layers: int) -> Workload:
    """Return so many layers after one another of 4 000 crossbars of 64 rows of 16 weights each; nothing is stored."""
    k, n = 64 * 50, 16 * 80
    weight, bias = np.broadcast_to(np.float32(0), (1, k, n)), np.zeros(n, np.float32)
    made = [Layer("m0", Linear(weight, bias), ("x",), TensorShape(1, 1, n))]
    inputs = {"x": TensorShape(1, 1, k), **{f"x{i}": TensorShape(1, 1, k) for i in range(1, layers)}}
    made += [Layer(f"m{i}", Linear(weight, bias), (f"x{i}",), TensorShape(1, 1, n)) for i in range(1, layers)]
    return Workload("chain", inputs, tuple(made), tuple(layer.name for layer in made))


def calls(work: Callable[[], object]) -> int:
    """Return how many calls of functions `work` makes, Python's and built-in ones: work that no load changes."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of a run."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def time_ratios(large: Callable[[], object], small: Callable[[], object]) -> Iterator[float]:
    """Yield processor times of `large` over those of `small`, one after the other, without collecting garbage."""
    gc.collect()
    gc.disable()
    try:
        for _ in range(REPEATS):
            yield seconds(large) / seconds(small)
    finally:
        gc.enable()


def square(make_chip: MakeChip, tiles: int) -> ChipFile:
    """Return a chip of so many tiles, eight to a router, on a mesh of 25 columns; the way to the host stays short."""
    chip = make_chip(tiles=tiles, crossbars=CROSSBARS)
    return replace(chip, network=replace(chip.network, routers=(25, tiles // 200), tiles_per_router=8))


def build(network: Workload, chip: ChipFile) -> None:
    mapping = map_workload(network, chip)
    system = System(Environment())
    Controller(system, Chip(system, chip), network, mapping).build()


def test_a_million_crossbars_on_5_000_tiles_are_mapped_and_built_in_seconds(make_chip: MakeChip) -> None:
    # 250 layers of 4 000 blocks on 5 000 tiles of 200 crossbars.
    network, chip = chain(250), square(make_chip, 5_000)
    begin = time.process_time()
    mapping = map_workload(network, chip)
    mapped = time.process_time()
    build(network, chip)

    assert mapping.crossbars_used == 1_000_000
    assert len(mapping.shares) == 5_000
    assert mapped - begin < 5
    assert time.process_time() - mapped < 60


@pytest.mark.parametrize("what", ["map", "pack", "build"])
def test_twice_the_crossbars_take_about_twice_the_time(make_chip: MakeChip, what: str) -> None:
    chip = square(make_chip, 1_600)
    work = {
        "map": lambda network: map_workload(network, chip),
        "pack": lambda network: map_workload(network, chip, MappingPolicy(pack="crossbar")),
        "build": lambda network: build(network, chip),
    }[what]
    small, large = (chain(layers) for layers in (20, 40))
    work(small)  # what is made once is there

    # What is quadratic makes four times the calls, or takes four times as long within them: no load helps it below 3.
    assert calls(lambda: work(large)) < 2.2 * calls(lambda: work(small))
    assert min(time_ratios(lambda: work(large), lambda: work(small))) < 3


def test_a_large_mapping_is_written_without_a_line_for_each_crossbar(make_chip: MakeChip, tmp_path: Path) -> None:
    network, chip = chain(20), square(make_chip, 400)
    mapping = map_workload(network, chip)
    text = mapping_yaml(mapping, network, chip)

    assert len(text.splitlines()) < 500
    (tmp_path / "large.yaml").write_text(text)
    assert load_mapping(tmp_path / "large.yaml", network, chip) == mapping
