"""Are kernel and twin equal, and a batch and every way of running it step by step?"""

import os
from dataclasses import astuple

import numpy as np
import pytest

from aimcsim.network import CircuitNetwork, FlitNetwork, PacketNetwork
from tests.network.random_networks import circuits_of, draw

SEEDS = range(24)
KINDS = [FlitNetwork, PacketNetwork, CircuitNetwork]


def build(kind, drawn):
    if kind is CircuitNetwork:
        return circuits_of(drawn)
    if kind is PacketNetwork:
        return PacketNetwork(drawn.fabric, drawn.router)
    return FlitNetwork(drawn.fabric, drawn.router, tie_seed=drawn.tie_seed)


def batch(kind, drawn):
    network = build(kind, drawn)
    network.offer_many(*drawn.packets)
    return network, network.drain()


def figures(network):
    """Everything that a network records."""
    return [*astuple(network.packets()), *astuple(network.links())]


def same(one, other):
    return all((a == b).all() for a, b in zip(figures(one), figures(other), strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_kernel_and_twin_are_equal(kind, seed, monkeypatch):
    if os.environ.get("AIMCSIM_NO_EXT") == "1":
        pytest.skip("only the twin was asked for")
    drawn = draw(seed)
    kernel, gone = batch(kind, drawn)
    monkeypatch.setenv("AIMCSIM_NO_EXT", "1")
    twin, gone_too = batch(kind, drawn)

    assert type(kernel._kernel).__name__ != type(twin._kernel).__name__
    assert same(kernel, twin)
    assert [list(column) for column in gone] == [list(column) for column in gone_too]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_steps_give_what_a_batch_gives(kind, seed, implementation):
    """Advance by 1 to 500 cycles, offering each packet only in the step that contains its creation."""
    drawn, rng = draw(seed, 60), np.random.default_rng(seed)
    whole, gone = batch(kind, drawn)
    network, ids, cycles = build(kind, drawn), [], []
    packets = drawn.packets.T.tolist()
    while packets or network.inside:
        until = network.cycle + int(rng.integers(1, 40) if rng.random() < 0.9 else 500)
        while packets and packets[0][0] < until:
            network.offer(*packets.pop(0))
        left = network.advance(until)
        assert network.cycle == until
        assert (left.cycles < until).all()
        ids += left.ids.tolist()
        cycles += left.cycles.tolist()
    assert (ids, cycles) == (gone.ids.tolist(), gone.cycles.tolist())
    assert same(network, whole)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_simulation_that_looks_ahead_gives_what_a_batch_gives(kind, seed, implementation):
    """As docs/network.md says: up to the next foreign event or ejection, packets offered in their own cycle."""
    drawn = draw(seed, 60)
    whole, gone = batch(kind, drawn)
    network, ids = build(kind, drawn), []
    packets = drawn.packets.T.tolist()
    while packets or network.inside:
        limit = packets[0][0] if packets else 1 << 40
        left = network.advance_to_ejection(limit) if limit > network.cycle else []
        ids += left
        if left:
            assert {int(network.packets(which, which + 1).tail_eject[0]) for which in left} == {network.cycle}
        while packets and packets[0][0] == network.cycle:
            network.offer(*packets.pop(0))
    assert ids == gone.ids.tolist()
    assert same(network, whole)


def test_an_answer_enters_in_the_cycle_in_which_its_question_left(implementation):
    """A packet over one link leaves in cycle 8; offered then, the answer takes as long: it leaves in cycle 16."""
    from aimcsim.network import Router, mesh

    network = FlitNetwork(mesh(2, 1), Router(1, 8))
    network.offer(0, 0, 1, 1)
    assert (network.advance_to_ejection(100), network.cycle) == ([0], 8)
    network.offer(8, 1, 0, 1)
    assert (network.advance_to_ejection(100), network.cycle) == ([1], 16)
    assert (network.advance_to_ejection(100), network.cycle) == ([], 100)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_happens_before_the_next_event(kind, implementation):
    """Up to that cycle records stay as they are, and an empty network has none."""
    for seed in range(4):
        network = build(kind, draw(seed, 40))
        assert network.next_event_cycle() is None
        network.offer_many(*draw(seed, 40).packets)
        while (event := network.next_event_cycle()) is not None:
            before = figures(network)
            network.advance(event)
            assert all((a == b).all() for a, b in zip(before, figures(network), strict=True))
            network.advance(event + 1)
        assert network.inside == 0
