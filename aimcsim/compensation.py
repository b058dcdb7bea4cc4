"""What measuring drift costs on a chip with nothing else to do: time and energy of one compensation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aimcsim.analog import Compensate
from aimcsim.arrays import error_spec
from aimcsim.chip import Chip
from aimcsim.controller import Controller
from aimcsim.engine import CompiledEngine, Environment, System
from aimcsim.evaluation import placed_on
from aimcsim.maintenance import Maintenance
from aimcsim.mapping import MappingPolicy, joined, on_engines
from aimcsim.recorder import stream_actions
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Workload


@dataclass(frozen=True, slots=True)
class CompensationCost:
    """What one compensation of all arrays of a chip takes.

    Attributes
    ----------
    time_ps : int       From its release to the end of the last product, on an idle chip.
    energy_j : float    Of its products; static power is drawn in any case, and not part of it.
    """

    time_ps: int = 0
    energy_j: float = 0.0


def compensation_cost(
    chip: ChipFile,
    workload: Workload,
    compensate: Compensate,
    *,
    mapping: MappingPolicy | Path | None = None,
    chips: int | Literal["auto"] | None = None,
) -> CompensationCost:
    """Return what a compensation costs where a workload stands in a chip's arrays; nothing where these do not err.

    Raises
    ------
    ConfigError, CapacityError
        If the workload does not fit the chip.
    """
    if compensate == "none" or error_spec(chip).is_exact:
        return CompensationCost()
    network = on_engines(workload, chip)
    if chips is not None:
        chip = joined(chip, network, mapping if isinstance(mapping, MappingPolicy) else MappingPolicy(), chips)
    system = System(Environment())
    placed = placed_on(network, chip, mapping)
    Controller(system, Chip(system, chip), network, placed, Maintenance(compensate=compensate)).build_compensation()
    CompiledEngine(system, keep=True).run()
    energy_j = sum(
        count * chip.action_cost(action).energy_j
        for stream in system.streams
        for action, count in stream_actions(stream).items()
    )
    return CompensationCost(max(stream.end_ps[-1] for stream in system.streams), float(energy_j))
