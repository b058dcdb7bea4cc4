"""What one vector of a stream amounts to: bytes, elements, rows, columns, cells, flits.

Stage tables multiply their times and count their actions by these; see `QUANTITIES` in the chip file's module.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aimcsim.mapping import LayerShare, WeightBlock
from aimcsim.ops import TensorShape, Window
from aimcsim.spec.chip_file import QUANTITIES, ChipFile
from aimcsim.tables import Amount

Amounts = dict[str, Amount]


def packed_bytes(elements: int, bits: int) -> int:
    """Return the bytes that so many numbers take, packed."""
    return -(-elements * bits // 8)


def mvm_amounts(chip: ChipFile, share: LayerShare, blocks: Sequence[WeightBlock], *, final: bool) -> Amounts:
    """Return what one vector is worth on a layer's crossbars of one tile; `blocks` are the share's."""
    inputs = _distinct([(block.first_group, block.groups, block.first_row, block.rows) for block in blocks])
    outputs = _distinct([(block.first_group, block.groups, block.first_col, block.cols) for block in blocks])
    columns = [block.groups * block.cols * chip.cells_per_weight for block in blocks]
    numbers = chip.numbers
    return _all(
        input_elements=inputs,
        input_bytes=packed_bytes(inputs, numbers.input_bits),
        output_elements=outputs,
        output_bytes=packed_bytes(outputs, numbers.output_bits if final else numbers.partial_sum_bits),
        rows=sum(block.groups * block.rows for block in blocks),
        columns=sum(columns),
        bank_columns=(busiest := _busiest_bank(share.crossbars, columns, chip.tile.adc.crossbars)),
        column_groups=-(-busiest // chip.tile.adc.converters),
        cells=sum(block.groups * block.rows * count for block, count in zip(blocks, columns, strict=True)),
        crossbars=len(blocks),
        work_elements=outputs,
        row_writes=max(block.groups * block.rows for block in blocks),
        weights=sum(block.weights for block in blocks),
    )


def mvm_windowed(chip: ChipFile, amounts: Amounts, window: Window) -> Amounts:
    """Return the inputs that move if only those of fresh input vectors do: in proportion to them, rounded up."""
    most = int(window.fresh.max())
    whole = amounts["input_elements"]
    assert isinstance(whole, int), "a whole window is the same for every vector"
    elements = tuple(-(-whole * count // most) for count in window.fresh.tolist())
    bits = chip.numbers.input_bits
    return {"input_elements": elements, "input_bytes": tuple(packed_bytes(count, bits) for count in elements)}


def vector_amounts(
    chip: ChipFile, inputs: Sequence[tuple[TensorShape, Window]], output: TensorShape, work_elements: int
) -> tuple[Amounts, Amounts]:
    """Return what one vector of a digital layer is worth, and its inputs if only fresh ones move."""
    bits = chip.numbers.output_bits
    whole = sum(int(window.fresh.max()) * shape.length for shape, window in inputs)
    fresh = np.sum([window.fresh * shape.length for shape, window in inputs], axis=0)
    amounts = _all(
        input_elements=whole,
        input_bytes=packed_bytes(whole, bits),
        output_elements=output.length,
        output_bytes=packed_bytes(output.length, bits),
        work_elements=work_elements,
    )
    elements = tuple(int(count) for count in fresh.tolist())
    windowed = {"input_elements": elements, "input_bytes": tuple(packed_bytes(count, bits) for count in elements)}
    return amounts, dict(windowed)


def reduce_amounts(chip: ChipFile, partial_elements: Sequence[int], output: TensorShape) -> Amounts:
    """Return what one vector of a reduction is worth that adds partial sums of so many elements each."""
    total = sum(partial_elements)
    numbers = chip.numbers
    return _all(
        input_elements=total,
        input_bytes=sum(packed_bytes(count, numbers.partial_sum_bits) for count in partial_elements),
        output_elements=output.length,
        output_bytes=packed_bytes(output.length, numbers.output_bits),
        work_elements=total,
    )


def transport_amounts(elements: int, size_bytes: int, flit_hops: int) -> Amounts:
    """Return what one vector that is moved is worth."""
    return _all(
        input_elements=elements,
        input_bytes=size_bytes,
        output_elements=elements,
        output_bytes=size_bytes,
        flit_hops=flit_hops,
    )


def _all(**amounts: Amount) -> Amounts:
    """Return amounts with every quantity there is, those not given being 0."""
    return {name: amounts.get(name, 1 if name == "one" else 0) for name in QUANTITIES}


def _distinct(places: Sequence[tuple[int, int, int, int]]) -> int:
    """Return how many rows (or columns) of groups are covered by (first group, groups, first, length) places."""
    covered: dict[tuple[int, int, int, int], int] = {place: place[1] * place[3] for place in places}
    return sum(covered.values())


def _busiest_bank(crossbars: Sequence[int], columns: Sequence[int], crossbars_per_bank: int) -> int:
    """Return the columns that the busiest converter bank has to convert."""
    banks: dict[int, int] = {}
    for crossbar, count in zip(crossbars, columns, strict=True):
        bank = crossbar // crossbars_per_bank
        banks[bank] = banks.get(bank, 0) + count
    return max(banks.values())
