"""Random small networks and chips: windows, strides, skips, depthwise, pooling; shared and private resources."""

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from aimcsim import load_chip, load_workload
from aimcsim.run import build
from aimcsim.spec import ChipFile
from aimcsim.workload.graph import Workload


@dataclass(frozen=True)
class Case:
    """A network, and what is different about the chip it runs on."""

    layers: tuple[str, ...]
    shape: tuple[int, int, int]
    overrides: tuple[str, ...]
    requests: int
    spare_bytes: int | None

    def workload(self) -> Workload:
        """Return the network; the text of its layers is what a user would write."""
        lines = ["schema: aimcsim-workload/1", "name: net", "inputs:", f"  x: {{shape: {list(self.shape)}}}", "layers:"]
        lines += [f"  - {{{layer}}}" for layer in self.layers]
        lines.append("outputs: [last]")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net.yaml"
            path.write_text("\n".join(lines) + "\n")
            return load_workload(path)

    def chip(self) -> ChipFile:
        """Return the chip, its buffers of the least size that will do and `spare_bytes` more (None: of 64 KiB).

        Raises
        ------
        CapacityError
            If it has too few crossbars.
        """
        roomy = load_chip("tiny", self.overrides)
        quotas = build(roomy, self.workload(), requests=self.requests).quotas
        if self.spare_bytes is None:
            return roomy
        least: Counter[str] = Counter()
        for quota in quotas:
            least[quota.buffer] += quota.progress * quota.vector_bytes
        size = max(least.values()) + self.spare_bytes
        return load_chip("tiny", (*self.overrides, f"tile.buffers.scratch.size={size} B"))


@st.composite
def convolution(draw: st.DrawFn, name: str, before: str, size: int, channels: int) -> tuple[str, int, int]:
    """Draw a convolution that fits; return its text, the size of its output and its channels."""
    kernel = draw(st.integers(1, min(3, size)))
    pads = draw(st.integers(0, kernel // 2))
    stride = draw(st.sampled_from([1, 1, 2]))
    depthwise = draw(st.booleans()) and channels > 1
    out = channels if depthwise else draw(st.sampled_from([2, 6, 20]))
    groups = channels if depthwise else 1
    text = (
        f"name: {name}, kind: conv2d, inputs: [{before}], out_channels: {out}, kernel: {kernel}, stride: {stride}, "
        f"pads: {pads}, groups: {groups}, activation: relu"
    )
    return text, (size + 2 * pads - kernel) // stride + 1, out


@st.composite
def layers(draw: st.DrawFn, size: int, channels: int) -> tuple[str, ...]:
    """Draw one to three layers after one another, perhaps with a skip around them, and a last layer."""
    texts: list[str] = []
    before, start = "x", (size, channels)
    for index in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 4)) == 0 and size >= 2:
            kind = draw(st.sampled_from(["max_pool", "average_pool"]))
            texts.append(f"name: pool{index}, kind: {kind}, inputs: [{before}], kernel: 2, stride: 2")
            before, size = f"pool{index}", size // 2
        else:
            text, size, channels = draw(convolution(f"conv{index}", before, size, channels))
            texts.append(text)
            before = f"conv{index}"
    ending = draw(st.sampled_from(["skip", "linear", "conv"]))
    if ending == "skip" and before != "x" and (size, channels) == start:
        return (*texts, f"name: last, kind: add, inputs: [x, {before}], activation: relu")
    if ending == "skip":
        text = f"conv2d, inputs: [{before}], out_channels: {channels}, kernel: {min(3, size) // 2 * 2 + 1}"
        text += f", pads: {min(3, size) // 2}"
        return (*texts, f"name: around, kind: {text}", f"name: last, kind: add, inputs: [{before}, around]")
    if ending == "linear":
        return (*texts, f"name: last, kind: linear, inputs: [{before}], out_features: {draw(st.integers(1, 20))}")
    return (*texts, f"name: last, kind: conv2d, inputs: [{before}], out_channels: 3, kernel: 1")


@st.composite
def routers(draw: st.DrawFn) -> tuple[str, ...]:
    """Draw a network of routers, flit by flit: long packets and short ones, buffers of any size."""
    shapes = [(4, 1, 1), (2, 2, 1), (2, 1, 2), (1, 1, 4), (32, 1, 1), (16, 1, 2)]
    columns, rows, each = draw(st.sampled_from(shapes))
    topologies = ["mesh", "torus", "ring"] if rows == 1 else ["mesh", "torus"]
    topology = draw(st.sampled_from(topologies))
    return (
        "network.model=flit",
        f"tile.count={columns * rows * each}",
        f"network.routers=[{columns}, {rows}]",
        f"network.tiles_per_router={each}",
        f"network.topology={topology}",
        f"network.virtual_channels={draw(st.integers(1 if topology == 'mesh' else 2, 4))}",
        f"network.buffer_flits={draw(st.sampled_from([1, 2, 8]))}",
        f"network.pipeline={draw(st.sampled_from(['fast', 'default']))}",
        f"network.packet_overhead_bits={draw(st.sampled_from([0, 32, 1000, 10000]))}",
        f"network.link_cycles={draw(st.integers(1, 3))}",
        f"clocks.routers={{frequency: {draw(st.sampled_from(['1 GHz', '700 MHz', '30 MHz']))}, crossing: 1}}",
        "network.clock=routers",
    )


