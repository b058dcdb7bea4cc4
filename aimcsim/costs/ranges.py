"""From how well a number is known to the range that it is taken to lie in, and sums of such ranges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

Grade = Literal["measured", "published", "derived", "assumed"]
"""How good a number is: `measured` on silicon, `published` as printed (also for a modelled chip), `derived` by
arithmetic or a model from published ones, `assumed` with a reason. A run lists the assumed ones among its
assumptions."""

GRADES: tuple[Grade, ...] = get_args(Grade)

FACTORS: dict[Grade, Fraction] = {
    "measured": Fraction(11, 10),
    "published": Fraction(12, 10),
    "derived": Fraction(15, 10),
    "assumed": Fraction(2),
}
"""A number of this grade is taken to lie between itself divided and itself multiplied by this.

That is how far apart the literature is where it can be compared: a read of one core of [hermes22] and of the same core
in [hermes23] differ by 8 %; the energy of one product in [puma19] and in its own simulator by 17 %; caches in
[horowitz14] and [cacti7] by up to 1.6; assumptions have no such bound, and 2 is one more.
"""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies, both ends included, in the unit of the figure."""

    low: Fraction
    high: Fraction

    @classmethod
    def graded(cls, value: Fraction, grade: Grade) -> Interval:
        """Return the range of a value that is known this well."""
        factor = FACTORS[grade]
        return cls(value / factor, value * factor)

    def times(self, count: Fraction | int) -> Interval:
        """Return the range of `count` times the figure; `count` is not negative."""
        return Interval(self.low * count, self.high * count)

    def over(self, other: Interval) -> Interval:
        """Return the range of this figure over another one that is independent of it and above 0."""
        return Interval(self.low / other.high, self.high / other.low)


def added(parts: Iterable[Interval]) -> Interval:
    """Return the range of a sum whose parts may all be low, or all high, together."""
    low = high = Fraction(0)
    for part in parts:
        low, high = low + part.low, high + part.high
    return Interval(low, high)
