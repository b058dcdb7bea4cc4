"""How late anything can happen in a run, and whether times that late can be counted."""

from __future__ import annotations

from aimcsim.engine.carrier import Carrier, Packets
from aimcsim.engine.span import Span
from aimcsim.engine.stream import Stage, Stream, System
from aimcsim.errors import ConfigError
from aimcsim.network.bounds import circuit_cycles
from aimcsim.network.engine import EJECT_CYCLES, SWITCH_CYCLES, Circuit
from aimcsim.units import ClockDomain, format_time_ps

LATEST_PS = 1 << 62
"""Half of what an int64 holds, so that a time and a span may be added without overflow: 53 days."""


CREDIT_CYCLES = 2
"""Most cycles that a credit takes beside those of its link."""


def check_horizon(system: System) -> None:
    """Refuse a system of which the times may not fit into 64 bits.

    Before the last release there may be nothing to do; after it, something is at work or on its way to a clock edge at
    every moment before the end. So nothing happens later than if all of that came one after another.

    Raises
    ------
    ConfigError
        If that is later than `LATEST_PS`; the message names the stage that contributes most.
    """
    begin = (system.begin or 0) + system.last_release_ps()
    parts = [(_work_ps(system, stream, stage), stream, stage) for stream in system.streams for stage in stream.stages]
    total = begin + sum(work for work, _, _ in parts)
    if total < LATEST_PS:
        return
    message = f"the run may take {format_time_ps(total)}, and times are counted up to {format_time_ps(LATEST_PS)}"
    most, stream, stage = max(parts, key=lambda part: part[0], default=(0, None, None))
    if stream is None or stage is None or begin > most:
        raise ConfigError(f"{message}: the last request is released {format_time_ps(begin)} after the start")
    path = f" ({stage.server.path})" if stage.server is not None and stage.server.path != stage.name else ""
    times = f"{stream.total * stage.iterations} times up to {format_time_ps(_iteration_ps(system, stage))}"
    raise ConfigError(f"{message}: most of it is stage `{stage.name}` of {stream.name}{path}, {times}")


def _work_ps(system: System, stream: Stream, stage: Stage) -> int:
    """Return the longest that all iterations of a stage can take, one after another."""
    return stream.total * stage.iterations * _iteration_ps(system, stage)


def _iteration_ps(system: System, stage: Stage) -> int:
    if stage.packets is None or system.carrier is None:
        return _longest_ps(stage)
    return _longest_ps(stage) + packet_cycles(system.carrier, stage.packets) * _cycle_ps(system.carrier.clock)


def packet_cycles(carrier: Carrier, packets: Packets) -> int:
    """Return the most cycles in which something of a packet is under way in a network of routers or of circuits.

    A flit waits for others without a bound of its own, but never while nothing is under way, which would be a deadlock:
    no flit in a router's pipeline or on a link, no link in its interval, no credit on its way back. These are what a
    flit has at each router and at its interface, and no route passes a router twice. Whoever waits for a circuit waits
    for another packet that has one, and each keeps its own for as long as it takes alone.
    """
    fabric, router = carrier.fabric, carrier.router
    if isinstance(router, Circuit):
        return int(circuit_cycles(fabric, router, packets.source, packets.target, packets.flits))
    there_and_back = 2 * int(fabric.latency.max()) + int(fabric.interval.max())
    hop = router.cycles + SWITCH_CYCLES + EJECT_CYCLES + there_and_back + CREDIT_CYCLES
    return packets.flits * (fabric.routers + 1) * hop


def _longest_ps(stage: Stage) -> int:
    """Return the longest that one iteration can take from its data to the end of its hold."""
    clock = None if stage.server is None else stage.server.clock
    crossing = 0 if stage.crossing is None else (stage.crossing[1] + 2) * _cycle_ps(stage.crossing[0])
    return max(_span_ps(stage.latency), _span_ps(stage.interval)) + _cycle_ps(clock) + crossing


def _span_ps(span: Span) -> int:
    return max(span.amounts) * (_cycle_ps(span.clock) if span.in_cycles else 1) + _cycle_ps(span.clock)


def _cycle_ps(clock: ClockDomain | None) -> int:
    """Return the period of a clock, rounded up."""
    return 0 if clock is None else -(-clock.numerator // clock.denominator)
