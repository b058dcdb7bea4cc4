"""What cost models are asked with, what they answer, and how their floats become exact numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from aimcsim.costs.model import ActionCost, Source
from aimcsim.costs.ranges import Grade

Number = float | Fraction

DIGITS = 4
"""Significant digits that a model's figure is kept with: it is not known better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What a model may be asked with; each takes some of them. What is not given is 0 or empty.

    Attributes
    ----------
    node_m : Fraction          Technology node.
    bits : int                 Resolution of a converter, or width of what one action moves.
    rate_hz : Fraction         Conversions of one converter a second.
    size_bytes, word_bytes     Of a memory, and of one access to it.
    lanes : int                Elements that a vector unit takes at a time.
    operation : str            Arithmetic, in words of `digital.OPERATIONS` joined by `+`.
    memory : str               Kind of off-chip memory.
    length_m : Fraction        Of a wire.
    component : str            Name that `hwcomponents` knows a component by.
    attributes : mapping       What that component is made with.
    """

    node_m: Fraction = Fraction(0)
    bits: int = 0
    rate_hz: Fraction = Fraction(0)
    size_bytes: int = 0
    word_bytes: int = 0
    lanes: int = 0
    operation: str = ""
    memory: str = ""
    length_m: Fraction = Fraction(0)
    component: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)

    @property
    def node_nm(self) -> Fraction:
        """The node in nm, as tables are headed."""
        return self.node_m * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a model says of one instance of a component; a model of a single action fills in `actions` alone.

    `beyond` has a sentence for each parameter outside the range of what the model was made from.
    """

    area_m2: Fraction = Fraction(0)
    static_power_w: Fraction = Fraction(0)
    source: Source
    grade: Grade = "derived"
    actions: Mapping[str, ActionCost]
    beyond: tuple[str, ...] = ()


class ModelError(ValueError):
    """A model has no answer; `parameter` is the one at fault, in the words of a chip file."""

    def __init__(self, parameter: str, message: str) -> None:
        self.parameter = parameter
        super().__init__(message)


def rounded(value: float | Fraction) -> Fraction:
    """Return a model's figure as the exact decimal with `DIGITS` significant digits."""
    return Fraction(f"{float(value):.{DIGITS - 1}e}")


def nanometres(node_m: Fraction) -> str:
    """Return a node as people say it."""
    return f"{float(node_m * 10**9):g} nm"


def known_node(node_m: Fraction, known: Mapping[int, object]) -> int:
    """Return the node of a table; `ModelError` with those there are if it has none of this node."""
    node_nm = node_m * 10**9
    if node_nm.denominator != 1 or int(node_nm) not in known:
        listed = ", ".join(f"{node} nm" for node in sorted(known))
        raise ModelError("node", f"no table for {nanometres(node_m)}; known nodes: {listed}")
    return int(node_nm)


def outside(what: str, value: Number, low: Number, high: Number, said: Callable[[Number], str]) -> tuple[str, ...]:
    """Return a sentence if a value is outside the range that a model was made from; `said` writes it with its unit."""
    return () if low <= value <= high else (f"{what} of {said(value)} is outside {said(low)} to {said(high)}",)
