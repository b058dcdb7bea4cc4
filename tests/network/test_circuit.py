"""Circuits: do packets take all of their way at once, wait for exactly those before them, and lose nothing?

Unless said otherwise a set-up (on a bus, the arbitration), a router and a link take a cycle each.
"""

import numpy as np
import pytest

from aimcsim.errors import ConfigError
from aimcsim.network import Circuit, CircuitNetwork, bus, chip_row, circuit_cycles, circuit_loads, crossbar, mesh, ring
from aimcsim.network.load import Offer, Window, most_rate, saturation
from aimcsim.network.traffic import PATTERNS, Layout, burst
from tests.network.random_networks import circuits_of, draw


def sent(network, *packets):
    """Send packets, each (create, source, target, flits); return their records."""
    for packet in packets:
        network.offer(*packet)
    network.drain()
    return network.packets()


def test_three_senders_at_once_share_a_bus_one_after_the_other(implementation):
    """Arbitration 1, link 1, three flits behind the head: 5 cycles each, by number as all ask in cycle 0."""
    network = CircuitNetwork(bus(4))
    records = sent(network, (0, 2, 0, 4), (0, 0, 3, 4), (0, 1, 3, 4))
    assert records.tail_eject.tolist() == [5, 10, 15]
    assert records.link_wait.tolist() == [0, 5, 10]
    assert network.busiest_link() == ("bus", 15)


def test_a_long_bus_is_free_when_the_last_flit_is_off_it(implementation):
    """Arbitration 2 and 6 cycles from end to end: 2 + 6 + 0 for one flit; the second begins where the first left."""
    network = CircuitNetwork(bus(3, link_cycles=6), Circuit(2))
    assert sent(network, (0, 0, 1, 1), (3, 1, 2, 1)).tail_eject.tolist() == [8, 16]


def test_on_a_crossbar_only_packets_to_the_same_output_wait(implementation):
    """Set-up 1, link in 1, switch 1, link out 1, three flits behind the head: 7. Two go to output 3, one to 0."""
    network = CircuitNetwork(crossbar(4))
    records = sent(network, (0, 0, 3, 4), (0, 1, 3, 4), (0, 2, 0, 4))
    assert records.tail_eject.tolist() == [7, 14, 7]
    assert records.link_wait.tolist() == [0, 7, 0]
    assert network.links().link_wait[0, 4:].tolist() == [0, 0, 0, 7]


def test_of_two_circuits_that_cross_the_second_waits_for_the_whole_first(implementation):
    """On 3x1: 0 to 2 over two links, 1 + (2 + 2) + 3 + 9 = 17. From 1 to 2 shares the second, and asks in cycle 3.

    It has its way in cycle 17, all of it, and takes 1 + (1 + 2) + 2 + 0 = 6. From 2 to 0 shares none: 1 + 4 + 3 = 8.
    """
    network = CircuitNetwork(mesh(3, 1))
    records = sent(network, (0, 0, 2, 10), (3, 1, 2, 1), (3, 2, 0, 1))
    assert records.inject.tolist() == [0, 17, 3]
    assert records.tail_eject.tolist() == [17, 23, 3 + 8]
    assert records.link_wait.tolist() == [0, 14, 0]


def test_who_waits_takes_nothing_and_is_not_overtaken(implementation):
    """On 4x1, first 2 to 3 (1 + 3 + 2 + 0 = 6 cycles), then 0 to 3, which waits for it, then 0's neighbour 1 to 2.

    The third shares the link from 1 to 2 with the second and asked later: it goes when the second has left, in 6 + 10.
    While the second waited, that link carried nothing.
    """
    network = CircuitNetwork(mesh(4, 1))
    records = sent(network, (0, 2, 3, 1), (0, 0, 3, 1), (1, 1, 2, 1))
    assert records.inject.tolist() == [0, 6, 16]
    assert network.links().busy[1, 0] == 10 + 6


def test_a_source_asks_for_one_way_at_a_time(implementation):
    """0 sends to 1 and to 2 of a crossbar; 2 is taken until 7. When the first has left in 4, the second waits for 2.

    3 asks for 2 in cycle 1, before 0 does in cycle 4, and is served before it: 7 to 11, then 11 to 15.
    """
    packets = (0, 1, 2, 4), (0, 0, 1, 1), (0, 0, 2, 1), (1, 3, 2, 1)
    assert sent(CircuitNetwork(crossbar(4)), *packets).tail_eject.tolist() == [7, 4, 15, 11]


