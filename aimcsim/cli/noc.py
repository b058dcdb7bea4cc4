"""`aimcsim noc`: a network by itself, under synthetic traffic or a trace of packets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from aimcsim.cli.options import CsvOption, JsonOption, one_form


def noc(  # noqa: PLR0913 - one parameter per option
    *,
    topology: Annotated[
        Literal["mesh", "torus", "ring", "cmesh", "bus", "crossbar"],
        typer.Option(help="cmesh: several tiles at each router."),
    ] = "mesh",
    size: Annotated[
        str, typer.Option(metavar="COLUMNSxROWS", help="Routers; of a ring, how many; of a bus or crossbar, endpoints.")
    ] = "8x8",
    tiles_per_router: Annotated[
        int | None, typer.Option(metavar="N", help="Tiles at each router; default: 1, of a cmesh 4.")
    ] = None,
    chips: Annotated[int, typer.Option(metavar="N", help="So many equal meshes in a row, joined by links.")] = 1,
    chip_link_cycles: Annotated[int, typer.Option(metavar="N", help="Cycles of a flit from chip to chip.")] = 1,
    chip_flit_cycles: Annotated[int, typer.Option(metavar="N", help="Cycles from flit to flit there.")] = 1,
    vcs: Annotated[int, typer.Option(metavar="N", help="Virtual channels of each port.")] = 2,
    buffer: Annotated[int, typer.Option(metavar="N", help="Flits that each virtual channel holds.")] = 8,
    pipeline: Annotated[Literal["fast", "default"], typer.Option(help="Routers of 2 or of 4 cycles.")] = "fast",
    model: Annotated[
        Literal["flit", "packet"] | None,
        typer.Option(help="Exact to the flit, or links taken for packets; default: flit where it can be."),
    ] = None,
    switching: Annotated[
        Literal["packet", "circuit"],
        typer.Option(help="circuit: a packet takes all links of its way at once, as on a bus or crossbar."),
    ] = "packet",
    setup_cycles: Annotated[
        int, typer.Option(metavar="N", help="Cycles of a circuit's set-up, or of arbitration for a bus or crossbar.")
    ] = 1,
    traffic: Annotated[
        Literal["uniform", "transpose", "hotspot", "gather", "scatter", "neighbour"],
        typer.Option(help="Who sends to whom."),
    ] = "uniform",
    packet: Annotated[int, typer.Option(metavar="N", help="Flits of a packet.")] = 4,
    rate: Annotated[str | None, typer.Option(metavar="A,B,C", help="Flits per endpoint and cycle.")] = None,
    burst: Annotated[
        int | None, typer.Option(metavar="N", help="Instead of rates: N packets of each source in cycle 0.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead of traffic: CSV of id, create, src, dst, flits.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write when each packet of a trace or burst went.")
    ] = None,
    saturation: Annotated[
        bool, typer.Option("--saturation", help="Find the rate at which latency is three times that at none.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw latency over rate.")] = None,
    cycles: Annotated[
        int, typer.Option(metavar="N", help="Cycles that are looked at, after a third as many.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE.")] = False,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Measure a network by itself: latency, saturation, traces."""
    from aimcsim.cli import noc_runs
    from aimcsim.cli.files import check_writable
    from aimcsim.network import Router

    one_form(json=json, csv=csv)
    form: Literal["json", "csv", "table"] = "json" if json else "csv" if csv else "table"
    noc_runs.check_together(trace=trace, burst=burst, rate=rate, plot=plot, out=out, saturation=saturation)
    for file in (out, plot):
        check_writable(file, force=force)
    shape = noc_runs.read_shape(topology, size, tiles_per_router)
    fabric = noc_runs.build_fabric(shape, chips, chip_link_cycles, chip_flit_cycles)
    router = noc_runs.router_of(topology, switching, model, Router(vcs, buffer, pipeline), setup_cycles)
    plan = noc_runs.Plan(fabric, router, shape.layout(chips), model or "flit")
    if trace is not None:
        noc_runs.run_trace(plan, trace, out, form)
    elif burst is not None:
        noc_runs.run_burst(plan, plan.offer(traffic, packet, seed, cycles), burst, out, form)
    else:
        noc_runs.run_rates(plan, plan.offer(traffic, packet, seed, cycles), rate, plot, form, seek=saturation)
