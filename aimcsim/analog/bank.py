"""The converters of a bank: which of them takes which column, what errors each keeps, and the codes of column sums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.array.converter_spec import ConverterSpec
from aimcsim.analog.array.converters import Converters, build_converters, rounded
from aimcsim.analog.draws import Draws
from aimcsim.analog.error_spec import ErrorSpec, Ranges
from aimcsim.analog.spec import ArraySpec
from aimcsim.errors import ConfigError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BANKS_KEPT = 64
"""Banks whose circuits are kept for the other blocks that they convert."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a block stands, and so whose row drivers and converters it uses.

    Attributes
    ----------
    crossbar, bank : Draws    Places of what is drawn about the crossbar, and about the bank of converters behind it.
    first_row : int           First row of the crossbar that the block takes.
    first_column : int        Its first column, counted over the columns of all crossbars of the bank.
    converters : int          Of the bank. Column c of the bank belongs to converter ``c % converters``: neighbours are
                              converted at the same time, as the time of a conversion says.
    """

    crossbar: Draws
    bank: Draws
    first_row: int
    first_column: int
    converters: int

    @classmethod
    def alone(cls, draws: Draws, columns: int) -> Self:
        """Return the seat of a block in a crossbar of its own, with a converter for every column."""
        return cls(draws.child("crossbar", 0), draws.child("bank", 0), 0, 0, columns)

    def converter_of(self, columns: int) -> Integers:
        """Return which converter takes each of the first so many columns of the block."""
        numbers: Integers = (self.first_column + np.arange(columns)) % self.converters
        return numbers

    def driver_gains(self, sigma: float, rows: int) -> Floats:
        """Return the gain of the drivers of the block's rows."""
        return 1.0 + sigma * self.crossbar.normal("driver gain", rows, start=self.first_row)


class ColumnConverters:
    """What converts the columns of a block: each has its converter's errors, and counts in steps of its own.

    Parameters
    ----------
    steps : float64 [columns]    Unit cells that a code of a column counts.
    """

    def __init__(self, spec: ArraySpec, errors: ErrorSpec, seat: Seat, steps: Floats) -> None:
        self.low, self.high = spec.code_low, spec.code_high
        self._kind, self._rounding = errors.adc_kind, errors.adc_rounding
        numbers = seat.converter_of(len(steps))
        gain = 1.0 + errors.adc_gain_sigma * seat.bank.normal("converter gain", seat.converters)
        offset = errors.adc_offset_sigma * seat.bank.normal("converter offset", seat.converters)
        span = steps * (self.high - self.low)
        # A circuit's thresholds stand half a step from whole codes, as those of `half_up` do, where no sum of whole
        # cells lies unless the step is even.
        half = steps / 2 if self.counts and self._rounding == "half_up" else 0.0
        self.gain: Floats = gain[numbers] / steps
        self.shift: Floats = (offset[numbers] * span + half) / steps
        self._turns = _Turns(seat, len(steps))
        self._circuit = (
            _bank_of(errors.circuit, spec.adc_bits, seat.bank, seat.converters) if errors.circuit.is_circuit else None
        )

    @property
    def counts(self) -> bool:
        """Whether codes are those of equal levels, without a circuit."""
        return self._kind == "uniform"

    @property
    def floors(self) -> bool:
        """Whether a code is the whole part of ``gain * sum + shift``, within its range."""
        return self.counts and self._rounding != "half_even"

    @property
    def has_codes(self) -> bool:
        """Whether there are codes at all."""
        return self._kind != "ideal"

    def counted(self, sums: Floats) -> Floats:
        """Return sums [..., columns], in unit cells, as converters see them, in codes: whole, but of ideal ones."""
        seen = sums * self.gain + self.shift
        if self._kind == "ideal":
            return seen
        if self._circuit is not None:
            middle, half = (self.low + self.high) / 2, (self.high - self.low + 1) / 2
            turns = self._turns.apart((seen - middle) / half)
            codes = self._circuit.convert(turns).codes
            assert codes is not None  # circuits have codes
            return self._turns.together(codes) + np.float64(self.low)
        whole = np.trunc(seen) if self._kind == "oscillator" else _whole(seen, self._rounding)
        inside: Floats = np.clip(whole, self.low, self.high)
        return inside


def _whole(seen: Floats, rounding: str) -> Floats:
    """Return whole numbers by a `Rounding`; the half of `half_up` is added before."""
    return rounded(seen, "half_even" if rounding == "half_even" else "floor")


class _Turns:
    """Puts the columns of a block before the converters of its bank, turn after turn, and takes the codes back."""

    def __init__(self, seat: Seat, columns: int) -> None:
        self._converters, self._columns = seat.converters, columns
        self._before = seat.first_column % seat.converters

    def apart(self, seen: Floats) -> Floats:
        """Return [..., columns] as [..., turns, 1, 1, converters], 0 where a converter has nothing to do."""
        after = -(self._before + self._columns) % self._converters
        sides = [(0, 0)] * (seen.ndim - 1) + [(self._before, after)]
        return np.pad(seen, sides).reshape(*seen.shape[:-1], -1, 1, 1, self._converters)

    def together(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the codes [..., columns] of those columns."""
        flat = codes.reshape(*codes.shape[:-4], -1)
        return flat[..., self._before : self._before + self._columns]


@lru_cache(maxsize=BANKS_KEPT)
def _bank_of(circuit: ConverterSpec, bits: int, draws: Draws, converters: int) -> Converters:
    """Return the circuits of a bank, for sums in parts of half their range, about its middle."""
    return build_converters(replace(circuit, bits=bits), np.array([[-1.0, 1.0]]), (1, 1, converters), draws)


def code_steps(spec: ArraySpec, errors: ErrorSpec, ranges: Ranges) -> Floats:
    """Return how many unit cells a code counts, for each cell of a weight (`Cells`): float64 [cells_per_weight].

    Raises
    ------
    ConfigError    If there is not a range for each slice, or ranges are to be calibrated and are not.
    """
    if ranges.converters is not None:
        if len(ranges.converters) != spec.slices:
            raise ConfigError(f"a weight has {spec.slices} slices, and ranges are of {len(ranges.converters)}")
        return np.repeat(np.array(ranges.converters), spec.cells_per_weight // spec.slices) / spec.code_high
    return np.full(spec.cells_per_weight, _common_step(spec, errors))


def _common_step(spec: ArraySpec, errors: ErrorSpec) -> float:
    if errors.adc_range == "maximum":
        return largest_sum(spec, errors) / spec.code_high
    if errors.adc_range == "calibrated":
        raise ConfigError("calibrated ranges of converters need a calibration")
    return 1.0 if errors.adc_range == "granular" else float(spec.step)


def largest_sum(spec: ArraySpec, errors: ErrorSpec) -> float:
    """Return the largest sum of a column of a full array, with what cells of digit 0 conduct, in unit cells."""
    least = errors.least_conductance
    return spec.largest_sum + spec.rows * spec.level_max * spec.cell_max * least / (1.0 - least)
