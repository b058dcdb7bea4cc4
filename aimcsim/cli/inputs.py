"""What the commands read: chip and workload together, arrays of inputs, and the place a run goes to."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import ConfigError, InputError, Problem, TraceError
from aimcsim.evaluation import pack_samples
from aimcsim.located import MAX_BYTES
from aimcsim.mapping import MappingPolicy
from aimcsim.mapping.policy import Pack, Placement
from aimcsim.spec import ChipFile, load_chip, preset_names
from aimcsim.workload import Workload, load_workload
from aimcsim.workload.load import demo_inputs, workload_names

Loaded = TypeVar("Loaded")
Arrays = dict[str, NDArray[Any]]

MOST_CHIPS = 1_000_000


def load_both(
    chip: str, workload: str, overrides: Sequence[str] = (), *, fold_unsupported: bool = False
) -> tuple[ChipFile, Workload]:
    """Return a chip and a workload; parameters are those of `load_chip` and `load_workload`.

    Raises
    ------
    ConfigError
        With the problems of both, so that no file hides what is wrong with the other.
    """
    check_order(chip, workload)
    problems: list[Problem] = []
    spec = collect(problems, lambda: load_chip(chip, overrides))
    network = collect(problems, lambda: read_workload(workload, fold_unsupported=fold_unsupported))
    if spec is None or network is None:
        raise ConfigError.of(problems)
    return spec, network


def mapping_choice(
    pack: Pack, replicate: Sequence[str] | None, placement: Placement, file: Path | None
) -> MappingPolicy | Path:
    """Return what the mapping options ask for.

    Raises
    ------
    ConfigError
        If they contradict each other, or `--replicate` is not understood.
    """
    if file is not None:
        if pack != "none" or replicate or placement != "in-order":
            raise ConfigError("--mapping FILE says it all; it goes without --pack, --replicate and --placement")
        return file
    named: dict[str, int] = {}
    budget: int | Literal["all"] | None = None
    for text in replicate or ():
        layer, _, count = text.rpartition("=")
        if not layer and text == "all":
            budget = "all"
        elif not count.isdecimal() or int(count) < 1:
            raise ConfigError(f"--replicate takes `all`, a number of crossbars or LAYER=REPLICAS (got `{text}`)")
        elif layer:
            named[layer] = int(count)
        else:
            budget = int(count)
    return MappingPolicy(pack=pack, replicas=named, budget=budget, placement=placement)


def chip_count(text: str | None) -> int | Literal["auto"] | None:
    """Return what `--chips` asks for; raise ConfigError if it is neither a number nor `auto`."""
    if text is None or text == "auto":
        return "auto" if text else None
    if not text.isdecimal() or not 1 <= int(text) <= MOST_CHIPS:
        raise ConfigError(f"--chips takes a number from 1 to {MOST_CHIPS} or `auto` (got `{text}`)")
    return int(text)


def check_order(chip: str, workload: str | None = None) -> None:
    """Raise unless a chip stands in the place of the chip, and no chip in that of the workload."""
    if chip not in preset_names() and (chip in workload_names() or says_that_it_is("workload", chip)):
        raise ConfigError(Problem(chip, 0, 0, "", "this is a workload; the chip comes first, then the workload"))
    if workload is None or workload in workload_names():
        return
    if workload in preset_names() or says_that_it_is("chip", workload):
        raise ConfigError(Problem(workload, 0, 0, "", "this is a chip; the chip comes first, then the workload"))


def read_workload(source: str, *, fold_unsupported: bool = False) -> Workload:
    """Return a workload; an ONNX file that is missing is said to be, whether or not ONNX could be read."""
    if source.endswith(".onnx") and not Path(source).exists():
        raise ConfigError(Problem(source, 0, 0, "", "no such file"))
    return load_workload(source, fold_unsupported=fold_unsupported)


def says_that_it_is(what: str, source: str) -> bool:
    """Return whether a file has the schema of a `chip` or a `workload`, or is of a kind that only workloads are."""
    if source.endswith(".onnx"):
        return what == "workload"
    try:
        with Path(source).open("rb") as file:
            text = file.read(MAX_BYTES).decode(errors="replace")
    except (OSError, ValueError):
        return False
    return re.search(rf"^schema:\s*[\"']?aimcsim-{what}/", text, re.MULTILINE) is not None


def problems_of(error: InputError) -> tuple[Problem, ...]:
    """Return the problems of an error; one without a place for an error that is a plain sentence."""
    return error.problems or (Problem("", 0, 0, "", str(error)),)


def collect(problems: list[Problem], load: Callable[[], Loaded]) -> Loaded | None:
    """Return what `load` loads; None after its problems were added to the others."""
    try:
        return load()
    except InputError as error:
        problems.extend(problems_of(error))
        return None


def read_inputs(source: str, workload: Workload) -> Arrays:
    """Return the arrays of an `.npz` file, or the sample inputs of a shipped network by its name.

    Raises
    ------
    TraceError
        If the file cannot be read as what it should be, or has not the arrays that `workload` takes.
    """
    path = demo_inputs(source) if source in workload_names() else Path(source)
    arrays = read_npz(path)
    missing = [name for name in workload.inputs if name not in arrays]
    if missing:
        wanted, there = ", ".join(workload.inputs), ", ".join(arrays) or "none"
        raise TraceError(f"{path}: there is no array `{missing[0]}` (the network takes {wanted}; in the file: {there})")
    if not all(arrays[name].shape[:1] > (0,) for name in workload.inputs):
        raise TraceError(f"{path}: holds no samples; the first axis of an input counts them")
    try:
        pack_samples(workload, arrays)
    except TraceError as error:
        raise TraceError(f"{path}: {error}") from error
    _check_labels(path, arrays, workload)
    return arrays


def read_npz(path: Path) -> Arrays:
    """Return the arrays of an `.npz` file; TraceError if it is none, or damaged."""
    try:
        with path.open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                raise TraceError(f"{path}: is a single array; --inputs takes an .npz file with an array for each input")
            return dict(stored)
    except OSError as error:
        raise TraceError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, TraceError):
            raise
        raise TraceError(f"{path}: is no .npz file of plain arrays, or a damaged one ({error})") from error


def _check_labels(path: Path, arrays: Arrays, workload: Workload) -> None:
    """Raise unless `labels`, if there are any, are one class for every sample."""
    if "labels" not in arrays or "labels" in workload.inputs:
        return
    labels, samples = arrays["labels"], len(arrays[next(iter(workload.inputs))])
    if labels.shape != (samples,) or labels.dtype.kind not in "iu":
        given = f"{labels.dtype} {list(labels.shape)}"
        raise TraceError(f"{path}: `labels` must be whole numbers of shape [{samples}], one a sample (got {given})")
    classes = workload.shape(workload.outputs[0]).elements
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise TraceError(f"{path}: `labels` must be in 0..{classes - 1}, the outputs of the network (got {wrong[0]})")
