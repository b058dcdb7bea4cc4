"""Mistakes in chip files: each is found at its place, said in a sentence, and answered with what was meant."""

import contextlib
import copy
import functools
import json
from pathlib import Path

import pytest

from aimcsim.errors import ConfigError, ReferenceError_, UnitError, UnknownFieldError
from aimcsim.located import parse_document
from aimcsim.spec import load_chip, resolved_yaml

# Every file of this table starts with these two lines, so what follows begins on line 3.
HEAD = "extends: tiny\nname: mine\n"

STAGES = "tables:\n  vector:\n    stages:\n"

MISTAKES = {
    "duplicate key": (
        "numbers:\n  input_bits: 8\n  input_bits: 4\n",
        "5:3: numbers.input_bits: the field is given twice, first on line 4",
    ),
    "unknown field": (
        "tile:\n  crossbar: {row: 32}\n",
        "4:14: tile.crossbar.row: unknown field (got `row`). Did you mean `rows`?",
    ),
    "unknown field with nothing near": (
        "system: {boards: 2}\n",
        "3:10: system.boards: unknown field (got `boards`); one of: `packages`, `chips_per_package`, `chip_link`",
    ),
    "unknown field of a cost": (
        "costs:\n  adc: {actions: {convert: {enrgy: 1 pJ}}}\n",
        "4:29: costs.adc.actions.convert.enrgy: unknown field (got `enrgy`). Did you mean `energy`?",
    ),
    "wrong unit": (
        "host:\n  link: {latency: 100 pJ}\n",
        "4:19: host.link.latency: expected a time with its unit, such as `100 ns` (got `100 pJ`, which is an energy)",
    ),
    "bare number": (
        "host:\n  link: {latency: 100}\n",
        "4:19: host.link.latency: expected a time with its unit, such as `100 ns` (got `100`, which has no unit)",
    ),
    "wrong case of a unit": (
        "clocks:\n  array: 100 MHZ\n",
        "4:10: clocks.array.frequency: unit `MHZ` is misspelt (got `100 MHZ`). Did you mean `100 MHz`?",
    ),
    "suspiciously fast clock": (
        "clocks: {array: 100 THz}\n",
        (
            "3:17: clocks.array.frequency: suspicious magnitude, above 100 GHz (got `100 THz`); "
            "if you mean it, write `suspicious: allow` at the top of the file"
        ),
    ),
    "clock whose period no 64 bits hold": (  # 3333333333333333 / 10^9 Hz: 10^21 / 3333333333333333 ps
        "clocks: {array: 3.333333333333333 MHz}\n",
        (
            "3:17: clocks.array.frequency: the period of a clock must be a fraction of integers below 2^63 in "
            "picoseconds (got `1000000000000000000000/3333333333333333`); a frequency of fewer digits has one"
        ),
    ),
    "suspiciously costly conversion": (
        "costs:\n  adc:\n    actions:\n      convert:\n        energy: 2 uJ\n",
        (
            "7:17: costs.adc.actions.convert.energy: suspicious magnitude, above 1.00 uJ (got `2 uJ`); "
            "if you mean it, write `suspicious: allow` at the top of the file"
        ),
    ),
    "suspiciously long time": (
        "memory: {channel: {latency: 60 s}}\n",
        (
            "3:29: memory.channel.latency: suspicious magnitude, above 1.00 s (got `60 s`); "
            "if you mean it, write `suspicious: allow` at the top of the file"
        ),
    ),
    "amounts of nothing": (
        STAGES + "      - {name: a, latency: 1 ns, each: {input_byte: 32}}\n",
        (
            "6:53: tables.vector.stages[0].each.input_byte: no such quantity (got `input_byte`). Did you mean "
            "`input_bytes`?"
        ),
    ),
    "amounts and units of one stage": (
        STAGES + "      - {name: a, latency: 1 ns, each: {one: 1}, per: {one: 1}}\n",
        (
            "6:34: tables.vector.stages[0].each: only a stage without `per` and `reuse` and out of loops can, and not "
            "on arrays and ways"
        ),
    ),
    "amounts beside others": (
        STAGES
        + "      - {name: a, latency: 1 ns, each: {input_bytes: 32}}\n      - {name: b, latency: 1 ns}\n"
        + "      - {name: c, latency: 1 ns, each: {input_bytes: 8}}\n"
        + "      - {name: d, latency: 1 ns, each: {one: 1}}\n",
        (
            "8:34: tables.vector.stages[2].each: `d` beside it runs otherwise; have a stage between that runs once a "
            "vector"
        ),
    ),
    "slot for each amount that is not given back for each": (
        "tile: {slots: {turn: {count: 1}}}\n"
        + STAGES
        + "      - {name: a, latency: 1 ns, each: {input_bytes: 32}, acquires: turn}\n"
        + "      - {name: b, latency: 1 ns, releases: turn}\n",
        "8:44: tables.vector.stages[1].releases: `turn` is taken for each amount of `a` and not released for each",
    ),
    "first unit of a way that knows its own": (
        "tables: {send: {stages: [{name: a, resource: network, passes: first}]}}\n",
        "3:55: tables.send.stages[0].passes: `network` has its own; leave this out",
    ),
    "first unit of a stage without units": (
        "tables: {vector: {stages: [{name: a, resource: vector_unit, latency: 1 cycle, passes: first}]}}\n",
        (
            "3:87: tables.vector.stages[0].passes: only a stage with `per` and a resource that it keeps can pass on "
            "the first unit of several"
        ),
    ),
    "clock that does not exist": (
        "tile:\n  array_clock: arrai\n",
        "4:16: tile.array_clock: no such clock (got `arrai`). Did you mean `array`?",
    ),
    "buffer that does not exist": (
        "tile: {output_buffer: scratchh}\n",
        "3:23: tile.output_buffer: no such buffer (got `scratchh`). Did you mean `scratch`?",
    ),
    "text for a number": (
        "tile:\n  crossbars: '24'\n",
        "4:14: tile.crossbars: expected a whole number of at least 1 (got the text `24`)",
    ),
    "not one of the choices": (
        "network: {model: pakket}\n",
        "3:18: network.model: not a known choice (got `pakket`). Did you mean `packet`?",
    ),
    "torus of packets that hold links": (
        "network:\n  topology: torus\n",
        "4:13: network.topology: the model `packet` switches packets on a mesh only; a torus needs the model `flit`",
    ),
    "bus flit by flit": (
        "network:\n  model: flit\n  topology: bus\n",
        "5:13: network.topology: a bus has no routers to go through flit by flit; it needs the model `packet` or",
    ),
    "circuits flit by flit": (
        "network: {model: flit, switching: circuit}\n",
        "3:35: network.switching: the routers of the model `flit` switch packets; circuits need the model `packet` or",
    ),
    "crossbar on several chips": (
        "network: {topology: crossbar}\nsystem: {chips_per_package: 2}\n",
        "3:21: network.topology: 2 chips can only be joined where each is a mesh (got `crossbar`)",
    ),
    "tree on a bus": (
        "network: {topology: bus, multicast: tree}\n",
        "3:37: network.multicast: a bus joins any two tiles directly, so there is no tree (take `copies` and `star`)",
    ),
    "bus of no length": (
        "network: {topology: bus, link_cycles: 0}\n",
        "3:39: network.link_cycles: a link of a bus takes 1 to 65536 cycles (got 0)",
    ),
    "more tiles than a crossbar has ports": (
        "network: {topology: crossbar, routers: [256, 128]}\ntile: {count: 32768}\n",
        "4:15: tile.count: a crossbar takes at most 32767 tiles (got 32768)",
    ),
    "circuits over too many routers": (
        "network: {switching: circuit, routers: [33, 32]}\ntile: {count: 1056}\n",
        "3:40: network.routers: a network of circuits takes at most 1024 routers (got 33 x 32 on 1 chips)",
    ),
    "circuits with too many tiles at a router": (
        "network: {switching: circuit, routers: [1, 1], tiles_per_router: 33}\ntile: {count: 33}\n",
        "3:66: network.tiles_per_router: a network of circuits takes at most 32 tiles at a router (got 33)",
    ),
    "set-up before its time": (
        "network: {switching: circuit, setup_cycles: -1}\n",
        "3:45: network.setup_cycles: expected a whole number of at least 0 (got `-1`)",
    ),
    "topology that there is not": (
        "network: {model: flit, topology: taurus}\n",
        "3:34: network.topology: not a known choice (got `taurus`). Did you mean `torus`?",
    ),
    "ring of two rows": (
        "network: {model: flit, topology: ring}\n",
        "3:34: network.topology: a ring has one row of routers (got 2)",
    ),
    "torus on several chips": (
        "network: {model: flit, topology: torus}\nsystem: {chips_per_package: 2}\n",
        "3:34: network.topology: 2 chips can only be joined where each is a mesh (got `torus`)",
    ),
    "torus with one virtual channel": (
        "network: {model: flit, topology: torus, virtual_channels: 1}\n",
        (
            "3:59: network.virtual_channels: a torus needs 2 virtual channels, or its packets wait for each other "
            "(got 1)"
        ),
    ),
    "no room in a router": (
        "network: {model: flit, buffer_flits: 0}\n",
        "3:38: network.buffer_flits: expected a whole number from 1 to 4096 (got `0`)",
    ),
    "more channels than a router may have": (
        "network: {model: flit, virtual_channels: 11}\n",
        (
            "3:42: network.virtual_channels: 11 virtual channels at each of 6 ports (4 links, host, tiles) are more "
            "than 64, the most that the model `flit` takes"
        ),
    ),
    "link of no length": (
        "network: {model: flit, link_cycles: 0}\n",
        "3:37: network.link_cycles: a link of the model `flit` takes 1 to 65536 cycles (got 0)",
    ),
    "link between chips that is too slow": (
        "network: {model: flit}\nsystem: {chip_link: {latency: 100 us}}\n",
        (
            "4:21: system.chip_link: a flit takes 100000 cycles from chip to chip, and the model `flit` takes at most "
            "65536"
        ),
    ),
    "more routers than can be simulated": (
        "network: {model: flit, routers: [33, 32]}\ntile: {count: 1056}\n",
        "3:33: network.routers: the model `flit` takes at most 1024 routers (got 33 x 32 on 1 chips)",
    ),
    "part of a picosecond": (
        "host: {link: {latency: 0.5 ps}}\n",
        "3:24: host.link.latency: 500 fs is no whole number of picoseconds",
    ),
    "bank that does not divide the crossbars": (
        "tile:\n  adc: {crossbars: 5}\n",
        "4:20: tile.adc.crossbars: banks of 5 do not divide the 24 crossbars of a tile",
    ),
    "converters that do not divide the columns": (
        "tile:\n  adc: {converters: 5}\n",
        "4:21: tile.adc.converters: 5 converters do not divide the 512 columns of their bank",
    ),
    "cell wider than a weight": (
        "numbers:\n  weight_bits: 2\n",
        "4:16: numbers.weight_bits: a cell of 4 bits holds more than a weight of 2",
    ),
    "tiles that do not fill the grid": (
        "tile:\n  count: 3\n",
        "4:10: tile.count: 2 x 2 routers with 1 each make 4 tiles, and `tile.count` is 3",
    ),
    "more than one chip": (
        "system:\n  chips_per_package: 2\n  chip_link:\n",
        "4:22: system.chips_per_package: 2 chips need a `system.chip_link` with its bandwidth and latency to join them",
    ),
    "flip without offset cells": (
        "tile:\n  crossbar:\n    flip: true\n",
        "5:11: tile.crossbar.flip: flipped columns need `cells: offset`",
    ),
    "sign that the drivers cannot have": (
        "tile:\n  inputs:\n    sign: bipolar\n",
        (
            "5:11: tile.inputs.sign: `bit_serial` inputs cannot have this sign (got `bipolar`); "
            "one of: `twos_complement`, `two_pass`"
        ),
    ),
    "stage on a resource that does not exist": (
        STAGES + "      - {name: a, resource: vektor_unit, latency: 1 cycle}\n",
        "6:29: tables.vector.stages[0].resource: no such resource (got `vektor_unit`). Did you mean `vector_unit`?",
    ),
    "stage in a loop that does not exist": (
        STAGES + "      - {name: a, loop: phase, resource: vector_unit, latency: 1 cycle}\n",
        "6:25: tables.vector.stages[0].loop: no such loop (got `phase`); one of: `vector`",
    ),
    "loop without a stage": (
        "tables:\n  vector:\n    loops: [{name: phase, count: 4}]\n",
        "5:13: tables.vector.loops[0]: no stage runs in the loop `phase`",
    ),
    "cycles of a resource without a clock": (
        STAGES + "      - {name: a, latency: 1 cycle}\n",
        "6:28: tables.vector.stages[0].latency: a stage without a resource has no clock, so this must be a time",
    ),
    "stage that takes no time": (
        STAGES + "      - {name: a, resource: vector_unit, latency: 0 cycles}\n",
        "6:51: tables.vector.stages[0].latency: must be above 0 (got `0 cycles`)",
    ),
    "stage without a latency": (
        STAGES + "      - {name: a, resource: vector_unit}\n",
        "6:9: tables.vector.stages[0].latency: is required, and missing",
    ),
    "latency of the network": (
        "tables:\n  send:\n    stages:\n      - {name: a, resource: network, latency: 3 cycles}\n",
        "6:38: tables.send.stages[0].latency: `network` has its own; leave this out",
    ),
    "slot that does not exist": (
        STAGES + "      - {name: a, resource: vector_unit, latency: 1 cycle, releases: sample_hol}\n",
        "6:70: tables.vector.stages[0].releases: no such slot (got `sample_hol`). Did you mean `sample_hold`?",
    ),
    "slot never released": (
        STAGES + "      - {name: a, resource: vector_unit, latency: 1 cycle, acquires: input_register}\n",
        "6:70: tables.vector.stages[0].acquires: `input_register` is taken here and never released",
    ),
    "slot released before it is taken": (
        STAGES + "      - {name: a, resource: vector_unit, latency: 1 cycle, releases: input_register}\n",
        "6:70: tables.vector.stages[0].releases: `input_register` is released before it is taken",
    ),
    "slot released outside of its loop": (
        (
            "tables:\n  vector:\n    loops: [{name: phase, count: 4}]\n    stages:\n"
            "      - {name: a, loop: phase, resource: vector_unit, latency: 1 cycle, captures: sample_hold}\n"
            "      - {name: b, resource: vector_unit, latency: 1 cycle, releases: sample_hold}\n"
        ),
        "8:70: tables.vector.stages[1].releases: `sample_hold` is taken in every `phase` and released only after",
    ),
    "slot released by a stage that may be left out": (
        STAGES
        + "      - {name: a, resource: vector_unit, latency: 1 cycle, acquires: input_register}\n"
        + "      - {name: b, resource: vector_unit, latency: 1 cycle, when: final, releases: input_register}\n",
        "7:66: tables.vector.stages[1].when: a stage that is left out for partial sums may neither take nor release",
    ),
    "width that cannot be computed with": (
        "numbers: {input_bits: 1}\n",
        "3:23: numbers.input_bits: expected a whole number from 2 to 16 (got `1`)",
    ),
    "resource that this kind of op cannot book": (
        STAGES + "      - {name: a, resource: crossbar, latency: 1 cycle}\n",
        "6:29: tables.vector.stages[0].resource: `crossbar` can be booked by mvm and program alone (got `vector`)",
    ),
    "table without the stage it is for": (
        "tables:\n  send:\n    stages: []\n",
        "5:13: tables.send.stages: no stage books `network`",
    ),
    "unknown quantity": (
        STAGES + "      - {name: a, resource: vector_unit, latency: 1 cycle, per: {output_element: 16}}\n",
        (
            "6:82: tables.vector.stages[0].per.output_element: no such quantity (got `output_element`). "
            "Did you mean `output_elements`?"
        ),
    ),
    "action without a cost": (
        STAGES + "      - {name: a, resource: vector_unit, latency: 1 cycle, actions: {vector_unit.add: one}}\n",
        (
            "6:70: tables.vector.stages[0].actions.vector_unit.add: no cost for this action under `costs` "
            "(got `vector_unit.add`). Did you mean `vector_unit.op`?"
        ),
    ),
    "window reused by a stage that fetches nothing": (
        STAGES + "      - {name: a, resource: vector_unit, latency: 1 cycle, reuse: window}\n",
        "6:67: tables.vector.stages[0].reuse: only a stage of `mvm`, `vector` or `depthwise` that reads",
    ),
    "cost from an unknown reference": (
        "costs:\n  dac:\n    source: isac16.table1\n",
        "5:13: costs.dac.source: no such reference (got `isac16`). Did you mean `isaac16`?",
    ),
    "assumption without a reason": (
        "costs:\n  dac: {grade: assumed, how: ''}\n",
        "4:16: costs.dac.grade: a number graded `assumed` states the reason in `how`",
    ),
    "cost of a role": (
        "costs:\n  input_buffer: {instances_per: tile, source: isaac16, grade: published}\n",
        "4:3: costs.input_buffer: costs go by buffer, and this role is played by `scratch` (got `input_buffer`)",
    ),
    "table that does not exist": (
        "tables:\n  mvn: {stages: []}\n",
        "4:3: tables.mvn: unknown name (got `mvn`). Did you mean `mvm`?",
    ),
    "required field missing": (
        "clocks:\n  io: {crossing: 1}\n",
        "4:7: clocks.io.frequency: is required, and missing",
    ),
    "tab": ("tile:\n\tcount: 4\n", "4:1: the line is indented with a tab; YAML indents with spaces"),
    "not YAML": ("tile: {count: 4\n", "4:1: not YAML: while parsing a flow mapping expected ',' or '}'"),
}


