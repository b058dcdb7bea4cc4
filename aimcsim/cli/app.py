"""The commands. Whatever takes time to import is imported inside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aimcsim.cli.calibrations import calibrate
from aimcsim.cli.completion import chip_choices, preset_choices, workload_choices
from aimcsim.cli.guard import CHECK_FAILED, INTERRUPTED, GuardedCommand
from aimcsim.cli.noc import noc
from aimcsim.cli.options import (
    INPUTS,
    CalibrationOption,
    ChipArgument,
    ChipsOption,
    CompensateOption,
    CsvOption,
    EpochOption,
    EveryOption,
    FoldOption,
    JsonOption,
    MappingOption,
    PackOption,
    PlacementOption,
    ReplicateOption,
    SetOption,
    TimeOption,
    WorkloadArgument,
    one_form,
)

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(
    name="aimcsim",
    help="Simulate analog in-memory-computing chips: when things happen, what they cost, what the chip computes.",
    epilog="Exit codes: 0 done, 1 the run failed, 2 the input cannot be used, 3 a check of results failed.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    inputs: Annotated[str | None, INPUTS] = None,
    requests: Annotated[int | None, typer.Option(help="How many requests; default: all samples, or 1.")] = None,
    analog: Annotated[
        Literal["off", "ideal", "quantized", "analog"] | None,
        typer.Option(help="Values: none, exact, through the chip's slices and converters, or also in its devices."),
    ] = None,
    grain: Annotated[
        Literal["auto", "vector", "row", "layer"],
        typer.Option(help="What one record covers, auto: by the size of the run; changes no result."),
    ] = "auto",
    time: TimeOption = "0",
    compensate: CompensateOption = "none",
    calibration: CalibrationOption = None,
    epoch: EpochOption = None,
    compensate_every: EveryOption = None,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    seeds: Annotated[
        int, typer.Option(metavar="N", help="Run N seeds; figures have ranges over all, the rest is of the first.")
    ] = 1,
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
    arrivals: Annotated[
        str | None,
        typer.Option(
            metavar="PROCESS|FILE.csv", help="poisson:RATE, fixed:RATE, burst:N:RATE or a file; default: all at once."
        ),
    ] = None,
    max_in_flight: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most requests inside at a time; the next waits outside.")
    ] = None,
    warmup: Annotated[
        int, typer.Option(min=0, metavar="N", help="Leave the first N requests out of latency and throughput.")
    ] = 0,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Run a workload on a chip: time, waits, energy, outputs."""
    from aimcsim.cli.accuracies import time_of
    from aimcsim.cli.inputs import chip_count, load_both, mapping_choice, read_inputs
    from aimcsim.cli.keeping import kept
    from aimcsim.cli.waiting import waiting
    from aimcsim.records.run_dir import check_free
    from aimcsim.seeds import simulate_seeds

    one_form(json=json, csv=csv)
    if output is not None:
        check_free(output, force=force)
    choice = mapping_choice(pack, replicate, placement, mapping)
    count = chip_count(chips)
    spec, network = load_both(chip, workload, overrides or (), fold_unsupported=fold_unsupported)
    arrays = None if inputs is None else read_inputs(inputs, network)
    with kept(output, chip=spec.name, workload=network.name, seed=seed, force=force) as keeping:
        with waiting(f"running {network.name} on {spec.name}") as told:
            done = simulate_seeds(
                spec,
                network,
                seeds=seeds,
                inputs=arrays,
                requests=requests,
                analog=analog,
                grain=grain,
                time_s=time_of(time),
                compensate=compensate,
                calibration=calibration,
                epoch_s=None if epoch is None else time_of(epoch),
                compensate_every_s=None if compensate_every is None else time_of(compensate_every),
                seed=seed,
                engine=engine,
                mapping=choice,
                chips=count,
                program_first=program_first,
                arrivals=arrivals,
                max_in_flight=max_in_flight,
                warmup=warmup,
                alive=told.tell,
                spool=keeping.place,
            )
        keeping.keep(done)
    from aimcsim.cli import summaries, tables

    if json:
        tables.show_json(done.summary)
        return
    if csv:
        tables.show_figures(done.summary)
        return
    again = "next: add -o DIR to keep the run"
    look = f"next: aimcsim show {output} --by cause    (or layer, tile, resource, component)"
    tables.show(summaries.summary_table(done, directory=output), again if output is None else look)


