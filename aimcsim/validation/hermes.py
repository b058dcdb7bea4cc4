"""The HERMES project chip [hermes23] and HERMES-Core [hermes22]: what their presets give for each of their targets."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np

from aimcsim.analog.draws import Draws
from aimcsim.evaluation import evaluate
from aimcsim.ops import Linear, TensorShape
from aimcsim.run import Run, simulate
from aimcsim.spec import ChipFile
from aimcsim.spec.nameplate import nameplate
from aimcsim.spec.rates import peak_ops_per_s, product_s
from aimcsim.validation.registry import DATA, kept, preset, simulated
from aimcsim.workload import load_workload
from aimcsim.workload.graph import Layer, Workload

READ = ("core", "readout")
"""What the published power and energy are of: array, pulse drivers and converters."""


PRODUCTS = 200
"""Products that the error is taken over, with 256 results each."""

SEEDS = range(1, 6)
"""Of weights, inputs and devices; the error is the mean over them."""


@kept
def _chip(phases: int) -> ChipFile:
    return preset("hermes", [f"tables.mvm.loops.phase.count={phases}"])


def _power_w(phases: int) -> Fraction:
    return sum((part.power_w for part in nameplate(_chip(phases)).parts if part.component in READ), Fraction(0))


def _peak_tops(phases: int) -> float:
    return float(peak_ops_per_s(_chip(phases)) / 10**12)


def _energy_uj(phases: int) -> float:
    """Return the energy of one product on each of the 64 cores, from costs and counts alone."""
    chip = _chip(phases)
    each = phases * chip.action_cost("core.phase").energy_j + chip.action_cost("readout.finish").energy_j
    return float(chip.instances("crossbar") * chip.weights_per_row * each * 10**6)


def _efficiency_tops_w(phases: int) -> float:
    return float(peak_ops_per_s(_chip(phases)) / _power_w(phases) / 10**12)


@simulated("hermes.core_mvm")
def core_mvm_ns() -> float:
    """Return the time of one product of HERMES-Core."""
    return float(product_s(preset("hermes-core")) * 10**9)


@simulated("hermes.peak_1p")
def peak_1p_tops() -> float:
    """Return the peak with one phase a product."""
    return _peak_tops(1)


@simulated("hermes.peak_4p")
def peak_4p_tops() -> float:
    """Return the peak with four phases a product."""
    return _peak_tops(4)


@simulated("hermes.energy_1p")
def energy_1p_uj() -> float:
    """Return the energy of 64 products of one phase."""
    return _energy_uj(1)


@simulated("hermes.energy_4p")
def energy_4p_uj() -> float:
    """Return the energy of 64 products of four phases."""
    return _energy_uj(4)


@simulated("hermes.eff_1p")
def efficiency_1p_tops_w() -> float:
    """Return the peak over the power of reads, with one phase a product."""
    return _efficiency_tops_w(1)


@simulated("hermes.eff_4p")
def efficiency_4p_tops_w() -> float:
    """Return the peak over the power of reads, with four phases a product."""
    return _efficiency_tops_w(4)


@simulated("hermes.mvm_error")
def mvm_error_pct() -> float:
    """Return the deviation of products on freshly programmed cells of HERMES-Core, in percent of the largest product.

    Weights and inputs are uniform; the gain of the results is calibrated, as digital units do.
    """
    return float(np.mean([error_pct(seed) for seed in SEEDS]))


def error_pct(seed: int) -> float:
    """Return the same of one draw of weights, inputs and devices."""
    chip, draws = preset("hermes-core"), Draws.of(seed=seed)
    rows, columns = chip.tile.crossbar.rows, chip.weights_per_row
    weights = 2 * draws.uniform("weights", (1, rows, columns)) - 1
    inputs = {"x": 2 * draws.uniform("inputs", (PRODUCTS, rows)) - 1}
    dot = Linear(weights.astype(np.float32), np.zeros(columns, np.float32))
    shape = TensorShape(1, 1, columns)
    network = Workload("dot", {"x": TensorShape(1, 1, rows)}, (Layer("dot", dot, ("x",), shape),), ("dot",))
    exact = evaluate(chip, network, inputs, analog="ideal")["dot"]
    found = evaluate(chip, network, inputs, seeds=[seed])["dot"]
    calibrated = found * (np.sum(found * exact) / np.sum(found**2))
    return float(100 * np.std(calibrated - exact) / np.abs(exact).max())


@simulated("hermes.resnet9_step")
def resnet9_step_us() -> float:
    """Return the time of one input of a layer on eight cores.

    From when the last core begins whose sums another one adds up, to when outputs are in the core of the next layer.
    """
    rows = simulate(_chip(4), DATA / "resnet9_layer.yaml", grain="vector").ops.records()
    of_layer = [row for row in rows if row["layer"] == "conv"]
    (home,) = {row["tile"] for row in of_layer if row["kind"] == "reduce"}
    begun = max(row["start_ps"] for row in of_layer if row["kind"] == "mvm" and row["tile"] != home)
    return float(max(row["end_ps"] for row in of_layer if row["kind"] == "send") - begun) / 1e6


@simulated("hermes.resnet9_energy")
def resnet9_energy_uj() -> float:
    """Return the energy of a step of ResNet-9, in which every layer takes one input, without static power.

    One layer alone cannot have the published energy, which is that of 28 cores, when the largest takes eight.
    """
    return 1e6 * sum(step_energies_j(simulate(_chip(4), DATA / "resnet9.yaml", grain="layer")).values())


def step_energies_j(run: Run) -> Counter[str]:
    """Return by layer the energy of one of its vectors, without what is drawn in any case."""
    vectors = {layer.name: layer.shape.vectors for layer in load_workload(DATA / "resnet9.yaml").layers}
    energies = Counter[str]()
    for row in run.table("energy").records():
        if row["phase"] == "run" and row["layer"] in vectors:
            energies[row["layer"]] += row["energy_j"] / vectors[row["layer"]]
    return energies
