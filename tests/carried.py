"""The packets of a finished run once more: all offers that it logged, run through the network as one batch."""

import numpy as np

from aimcsim.engine import Passage, System
from aimcsim.network import PacketRecords

Key = tuple[int, int, int]
"""A packet: stream, stage, iteration."""


def offers(system: System) -> list[tuple[int, int, Key]]:
    """Return all packets as (handed over, ready, key), in the order in which they enter the network."""
    found = []
    for stream in system.streams:
        for index, stage in enumerate(stream.stages):
            if stage.packets is not None:
                log = stream.log[index]
                ready = log.slot_ps if stage.acquires is not None else log.arrival_ps
                times = enumerate(zip(log.start_ps, ready, strict=True))
                found += [(start, asked, (stream.index, index, number)) for number, (start, asked) in times]
    return sorted(found)


def batch(system: System) -> tuple[dict[Key, Passage], PacketRecords | None]:
    """Return the moments of every packet, as a batch run of all offers has them, and its records."""
    carrier, sent = system.carrier, offers(system)
    if carrier is None or not sent:
        return {}, None
    forms = [system.streams[stream].stages[stage].packets for _, _, (stream, stage, _) in sent]
    network = carrier.make()
    network.offer_many([carrier.clock.index(start) for start, _, _ in sent], *np.array(forms).T)
    network.drain()
    records = network.packets()
    linked = records.create + records.link_wait
    cycles = np.stack([linked, linked + records.credit_wait, records.tail_eject], axis=1).tolist()
    passages = [Passage(*map(carrier.clock.edge, one)) for one in cycles]
    return {key: passage for (_, _, key), passage in zip(sent, passages, strict=True)}, records
