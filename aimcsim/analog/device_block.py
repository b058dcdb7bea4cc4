"""One block of a matrix in devices: programmed once, and read at a time after that.

Columns are those of the integer array (`cells.Cells`), with the state of devices in place of digits: a column's current
is counted in unit cells, converted to a code in every phase, and codes are shifted and added as integers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.analog.array.noise import Noise
from aimcsim.analog.cells import program_cells
from aimcsim.analog.draws import Draws
from aimcsim.analog.drive import DrivePlan, drive_levels, drive_plan
from aimcsim.analog.error_spec import ErrorSpec
from aimcsim.analog.spec import ArraySpec
from aimcsim.analog.wires import effective_matrix

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FLOAT_EXACT = 1 << 24  # whole numbers up to here are float32
EPOCHS_KEPT = 2


class DeviceBlock:
    """Integer weights [groups, K, N] in devices. What is drawn once about them is drawn here; reads change nothing.

    Cells where the rows of one group meet the columns of another are devices, too: they hold digit 0, are driven by the
    other group's inputs, and err like all others.
    """

    def __init__(self, level: Integers, spec: ArraySpec, errors: ErrorSpec, draws: Draws) -> None:
        self.spec, self.errors = spec, errors
        cells = program_cells(level, spec)
        rows, count, outputs = cells.digits.shape
        self.factors = cells.factors
        least = errors.least_conductance
        self._unit = (1.0 - least) / spec.cell_max
        self._input_factors = cells.input_factors
        self._leak = -least / self._unit * cells.factors.sum(axis=0)  # for what digit 0 conducts, in digits
        self._groups = level.shape[0]
        targets = least + self._unit * cells.digits.reshape(rows, count * outputs)
        self._state = errors.device.program(targets, draws.child("cells", 0))
        self._stuck = draws.uniform("stuck cells", targets.shape) if errors.stuck_on or errors.stuck_off else None
        self.gain, self.offset = _converter_errors(count * outputs, errors, draws.child("converters", 0))
        self.at = lru_cache(maxsize=EPOCHS_KEPT)(self._at)

    def _at(self, time_s: float) -> DeviceRead:
        """Return what reads the block `time_s` after programming."""
        conductance = self._state.conductance(time_s)
        if self._stuck is not None:
            least = self.errors.least_conductance
            conductance = np.where(self._stuck < self.errors.stuck_on, 1.0, conductance)
            conductance = np.where(self._stuck > 1.0 - self.errors.stuck_off, least, conductance)
        wires = self.errors.wires
        state = (conductance if wires is None else effective_matrix(conductance, wires)) / self._unit
        sigma = self.errors.device.read_sigma(conductance) / self._unit
        noisy = self.errors.device.read_redraw != "never" and bool(sigma.any())
        return _NoisyRead(self, state, sigma) if noisy else _QuietRead(self, state)

    def outputs(self, level: Integers, accumulated: Floats) -> Floats:
        """Return [B, groups * N], in input level times weight level, of what columns of all cells add up to.

        Parameters
        ----------
        level : int64 [B, groups, K]
        accumulated : float64 [B, cells, groups * N]    Codes times weights of phases.
        """
        out = np.zeros((len(level), self.factors.shape[1]))
        for cell, factor in enumerate(self.factors):
            out += (factor * self.spec.step) * accumulated[:, cell]
        sums = level.sum(axis=2)
        if self._input_factors.any():
            out += self._input_factors * np.repeat(sums, self.factors.shape[1] // self._groups, axis=1)
        if self._leak.any():
            out += self._leak * sums.sum(axis=1, keepdims=True)
        return out


def _converter_errors(columns: int, errors: ErrorSpec, draws: Draws) -> tuple[Floats, Floats]:
    """Return the gain of the converter of each column, and its offset as a part of the range."""
    banks = -(-columns // errors.columns_per_converter)
    gain = 1.0 + errors.adc_gain_sigma * draws.normal("converter gain", banks)
    offset = errors.adc_offset_sigma * draws.normal("converter offset", banks)
    gains, offsets = (np.repeat(drawn, errors.columns_per_converter)[:columns] for drawn in (gain, offset))
    return gains, offsets


class DeviceRead(ABC):
    """A block at one time after programming.

    Parameters
    ----------
    state : float64 [K, cells * N]    What a column gains from every row driven with one level, in unit cells.
    """

    def __init__(self, block: DeviceBlock, state: Floats) -> None:
        self._block, self._state = block, state
        self._spec, self._plan = block.spec, drive_plan(block.spec)
        spec = self._spec
        span = spec.step * (spec.code_high - spec.code_low)
        self._gain = block.gain / spec.step
        # Thresholds stand half a step from whole codes, where no sum of whole cells lies unless the step is even.
        self._shift = (block.offset * span + spec.step / 2) / spec.step

    def outputs(self, level: Integers, draws: Draws, numbers: Integers) -> Floats:
        """Return [B, groups * N] for the levels [B, groups, K] of the reads of `draws` with these numbers."""
        flat = level.reshape(len(level), -1)
        accumulated = self._accumulated(flat, draws, numbers)
        return self._block.outputs(level, accumulated.reshape(len(level), *self._block.factors.shape))

    @abstractmethod
    def codes(self, level: Integers, draws: Draws, numbers: Integers) -> NDArray[np.int32]:
        """Return the code of every conversion, int32 [B, phases, cells * N], for the levels [B, rows]."""

    def _accumulated(self, level: Integers, draws: Draws, numbers: Integers) -> Floats:
        """Return [B, cells * N]: every column's codes times the weights of their phases, added up."""
        weights = np.array(self._plan.weights, dtype=np.int64)
        codes = self.codes(level, draws, numbers)
        total: Floats = (codes * weights[:, np.newaxis]).sum(axis=1).astype(np.float64)
        return total


