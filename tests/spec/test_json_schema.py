"""Does the JSON Schema of chip files say what the loader does, field by field?"""

import json
from dataclasses import fields, is_dataclass
from typing import get_args, get_type_hints

import jsonschema
import pytest

from aimcsim.located import read_yaml
from aimcsim.spec import preset_names
from aimcsim.spec.chip_file import ChipFile
from aimcsim.spec.json_schema import chip_schema, meanings
from aimcsim.spec.layers import _PRESETS, read_layers
from aimcsim.spec.loader import _errors

SCHEMA = chip_schema()
VALID = jsonschema.Draft7Validator(SCHEMA)


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_what_it_describes(name):
    assert list(VALID.iter_errors(read_yaml(_PRESETS / f"{name}.yaml").data)) == []


def overridden(path, value):
    """Return the data of a file that extends `tiny` and sets one field."""
    data = {"extends": "tiny"}
    inner = data
    *parents, last = path.split(".")
    for part in parents:
        inner = inner.setdefault(part, {})
    inner[last] = value
    return data


VALUES = [
    ("tile.crossbar.rows", [64, 1, 65535, 0, 65536, -1, "64", 6.5, None, True]),
    ("tile.crossbar.cells", ["differential", "offset", "both", 1, None]),
    ("tile.crossbar.flip", [True, False, "yes", 1]),
    ("tile.adc.bits", [1, 24, 25, 0]),
    ("tile.adc.step", ["auto", 1, 7, 0, "7", None]),
    ("tile.array_clock", ["array", "none", None, 3]),
    ("clocks.array", ["100 MHz", "0.1 GHz", "100", "100 mhz", 100, "100 ns", "-1 Hz", "1e2 MHz", " 100  MHz "]),
    (
        "host.link.latency",
        ["0 s", "5 ns", "5 us", "5 \u00b5s", "5 \u03bcs", "5ns", "5 Ns", "5", ".5 us", "+5 ns", "5 ns s"],
    ),
    ("host.link.bandwidth", ["6.4 GB/s", "1 KiB/s", "6.4 Gb/s", "6.4 GB"]),
    ("tile.buffers.scratch.size", ["64 KiB", "64 kB", "1.5 KiB", "64 K", 65536]),
    ("costs.adc.area", ["25 um2", "0.01 mm2", "25 um"]),
    ("costs.adc.static_power", ["1 mW", "1 MW", "0 W"]),
    ("costs.adc.from", [{"model": "sram", "node": "22 nm"}, {"model": "srum"}, {"node": "22 nm"}, "sram"]),
    ("costs.adc.from.node", ["22 nm", "22", "22 pm2", 22]),
    ("costs.adc.actions.convert.energy_range", [["1 pJ", "2 pJ"], ["1 pJ"], "1 pJ", ["1 pJ", 2]]),
    ("costs.adc.source", ["isaac16.table1", "aimcsim", "", 3]),
    ("network.routers", [[2, 2], [4, 1], [2], [2, 2, 1], [0, 4], 4, "2x2"]),
    ("assumptions", [[], ["one"], "one", [1]]),
    ("tile.count", [4, 0, "4"]),
    ("tables.mvm.loops", [[{"name": "input_phase", "count": 8}], [{"name": "input_phase"}], [{"count": 8}]]),
    ("numbers.weight_bits", [2, 16, 1, 17]),
    ("tile.adc.bitz", [8]),
    ("nothing", [8]),
]
CASES = [(path, value) for path, values in VALUES for value in values]


@pytest.mark.parametrize(("path", "value"), CASES, ids=[f"{path}={value!r}" for path, value in CASES])
def test_it_takes_a_value_where_the_loader_does(tmp_path, path, value):
    """The loader's first pass looks at fields one by one, as the schema does; how they go together comes later."""
    data = overridden(path, value)
    (tmp_path / "chip.yaml").write_text(json.dumps(data))  # which YAML contains
    refused = _errors(read_layers(tmp_path / "chip.yaml", ()).data)
    assert VALID.is_valid(data) == (not refused), refused


def sections(kind, found=None):
    """Return all dataclasses that a chip file is made of."""
    found = {} if found is None else found
    if is_dataclass(kind):
        found.setdefault(kind.__name__, kind)
    for one in fields(kind) if is_dataclass(kind) else ():
        if one.name != "where":
            walk(get_type_hints(kind, include_extras=True)[one.name], found)
    return found


def walk(hint, found):
    if is_dataclass(hint) and hint.__module__.startswith("aimcsim.spec.chip_file") and hint.__name__ not in found:
        sections(hint, found)
    for inner in get_args(hint):
        walk(inner, found)


@pytest.mark.parametrize("kind", sections(ChipFile).values(), ids=sections(ChipFile))
def test_every_field_says_what_it_means(kind):
    named = {one.name for one in fields(kind)} - {"where"}
    assert named <= set(meanings(kind))


def test_a_file_that_extends_nothing_needs_every_section():
    assert VALID.is_valid({"extends": "tiny"})
    assert not VALID.is_valid({"schema": "aimcsim-chip/1", "name": "x"})


def test_units_and_defaults_are_said():
    adc, buffer = SCHEMA["definitions"]["Adc"], SCHEMA["definitions"]["Buffer"]
    assert (adc["properties"]["bits"]["minimum"], adc["properties"]["bits"]["maximum"]) == (1, 24)
    assert adc["properties"]["step"]["default"] == "auto"
    assert "KiB" in buffer["properties"]["size"]["pattern"]
