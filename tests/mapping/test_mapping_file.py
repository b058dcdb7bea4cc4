"""Mapping files: what is written comes back the same, and what does not fit is found where it stands."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimcsim.errors import CapacityError, ConfigError
from aimcsim.mapping import Mapping, MappingPolicy, load_mapping, map_workload, mapping_yaml
from aimcsim.spec import ChipFile
from aimcsim.workload.graph import Workload

MakeWorkload = Callable[..., Workload]
MakeChip = Callable[..., ChipFile]


def read_back(text: str, path: Path, network: Workload, chip: ChipFile) -> Mapping:
    path.write_text(text)
    return load_mapping(path, network, chip)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shapes=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 30), st.integers(1, 20)), min_size=1, max_size=4),
    policy=st.builds(
        MappingPolicy,
        pack=st.sampled_from(["none", "crossbar"]),
        budget=st.sampled_from([None, "all"]),
        placement=st.sampled_from(["in-order", "snake", "traffic"]),
    ),
    bank=st.sampled_from([1, 2, 4]),
)
def test_a_mapping_comes_back_as_it_was_written(
    matrix_network: MakeWorkload,
    make_chip: MakeChip,
    tmp_path: Path,
    shapes: list[tuple[int, int, int]],
    policy: MappingPolicy,
    bank: int,
) -> None:
    network, chip = matrix_network(*shapes), make_chip(tiles=5, crossbars=8, bank=bank, rows=16, cols=32)
    try:
        mapping = map_workload(network, chip, policy)
    except CapacityError:
        return

    assert read_back(mapping_yaml(mapping, network, chip), tmp_path / "mapping.yaml", network, chip) == mapping


HEAD = "schema: aimcsim-mapping/1\nlayers:\n"
M0 = "  m0: {home: 0, parts: [{tile: 0, blocks: 0..2, crossbars: 0..2}]}\n"
M1 = "  m1: {parts: [{tile: 1, blocks: 0, crossbars: 3}]}\n"

MISTAKES = {
    "no schema": ("layers: {}\n", ["1:1: schema: a mapping file begins with `schema: aimcsim-mapping/1` (got `None`)"]),
    "unknown layer": (
        HEAD + M0 + M1 + "  m2: {parts: []}\n",
        ["5:3: layers.m2: `net` has no such layer (got `m2`); one of: `m0`, `m1`"],
    ),
    "missing layer": (HEAD + M0, ["3:3: layers: layer `m1` is missing; every layer with weights needs a place"]),
    "unknown field": (
        HEAD + M0 + "  m1: {parts: [{tile: 1, blocks: 0, crossbar: 3}]}\n",
        [
            "4:16: layers.m1.parts[0]: the field `crossbars` is missing",
            "4:37: layers.m1.parts[0].crossbar: unknown field (got `crossbar`). Did you mean `crossbars`?",
        ],
    ),
    "tile out of range": (
        HEAD + M0 + "  m1: {home: 9, parts: [{tile: 2, blocks: 0, crossbars: 3}]}\n",
        [
            "4:14: layers.m1.home: there is no such tile (got `9`); 0 to 1 are possible",
            "4:32: layers.m1.parts[0].tile: there is no such tile (got `2`); 0 to 1 are possible",
        ],
    ),
    "crossbar out of range": (
        HEAD + M0 + "  m1: {parts: [{tile: 1, blocks: 0, crossbars: 4}]}\n",
        ["4:48: layers.m1.parts[0].crossbars: there is no such crossbar (got `4`); 0 to 3 are possible"],
    ),
    "crossbars out of range": (
        HEAD + "  m0: {parts: [{tile: 0, blocks: 0..2, crossbars: 2..4}]}\n" + M1,
        ["3:51: layers.m0.parts[0].crossbars: expected a number, `first..last` or a list, within 0 to 3 (got `2..4`)"],
    ),
    "not a number": (
        HEAD + M0 + "  m1: {parts: [{tile: one, blocks: 0, crossbars: 3}]}\n",
        ["4:23: layers.m1.parts[0].tile: there is no such tile (got `one`); 0 to 1 are possible"],
    ),
    "as many crossbars as blocks": (
        HEAD + "  m0: {parts: [{tile: 0, blocks: 0..2, crossbars: 0..1}]}\n" + M1,
        ["3:51: layers.m0.parts[0].crossbars: must be consecutive, one for each of 3 blocks (got 2)"],
    ),
    "a block without a place": (
        HEAD + "  m0: {parts: [{tile: 0, blocks: [0, 2], crossbars: 0..1}]}\n" + M1,
        ["3:15: layers.m0.parts: block 1 of the layer has no place"],
    ),
    "a block with two places": (
        HEAD + M0.replace("]}", ", {tile: 1, blocks: 2, crossbars: 0}]}") + M1,
        ["3:24: layers.m0.parts: block 2 of the layer has two places"],
    ),
    "a replica that is not whole": (
        HEAD + M0.replace("]}", ", {replica: 1, tile: 1, blocks: 0, crossbars: 0}]}") + M1,
        ["there is no such replica (got `1`); 0 to 0 are possible"],
    ),
    "overlapping blocks": (
        HEAD + M0 + "  m1: {parts: [{tile: 0, blocks: 0, crossbars: 2, corner: [4, 0]}]}\n",
        ["4:16: layers.m1.parts[0]: shares a crossbar with a part of several, read together, of `m0` (line 3)"],
    ),
    "beyond the crossbar": (
        HEAD + M0 + "  m1: {parts: [{tile: 1, blocks: 0, crossbars: 2, corner: [4, 8]}]}\n",
        ["4:59: layers.m1.parts[0].corner: reaches beyond 16 x 32 (got 8 x 32 cells from [4, 8])"],
    ),
    "no parts": (
        HEAD + M0 + "  m1: {parts: 3}\n",
        ["4:15: layers.m1.parts: expected a list of parts (got `3`)"],
    ),
    "not a layer": (HEAD + M0 + "  m1: here\n", ["4:7: layers.m1: expected fields (got `here`)"]),
    "no YAML": ("schema: [", ["not YAML"]),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found_where_it_stands(
    matrix_network: MakeWorkload, make_chip: MakeChip, tmp_path: Path, text: str, expected: list[str]
) -> None:
    # Crossbars of 16 x 32 hold 8 weights a row. m0: 48 x 8 is 3 blocks; m1: 8 x 8 is one of 8 x 32 cells.
    network = matrix_network((1, 48, 8), (1, 8, 8))
    chip = make_chip(tiles=2, crossbars=4, rows=16, cols=32)

    with pytest.raises(ConfigError) as caught:
        read_back(text, tmp_path / "mapping.yaml", network, chip)

    said = [str(problem).replace(f"{tmp_path}/mapping.yaml:", "") for problem in caught.value.problems]
    for message in expected:
        assert any(message in one for one in said), said


def test_cells_taken_twice_in_a_shared_crossbar_are_found(
    matrix_network: MakeWorkload, make_chip: MakeChip, tmp_path: Path
) -> None:
    # Two blocks of 8 x 32 cells: side by side from rows 0 and 8, but not from rows 0 and 7.
    network, chip = matrix_network((1, 8, 8), (1, 8, 8)), make_chip(rows=16, cols=32)
    part = "  {}: {{parts: [{{tile: 0, blocks: 0, crossbars: 0, corner: [{}, 0]}}]}}\n"
    text = HEAD + part.format("m0", 0) + part.format("m1", 8)

    shared = read_back(text, tmp_path / "mapping.yaml", network, chip)
    assert shared.crossbars_used == 1
    with pytest.raises(ConfigError, match=r"4:16: layers.m1.parts\[0\]: takes cells of `m0` \(line 3\)"):
        read_back(text.replace("[8, 0]", "[7, 0]"), tmp_path / "mapping.yaml", network, chip)


def test_a_bank_of_a_part_of_several_banks_is_its_own(
    matrix_network: MakeWorkload, make_chip: MakeChip, tmp_path: Path
) -> None:
    # Banks of 2: m0 takes crossbars 0 to 2, so bank 1 with crossbar 3 belongs to it alone.
    network, chip = matrix_network((1, 48, 8), (1, 8, 8)), make_chip(tiles=2, crossbars=4, bank=2, rows=16, cols=32)
    with pytest.raises(ConfigError, match="is in a converter bank of a part of several banks, of `m0`"):
        read_back(HEAD + M0 + M1.replace("tile: 1", "tile: 0"), tmp_path / "mapping.yaml", network, chip)
    with pytest.raises(ConfigError, match=r"must begin with one, a multiple of 2 \(got 1\)"):
        read_back(HEAD + M0.replace("crossbars: 0..2", "crossbars: 1..3") + M1, tmp_path / "m.yaml", network, chip)
