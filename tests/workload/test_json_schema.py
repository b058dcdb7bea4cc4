"""Does the JSON Schema of workload files say what the loader does, for every layer kind?"""

import json

import jsonschema
import pytest

from aimcsim.errors import ConfigError
from aimcsim.located import read_yaml
from aimcsim.workload import load_workload
from aimcsim.workload.json_schema import probed, workload_schema
from aimcsim.workload.layer_kinds import KINDS
from aimcsim.workload.load import _SHIPPED, workload_names

SCHEMA = workload_schema()
VALID = jsonschema.Draft7Validator(SCHEMA)


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", workload_names())
def test_shipped_networks_are_what_it_describes(name):
    assert list(VALID.iter_errors(read_yaml(_SHIPPED / f"{name}.yaml").data)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_kind_was_asked_for(kind):
    """What a kind reads past the methods of `Fields`, the probe would not see."""
    assert set(probed(kind).found) == set(KINDS[kind].fields)


def test_a_default_that_depends_on_another_field_is_not_made_up():
    assert probed("conv2d").found["stride"]["default"] == 1
    assert "default" not in probed("max_pool").found["stride"]
    assert probed("max_pool").required == ["kernel"]


def network(**fields):
    layer = {"name": "a", "kind": "conv2d", "out_channels": 4, "kernel": 3, **fields}
    layer = {key: value for key, value in layer.items() if value != "absent"}
    return {
        "schema": "aimcsim-workload/1",
        "name": "net",
        "inputs": {"x": [8, 8, 4]},
        "layers": [layer],
        "outputs": ["a"],
    }


FIELDS = [
    {},
    {"kernel": [3, 1]},
    {"kernel": [3]},
    {"kernel": [3, 1, 1]},
    {"kernel": 0},
    {"kernel": "3"},
    {"kernel": "absent"},
    {"pads": 0},
    {"pads": [1, 1, 1, 1]},
    {"pads": [1, 1]},
    {"pads": -1},
    {"stride": 2},
    {"strides": 2},
    {"groups": 4},
    {"groups": 0},
    {"activation": "relu"},
    {"activation": {"clip": [0, 6]}},
    {"activation": {"clip": [0]}},
    {"activation": "gelu6"},
    {"kind": "conv"},
    {"kind": "linear", "kernel": "absent", "out_channels": "absent", "out_features": 3},
    {"kind": "linear", "out_features": 3},
    {"kind": "max_pool", "out_channels": "absent"},
    {"kind": "average_pool", "out_channels": "absent", "count_include_pad": True},
    {"kind": "average_pool", "out_channels": "absent", "count_include_pad": "yes"},
    {"kind": "global_average_pool", "out_channels": "absent", "kernel": "absent"},
    {"kind": "reshape", "out_channels": "absent", "kernel": "absent", "shape": [4, 4, 16]},
    {"kind": "reshape", "out_channels": "absent", "kernel": "absent", "shape": [256]},
    {"name": ""},
    {"name": 7},
    {"inputs": "x"},
    {"inputs": ["x"]},
    {"inputs": 3},
]


@pytest.mark.parametrize("given", FIELDS, ids=str)
def test_it_takes_a_layer_where_the_loader_does(tmp_path, given):
    data = network(**given)
    (tmp_path / "net.yaml").write_text(json.dumps(data))  # which YAML contains
    try:
        load_workload(tmp_path / "net.yaml")
        taken = True
    except ConfigError:
        taken = False
    assert VALID.is_valid(data) == taken
