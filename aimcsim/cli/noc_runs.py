"""What `aimcsim noc` does: reads its options, builds the network, runs it, and hands the figures to `noc_views`."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from aimcsim.cli import noc_views, tables
from aimcsim.cli.files import write_file
from aimcsim.cli.views import Row
from aimcsim.cli.waiting import waiting
from aimcsim.errors import ConfigError, InputError
from aimcsim.network import (
    Circuit,
    CircuitNetwork,
    Fabric,
    FlitNetwork,
    NetworkEngine,
    PacketNetwork,
    PacketRecords,
    Router,
    bus,
    chip_row,
    crossbar,
    mesh,
    ring,
    torus,
)
from aimcsim.network.engine import MOST_FLITS
from aimcsim.network.load import Load, Offer, Window, measure, most_rate, saturation
from aimcsim.network.packet import TRUSTED_UTILISATION
from aimcsim.network.trace import read_trace, replay, write_trace
from aimcsim.network.traffic import PATTERNS, Layout, burst

ENDPOINTS = ("bus", "crossbar")
"""Topologies that have endpoints and no routers."""
CONCENTRATION = 4
"""Tiles per router of a concentrated mesh, as in ISAAC."""
DEFAULT_SHARES = (0.02, 0.25, 0.5, 0.75, 0.9)
"""Rates that are measured if none are given, in parts of what the busiest link can carry."""
MOST_RATES = 1000
MOST_CHIPS = 64
MOST_CYCLES = 10_000_000
MOST_BURST = 10_000
Topology = Literal["mesh", "torus", "ring", "cmesh", "bus", "crossbar"]
Model = Literal["flit", "packet"]
Form = Literal["json", "csv", "table"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Routers of one chip, and the tiles at each."""

    topology: Topology
    columns: int
    rows: int
    tiles: int

    def layout(self, chips: int) -> Layout:
        """Return where the endpoints of so many chips sit."""
        return Layout(self.columns * self.tiles, self.rows * chips)


