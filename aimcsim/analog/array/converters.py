"""Converters as what they do to numbers: ranges, levels, codes, and the errors that each physical one keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.array.converter_spec import ConverterSpec
from aimcsim.analog.array.spec import AnalogSpec, CellSpec, InputSpec
from aimcsim.analog.draws import Draws

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Converted:
    """What converters make of currents of any shape.

    Attributes
    ----------
    values : float64
    codes : int32 or None       None from ideal converters.
    clipped : bool              Where a current lies beyond the range.
    """

    values: Floats
    codes: NDArray[np.int32] | None
    clipped: NDArray[np.bool_]


def converter_ranges(spec: AnalogSpec, rows: int) -> Floats:
    """Return (low, high) of every slice's converters, float64 [slices, 2], behind an array of `rows` rows."""
    cells, chosen = spec.cells, spec.converter.range
    if chosen.kind == "fixed":
        return np.array(np.broadcast_to(np.array(chosen.bounds, dtype=np.float64), (cells.slices, 2)))
    signed = spec.inputs.is_signed or (cells.is_pair and spec.readout.subtraction == "analog")
    signed = signed or chosen.kind == "two_sided_maximum"
    if chosen.kind == "granular":
        codes = (1 << spec.converter.bits - 1) - 1 if signed else (1 << spec.converter.bits) - 1
        high = codes * _unit_current(cells, spec.inputs)
    elif chosen.kind == "power_of_two":
        high = _power_of_two_range(spec, rows, signed=signed)
    else:
        high = float(rows)
    return np.tile([-high if signed else 0.0, high], (cells.slices, 1))


def _unit_current(cells: CellSpec, inputs: InputSpec) -> float:
    """Return the current that one more digit of a cell makes at one more unit of a read's input."""
    span = 1.0 - cells.least_conductance
    driven = inputs.bits_per_phase if inputs.encoding == "bit_serial" else inputs.magnitude_bits
    return span / ((1 << cells.digit_bits) - 1) / ((1 << max(driven, 1)) - 1)


def _power_of_two_range(spec: AnalogSpec, rows: int, *, signed: bool) -> float:
    """Return the range of CrossSim 3.2 for offset slices with ADCRangeLimits.MAX."""
    digit, codes = 1 << spec.cells.digit_bits, 1 << spec.converter.bits
    levels = 1 << max(spec.inputs.magnitude_bits, 1)
    high = 2.0 ** np.rint(np.log2(rows)) * digit / (digit - 1) * (codes - 1 - signed) / codes
    return float(high * levels / (levels - 1))


