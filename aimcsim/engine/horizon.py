"""How late anything can happen in a run, and whether times that late can be counted."""

from __future__ import annotations

from aimcsim.engine.span import Span
from aimcsim.engine.stream import Stage, Stream, System
from aimcsim.errors import ConfigError
from aimcsim.units import ClockDomain, format_time_ps

LATEST_PS = 1 << 62
"""Half of what an int64 holds, so that a time and a span may be added without overflow: 53 days."""


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
    parts = [(_work_ps(stream, stage), stream, stage) for stream in system.streams for stage in stream.stages]
    total = begin + sum(work for work, _, _ in parts)
    if total < LATEST_PS:
        return
    message = f"the run may take {format_time_ps(total)}, and times are counted up to {format_time_ps(LATEST_PS)}"
    most, stream, stage = max(parts, key=lambda part: part[0], default=(0, None, None))
    if stream is None or stage is None or begin > most:
        raise ConfigError(f"{message}: the last request is released {format_time_ps(begin)} after the start")
    path = f" ({stage.server.path})" if stage.server is not None and stage.server.path != stage.name else ""
    times = f"{stream.total * stage.iterations} times up to {format_time_ps(_longest_ps(stage))}"
    raise ConfigError(f"{message}: most of it is stage `{stage.name}` of {stream.name}{path}, {times}")


def _work_ps(stream: Stream, stage: Stage) -> int:
    """Return the longest that all iterations of a stage can take, one after another."""
    return stream.total * stage.iterations * _longest_ps(stage)


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