class _QuietRead(DeviceRead):
    """A block without noise of single reads: a kernel does all of it."""

    def __init__(self, block: DeviceBlock, state: Floats) -> None:
        super().__init__(block, state)
        codes = max(-self._spec.code_low, self._spec.code_high) * sum(map(abs, self._plan.weights))
        self._sums_fit = codes <= FLOAT_EXACT
        self._kernel = self._prepared()

    def _prepared(self) -> _kernels.Product:
        spec, plan = self._spec, self._plan
        signed = spec.sign != "twos_complement"
        high = spec.input_max if signed else (1 << spec.input_bits) - 1
        columns = self._state.shape[1]
        return _kernels.sliced_product(
            self._state.astype(np.float32),
            drivers=_kernels.Levels(1.0, -high if signed else 0, high),
            planes=[(phase, -1 if channel else 1, bit, scale) for phase, channel, bit, scale in plan.planes.tolist()],
            weights=plan.weights,
            converters=_kernels.Converters(
                _kernels.Levels(1.0, spec.code_low, spec.code_high, rounding="floor"), self._gain, self._shift
            ),
            factors=np.ones((1, columns)),
        )

    def _accumulated(self, level: Integers, draws: Draws, numbers: Integers) -> Floats:
        if self._sums_fit:
            return self._kernel.outputs(self._driven(level)).astype(np.float64)
        return super()._accumulated(level, draws, numbers)

    def codes(self, level: Integers, draws: Draws, numbers: Integers) -> NDArray[np.int32]:
        """Return the code of every conversion, int32 [B, phases, cells * N], for the levels [B, rows]."""
        return self._kernel.conversions(self._driven(level)).codes

    def _driven(self, level: Integers) -> NDArray[np.float32]:
        """Return levels as the kernel takes them: with a sign, or as the bits of their two's complement."""
        if self._spec.sign == "twos_complement":
            level = level & (1 << self._spec.input_bits) - 1
        return level.astype(np.float32)


class _NoisyRead(DeviceRead):
    """A block whose cells are noisy in every read.

    Noise that is drawn anew for each phase is lumped into one normal number for each column, which has the same
    distribution where no cell is read as less than 0; noise that lasts for a product is drawn cell by cell.
    """

    def __init__(self, block: DeviceBlock, state: Floats, sigma: Floats) -> None:
        super().__init__(block, state)
        self._sigma = sigma
        self._packed = _kernels.pack_weights(state.astype(np.float32)[np.newaxis])
        self._variance = _kernels.pack_weights((sigma * sigma).astype(np.float32)[np.newaxis])

    def codes(self, level: Integers, draws: Draws, numbers: Integers) -> NDArray[np.int32]:
        """Return the code of every conversion, int32 [B, phases, cells * N], for the levels [B, rows]."""
        drives = _drives(drive_levels(level, self._spec), self._plan)
        noise = Noise(draws, tuple(numbers.tolist()))
        if self._block.errors.device.read_redraw == "phase":
            shape = (drives.shape[1], self._state.shape[1])
            deviation = np.sqrt(self._product(drives * drives, self._variance))
            sums = self._product(drives, self._packed) + deviation * noise.normal("read noise", shape)
        else:
            sums = np.stack([self._sampled(drives[b], noise.of(b)) for b in range(len(drives))])
        found = np.clip(np.floor(sums * self._gain + self._shift), self._spec.code_low, self._spec.code_high)
        return found.astype(np.int32)

    def _sampled(self, drives: NDArray[np.float32], noise: Noise) -> Floats:
        cells = self._state + self._sigma * noise.normal("cell noise", self._state.shape)[0]
        packed = _kernels.pack_weights(np.maximum(cells, 0.0).astype(np.float32)[np.newaxis])
        sums: Floats = self._product(drives[np.newaxis], packed)[0]
        return sums

    def _product(self, drives: NDArray[np.float32], packed: NDArray[np.float32]) -> Floats:
        """Return drives [B, phases, K] times a packed matrix, float64 [B, phases, columns]."""
        batch, phases, rows = drives.shape
        out = np.empty((batch * phases, 1, self._state.shape[1]), dtype=np.float32)
        _kernels.mvm_f32(drives.reshape(-1, 1, rows), packed, out)
        product: Floats = out.reshape(batch, phases, -1).astype(np.float64)
        return product


def _drives(levels: NDArray[np.uint16], plan: DrivePlan) -> NDArray[np.float32]:
    """Return what drives every row in every phase, float32 [B, phases, K], for levels [B, channels, K]."""
    drives = np.zeros((len(levels), len(plan.weights), levels.shape[2]), dtype=np.float32)
    for phase, channel, bit, scale in plan.planes.tolist():
        drives[:, phase] += (levels[:, channel] >> bit & 1) * np.float32(scale)
    return drives
