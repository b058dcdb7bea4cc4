"""What stands still and why: the wait-for graph of a system in which nothing happens any more."""

from __future__ import annotations

from dataclasses import dataclass, field

from aimcsim.engine.edge import Edge
from aimcsim.engine.stream import Stream, System
from aimcsim.errors import DeadlockError

Waits = list[tuple[int, str]]
"""Who is waited for (a stream's index) and what for."""


@dataclass(slots=True)
class Standing:
    """How far everything has come when nothing happens any more, whichever engine brought it there.

    Attributes
    ----------
    issued, ended : vectors by stream.
    freed : vectors by edge.
    slot_waits, server_waits : (order number of the pool or server, stream) of whoever has asked and has not got it.
    slot_holders : streams that have slots of a pool, ascending, by its order number.
    server_holder : stream that was served last, by the server's order number.
    """

    issued: list[int]
    ended: list[int]
    freed: list[int]
    slot_waits: set[tuple[int, int]] = field(default_factory=set)
    slot_holders: dict[int, list[int]] = field(default_factory=dict)
    server_waits: set[tuple[int, int]] = field(default_factory=set)
    server_holder: dict[int, int] = field(default_factory=dict)


def standing_of(system: System) -> Standing:
    """Return how far a system has come whose logs and queues are in its own objects."""
    standing = Standing(
        [len(stream.issue_ps) for stream in system.streams],
        [len(stream.end_ps) for stream in system.streams],
        [len(edge.freed_ps) for edge in system.edges],
    )
    for pool in system.slots:
        standing.slot_waits |= {(pool.order, stream) for stream in pool.waiting()}
        standing.slot_holders[pool.order] = pool.holders()
    for server in system.servers:
        standing.server_waits |= {(server.order, stream) for stream, _ in server.waiting()}
        if server.holds:
            standing.server_holder[server.order] = server.holds[-1].stream
    return standing


def report_deadlock(system: System, standing: Standing) -> DeadlockError:
    """Return the error that names the cycle of streams waiting for one another, and all that is blocked."""
    blocked = {stream.index: waits for stream in system.streams if (waits := _waits(system, standing, stream))}
    names = {stream.index: stream.name for stream in system.streams}
    lines = [f"{names[index]} waits for {reason}" for index, waits in blocked.items() for _, reason in waits[:1]]
    steps = _cycle(blocked)
    cycle = tuple(f"{names[index]} waits for {reason}" for index, reason in steps)
    return DeadlockError(cycle, lines)


def _waits(system: System, standing: Standing, stream: Stream) -> Waits:
    """Return whom an unfinished stream waits for."""
    if standing.ended[stream.index] >= stream.total:
        return []
    waits: Waits = []
    vector = standing.issued[stream.index]
    if vector < stream.total:
        for edge in stream.inputs:
            if standing.ended[edge.source] <= edge.needs[vector]:
                source = system.streams[edge.source].name
                waits.append((edge.source, f"vector {edge.needs[vector]} of {source} for its own vector {vector}"))
        if not waits:
            waits += _space(system, standing, stream, vector)
    held = _held(standing, stream)
    if not held and any(stage.packets for stage in stream.stages) and vector > standing.ended[stream.index]:
        return [(stream.index, "its packets in the network, where packets wait for each other")]
    return waits + held


def _held(standing: Standing, stream: Stream) -> Waits:
    """Return who has the slots and servers that a stream has asked for."""
    held: Waits = []
    for stage in stream.stages:
        for pool in (stage.acquires, stage.captures):
            if pool is not None and (pool.order, stream.index) in standing.slot_waits:
                held += [(holder, f"a slot of {pool.path}") for holder in standing.slot_holders[pool.order]]
        if stage.server is not None and (stage.server.order, stream.index) in standing.server_waits:
            held.append((standing.server_holder[stage.server.order], stage.server.path))
    return held


def _space(system: System, standing: Standing, stream: Stream, vector: int) -> Waits:
    """Return whose consumption would make room for a stream's next vector."""
    full = (edge for edge in stream.outputs if edge.capacity is not None and _kept(standing, edge) >= edge.capacity)
    waits: Waits = [(edge.target, _room(system, edge, vector)) for edge in full]
    for pool in {id(edge.pool): edge.pool for edge in stream.outputs}.values():
        wanted = sum(edge.vector_bytes for edge in stream.outputs if edge.pool is pool)
        if pool is not None and pool.used_bytes + wanted > pool.size_bytes:
            names = {edge.target: system.streams[edge.target].name for edge in pool.edges}
            waits += [
                (edge.target, f"{wanted} bytes of {pool.path}, of which {names[edge.target]} keeps {held}")
                for edge in pool.edges
                if (held := _kept(standing, edge) * edge.vector_bytes)
            ]
    return waits


def _kept(standing: Standing, edge: Edge) -> int:
    """Return the vectors for which an edge keeps space."""
    return standing.issued[edge.source] - standing.freed[edge.index]


def _room(system: System, edge: Edge, vector: int) -> str:
    """Say which room is lacking."""
    return f"room for vector {vector} in {edge.place}, kept for {system.streams[edge.target].name}"


def _cycle(blocked: dict[int, Waits]) -> list[tuple[int, str]]:
    """Return a cycle of the wait-for graph as (who, what for), or nothing if there is none."""
    done: set[int] = set()
    for root in blocked:
        path: list[tuple[int, str]] = []
        found = _search(blocked, root, path, set(), done)
        if found is not None:
            return found
    return []


def _search(
    blocked: dict[int, Waits], here: int, path: list[tuple[int, str]], on_path: set[int], done: set[int]
) -> list[tuple[int, str]] | None:
    """Follow waits depth first until one leads back onto the path."""
    on_path.add(here)
    for target, reason in blocked.get(here, []):
        step = (here, reason)
        if target in on_path:
            whole = [*path, step]
            start = next(index for index, (who, _) in enumerate(whole) if who == target)
            return whole[start:]
        if target not in done:
            found = _search(blocked, target, [*path, step], on_path, done)
            if found is not None:
                return found
    on_path.discard(here)
    done.add(here)
    return None
