"""Dealing out buffer space: what each edge must have, what it could use, what it gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aimcsim.components import Buffer
from aimcsim.controller import Plan
from aimcsim.engine import BytePool, Edge, EdgeNeed, edge_needs
from aimcsim.errors import CapacityError, Problem

MOST_LISTED = 5
"""Edges of a buffer, and buffers, that an error about space names; the largest."""


@dataclass(frozen=True, slots=True)
class Quota:
    """The space of one edge, in vectors: least for progress, least for full rate, and what it was given."""

    edge: int
    source: str
    target: str
    buffer: str
    vector_bytes: int
    progress: int
    full_rate: int
    given: int


def deal(plan: Plan) -> list[Quota]:
    """Give every edge its quota of the buffer it lives in, or put all edges of a buffer in one pool.

    First every edge gets what it needs to make progress, then, in the order of the edges, what it needs for full rate,
    then the rest goes round, a vector at a time.

    Raises
    ------
    CapacityError
        If a buffer is smaller than what its edges need to make progress; names the edges, their bytes and the levers.
    """
    system = plan.system
    needs = edge_needs(system.streams, system.edges)
    buffers = {buffer.path: buffer for buffer in plan.homes.values()}
    members: dict[str, list[Edge]] = {path: [] for path in buffers}
    for edge in system.edges:
        if edge.index in plan.homes:
            members[plan.homes[edge.index].path].append(edge)
    _check(plan, buffers, members, needs)
    pooled = plan.chip.spec.tile.policy == "pool"
    for path, edges in members.items():
        if pooled:
            _pool(buffers[path], edges)
        else:
            _fill(buffers[path].size_bytes, edges, needs)
    return [_quota(plan, edge, needs[edge.index]) for edge in system.edges if edge.index in plan.homes]


def _check(plan: Plan, buffers: dict[str, Buffer], members: dict[str, list[Edge]], needs: Sequence[EdgeNeed]) -> None:
    """Raise one error for all buffers that are too small."""
    problems = []
    for path, edges in members.items():
        wanted = sum(needs[edge.index].progress * edge.vector_bytes for edge in edges)
        size = buffers[path].size_bytes
        if wanted > size and plan.chip.spec.tile.policy == "quota":
            problems.append(_too_small(plan, path, wanted, size, edges, needs))
    if len(problems) > MOST_LISTED:
        where, more = plan.chip.spec.where, len(problems) - MOST_LISTED
        rest = where.problem("tile.buffers", f"and {more} more buffers are too small; fewer replicas need less space")
        problems = [*problems[:MOST_LISTED], rest]
    if problems:
        raise CapacityError(problems)


def _too_small(
    plan: Plan, path: str, wanted: int, size: int, edges: Sequence[Edge], needs: Sequence[EdgeNeed]
) -> Problem:
    """Return the problem of one buffer, with the edges that need the space."""
    name = path.rpartition(".")[2]
    names = plan.system.streams
    parts = sorted(edges, key=lambda edge: -needs[edge.index].progress * edge.vector_bytes)
    listed = "; ".join(
        f"{names[edge.source].name} -> {names[edge.target].name}: {needs[edge.index].progress} x "
        f"{edge.vector_bytes} bytes"
        for edge in parts[:MOST_LISTED]
    )
    if len(parts) > MOST_LISTED:
        listed += f"; and {len(parts) - MOST_LISTED} more"
    message = (
        f"{path} needs at least {wanted} bytes so that no layer can get stuck (got {size} bytes): {listed}; "
        f"levers: a larger buffer; fewer layers or replicas on that tile (smaller tile.crossbars, more tiles)"
    )
    return plan.chip.spec.where.problem(f"tile.buffers.{name}.size", message)


def _fill(size_bytes: int, edges: Sequence[Edge], needs: Sequence[EdgeNeed]) -> None:
    """Deal out one buffer."""
    quota = {edge.index: needs[edge.index].progress for edge in edges}
    left = size_bytes - sum(quota[edge.index] * edge.vector_bytes for edge in edges)
    for edge in edges:
        more = min(needs[edge.index].full_rate - quota[edge.index], left // edge.vector_bytes)
        if more > 0:
            quota[edge.index] += more
            left -= more * edge.vector_bytes
    share = left // sum(edge.vector_bytes for edge in edges)
    for edge in edges:
        edge.capacity = quota[edge.index] + share


def _pool(buffer: Buffer, edges: Sequence[Edge]) -> None:
    """Put the edges of a buffer in one pool of its bytes."""
    pool = BytePool(buffer.path, buffer.size_bytes)
    for edge in edges:
        edge.pool = pool
        pool.edges.append(edge)


def _quota(plan: Plan, edge: Edge, need: EdgeNeed) -> Quota:
    streams = plan.system.streams
    given = edge.capacity if edge.capacity is not None else 0
    source, target = streams[edge.source].name, streams[edge.target].name
    return Quota(edge.index, source, target, edge.place, edge.vector_bytes, need.progress, need.full_rate, given)
