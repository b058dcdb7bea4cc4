"""What stands still and why: the wait-for graph of a system in which nothing happens any more."""

from __future__ import annotations

from aimcsim.engine.edge import Edge
from aimcsim.engine.stream import Stream, System
from aimcsim.errors import DeadlockError

Waits = list[tuple[int, str]]
"""Who is waited for (a stream's index) and what for."""


def report_deadlock(system: System) -> DeadlockError:
    """Return the error that names the cycle of streams waiting for one another, and all that is blocked."""
    blocked = {stream.index: waits for stream in system.streams if (waits := _waits(system, stream))}
    names = {stream.index: stream.name for stream in system.streams}
    lines = [f"{names[index]} waits for {reason}" for index, waits in blocked.items() for _, reason in waits[:1]]
    steps = _cycle(blocked)
    cycle = tuple(f"{names[index]} waits for {reason}" for index, reason in steps)
    return DeadlockError(cycle, lines)


def _waits(system: System, stream: Stream) -> Waits:
    """Return whom an unfinished stream waits for."""
    if len(stream.end_ps) >= stream.total:
        return []
    waits: Waits = []
    vector = len(stream.issue_ps)
    if vector < stream.total:
        for edge in stream.inputs:
            if len(edge.arrived_ps) <= edge.needs[vector]:
                source = system.streams[edge.source].name
                waits.append((edge.source, f"vector {edge.needs[vector]} of {source} for its own vector {vector}"))
        if not waits:
            waits += _space(system, stream, vector)
    for stage in stream.stages:
        for pool in (stage.acquires, stage.captures):
            if pool is not None and stream.index in pool.waiting():
                waits += [(holder, f"a slot of {pool.path}") for holder in pool.holders()]
        if stage.server is not None and any(who == stream.index for who, _ in stage.server.waiting()):
            waits.append((stage.server.holds[-1].stream, stage.server.path))
    return waits


def _space(system: System, stream: Stream, vector: int) -> Waits:
    """Return whose consumption would make room for a stream's next vector."""
    waits: Waits = [(edge.target, _room(system, edge, vector)) for edge in stream.outputs if not edge.has_room()]
    for pool in {id(edge.pool): edge.pool for edge in stream.outputs}.values():
        wanted = sum(edge.vector_bytes for edge in stream.outputs if edge.pool is pool)
        if pool is not None and pool.used_bytes + wanted > pool.size_bytes:
            names = {edge.target: system.streams[edge.target].name for edge in pool.edges}
            waits += [
                (edge.target, f"{wanted} bytes of {pool.path}, of which {names[edge.target]} keeps {held}")
                for edge in pool.edges
                if (held := (edge.reserved - len(edge.freed_ps)) * edge.vector_bytes)
            ]
    return waits


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
