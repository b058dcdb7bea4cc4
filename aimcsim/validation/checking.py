"""Running targets and saying which are met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from aimcsim.errors import AimcsimError, InputError, ReferenceError_
from aimcsim.located import one_of
from aimcsim.spec import load_chip
from aimcsim.spec.layers import lineage
from aimcsim.validation.registry import SIMULATED, standing_in
from aimcsim.validation.targets import Target, load_targets

Verdict = Literal["pass", "fail", "not run"]
Tell = Callable[[str], None]

ROUNDING_PCT = 1e-9
"""How far a figure may be off that must be exact: binary fractions are not decimal ones."""


@dataclass(frozen=True, slots=True)
class Result:
    """A target and what its chip gives; `simulated` is None for one that is not run, `reason` why a file cannot."""

    target: Target
    simulated: float | None
    reason: str = ""

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


def validate(chips: Sequence[str] = (), tell: Tell | None = None, *, against: str | None = None) -> list[Result]:
    """Return the results of all targets of some chips, or of all chips.

    Parameters
    ----------
    chips : sequence of str   Presets or what stands before the dot of a target; or one chip file, alone.
    tell : callable           Is called with the id of each target before it is run.
    against : str             Preset whose targets a chip file is held against; default: the nearest that it extends.

    Raises
    ------
    ReferenceError_
        If there is no target of one of the chips.
    InputError
        If there is a file and something else, or `against` without a file.
    """
    targets = load_targets()
    known = {name: None for target in targets for name in (target.chip, target.preset)}
    files = [chip for chip in chips if chip not in known and _is_file(chip)]
    for chip in (chip for chip in (*chips, against or ()) if chip and chip not in (*known, *files)):
        raise ReferenceError_(f"no targets of this chip {one_of(str(chip), known)}")
    if files:
        if len(chips) > 1:
            raise InputError(f"a chip file is held against targets alone (got `{'`, `'.join(chips)}`)")
        return _validate_file(Path(files[0]), against, tell)
    if against is not None:
        raise InputError(f"--against {against}: there is no chip file to hold against it")
    return [_result(one, tell) for one in targets if not chips or {one.chip, one.preset} & set(chips)]


def _is_file(chip: str) -> bool:
    path = Path(chip)
    return path.suffix in (".yaml", ".yml") or path.is_file()


def _validate_file(file: Path, against: str | None, tell: Tell | None) -> list[Result]:
    chip = load_chip(file)
    targets = load_targets()
    presets = list(dict.fromkeys(target.preset for target in targets if target.id in SIMULATED))
    found = [name for name in ((against,) if against else lineage(file)) if name in presets]
    if not found:
        raise ReferenceError_(
            f"{file}: `{chip.name}` extends no chip with published figures; "
            f"--against PRESET says whose to hold it against: {', '.join(presets)}"
        )
    with standing_in(found[0], file):
        return [_result_or_reason(target, tell) for target in targets if target.preset == found[0]]


def _result(target: Target, tell: Tell | None) -> Result:
    function = SIMULATED.get(target.id)
    if function is None:
        return Result(target, None)
    if tell is not None:
        tell(target.id)
    return Result(target, float(function()))


def _result_or_reason(target: Target, tell: Tell | None) -> Result:
    """Return the result of a target of a chip that may not have what it is computed from, or not hold its workload.

    Without the note, which is about the preset.
    """
    bare = replace(target, note="")
    try:
        return _result(bare, tell)
    except AimcsimError as error:
        return Result(bare, None, str(error).partition("\n")[0])
    except (ArithmeticError, LookupError, ValueError):
        return Result(bare, None, "the chip has not what this is computed from")
