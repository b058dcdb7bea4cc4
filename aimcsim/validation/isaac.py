"""ISAAC-CE [isaac16]: what its preset gives for each of its targets."""

from __future__ import annotations

from collections import Counter

from aimcsim.mapping import MappingPolicy, joined, map_workload
from aimcsim.run import Run, simulate
from aimcsim.spec import ChipFile
from aimcsim.spec.nameplate import Nameplate, nameplate
from aimcsim.spec.rates import conversions_per_mac
from aimcsim.validation.registry import DATA, kept, preset, simulated
from aimcsim.workload import load_workload

CYCLE_PS = 100_000


@kept
def _chip() -> ChipFile:
    return preset("isaac")


@kept
def _plate() -> Nameplate:
    return nameplate(_chip())


@simulated("isaac.tile_power")
def tile_power_mw() -> float:
    """Return the power of a tile with its quarter of a router, every component at its busiest."""
    return float(_plate().tile.power_w * 1000)


@simulated("isaac.tile_area")
def tile_area_mm2() -> float:
    """Return the area of a tile with its quarter of a router."""
    return float(_plate().tile.area_m2 * 10**6)


@simulated("isaac.chip_power")
def chip_power_w() -> float:
    """Return the power of all tiles and of the constant one of the off-chip links."""
    return float(_plate().chip.power_w)


@simulated("isaac.chip_area")
def chip_area_mm2() -> float:
    """Return the area of all tiles and off-chip links."""
    return float(_plate().chip.area_m2 * 10**6)


@simulated("isaac.peak")
def peak_tops() -> float:
    """Return the peak of all crossbars."""
    return float(_plate().peak_ops_per_s / 10**12)


@simulated("isaac.pe")
def power_efficiency_gops_w() -> float:
    """Return the peak over the power."""
    return float(_plate().peak_ops_per_s / _plate().chip.power_w / 10**9)


@simulated("isaac.ce")
def area_efficiency_gops_mm2() -> float:
    """Return the peak over the area."""
    return float(_plate().peak_ops_per_s / _plate().chip.area_m2 / 10**15)


@simulated("isaac.adc_share")
def adc_share_pct() -> float:
    """Return the part of a tile's power that its converters draw."""
    converters_w = sum(part.power_w for part in _plate().parts if part.component == "adc")
    return float(100 * converters_w / _chip().instances("tile") / _plate().tile.power_w)


@simulated("isaac.conv_per_mac")
def conversions() -> float:
    """Return conversions for each product of 16 by 16 bits."""
    return float(conversions_per_mac(_chip()))


@kept
def _dot() -> Run:
    return simulate(_chip(), DATA / "isaac_dot.yaml", grain="vector")


def _mvm_ps(column: str) -> list[int]:
    ops = _dot().ops
    return [int(time) for time in ops[column][ops["kind"] == "mvm"]]


@simulated("isaac.pipeline_fill")
def pipeline_fill_ns() -> float:
    """Return the time of the first product from its fetch to its result in the eDRAM."""
    return (_mvm_ps("end_ps")[0] - _mvm_ps("start_ps")[0]) / 1000


@simulated("isaac.initiation")
def initiation_ns() -> float:
    """Return the time between the last two results of four products."""
    *_, before, last = _mvm_ps("end_ps")
    return (last - before) / 1000


@simulated("isaac.replication")
def first_layer_copies() -> float:
    """Return the copies of a first layer that the mapper makes where crossbars do not run out.

    Beside one of a fully connected layer, on as many chips as hold 60 000 crossbars.
    """
    network = load_workload(DATA / "isaac_balance.yaml")
    policy = MappingPolicy(budget=60_000)
    mapping = map_workload(network, joined(_chip(), network, policy, 4), policy)
    return float(len(mapping.replicas_of("conv")))


@kept
def _vgg16() -> Run:
    """Return two images through the convolutions of VGG-16, every copy of a layer on tiles of its own."""
    mapping = DATA / "vgg16_mapping.yaml"
    return simulate(_chip(), DATA / "vgg16_convolutions.yaml", requests=2, mapping=mapping, grain="layer")


@simulated("isaac.link_bw")
def busiest_link_gb_s() -> float:
    """Return what the busiest link carries, over the whole run."""
    network, resources = _chip().network, _vgg16().resources
    link_bytes_per_s = network.width_bits / 8 * _chip().clocks[network.clock].frequency_hz
    return float(resources["utilisation"][resources["kind"] == "link"].max()) * float(link_bytes_per_s) / 1e9


@simulated("isaac.edram_bus")
def busiest_edram_bytes() -> float:
    """Return what the busiest eDRAM reads in a cycle, over the whole run."""
    run, read = _vgg16(), Counter[str]()
    for row in run.table("energy").records():
        if (row["component"], row["action"], row["phase"]) == ("edram", "read", "run"):
            read[row["tile"]] += row["count"]
    return max(read.values()) * CYCLE_PS / int(run.summary["makespan_ps"])