def test_pulses_side_by_side_take_as_long_as_the_longest(implementation):
    """`hold_cycles` of 40, whatever the flits: 0 + 1 + 39 on a bus; the flits are counted all the same."""
    network = CircuitNetwork(bus(2), Circuit(0, 0, hold_cycles=40))
    assert sent(network, (0, 0, 1, 64), (0, 1, 0, 3)).tail_eject.tolist() == [40, 80]
    assert network.links().flits[0, 4] == 67


@pytest.mark.parametrize("flits", [1, 5])
@pytest.mark.parametrize(("setup", "router"), [(0, 0), (3, 2)])
def test_all_pairs_of_an_empty_mesh_take_what_the_formula_says(implementation, flits, setup, router):
    """Set-up + (H + 2) link + (H + 1) router + flits - 1, with H links between routers of 4x4 and links of 2 cycles."""
    fabric, circuit = mesh(4, 4, link_cycles=2), Circuit(setup, router)
    src, dst = np.divmod(np.arange(256), 16)
    network = CircuitNetwork(fabric, circuit)
    network.offer_many(np.arange(256) * 1000, src, dst, np.full(256, flits))
    network.drain()
    hops = abs(src // 4 - dst // 4) + abs(src % 4 - dst % 4)
    assert (network.packets().latency == setup + (hops + 2) * 2 + (hops + 1) * router + flits - 1).all()
    assert (network.packets().latency == circuit_cycles(fabric, circuit, src, dst, flits)).all()


def test_a_circuit_over_two_chips_is_as_slow_as_the_link_between_them(implementation):
    """From 0 to the other of two chips of one router: 1 + (1 + 7 + 1) + 2, and four more flits three cycles apart."""
    fabric = chip_row(1, 1, chips=2, chip_link_cycles=7, chip_flit_cycles=3)
    assert sent(CircuitNetwork(fabric), (0, 0, 1, 5)).tail_eject.tolist() == [1 + 9 + 2 + 4 * 3]


def test_ways_around_a_ring_do_not_lock_up(implementation):
    """Eight at once, each three routers on: who kept a link and waited for the next would wait for ever."""
    packets = [(0, one, (one + 3) % 8, 50) for one in range(8)] * 5
    assert (sent(CircuitNetwork(ring(8)), *packets).tail_eject > 0).all()


def ways(fabric, src, dst, number):
    """Return the links of a packet's way as a set."""
    if fabric.medium:
        return {"bus"}
    way = (int(number) * 2654435769 % 2**32 >> 30) & (fabric.ways - 1)
    return {("from", int(src)), *fabric.path(int(src), int(dst), way)}


def cycle_by_cycle(network, packets):
    """Return when packets have their ways, by looking in every cycle who may go: an independent second computation.

    Packets ask when they are created and no earlier one of their source is left. In every cycle, in the order in which
    they asked, those go whose links are all free and asked for by nobody before them.
    """
    create, src, dst, flits = packets
    kept = circuit_cycles(network.fabric, network.router, src, dst, flits)
    links = [ways(network.fabric, *packet) for packet in zip(src, dst, range(len(src)), strict=True)]
    left, start, asked, going, cycle = list(range(len(src))), {}, [], {}, 0
    while left or asked or going:
        going = {one: end for one, end in going.items() if end > cycle}
        active = {int(src[one]) for one in [*going, *asked]}
        for one in [one for one in left if create[one] <= cycle]:
            if int(src[one]) not in active:
                active.add(int(src[one]))
                asked.append(one)
                left.remove(one)
        wanted = set().union(*(links[one] for one in going))
        for one in list(asked):
            if not wanted & links[one]:
                start[one] = cycle
                going[one] = cycle + int(kept[one])
                asked.remove(one)
            wanted |= links[one]
        cycle += 1
    return [start[one] for one in range(len(src))]


@pytest.mark.parametrize("seed", range(12))
def test_packets_go_when_a_look_at_every_cycle_says(implementation, seed):
    drawn = draw(seed, 60)
    network = circuits_of(drawn)
    packets = drawn.packets.copy()
    packets[0, -5:] -= 3000
    network.offer_many(*packets)
    network.drain()
    assert network.packets().inject.tolist() == cycle_by_cycle(network, packets)


@pytest.mark.parametrize("seed", range(12))
def test_what_goes_in_comes_out_and_every_cycle_is_accounted_for(seed):
    """Flits in = flits out; links are taken by what `circuit_loads` says; latency = transfer + wait; no link twice."""
    drawn = draw(seed)
    network = circuits_of(drawn)
    network.offer_many(*drawn.packets)
    network.drain()
    records, links, fabric = network.packets(), network.links(), network.fabric
    _, src, dst, flits = drawn.packets
    assert links.flits[fabric.home, fabric.home_port].sum() == flits.sum() * (fabric.endpoints if fabric.medium else 1)
    if not fabric.medium:
        assert (links.injected == np.bincount(src, flits, fabric.endpoints)).all()
    loads = sum(circuit_loads(fabric, network.router, [one[1]], [one[2]], one[3], [1]) for one in drawn.packets.T)
    if fabric.ways == 1:
        assert (network.busy() == loads).all()
    assert (records.transfer == circuit_cycles(fabric, network.router, src, dst, flits)).all()
    assert network.busiest_link()[1] <= records.tail_eject.max() - records.create.min()
    assert (records.link_wait >= 0).all()
    assert (links.credit_wait == 0).all()


def test_the_same_packets_give_the_same_records():
    networks = [circuits_of(draw(3)) for _ in range(2)]
    for network in networks:
        network.offer_many(*draw(3).packets)
        network.drain()
    assert (networks[0].packets().tail_eject == networks[1].packets().tail_eject).all()


@pytest.mark.usefixtures("compiled")
def test_packets_wait_for_a_bus_at_half_load_as_long_as_in_an_m_d_1_queue():
    """Poisson arrivals, one server, equal times of service S: mean wait is rho / (2 (1 - rho)) S, S / 2 at rho = 0.5.

    A service is 1000 cycles, so that whole cycles of arrival move a wait by less than 0.1 %. What stands in line at a
    source has not asked yet, but the bus is never idle while a packet waits and all packets are alike, so the mean does
    not depend on the order. Its error is that of the means of 100 batches; a batch of 2000 packets is hundreds of busy
    periods (of 2 packets on average) long, so that batches are independent.
    """
    rng = np.random.default_rng(1)
    packets, service = 200_000, 1000
    create = np.cumsum(rng.exponential(2 * service, packets)).astype(np.int64)
    network = CircuitNetwork(bus(400), Circuit(1))
    src, dst = rng.integers(400, size=(2, packets))
    network.offer_many(create, src, dst, np.full(packets, service - 1))
    network.drain()
    assert (network.packets().transfer == service).all()
    means = network.packets().link_wait.reshape(100, -1).mean(axis=1) / service
    error = means.std(ddof=1) / 10
    assert error < 0.01
    assert means.mean() == pytest.approx(0.5, abs=4 * error + 0.001)


@pytest.mark.usefixtures("compiled")
def test_two_inputs_that_always_have_packets_use_three_quarters_of_a_crossbar():
    """Heads want the same output (one goes) or not (both go), either by the chance 1/2 in every turn, whatever was.

    So a turn passes 1 or 2 packets, 1.5 on average with a deviation of 0.5, of the 2 that two outputs could. In 10 000
    turns: 0.75 +- 0.0025 of them. Until then no input has run out of its 10 000 packets.
    """
    turns = 10_000
    network = CircuitNetwork(crossbar(2))
    turn = int(circuit_cycles(crossbar(2), Circuit(), 0, 0, 1))
    target = np.random.default_rng(0).integers(2, size=2 * turns)
    network.offer_many(np.zeros(2 * turns, int), np.arange(2 * turns) % 2, target, np.ones(2 * turns, int))
    passed = len(network.advance(turns * turn + 1).ids)
    assert passed / (2 * turns) == pytest.approx(0.75, abs=4 * 0.0025)


def throughput(outputs):
    """Return the part of outputs that is used if all inputs always have packets for outputs drawn alike.

    A Markov chain over how many heads want each output: each output that is wanted serves one, and whose packet went
    draws the next. The values are those of Karol, Hluchyj and Morgan, IEEE Transactions on Communications 35 (1987).
    """
    heads = {tuple([1] * outputs): 1.0}
    for _ in range(60):
        after = {}
        for wanted, chance in heads.items():
            served = sum(count > 0 for count in wanted)
            states = {tuple(max(count - 1, 0) for count in wanted): chance}
            for _ in range(served):
                states = drawn_once(states)
            for state, part in states.items():
                after[state] = after.get(state, 0) + part
        heads = after
    return sum(chance * sum(count > 0 for count in wanted) for wanted, chance in heads.items()) / outputs


def drawn_once(states):
    """Return states, as sorted numbers of heads by output, after one more head has drawn an output."""
    after = {}
    for state, chance in states.items():
        for place in range(len(state)):
            one = tuple(sorted(count + (place == other) for other, count in enumerate(state)))
            after[one] = after.get(one, 0) + chance / len(state)
    return after


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("outputs", [2, 4, 8])
def test_a_crossbar_with_queues_at_its_inputs_saturates_where_theory_says(outputs):
    """3/4 of 2 outputs, 0.6553 of 4, 0.6184 of 8, falling to 2 - sqrt(2) = 0.586 of many.

    All packets are there in cycle 0, so everything goes in turns. No input runs out within 20 000 turns, as each has so
    many packets. The error of the mean is that of 100 batches of 200 turns, many times what a head waits.
    """
    turns = 20_000
    network = CircuitNetwork(crossbar(outputs))
    turn = int(circuit_cycles(crossbar(outputs), Circuit(), 0, 0, 1))
    count = outputs * turns
    target = np.random.default_rng(outputs).integers(outputs, size=count)
    network.offer_many(np.zeros(count, int), np.arange(count) % outputs, target, np.ones(count, int))
    left = network.advance(turns * turn + 1)
    means = np.bincount(left.cycles // turn - 1).reshape(100, -1).mean(axis=1) / outputs
    error = means.std(ddof=1) / 10
    assert error < 0.003
    assert means.mean() == pytest.approx(throughput(outputs), abs=4 * error)


def test_the_busiest_link_bounds_the_rate():
    """A bus of 16, packets of 4 flits that take it for 5 cycles: 4 / 5 / 16 flits a cycle from each. A gather on a
    crossbar of 16: one output for 1 + 2 + 1 + 3 = 7 cycles each, 4 / 7 / 16. Neighbours there: 4 / 7.
    """
    layout = Layout(4, 4)
    rates = [
        most_rate(CircuitNetwork(fabric), Offer(PATTERNS[pattern](layout), 4))
        for fabric, pattern in ((bus(16), "uniform"), (crossbar(16), "gather"), (crossbar(16), "neighbour"))
    ]
    assert rates == pytest.approx([4 / 5 / 16, 4 / 7 / 16, 4 / 7])


@pytest.mark.usefixtures("compiled")
def test_a_bus_saturates_where_its_queue_says():
    """Latency is three times 5 where a packet waits for 10 cycles, two services: rho / (2 (1 - rho)) = 2, rho = 0.8.

    Of six seeds the mean was 0.807, their deviation 1.3 %; arrivals of one cycle stand in line, but are drawn for whole
    cycles and 16 sources only, which makes them a little more regular than those of an M/D/1 queue.
    """
    offer = Offer(PATTERNS["uniform"](Layout(4, 4)), 4, 1, Window(5000, 60_000))
    found = saturation(lambda: CircuitNetwork(bus(16)), offer)
    assert found / (4 / 5 / 16) == pytest.approx(0.8, rel=0.04)


def test_a_gather_over_circuits_takes_as_long_as_its_last_link(implementation):
    """15 packets of 4 to endpoint 0 of a crossbar one after the other, 7 cycles each, and its own."""
    network = CircuitNetwork(crossbar(16))
    network.offer_many(*burst(PATTERNS["gather"](Layout(4, 4)), 1, 4, np.random.default_rng(0)))
    network.drain()
    assert network.packets().tail_eject.max() == 16 * 7


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: bus(0), "a bus or crossbar has 1 to 32768 endpoints (got 0)"),
        (lambda: crossbar(40_000), "(got 40000)"),
        (lambda: bus(2, link_cycles=0), "a link takes 1 to 65536 cycles (got 0)"),
        (lambda: Circuit(-1), "set-up takes 0 to 1048576 cycles (got -1)"),
        (lambda: Circuit(1, 1, 1 << 21), "a packet past a link takes 0 to 1048576 cycles (got 2097152)"),
    ],
)
def test_what_cannot_be_is_refused(make, said):
    with pytest.raises(ConfigError) as refused:
        make()
    assert said in str(refused.value)
