"""IBM's dense mesh of analog tiles [jain23]: what its preset gives for each of its targets."""

from __future__ import annotations

from aimcsim.mapping import map_workload
from aimcsim.run import Run, simulate
from aimcsim.spec import ChipFile
from aimcsim.spec.rates import array_energy_j, peak_ops_per_s
from aimcsim.validation.registry import DATA, kept, preset, simulated
from aimcsim.workload import load_workload

RESNET32 = DATA / "resnet32.yaml"


@kept
def _chip() -> ChipFile:
    return preset("jain")


@simulated("jain.tile_peak")
def tile_peak_tops() -> float:
    """Return the peak of a tile."""
    return float(peak_ops_per_s(_chip()) / _chip().instances("tile") / 10**12)


@simulated("jain.tile_energy")
def tile_energy_nj() -> float:
    """Return the energy of one product of a full tile in array, drivers and ramps."""
    return float(array_energy_j(_chip()) * 10**9)


@simulated("jain.tile_area")
def tile_area_mm2() -> float:
    """Return the area of the analog part of a tile."""
    return float(_chip().costs["array"].area_m2 * 10**6)


@kept
def _resnet32(layers: str) -> Run:
    return simulate(preset("jain", [f"control.layers={layers}"]), RESNET32)


def _latency_ms(layers: str) -> float:
    return float(_resnet32(layers).summary["latency_ps"]["max"]) / 1e9


@simulated("jain.resnet32_latency")
def latency_ms() -> float:
    """Return the latency of one image, layer after layer, as the published figure seems to be."""
    return serial_ms()


@simulated("jain.resnet32_most")
def overlapped_ms() -> float:
    """Return the latency of one image, layers overlapping as far as they can."""
    return _latency_ms("overlap")


@simulated("jain.resnet32_serial")
def serial_ms() -> float:
    """Return the latency of one image if a layer begins when all that it needs is there."""
    return _latency_ms("serial")


@simulated("jain.resnet32_energy")
def energy_uj() -> float:
    """Return the energy of one image, layer after layer."""
    return float(_resnet32("serial").summary["energy_j"]["total"]) * 1e6


@simulated("jain.resnet32_tiles")
def tiles() -> float:
    """Return the tiles that hold ResNet-32."""
    return float(map_workload(load_workload(RESNET32), _chip()).tiles_used)
