"""The logs of the compiled loop, back in the system: for tests, for looking closely, and where other engines go on."""

from __future__ import annotations

from typing import Any

from aimcsim.engine.carrier import Passage
from aimcsim.engine.deadlock import Standing
from aimcsim.engine.edge import Occupancy
from aimcsim.engine.fast import settle
from aimcsim.engine.flat import NONE, TAKING, Flat, Ints
from aimcsim.engine.server import Hold
from aimcsim.engine.slots import SlotUse
from aimcsim.engine.stream import Stream, System

DONE, HAD, WORKED, ARRIVAL = range(4)
PASSAGE = 2
"""Column with which the fields of `Passage` begin in what the loop has of a packet."""
NEEDS_TAKE, NEEDS_CAPTURE = 1, 2
"""What a run lacks, as `streams.h` numbers it."""


def restore(system: System, flat: Flat, loop: Any) -> None:
    """Write every log of a finished loop, which has kept all, into the system."""
    here = {stream.index for stream, _, _ in flat.runs}
    for stream in system.streams:
        if stream.index in here:
            stream.issue_ps.extend(loop.issues(stream.index).tolist())
            stream.end_ps.extend(loop.ends(stream.index).tolist())
    for edge in system.edges:
        if edge.source in here:
            edge.arrived_ps[:] = system.streams[edge.source].end_ps
            edge.freed_ps[:] = loop.frees(edge.index).tolist()
            edge.reserved = len(system.streams[edge.source].issue_ps)
            edge.occupancy, edge.valid = Occupancy(), Occupancy()
    for run, (stream, index, kind) in enumerate(flat.runs):
        if kind != TAKING and stream.stages[index].packets is not None:
            passages = loop.passages(run)[:, PASSAGE:].tolist()
            stream.log[index].passages.extend(map(Passage._make, passages))
    logs = [_restore_run(stream, index, kind, loop.steps(run)) for run, (stream, index, kind) in enumerate(flat.runs)]
    _restore_holds(system, flat)
    _restore_uses(system, flat, loop, logs)
    settle([edge for edge in system.edges if edge.source in here], system)


def _restore_run(stream: Stream, index: int, kind: int, steps: Ints) -> Ints:
    log, stage = stream.log[index], stream.stages[index]
    if kind == TAKING or stage.acquires is None:
        log.arrival_ps.extend(steps[:, ARRIVAL].tolist())
    if kind == TAKING:
        log.slot_ps.extend(steps[:, DONE].tolist())
        return steps
    log.start_ps.extend(steps[:, HAD].tolist())
    log.worked_ps.extend(steps[:, WORKED].tolist())
    log.done_ps.extend(steps[:, DONE].tolist())
    stream.stage_counts[index] = len(log.done_ps)
    return steps


def _restore_holds(system: System, flat: Flat) -> None:
    """Write the holds of every server, in order of their starts."""
    found: dict[int, list[Hold]] = {server.order: [] for server in system.servers}
    for stream, index, kind in flat.runs:
        stage, log = stream.stages[index], stream.log[index]
        if stage.server is None or kind == TAKING:
            continue
        for iteration, (start, done) in enumerate(zip(log.start_ps, log.done_ps, strict=True)):
            end = done if stage.captures else stage.interval.end(start, iteration // stage.iterations)
            found[stage.server.order].append(Hold(start, end, stream.index, index, iteration))
    for server in system.servers:
        if found[server.order]:
            server.holds.extend(sorted(found[server.order], key=lambda hold: hold.start_ps))
            server.busy_ps = sum(hold.end_ps - hold.start_ps for hold in server.holds)
            server.free_ps = server.holds[-1].end_ps


def _restore_uses(system: System, flat: Flat, loop: Any, logs: list[Ints]) -> None:
    """Write the uses of every pool, in order of their grants."""
    found: dict[int, list[tuple[int, SlotUse]]] = {}
    for client, (pool, stream, taker) in enumerate(flat.clients):
        steps, back = logs[taker], loop.back(client).tolist()
        asked = steps[:, HAD if flat.runs[taker][2] == TAKING else WORKED].tolist()
        ends = back + [NONE] * (len(steps) - len(back))
        rows = zip(asked, steps[:, DONE].tolist(), ends, strict=True)
        uses = [SlotUse(ask, had, end, stream, number) for number, (ask, had, end) in enumerate(rows)]
        places = loop.grants(client).tolist() if pool.shared else range(len(uses))
        found.setdefault(pool.order, []).extend(zip(places, uses, strict=True))
    for pool in system.slots:
        if pool.order in found:
            pool.uses[:] = [use for _, use in sorted(found[pool.order], key=_place)]


def _place(granted: tuple[int, SlotUse]) -> int:
    return granted[0]


def stand_still(system: System, flat: Flat, loop: Any, standing: Standing) -> Standing:
    """Write into `standing` how far the streams of a loop have come in which nothing happens any more."""
    here = {stream.index for stream, _, _ in flat.runs}
    for index, (issued, ended) in enumerate(loop.progress().tolist()):
        if index in here:
            standing.issued[index], standing.ended[index] = issued, ended
    for edge, freed in zip(system.edges, loop.freed().tolist(), strict=True):
        if edge.source in here:
            standing.freed[edge.index] = freed
    needs, clients = loop.standing()
    _stand_at_slots(flat, needs.tolist(), clients.tolist(), standing)
    desks = [*system.servers, *system.slots]
    for desk, run in loop.waiting():
        waits = standing.server_waits if desk < len(system.servers) else standing.slot_waits
        waits.add((desks[desk].order, flat.runs[run][0].index))
    for server, run in enumerate(loop.held_open().tolist()):
        if run != NONE:
            standing.server_holder[system.servers[server].order] = flat.runs[run][0].index
    return standing


def _stand_at_slots(flat: Flat, needs: list[int], clients: list[tuple[int, int]], standing: Standing) -> None:
    """Write down who has slots, and who waits for one of its own pool."""
    holders: dict[int, list[int]] = {}
    for (pool, stream, _), (taken, back) in zip(flat.clients, clients, strict=True):
        holders.setdefault(pool.order, []).extend([stream] if taken > back else [])
    standing.slot_holders |= {order: sorted(streams) for order, streams in holders.items()}
    for (waiting, index, kind), lacks in zip(flat.runs, needs, strict=True):
        stage = waiting.stages[index]
        own = stage.acquires if kind == TAKING else stage.captures
        if own is not None and not own.shared and lacks == (NEEDS_TAKE if kind == TAKING else NEEDS_CAPTURE):
            standing.slot_waits.add((own.order, waiting.index))
