"""How a block in devices is read at one time: by a kernel where nothing but its cells errs, else step by step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.analog.array.columns import build_reader
from aimcsim.analog.array.noise import Noise
from aimcsim.analog.array.product import Matrix
from aimcsim.analog.bank import ColumnConverters
from aimcsim.analog.draws import Draws
from aimcsim.analog.drive import DrivePlan, drive_levels, drive_plan
from aimcsim.analog.error_spec import ErrorSpec
from aimcsim.analog.spec import ArraySpec
from aimcsim.analog.wires import CellCurve, CubicCurve, MiloCurve, effective_matrix

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FLOAT_EXACT = 1 << 24  # whole numbers up to here are float32


@dataclass(frozen=True, slots=True)
class BlockState:
    """The cells of a block at one time, and what drives them.

    Attributes
    ----------
    conductance : float64 [K, columns]      In parts of the largest.
    sigma : float64 [K, columns] or None    Noise of a read; None without any.
    unit : float                            Conductance that one digit adds.
    driver_gains : float64 [K]
    """

    conductance: Floats
    sigma: Floats | None
    unit: float
    driver_gains: Floats


class Block(Protocol):
    """What a read has to know of its block; see `DeviceBlock`."""

    spec: ArraySpec
    errors: ErrorSpec
    converters: ColumnConverters
    factors: Integers

    def outputs(self, level: Integers, accumulated: Floats) -> Floats:
        """Return the outputs of what columns add up to."""
        ...


class DeviceRead(ABC):
    """A block at one time after programming."""

    def __init__(self, block: Block, state: BlockState) -> None:
        self._block, self._cells = block, state
        self._spec, self._errors, self._plan = block.spec, block.errors, drive_plan(block.spec)
        self._columns = state.conductance.shape[1]

    def outputs(self, level: Integers, draws: Draws, numbers: Integers) -> Floats:
        """Return [B, groups * N] for the levels [B, groups, K] of the reads of `draws` with these numbers."""
        flat = level.reshape(len(level), -1)
        accumulated = self._accumulated(flat, draws, numbers)
        return self._block.outputs(level, accumulated.reshape(len(level), *self._block.factors.shape))

    @abstractmethod
    def codes(self, level: Integers, draws: Draws, numbers: Integers) -> NDArray[np.int32]:
        """Return the code of every conversion, int32 [B, phases, cells * N], for the levels [B, rows].

        Raises
        ------
        ValueError    If the converters are ideal: they have no codes.
        """

    @abstractmethod
    def _accumulated(self, level: Integers, draws: Draws, numbers: Integers) -> Floats:
        """Return [B, cells * N]: what every column's converter counts times the weights of their phases, added up."""

    def _weighted(self, counted: Floats) -> Floats:
        """Return what phases [B, phases, columns] count, added up in order."""
        total = np.zeros((len(counted), self._columns))
        for phase, weight in enumerate(self._plan.weights):
            total += weight * counted[:, phase]
        return total

    def _linear_state(self) -> Floats:
        """Return what a column gains from every row driven with one level, in unit cells: [K, columns]."""
        conductance = self._cells.conductance
        if self._errors.current_voltage != "linear":
            conductance = _conductance_at_one_voltage(conductance, self._errors)
        wires = self._errors.wires
        return (conductance if wires is None else effective_matrix(conductance, wires)) / self._cells.unit


def _conductance_at_one_voltage(conductance: Floats, errors: ErrorSpec) -> Floats:
    """Return what cells conduct per volt at the voltage of every read."""
    curve: CellCurve = CubicCurve() if errors.current_voltage == "cubic" else MiloCurve()
    scale, volts = errors.largest_conductance_s, np.array(errors.read_voltage_v)
    return curve.current(conductance * scale, volts) / (scale * volts)


