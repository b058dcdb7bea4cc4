"""What is said when a network does not fit, and that it is true."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimcsim.errors import CapacityError
from aimcsim.mapping import Lever, MappingPolicy, cut, levers, map_workload, matrices
from aimcsim.spec import ChipFile, load_chip
from aimcsim.workload.graph import Workload

MakeWorkload = Callable[..., Workload]
MakeChip = Callable[..., ChipFile]


def counted(workload: Workload, chip: ChipFile) -> int:
    """Return the crossbars needed, found by cutting every layer and walking from crossbar to crossbar."""
    bank, position = chip.tile.adc.crossbars, 0
    for name, shape in matrices(workload).items():
        blocks = len(cut(name, shape, chip))
        while (position % bank) + blocks > bank and position % bank:
            position += 1
        end = position = position + blocks
        while blocks > bank and position % bank:
            position += 1
    return end


def fits(workload: Workload, chip: ChipFile, policy: MappingPolicy | None = None) -> bool:
    try:
        map_workload(workload, chip, policy)
    except CapacityError:
        return False
    return True


def pulled(lever: Lever, overrides: list[str]) -> ChipFile:
    """Return the chip `tiny` with `overrides` and the lever, by the door that users take."""
    grid = [f"network.routers=[{lever.after}, 1]"] * (lever.path == "tile.count")
    return load_chip("tiny", [*overrides, f"{lever.path}={lever.after}", *grid])


def test_the_error_says_where_what_and_which_levers_there_are(matrix_network: MakeWorkload) -> None:
    # tiny has 4 tiles of 24 crossbars, 16 weights a row. K = 640 is 10 row blocks, N = 160 is 10 column blocks: 100.
    # 128 rows: 5 * 10 = 50. 128 columns: 10 * 5 = 50. Cells of 5 or 6 bits still need 2 slices for 7 magnitude bits,
    # of 7 bits one: 32 weights a row, 10 * 5. Weights of 7, 6 bits keep 2 slices (6 and 5 bits in cells of 4), of 5
    # bits 1. Offset cells: 8 bits in 2 slices without a pair, 32 weights a row.
    with pytest.raises(CapacityError) as caught:
        map_workload(matrix_network((1, 640, 160)), load_chip("tiny"))

    (problem,) = caught.value.problems
    assert problem.path == "tile.crossbars"
    assert problem.file.endswith("tiny.yaml")
    assert problem.message == (
        "workload `net` needs 100 crossbars of 64 x 64, the chip has 96 (4 tiles x 24); levers: "
        "tile.count 4 -> 5 with network.routers (needs 100 of 120, fits); "
        "tile.crossbars 24 -> 32 (needs 100 of 128, fits); "
        "system.chips_per_package 1 -> 2 (needs 100 of 192, fits); "
        "tile.crossbar.rows 64 -> 128 (needs 50 of 96, fits); "
        "tile.crossbar.cols 64 -> 128 (needs 50 of 96, fits); "
        "tile.crossbar.cell_bits 4 -> 7 (needs 50 of 96, fits); "
        "numbers.weight_bits 8 -> 5 (needs 50 of 96, fits); "
        "tile.crossbar.cells differential -> offset (needs 50 of 96, fits)"
    )
    assert caught.value.exit_code == 2


def test_a_lever_that_is_not_enough_says_so(matrix_network: MakeWorkload) -> None:
    # 1000 x 160 on one tile of 24: 16 * 10 = 160 blocks. Wider cells leave one slice at best, 16 * 5 = 80.
    found = {lever.path: lever for lever in levers(matrix_network((1, 1000, 160)), load_chip("tiny", one_tile_of(24)))}

    cell_bits = found["tile.crossbar.cell_bits"]
    assert (cell_bits.after, cell_bits.needed, cell_bits.fits) == (7, 80, False)
    assert str(cell_bits) == "tile.crossbar.cell_bits 4 -> 7 (needs 80 of 24, still too many)"
    # 256 rows would still need 4 * 10, 512 rows 2 * 10; 512 columns hold 128 of the 160 outputs, 1024 all: 16 * 1.
    assert (found["tile.crossbar.rows"].after, found["tile.crossbar.rows"].needed) == (512, 20)
    assert (found["tile.crossbar.cols"].after, found["tile.crossbar.cols"].needed) == (1024, 16)


def one_tile_of(crossbars: int) -> list[str]:
    return ["network.routers=[1, 1]", "tile.count=1", f"tile.crossbars={crossbars}"]


def test_crossbars_left_free_for_the_sake_of_banks_are_named_with_their_lever(matrix_network: MakeWorkload) -> None:
    # Banks of 4 on one tile of 8. Layers of 3, 3 and 2 blocks (K = 192, 192, 128): [aaa.] [bbb.] [cc], that is 10 of
    # which 2 stay free. With a bank for each crossbar the three need 8 and fit.
    network = matrix_network((1, 192, 16), (1, 192, 16), (1, 128, 16))
    chip = load_chip("tiny", [*one_tile_of(8), "tile.adc.crossbars=4"])

    with pytest.raises(CapacityError, match=r"needs 10 crossbars of 64 x 64 \(2 of them left free, ") as caught:
        map_workload(network, chip)

    assert "tile.adc.crossbars 4 -> 1 (needs 8 of 8, fits)" in str(caught.value)
    assert "tile.crossbars 8 -> 12 (needs 10 of 12, fits)" in str(caught.value)  # whole banks


def test_what_fits_names_no_crossbars_to_add(matrix_network: MakeWorkload, make_chip: MakeChip) -> None:
    assert levers(matrix_network((1, 64, 16)), make_chip()) == ()


def test_no_lever_is_named_that_the_chip_file_would_refuse(matrix_network: MakeWorkload) -> None:
    # 128 converters serve the 128 columns of a bank of two crossbars, not the 64 of a bank of one.
    shared = ["tile.adc.crossbars=2", "tile.adc.converters=128"]
    network = matrix_network((1, 192, 16), (1, 192, 16), (1, 192, 16), (1, 192, 16))
    found = levers(network, load_chip("tiny", [*one_tile_of(8), *shared]))

    assert "tile.adc.crossbars" not in {lever.path for lever in found}


CHIPS = st.fixed_dictionaries(
    {
        "tile.crossbar.rows": st.sampled_from([8, 12, 16]),
        "tile.crossbar.cols": st.sampled_from([16, 24, 32]),
        "tile.crossbar.cell_bits": st.integers(2, 8),
        "tile.crossbar.cells": st.sampled_from(["differential", "offset"]),
        "tile.crossbars": st.sampled_from([6, 12]),
        "tile.adc.crossbars": st.sampled_from([1, 2, 3]),
        "tile.adc.converters": st.sampled_from([1, 2, 32]),
    }
)
NETWORKS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 60), st.integers(1, 40)), min_size=1, max_size=5)


@given(shapes=NETWORKS, fields=CHIPS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_every_number_of_every_lever_is_what_pulling_it_gives(
    matrix_network: MakeWorkload, shapes: list[tuple[int, int, int]], fields: dict[str, int | str]
) -> None:
    network = matrix_network(*shapes)
    overrides = [*one_tile_of(6), *(f"{path}={value}" for path, value in fields.items())]
    try:
        chip = load_chip("tiny", overrides)
    except ValueError:  # converters that do not divide the columns
        return
    for lever in levers(network, chip):
        if lever.path == "--pack":
            assert lever.needed < counted(network, chip)
            assert lever.fits == fits(network, chip, MappingPolicy(pack="crossbar"))
            continue
        changed = pulled(lever, overrides)
        assert lever.needed == counted(network, changed)
        assert lever.capacity == changed.system.chips_per_package * changed.tile.count * changed.tile.crossbars
        assert lever.fits == fits(network, changed)
        assert lever.needed < counted(network, chip) or lever.capacity > chip.tile.count * chip.tile.crossbars


@given(shapes=NETWORKS, bank=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_fewer_tiles_or_crossbars_than_named_are_not_enough(
    matrix_network: MakeWorkload, make_chip: MakeChip, shapes: list[tuple[int, int, int]], bank: int
) -> None:
    network = matrix_network(*shapes)
    chip = make_chip(tiles=2, crossbars=2 * bank, rows=8, cols=16, bank=bank)
    named = {
        lever.path: int(lever.after)
        for lever in levers(network, chip)
        if lever.path in ("tile.count", "tile.crossbars")
    }

    assert ("tile.count" in named) == ("tile.crossbars" in named) == (not fits(network, chip))
    if "tile.count" in named:
        assert not fits(
            network, make_chip(tiles=named["tile.count"] - 1, crossbars=2 * bank, rows=8, cols=16, bank=bank)
        )
        less = named["tile.crossbars"] - bank
        assert not fits(network, make_chip(tiles=2, crossbars=less, rows=8, cols=16, bank=bank))
