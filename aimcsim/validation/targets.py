"""The published figures, read from `data/validation/targets.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from aimcsim.located import read_yaml
from aimcsim.validation.registry import DATA

TargetClass = Literal["derivable", "emergent"]
"""`derivable`: follows from the chip file by arithmetic; `emergent`: must come out of a mapping or a run."""

Bound = Literal["at_most", "at_least"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One published figure.

    Attributes
    ----------
    id : str               `chip.what`; the chip is what `aimcsim validate CHIP` takes.
    preset : str           What it is computed from; in the file only where it has another name than the chip.
    quantity : str         What it is, in a few words.
    published : float      The figure, in `unit`.
    tolerance_pct : float  How far off it may be, as the source permits it; 0: exact.
    bound : str or None    What is published is a bound, and the tolerance is beyond it.
    kind : str             See `TargetClass`; `class` in the file.
    source : str           Key in `REFERENCES`, and after a dot where in it.
    fitted : bool          Whether a constant of the preset was fitted to it, or taken from it.
    note : str             Why it is not run, or missed, or what the figure stands for.
    """

    id: str
    preset: str
    quantity: str
    published: float
    unit: str
    tolerance_pct: float
    kind: TargetClass
    source: str
    bound: Bound | None = None
    fitted: bool = False
    note: str = ""

    @property
    def chip(self) -> str:
        """What it is a figure of."""
        return self.id.partition(".")[0]


@cache
def load_targets() -> tuple[Target, ...]:
    """Return all targets, in the order of their file."""
    rows = read_yaml(DATA / "targets.yaml").data["targets"]
    return tuple(_target(row) for row in rows)


def _target(row: Mapping[str, Any]) -> Target:
    renamed = {"class": "kind", "value": "published"}
    fields = {renamed.get(key, key): value for key, value in row.items()}
    return Target(**{"preset": row["id"].partition(".")[0], **fields})
