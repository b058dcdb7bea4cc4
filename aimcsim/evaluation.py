"""The same network outside the clock: the values that a chip computes, without time.

A layer's matrix is programmed from the same blocks that the mapping places, so that the clocked run and this one
compute the same bits; the order of events, the grain and the batch cannot matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim.accuracy import BATCH, ErrorSums, Evaluation, LayerError, Point
from aimcsim.analog import Compensate, Reads
from aimcsim.analog.devices.base import TIME_END_S
from aimcsim.arrays import Matrices, RangesOf, ValueMode, program_layers
from aimcsim.calibration import Calibration, calibration_for
from aimcsim.errors import ConfigError, TraceError
from aimcsim.located import did_you_mean
from aimcsim.mapping import Mapping, MappingPolicy, joined, load_mapping, map_workload, on_engines
from aimcsim.ops import DigitalKind, FloatArray, MatrixKind
from aimcsim.spec import load_chip
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload import load_workload
from aimcsim.workload.graph import Layer, Workload

Tensors = dict[str, FloatArray]
Alive = Callable[[int, int], None]


def evaluate(  # noqa: PLR0913 - one parameter per choice
    chip: ChipFile | str | Path,
    workload: Workload | str | Path,
    inputs: MappingOf[str, ArrayLike],
    *,
    analog: ValueMode | None = None,
    time_s: float | Sequence[float] | None = None,
    seeds: int | Sequence[int] | None = None,
    compensate: Compensate = "none",
    compensated_s: float | None = None,
    overrides: Sequence[str] = (),
    mapping: MappingPolicy | str | Path | None = None,
    chips: int | Literal["auto"] | None = None,
    calibration: Calibration | str | Path | None = None,
    alive: Alive | None = None,
) -> Evaluation:
    """Return what the network's outputs are on a chip.

    Parameters
    ----------
    chip, workload
        A loaded one, a file, or the name of one that comes with the package.
    inputs : mapping
        Arrays [samples, *the input's own shape], by the names of the network's inputs; `labels` may hold the right
        classes.
    analog : str, optional
        ``ideal``: exact weights and converters; ``quantized``: integers through the chip's slices and converters;
        ``analog``: the same in devices, as `tile.analog` says. Default: ``analog`` if a time, seeds, a compensation
        or a calibration is given, else ``ideal``.
    time_s : number or sequence of numbers, optional
        Time since programming, seconds; default 0.
    seeds : int or sequence of int, optional
        How many programmings (with the seeds 0, 1, ...), or their seeds; default: seed 0.
    compensate : str
        What is done about drift before the samples are read: ``none``, ``global``, ``column``; see `DeviceArrays.at`.
    compensated_s : number, optional
        When that was done, seconds since programming; default: at every time that is read. Without a compensation it
        means nothing. A run with epochs lists for each of its requests what to give here (`state_s` and `compensated_s`
        of its table `requests`).
    overrides, mapping, chips
        As `simulate`. Replicas are arrays of their own, with errors of their own.
    calibration : Calibration or path, optional
        Ranges of inputs and converters in place of those of `tile.analog`, from `aimcsim.calibrate` or its file.
    alive : callable, optional
        Told (points done, points in all) before every programming and time.

    Returns
    -------
    Evaluation
        A mapping of arrays [samples, ...] in the network's own layout by output name, and more.

    Raises
    ------
    ConfigError, CapacityError, TraceError
        If the files, the inputs or the options cannot be used, or the network does not fit the chip.
    """
    plain = time_s is None and seeds is None and compensate == "none" and calibration is None
    mode = analog or ("ideal" if plain else "analog")
    chosen = _Choice.of(mode, time_s, seeds, compensate)
    if mode != "analog" and calibration is not None:
        raise ConfigError(f"{mode} values have no ranges to calibrate; those are of analog ones")
    measured_s = None if compensated_s is None else checked_time(compensated_s)
    spec = chip if isinstance(chip, ChipFile) else load_chip(chip, overrides)
    network = workload if isinstance(workload, Workload) else load_workload(workload)
    network = on_engines(network, spec)
    packed = pack_samples(network, inputs)
    labels = labels_of(inputs, network, len(next(iter(packed.values()))))
    if chips is not None:
        spec = joined(spec, network, mapping if isinstance(mapping, MappingPolicy) else MappingPolicy(), chips)
    placed = placed_on(network, spec, mapping)
    ranges = ranges_of(calibration, network, spec)
    exact = None if mode == "ideal" else program_layers(network, placed, spec, "ideal").at(0.0, "none", None)
    points: list[Point] = []
    for seed in chosen.seeds:
        programmed = program_layers(network, placed, spec, mode, seed=seed, calibration=ranges)
        for time in chosen.times_s:
            if alive is not None:
                alive(len(points), len(chosen.seeds) * len(chosen.times_s))
            if points and not programmed.arrays:  # nothing is drawn and nothing drifts
                points.append(replace(points[0], seed=seed, time_s=time))
                continue
            found, layers = _compared(network, programmed.at(time, compensate, measured_s), exact, packed)
            own = {name: network.unpack_outputs(name, values) for name, values in found.items()}
            points.append(Point(seed, time, own, layers))
    reads = programmed.compensation_reads(compensate)
    return Evaluation(network, packed, tuple(points), labels, reads, is_drawn=programmed.arrays > 0)


@dataclass(frozen=True, slots=True)
class _Choice:
    """The seeds and times of a study, checked."""

    seeds: tuple[int, ...]
    times_s: tuple[float, ...]

    @classmethod
    def of(cls, mode: str, time_s: object, seeds: object, compensate: str) -> _Choice:
        check_choice("analog", mode, get_args(ValueMode))
        check_choice("compensate", compensate, get_args(Compensate))
        if mode != "analog" and (time_s is not None or seeds is not None or compensate != "none"):
            raise ConfigError(f"{mode} values have no seeds, times or compensation; those are of analog ones")
        times = [0.0] if time_s is None else time_s if isinstance(time_s, Sequence | np.ndarray) else [time_s]
        if isinstance(seeds, int) and not isinstance(seeds, bool):
            seeds = range(seeds)
        found = [0] if seeds is None else list(seeds) if isinstance(seeds, Sequence | np.ndarray) else []
        if not found or not len(times):
            raise ConfigError(f"seeds and time_s must name at least one each (got {seeds!r} and {time_s!r})")
        if not all(isinstance(seed, int | np.integer) and not isinstance(seed, bool) for seed in found):
            raise ConfigError(f"seeds must be whole numbers (got {seeds!r})")
        return cls(tuple(map(int, found)), tuple(map(checked_time, times)))


def checked_time(time_s: object) -> float:
    """Return a time since programming; ConfigError if it is none."""
    if isinstance(time_s, bool) or not isinstance(time_s, int | float | np.number) or not 0 <= time_s <= TIME_END_S:
        raise ConfigError(f"time_s must be seconds since programming, from 0 to {TIME_END_S:g} (got {time_s!r})")
    return float(time_s)


def check_choice(name: str, value: object, known: Sequence[str]) -> None:
    """Raise ConfigError unless `value` is one of `known`."""
    if value not in known:
        raise ConfigError(f"{name} must be one of {', '.join(known)} (got {value!r}).{did_you_mean(value, known)}")


def ranges_of(given: Calibration | str | Path | None, network: Workload, chip: ChipFile) -> RangesOf | None:
    """Return the ranges of a calibration; ConfigError if it is for other layers."""
    found = calibration_for(given, network, chip)
    return None if found is None else found.layers


def placed_on(network: Workload, chip: ChipFile, mapping: MappingPolicy | str | Path | None) -> Mapping:
    """Return the mapping that a policy makes or a file holds."""
    if isinstance(mapping, str | Path):
        return load_mapping(Path(mapping), network, chip)
    return map_workload(network, chip, mapping)


def labels_of(inputs: MappingOf[str, ArrayLike], network: Workload, count: int) -> NDArray[Any] | None:
    """Return the right classes of the first `count` samples, if they were given.

    Raises
    ------
    TraceError
        If they are not whole numbers, one a sample at least.
    """
    if "labels" not in inputs or "labels" in network.inputs:
        return None
    labels = np.asarray(inputs["labels"])
    if labels.ndim != 1 or len(labels) < count or not np.issubdtype(labels.dtype, np.integer):
        raise TraceError(f"`labels` must be one whole number a sample (got {labels.dtype} {list(labels.shape)})")
    return labels[:count]


def pack_samples(workload: Workload, inputs: MappingOf[str, ArrayLike]) -> Tensors:
    """Return inputs as vectors: float32 [samples, vectors, length] by name.

    Raises
    ------
    TraceError
        If an input is missing, unknown, misshapen or not finite, or the counts of samples differ.
    """
    missing = [name for name in workload.inputs if name not in inputs]
    if missing:
        there = ", ".join(inputs) or "none"
        raise TraceError(f"inputs lack `{missing[0]}` (the network takes {', '.join(workload.inputs)}; given: {there})")
    packed = {name: workload.pack_inputs(name, inputs[name]) for name in workload.inputs}
    for name, values in packed.items():
        if not np.isfinite(values).all():
            raise TraceError(f"input `{name}` has values that are not finite")
    if len({len(values) for values in packed.values()}) > 1:
        counts = ", ".join(f"{name}: {len(values)}" for name, values in packed.items())
        raise TraceError(f"inputs have different numbers of samples ({counts})")
    return packed


def evaluate_packed(
    workload: Workload, matrices: Matrices, inputs: MappingOf[str, FloatArray], first: int = 0
) -> Tensors:
    """Return the outputs for packed inputs, the first of which is request `first`.

    They are computed layer by layer, `BATCH` samples at a time; batching changes no bit.
    """
    return _compared(workload, matrices, None, inputs, first)[0]


def matrix_inputs(
    workload: Workload, matrices: Matrices, inputs: MappingOf[str, FloatArray]
) -> Iterator[tuple[str, FloatArray, Reads]]:
    """Yield what every layer with static weights is given for packed inputs, `BATCH` samples at a time: its name, the
    vectors [B, K], and which reads they are.
    """
    samples = len(next(iter(inputs.values())))
    for first in range(0, samples, BATCH):
        tensors = {name: values[first : first + BATCH] for name, values in inputs.items()}
        for layer in workload.layers:
            given = [tensors[name] for name in layer.inputs]
            if isinstance(layer.op, MatrixKind):
                count = layer.shape.vectors
                yield layer.name, _gathered(layer.op, given[0], count), Reads.of_requests(first, len(given[0]), count)
            tensors[layer.name] = _layer(layer, matrices, given, first)


def _compared(
    workload: Workload, matrices: Matrices, exact: Matrices | None, inputs: MappingOf[str, FloatArray], number: int = 0
) -> tuple[Tensors, tuple[LayerError, ...]]:
    """Return the outputs for packed inputs, and the error of each layer if there are `exact` matrices to tell it by.

    The first sample is that of request `number`.
    """
    samples = len(next(iter(inputs.values())))
    sums: dict[str, ErrorSums] = {layer: ErrorSums() for layer in matrices if exact is not None}
    parts = [
        _batch(
            _Walk(workload, matrices, exact, number + first, sums),
            {name: values[first : first + BATCH] for name, values in inputs.items()},
        )
        for first in range(0, samples, BATCH)
    ]
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in workload.outputs}
    return outputs, tuple(found.error(layer) for layer, found in sums.items())


@dataclass(frozen=True, slots=True)
class _Walk:
    """A way through the layers for a batch whose first sample has the number `first`."""

    workload: Workload
    matrices: Matrices
    exact: Matrices | None
    first: int
    sums: dict[str, ErrorSums]


def _batch(walk: _Walk, inputs: Tensors) -> Tensors:
    tensors, floats = dict(inputs), dict(inputs)
    for layer in walk.workload.layers:
        given = [tensors[name] for name in layer.inputs]
        tensors[layer.name] = _layer(layer, walk.matrices, given, walk.first)
        if walk.exact is None:
            continue
        floats[layer.name] = _layer(layer, walk.exact, [floats[name] for name in layer.inputs], walk.first)
        if layer.name in walk.sums:
            same = _layer(layer, walk.exact, given, walk.first)
            walk.sums[layer.name].add(tensors[layer.name], same, floats[layer.name])
    return {name: tensors[name] for name in walk.workload.outputs}


def _layer(layer: Layer, matrices: Matrices, inputs: list[FloatArray], first: int) -> FloatArray:
    """Return a layer's tensor for all samples, the first of which is that of request `first`."""
    op, count = layer.op, layer.shape.vectors
    samples = len(inputs[0])
    if isinstance(op, MatrixKind):
        product = matrices[layer.name].mvm(_gathered(op, inputs[0], count), Reads.of_requests(first, samples, count))
        blocks = product.reshape(samples, count, -1)
        return np.stack([op.finish(blocks[sample], 0, count) for sample in range(samples)])
    assert isinstance(op, DigitalKind), "a layer has static weights or is digital"
    rows = [op.compute([tensor[sample] for tensor in inputs], 0, count) for sample in range(samples)]
    return np.stack(rows)


def _gathered(op: MatrixKind, tensor: FloatArray, count: int) -> FloatArray:
    """Return the vectors that a layer reads of all samples of a tensor."""
    return np.concatenate([op.gather(sample, 0, count) for sample in tensor])
