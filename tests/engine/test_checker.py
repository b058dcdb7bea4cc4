"""Does the checker notice? One log after another is falsified after a good run."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from aimcsim.engine import ReferenceEngine, Segment, Stream, System, Walk
from tests.checker import CheckError
from tests.checker_shares import check_all
from tests.engine.builders import ODD, Bench, convolution, stage


def contended() -> System:
    """Run two layers behind one another that share converters, samples and a port, at tight buffers."""
    bench = Bench(requests=2)
    port, bank = bench.server("port", ODD), bench.server("bank")
    samples = bench.slots("samples", "sample_hold", 1, shared=True)
    load = bench.source(9, 700)
    streams, vectors = [load], (9, 4)
    for index, how in enumerate((convolution((3, 3), 3, pad=1), convolution((3, 3), 2))):
        registers = bench.slots(f"registers[{index}]", "input_register", 1)
        table = [
            stage("fetch", 1, port, cause="fetch_port", acquires=registers, crossing=1),
            stage("read", 400, bench.server(f"array[{index}]"), times=2, captures=samples, releases=[(registers, 1)]),
            stage("convert", 900, bank, cause="adc_busy", times=2, releases=[(samples, 2)]),
            stage("write", 1, port, cause="buffer_port"),
        ]
        streams.append(bench.stream(f"layer[{index}]", vectors[index], table))
        bench.join(streams[-2], streams[-1], how)
    for edge, least in zip(bench.system.edges, bench.least(), strict=True):
        edge.capacity = least
    ReferenceEngine(bench.system).run()
    return bench.system


def swap_holds(system: System) -> None:
    """Exchange what two holds of one server were for."""
    holds = next(server.holds for server in system.servers if server.path == "bank")
    pairs = pairwise(holds)
    one, other = next((one, other) for one, other in pairs if one.stream != other.stream)
    one.stream, other.stream = other.stream, one.stream
    one.iteration, other.iteration = other.iteration, one.iteration


def shift_hold(system: System) -> None:
    """Have one hold begin late."""
    system.servers[1].holds[3].start_ps += 1


def lengthen_hold(system: System) -> None:
    """Have one hold end late."""
    system.servers[2].holds[-1].end_ps += 1


def lose_hold(system: System) -> None:
    """Leave a hold out."""
    del system.servers[1].holds[5]


def shift_grant(system: System) -> None:
    """Have a slot granted late."""
    system.slots[0].uses[4].start_ps += 1


def shift_return(system: System) -> None:
    """Have a slot come back early."""
    system.slots[0].uses[4].end_ps -= 1


def shift_arrival(system: System) -> None:
    """Have a vector arrive late."""
    system.edges[1].arrived_ps[2] += 1


def shift_free(system: System) -> None:
    """Have space come back early."""
    system.edges[0].freed_ps[1] -= 1


def miscount_space(system: System) -> None:
    """Count a vector for a picosecond too long."""
    system.edges[0].occupancy.integral += 1


def miscount_busy(system: System) -> None:
    """Count a picosecond of a server too many."""
    system.servers[0].busy_ps += 1


def miscount_stage(system: System) -> None:
    """Count an iteration too many."""
    system.streams[1].stage_counts[2] += 1


def shift_issue(system: System) -> None:
    """Log an issue of a vector that is not what follows from its inputs and room."""
    system.streams[1].issue_ps[3] -= 1


def shift_arrival_at_stage(system: System) -> None:
    """Log a request at a stage that is not what follows from the stage before."""
    system.streams[2].log[3].arrival_ps[0] -= 1


FALSIFIED = [
    swap_holds, shift_hold, lengthen_hold, lose_hold, shift_grant, shift_return, shift_arrival, shift_free,
    miscount_space, miscount_busy, miscount_stage, shift_issue, shift_arrival_at_stage,
]  # fmt: skip


def test_an_honest_run_passes() -> None:
    """And it is no idle one."""
    shares = check_all(contended())
    causes = {part.cause for parts in shares.values() for part in parts}
    assert causes == {"service", "transfer", "dependency", "buffer_full", "fetch_port", "sample_hold"}


@pytest.mark.parametrize("falsify", FALSIFIED, ids=lambda falsify: falsify.__name__)
def test_a_false_log_is_noticed(falsify: Callable[[System], None]) -> None:
    """A single picosecond or place in any log contradicts the others."""
    system = contended()
    falsify(system)
    with pytest.raises((CheckError, LookupError)):
        check_all(system)


@pytest.mark.parametrize(
    "change", [{"cause": "memory"}, {"holder_vector": 99}, {"holder": 0}, {"resource": "elsewhere"}]
)
def test_a_false_share_is_noticed(monkeypatch: pytest.MonkeyPatch, change: dict[str, object]) -> None:
    """A wait booked under another cause, resource or holder is no share that the documentation allows."""
    system, walked = contended(), Walk.share

    def lie(walk: Walk, stream: Stream, vector: int) -> list[Segment]:
        segments = walked(walk, stream, vector)
        return [one._replace(**change) if one.cause == "sample_hold" else one for one in segments]  # type: ignore[arg-type]

    monkeypatch.setattr(Walk, "share", lie)
    with pytest.raises(CheckError):
        check_all(system)
