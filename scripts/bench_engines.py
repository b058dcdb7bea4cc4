"""Measure both engines on named runs, in one process and in turn; print a table of events, times and their ratio.

Usage: ``python scripts/bench_engines.py``, outside the source folder, with the package installed. Times are of the
engine alone: building the system before and recording waits after are not in them.
"""

import tempfile
import time
from pathlib import Path

from aimcsim import load_workload
from aimcsim.engine import CompiledEngine, ReferenceEngine
from aimcsim.run import build


def resnet18() -> str:
    """Return ResNet-18 for 224 x 224 images as a workload file; weights are drawn at random."""
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
    lines.append("{name: gap, kind: average_pool, kernel: 7}")
    lines.append("{name: fc, kind: linear, out_features: 1000}")
    head = "schema: aimcsim-workload/1\nname: resnet18\ninputs:\n  x: {shape: [224, 224, 3]}\nlayers:\n"
    return head + "".join(f"  - {line}\n" for line in lines) + "outputs: [fc]\n"


def measure(name: str, chip: str, workload: object, requests: int, overrides: list[str]) -> None:
    """Print one row."""
    systems = [build(chip, workload, requests=requests, overrides=overrides).plan.system for _ in range(2)]
    vectors = sum(stream.total for stream in systems[0].streams)
    start = time.perf_counter()
    reference_events = ReferenceEngine(systems[0]).run()
    reference_s = time.perf_counter() - start
    engine = CompiledEngine(systems[1])
    start = time.perf_counter()
    fast_events = engine.advance()
    fast_s = time.perf_counter() - start
    print(
        f"{name:24s} {vectors:9d} {reference_events / vectors:9.1f} {fast_events / vectors:7.1f} "
        f"{reference_s:10.3f} {fast_s:8.4f} {reference_s / fast_s:7.0f}"
    )


def main() -> None:
    """Measure the named runs."""
    print(f"{'run':24s} {'vectors':>9s} {'ref ev/v':>9s} {'fast':>7s} {'ref s':>10s} {'fast s':>8s} {'ratio':>7s}")
    for chip in ("tiny", "isaac"):
        measure(f"digits_cnn on {chip}", chip, load_workload("digits_cnn"), 8, [])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet18.yaml"
        path.write_text(resnet18())
        measure("ResNet-18 on isaac", "isaac", load_workload(path), 1, ["tile.buffers.edram.size=1 MiB"])


main()
