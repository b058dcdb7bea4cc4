"""The same network outside the clock: the values that a chip computes, without time.

A layer's matrix is programmed from the same blocks that the mapping places, so that the clocked run and this one
compute the same bits; the order of events, the grain and the batch cannot matter.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from aimcsim.analog import ArraySpec, Block, ProgrammedMatrix, program_matrix
from aimcsim.errors import TraceError
from aimcsim.mapping import Mapping, WeightBlock, map_workload, on_engines
from aimcsim.ops import DigitalKind, FloatArray, MatrixKind
from aimcsim.spec import load_chip
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload import load_workload
from aimcsim.workload.graph import Layer, Workload

ValueMode = Literal["ideal", "quantized"]
Matrices = dict[str, ProgrammedMatrix]

BATCH = 32
"""Samples whose tensors are in memory at a time."""


def evaluate(
    chip: ChipFile | str | Path,
    workload: Workload | str | Path,
    inputs: MappingOf[str, ArrayLike],
    *,
    analog: ValueMode = "ideal",
) -> dict[str, FloatArray]:
    """Return what the network's outputs are on a chip.

    Parameters
    ----------
    chip, workload
        A loaded one, a file, or the name of one that comes with the package.
    inputs : mapping
        Arrays [samples, *the input's own shape], by the names of the network's inputs.
    analog : str
        ``ideal``: exact weights and converters; ``quantized``: integers through the chip's slices and converters.

    Returns
    -------
    dict
        Arrays [samples, ...] in the network's own layout, by output name.

    Raises
    ------
    ConfigError, CapacityError, TraceError
        If the files or the inputs cannot be used, or the network does not fit the chip.
    """
    spec = chip if isinstance(chip, ChipFile) else load_chip(chip)
    network = workload if isinstance(workload, Workload) else load_workload(workload)
    network = on_engines(network, spec)
    packed = pack_samples(network, inputs)
    matrices = program_layers(network, map_workload(network, spec), spec, analog)
    outputs = evaluate_packed(network, matrices, packed)
    return {name: network.unpack_outputs(name, values) for name, values in outputs.items()}


def pack_samples(workload: Workload, inputs: MappingOf[str, ArrayLike]) -> dict[str, FloatArray]:
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
    workload: Workload, matrices: Matrices, inputs: MappingOf[str, FloatArray]
) -> dict[str, FloatArray]:
    """Return the outputs for packed inputs, layer by layer, `BATCH` samples at a time; batching changes no bit."""
    samples = len(next(iter(inputs.values())))
    batches = [
        _batch(workload, matrices, {name: values[first : first + BATCH] for name, values in inputs.items()})
        for first in range(0, samples, BATCH)
    ]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in workload.outputs}


def _batch(workload: Workload, matrices: Matrices, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
    tensors = dict(inputs)
    for layer in workload.layers:
        tensors[layer.name] = _layer(layer, matrices, [tensors[name] for name in layer.inputs])
    return {name: tensors[name] for name in workload.outputs}


def _layer(layer: Layer, matrices: Matrices, inputs: list[FloatArray]) -> FloatArray:
    """Return a layer's tensor for all samples."""
    op, count = layer.op, layer.shape.vectors
    samples = len(inputs[0])
    if isinstance(op, MatrixKind):
        gathered = np.concatenate([op.gather(inputs[0][sample], 0, count) for sample in range(samples)])
        product = matrices[layer.name].mvm(gathered)
        blocks = product.reshape(samples, count, -1)
        return np.stack([op.finish(blocks[sample], 0, count) for sample in range(samples)])
    assert isinstance(op, DigitalKind), "a layer has static weights or is digital"
    rows = [op.compute([tensor[sample] for tensor in inputs], 0, count) for sample in range(samples)]
    return np.stack(rows)


def program_layers(workload: Workload, mapping: Mapping, chip: ChipFile, mode: ValueMode) -> Matrices:
    """Return every matrix layer's weights as they stand in the crossbars; ConfigError if there can be no values."""
    workload.check_values()
    spec = array_spec(chip)
    return {
        layer.name: program_matrix(
            np.asarray(layer.op.weight), list(map(_block, mapping.blocks_of(layer.name))), spec, mode
        )
        for layer in workload.layers
        if isinstance(layer.op, MatrixKind)
    }


def array_spec(chip: ChipFile) -> ArraySpec:
    """Return what a chip's crossbars, drivers and converters are for the values."""
    crossbar, inputs, adc, numbers = chip.tile.crossbar, chip.tile.inputs, chip.tile.adc, chip.numbers
    return ArraySpec(
        rows=crossbar.rows,
        cols=crossbar.cols,
        cell_bits=crossbar.cell_bits,
        cells=crossbar.cells,
        flip=crossbar.flip,
        weight_bits=numbers.weight_bits,
        input_bits=numbers.input_bits,
        encoding=inputs.encoding,
        sign=inputs.sign,
        bits_per_phase=inputs.bits_per_phase,
        adc_bits=adc.bits,
        adc_step=adc.step,
    )


def _block(block: WeightBlock) -> Block:
    return Block(block.first_group, block.groups, block.first_row, block.rows, block.first_col, block.cols)
