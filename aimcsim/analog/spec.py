"""What one analog array is, in plain integers, and which part of a matrix it holds.

Derived figures (slices, phases, converter step) stand here and nowhere else, so that timing, mapping and values cannot
disagree about them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Literal, get_args

from aimcsim.errors import ConfigError

CellKind = Literal["differential", "offset"]
Encoding = Literal["bit_serial", "pulse_width"]
Sign = Literal["twos_complement", "two_pass", "bipolar"]

# Which ways of driving negative inputs an encoding has.
SIGNS: Final[dict[Encoding, tuple[Sign, ...]]] = {
    "bit_serial": ("twos_complement", "two_pass"),
    "pulse_width": ("two_pass", "bipolar"),
}
# Inclusive ranges. Digits are bytes and input levels 16-bit in the kernels; the rest is what integers can hold.
_RANGES: Final[dict[str, tuple[int, int]]] = {
    "rows": (1, 65535),
    "cols": (1, 1 << 20),
    "cell_bits": (1, 8),
    "weight_bits": (2, 16),
    "input_bits": (2, 16),
    "bits_per_phase": (1, 15),
    "adc_bits": (1, 24),
    "adc_step": (0, 1 << 30),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySpec:
    """An analog array: cells, row drivers and converters, as far as they decide what it computes.

    A weight is an integer of `weight_bits` bits, sign included, spread over cells of `cell_bits` bits:

    - `differential`: its magnitude, in slices, on the positive or the negative column of each pair;
    - `offset`: weight + 2^(weight_bits - 1), in slices, the offset taken off by the sum of the inputs. With `flip`, a
      column whose digits sum to more than half of the most they could holds every digit subtracted from the largest,
      which halves the largest column sum; undone by the sum of the inputs, too.

    An input is an integer of `input_bits` bits, sign included, in -(2^(input_bits - 1) - 1) .. 2^(input_bits - 1) - 1:

    - `bit_serial` drives `bits_per_phase` bits at a time, least significant first. `twos_complement` drives the bits
      below the sign bit and then, in a phase of its own, the sign bit, which counts negative; `two_pass` drives the
      magnitudes of the positive inputs and then those of the negative ones.
    - `pulse_width` drives the whole magnitude as one pulse: `two_pass` as above, `bipolar` both signs at once.

    Parameters
    ----------
    rows, cols : int       Size of the array, in cells.
    adc_bits : int         Bits of a code; signed for `bipolar`, else unsigned.
    adc_step : int         Unit-cell steps per code; 0 chooses the `step` below.

    Raises
    ------
    ConfigError    If a figure is out of range or two of them exclude each other.
    """

    rows: int
    cols: int
    cell_bits: int
    cells: CellKind
    flip: bool
    weight_bits: int
    input_bits: int
    encoding: Encoding
    sign: Sign
    bits_per_phase: int
    adc_bits: int
    adc_step: int

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"{name} must be {least} to {most} (got {value})")
        if self.cells not in get_args(CellKind):
            raise ConfigError(f"cells must be differential or offset (got {self.cells})")
        if self.sign not in SIGNS.get(self.encoding, ()):
            allowed = "; ".join(f"{encoding} with {' or '.join(signs)}" for encoding, signs in SIGNS.items())
            raise ConfigError(f"inputs must be {allowed} (got {self.encoding} with {self.sign})")
        if self.flip and self.cells != "offset":
            raise ConfigError("flip needs offset cells (got differential)")
        if self.cells_per_weight > self.cols:
            raise ConfigError(f"a weight takes {self.cells_per_weight} columns, the array has {self.cols}")

    @property
    def cell_max(self) -> int:
        """Largest digit of a cell."""
        return (1 << self.cell_bits) - 1

    @property
    def slices(self) -> int:
        """Digits that a weight is cut into."""
        digit_bits = self.weight_bits - (self.cells == "differential")
        return -(-digit_bits // self.cell_bits)

    @property
    def cells_per_weight(self) -> int:
        """Columns that one weight takes."""
        return self.slices * (2 if self.cells == "differential" else 1)

    @property
    def weights_per_row(self) -> int:
        """Weights side by side in the array."""
        return self.cols // self.cells_per_weight

    @property
    def weight_max(self) -> int:
        """Largest magnitude of an integer weight."""
        return (1 << self.weight_bits - 1) - 1

    @property
    def input_max(self) -> int:
        """Largest magnitude of an integer input."""
        return (1 << self.input_bits - 1) - 1

    @property
    def polarities(self) -> int:
        """Passes over the inputs: two when positive and negative ones are driven apart."""
        return 2 if self.sign == "two_pass" else 1

    @property
    def input_phases(self) -> int:
        """Array reads per pass."""
        if self.encoding == "pulse_width":
            return 1
        return -(-(self.input_bits - 1) // self.bits_per_phase) + (self.sign == "twos_complement")

    @property
    def level_max(self) -> int:
        """Largest level that a row is driven with in one phase."""
        if self.encoding == "pulse_width":
            return self.input_max
        return (1 << min(self.bits_per_phase, self.input_bits - 1)) - 1

    @property
    def largest_sum(self) -> int:
        """Largest magnitude that a column sum of the full array can have."""
        digits = self.rows * self.cell_max
        return (digits // 2 if self.flip else digits) * self.level_max

    @property
    def code_low(self) -> int:
        """Least converter code."""
        return -(1 << self.adc_bits - 1) if self.sign == "bipolar" else 0

    @property
    def code_high(self) -> int:
        """Greatest converter code."""
        return (1 << self.adc_bits - (self.sign == "bipolar")) - 1

    @property
    def step(self) -> int:
        """Unit-cell steps per code.

        `adc_step`, or else the least power of two at which the largest sum of the full array (`rows` of it, however few
        a block uses) does not saturate: ``(largest_sum + step // 2) // step <= code_high``.
        """
        if self.adc_step:
            return self.adc_step
        step = 1
        while (self.largest_sum + step // 2) // step > self.code_high:
            step *= 2
        return step


@dataclass(frozen=True, slots=True)
class Block:
    """The part of a logical matrix [groups, K, N] that stands in one array, in weights.

    It covers rows [first_row, + rows) and columns [first_col, + cols) of each of the groups [first_group, + groups).
    Several groups stand block-diagonally: the array uses ``groups * rows`` rows and ``groups * cols`` weight columns,
    and the cells off the diagonal hold digit 0.
    """

    first_group: int
    groups: int
    first_row: int
    rows: int
    first_col: int
    cols: int

    def __post_init__(self) -> None:
        low = [field.name for field in fields(self) if getattr(self, field.name) < (not field.name.startswith("first"))]
        if low:
            raise ValueError(f"{', '.join(low)} too small: {self}")

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Index of the block in an array of axes (group, K, N)."""
        return (
            slice(self.first_group, self.first_group + self.groups),
            slice(self.first_row, self.first_row + self.rows),
            slice(self.first_col, self.first_col + self.cols),
        )
