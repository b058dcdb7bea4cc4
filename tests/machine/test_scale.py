"""Does a big chip cost what is on it: time in proportion, and no Python object for a crossbar?"""

from __future__ import annotations

import gc
import time

from aimcsim.run import Built, build
from tests.machine.big_machines import BLOCK, chip, network

TIMES = 5


def built(layers: int, inputs: int, outputs: int, *, per_tile: int) -> Built:
    """Build layers on a chip that they fill."""
    crossbars = layers * inputs * outputs // BLOCK
    made = build(chip(crossbars, per_tile=per_tile), network(layers, inputs, outputs))
    assert made.mapping.crossbars_used == crossbars
    return made


def test_twice_the_crossbars_on_twice_the_tiles_take_about_twice_as_long_to_build() -> None:
    """From 32 768 crossbars on 164 tiles to 65 536 on 328, in turn; what is quadratic would take four times as long."""
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(TIMES):
        for layers, taken in times.items():
            workload, on = network(layers, 8192, 8192), chip(layers * 32_768, per_tile=200)
            start = time.process_time()
            build(on, workload)
            taken.append(time.process_time() - start)

    once, twice = (min(taken) for taken in times.values())

    assert twice < 2.5 * once
    assert twice < 10, "seconds, of which it takes about half a one"


def test_crossbars_are_no_python_objects() -> None:
    """Two layers on 164 tiles, with 100 crossbars a tile and with 400: 49 152 crossbars more, and no object more."""
    counts = []
    for inputs, outputs, per_tile in ((4096, 4096, 100), (4096, 4096, 100), (8192, 8192, 400)):
        gc.collect()
        before = len(gc.get_objects())
        made = built(2, inputs, outputs, per_tile=per_tile)
        gc.collect()
        counts.append(len(gc.get_objects()) - before)
        assert made.mapping.tiles_used == 164
        del made

    _, few, many = counts  # the first one also filled caches of the process
    assert many - few < 100
