"""Running targets and saying which are met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aimcsim.errors import ReferenceError_
from aimcsim.located import one_of
from aimcsim.validation.registry import SIMULATED
from aimcsim.validation.targets import Target, load_targets

Verdict = Literal["pass", "fail", "not run"]

ROUNDING_PCT = 1e-9
"""How far a figure may be off that must be exact: binary fractions are not decimal ones."""


@dataclass(frozen=True, slots=True)
class Result:
    """A target and what its chip gives; `simulated` is None for one that is not run."""

    target: Target
    simulated: float | None

    @property
    def error_pct(self) -> float | None:
        """How far the simulated figure is from the published one, or beyond it if that is a bound; in percent of it."""
        if self.simulated is None:
            return None
        off = 100 * (self.simulated - self.target.published) / self.target.published
        beyond = {"at_most": max(0.0, off), "at_least": min(0.0, off)}
        return off if self.target.bound is None else beyond[self.target.bound]

    @property
    def verdict(self) -> Verdict:
        """Whether it is met."""
        error = self.error_pct
        if error is None:
            return "not run"
        return "pass" if abs(error) <= self.target.tolerance_pct + ROUNDING_PCT else "fail"

    def row(self) -> dict[str, Any]:
        """Return what `aimcsim validate --json` prints of it."""
        target = self.target
        return {
            "id": target.id,
            "published": target.published,
            "simulated": self.simulated,
            "unit": target.unit,
            "error_pct": self.error_pct,
            "tolerance_pct": target.tolerance_pct,
            "class": target.kind,
            "verdict": self.verdict,
            "fitted": target.fitted,
            "source": target.source,
        }


def validate(chips: Sequence[str] = (), tell: Callable[[str], None] | None = None) -> list[Result]:
    """Return the results of all targets of some chips, or of all chips.

    `tell` is called with the id of each target before it is run.

    Raises
    ------
    ReferenceError_
        If there is no target of one of the chips.
    """
    targets = load_targets()
    known = dict.fromkeys(target.chip for target in targets)
    for chip in chips:
        if chip not in known:
            raise ReferenceError_(f"no targets of this chip {one_of(chip, known)}")
    return [_result(target, tell) for target in targets if not chips or target.chip in chips]


def _result(target: Target, tell: Callable[[str], None] | None) -> Result:
    function = SIMULATED.get(target.id)
    if function is None:
        return Result(target, None)
    if tell is not None:
        tell(target.id)
    return Result(target, float(function()))
