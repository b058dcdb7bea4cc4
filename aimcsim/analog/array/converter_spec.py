"""Analog-to-digital converters: how many levels, over which range, by which circuit, with which errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal

from aimcsim.analog.array.checks import check_choices, check_number, refuse

ConverterKind = Literal["ideal", "uniform", "sar", "ramp", "pipeline", "cyclic", "oscillator"]
Levels = Literal["full", "symmetric"]
RampLevels = Literal["two_sided", "one_sided"]
Rounding = Literal["half_even", "half_up", "floor"]
RangeKind = Literal["maximum", "two_sided_maximum", "power_of_two", "granular", "fixed"]

CIRCUITS: Final = ("sar", "ramp", "pipeline", "cyclic")


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeSpec:
    """The currents between which a converter tells levels apart, in units of the largest current of one cell.

    Attributes
    ----------
    kind : str
        `maximum`: what a column of the array can carry at most. `two_sided_maximum`: that, down to its negative even
        if no current is. `power_of_two`: `maximum`, with the rows rounded to a power of two and stretched so that a
        level is a whole number of unit cells at the least input. `granular`: one level is one unit cell at one unit of
        a read's input, as far as the bits reach. `fixed`: `bounds`, such as a calibration gives.
    bounds : tuple of (low, high)
        For `fixed`: one pair, or one for every weight slice, least significant first.

    Source: the three options of CrossSim 3.2 (`xbar.adc.mvm.adc_range_option`).
    """

    kind: RangeKind = "maximum"
    bounds: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        check_choices(self)
        if (self.kind == "fixed") != bool(self.bounds):
            raise refuse(self, "bounds", "one pair, or one for every slice, and only with kind `fixed`")
        for pair in self.bounds:
            if len(pair) != 2 or not all(map(math.isfinite, pair)) or pair[0] >= pair[1]:
                raise refuse(self, "bounds", "pairs of finite numbers, the lower one first")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConverterSpec:
    """The converters behind the columns of an array.

    Attributes
    ----------
    kind : str
        `ideal` passes currents on. `uniform`: levels at equal distances. `sar`, `ramp`, `pipeline`, `cyclic`: the
        circuits of Spear et al., whose levels stand in the middle of their intervals. `oscillator`: counts whole
        periods of a current-controlled oscillator, so it rounds towards zero.
    bits : int
        Bits of a code, 1 to 16.
    levels : str
        Of `uniform`: `full` has 2^bits levels from end to end, `symmetric` one less, so that zero is one of them.
    step : float
        Of `uniform`, in place of `bits`: levels are the multiples of this current, rounded before they are clipped to
        the range.
    rounding : str
        What `uniform` does between levels; `half_even` and `half_up` differ where a current stands exactly half-way.
    group_size : int
        Neighbouring columns that take turns at one converter, and so share its errors.
    offset_sigma, gain_sigma : float
        Spread of the offset (as a part of the range) and of the gain from converter to converter; drawn once.
    gain_db : float
        Open-loop gain of the amplifiers in a circuit.
    capacitor_sigma, comparator_sigma : float
        `sar`, `ramp`: spread of the unit capacitor (its part), and of comparator offsets (part of the reference).
    c1_sigma, c2_sigma, parasitic_sigma : float
        `pipeline`, `cyclic`: spread of the capacitors of a stage, as a part of their size.
    split_capacitors : bool
        `sar`: the array of capacitors is split in two by a bridge.
    ramp_levels : str
        `ramp`: the capacitors make magnitudes, and the reference has a sign (`two_sided`), or they count up from the
        lowest level (`one_sided`).

    Source: M. Spear et al., IEEE JXCDC 9, 2023, for the circuits.
    Assumes: errors of a converter do not change after they are drawn; no noise of its own.
    """

    kind: ConverterKind = "ideal"
    bits: int = 8
    levels: Levels = "symmetric"
    step: float = 0.0
    rounding: Rounding = "half_even"
    range: RangeSpec = field(default_factory=RangeSpec)
    group_size: int = 8
    offset_sigma: float = 0.0
    gain_sigma: float = 0.0
    gain_db: float = 100.0
    capacitor_sigma: float = 0.0
    comparator_sigma: float = 0.0
    c1_sigma: float = 0.0
    c2_sigma: float = 0.0
    parasitic_sigma: float = 0.0
    split_capacitors: bool = True
    ramp_levels: RampLevels = "two_sided"

    def __post_init__(self) -> None:
        check_choices(self)
        check_number(self, "bits", 1, 16)
        check_number(self, "step", 0.0, 1e12)
        check_number(self, "group_size", 1, 1 << 20)
        check_number(self, "gain_db", 20.0, 400.0)
        sigmas = ("offset_sigma", "gain_sigma", "capacitor_sigma", "comparator_sigma")
        for name in (*sigmas, "c1_sigma", "c2_sigma", "parasitic_sigma"):
            check_number(self, name, 0.0, 1.0)
        if self.step and self.kind not in ("uniform", "oscillator"):
            raise refuse(self, "step", "0 with a converter that is not uniform")

    @property
    def is_circuit(self) -> bool:
        """Whether levels come from a circuit with a reference voltage."""
        return self.kind in CIRCUITS

    @property
    def is_random(self) -> bool:
        """Whether converters differ from one another."""
        common = self.offset_sigma or self.gain_sigma
        return bool(common or self.capacitor_sigma or self.comparator_sigma or self._stage_sigma)

    @property
    def _stage_sigma(self) -> float:
        return max(self.c1_sigma, self.c2_sigma, self.parasitic_sigma)
