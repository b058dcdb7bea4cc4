"""Chip files: loading, checking, presets, and the frozen dataclasses everything else is built from."""

from aimcsim.spec.chip_file import (
    SCHEMA,
    Adc,
    Buffer,
    Channel,
    ChipFile,
    Clock,
    Crossbar,
    Host,
    Inputs,
    Memory,
    Network,
    Numbers,
    Slot,
    System,
    Tile,
    Unit,
    Where,
)
from aimcsim.spec.fields import Duration, Per
from aimcsim.spec.layers import preset_names, preset_text
from aimcsim.spec.loader import load_chip
from aimcsim.spec.resolved import resolved_yaml
from aimcsim.spec.stage_table import LOOP_COUNTS, QUANTITIES, RESOURCES, TRANSPORTS, Loop, Stage, StageTable

__all__ = [
    "LOOP_COUNTS",
    "QUANTITIES",
    "RESOURCES",
    "SCHEMA",
    "TRANSPORTS",
    "Adc",
    "Buffer",
    "Channel",
    "ChipFile",
    "Clock",
    "Crossbar",
    "Duration",
    "Host",
    "Inputs",
    "Loop",
    "Memory",
    "Network",
    "Numbers",
    "Per",
    "Slot",
    "Stage",
    "StageTable",
    "System",
    "Tile",
    "Unit",
    "Where",
    "load_chip",
    "preset_names",
    "preset_text",
    "resolved_yaml",
]
