"""Does a big chip cost what is on it: work in proportion, and no Python object for a crossbar?"""

from __future__ import annotations

import gc
import sys
import time
from types import FrameType

from aimcsim.engine.stream import StageLog
from aimcsim.run import Built, build
from tests.machine.big_machines import BLOCK, chip, network


def built(layers: int, inputs: int, outputs: int, *, per_tile: int) -> Built:
    """Build layers on a chip that they fill."""
    crossbars = layers * inputs * outputs // BLOCK
    made = build(chip(crossbars, per_tile=per_tile), network(layers, inputs, outputs))
    assert made.mapping.crossbars_used == crossbars
    return made


def building(layers: int) -> tuple[int, float]:
    """Return how many calls, of Python and of C, building layers of 32 768 crossbars each takes, and processor time."""
    workload, on = network(layers, 8192, 8192), chip(layers * 32_768, per_tile=200)
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    start = time.process_time()
    sys.setprofile(count)
    try:
        build(on, workload)
    finally:
        sys.setprofile(None)
    return calls, time.process_time() - start


def test_twice_the_crossbars_on_twice_the_tiles_take_about_twice_as_much_to_build() -> None:
    """From 65 536 crossbars on 328 tiles to 131 072 on 656.

    Calls are counted, since they do not depend on what else the machine does; what goes through all pairs of tiles or
    crossbars takes four times as many. What is hidden in a single call would show in the time.
    """
    building(1)  # fills caches of the process
    once, _ = building(2)
    twice, taken_s = building(4)

    assert 1.9 < twice / once < 2.1
    assert taken_s < 60, "seconds, of which it takes about two on an idle machine"


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


def test_links_that_take_as_long_share_their_times() -> None:
    """A tile's share of a layer is sent over many links, which differ in nothing but their names."""
    streams = built(2, 4096, 4096, per_tile=100).plan.system.streams
    links = [stage for stream in streams for stage in stream.stages if stage.cause == "link_busy"]
    spans = [span for link in links for span in (link.latency, link.interval)]
    objects, times = ({id(span) for span in spans}, {span.amounts for span in spans})
    assert len(objects) == len(times)
    assert 100 * len(times) < len(spans), "most are of one length"


def test_logs_of_stages_are_made_when_they_are_asked_for() -> None:
    system = built(2, 4096, 4096, per_tile=100).plan.system
    before = logs_there()
    assert len(system.streams[0].log) == len(system.streams[0].stages)
    assert system.streams[0].log is system.streams[0].log
    assert logs_there() == before + len(system.streams[0].stages)


def logs_there() -> int:
    gc.collect()
    return sum(isinstance(one, StageLog) for one in gc.get_objects())
