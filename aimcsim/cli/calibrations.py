"""`aimcsim calibrate`: ranges of inputs and converters for every layer, from samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aimcsim.cli.options import (
    INPUTS,
    ChipArgument,
    ChipsOption,
    CsvOption,
    FoldOption,
    JsonOption,
    MappingOption,
    PackOption,
    PlacementOption,
    ReplicateOption,
    SetOption,
    WorkloadArgument,
    one_form,
)

if TYPE_CHECKING:
    from rich.table import Table

    from aimcsim.calibration import Calibration
    from aimcsim.cli.views import Row


def calibrate(  # noqa: PLR0913 - one parameter per option
    chip: ChipArgument,
    workload: WorkloadArgument,
    *,
    inputs: Annotated[str, INPUTS],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.yaml", help="File to write the calibration to.")
    ] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Take the first so many samples.")] = None,
    percentile: Annotated[
        float, typer.Option(metavar="P", help="Per cent of inputs and of column sums that ranges hold.")
    ] = 100.0,
    ranges: Annotated[
        Literal["both", "inputs", "converters"], typer.Option(help="Which ranges to find; others stay the chip's.")
    ] = "both",
    seed: Annotated[int, typer.Option(help="Seed of the arrays that are read.")] = 0,
    overrides: SetOption = None,
    pack: PackOption = "none",
    replicate: ReplicateOption = None,
    placement: PlacementOption = "in-order",
    mapping: MappingOption = None,
    chips: ChipsOption = None,
    fold_unsupported: FoldOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE.")] = False,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Find ranges of inputs and converters from samples."""
    from aimcsim.calibrating import calibrate as found_in
    from aimcsim.cli import tables
    from aimcsim.cli.files import check_writable, write_file
    from aimcsim.cli.inputs import chip_count, load_both, mapping_choice, read_inputs
    from aimcsim.cli.waiting import waiting

    one_form(json=json, csv=csv)
    check_writable(output, force=force)
    choice, count = mapping_choice(pack, replicate, placement, mapping), chip_count(chips)
    spec, network = load_both(chip, workload, overrides or (), fold_unsupported=fold_unsupported)
    arrays = read_inputs(inputs, network)
    with waiting(f"calibrating {network.name} on {spec.name}"):
        found = found_in(
            spec,
            network,
            arrays,
            samples=samples,
            percentile=percentile,
            ranges=ranges,
            seed=seed,
            mapping=choice,
            chips=count,
        )
    if output is not None:
        write_file(output, found.text())
    if json:
        tables.show_json(found.data())
    elif csv:
        tables.show_csv(calibration_rows(found))
    else:
        use = f"next: aimcsim accuracy {chip} {workload} --inputs {inputs} --calibration {output}"
        tables.show(calibration_table(found), "next: add -o FILE to keep it" if output is None else use)


def calibration_rows(found: Calibration) -> list[Row]:
    """Return a row for each layer: its range of inputs, and that of the converters of each slice."""
    return [
        {"layer": name, "inputs": ranges.inputs}
        | {f"converters.{place}": end for place, end in enumerate(ranges.converters or ())}
        for name, ranges in found.layers.items()
    ]


def calibration_table(found: Calibration) -> Table:
    """Return a calibration as a table."""
    from aimcsim.cli.tables import counted, grid

    rows = [
        (
            name,
            "-" if ranges.inputs is None else f"{ranges.inputs:.4g}",
            ", ".join(f"{end:.4g}" for end in ranges.converters or ()) or "-",
        )
        for name, ranges in found.layers.items()
    ]
    return grid(
        f"{found.workload} on {found.chip}: {found.percentile:g} % of {counted(found.samples, 'sample')}",
        ("~layer", ">inputs", ">converters"),
        rows,
        "inputs: largest magnitude; converters: largest sum of each slice, in unit cells, least significant first",
    )