SPREAD = (
    *("tile.count=32", "network.routers=[32, 1]", "tile.crossbars=1", "tile.adc.crossbars=1", "tile.crossbar.rows=8"),
    *("network.multicast=tree", "network.reduction=tree"),
)
"""Layers on many tiles in a row, and what these need or add up passed on from one to the next."""


@st.composite
def circuits(draw: st.DrawFn) -> tuple[str, ...]:
    """Draw a bus, a crossbar or circuits over routers: set-ups and packets long and short, or all of one length."""
    shape, each = draw(st.sampled_from([("[4, 1]", 1), ("[2, 2]", 1), ("[2, 1]", 2)]))
    topology = draw(st.sampled_from(["bus", "crossbar", "mesh", "torus"]))
    held = draw(st.sampled_from([None, 1, 40]))
    return (
        "network.model=packet",
        "network.switching=circuit",
        "tile.count=4",
        f"network.routers={shape}",
        f"network.tiles_per_router={each}",
        f"network.topology={topology}",
        f"network.setup_cycles={draw(st.sampled_from([0, 1, 30]))}",
        f"network.router_cycles={draw(st.integers(0, 3))}",
        f"network.packet_overhead_bits={draw(st.sampled_from([0, 32, 1000, 10000]))}",
        f"network.link_cycles={draw(st.integers(1, 3))}",
        *([] if held is None else [f"network.hold_cycles={held}"]),
        *(["network.multicast=copies", "network.reduction=star"] if topology in ("bus", "crossbar") else []),
        f"clocks.routers={{frequency: {draw(st.sampled_from(['1 GHz', '700 MHz', '30 MHz']))}, crossing: 1}}",
        "network.clock=routers",
    )


@st.composite
def overrides(draw: st.DrawFn) -> tuple[str, ...]:
    """Draw what differs from `tiny`: crossbars so few that layers spread over tiles, shared banks, few slots, trees."""
    rows = draw(st.sampled_from([8, 16, 64]))
    crossbars = draw(st.sampled_from([2, 4, 8, 16, 16]))
    banks = [bank for bank in (1, 2, 4, 8, 16) if crossbars % bank == 0]
    given = [
        f"tile.crossbars={crossbars}",
        f"tile.crossbar.rows={rows}",
        f"tile.adc.crossbars={draw(st.sampled_from([*banks, banks[-1]]))}",
        f"tile.adc.converters={draw(st.sampled_from([8, 64]))}",
        f"tile.slots.input_register.count={draw(st.integers(1, 3))}",
        f"tile.slots.input_register.per={draw(st.sampled_from(['layer', 'tile']))}",
        f"tile.slots.sample_hold.count={draw(st.integers(1, 3))}",
        f"tile.slots.sample_hold.per={draw(st.sampled_from(['layer', 'tile']))}",
        f"tile.units.shift_add.per={draw(st.sampled_from(['layer', 'tile']))}",
        f"tile.buffers.scratch.read_ports={draw(st.integers(1, 2))}",
        f"network.packet_slots={draw(st.sampled_from([1, 2, 8]))}",
        f"network.model={draw(st.sampled_from(['packet', 'packet', 'ideal']))}",
        f"clocks.digital.frequency={draw(st.sampled_from(['1 GHz', '1.2 GHz', '700 MHz']))}",
        f"clocks.array={draw(st.sampled_from(['100 MHz', '333 MHz']))}",
        f"numbers.input_bits={draw(st.sampled_from([2, 4]))}",
        f"network.multicast={draw(st.sampled_from(['copies', 'tree']))}",
        f"network.reduction={draw(st.sampled_from(['star', 'tree']))}",
    ]
    return tuple(given) + draw(st.sampled_from([(), (), SPREAD]))


@st.composite
def cases(draw: st.DrawFn, *, flits: bool = False) -> Case:
    """Draw a whole case; with `flits`, one with a network of routers or of circuits."""
    size, channels = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    texts, chip = draw(layers(size, channels)), draw(overrides())
    chip += draw(routers() | circuits()) if flits else ()
    spare = draw(st.sampled_from([0, 1, 10, 100, None]))
    return Case(texts, (size, size, channels), chip, draw(st.integers(1, 3)), spare)
