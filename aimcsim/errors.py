"""Every exception that aimcsim raises on purpose.

::

    AimcsimError
     ├── InputError (ValueError)                what the user gave cannot be used
     │    ├── ConfigError                       a chip file, workload file or override
     │    │    ├── UnknownFieldError            a field that does not exist
     │    │    ├── UnitError                    a quantity without its unit, or with the wrong one
     │    │    └── ReferenceError_              a name that refers to nothing
     │    ├── CapacityError                     the workload does not fit the chip
     │    └── TraceError                        an arrival or operation trace
     ├── OutputError                            what came out cannot be written
     ├── SimulationError (RuntimeError)         a run that cannot go on
     │    ├── DeadlockError                     everybody waits for somebody
     │    └── CausalityError                    an event in the past
     └── MissingExtraError (ImportError)        an optional dependency is not installed

Each class carries `exit_code`, what the command line returns: 2 for input, 1 for a run that failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

ProblemKind = Literal["config", "unknown_field", "unit", "reference"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input, and where.

    `str()` gives ``file:line:column: path: message``. Line and column count from 1; line 0 means that the position is
    not known and leaves both out, as does an empty path.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    kind: ProblemKind = "config"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return _plain(": ".join(part for part in (place, self.path, self.message) if part))


def _plain(text: str) -> str:
    """Return text with what a terminal does not show (marks of order, control characters) written as escapes."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


class AimcsimError(Exception):
    """Root of all errors below; catching it catches what aimcsim raises and nothing else."""

    exit_code: ClassVar[int] = 1


class InputError(AimcsimError, ValueError):
    """The input cannot be used. `problems` holds all that was found, in file order; `str()` is one per line.

    Parameters
    ----------
    problems : str | Problem | iterable of Problem
        A plain sentence when there is no file to point into.
    """

    exit_code: ClassVar[int] = 2
    problems: tuple[Problem, ...]

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            self.problems = ()
            super().__init__(problems)
            return
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class ConfigError(InputError):
    """A chip file, workload file or override is wrong."""

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> ConfigError:
        """Return the error for `problems`: of the narrow class when they are all of one kind, else `ConfigError`."""
        kinds = {problem.kind for problem in problems}
        narrow: dict[str, type[ConfigError]] = {
            "unknown_field": UnknownFieldError,
            "unit": UnitError,
            "reference": ReferenceError_,
        }
        return (narrow.get(kinds.pop(), ConfigError) if len(kinds) == 1 else ConfigError)(problems)


class UnknownFieldError(ConfigError):
    """A field that the schema does not have."""


class UnitError(ConfigError):
    """A quantity without a unit, with an unknown one, or of the wrong dimension."""


class ReferenceError_(ConfigError):  # noqa: N801, N818 - `ReferenceError` is a Python built-in of another meaning
    """A name (preset, clock, buffer, slot, reference, ...) that refers to nothing."""


class CapacityError(InputError):
    """The workload needs more of something than the chip has; the message names the levers."""


class TraceError(InputError):
    """An arrival or operation trace is malformed."""


class OutputError(AimcsimError):
    """What came out cannot be written: the disk is full, or failed."""


class SimulationError(AimcsimError, RuntimeError):
    """A run cannot go on."""


class DeadlockError(SimulationError):
    """A run stands still with work left: each in `cycle` waits for the next, the last for the first.

    `blocked` lists everything that stands, also what waits behind the cycle.
    """

    cycle: tuple[str, ...]
    blocked: tuple[str, ...]

    def __init__(self, cycle: Sequence[str], blocked: Sequence[str] = ()) -> None:
        self.cycle = tuple(cycle)
        self.blocked = tuple(blocked)
        ring = " -> ".join((*self.cycle, *self.cycle[:1])) or "no cycle found"
        lines = [f"deadlock: {ring}", *(f"  blocked: {one}" for one in self.blocked)]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[str, ...], tuple[str, ...]]]:
        """Pickle by the constructor's own arguments, so that a worker process can hand the error back."""
        return type(self), (self.cycle, self.blocked)


class CausalityError(SimulationError):
    """Something was asked to happen at a time that has passed, or at no exact time."""


class MissingExtraError(AimcsimError, ImportError):
    """A feature needs an optional dependency. The message is the one line that installs it.

    Parameters
    ----------
    feature : str   What was asked for, as the subject of a sentence ("reading ONNX files").
    extra : str     Name of the extra.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, feature: str, extra: str) -> None:
        self.feature = feature
        self.extra = extra
        super().__init__(f"{feature} needs the extra '{extra}': pip install 'aimcsim[{extra}]'")

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Pickle by the constructor's own arguments."""
        return type(self), (self.feature, self.extra)
