"""The runs that `scripts/bench` measures: networks on chips, and small systems that share one thing at a time."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # behind the installed package: only the tests' own modules are taken from here

from aimcsim import load_workload, recorder  # noqa: E402
from aimcsim.engine import Question, System  # noqa: E402
from aimcsim.run import build  # noqa: E402
from tests.engine.builders import ARRAY, Bench, bit_serial, convolution, stage  # noqa: E402

CAUSES = {"fetch": "fetch_port", "read": "crossbar_busy", "convert": "adc_busy", "write": "buffer_port"}
"""What waiting for the server of a stage of the small systems is called; of any other, `vector_busy`."""
VECTOR_PS = 1_600_000
"""Time of one vector at full rate: 16 reads of 100 ns."""


class Job(NamedTuple):
    """A system to be run, and what a run at row grain is to record."""

    system: System
    question: Question


def on_chip(chip: str, workload: object, requests: int, overrides: Sequence[str] = ()) -> Job:
    """Return a network on a chip."""
    plan = build(chip, workload, requests=requests, overrides=overrides).plan
    return Job(plan.system, recorder.question(plan, "row"))


def resnet18() -> object:
    """Return ResNet-18 for 224 x 224 images; timing does not depend on its weights."""
    lines = [
        "{name: conv1, kind: conv2d, out_channels: 64, kernel: 7, stride: 2, pads: 3, activation: relu}",
        "{name: pool1, kind: max_pool, kernel: 3, stride: 2, pads: 1}",
    ]
    before, channels = "pool1", 64
    blocks = [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]
    for block, (out, stride) in enumerate(blocks):
        conv = f"kind: conv2d, out_channels: {out}"
        lines += [
            f"{{name: b{block}a, {conv}, inputs: [{before}], kernel: 3, stride: {stride}, pads: 1, activation: relu}}",
            f"{{name: b{block}b, {conv}, kernel: 3, pads: 1}}",
        ]
        skip = before
        if (out, stride) != (channels, 1):
            skip = f"b{block}s"
            lines.append(f"{{name: {skip}, {conv}, inputs: [{before}], kernel: 1, stride: {stride}}}")
        lines.append(f"{{name: b{block}, kind: add, inputs: [b{block}b, {skip}], activation: relu}}")
        before, channels = f"b{block}", out
    lines += ["{name: gap, kind: average_pool, kernel: 7}", "{name: fc, kind: linear, out_features: 1000}"]
    head = "schema: aimcsim-workload/1\nname: resnet18\ninputs:\n  x: {shape: [224, 224, 3]}\nlayers:\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet18.yaml"
        path.write_text(head + "".join(f"  - {line}\n" for line in lines) + "outputs: [fc]\n")
        return load_workload(path)


PLANE = (8, 56)
"""Height and width of what the small systems work on."""


def small(*, bus: Sequence[int] = (), converter: Sequence[int] = (), spare: int = 64) -> Job:
    """Return three 3 x 3 layers after one another and a skip around the last two, on ISAAC's table, for two requests.

    The layers in `bus` share their fetch port, those in `converter` their converter; all else is each layer's own.
    Edges have room for `spare` vectors more than their least.
    """
    bench = Bench(requests=2)
    vectors = PLANE[0] * PLANE[1]
    shared = {"fetch": (bus, bench.server("bus", ARRAY)), "convert": (converter, bench.server("converter", ARRAY))}
    streams = [bench.source(vectors, VECTOR_PS)]
    for index in range(3):
        table = []
        for one in bit_serial(bench, prefix=f"{index}."):
            sharers, server = shared.get(one.name, ((), None))
            server = server if index in sharers else one.server
            table.append(replace(one, server=server, cause=CAUSES.get(one.name, "vector_busy")))
        streams.append(bench.stream(f"layer{index}", vectors, table))
        bench.join(streams[-2], streams[-1], convolution(PLANE, 3, 1, 1))
    add = [stage(name, 1, bench.server(f"add.{name}", ARRAY), cause="vector_busy") for name in ("fetch", "add")]
    streams.append(bench.stream("add", vectors, add))
    bench.join(streams[1], streams[4])
    bench.join(streams[3], streams[4])
    for edge, least in zip(bench.system.edges, bench.least(), strict=True):
        edge.capacity = None if least is None else least + spare
    rows = tuple(PLANE[1] for _ in streams)
    return Job(bench.system, Question(rows, (0,), (4,), ()))


RUNS: dict[str, Callable[[], Job]] = {
    "private": small,
    "bus": lambda: small(bus=(0, 1, 2)),
    "converter": lambda: small(converter=(0, 1)),
    "bus+converter": lambda: small(bus=(0, 1, 2), converter=(0, 1, 2)),
    "least": lambda: small(spare=0),
    "tiny": lambda: on_chip("tiny", "digits_cnn", 8),
    "isaac": lambda: on_chip("isaac", "digits_cnn", 8),
    "resnet18": lambda: on_chip("isaac", resnet18(), 1, ["tile.buffers.edram.size=1 MiB"]),
}
TITLES = {
    "private": "three layers, all servers private",
    "bus": "three layers, one fetch port",
    "converter": "three layers, two with one converter",
    "bus+converter": "three layers, one fetch port and one converter",
    "least": "three layers, all private, least buffers",
    "tiny": "`digits_cnn` on `tiny`, 8 requests",
    "isaac": "`digits_cnn` on `isaac`, 8 requests",
    "resnet18": "ResNet-18 (224 x 224) on `isaac` with 1 MiB buffers",
}
