"""PUMA [puma19]: what its preset gives for each of its targets."""

from __future__ import annotations

from aimcsim.run import Run, simulate
from aimcsim.spec import ChipFile
from aimcsim.spec.nameplate import Nameplate, nameplate
from aimcsim.spec.rates import product_s
from aimcsim.validation.registry import DATA, kept, preset, simulated


@kept
def _chip() -> ChipFile:
    return preset("puma")


@kept
def _plate() -> Nameplate:
    return nameplate(_chip())


@simulated("puma.mvm_latency")
def mvm_latency_ns() -> float:
    """Return the time of one product from the first read to the last sum."""
    return float(product_s(_chip()) * 10**9)


@simulated("puma.mvm_energy")
def mvm_energy_nj() -> float:
    """Return the energy of all reads of the crossbars that hold 128 x 128 weights."""
    chip = _chip()
    reads = chip.input_phases * chip.cells_per_weight
    return float(reads * chip.action_cost("mvm_unit.read").energy_j * 10**9)


@simulated("puma.capacity")
def capacity_mib() -> float:
    """Return what all crossbars hold, in weights of 16 bits."""
    chip = _chip()
    weights = chip.instances("crossbar") * chip.tile.crossbar.rows * chip.weights_per_row
    return weights * chip.numbers.weight_bits / 8 / 2**20


@simulated("puma.node_power")
def node_power_w() -> float:
    """Return the power of all tiles, routers and off-chip links."""
    return float(_plate().chip.power_w)


@simulated("puma.node_area")
def node_area_mm2() -> float:
    """Return the area of all tiles, routers and off-chip links."""
    return float(_plate().chip.area_m2 * 10**6)


@kept
def _mlpl4() -> Run:
    return simulate(_chip(), DATA / "mlpl4.yaml")


@simulated("puma.mlpl4_latency")
def mlpl4_latency_us() -> float:
    """Return the latency of one request alone."""
    return float(_mlpl4().summary["latency_ps"]["max"]) / 1e6


@simulated("puma.mlpl4_energy")
def mlpl4_energy_uj() -> float:
    """Return the energy of one request without static power."""
    energy = _mlpl4().summary["energy_j"]
    return float(energy["total"] - energy["by_layer"]["static"]) * 1e6
