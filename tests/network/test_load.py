"""Does synthetic traffic go where its pattern says, as often as asked, and is saturation where it must be?"""

from itertools import islice

import numpy as np
import pytest

from aimcsim.errors import ConfigError
from aimcsim.network import FlitNetwork, PacketNetwork, Router, mesh
from aimcsim.network.load import Offer, Window, measure, saturation
from aimcsim.network.traffic import BLOCK_CYCLES, PATTERNS, Layout, bernoulli, largest_rate

pytestmark = pytest.mark.usefixtures("compiled")
SQUARE = Layout(4, 4)


@pytest.mark.parametrize("name", PATTERNS)
def test_shares_of_a_source_add_up(name):
    shares = PATTERNS[name](SQUARE)
    sums = shares.sum(axis=1)
    assert ((sums == 0) | (np.abs(sums - 1) < 1e-12)).all()


def test_patterns_go_where_their_names_say():
    """On 4x4, endpoint 6 is column 2 of row 1: transposed 2 * 4 + 1; its neighbour 7, that of 7 is 4."""

    def targets(name, source):
        return np.flatnonzero(PATTERNS[name](SQUARE)[source]).tolist()

    assert targets("transpose", 6) == [9]
    assert (targets("neighbour", 6), targets("neighbour", 7)) == ([7], [4])
    assert targets("gather", 6) == [0]
    assert (targets("scatter", 6), len(targets("scatter", 0))) == ([], 16)
    hot = PATTERNS["hotspot"](Layout(8, 8))[0]
    assert np.flatnonzero(hot == hot.max()).tolist() == [27, 28, 35, 36]
    assert hot.max() / hot.min() == pytest.approx(5)


def test_packets_are_created_as_often_as_asked():
    """Rate .4 in packets of 4: .1 packets a cycle of each of 16; 20 000 cycles, so 32 000 with a deviation of 170."""
    blocks = list(islice(bernoulli(PATTERNS["uniform"](SQUARE), 0.4, 4, np.random.default_rng(0)), 200))
    create, src, dst, flits = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    assert abs(len(create) - 32_000) < 4 * 170
    assert (np.diff(create) >= 0).all()
    assert create.max() < 200 * BLOCK_CYCLES
    counts = np.bincount(src * 16 + dst, minlength=256)
    assert abs(counts - 125).max() < 5 * np.sqrt(125)
    assert set(flits.tolist()) == {4}


@pytest.mark.parametrize(
    ("name", "most"),
    [("uniform", 1.0), ("transpose", 1 / 3), ("gather", 1 / 16), ("scatter", 1.0), ("neighbour", 1.0)],
)
def test_the_busiest_link_bounds_the_rate(name, most):
    """4x4: uniform .25 x 4 x 2 x 2 / 4 over each middle link = 1; transpose 3 over one; gather 16 into one; else 1."""
    assert largest_rate(mesh(4, 4), PATTERNS[name](SQUARE)) == pytest.approx(most)


def test_a_gather_saturates_where_its_link_is_full():
    """Sixteen sources into one link: 1/16; latency is three times that at none a little before."""
    offer = Offer(PATTERNS["gather"](SQUARE), 1, 0, Window(3000, 10_000))
    found = saturation(lambda: FlitNetwork(mesh(4, 4)), offer)
    assert 0.9 / 16 < found < 1.03 / 16


def test_a_network_below_saturation_is_stable_and_above_it_is_not():
    """Links of a 4x4 mesh carry .5 in the middle at a rate of .5, and accept what is offered; at .95 they cannot."""
    offer = Offer(PATTERNS["uniform"](SQUARE), 4, 0, Window(2000, 6000))
    below, above = (measure(FlitNetwork(mesh(4, 4)), offer, rate) for rate in (0.4, 0.95))
    assert below.stable
    assert not above.stable
    assert below.accepted == pytest.approx(0.4, rel=0.03)
    assert above.accepted < 0.8
    assert below.max_link_utilisation == pytest.approx(0.4, rel=0.1)
    assert below.p50 <= below.mean_latency <= below.p99


def test_an_idle_network_takes_what_an_empty_one_does():
    """4x4 uniform with itself, 4 flits: 2.5 links on average, so 3 + 3.5 x 2 + 2.5 + 3 = 15.5; little more at .01."""
    offer = Offer(PATTERNS["uniform"](SQUARE), 4, 0, Window(3000, 60_000))
    for kind in (FlitNetwork, PacketNetwork):
        assert measure(kind(mesh(4, 4), Router()), offer, 0.01).mean_latency == pytest.approx(15.5, rel=0.02)


@pytest.mark.parametrize("rate", [0, -0.1, 1.01, float("nan")])
def test_rates_that_no_source_can_have_are_refused(rate):
    with pytest.raises(ConfigError, match="a rate is above 0 and at most 1 flit a cycle"):
        measure(FlitNetwork(mesh(2, 2)), Offer(PATTERNS["uniform"](Layout(2, 2)), 1), rate)


def test_a_window_without_packets_and_a_transpose_without_square_are_refused():
    with pytest.raises(ConfigError, match="no packet is created within 100 cycles at a rate of 1e-09"):
        measure(FlitNetwork(mesh(2, 2)), Offer(PATTERNS["uniform"](Layout(2, 2)), 1, 0, Window(0, 100)), 1e-9)
    with pytest.raises(ConfigError, match=r"needs a square of endpoints \(got 4x2\)"):
        PATTERNS["transpose"](Layout(4, 2))
