"""The fast engine, compiled: a system as flat arrays, the loop over them, and its logs back in the system.

The steps are those of `fast.py`, which is the readable twin. Names of arrays: `st_` per stream, `e_` per edge, `r_` per
run (one stage of one stream, taking slots or serving), `sp_` per span, `ck_` per clock, `v_` per server, `d_` per desk
(servers, then pools), `c_` per client of a pool (one stream's use of it); `log_*` per iteration of a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.engine.deadlock import report_deadlock
from aimcsim.engine.fast import FastEngine, check_can_run_fast, settle
from aimcsim.engine.server import Hold
from aimcsim.engine.slots import SlotPool, SlotUse
from aimcsim.engine.span import Span
from aimcsim.engine.stream import Stage, Stream, System
from aimcsim.units import ClockDomain

Ints = NDArray[np.int64]

TAKING, SERVING = 0, 1
NONE = -1


class CompiledEngine:
    """Runs a system to its end on the compiled loop.

    Raises
    ------
    DeadlockError
        From `run`, if nothing can happen any more and some stream has vectors left.
    """

    def __init__(self, system: System) -> None:
        check_can_run_fast(system)
        self.system = system
        self._clients: dict[tuple[int, int], int] = {}
        self._client_pools: list[SlotPool] = []
        self._client_streams: list[int] = []
        self._client_totals: list[int] = []
        self._client_takers: list[int] = []
        self._spans: dict[Span, int] = {}
        self._clocks: dict[ClockDomain, int] = {}
        self._runs: list[tuple[Stream, int, int]] = []
        self._taking: dict[tuple[int, int], int] = {}
        self._serving: dict[tuple[int, int], int] = {}
        self._arrays = self._flatten()

    def run(self) -> int:
        """Advance all streams to their last vector, log it in the system; return the number of events that took."""
        if _kernels.stream_loop() is None:
            return FastEngine(self.system).run()
        events = self.advance()
        self._restore()
        if any(len(stream.end_ps) < stream.total for stream in self.system.streams):
            raise report_deadlock(self.system)
        settle(self.system)
        return events

    def advance(self) -> int:
        """Run the compiled loop alone, without bringing its logs back."""
        system = self.system
        programs = sum(stream.kind == "program" for stream in system.streams)
        loop = _kernels.stream_loop()(self._arrays, system.begin or 0, int(system.begin is not None), programs)
        return int(loop.run())

    # ---- flattening

    def _flatten(self) -> dict[str, Ints]:
        system = self.system
        self._number_runs()
        arrays = {**self._run_arrays(), **self._stream_arrays(), **self._edge_arrays()}
        arrays |= self._desk_arrays()
        arrays |= self._span_arrays()
        arrays["work"] = np.zeros(len(self._runs) + 1, dtype=np.int64)
        desks = len(system.servers) + len(system.slots)
        arrays["touched"] = np.zeros(desks, dtype=np.int64)
        arrays["is_touched"] = np.zeros(desks, dtype=np.int64)
        return arrays

    def _number_runs(self) -> None:
        """Give every run its number, and every client of a pool its own."""
        for stream in self.system.streams:
            for index, stage in enumerate(stream.stages):
                if stage.acquires is not None:
                    self._taking[stream.index, index] = len(self._runs)
                    self._client(stage.acquires, stream, stage)
                    self._runs.append((stream, index, TAKING))
                self._serving[stream.index, index] = len(self._runs)
                if stage.captures is not None:
                    self._client(stage.captures, stream, stage)
                self._runs.append((stream, index, SERVING))

    def _client(self, pool: SlotPool, stream: Stream, stage: Stage) -> None:
        key = (id(pool), stream.index)
        assert key not in self._clients, "a stream takes slots of a pool at one stage"
        self._clients[key] = len(self._client_pools)
        self._client_pools.append(pool)
        self._client_streams.append(stream.index)
        self._client_totals.append(stream.total * stage.iterations)
        self._client_takers.append(len(self._runs))

    def _client_of(self, pool: SlotPool | None, stream: Stream) -> int:
        return NONE if pool is None else self._clients[id(pool), stream.index]

    def _run_arrays(self) -> dict[str, Ints]:
        servers = {id(server): index for index, server in enumerate(self.system.servers)}
        uses = Counter(id(stage.server) for stream in self.system.streams for stage in stream.stages if stage.server)
        rows: dict[str, list[int]] = {name: [] for name in _RUN_FIELDS}
        releases: list[tuple[int, int]] = []
        starts = [0]
        for stream, index, kind in self._runs:
            stage = stream.stages[index]
            serving = kind == SERVING
            takes = stage.acquires is not None
            rows["r_stream"].append(stream.index)
            rows["r_stage"].append(index)
            rows["r_kind"].append(kind)
            rows["r_iterations"].append(stage.iterations)
            rows["r_total"].append(stream.total * stage.iterations)
            source, before = self._source(stream, index, serving and takes)
            rows["r_source"].append(source)
            rows["r_before"].append(before)
            rows["r_next"].append(self._next(stream, index, serving))
            rows["r_last"].append(int(serving and index == len(stream.stages) - 1))
            rows["r_server"].append(servers[id(stage.server)] if serving and stage.server else NONE)
            rows["r_own"].append(int(stage.server is not None and uses[id(stage.server)] == 1))
            rows["r_take"].append(self._client_of(stage.acquires, stream))
            rows["r_capture"].append(self._client_of(stage.captures, stream) if serving else NONE)
            crossing = None if serving and takes else stage.crossing
            rows["r_cross_clock"].append(NONE if crossing is None else self._clock(crossing[0]))
            rows["r_cross_cycles"].append(0 if crossing is None else crossing[1])
            rows["r_latency"].append(self._span(stage.latency))
            rows["r_interval"].append(self._span(stage.interval))
            if serving:
                releases += [(self._client_of(pool, stream), per_vector) for pool, per_vector in stage.releases]
            starts.append(len(releases))
        arrays = {name: _ints(values) for name, values in rows.items()}
        arrays["r_release"] = _ints(starts)
        arrays["rel_client"] = _ints(client for client, _ in releases)
        arrays["rel_per_vector"] = _ints(count for _, count in releases)
        arrays["r_offset"], total = _offsets(rows["r_total"])
        for name in ("log_arrival", "log_had", "log_worked", "log_done"):
            arrays[name] = np.empty(total, dtype=np.int64)
        for name in ("r_done", "r_needs", "r_queued", "r_asked", "r_clock"):
            arrays[name] = np.zeros(len(self._runs), dtype=np.int64)
        return arrays

    def _source(self, stream: Stream, index: int, after_slots: bool) -> tuple[int, int]:
        """Return the run whose results a run takes, and its iterations per vector (the issue of vectors: -1, 1)."""
        if after_slots:
            return self._taking[stream.index, index], stream.stages[index].iterations
        if index == 0:
            return NONE, 1
        return self._serving[stream.index, index - 1], stream.stages[index - 1].iterations

    def _first(self, stream: Stream, index: int) -> int:
        """Return the run that a stage begins with."""
        key = (stream.index, index)
        return self._taking.get(key, self._serving[key])

    def _next(self, stream: Stream, index: int, serving: bool) -> int:
        if not serving:
            return self._serving[stream.index, index]
        return self._first(stream, index + 1) if index + 1 < len(stream.stages) else NONE

    def _stream_arrays(self) -> dict[str, Ints]:
        streams = self.system.streams
        offsets, total = _offsets(stream.total for stream in streams)
        return {
            "st_total": _ints(stream.total for stream in streams),
            "st_source": _ints(stream.source for stream in streams),
            "st_program": _ints(stream.kind == "program" for stream in streams),
            "st_first": _ints(self._first(stream, 0) for stream in streams),
            "st_in": _bounds(len(stream.inputs) for stream in streams),
            "st_out": _bounds(len(stream.outputs) for stream in streams),
            "in_edges": _ints(edge.index for stream in streams for edge in stream.inputs),
            "out_edges": _ints(edge.index for stream in streams for edge in stream.outputs),
            "st_offset": offsets,
            "issue": np.empty(total, dtype=np.int64),
            "end": np.empty(total, dtype=np.int64),
            "st_issued": np.zeros(len(streams), dtype=np.int64),
            "st_ended": np.zeros(len(streams), dtype=np.int64),
        }

    def _edge_arrays(self) -> dict[str, Ints]:
        edges, streams = self.system.edges, self.system.streams
        offsets, total = _offsets(streams[edge.source].total for edge in edges)
        windows, _ = _offsets(len(edge.needs) for edge in edges)
        return {
            "e_source": _ints(edge.source for edge in edges),
            "e_target": _ints(edge.target for edge in edges),
            "e_capacity": _ints(NONE if edge.capacity is None else edge.capacity for edge in edges),
            "e_window": windows,
            "needs": _ints(need for edge in edges for need in edge.needs),
            "keeps": _ints(keep for edge in edges for keep in edge.keeps),
            "e_offset": offsets,
            "passed": np.empty(total, dtype=np.int64),
            "freed": np.empty(total, dtype=np.int64),
            "e_passed": np.zeros(len(edges), dtype=np.int64),
            "e_freed": np.zeros(len(edges), dtype=np.int64),
        }

    def _desk_arrays(self) -> dict[str, Ints]:
        servers, pools = self.system.servers, self.system.slots
        desks = {id(pool): len(servers) + index for index, pool in enumerate(pools)}
        clients = Counter(id(stage.server) for stream in self.system.streams for stage in stream.stages if stage.server)
        used = Counter(id(pool) for pool in self._client_pools)
        offsets, _ = _offsets([*(clients[id(one)] for one in servers), *(used[id(one)] for one in pools)])
        count = len(servers) + len(pools)
        ends, total = _offsets(self._client_totals)
        shared = Counter[int]()
        for pool, uses in zip(self._client_pools, self._client_totals, strict=True):
            shared[id(pool)] += uses * pool.shared
        grants, granted = _offsets([*(0 for _ in servers), *(shared[id(pool)] for pool in pools)])
        zeros = {name: np.zeros(count, dtype=np.int64) for name in ("d_open", "d_taken", "d_pending", "g_count")}
        return {
            **zeros,
            "v_free": np.zeros(len(servers), dtype=np.int64),
            "v_clock": _ints(NONE if one.clock is None else self._clock(one.clock) for one in servers),
            "d_armed": np.full(count, NONE, dtype=np.int64),
            "d_count": _ints([*(1 for _ in servers), *(pool.count for pool in pools)]),
            "d_offset": offsets,
            "d_waiting": np.zeros(sum(clients.values()) + len(self._client_pools), dtype=np.int64),
            "c_desk": _ints(desks[id(pool)] for pool in self._client_pools),
            "c_shared": _ints(pool.shared for pool in self._client_pools),
            "c_offset": ends,
            "c_back": np.zeros(len(self._client_pools), dtype=np.int64),
            "c_taken": np.zeros(len(self._client_pools), dtype=np.int64),
            "c_taker": _ints(self._client_takers),
            "ends": np.empty(total, dtype=np.int64),
            "grants": np.empty(granted, dtype=np.int64),
            "g_offset": grants,
        }

    def _span_arrays(self) -> dict[str, Ints]:
        spans = list(self._spans)
        offsets, _ = _offsets(len(span.amounts) for span in spans)
        clocks = _ints(NONE if span.clock is None else self._clock(span.clock) for span in spans)
        return {
            "sp_offset": offsets,
            "sp_length": _ints(len(span.amounts) for span in spans),
            "sp_cycles": _ints(span.in_cycles for span in spans),
            "sp_clock": clocks,
            "amounts": _ints(amount for span in spans for amount in span.amounts),
            "ck_numerator": _ints(clock.numerator for clock in self._clocks),
            "ck_denominator": _ints(clock.denominator for clock in self._clocks),
        }

    def _span(self, span: Span) -> int:
        return self._spans.setdefault(span, len(self._spans))

    def _clock(self, clock: ClockDomain) -> int:
        return self._clocks.setdefault(clock, len(self._clocks))

    # ---- and back

    def _restore(self) -> None:
        """Put the logs of the loop into the system."""
        arrays, system = self._arrays, self.system
        for stream in system.streams:
            first = int(arrays["st_offset"][stream.index])
            issued, ended = int(arrays["st_issued"][stream.index]), int(arrays["st_ended"][stream.index])
            stream.issue_ps.extend(arrays["issue"][first : first + issued].tolist())
            stream.end_ps.extend(arrays["end"][first : first + ended].tolist())
        for edge in system.edges:
            first, freed = int(arrays["e_offset"][edge.index]), int(arrays["e_freed"][edge.index])
            edge.arrived_ps.extend(system.streams[edge.source].end_ps)
            edge.freed_ps.extend(arrays["freed"][first : first + freed].tolist())
            edge.reserved = len(system.streams[edge.source].issue_ps)
        for run, (stream, index, kind) in enumerate(self._runs):
            self._restore_log(run, stream, index, kind)
        self._restore_holds()
        self._restore_uses()

    def _log(self, name: str, run: int) -> list[int]:
        first, done = int(self._arrays["r_offset"][run]), int(self._arrays["r_done"][run])
        times: list[int] = self._arrays[name][first : first + done].tolist()
        return times

    def _restore_log(self, run: int, stream: Stream, index: int, kind: int) -> None:
        log, stage = stream.log[index], stream.stages[index]
        if kind == TAKING:
            log.arrival_ps.extend(self._log("log_arrival", run))
            log.slot_ps.extend(self._log("log_done", run))
            return
        if stage.acquires is None:
            log.arrival_ps.extend(self._log("log_arrival", run))
        log.start_ps.extend(self._log("log_had", run))
        log.worked_ps.extend(self._log("log_worked", run))
        log.done_ps.extend(self._log("log_done", run))
        stream.stage_counts[index] = len(log.done_ps)

    def _restore_holds(self) -> None:
        """Write the holds of every server, in order of their starts."""
        found: dict[int, list[Hold]] = {id(server): [] for server in self.system.servers}
        for stream in self.system.streams:
            for index, stage in enumerate(stream.stages):
                if stage.server is None:
                    continue
                log, iterations = stream.log[index], stage.iterations
                holds = found[id(stage.server)]
                for iteration, start in enumerate(log.start_ps):
                    if stage.captures is not None:
                        end = log.done_ps[iteration] if iteration < len(log.done_ps) else NONE
                    else:
                        end = stage.interval.end(start, iteration // iterations)
                    holds.append(Hold(start, end, stream.index, index, iteration))
        for server in self.system.servers:
            server.holds.extend(sorted(found[id(server)], key=lambda hold: hold.start_ps))
            server.busy_ps = sum(hold.end_ps - hold.start_ps for hold in server.holds)
            server.free_ps = server.holds[-1].end_ps if server.holds else 0

    def _restore_uses(self) -> None:
        """Write the uses of every pool, in order of their grants."""
        arrays, servers = self._arrays, len(self.system.servers)
        uses = [self._client_uses(client) for client in range(len(self._client_pools))]
        for index, pool in enumerate(self.system.slots):
            desk = servers + index
            if not pool.shared:
                for client, owner in enumerate(self._client_pools):
                    if owner is pool:
                        pool.uses.extend(uses[client])
                continue
            first, count = int(arrays["g_offset"][desk]), int(arrays["g_count"][desk])
            order = [iter(one) for one in uses]
            pool.uses.extend(next(order[client]) for client in arrays["grants"][first : first + count].tolist())

    def _client_uses(self, client: int) -> list[SlotUse]:
        stream, run = self._client_streams[client], self._client_takers[client]
        taking = self._runs[run][2] == TAKING
        asked = self._log("log_had" if taking else "log_worked", run)
        granted = self._log("log_done", run)
        first, back = int(self._arrays["c_offset"][client]), int(self._arrays["c_back"][client])
        ends = self._arrays["ends"][first : first + back].tolist() + [NONE] * (len(granted) - back)
        rows = zip(asked, granted, ends, strict=False)
        return [SlotUse(ask, had, end, stream, number) for number, (ask, had, end) in enumerate(rows)]


_RUN_FIELDS = (
    "r_stream",
    "r_stage",
    "r_kind",
    "r_iterations",
    "r_total",
    "r_source",
    "r_before",
    "r_next",
    "r_last",
    "r_server",
    "r_own",
    "r_take",
    "r_capture",
    "r_cross_clock",
    "r_cross_cycles",
    "r_latency",
    "r_interval",
)


def _ints(values: Iterable[int]) -> Ints:
    return np.array([int(value) for value in values], dtype=np.int64)


def _offsets(lengths: Iterable[int]) -> tuple[Ints, int]:
    """Return where each of several stretches begins when they lie one behind the other, and their whole length."""
    bounds = _bounds(lengths)
    return bounds[:-1].copy(), int(bounds[-1])


def _bounds(lengths: Iterable[int]) -> Ints:
    """Return 0 and the running sums of lengths."""
    sizes: Sequence[int] = [0, *(int(length) for length in lengths)]
    return np.cumsum(np.array(sizes, dtype=np.int64))