def said_about(path: Path, *overrides: str) -> list[str]:
    """Return what loading `path` complains about, one message each, with the folder left out."""
    with pytest.raises(ConfigError) as caught:
        load_chip(path, overrides)
    return [line.replace(f"{path}:", "") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(("lines", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found_where_it_stands(tmp_path: Path, lines: str, expected: str) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text(HEAD + lines)
    said = said_about(path)

    assert len(said) == 1
    assert said[0].startswith(expected)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Each mistake of another kind: in the file, in a unit, in a name, in a combination, in what stages do."""
    path = tmp_path / "chip.yaml"
    path.write_text(
        "extends: tiny\n"  # line 1
        "clocks: {array: 100}\n"
        "tile:\n"
        "  count: 3\n"
        "  count: 4\n"
        "  croosbars: 8\n"
        "  output_buffer: scratchh\n"
        "tables:\n"
        "  vector:\n"
        "    stages:\n"
        "      - {name: a, resource: nowhere, latency: 1 CYCLE}\n"
    )

    assert [line.partition(": ")[0] for line in said_about(path)] == [
        "2:17",
        "4:10",
        "5:3",
        "6:3",
        "7:18",
        "11:29",
        "11:47",
    ]


def test_a_wrong_value_causes_no_second_complaint(tmp_path: Path) -> None:
    """How many crossbars there are is not known, so whether the banks divide them is not judged."""
    path = tmp_path / "chip.yaml"
    path.write_text("extends: tiny\ntile: {crossbars: many, adc: {crossbars: 7, converters: 7}}\n")

    assert said_about(path) == ["2:19: tile.crossbars: expected a whole number of at least 1 (got `many`)"]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (
            "tile.adc.converterrs=4",
            "--set:1:10: tile.adc.converterrs: unknown field (got `converterrs`). Did you mean `converters`?",
        ),
        ("tyle.adc.bits=4", "--set:1:1: tyle: unknown field (got `tyle`). Did you mean `tile`?"),
        ("tile.adc.bits.x=4", "--set:1:15: tile.adc.bits.x: `tile.adc.bits` has no parts"),
        ("tile.adc.bits", "--set:1:1: expected `path.to.field=value` (got `tile.adc.bits`)"),
        ("tile.adc.bits=", "--set:1:15: nothing after `=`"),
        ("tile.adc.bits=[1", "--set:1:17: not YAML: while parsing a flow sequence"),
        (
            "tables.mvm.stages.fetsh.latency=2 cycles",
            "--set:1:19: tables.mvm.stages.fetsh: no such item (got `fetsh`); there are 6. Did you mean `fetch`?",
        ),
        ("tables.mvm.stages[9].latency=2 cycles", "--set:1:18: tables.mvm.stages[9]: no such item (got `9`)"),
        (
            "clocks.array=3 GHZ",
            "--set:1:14: clocks.array.frequency: unit `GHZ` is misspelt (got `3 GHZ`). Did you mean `3 GHz`?",
        ),
    ],
)
def test_a_mistake_in_an_override_is_found_in_it(override: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_chip("tiny", [override])

    assert str(caught.value).startswith(expected)


def test_the_number_of_an_override_stands_for_its_line() -> None:
    with pytest.raises(ConfigError) as caught:
        load_chip("tiny", ["tile.adc.bits=6", "tile.adc.step=0"])

    assert str(caught.value).startswith("--set:2:15: tile.adc.step: expected `auto` or a whole number")


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(ReferenceError_, match=r"of this name \(got `tinny`\)\. Did you mean `tiny`\?"):
        load_chip("tinny")


@pytest.mark.parametrize(
    ("extends", "expected"),
    [
        ("isac", "1:10: extends: no preset or file of this name (got `isac`). Did you mean `isaac`?"),
        ("other.yaml", "1:10: extends: no such file (got `other.yaml`)"),
        ("chip.yaml", "1:10: extends: the files extend each other in a circle (got `chip.yaml`)"),
        ("3", "1:10: extends: expected a preset or a file (got `3`)"),
    ],
)
def test_a_wrong_base_is_located(tmp_path: Path, extends: str, expected: str) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text(f"extends: {extends}\n")

    assert said_about(path) == [expected]


def test_a_file_that_is_no_mapping_is_no_chip(tmp_path: Path) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text("- a\n- b\n")

    assert said_about(path) == ["1:1: expected the fields of a chip file, such as `schema: aimcsim-chip/1`"]


def test_an_almost_empty_file_is_told_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text("name: mine\n")
    said = said_about(path)

    assert said[0] == "1:1: schema: is required, and missing"
    assert all(line.endswith("is required, and missing") for line in said)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ("tile: {kount: 4}\n", UnknownFieldError),
        ("host: {link: {latency: 3}}\n", UnitError),
        ("tile: {input_buffer: x}\n", ReferenceError_),
    ],
)
def test_the_error_is_as_narrow_as_its_problems(tmp_path: Path, lines: str, error: type[ConfigError]) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text("extends: tiny\n" + lines)
    with pytest.raises(error):
        load_chip(path)


def test_no_change_of_a_file_ends_in_a_traceback(tmp_path: Path) -> None:
    """One field of a whole chip file after the other is left out or replaced by something else."""
    document = parse_document(resolved_yaml(load_chip("tiny")), "tiny")
    path = tmp_path / "chip.json"
    values: list[object] = [None, True, -1, 2.5, "", "none", [], {}, [1], {"a": 1}, "100 ns", 10**30]
    for number, target in enumerate(list(document.keys)[::7]):
        data = copy.deepcopy(document.data)
        parent = functools.reduce(lambda part, step: part[step], target[:-1], data)
        if number % 5 == 0:
            del parent[target[-1]]
        else:
            parent[target[-1]] = values[number % len(values)]
        path.write_text(json.dumps(data))  # JSON is YAML, and is quicker to write
        with contextlib.suppress(ConfigError):
            resolved_yaml(load_chip(path))
