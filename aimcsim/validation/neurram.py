"""NeuRRAM [wan22]: what its preset gives for each of its targets."""

from __future__ import annotations

from aimcsim.spec import ChipFile
from aimcsim.spec.rates import array_energy_j, mvm_interval_s
from aimcsim.validation.registry import kept, preset, simulated

MOST_IN_A_TRAIN = {8: 4}
"""Most bits of a magnitude in a train of pulses, by the bits of inputs; 3 for all others."""


@kept
def chip(outputs: int, inputs: int) -> ChipFile:
    """Return the chip at a precision, bits of outputs and inputs."""
    settings = {"tile.adc.bits": outputs, "numbers.output_bits": outputs, "numbers.input_bits": inputs}
    settings["tile.inputs.bits_per_phase"] = MOST_IN_A_TRAIN.get(inputs, min(3, inputs))
    return preset("neurram", [f"{path}={value}" for path, value in settings.items()])


def latency_us(outputs: int, inputs: int) -> float:
    """Return the time of one product, after which the next can begin."""
    return float(mvm_interval_s(chip(outputs, inputs)) * 10**6)


def efficiency_tops_w(outputs: int, inputs: int) -> float:
    """Return the operations of a product over its energy."""
    core = chip(outputs, inputs)
    return float(2 * core.tile.crossbar.rows * core.weights_per_row / array_energy_j(core) / 10**12)


@simulated("neurram.latency_4b_2b")
def latency_4b_2b_us() -> float:
    """Return the time of a product with inputs of 2 bits."""
    return latency_us(4, 2)


@simulated("neurram.latency_6b_4b")
def latency_6b_4b_us() -> float:
    """Return the time of a product with inputs of 4 bits."""
    return latency_us(6, 4)


@simulated("neurram.latency_8b_6b")
def latency_8b_6b_us() -> float:
    """Return the time of a product with inputs of 6 bits."""
    return latency_us(8, 6)


@simulated("neurram.latency_10b_8b")
def latency_10b_8b_us() -> float:
    """Return the time of a product with inputs of 8 bits."""
    return latency_us(10, 8)


@simulated("neurram.eff_4b_2b")
def efficiency_4b_2b_tops_w() -> float:
    """Return the efficiency with inputs of 2 bits."""
    return efficiency_tops_w(4, 2)


@simulated("neurram.eff_6b_4b")
def efficiency_6b_4b_tops_w() -> float:
    """Return the efficiency with inputs of 4 bits."""
    return efficiency_tops_w(6, 4)


@simulated("neurram.eff_8b_6b")
def efficiency_8b_6b_tops_w() -> float:
    """Return the efficiency with inputs of 6 bits."""
    return efficiency_tops_w(8, 6)


@simulated("neurram.energy_8b_6b")
def energy_8b_6b_fj() -> float:
    """Return the energy of an operation with inputs of 6 bits."""
    return 1000 / efficiency_tops_w(8, 6)


@simulated("neurram.eff_10b_8b")
def efficiency_10b_8b_tops_w() -> float:
    """Return the efficiency with inputs of 8 bits."""
    return efficiency_tops_w(10, 8)
