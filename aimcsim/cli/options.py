"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from aimcsim.cli.completion import chip_choices, input_choices, workload_choices

ChipArgument = Annotated[
    str,
    typer.Argument(help="Chip file, or the name of a preset (see `aimcsim chips`).", autocompletion=chip_choices),
]
WorkloadArgument = Annotated[
    str,
    typer.Argument(help="Workload (.yaml, .onnx), or the name of a shipped network.", autocompletion=workload_choices),
]
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
TimeOption = Annotated[
    str, typer.Option(metavar="TIME", help="With analog values: time since programming, such as 0, 1h, 1day, 1year.")
]
CompensateOption = Annotated[
    Literal["none", "global", "column"],
    typer.Option(help="With analog values: factors against drift, found by reading known vectors before the requests."),
]
CalibrationOption = Annotated[
    Path | None,
    typer.Option("--calibration", metavar="FILE", help="With analog values: ranges that `aimcsim calibrate` found."),
]
EpochOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Step in which devices age in the run; default: they do not.")
]
EveryOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Repeat the compensation with this period; needs --arrivals.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV and nothing else.")]

INPUTS = typer.Option(
    metavar="FILE.npz",
    help="Arrays by the names of the network's inputs, first axis samples (and `labels`).",
    autocompletion=input_choices,
)


def one_form(*, json: bool, csv: bool) -> None:
    """Refuse two forms of output at once."""
    if json and csv:
        from aimcsim.errors import InputError

        raise InputError("give --json or --csv, not both")
