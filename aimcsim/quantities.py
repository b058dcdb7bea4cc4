"""What one vector of a stream amounts to: bytes, elements, rows, columns, cells, flits.

Stage tables multiply their times and count their actions by these; see `QUANTITIES` in the chip file's module.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aimcsim.mapping import BlockColumns, LayerShare, packed_bytes
from aimcsim.ops import IndexArray, TensorShape, Window
from aimcsim.spec.chip_file import ChipFile
from aimcsim.spec.stage_table import QUANTITIES
from aimcsim.tables import Amount

Amounts = dict[str, Amount]


def whole(amount: Amount) -> int:
    """Return an amount that is the same for every vector."""
    assert isinstance(amount, int), "not one amount for each vector"
    return amount


def mvm_amounts(chip: ChipFile, share: LayerShare, blocks: BlockColumns, *, final: bool) -> Amounts:
    """Return what one vector is worth on a layer's crossbars of one tile; `blocks` are the share's."""
    rows, weights = blocks.groups * blocks.rows, blocks.groups * blocks.cols
    columns = weights * chip.cells_per_weight
    inputs, outputs = blocks.inputs, blocks.outputs
    busiest = _busiest_bank(share.crossbars, columns, chip.tile.adc.crossbars)
    numbers = chip.numbers
    return _all(
        input_elements=inputs,
        input_bytes=packed_bytes(inputs, numbers.input_bits),
        output_elements=outputs,
        output_bytes=packed_bytes(outputs, numbers.output_bits if final else numbers.partial_sum_bits),
        rows=int(rows.sum()),
        columns=int(columns.sum()),
        bank_columns=busiest,
        column_groups=-(-busiest // chip.tile.adc.converters),
        weight_slices=chip.slices,
        cells=int(np.dot(rows, columns)),
        crossbars=len(share.crossbars),
        work_elements=outputs,
        row_writes=int(rows.max()),
        weights=int(np.dot(rows, blocks.cols)),
        **chip.converter_amounts,
        array_steps=1,
    )


def turns_in_one_array(chip: ChipFile, blocks: BlockColumns, vectors: int) -> Amounts:
    """Return what each vector of a request is worth where blocks of weights take turns in one systolic array.

    An array of R x C cells that keeps a block while M vectors pass takes R steps to shift its weights in, and M + R + C
    - 2 until the last sum has left it. Vectors here pass all their blocks in turn, so each takes a step for each
    block, and the first of a request all that comes once for a block.

    Source: A. Samajdar et al., A Systematic Methodology for Characterizing Scalability of DNN Accelerators using
    SCALE-Sim, ISPASS 2020, equation 1, with 2 R + C + M - 2 steps for each block.
    """
    crossbar, count = chip.tile.crossbar, len(blocks.cols)
    once = count * (2 * crossbar.rows + crossbar.cols - 2)
    weights = int(np.dot(blocks.groups * blocks.rows, blocks.cols))
    rest = vectors - 1
    return {"array_steps": (once + count, *(count,) * rest), "loaded_weights": (weights, *(0,) * rest)}


def mvm_windowed(chip: ChipFile, amounts: Amounts, window: Window) -> Amounts:
    """Return the inputs that move if only those of fresh input vectors do: in proportion to them, rounded up."""
    most = int(window.fresh.max())
    all_inputs = whole(amounts["input_elements"])
    return _windowed(-(-all_inputs * window.fresh // most), chip.numbers.input_bits)


def vector_amounts(
    chip: ChipFile, inputs: Sequence[tuple[TensorShape, Window]], output: TensorShape, work_elements: int
) -> tuple[Amounts, Amounts]:
    """Return what one vector of a digital layer is worth, and its inputs if only fresh ones move."""
    bits = chip.numbers.output_bits
    most = sum(int(window.fresh.max()) * shape.length for shape, window in inputs)
    fresh = np.sum([window.fresh * shape.length for shape, window in inputs], axis=0)
    amounts = _all(
        input_elements=most,
        input_bytes=packed_bytes(most, bits),
        output_elements=output.length,
        output_bytes=packed_bytes(output.length, bits),
        work_elements=work_elements,
    )
    return amounts, _windowed(fresh, bits)


def _windowed(elements: IndexArray, bits: int) -> Amounts:
    """Return so many elements for each vector, and their bytes; of the few amounts that differ, each is one object."""
    different, which = np.unique(elements, return_inverse=True)
    counts = different.tolist()
    sizes = [packed_bytes(count, bits) for count in counts]
    order = which.tolist()
    return {
        "input_elements": tuple(map(counts.__getitem__, order)),
        "input_bytes": tuple(map(sizes.__getitem__, order)),
    }


def reduce_amounts(
    chip: ChipFile, partial_elements: Sequence[int], outputs: int, partial_sums: Sequence[int], *, final: bool
) -> Amounts:
    """Return what one vector of a reduction is worth that adds partial sums of so many elements each.

    `partial_sums` says how many there are of each block of outputs. The first of an output is added to nothing, and
    final sums take a bias: so by whatever tree an output's sums come together, their additions are as many.
    """
    total = sum(partial_elements)
    numbers = chip.numbers
    bits = numbers.output_bits if final else numbers.partial_sum_bits
    return _all(
        input_elements=total,
        input_bytes=sum(packed_bytes(count, numbers.partial_sum_bits) for count in partial_elements),
        output_elements=outputs,
        output_bytes=packed_bytes(outputs, bits),
        work_elements=total if final else total - outputs,
        chained_adds=max(partial_sums) - 1,
        output_blocks=len(partial_sums),
    )


def transport_amounts(elements: int, size_bytes: int, flit_hops: int, chip_link_bytes: int) -> Amounts:
    """Return what one vector that is moved is worth."""
    return _all(
        input_elements=elements,
        input_bytes=size_bytes,
        output_elements=elements,
        output_bytes=size_bytes,
        flit_hops=flit_hops,
        chip_link_bytes=chip_link_bytes,
    )


def _all(**amounts: Amount) -> Amounts:
    """Return amounts with every quantity there is, those not given being 0."""
    return {name: amounts.get(name, 1 if name == "one" else 0) for name in QUANTITIES}


def _busiest_bank(crossbars: range, columns: IndexArray, crossbars_per_bank: int) -> int:
    """Return the columns that the busiest converter bank has to convert."""
    begins = range(-(crossbars.start % crossbars_per_bank), len(crossbars), crossbars_per_bank)
    return int(np.add.reduceat(columns, np.maximum(begins, 0)).max())
