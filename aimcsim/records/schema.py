"""What every column of every table of a run means. Units are in the names."""

from __future__ import annotations

from typing import NamedTuple

CAUSES = (
    "dependency",
    "fetch_port",
    "input_register",
    "crossbar_busy",
    "sample_hold",
    "adc_busy",
    "buffer_full",
    "buffer_port",
    "link_busy",
    "credit",
    "vector_busy",
    "memory",
    "host",
    "maintenance",
)
"""Every wait cause there is; an interval of an op is service, transfer, or one of these."""


class Column(NamedTuple):
    """One column: its name, the kind of its values, and what they mean."""

    name: str
    dtype: str
    meaning: str


OPS = (
    Column("op", "int64", "Number of the op: position in this table."),
    Column("stream", "int64", "Number of the stream that the op belongs to."),
    Column("layer", "str", "Layer (or input) that the op works for."),
    Column("kind", "str", "mvm, vector, reduce, send, load, store, program or compensate."),
    Column("tile", "str", "Where it runs; for a send or load, where it goes."),
    Column("request", "int64", "Request that its vectors belong to; -1 for state ops."),
    Column("first_vector", "int64", "First of its vectors, counted within the request."),
    Column("vectors", "int64", "How many vectors it covers, at most the grain."),
    Column("release_ps", "int64", "End of the stream's vector before, or the admission of the request if later."),
    Column("start_ps", "int64", "Start of the first fetch."),
    Column("end_ps", "int64", "End of the last vector."),
    Column("latency_ps", "int64", "From the first fetch to the end."),
    Column("service_ps", "int64", "Part of [release, end) in which its own work was done."),
    Column("transfer_ps", "int64", "Part in which its data moved between tiles, or to or from the host or memory."),
    *(Column(f"wait_{cause}_ps", "int64", f"Part in which it waited: {cause}.") for cause in CAUSES),
)

WAITS = (
    Column("op", "int64", "Op that waited."),
    Column("cause", "str", "Why."),
    Column("resource", "str", "What for: path of the server, slot or buffer."),
    Column("holder", "int64", "Op that was in the way; -1 if none."),
    Column("wait_ps", "int64", "How long."),
)

CRITICAL_PATH = (
    Column("resource", "str", "Resource that worked on the critical path."),
    Column("cause", "str", "What waiting for it is called; `none` for work that needs no resource."),
    Column("layer", "str", "Layer (or input) that it worked for."),
    Column("kind", "str", "Kind of op."),
    Column("time_ps", "int64", "How long; over all rows, from the first admission, or a later arrival, to the end."),
)

RESOURCES = (
    Column("resource", "str", "Path of the resource."),
    Column("kind", "str", "Class of resource, over which utilisation is summed."),
    Column("holds", "int64", "Times it was held; of a link that flits go over: flits."),
    Column("busy_ps", "int64", "Time it was held (of slots: summed over them, divided by their count, rounded down)."),
    Column("utilisation", "float64", "Busy over elapsed, from the first admission to the end."),
)

LINKS = (
    Column("link", "str", "Path of the link; only those that were used, and only flit by flit or over circuits."),
    Column("kind", "str", "`link` or `chip_link`."),
    Column("flits", "int64", "Flits that went over it."),
    Column("busy_ps", "int64", "Time that it was taken by them."),
    Column("utilisation", "float64", "Busy over elapsed, from the first admission to the last end of any vector."),
    Column("link_wait_ps", "int64", "Time that flits at the front of a buffer, or circuits, waited for it."),
    Column("credit_wait_ps", "int64", "Time that they waited for room in the buffer behind it."),
)

ROUTERS = (
    Column("router", "str", "Path of the router; only those that passed flits on, flit by flit or over circuits."),
    Column("flits", "int64", "Flits that it passed on."),
    Column("head_wait_ps", "int64", "Time that heads of packets stood behind another packet in their buffer."),
)

BUFFERS = (
    Column("edge", "int64", "Number of the edge."),
    Column("buffer", "str", "Buffer that its vectors lie in."),
    Column("source", "str", "Stream that fills it."),
    Column("target", "str", "Stream that empties it."),
    Column("vector_bytes", "int64", "Bytes of one vector."),
    Column("least_vectors", "int64", "Least space with which every request completes."),
    Column("full_rate_vectors", "int64", "Space with which the source need not wait in steady state."),
    Column("quota_vectors", "int64", "Space it was given; 0 where a pool gives the space."),
    Column("highest_vectors", "int64", "Most space it had reserved."),
    Column("vectors", "int64", "Vectors that passed."),
    Column("mean_vectors", "float64", "Space it had reserved, on average from time 0 to the last end of any vector."),
)

REQUESTS = (
    Column("request", "int64", "Number of the request."),
    Column("arrival_ps", "int64", "When it arrived; without arrivals, a request arrives as it is admitted."),
    Column("admitted_ps", "int64", "When its first input vector was admitted."),
    Column("end_ps", "int64", "When its last result had reached the host."),
    Column("queued_ps", "int64", "From arrival to admission: standing in line outside the chip."),
    Column("latency_ps", "int64", "From arrival to end."),
    Column("state_s", "float64", "Seconds since programming at which it reads the devices: those of its epoch."),
    Column("compensated_s", "float64", "Seconds since programming of the compensation it reads with; 0 without one."),
)

LATENCY = (
    Column("bin_start_ps", "int64", "Start of the bin; bins are a power of two long, at most 128 from 0 on."),
    Column("bin_end_ps", "int64", "End of the bin; a latency of just that is in the next."),
    Column("requests", "int64", "Requests after the warm-up whose latency is in the bin; empty bins are left out."),
    Column("share", "float64", "Part of these requests whose latency is in this bin or one before."),
)

ENERGY = (
    Column("layer", "str", "Layer (or input) that the actions were for; empty for static power."),
    Column("tile", "str", "Where; empty for static power."),
    Column("component", "str", "Component that acted."),
    Column("action", "str", "What it did; `static` for power that is drawn in any case."),
    Column(
        "phase",
        "str",
        "`run`; `programming`, also static power before requests could begin; `maintenance`: compensations.",
    ),
    Column("count", "int64", "How often; picoseconds times instances for static power."),
    Column("energy_j", "float64", "Count times cost."),
    Column("source", "str", "Where the cost is from: reference.locator, and its grade."),
)

POWER = (
    Column("bin_start_ps", "int64", "Start of the bin; bins are a power of two long, from the first admission on."),
    Column("bin_end_ps", "int64", "End of the bin: the start of the next, or the last result."),
    Column("component", "str", "Component."),
    Column("action", "str", "Action."),
    Column("count", "int64", "Actions of vectors that ended in the bin (in the last: or later)."),
    Column("power_w", "float64", "Their energy over the bin's length; static power has a row of its own."),
)

SCHEMAS: dict[str, tuple[Column, ...]] = {
    "ops": OPS,
    "waits": WAITS,
    "critical_path": CRITICAL_PATH,
    "resources": RESOURCES,
    "links": LINKS,
    "routers": ROUTERS,
    "buffers": BUFFERS,
    "requests": REQUESTS,
    "latency": LATENCY,
    "energy": ENERGY,
    "power": POWER,
}
"""Table name -> its columns, in order."""