class QuietRead(DeviceRead):
    """A block whose reads have no noise, on a chip whose reads are products: a kernel does all of it."""

    @staticmethod
    def can_read(spec: ArraySpec, errors: ErrorSpec) -> bool:
        """Return whether reads are products of levels and state, cut off nowhere before their converters count."""
        linear = errors.current_voltage == "linear" or errors.sees_one_voltage(spec)
        even = not errors.driver_noise_sigma and not errors.driver_asymmetry
        counted = errors.adc_kind == "uniform" and errors.adc_rounding != "half_even"
        return linear and even and counted and not errors.column_limit

    def __init__(self, block: Block, state: BlockState) -> None:
        super().__init__(block, state)
        codes = max(-self._spec.code_low, self._spec.code_high) * sum(map(abs, self._plan.weights))
        self._sums_fit = codes <= FLOAT_EXACT
        self._kernel = self._prepared()

    def _prepared(self) -> _kernels.Product:
        spec, plan, converters = self._spec, self._plan, self._block.converters
        signed = spec.sign != "twos_complement"
        high = spec.input_max if signed else (1 << spec.input_bits) - 1
        driven = self._linear_state() * self._cells.driver_gains[:, np.newaxis]
        return _kernels.sliced_product(
            driven.astype(np.float32),
            drivers=_kernels.Levels(1.0, -high if signed else 0, high),
            planes=[(phase, -1 if channel else 1, bit, scale) for phase, channel, bit, scale in plan.planes.tolist()],
            weights=plan.weights,
            converters=_kernels.Converters(
                _kernels.Levels(1.0, spec.code_low, spec.code_high, rounding="floor"), converters.gain, converters.shift
            ),
            factors=np.ones((1, self._columns)),
        )

    def _accumulated(self, level: Integers, draws: Draws, numbers: Integers) -> Floats:
        if self._sums_fit:
            return self._kernel.outputs(self._driven(level)).astype(np.float64)
        return self._weighted(self.codes(level, draws, numbers).astype(np.float64))

    def codes(self, level: Integers, draws: Draws, numbers: Integers) -> NDArray[np.int32]:
        """Return the code of every conversion, int32 [B, phases, cells * N], for the levels [B, rows]."""
        return self._kernel.conversions(self._driven(level)).codes

    def _driven(self, level: Integers) -> NDArray[np.float32]:
        """Return levels as the kernel takes them: with a sign, or as the bits of their two's complement."""
        if self._spec.sign == "twos_complement":
            level = level & (1 << self._spec.input_bits) - 1
        return level.astype(np.float32)


