"""A matrix in devices: what is programmed once, and what a read at some time after that gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.bank import Seat
from aimcsim.analog.device_block import DeviceBlock
from aimcsim.analog.device_read import DeviceRead, StepwiseRead
from aimcsim.analog.devices.compensation import (
    CALIBRATION_VECTORS,
    Compensate,
    compensate_columns,
    compensate_globally,
)
from aimcsim.analog.draws import Draws
from aimcsim.analog.error_spec import ErrorSpec, Ranges
from aimcsim.analog.matrix import Partial, ProgrammedMatrix, Reads
from aimcsim.analog.quantize import quantize_inputs, quantize_tensor, quantize_weights
from aimcsim.analog.spec import ArraySpec, Block

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

VECTORS_END = 1 << 25
"""A request has fewer vectors of a layer than this; so reads have numbers."""


class DeviceArrays:
    """A matrix [groups, K, N] programmed into devices, a block an array, `replicas` times over.

    What is drawn about cells and reads depends on `draws`, the block's index, the replica and, for what is drawn anew
    in reads, on the numbers of request and vector; what is drawn about drivers and converters, on the seats.

    Parameters
    ----------
    seats : of replicas, of blocks    Where every block stands; None: each in a crossbar and before a bank of its own.
    ranges : Ranges                   What samples of the layer found.

    Attributes
    ----------
    arrays : int    Arrays that hold a block of it.
    """

    def __init__(
        self,
        weight: NDArray[np.float32],
        blocks: Sequence[Block],
        spec: ArraySpec,
        errors: ErrorSpec,
        *,
        draws: Draws,
        replicas: int,
        seats: Sequence[Sequence[Seat]] | None = None,
        ranges: Ranges | None = None,
    ) -> None:
        ranges = ranges or Ranges()
        quantize = quantize_weights if errors.weight_scale == "column" else quantize_tensor
        quantized = quantize(weight, spec.weight_max)
        self.shape, self.spec = weight.shape, spec
        self.blocks = tuple(blocks)
        self.weight_scale = np.broadcast_to(quantized.scale[:, 0], weight.shape[::2])
        self.draws, self.inputs = draws, errors.inputs(ranges)
        self._devices = [
            [
                DeviceBlock(
                    quantized.level[block.slices],
                    spec,
                    errors,
                    ranges,
                    _place(draws, index, replica),
                    _alone(draws, index, replica, block, spec) if seats is None else seats[replica][index],
                )
                for index, block in enumerate(blocks)
            ]
            for replica in range(replicas)
        ]
        self.arrays = replicas * len(blocks)
        self._reference = lru_cache(maxsize=None)(self._calibration_at_start)

    def at(self, time_s: float, compensate: Compensate = "none", compensated_s: float | None = None) -> DeviceMatrix:
        """Return the matrix as it is `time_s` after programming.

        Parameters
        ----------
        compensate : str
            What the chip has done about drift by then. `global`: it has multiplied `CALIBRATION_VECTORS` known vectors
            in every array, and multiplies the array's outputs by what makes their mean magnitude that of the same
            vectors right after programming. `column`: the same for each output of an array. `none`: nothing. An output
            that was or is always 0 has no say in it.
        compensated_s : float, optional
            When it did so, seconds after programming; default: at `time_s`. What is drawn for the reads of a
            compensation is the same whenever it is made.

        Raises
        ------
        InputError    If the device model is not valid at this time, or with a compensation at that of programming.
        """
        measured_s = float(time_s if compensated_s is None else compensated_s)
        reads = [[device.at(float(time_s)) for device in row] for row in self._devices]
        factors: list[list[Floats | None]] = [
            [
                None if compensate == "none" else self._factor(replica, index, measured_s, compensate)
                for index in range(len(row))
            ]
            for replica, row in enumerate(reads)
        ]
        return DeviceMatrix(self, reads, factors)

    def _factor(self, replica: int, index: int, measured_s: float, compensate: Compensate) -> Floats:
        """Return what the outputs [groups * N] of an array are multiplied by."""
        read = self._devices[replica][index].at(measured_s)
        then, now = self._reference(replica, index), self._calibration(replica, index, read, 1)
        heard = then.any(axis=0) & now.any(axis=0)  # not so a column whose sums are less than a code
        found = compensate_globally if compensate == "global" else compensate_columns
        return found(np.where(heard, then, 0.0), np.where(heard, now, 0.0)).factor

    def _calibration_at_start(self, replica: int, index: int) -> Floats:
        return self._calibration(replica, index, self._devices[replica][index].at(0.0), 0)

    def _calibration(self, replica: int, index: int, read: DeviceRead, turn: int) -> Floats:
        """Return the outputs for the calibration vectors, [vectors, groups * N]."""
        block = self.blocks[index]
        draws = _place(self.draws, index, replica).child("calibration", 0)
        uniform = draws.uniform("levels", (CALIBRATION_VECTORS, block.groups, block.rows))
        level = np.rint((2.0 * uniform - 1.0) * self.spec.input_max).astype(np.int64)
        return read.outputs(level, draws.child("turn", turn), np.arange(CALIBRATION_VECTORS))


def _place(draws: Draws, block: int, replica: int) -> Draws:
    return draws.child("block", block).child("replica", replica)


def _alone(draws: Draws, index: int, replica: int, block: Block, spec: ArraySpec) -> Seat:
    return Seat.alone(_place(draws, index, replica), block.groups * block.cols * spec.cells_per_weight)


class DeviceMatrix(ProgrammedMatrix):
    """A matrix in devices at one time after programming. A block gives float64, in input level times weight level.

    Without compensation these are whole numbers, exact as in `QuantizedMatrix`, unless cells of digit 0 conduct or a
    code counts no whole number of cells.
    """

    def __init__(self, arrays: DeviceArrays, reads: list[list[DeviceRead]], factors: list[list[Floats | None]]) -> None:
        super().__init__(arrays.shape, arrays.blocks, arrays.spec)
        self._arrays, self._reads, self._factors = arrays, reads, factors

    def _partial(self, x: NDArray[np.float32], block_ids: Sequence[int], reads: Reads, codes: bool) -> Partial:
        inputs = quantize_inputs(x, self.spec.input_max, self._arrays.inputs)
        level = inputs.level.reshape(len(x), *self.shape[:2])
        blocks = {index: np.empty((len(x), self._width(index))) for index in block_ids}
        kept = {index: self._empty_codes(len(x), index) for index in block_ids if codes}
        numbers = reads.requests * VECTORS_END + reads.vectors
        for replica, chosen in self._by_replica(reads):
            for index in block_ids:
                driven = level[chosen][:, self.blocks[index].slices[0], self.blocks[index].slices[1]]
                blocks[index][chosen] = self._outputs(replica, index, driven, numbers[chosen])
                if codes:
                    found = self._codes(replica, index, driven, numbers[chosen])
                    kept[index][chosen] = found.reshape(kept[index][chosen].shape)
        return Partial(blocks, inputs.scale[:, 0], kept if codes else None)

    def column_sums(self, x: NDArray[np.float32], reads: Reads) -> Iterator[Floats]:
        """Yield the column sums that converters get, in unit cells, [B, phases, cells, groups * N] of every block.

        Raises
        ------
        ValueError    If the converters are not ideal: only these let sums be seen.
        """
        inputs = quantize_inputs(x, self.spec.input_max, self._arrays.inputs)
        level = inputs.level.reshape(len(x), *self.shape[:2])
        numbers = reads.requests * VECTORS_END + reads.vectors
        for replica, chosen in self._by_replica(reads):
            for index, block in enumerate(self.blocks):
                driven = level[chosen][:, block.slices[0], block.slices[1]].reshape(len(numbers[chosen]), -1)
                read = self._reads[replica][index]
                if not isinstance(read, StepwiseRead):
                    raise ValueError("sums are seen where converters are ideal")
                draws = _place(self._arrays.draws, index, replica).child("reads", 0)
                sums = read.sums(driven, draws, numbers[chosen])
                yield sums.reshape(*sums.shape[:2], self.spec.cells_per_weight, -1)

    def _by_replica(self, reads: Reads) -> Iterator[tuple[int, slice | NDArray[np.bool_]]]:
        """Yield every replica that is read, and which of the vectors it reads."""
        replicas = len(self._reads)
        if replicas == 1:
            yield 0, slice(None)
            return
        for replica in range(replicas):
            chosen = reads.vectors % replicas == replica
            if chosen.any():
                yield replica, chosen

    def _outputs(self, replica: int, index: int, level: Integers, numbers: Integers) -> Floats:
        draws = _place(self._arrays.draws, index, replica).child("reads", 0)
        found = self._reads[replica][index].outputs(level, draws, numbers)
        factor = self._factors[replica][index]
        return found if factor is None else found * factor

    def _codes(self, replica: int, index: int, level: Integers, numbers: Integers) -> NDArray[np.int32]:
        draws = _place(self._arrays.draws, index, replica).child("reads", 0)
        return self._reads[replica][index].codes(level.reshape(len(level), -1), draws, numbers)

    def _width(self, index: int) -> int:
        return self.blocks[index].groups * self.blocks[index].cols

    def _empty_codes(self, batch: int, index: int) -> NDArray[np.int32]:
        spec = self.spec
        shape = (batch, spec.polarities, spec.input_phases, spec.cells_per_weight, self._width(index))
        return np.empty(shape, dtype=np.int32)

    def _merge(self, partials: Sequence[Partial]) -> NDArray[np.float32]:
        total = self._sum_of_blocks(partials, np.float64)
        scale = partials[0].input_scale
        assert scale is not None  # every partial of devices has one
        values: Floats = total * scale[:, np.newaxis, np.newaxis] * self._arrays.weight_scale
        return values.reshape(len(values), self.outputs).astype(np.float32)