@app.command(cls=GuardedCommand)
def accuracy(  # noqa: PLR0913 - one parameter per option
    chip: ChipArgument,
    workload: WorkloadArgument,
    *,
    inputs: Annotated[str, INPUTS],
    labels: Annotated[str, typer.Option(metavar="NAME", help="Array with the right class of each sample.")] = "labels",
    samples: Annotated[int | None, typer.Option(min=1, help="Take the first so many samples.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=10_000, help="Programmings, each with errors of its own.")] = 5,
    times: Annotated[
        str, typer.Option(metavar="TIME,...", help="Times since programming, in s, min, h, day, month or year.")
    ] = "0",
    compensate: CompensateOption = "none",
    calibration: CalibrationOption = None,
    by: Annotated[
        Literal["time", "layer"], typer.Option(help="Accuracy over time, or the error of each layer.")
    ] = "time",
    overrides: SetOption = None,
    pack: PackOption = "none",
    replicate: ReplicateOption = None,
    placement: PlacementOption = "in-order",
    mapping: MappingOption = None,
    chips: ChipsOption = None,
    fold_unsupported: FoldOption = False,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Accuracy in the chip's devices, over seeds and time."""
    from aimcsim.cli import accuracies
    from aimcsim.cli.inputs import chip_count, load_both, mapping_choice, read_inputs
    from aimcsim.cli.waiting import waiting
    from aimcsim.compensation import compensation_cost
    from aimcsim.evaluation import evaluate

    one_form(json=json, csv=csv)
    times_s = accuracies.times_of(times)
    choice, count = mapping_choice(pack, replicate, placement, mapping), chip_count(chips)
    spec, network = load_both(chip, workload, overrides or (), fold_unsupported=fold_unsupported)
    arrays = accuracies.labelled(read_inputs(inputs, network), labels, network, samples)
    what = f"evaluating {network.name} on {spec.name}"
    with waiting(what) as told:
        found = evaluate(
            spec,
            network,
            arrays,
            time_s=times_s,
            seeds=seeds,
            compensate=compensate,
            calibration=calibration,
            mapping=choice,
            chips=count,
            alive=lambda done, points: setattr(told, "what", f"{what}, {done} of {points} points"),
        )
    cost = compensation_cost(spec, network, compensate, mapping=choice, chips=count)
    title = f"{network.name} on {spec.name}, seeds: {seeds}, compensation: {compensate}"
    _show_rows(
        lambda: accuracies.rows_of(found, by, cost),
        lambda: (title, *accuracies.accuracy_tables(found, by, cost)),
        json=json,
        csv=csv,
    )


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
    csv: CsvOption = False,
) -> None:
    """Show a run, or where its time and energy went."""
    from aimcsim.cli import summaries, tables, views
    from aimcsim.errors import InputError
    from aimcsim.run import load_run

    one_form(json=json, csv=csv)
    if by and assumptions:
        raise InputError("give --by or --assumptions, not both")
    stored = load_run(directory)
    if by:
        _show_rows(lambda: views.VIEWS[by](stored), lambda: tables.TABLES[by](stored), json=json, csv=csv)
    elif assumptions and csv:
        tables.show_csv([{"assumption": one} for one in stored.summary["assumptions"]])
    elif json:
        tables.show_json(stored.summary["assumptions"] if assumptions else stored.summary)
    elif csv:
        tables.show_figures(stored.summary)
    elif assumptions:
        tables.show(summaries.assumption_table(stored))
    elif stored.partial:
        tables.show(summaries.partial_table(stored, directory))
    else:
        tables.show(summaries.summary_table(stored, directory=directory))


@app.command(cls=GuardedCommand)
def diff(
    first: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a run.")],
    second: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of another run of the same workload.")],
    *,
    json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the figures as CSV and nothing else.")] = False,
) -> None:
    """Compare two runs: latency, waits, energy, and what differs in their chips."""
    from aimcsim.cli import comparison, tables
    from aimcsim.run import load_run

    one_form(json=json, csv=csv)
    found = comparison.differences(load_run(first), load_run(second))
    if json:
        tables.show_json(found)
    elif csv:
        tables.show_csv(found["figures"])
    else:
        tables.show(*comparison.tables(found))


@app.command(cls=GuardedCommand)
def chips(
    chip: Annotated[
        str | None,
        typer.Argument(help="Chip file or preset whose area and power to show.", autocompletion=chip_choices),
    ] = None,
    *,
    overrides: SetOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """List the chips that come with the package, or show one's area, power and peak."""
    from aimcsim.cli import presets

    one_form(json=json, csv=csv)
    if chip is not None:
        _show_chip(chip, overrides or (), json=json, csv=csv)
        return
    rows = presets.preset_rows()
    plain = [{**row, "sources": list(row["sources"])} for row in rows] if csv else rows
    _show_rows(lambda: plain, lambda: (presets.preset_table(rows),), json=json, csv=csv)


def _show_chip(chip: str, overrides: Sequence[str], *, json: bool, csv: bool) -> None:
    from aimcsim.cli import costs, tables
    from aimcsim.spec import load_chip

    spec = load_chip(chip, overrides)
    if json:
        tables.show_json(costs.chip_view(spec))
    elif csv:
        tables.show_csv(costs.chip_view(spec)["components"])
    else:
        tables.show(*costs.chip_tables(spec))


@app.command(cls=GuardedCommand)
def explain(
    chip: ChipArgument,
    component: Annotated[
        str | None,
        typer.Argument(metavar="[PATH]", help="Such as tile.adc, edram, or tile for all of it; default: list them."),
    ] = None,
    *,
    overrides: SetOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Say what a component costs, where that is from, and how well it is known."""
    from aimcsim.cli import costs
    from aimcsim.spec import load_chip

    one_form(json=json, csv=csv)
    spec = load_chip(chip, overrides or ())
    if component is None:
        _show_rows(lambda: costs.path_rows(spec), lambda: (costs.path_table(spec),), json=json, csv=csv)
        return
    _show_rows(
        lambda: costs.explained(spec, component), lambda: costs.explain_tables(spec, component), json=json, csv=csv
    )


@app.command(cls=GuardedCommand)
def cite(
    chip: Annotated[
        str | None, typer.Argument(help="Chip file or preset; default: all works.", autocompletion=chip_choices)
    ] = None,
    *,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """List the works that numbers are from."""
    from aimcsim.cli import costs
    from aimcsim.spec import load_chip

    one_form(json=json, csv=csv)
    rows = costs.cited(None if chip is None else load_chip(chip))
    _show_rows(lambda: rows, lambda: (costs.cite_table(rows),), json=json, csv=csv)


@app.command(cls=GuardedCommand)
def validate(
    chips: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CHIP]...",
            help="Chips whose published figures to check, or one chip file; default: all presets.",
            autocompletion=chip_choices,
        ),
    ] = None,
    *,
    against: Annotated[
        str | None,
        typer.Option(metavar="PRESET", help="Whose figures a chip file is held against; default: what it extends."),
    ] = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Check presets against published figures, one by one."""
    from aimcsim.cli import validation
    from aimcsim.cli.waiting import waiting
    from aimcsim.validation import validate as run_targets

    one_form(json=json, csv=csv)
    with waiting("checking published figures"):
        results = run_targets(chips or (), against=against)
    rows = [result.row() for result in results]
    _show_rows(lambda: rows, lambda: (validation.result_table(results),), json=json, csv=csv)
    if any(result.verdict == "fail" for result in results):
        raise typer.Exit(CHECK_FAILED)


@app.command(cls=GuardedCommand)
def new(
    path: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="Chip file to write; never overwritten.")],
    *,
    preset: Annotated[
        str, typer.Option("--from", metavar="PRESET", help="Chip to copy.", autocompletion=preset_choices)
    ] = "tiny",
    json: JsonOption = False,
) -> None:
    """Begin a chip file of your own: a preset with its comments."""
    from aimcsim.cli import presets, tables

    presets.begin_chip(path, preset)
    if json:
        tables.show_json({"file": str(path), "from": preset})
    else:
        tables.show(f"wrote {path}, a copy of {preset}", f"next: aimcsim check {path}")


@app.command(cls=GuardedCommand)
def schema(
    what: Annotated[Literal["chip", "workload"], typer.Argument(help="Kind of file.")] = "chip",
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, as in any case.")] = True,  # noqa: ARG001
) -> None:
    """Print the JSON Schema of chip or workload files, for editors."""
    from aimcsim.cli import tables
    from aimcsim.spec.json_schema import chip_schema
    from aimcsim.workload.json_schema import workload_schema

    tables.show_json(chip_schema() if what == "chip" else workload_schema())


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
    csv: Annotated[bool, typer.Option("--csv", help="Print the layers as CSV and nothing else.")] = False,
) -> None:
    """Show which layer sits where, and buffer space."""
    from aimcsim.cli import plans, tables
    from aimcsim.cli.files import check_writable
    from aimcsim.cli.inputs import chip_count, load_both, mapping_choice
    from aimcsim.run import build

    one_form(json=json, csv=csv)
    check_writable(output, force=force)
    choice, count = mapping_choice(pack, replicate, placement, mapping), chip_count(chips)
    loaded = load_both(chip, workload, overrides or (), fold_unsupported=fold_unsupported)
    built = build(*loaded, mapping=choice, chips=count)
    if output is not None:
        plans.write_mapping(built, output)
    if json:
        tables.show_json(plans.map_rows(built))
    elif csv:
        tables.show_csv(plans.map_rows(built)["layers"])
    else:
        tables.show(*plans.map_tables(built))


@app.command(cls=GuardedCommand)
def check(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Chip, workload, inputs (.npz) and run directory, in any order; one of each kind at most.",
            autocompletion=workload_choices,
        ),
    ],
    *,
    overrides: SetOption = None,
    pack: PackOption = "none",
    replicate: ReplicateOption = None,
    placement: PlacementOption = "in-order",
    mapping: MappingOption = None,
    chips: ChipsOption = None,
    fold_unsupported: FoldOption = False,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Check files of every kind, and whether they fit each other."""
    from aimcsim.cli import checking, tables
    from aimcsim.cli.inputs import chip_count, mapping_choice
    from aimcsim.errors import InputError

    one_form(json=json, csv=csv)
    try:
        choice, count = mapping_choice(pack, replicate, placement, mapping), chip_count(chips)
        found = checking.checked(files, overrides or (), choice, count, fold_unsupported=fold_unsupported)
    except InputError as error:
        if not json:
            raise
        tables.show_json({"ok": False, "problems": checking.problem_rows(error)})
        raise typer.Exit(error.exit_code) from None
    if json:
        tables.show_json({"ok": True, "problems": [], **found})
    elif csv:
        tables.show_figures(found)
    else:
        tables.show(checking.check_table(found))


@app.command(cls=GuardedCommand)
def conform(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Recorded cases of other simulators (.npz), or statistics (.json)."),
    ],
    *,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Compute recorded cases of other simulators anew."""
    from aimcsim.cli import conforming
    from aimcsim.cli.waiting import waiting
    from aimcsim.errors import ConfigError

    one_form(json=json, csv=csv)
    with waiting("computing recorded cases"):
        found, problems = conforming.verdicts(files)
    tables = (conforming.verdict_table(found), *conforming.line_tables(found))
    _show_rows(lambda: [one.row() for one in found], lambda: tables, json=json, csv=csv)
    if problems:
        raise ConfigError.of(problems)
    if any(one.verdict == "fail" for one in found):
        raise typer.Exit(CHECK_FAILED)


app.command(cls=GuardedCommand)(calibrate)
app.command(cls=GuardedCommand)(noc)


def _show_rows(
    rows: Callable[[], list[dict[str, Any]]], drawn: Callable[[], Iterable[Table | str]], *, json: bool, csv: bool
) -> None:
    """Print rows in the form that was asked for."""
    from aimcsim.cli import tables

    if json:
        tables.show_json(rows())
    elif csv:
        tables.show_csv(rows())
    else:
        tables.show(*drawn())
