"""Where the blocks go, and which layers may meet in one converter bank."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aimcsim.mapping import LayerShare, Placed, WeightBlock
from aimcsim.mapping.placement import crossbars_needed, place, shares, starts

COUNTS = st.lists(st.integers(1, 14), max_size=8)


def blocks_of(name: str, count: int) -> tuple[WeightBlock, ...]:
    return tuple(WeightBlock(name, index, 0, 1, index, 1, 0, 1) for index in range(count))


def layers_of(counts: list[int]) -> list[tuple[WeightBlock, ...]]:
    return [blocks_of(f"layer{number}", count) for number, count in enumerate(counts)]


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
    placed = place(layers_of([3, 5]), tile_crossbars=4, bank=2)

    assert [(one.block.layer, one.tile, one.crossbar) for one in placed] == [
        *[("layer0", 0, 0), ("layer0", 0, 1), ("layer0", 0, 2)],
        *[("layer1", 1, 0), ("layer1", 1, 1), ("layer1", 1, 2), ("layer1", 1, 3), ("layer1", 2, 0)],
    ]
    assert shares(placed, bank=2) == (
        LayerShare("layer0", 0, (0, 1, 2), (0, 1, 2), bank=0),
        LayerShare("layer1", 1, (0, 1, 2, 3), (0, 1, 2, 3), bank=0),
        LayerShare("layer1", 2, (4,), (0,), bank=0),
    )


def test_a_share_names_the_bank_it_begins_in() -> None:
    placed = place(layers_of([2, 1, 1]), tile_crossbars=6, bank=2)

    assert [(share.crossbars, share.bank) for share in shares(placed, bank=2)] == [((0, 1), 0), ((2,), 1), ((3,), 1)]


@settings(deadline=None)
@given(counts=COUNTS, bank=st.integers(1, 5), banks=st.integers(1, 4))
@example(counts=[9, 1], bank=4, banks=2)
def test_no_crossbar_holds_two_blocks_and_order_is_kept(counts: list[int], bank: int, banks: int) -> None:
    layers = layers_of(counts)
    placed = place(layers, bank * banks, bank)
    positions = [one.tile * bank * banks + one.crossbar for one in placed]

    assert [one.block for one in placed] == [block for layer in layers for block in layer]
    assert all(earlier < later for earlier, later in pairwise(positions))
    assert all(0 <= one.crossbar < bank * banks for one in placed)
    assert crossbars_needed(counts, bank) == (positions[-1] + 1 if positions else 0)


@settings(deadline=None)
@given(counts=COUNTS, bank=st.integers(1, 5), banks=st.integers(1, 4))
@example(counts=[9, 1], bank=4, banks=2)
def test_a_layer_of_several_banks_shares_none_of_them(counts: list[int], bank: int, banks: int) -> None:
    placed = place(layers_of(counts), bank * banks, bank)
    bank_of = {one: (one.tile, one.crossbar // bank) for one in placed}
    banks_of_layer = {
        one.block.layer: {bank_of[o] for o in placed if o.block.layer == one.block.layer} for one in placed
    }

    for one in placed:
        others = {other.block.layer for other in placed if bank_of[other] == bank_of[one]} - {one.block.layer}
        assert len(banks_of_layer[one.block.layer]) == 1 or not others


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
def test_the_shares_hold_every_block_once(counts: list[int], bank: int, banks: int) -> None:
    placed = place(layers_of(counts), bank * banks, bank)

    assert placed == tuple(
        Placed(blocks[index], share.tile, crossbar)
        for share in shares(placed, bank)
        for blocks in [blocks_of(share.layer, counts[int(share.layer.removeprefix("layer"))])]
        for index, crossbar in zip(share.blocks, share.crossbars, strict=True)
    )
    for share in shares(placed, bank):
        assert share.bank == share.crossbars[0] // bank
        assert share.crossbars[0] % bank == 0 or share.crossbars[-1] // bank == share.bank


@pytest.mark.parametrize("bank", [1, 3])
def test_no_layers_need_no_crossbars(bank: int) -> None:
    assert crossbars_needed([], bank) == 0
    assert place([], 3, bank) == ()
