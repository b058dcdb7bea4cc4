"""What a random system or machine has in it that engines could differ in: counted, so that nobody need believe it."""

from __future__ import annotations

from collections import Counter

from aimcsim.engine import Stream, System
from tests.engine.random_systems import Recipe
from tests.machine.random_machines import Case

SYSTEMS = (
    *("1 request", "2 requests", "3 requests", "stride", "skip", "fully connected"),
    *("bank of two layers", "bank of three or more layers", "several chips", "link shared by sends"),
    *("shared slots", "state ops", "least buffers", "roomy buffers", "arrivals", "bound in flight", "upkeep"),
)
"""What random systems are to have."""
MACHINES = (
    *("1 request", "2 requests", "3 requests", "stride", "skip", "fully connected", "depthwise", "pooling"),
    *("bank of two layers", "bank of three or more layers", "several tiles", "link shared by sends"),
    *("shared slots", "state ops", "least buffers", "roomy buffers", "passed on", "added on the way"),
)
"""What random machines are to have."""


def of_recipe(recipe: Recipe, system: System) -> set[str]:
    """Return what a random system has."""
    inputs = [one for layer in recipe.layers for one in layer.inputs]
    has = {
        "stride": any(one.kernel and one.stride > 1 for one in inputs),
        "skip": any(len({one.source for one in layer.inputs}) > 1 for layer in recipe.layers),
        "fully connected": any(not one.kernel for one in inputs),
        "several chips": any(stream.kind == "send" for stream in system.streams),
        "least buffers": all(one.spare == 0 for one in inputs),
        "roomy buffers": any(one.spare is None for one in inputs),
        "arrivals": any(recipe.gaps_ps),
        "upkeep": any(recipe.upkeep),
        "bound in flight": recipe.most_in_flight is not None and recipe.most_in_flight < recipe.requests,
    }
    return _of_system(system) | {name for name, there in has.items() if there}


def of_case(case: Case, system: System) -> set[str]:
    """Return what a random machine has."""
    text = "\n".join(case.layers)
    reduced = [stream.layer for stream in system.streams if stream.kind == "reduce"]
    depthwise = any("groups: " in layer and "groups: 1," not in layer for layer in case.layers)
    has = {
        "stride": "conv2d" in text and "stride: 2, pads" in text,
        "skip": "kind: add" in text,
        "fully connected": "kind: linear" in text,
        "depthwise": depthwise,
        "pooling": "_pool" in text,
        "several tiles": any(stream.kind == "send" for stream in system.streams),
        "passed on": any(_passes_on(stream, system) for stream in system.streams),
        "added on the way": len(set(reduced)) < len(reduced),
        "least buffers": case.spare_bytes == 0,
        "roomy buffers": case.spare_bytes is None,
    }
    return _of_system(system) | {name for name, there in has.items() if there}


def _of_system(system: System) -> set[str]:
    """Return what can be seen of a system, however it came about."""
    streams = [stream for stream in system.streams if stream.total]
    banks = _clients(streams, {"adc_busy"})
    links = _clients([stream for stream in streams if stream.kind == "send"], {"link_busy"})
    takers = Counter(
        id(pool) for stream in streams for pool in {id(one): one for one in _pools(stream)}.values() if pool.shared
    )
    has = {
        f"{system.requests} request{'s' if system.requests > 1 else ''}": True,
        "bank of two layers": 2 in banks,
        "bank of three or more layers": any(count > 2 for count in banks),
        "link shared by sends": any(count > 1 for count in links),
        "shared slots": any(count > 1 for count in takers.values()),
        "state ops": any(stream.is_state_op for stream in streams),
    }
    return {name for name, there in has.items() if there}


def _passes_on(stream: Stream, system: System) -> bool:
    """Whether a stream sends on what another transport has brought."""
    return stream.kind == "send" and system.streams[stream.inputs[0].source].kind in {"load", "send"}


def _clients(streams: list[Stream], causes: set[str]) -> list[int]:
    """Return how many streams use each server of stages with one of these causes."""
    pairs = {
        (id(stage.server), stream.index)
        for stream in streams
        for stage in stream.stages
        if stage.cause in causes and stage.server is not None
    }
    return list(Counter(server for server, _ in pairs).values())


def _pools(stream: Stream) -> list:
    return [pool for stage in stream.stages for pool in (stage.acquires, stage.captures) if pool is not None]
