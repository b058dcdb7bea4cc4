"""Machines whose packets go flit by flit: are their links' records right, and do slower links between chips count?"""

import numpy as np
import pytest

from aimcsim import load_chip, simulate
from aimcsim.chip import Chip
from aimcsim.engine import Environment, System
from aimcsim.network import HOST, FlitNetwork
from aimcsim.run import ALL_AS_PROCESSES
from aimcsim.workload import demo_inputs

FLIT = "network.model=flit"


def test_flits_go_in_and_out_and_every_hop_is_paid_for():
    """What enters leaves; and the action `router.flit` counts each flit once on each link, in and out included."""
    run = simulate("tiny", "digits_cnn", requests=2, overrides=[FLIT])
    links, energy = run.table("links"), run.table("energy")
    flits = dict(zip(links["link"].tolist(), links["flits"].tolist(), strict=True))

    entered, left = (sum(flits[name] for name in flits if name.endswith(end)) for end in (".inject", ".eject"))
    paid = energy["count"][(energy["component"] == "router") & (energy["action"] == "flit")].sum()

    assert entered == left > 0
    assert paid == sum(flits.values())
    passed = sum(count for name, count in flits.items() if not name.endswith(".inject"))
    assert run.table("routers")["flits"].sum() == passed


def test_links_are_resources_with_the_same_figures():
    run = simulate("tiny", "digits_cnn", requests=2, overrides=[FLIT])
    links, resources = run.table("links"), run.resources
    row = {name: place for place, name in enumerate(resources["resource"].tolist())}

    for place, name in enumerate(links["link"].tolist()):
        assert resources["holds"][row[name]] == links["flits"][place]
        assert resources["busy_ps"][row[name]] == links["busy_ps"][place] == 1000 * links["flits"][place]  # 1 GHz
    assert (links["utilisation"] <= 1).all()


@pytest.mark.parametrize("model", ["packet", "ideal"])
def test_without_routers_there_are_no_records_of_them(model: str):
    run = simulate("tiny", "digits_cnn", overrides=[f"network.model={model}"])

    assert run.table("links").rows == run.table("routers").rows == 0


def test_a_network_that_cannot_keep_up_is_named_by_its_busiest_link():
    """Links of 32 bits at 1 MHz, and requests far faster than these can carry their inputs."""
    slow = ["clocks.slow=1 MHz", "network.clock=slow"]

    run = simulate("tiny", "digits_cnn", arrivals="fixed:1 MHz", requests=8, overrides=[FLIT, *slow])
    links = run.table("links")
    load = run.summary["load"]

    assert load["saturated"] is not False
    assert load["limited_by"] in links["link"].tolist()
    assert load["utilisation"] == links["utilisation"].max() > 0.9


def test_a_link_between_chips_is_as_slow_as_its_bandwidth_and_latency():
    """1 GHz, flits of 4 bytes: 100 ns are 100 cycles, and 1 GB/s passes a flit every 4.

    From the host at router 0 over router 1 to the first tile of the second chip, 4 flits: 2 cycles to the first grant,
    2 + 1 to the next one, 2 + 100 + 3 over the chip link, on which a flit takes 4 cycles, and 3 out: 113 for the head.
    The tail comes 3 flits later, 12 cycles: 125.
    """
    link = "system.chip_link={bandwidth: 1 GB/s, latency: 100 ns}"
    chip = Chip(System(Environment()), load_chip("tiny", [FLIT, "system.chips_per_package=2", link]))
    carrier = chip.interconnect.hops(HOST, 4, 12)[0]
    assert carrier.packets is not None

    network = FlitNetwork(chip.carrier.fabric, chip.carrier.router)
    network.offer(0, *carrier.packets)
    network.drain()

    assert carrier.packets.flits == 4  # 12 bytes and 32 bits of header
    assert network.packets().tail_eject.tolist() == [125]
    assert carrier.latency.amounts == (125,)
    assert [name.path for name in chip.links if name.kind == "chip_link"] == [
        "chip[0].chip_link[1]",
        "chip[1].chip_link[0]",
    ]


def test_values_do_not_depend_on_the_network():
    with np.load(demo_inputs("digits_cnn")) as stored:
        inputs = {name: stored[name][:2] for name in stored.files}
    runs = [
        simulate("tiny", "digits_cnn", inputs=inputs, overrides=[f"network.model={one}"]) for one in ("flit", "packet")
    ]

    for name, values in runs[0].outputs.items():
        assert np.array_equal(values, runs[1].outputs[name])


class Idle:
    """A component that shares a server with the layers and never asks for it."""

    def attach(self, plan):
        """Join the streams that share its server."""
        plan.system.add_guest("idle", servers=plan.system.servers[:1])


def test_a_component_beside_routers_has_all_run_as_processes_and_the_run_says_so():
    """It asks for nothing, so all takes as long as without it."""
    alone, beside = (simulate("tiny", "digits_cnn", overrides=[FLIT], components=own) for own in ([], [Idle()]))
    assert beside.summary["makespan_ps"] == alone.summary["makespan_ps"]
    assert ALL_AS_PROCESSES in beside.summary["assumptions"]
    assert ALL_AS_PROCESSES not in alone.summary["assumptions"]
