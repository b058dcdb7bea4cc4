"""What `check` finds out about files of every kind: chips, workloads, inputs, run directories, and whether they fit.

Each file says itself what it is: by its schema, by what it is called, or by being a directory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal, TypeVar

from rich.table import Table

from aimcsim.arrays import error_spec
from aimcsim.cli.inputs import Arrays, collect, problems_of, read_inputs, read_npz, read_workload, says_that_it_is
from aimcsim.cli.plans import fit_row, fit_rows, network_row, network_text, room
from aimcsim.cli.presets import chip_row
from aimcsim.cli.tables import counted, grid
from aimcsim.cli.views import Row
from aimcsim.errors import ConfigError, InputError, Problem
from aimcsim.mapping import MappingPolicy
from aimcsim.run import Built, build, load_run
from aimcsim.spec import load_chip, preset_names
from aimcsim.workload import Workload
from aimcsim.workload.load import workload_names

Loaded = TypeVar("Loaded")

RUN_KEYS = ("chip", "workload", "requests", "partial")
"""What a check says about a run directory."""


def kind_of(source: str) -> str:
    """Return what a file, directory or name is: chip, workload, inputs or run."""
    path = Path(source)
    if path.suffix and not path.exists():
        raise ConfigError(Problem(source, 0, 0, "", "no such file"))
    if path.is_dir() and path.suffix != ".onnx":
        return "run"
    if path.suffix == ".npz":
        return "inputs"
    if source in preset_names() or says_that_it_is("chip", source):
        return "chip"
    if path.suffix == ".onnx" or source in workload_names() or says_that_it_is("workload", source):
        return "workload"
    return "chip"  # which may leave its schema to what it extends


def checked(
    sources: Sequence[str],
    overrides: Sequence[str] = (),
    mapping: MappingPolicy | Path | None = None,
    chips: int | Literal["auto"] | None = None,
    *,
    fold_unsupported: bool = False,
) -> Row:
    """Return what a check found out about each file, and about a chip and a workload together, how they fit.

    Raises
    ------
    InputError
        With all problems of all files, or of what does not fit.
    """
    given, problems = _by_kind(sources), list[Problem]()

    def read(kind: str, load: Callable[[str], Loaded]) -> Loaded | None:
        return collect(problems, lambda: load(given[kind])) if kind in given else None

    chip = read("chip", lambda source: load_chip(source, overrides))
    network = read("workload", lambda source: read_workload(source, fold_unsupported=fold_unsupported))
    run = read("run", load_run)
    arrays = read("inputs", lambda source: _inputs(source, network))
    if problems:
        raise ConfigError.of(problems)
    found: Row = {}
    if chip is not None:
        error_spec(chip)
        found["chip"] = chip_row(chip)
    if network is not None:
        found["network"] = network_row(network)
    if chip is not None and network is not None:
        built = build(chip, network, mapping=mapping, chips=chips)
        fit = fit_row(built)
        half_empty = fit["crossbars"]["used"] * 2 <= fit["crossbars"]["there"]
        found |= {**fit, "replicate_all": half_empty and _replicas_fit(built, mapping)}
    if arrays is not None:
        found["inputs"] = {name: list(array.shape) for name, array in arrays.items()}
    if run is not None:
        found["run"] = {key: run.summary[key] for key in RUN_KEYS if key in run.summary}
    return found


def _replicas_fit(built: Built, mapping: MappingPolicy | Path | None) -> bool:
    """Return whether the buffers are large enough for replicas in all crossbars; a mapping of the user's has none."""
    if isinstance(mapping, Path):
        return False
    try:
        build(built.chip, built.workload, mapping=replace(mapping or MappingPolicy(), budget="all"))
    except InputError:
        return False
    return True


def _by_kind(sources: Sequence[str]) -> dict[str, str]:
    """Return the files by their kinds, of each at most one."""
    given: dict[str, str] = {}
    for source in sources:
        kind = kind_of(source)
        if kind in given:
            raise InputError(f"two files of the kind `{kind}` (got `{given[kind]}`, `{source}`); check one at a time")
        given[kind] = source
    return given


def _inputs(source: str, network: Workload | None) -> Arrays:
    """Return the arrays of a file, checked against a network if there is one."""
    return read_npz(Path(source)) if network is None else read_inputs(source, network)


def check_table(found: Row) -> Table:
    """Return the result of `checked` as a table."""
    rows: list[tuple[str, str]] = []
    if "workload" in found:
        title = f"{found['workload']} fits {found['chip']}"
        rows += fit_rows(found)
    else:
        title = "nothing wrong"
        rows += [(key, draw(found[key])) for key, draw in _DRAWN.items() if key in found]
    if "inputs" in found:
        arrays = ", ".join(f"{name} {shape}" for name, shape in found["inputs"].items())
        rows.append(("inputs", arrays))
    if "run" in found:
        run = found["run"]
        size = "partial" if run.get("partial") else counted(run["requests"], "request")
        rows.append(("run", f"{run['workload']} on {run['chip']}, {size}"))
    return grid(title, ("", ""), rows, room(found) if "workload" in found else "")


def _chip(chip: Row) -> str:
    crossbars = f"{counted(chip['crossbars'], 'crossbar')} of {chip['rows']} x {chip['cols']}"
    return f"{counted(chip['tiles'], 'tile')}, {crossbars}"


_DRAWN: dict[str, Callable[[Row], str]] = {"chip": _chip, "network": network_text}


def problem_rows(error: InputError) -> list[Row]:
    """Return the problems of an error as rows for JSON."""
    return [asdict(problem) for problem in problems_of(error)]