class Converters(ABC):
    """The converters of one array, for currents [..., slices, lines, M].

    Column m of a slice's line belongs to converter ``m // group_size`` of that line, which keeps what was drawn for it.

    Parameters
    ----------
    ranges : float64 [slices, 2]
    shape : (slices, lines, M)
    """

    def __init__(self, spec: ConverterSpec, ranges: Floats, shape: tuple[int, int, int], draws: Draws) -> None:
        self.spec = spec
        self.low, self.high = (ranges[:, end, np.newaxis, np.newaxis] for end in (0, 1))
        self.shape = shape
        self._gain = 1.0 + self._drawn("converter gain", spec.gain_sigma, draws)
        self._offset = self._drawn("converter offset", spec.offset_sigma, draws) * (self.high - self.low)

    def _drawn(self, purpose: str, sigma: float, draws: Draws, each: int = 0) -> Floats:
        """Return a normal number, or `each` of them, for every converter: float64 [slices, lines, M (, each)]."""
        slices, lines, columns = self.shape
        if not sigma:
            return np.zeros((1, 1, 1, each) if each else (1, 1, 1))
        banks = -(-columns // self.spec.group_size)
        drawn = sigma * draws.normal(purpose, (slices, lines, banks, max(each, 1)))
        spread = np.repeat(drawn, self.spec.group_size, axis=2)[:, :, :columns]
        return spread if each else spread[..., 0]

    def errors(self) -> tuple[Floats, Floats]:
        """Return gain and offset of the converters, each [slices or 1, lines or 1, M or 1]."""
        return self._gain, self._offset

    def code_count(self) -> int:
        """Return how many codes there are; 0 for converters without codes."""
        return 0

    def seen(self, current: Floats) -> Floats:
        """Return currents with the gain and offset of each converter."""
        return current * self._gain + self._offset

    @abstractmethod
    def convert(self, current: Floats) -> Converted:
        """Return codes and values for `current` [..., slices, lines, M]."""

    def step(self) -> Floats:
        """Return what a code counts, [slices, 1, 1]; 0 for converters without codes."""
        return np.zeros_like(self.high)

    def tie_distance(self, current: Floats) -> Floats:
        """Return how far currents lie from where the next code begins, in codes; infinity where nothing can change."""
        return np.full(current.shape, np.inf)


class IdealConverters(Converters):
    """Currents as they are, within the range if that is fixed."""

    def convert(self, current: Floats) -> Converted:
        """Return the currents; there are no codes."""
        if self.spec.range.kind != "fixed":
            return Converted(current, None, np.zeros(current.shape, dtype=np.bool_))
        clipped = (current < self.low) | (current > self.high)
        return Converted(np.clip(current, self.low, self.high), None, clipped)


class UniformConverters(Converters):
    """Code c stands for ``low + c step``, the ends of the range being levels.

    A current half-way between two levels goes to the one with the even code, to the upper one, or (`floor`) to the
    lower one like all others between the two.
    """

    def __init__(self, spec: ConverterSpec, ranges: Floats, shape: tuple[int, int, int], draws: Draws) -> None:
        super().__init__(spec, ranges, shape, draws)
        steps = (1 << spec.bits) - 1 - (spec.levels == "symmetric")
        self._count = steps + 1
        self._step = (self.high - self.low) / steps
        self._per_current = steps / (self.high - self.low)

    def convert(self, current: Floats) -> Converted:
        """Return codes and values for `current` [..., slices, lines, M]."""
        raw = rounded((self.seen(current) - self.low) * self._per_current, self.spec.rounding)
        clipped = (raw < 0) | (raw > self._count - 1)
        codes = np.clip(raw, 0, self._count - 1).astype(np.int32)
        return Converted(self._values(codes), codes, clipped)

    def step(self) -> Floats:
        """Return the distance of two levels."""
        return self._step

    def code_count(self) -> int:
        """Return how many codes there are."""
        return self._count

    def tie_distance(self, current: Floats) -> Floats:
        """Return how far currents lie from where the next code begins, in codes."""
        between = 0.0 if self.spec.rounding == "floor" else 0.5
        steps = (np.clip(self.seen(current), self.low, self.high) - self.low) * self._per_current + between
        return np.abs(steps - np.rint(steps))

    def _values(self, codes: NDArray[np.int32]) -> Floats:
        values: Floats = codes * self._step + self.low
        return values


class GridConverters(Converters):
    """Code c stands for ``c step``; the range cuts off what is beyond it after rounding.

    An oscillator counts whole periods, so it rounds towards zero.
    """

    def __init__(self, spec: ConverterSpec, ranges: Floats, shape: tuple[int, int, int], draws: Draws) -> None:
        super().__init__(spec, ranges, shape, draws)
        largest = np.maximum(abs(self.low), abs(self.high))
        self._step = np.full_like(largest, spec.step) if spec.step else largest / ((1 << spec.bits - 1) - 1)

    def convert(self, current: Floats) -> Converted:
        """Return codes and values for `current` [..., slices, lines, M]."""
        codes = self._codes(self.seen(current))
        values = self._values(codes)
        clipped = (values > self.high) | (values < self.low)
        return Converted(np.clip(values, self.low, self.high), codes, clipped)

    def step(self) -> Floats:
        """Return the distance of two levels."""
        return self._step

    def tie_distance(self, current: Floats) -> Floats:
        """Return how far currents lie from where the next code begins, in codes."""
        between = 0.0 if self.spec.kind == "oscillator" or self.spec.rounding == "floor" else 0.5
        steps = self.seen(current) / self._step + between
        return np.abs(steps - np.rint(steps))

    def _codes(self, inside: Floats) -> NDArray[np.int32]:
        count = inside / self._step
        whole = np.trunc(count) if self.spec.kind == "oscillator" else rounded(count, self.spec.rounding)
        return np.clip(whole, -(1 << 31) + 1, (1 << 31) - 1).astype(np.int32)

    def _values(self, codes: NDArray[np.int32]) -> Floats:
        values: Floats = codes * self._step
        return values


def rounded(values: Floats, rounding: str) -> Floats:
    """Return whole numbers next to `values` by a `Rounding`."""
    if rounding == "half_even":
        return np.rint(values)
    return np.floor(values + 0.5 if rounding == "half_up" else values)


def build_converters(spec: ConverterSpec, ranges: Floats, shape: tuple[int, int, int], draws: Draws) -> Converters:
    """Return the converters that `spec` describes, with their errors drawn."""
    from aimcsim.analog.array.converter_circuits import CIRCUIT_CLASSES

    if spec.kind == "ideal":
        kind: type[Converters] = IdealConverters
    elif spec.kind == "oscillator" or spec.step:
        kind = GridConverters
    elif spec.kind == "uniform":
        kind = UniformConverters
    else:
        kind = CIRCUIT_CLASSES[spec.kind]
    return kind(spec, ranges, shape, draws)
