"""The cluster of cores and crossbars [garofalo22] and the array of clusters [bruschi23]: what their presets give."""

from __future__ import annotations

from aimcsim.mapping import MappingPolicy, map_workload, on_engines
from aimcsim.run import Run, simulate
from aimcsim.validation.registry import DATA, kept, preset, simulated
from aimcsim.workload import load_workload

PACKED = MappingPolicy(pack="crossbar")
"""How layers share the crossbars of the one cluster."""

COPIES = MappingPolicy(
    replicas={"conv1": 8, **{f"layer1.{block}.conv{number}": 2 for block in (0, 1) for number in (1, 2)}}
)
"""Copies of layers on the array: the fewest, in powers of two, with which crossbars keep up with what is published.

A layer of R copies takes its output vectors / R products of 130 ns an image: 16384 / 8 and 4096 / 2 take 266 us, and
the published 3303 images/s are 303 us.
"""

BATCH = 16
IMAGES = 4
"""Images that are simulated of a batch; those after the first follow one another evenly."""


@simulated("garofalo.mvm")
def streamed_gops() -> float:
    """Return operations over time of 256 products, from the first fetch to the last result."""
    rows = simulate(preset("pulp-cluster"), DATA / "products_256.yaml", grain="vector").ops.records()
    products = [row for row in rows if row["kind"] == "mvm"]
    took_ps = max(row["end_ps"] for row in products) - min(row["start_ps"] for row in products)
    return float(2 * 256 * 256 * len(products) * 1000 / took_ps)


@kept
def _mobilenet() -> Run:
    return simulate(preset("pulp-cluster"), DATA / "mobilenet_v2.yaml", mapping=PACKED, grain="layer")


@simulated("garofalo.mobilenet_latency")
def mobilenet_latency_ms() -> float:
    """Return the latency of one image, from its first pixel to the pooled features."""
    return float(_mobilenet().summary["latency_ps"]["max"]) / 1e9


@simulated("garofalo.mobilenet_energy")
def mobilenet_energy_uj() -> float:
    """Return the energy of one image."""
    return float(_mobilenet().summary["energy_j"]["total"]) * 1e6


@simulated("garofalo.mobilenet_crossbars")
def mobilenet_crossbars() -> float:
    """Return the crossbars that all layers but depthwise ones and the classifier are packed into."""
    chip = preset("pulp-cluster")
    network = on_engines(load_workload(DATA / "mobilenet_v2.yaml"), chip)
    return float(map_workload(network, chip, PACKED).crossbars_used)


@kept
def _resnet18() -> Run:
    return simulate(preset("pulp-array"), DATA / "resnet18_256.yaml", requests=IMAGES, mapping=COPIES, grain="layer")


@simulated("bruschi.resnet18_batch")
def batch_ms() -> float:
    """Return the time of a batch: that of the images simulated, and of the others as the last of these follows."""
    run = _resnet18()
    ends = sorted(row["end_ps"] for row in run.ops.records() if row["kind"] == "store")
    begun = min(row["start_ps"] for row in run.ops.records() if row["kind"] == "load")
    return float(ends[-1] - begun + (BATCH - IMAGES) * (ends[-1] - ends[-2])) / 1e9


@simulated("bruschi.resnet18_rate")
def images_per_s() -> float:
    """Return the images of a batch over its time."""
    return BATCH * 1000 / batch_ms()


@simulated("bruschi.resnet18_energy")
def energy_mj() -> float:
    """Return the energy of one image."""
    return float(_resnet18().summary["energy_j"]["total"]) / IMAGES * 1e3
