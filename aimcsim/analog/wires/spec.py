"""What the lines of an array are made of, and how its cells hang on them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

from aimcsim.errors import ConfigError

Arrangement = Literal["input_source", "separate_source"]
Pairs = Literal["separate", "interleaved"]


@dataclass(frozen=True, slots=True)
class WireSpec:
    """Resistances of an array's lines, and one of four arrangements of its cells.

    Input line i starts at its driver, passes `source_ohm` and one pitch to cell (i, 0), and one more pitch to each next
    cell. Output line j starts at cell (0, j), passes a pitch to each next cell, and after the last one more pitch and
    `terminal_ohm` to its virtual ground.

    Parameters
    ----------
    input_pitch_ohm : float     Input line (separate source: supply line), per cell.
    output_pitch_ohm : float    Output line, per cell.
    source_ohm : float          At the head of every input line (supply line).
    terminal_ohm : float        At the end of every output line.
    arrangement : str
        `input_source`: the input line drives the cell and carries its current. `separate_source`: the input is a bit
        that connects the cell and carries nothing; a supply line of one volt runs beside every output line, enters at
        input 0 and carries the current.
    pairs : str
        Where the two cells of a signed weight stand. `separate`: in two arrays, whose outputs are subtracted.
        `interleaved`: on one output line, fed by lines of opposite voltage; a pair takes one pitch of the output line.

    Raises
    ------
    ConfigError    If a resistance is negative or not finite, or an arrangement does not exist.

    Assumes: all has settled (no capacitance); lines of a kind are alike; grounds and supplies are ideal behind their
    resistances.
    """

    input_pitch_ohm: float = 0.0
    output_pitch_ohm: float = 0.0
    source_ohm: float = 0.0
    terminal_ohm: float = 0.0
    arrangement: Arrangement = "input_source"
    pairs: Pairs = "separate"

    def __post_init__(self) -> None:
        for field in fields(self)[:4]:
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ConfigError(f"{field.name} must be a number of ohms (got {value!r})")
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{field.name} must be finite and not negative (got {value})")
        for name, allowed in (("arrangement", get_args(Arrangement)), ("pairs", get_args(Pairs))):
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name} must be {' or '.join(allowed)} (got {getattr(self, name)})")

    @property
    def head_ohm(self) -> float:
        """From the driver of an input line (supply line) to the first cell."""
        return self.source_ohm + self.input_pitch_ohm

    @property
    def end_ohm(self) -> float:
        """From the last cell of an output line to virtual ground."""
        return self.output_pitch_ohm + self.terminal_ohm
