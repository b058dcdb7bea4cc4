"""Where the blocks go, and which layers may meet in one converter bank."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aimcsim.mapping import LayerShare
from aimcsim.mapping.placement import Part, Piece, crossbars_needed, shares, starts

COUNTS = st.lists(st.integers(1, 14), max_size=8)


def shared_out(counts: list[int], tile_crossbars: int, bank: int) -> tuple[LayerShare, ...]:
    """Return the shares of layers `0`, `1`, ... of so many blocks each."""
    pieces = [Piece(count, (Part(str(layer), 0, range(count)),)) for layer, count in enumerate(counts)]
    return tuple(shares(pieces, tile_crossbars, bank))


def places(on_tiles: tuple[LayerShare, ...]) -> list[tuple[str, int, int, int]]:
    """Return layer, block, tile and crossbar of every block."""
    return [
        (share.layer, block, share.tile, crossbar)
        for share in on_tiles
        for block, crossbar in zip(share.blocks, share.crossbars, strict=True)
    ]


def test_layers_follow_each_other_where_every_crossbar_has_its_own_bank() -> None:
    assert starts([3, 1, 4], bank=1) == [0, 3, 4]
    assert crossbars_needed([3, 1, 4], bank=1) == 8


def test_a_layer_that_does_not_fit_what_is_left_of_a_bank_begins_the_next() -> None:
    # Banks of 4: [aaab] [cc..] [dddd dd..] [e...]. b fits beside a; d takes two banks, so it leaves c's alone and e may
    # not use the rest of its second.
    assert starts([3, 1, 2, 6, 1], bank=4) == [0, 3, 4, 8, 16]
    assert crossbars_needed([3, 1, 2, 6, 1], bank=4) == 17


def test_a_layer_of_exactly_one_bank_fits_it() -> None:
    assert starts([4, 4, 8, 1], bank=4) == [0, 4, 8, 16]


def test_a_layer_goes_on_with_the_first_crossbar_of_the_next_tile() -> None:
    # Tiles of 4 crossbars, banks of 2: a takes [0:0 0:1] and 0:2; that was a layer of two banks, so 0:3 stays free.
    assert shared_out([3, 5], tile_crossbars=4, bank=2) == (
        LayerShare("0", 0, range(3), range(3), bank=0),
        LayerShare("1", 1, range(4), range(4), bank=0),
        LayerShare("1", 2, range(4, 5), range(1), bank=0),
    )


def test_a_share_names_the_bank_it_begins_in() -> None:
    on_tiles = shared_out([2, 1, 1], tile_crossbars=6, bank=2)

    assert [(share.crossbars, share.bank) for share in on_tiles] == [(range(2), 0), (range(2, 3), 1), (range(3, 4), 1)]


@settings(deadline=None)
@given(counts=COUNTS, bank=st.integers(1, 5), banks=st.integers(1, 4))
@example(counts=[9, 1], bank=4, banks=2)
def test_no_crossbar_holds_two_blocks_and_order_is_kept(counts: list[int], bank: int, banks: int) -> None:
    found = places(shared_out(counts, bank * banks, bank))
    positions = [tile * bank * banks + crossbar for _, _, tile, crossbar in found]

    blocks = [(str(layer), block) for layer, count in enumerate(counts) for block in range(count)]
    assert [one[:2] for one in found] == blocks
    assert all(earlier < later for earlier, later in pairwise(positions))
    assert all(0 <= crossbar < bank * banks for _, _, _, crossbar in found)
    assert crossbars_needed(counts, bank) == (positions[-1] + 1 if positions else 0)


@settings(deadline=None)
@given(counts=COUNTS, bank=st.integers(1, 5), banks=st.integers(1, 4))
@example(counts=[9, 1], bank=4, banks=2)
def test_a_layer_of_several_banks_shares_none_of_them(counts: list[int], bank: int, banks: int) -> None:
    layers_in: dict[tuple[int, int], set[str]] = {}
    banks_of: dict[str, set[tuple[int, int]]] = {}
    for layer, _, tile, crossbar in places(shared_out(counts, bank * banks, bank)):
        layers_in.setdefault((tile, crossbar // bank), set()).add(layer)
        banks_of.setdefault(layer, set()).add((tile, crossbar // bank))

    for where, layers in layers_in.items():
        assert len(layers) == 1 or all(banks_of[layer] == {where} for layer in layers)


@settings(deadline=None)
@given(counts=COUNTS, bank=st.integers(1, 5))
def test_no_layer_could_begin_earlier(counts: list[int], bank: int) -> None:
    """Compare with trying every crossbar after the layer before, against the rule as its sentences say it."""
    owners: dict[int, set[int]] = {}  # bank -> layers
    sizes: list[int] = []
    position = 0
    for layer, count in enumerate(counts):
        while not allowed(position, count, bank, owners, sizes):
            position += 1
        assert starts(counts, bank)[layer] == position
        for crossbar in range(position, position + count):
            owners.setdefault(crossbar // bank, set()).add(layer)
        position += count
        sizes.append(count)


def allowed(first: int, count: int, bank: int, owners: dict[int, set[int]], sizes: list[int]) -> bool:
    """Whether a layer may take `count` crossbars from `first`, all of them free."""
    touched = {crossbar // bank for crossbar in range(first, first + count)}
    present = {layer for one in touched for layer in owners.get(one, ())}
    several = count > bank
    if several or len(touched) > 1:
        return first % bank == 0
    return all(sizes[layer] <= bank for layer in present)


@settings(deadline=None)
@given(counts=COUNTS, bank=st.integers(1, 5), banks=st.integers(1, 4))
def test_a_share_lies_in_one_bank_or_begins_with_one(counts: list[int], bank: int, banks: int) -> None:
    for share in shared_out(counts, bank * banks, bank):
        assert share.bank == share.crossbars[0] // bank
        assert share.crossbars[0] % bank == 0 or share.crossbars[-1] // bank == share.bank


@pytest.mark.parametrize("bank", [1, 3])
def test_no_layers_need_no_crossbars(bank: int) -> None:
    assert crossbars_needed([], bank) == 0
    assert shared_out([], 3, bank) == ()