@dataclass(frozen=True, slots=True)
class Plan:
    """The network that the options ask for."""

    fabric: Fabric
    router: Router | Circuit
    layout: Layout
    model: Model

    def make(self) -> NetworkEngine:
        """Return a new network."""
        if isinstance(self.router, Circuit):
            return CircuitNetwork(self.fabric, self.router)
        return (FlitNetwork if self.model == "flit" else PacketNetwork)(self.fabric, self.router)

    def offer(self, traffic: str, packet: int, seed: int, cycles: int) -> Offer:
        """Return the traffic that the options ask for."""
        if not 1 <= packet <= MOST_FLITS:
            raise ConfigError(f"--packet: a packet has 1 to {MOST_FLITS} flits (got {packet})")
        if not 1 <= cycles <= MOST_CYCLES:
            raise ConfigError(f"--cycles: 1 to {MOST_CYCLES} cycles are looked at (got {cycles})")
        if seed < 0:
            raise ConfigError(f"--seed must not be negative (got {seed})")
        return Offer(PATTERNS[traffic](self.layout), packet, seed, Window(cycles // 3, cycles))

    @property
    def title(self) -> str:
        """What stands above tables."""
        if isinstance(self.router, Circuit):
            setup = tables.counted(self.router.setup_cycles, "cycle")
            return f"{self.fabric.name}, {'arbitration' if self.fabric.medium else 'circuits, set-up'} of {setup}"
        if self.model == "packet":
            return f"{self.fabric.name}, calendars of links, {self.router.pipeline} pipeline"
        channels = f"{tables.counted(self.router.vcs, 'VC')} of {tables.counted(self.router.buffer, 'flit')}"
        return f"{self.fabric.name}, {channels}, {self.router.pipeline} pipeline"


def check_together(*, saturation: bool, **given: Any) -> None:
    """Refuse options that contradict each other."""
    there = [f"--{name}" for name, value in given.items() if value is not None] + ["--saturation"] * saturation
    packets = [name for name in there if name in ("--trace", "--burst")]
    rates = [name for name in there if name in ("--rate", "--plot", "--saturation")]
    if len(packets) > 1:
        raise InputError("give --trace or --burst, not both")
    if packets and rates:
        raise InputError(f"{packets[0]} says when packets are created; it goes without {', '.join(rates)}")
    if "--out" in there and not packets:
        raise InputError("--out writes the packets of --trace or --burst; give one of them")


def read_shape(topology: Topology, size: str, tiles: int | None) -> Shape:
    """Return what --topology, --size and --tiles-per-router ask for."""
    found = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", size, re.ASCII)
    columns, rows = (int(found[1]), int(found[2] or 1)) if found else (0, 0)
    if topology == "ring" and (found is None or rows != 1):
        raise ConfigError(f"--size of a ring is the number of its routers (got `{size}`)")
    if topology in ENDPOINTS and found is None:
        raise ConfigError(f"--size of a {topology} is the number of its endpoints, as in 16 or 4x4 (got `{size}`)")
    if topology not in ("ring", *ENDPOINTS) and (found is None or found[2] is None):
        raise ConfigError(f"--size is COLUMNSxROWS, as in 8x8 (got `{size}`)")
    return Shape(topology, columns, rows, tiles if tiles is not None else CONCENTRATION if topology == "cmesh" else 1)


def build_fabric(shape: Shape, chips: int, chip_link_cycles: int, chip_flit_cycles: int) -> Fabric:
    """Return the network of one or several chips."""
    if not 1 <= chips <= MOST_CHIPS:
        raise ConfigError(f"--chips: 1 to {MOST_CHIPS} chips (got {chips})")
    if chips > 1 and shape.topology not in ("mesh", "cmesh"):
        raise ConfigError(f"--chips joins meshes; a {shape.topology} is of one chip")
    if chips > 1:
        return chip_row(
            shape.columns,
            shape.rows,
            tiles_per_router=shape.tiles,
            chips=chips,
            chip_link_cycles=chip_link_cycles,
            chip_flit_cycles=chip_flit_cycles,
        )
    if shape.topology in ENDPOINTS:
        return (bus if shape.topology == "bus" else crossbar)(shape.layout(1).endpoints)
    if shape.topology == "ring":
        return ring(shape.columns, tiles_per_router=shape.tiles)
    make = torus if shape.topology == "torus" else mesh
    return make(shape.columns, shape.rows, tiles_per_router=shape.tiles)


def router_of(
    topology: Topology, switching: Literal["packet", "circuit"], model: Model | None, router: Router, setup_cycles: int
) -> Router | Circuit:
    """Return what routers are like, or circuits where packets take all links of their way at once."""
    if switching == "packet" and topology not in ENDPOINTS:
        return router
    if model == "flit":
        what = f"a {topology}" if topology in ENDPOINTS else "a circuit"
        raise ConfigError(
            f"--model flit: {what} has no virtual channels and buffers to go through flit by flit; "
            "leave the model out, or choose a mesh, torus, ring or cmesh with --switching packet"
        )
    return Circuit(setup_cycles, router.cycles)


def read_rates(text: str | None, most: float) -> list[float]:
    """Return the rates that --rate lists; without it, some from idle to almost what the busiest link can carry."""
    if text is None:
        return [round(share * most, 4) for share in DEFAULT_SHARES]
    parts = text.split(",")
    if len(parts) > MOST_RATES:
        raise ConfigError(f"--rate takes at most {MOST_RATES} rates (got {len(parts)})")
    return [_rate(part) for part in parts]


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = float("nan")
    if not 0 < rate <= 1:
        raise ConfigError(f"--rate takes numbers above 0 and up to 1, parted by commas (got `{text.strip()}`)")
    return rate


def run_rates(plan: Plan, offer: Offer, rate: str | None, plot: Path | None, form: Form, *, seek: bool) -> None:
    """Measure the network at each rate, and find its saturation if that is sought."""
    rates = read_rates(rate, most_rate(plan.make(), offer))
    with waiting(f"running a {plan.fabric.name}"):
        loads = [measure(plan.make(), offer, one) for one in rates]
        found = saturation(plan.make, offer) if seek else None
    if plot is not None:
        write_file(plot, noc_views.svg(loads, plan.title))
    rows = [asdict(load) for load in loads]
    if form == "json":
        tables.show_json({"rates": rows, "saturation": found})
    elif form == "csv":
        tables.show_csv(rows)
    else:
        tables.show(*noc_views.rate_parts(plan.title, loads, found), *_doubts(plan, loads))


def _doubts(plan: Plan, loads: list[Load]) -> list[str]:
    worst = max(load.max_link_utilisation for load in loads)
    if plan.model == "flit" or isinstance(plan.router, Circuit) or worst <= TRUSTED_UTILISATION:
        return []
    return [f"above {TRUSTED_UTILISATION:.0%} of a link calendars wait too little; --model flit is exact"]


def run_trace(plan: Plan, trace: Path, out: Path | None, form: Form) -> None:
    """Send the packets of a trace through the network."""
    packets = read_trace(trace, plan.fabric.endpoints)
    network = plan.make()
    with waiting(f"running {trace.name}"):
        records = replay(network, packets)
    _show_packets(plan, network, packets.ids, records, out, form)


def run_burst(plan: Plan, offer: Offer, count: int, out: Path | None, form: Form) -> None:
    """Send a burst through the network."""
    if not 1 <= count <= MOST_BURST:
        raise ConfigError(f"--burst: each source sends 1 to {MOST_BURST} packets (got {count})")
    network = plan.make()
    network.offer_many(*burst(offer.shares, count, offer.flits, np.random.default_rng(offer.seed)))
    with waiting("running a burst"):
        network.drain()
    records = network.packets()
    _show_packets(plan, network, np.arange(len(records.create)), records, out, form)


def _show_packets(
    plan: Plan, network: NetworkEngine, ids: NDArray[np.int64], records: PacketRecords, out: Path | None, form: Form
) -> None:
    if out is not None:
        text = StringIO()
        write_trace(text, ids, records)
        write_file(out, text.getvalue())
    if form == "csv":
        write_trace(sys.stdout, ids, records)
        return
    figures = packet_figures(network, records)
    if form == "json":
        tables.show_json(figures)
        return
    doubts = network.doubts() if isinstance(network, PacketNetwork) else []
    tables.show(noc_views.packet_table(plan.title, figures), *doubts)


def packet_figures(network: NetworkEngine, records: PacketRecords) -> Row:
    """Return what a run of packets comes to, in cycles."""
    busiest, taken = network.busiest_link()
    makespan = int(records.tail_eject.max() - records.create.min())
    latency = records.latency
    return {
        "packets": len(latency),
        "flits": int(records.flits.sum()),
        "makespan": makespan,
        "mean_latency": float(latency.mean()),
        "p50": float(np.percentile(latency, 50)),
        "p99": float(np.percentile(latency, 99)),
        "mean_transfer": float(records.transfer.mean()),
        "mean_link_wait": float(records.link_wait.mean()),
        "mean_credit_wait": float(records.credit_wait.mean()),
        "busiest_link": busiest,
        "max_link_utilisation": taken / makespan,
    }
