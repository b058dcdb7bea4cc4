"""Has every packet the cycles that BookSim2 gave it?"""

import numpy as np

from aimcsim.network import zero_load_latency
from tests.network.recorded import cases, check_trace, rows_of


def test_small_cases_end_in_the_recorded_cycles(implementation, reference):
    """54 of the 57 were computed by hand before; the column `why` of the file says how."""
    count = 0
    for case in cases(reference / "cases.csv"):
        order = np.argsort([packet[0] for packet in case.packets], kind="stable")
        numbers = {int(which): case.network.offer(*case.packets[which]) for which in order}
        case.network.drain()
        tails = case.network.packets().tail_eject
        assert [int(tails[numbers[which]]) for which in range(len(numbers))] == case.tails, case.name
        count += 1
    assert count == 57


def test_recorded_traces_are_equal_packet_by_packet(implementation, reference):
    rows = rows_of(reference / "traces/index.csv")
    for row in rows:
        check_trace(reference / "traces", row)
    assert len(rows) == 3


def test_all_recorded_traces_are_equal_packet_by_packet(compiled, shared_dir):
    rows = rows_of(shared_dir / "reference/noc/traces/index.csv")
    for row in rows:
        check_trace(shared_dir / "reference/noc/traces", row)
    assert len(rows) == 23


def test_the_time_of_every_packet_is_transfer_and_waits(implementation, reference):
    """Transfer is what the formula gives for an empty network; two packets for one link wait for the link.

    Case link2_v1: both heads ask router 1 for +x in cycle 5; the first gets it for 5 to 8, the second waits 4 cycles.
    Of credit_B1, a packet of 32 flits over buffers of 1: 45 cycles in an empty network, 169 taken, the rest: credits.
    """
    waits = {}
    for case in cases(reference / "cases.csv"):
        for packet in sorted(case.packets, key=lambda packet: packet[0]):
            case.network.offer(*packet)
        case.network.drain()
        found, network = case.network.packets(), case.network
        transfer = zero_load_latency(network.fabric, network.router, found.src, found.dst, found.flits)
        assert (found.transfer == transfer).all(), case.name
        assert (np.minimum(found.link_wait, found.credit_wait) >= 0).all(), case.name
        waits[case.name] = list(zip(found.link_wait.tolist(), found.credit_wait.tolist(), strict=True))
    assert waits["link2_v1"] == [(0, 0), (4, 0)]
    assert waits["credit_B1"] == [(0, 169 - 45)]