class StepwiseRead(DeviceRead):
    """A block that is read as its parts come: drivers, cells, the limit of columns, converters.

    Noise of cells that is drawn anew for each phase is lumped into one normal number for each column, which has the
    same distribution where no cell is read as less than 0; noise that lasts for a product is drawn cell by cell.
    """

    def __init__(self, block: Block, state: BlockState) -> None:
        super().__init__(block, state)
        linear = self._errors.current_voltage == "linear" or self._errors.sees_one_voltage(self._spec)
        self._state = self._linear_state() if linear else None
        self._lines = self._lines_of(state.conductance) if self._state is None else _ProductLines(self._state)
        sigma = state.sigma
        self._variance = None if sigma is None else Matrix((sigma / state.unit) * (sigma / state.unit))

    def _lines_of(self, conductance: Floats) -> _Lines:
        """Return cells that are not linear."""
        return _SolvedLines(conductance, self._spec, self._errors, self._cells.unit)

    def sums(self, level: Integers, draws: Draws, numbers: Integers) -> Floats:
        """Return the column sums that converters get, in unit cells: [B, phases, cells * N]."""
        noise = Noise(draws, tuple(numbers.tolist()))
        drives = self._drives(level, noise)
        sums = self._noisy(drives, noise)
        limit = self._errors.column_limit * self._spec.level_max / self._cells.unit
        return np.clip(sums, -limit, limit) if limit else sums

    def codes(self, level: Integers, draws: Draws, numbers: Integers) -> NDArray[np.int32]:
        """Return the code of every conversion, int32 [B, phases, cells * N], for the levels [B, rows]."""
        if not self._block.converters.has_codes:
            raise ValueError("ideal converters have no codes")
        return self._counted(level, draws, numbers).astype(np.int32)

    def _counted(self, level: Integers, draws: Draws, numbers: Integers) -> Floats:
        return self._block.converters.counted(self.sums(level, draws, numbers))

    def _accumulated(self, level: Integers, draws: Draws, numbers: Integers) -> Floats:
        return self._weighted(self._counted(level, draws, numbers))

    def _drives(self, level: Integers, noise: Noise) -> Floats:
        """Return what drives every row in every phase, in levels: [B, phases, K]."""
        drives = phase_drives(drive_levels(level, self._spec), self._plan)
        if self._errors.driver_asymmetry:
            drives = np.where(drives < 0, drives * (1.0 - self._errors.driver_asymmetry), drives)
        drives = drives * self._cells.driver_gains
        if self._errors.driver_noise_sigma:
            sigma = self._errors.driver_noise_sigma * self._spec.level_max
            drives = drives + sigma * noise.normal("driver noise", drives.shape[1:])
        return drives

    def _noisy(self, drives: Floats, noise: Noise) -> Floats:
        """Return column sums with the noise of cells."""
        if self._variance is None:
            return self._lines.sums(drives)
        if self._errors.device.read_redraw != "phase":
            return np.concatenate([self._sampled(drives[[b]], noise.of(b)) for b in range(len(drives))])
        deviation = np.sqrt(self._variance.times(drives * drives))
        return self._lines.sums(drives) + deviation * noise.normal("read noise", deviation.shape[1:])

    def _sampled(self, drives: Floats, noise: Noise) -> Floats:
        """Return the sums of one vector with the noise of every cell drawn, none of which is read below 0."""
        assert self._cells.sigma is not None  # else there is nothing to sample
        drawn = self._cells.sigma * noise.normal("cell noise", self._cells.sigma.shape)[0]
        if self._state is None:
            return self._lines_of(np.maximum(self._cells.conductance + drawn, 0.0)).sums(drives)
        return _ProductLines(np.maximum(self._state + drawn / self._cells.unit, 0.0)).sums(drives)


class _Lines(Protocol):
    """The cells between drivers and converters."""

    def sums(self, drives: Floats) -> Floats:
        """Return the column sums [B, phases, columns], in unit cells, for the drives [B, phases, K], in levels."""
        ...


class _ProductLines:
    """Cells whose sums are a product, computed in float32."""

    def __init__(self, state: Floats) -> None:
        self._matrix = Matrix(state)

    def sums(self, drives: Floats) -> Floats:
        """Return the sums."""
        return self._matrix.times(drives)


class _SolvedLines:
    """Cells whose current is not proportional to their voltage, solved for every read."""

    def __init__(self, conductance: Floats, spec: ArraySpec, errors: ErrorSpec, unit: float) -> None:
        self._reader = build_reader(conductance[np.newaxis, np.newaxis], errors.cells(spec))
        self._level_max, self._unit = spec.level_max, unit

    def sums(self, drives: Floats) -> Floats:
        """Return the sums; what drives the rows alike, such as bits that no input has, is solved once."""
        flat = drives.reshape(-1, drives.shape[2])
        different, which = np.unique(flat, axis=0, return_inverse=True)
        currents = self._reader.currents(different[np.newaxis] / self._level_max)[0, :, 0, 0]
        sums: Floats = currents[which.ravel()] * (self._level_max / self._unit)
        return sums.reshape(*drives.shape[:2], -1)


def phase_drives(levels: NDArray[np.uint16], plan: DrivePlan) -> Floats:
    """Return what drives every row in every phase, float64 [B, phases, K], for levels [B, channels, K]."""
    drives = np.zeros((len(levels), len(plan.weights), levels.shape[2]))
    for phase, channel, bit, scale in plan.planes.tolist():
        drives[:, phase] += (levels[:, channel] >> bit & 1) * float(scale)
    return drives
