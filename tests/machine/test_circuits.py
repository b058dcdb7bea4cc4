"""Machines on a bus, a crossbar or circuits: are ways, records, energy and figures of their links right?"""

import numpy as np
import pytest

from aimcsim import load_chip, simulate
from aimcsim.chip import Chip
from aimcsim.engine import Environment, System
from aimcsim.network import HOST
from aimcsim.spec.nameplate import nameplate
from tests.machine.test_flit_networks import FLIT

BUS, CROSSBAR, CIRCUIT = "network.topology=bus", "network.topology=crossbar", "network.switching=circuit"


def chip_with(*overrides):
    """Return `tiny` (2 x 2 routers of 3 cycles, links of 1, flits of 32 bits, as much header) with some changes."""
    return Chip(System(Environment()), load_chip("tiny", list(overrides)))


@pytest.mark.parametrize(
    ("overrides", "cycles", "links"),
    [
        # 12 bytes and their header are 4 flits: 3 cycles behind the head. A set-up of 5 where there is one.
        ((), 4 * 1 + 3 * 3 + 3, 4),  # from 0 to 3, packets: in, two links, out, and three routers
        ((CIRCUIT, "network.setup_cycles=5"), 5 + 4 * 1 + 3 * 3 + 3, 4),
        ((CROSSBAR, "network.setup_cycles=5"), 5 + 2 * 1 + 3 + 3, 2),
        ((BUS, "network.setup_cycles=5"), 5 + 1 + 3, 1),
        ((BUS, "network.hold_cycles=40"), 1 + 1 + 39, 1),
    ],
)
@pytest.mark.parametrize("model", ["packet", "ideal"])
def test_a_lone_packet_takes_set_up_links_routers_and_flits(overrides, cycles, links, model):
    network = chip_with(f"network.model={model}", *overrides).interconnect
    assert sum(hop.latency.amounts[0] for hop in network.hops(0, 3, 12)) == cycles
    assert network.crossings(0, 3) == (links, 0)


def test_the_host_is_one_more_endpoint():
    """Over the bus as any other; into the crossbar by a port of its own."""
    assert chip_with(BUS).interconnect.crossings(HOST, 3) == (1, 0)
    names = [link.path for link in chip_with(CROSSBAR).links]
    assert names[:2] == ["chip.tile[0].eject", "chip.tile[1].eject"]
    assert {"host.eject", "host.inject", "chip.tile[3].inject"} < set(names)
    assert len(names) == 2 * 5


@pytest.mark.parametrize(("choice", "ways"), [(BUS, 1), (CROSSBAR, 2), (CIRCUIT, None)])
def test_every_flit_is_counted_and_paid_for_on_every_link(choice, ways):
    """The same packets as in the model `flit`: as many flits leave; each is paid for once on each link of its way."""
    run, flits = (simulate("tiny", "digits_cnn", requests=2, overrides=[one]) for one in (choice, FLIT))
    links, energy = run.table("links"), run.table("energy")
    paid = energy["count"][(energy["component"] == "router") & (energy["action"] == "flit")].sum()
    assert paid == links["flits"].sum()
    theirs = flits.table("links")
    left = sum(count for name, count in zip(theirs["link"], theirs["flits"], strict=True) if name.endswith(".eject"))
    if ways is not None:
        assert paid == ways * left
    assert not links["credit_wait_ps"].any()
    assert (links["utilisation"] <= 1).all()
    resources = run.resources
    row = {name: place for place, name in enumerate(resources["resource"].tolist())}
    busy = [resources["busy_ps"][row[name]] for name in links["link"].tolist()]
    assert np.array_equal(busy, links["busy_ps"])


def test_a_bus_is_one_link_that_is_busy_from_arbitration_to_the_last_flit():
    """1 GHz, a link of 1 cycle: a packet of L flits takes the bus for 1 + L cycles: its flits, and one more each."""
    run = simulate("tiny", "digits_cnn", overrides=[BUS])
    links = run.table("links")
    assert links["link"].tolist() == ["chip.bus"]
    packets = links["busy_ps"][0] // 1000 - links["flits"][0]
    sends = [op for op in run.ops.records() if op["kind"] in ("load", "send", "store")]
    assert packets == sum(op["vectors"] for op in sends)


def test_what_there_is_of_links_and_routers():
    """Of 4 tiles: a bus and its arbiter; a switch with a link in and one out for each; a mesh of 2 x 2 both ways."""
    counts = {
        choice: (load_chip("tiny", [choice]).instances("router"), load_chip("tiny", [choice]).instances("link"))
        for choice in (BUS, CROSSBAR, CIRCUIT)
    }
    assert counts == {BUS: (1, 1), CROSSBAR: (1, 8), CIRCUIT: (4, 8)}


def test_a_bus_is_waited_for_where_it_is_slow():
    """At 1 MHz it is what limits the rate; without contention nobody waits for it."""
    slow = ["clocks.slow=1 MHz", "network.clock=slow", BUS]
    run = simulate("tiny", "digits_cnn", arrivals="fixed:1 MHz", requests=8, overrides=slow)
    assert run.summary["load"]["limited_by"] == "chip.bus"
    assert sum(op["wait_link_busy_ps"] for op in run.ops.records()) > 0
    free = simulate("tiny", "digits_cnn", requests=2, overrides=[*slow, "network.model=ideal"])
    assert sum(op["wait_link_busy_ps"] for op in free.ops.records()) == 0
    assert free.table("links").rows == 0


def test_peak_power_of_a_bus_is_that_of_one_flit_a_cycle():
    """`router.flit` at 1 GHz, once for a bus, and for a crossbar on each of its 8 links."""
    flit = load_chip("tiny").costs["router"].actions["flit"].energy_j
    power = {one: _dynamic(load_chip("tiny", [one]), "router") for one in (BUS, CROSSBAR)}
    assert power[BUS] == flit * 10**9
    assert power[CROSSBAR] == 8 * flit * 10**9


def _dynamic(chip, component):
    (part,) = [part for part in nameplate(chip).parts if part.component == component]
    return part.dynamic_w
