"""The commands with their options. Whatever takes time to import is imported inside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from aimcsim.cli.guard import CHECK_FAILED, INTERRUPTED, GuardedCommand

app = typer.Typer(
    name="aimcsim",
    help="Simulate analog in-memory-computing chips: when things happen, what they cost, what the chip computes.",
    epilog="Exit codes: 0 done, 1 the run failed, 2 the input cannot be used, 3 a check of results failed.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ChipArgument = Annotated[str, typer.Argument(help="Chip file, or the name of a preset (see `aimcsim chips`).")]
WorkloadArgument = Annotated[str, typer.Argument(help="Workload (.yaml, .onnx), or the name of a shipped network.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a field of the chip file; repeatable.")
]
PackOption = Annotated[
    Literal["none", "crossbar"], typer.Option(help="Whether blocks, also of different layers, share crossbars.")
]
ReplicateOption = Annotated[
    list[str] | None,
    typer.Option(metavar="all|N|LAYER=R", help="Balance replicas in all or N crossbars; or R of a layer; repeatable."),
]
PlacementOption = Annotated[
    Literal["in-order", "snake", "traffic"], typer.Option(help="In which order tiles are filled; traffic: few hops.")
]
ChipsOption = Annotated[
    str | None, typer.Option(metavar="N|auto", help="So many equal chips, joined by links; auto: as many as it takes.")
]
MappingOption = Annotated[
    Path | None, typer.Option("--mapping", metavar="FILE", help="Mapping as `aimcsim map -o FILE` writes it.")
]
FoldOption = Annotated[
    bool,
    typer.Option("--fold-unsupported", help="Leave out unsupported ONNX nodes that keep their shape, and say which."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def main() -> None:
    """Run the command line of this process."""
    try:
        app(prog_name="aimcsim")
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def _version(wanted: bool) -> None:
    if wanted:
        from aimcsim.version import __version__

        typer.echo(f"aimcsim {__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """The options that stand before a command."""


@app.command(cls=GuardedCommand)
def demo(*, json: JsonOption = False) -> None:
    """Run a small network on a small chip, outputs checked."""
    from aimcsim.cli.demo import demonstrate

    if not demonstrate(as_json=json):
        raise typer.Exit(CHECK_FAILED)


@app.command(cls=GuardedCommand)
def run(  # noqa: PLR0913 - one parameter per option
    chip: ChipArgument,
    workload: WorkloadArgument,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Directory to write the run to.")
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.npz", help="Arrays by the names of the network's inputs, first axis samples (and `labels`)."
        ),
    ] = None,
    requests: Annotated[int | None, typer.Option(help="How many requests; default: all samples, or 1.")] = None,
    analog: Annotated[
        Literal["off", "ideal", "quantized"] | None,
        typer.Option(help="Values: none, exact, or through the chip's slices and converters."),
    ] = None,
    grain: Annotated[
        Literal["auto", "vector", "row", "layer"],
        typer.Option(help="What one record covers, auto: by the size of the run; changes no result."),
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    engine: Annotated[
        Literal["fast", "reference"], typer.Option(help="A compiled loop, or the same times from SimPy processes.")
    ] = "fast",
    overrides: SetOption = None,
    pack: PackOption = "none",
    replicate: ReplicateOption = None,
    placement: PlacementOption = "in-order",
    mapping: MappingOption = None,
    chips: ChipsOption = None,
    fold_unsupported: FoldOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the run in DIR.")] = False,
    program_first: Annotated[
        bool,
        typer.Option("--program-first/--program-during", help="Admit requests after, or while, weights are written."),
    ] = True,
    json: JsonOption = False,
) -> None:
    """Run a workload on a chip: time, waits, energy, outputs."""
    from aimcsim.cli.inputs import chip_count, load_both, mapping_choice, read_inputs
    from aimcsim.cli.waiting import sign_of_life
    from aimcsim.records.run_dir import check_free
    from aimcsim.run import simulate

    if output is not None:
        check_free(output, force=force)
    choice = mapping_choice(pack, replicate, placement, mapping)
    count = chip_count(chips)
    spec, network = load_both(chip, workload, overrides or (), fold_unsupported=fold_unsupported)
    arrays = None if inputs is None else read_inputs(inputs, network)
    with sign_of_life(f"running {network.name} on {spec.name}"):
        done = simulate(
            spec,
            network,
            inputs=arrays,
            requests=requests,
            analog=analog,
            grain=grain,
            seed=seed,
            engine=engine,
            mapping=choice,
            chips=count,
            program_first=program_first,
        )
    if output is not None:
        done.save(output, force=force)
    from aimcsim.cli import summaries, tables

    if json:
        tables.show_json(done.summary)
        return
    keep = "next: add -o DIR to keep the run"
    look = f"next: aimcsim show {output} --by cause    (or layer, tile, resource, component)"
    tables.show(summaries.summary_table(done, directory=output), keep if output is None else look)


@app.command(cls=GuardedCommand)
def show(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory that `aimcsim run -o` wrote.")],
    *,
    by: Annotated[
        Literal["layer", "tile", "resource", "cause", "component"] | None,
        typer.Option(help="Split time, waits and energy up."),
    ] = None,
    assumptions: Annotated[bool, typer.Option("--assumptions", help="List what the run assumes.")] = False,
    json: JsonOption = False,
) -> None:
    """Show a run, or where its time and energy went."""
    from aimcsim.cli import summaries, tables, views
    from aimcsim.errors import InputError
    from aimcsim.run import load_run

    if by and assumptions:
        raise InputError("give --by or --assumptions, not both")
    stored = load_run(directory)
    if json:
        split = views.VIEWS[by](stored) if by else stored.summary
        tables.show_json(stored.summary["assumptions"] if assumptions else split)
    elif assumptions:
        tables.show(summaries.assumption_table(stored))
    else:
        tables.show(*tables.TABLES[by](stored) if by else [summaries.summary_table(stored, directory=directory)])


@app.command(cls=GuardedCommand)
def chips(*, json: JsonOption = False) -> None:
    """List the chips that come with the package."""
    from aimcsim.cli import plans, tables

    rows = plans.preset_rows()
    if json:
        tables.show_json(rows)
    else:
        tables.show(plans.preset_table(rows))


@app.command("map", cls=GuardedCommand)
def map_(  # noqa: PLR0913 - one parameter per option
    chip: ChipArgument,
    workload: WorkloadArgument,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.yaml", help="File to write the mapping to.")
    ] = None,
    overrides: SetOption = None,
    pack: PackOption = "none",
    replicate: ReplicateOption = None,
    placement: PlacementOption = "in-order",
    mapping: MappingOption = None,
    chips: ChipsOption = None,
    fold_unsupported: FoldOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE.")] = False,
    json: JsonOption = False,
) -> None:
    """Show which layer sits where, and buffer space."""
    from aimcsim.cli import plans, tables
    from aimcsim.cli.inputs import chip_count, load_both, mapping_choice
    from aimcsim.run import build

    plans.check_writable(output, force=force)
    choice, count = mapping_choice(pack, replicate, placement, mapping), chip_count(chips)
    loaded = load_both(chip, workload, overrides or (), fold_unsupported=fold_unsupported)
    built = build(*loaded, mapping=choice, chips=count)
    if output is not None:
        plans.write_mapping(built, output)
    if json:
        tables.show_json(plans.map_rows(built))
    else:
        tables.show(*plans.map_tables(built))


@app.command(cls=GuardedCommand)
def check(
    chip: ChipArgument,
    workload: Annotated[str | None, typer.Argument(help="Workload that the chip should hold.")] = None,
    *,
    overrides: SetOption = None,
    pack: PackOption = "none",
    replicate: ReplicateOption = None,
    placement: PlacementOption = "in-order",
    mapping: MappingOption = None,
    chips: ChipsOption = None,
    fold_unsupported: FoldOption = False,
    json: JsonOption = False,
) -> None:
    """Check a chip file, a workload, and whether they fit."""
    from aimcsim.cli import plans, tables
    from aimcsim.cli.inputs import chip_count, mapping_choice, problems_of
    from aimcsim.errors import InputError

    try:
        choice, count = mapping_choice(pack, replicate, placement, mapping), chip_count(chips)
        found = plans.checked(chip, workload, overrides or (), choice, count, fold_unsupported=fold_unsupported)
    except InputError as error:
        if not json:
            raise
        tables.show_json({"ok": False, "problems": plans.problem_rows(problems_of(error))})
        raise typer.Exit(error.exit_code) from None
    if json:
        tables.show_json({"ok": True, "problems": [], **found})
    else:
        tables.show(plans.check_table(found))
