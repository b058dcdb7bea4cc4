"""What every device model offers: a state to program, its conductance over time, its noise of one read, its current."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim.analog.draws import Draws
from aimcsim.errors import ConfigError, InputError, ReferenceError_, UnknownFieldError
from aimcsim.located import did_you_mean

Reals = NDArray[np.float64]
T = TypeVar("T")

ReadRedraw = Literal["never", "phase", "product"]
TIME_END_S: Final = 1e12  # beyond any experiment; keeps powers and cells in range


def ranged(default: float, low: float, high: float) -> float:
    """Return a field of a model that must lie in [low, high]."""
    made: float = field(default=default, metadata={"range": (low, high)})
    return made


def one_of(default: T, *options: T) -> T:
    """Return a field of a model that must be `default` or one of `options`."""
    made: T = field(default=default, metadata={"options": (default, *options)})
    return made


class DeviceState(Protocol):
    """Devices as they were programmed, and what becomes of them.

    All conductances are fractions of the model's g_max, float64, in the shape of the targets. The state is immutable:
    what `conductance` returns depends on the time asked for alone.
    """

    @property
    def programmed(self) -> Reals:
        """Conductance right after programming, before drift, relaxation and noise of reading."""

    def conductance(self, time_s: float) -> Reals:
        """Return the conductance `time_s` after programming, with drift and 1/f noise at that moment.

        Raises
        ------
        InputError    If `time_s` is no time that the model is valid at.
        """


@dataclass(frozen=True, kw_only=True)
class DeviceModel(ABC):
    """How one kind of memory device errs. A subclass is one file with its source and the range it was measured in.

    Both devices of a differential pair are entries of their own: a model sees single devices.

    Raises
    ------
    ConfigError    If a parameter is outside its range; the message names it.
    """

    name: ClassVar[str]
    redrawn: ClassVar[str]  # what is drawn anew when, in words
    restatable: ClassVar[bool] = False  # whether `restated` is known

    def __post_init__(self) -> None:
        for one in fields(self):
            _check_parameter(self.name, one.name, getattr(self, one.name), one.metadata)

    @abstractmethod
    def program(self, target: ArrayLike, draws: Draws) -> DeviceState:
        """Return devices that were programmed to `target`.

        Parameters
        ----------
        target : float64, any shape    Fractions of g_max, 0 to 1.
        draws : Draws                  The place of these devices; element i is that of device i in C order.

        Raises
        ------
        InputError    If a target is not finite, or outside 0..1 or the range that the model was measured in.
        """

    def restated(self, state: Any, conductance: Reals, draws: Draws) -> DeviceState:
        """Return `state`, which `program` gave, as if its devices stood at `conductance`; see `collapse`.

        Raises
        ------
        ConfigError    If the model is not `restatable`.
        """
        raise ConfigError(f"{self.name}: nothing says how its devices would go on from other conductances")

    def read_sigma(self, conductance: Reals) -> Reals:
        """Return the standard deviation of the noise of a single read, beside that of `conductance`; 0 by default.

        It is drawn anew as `read_redraw` says: for each array read (``phase``), for each product of all its phases
        (``product``), or there is none (``never``).
        """
        return np.zeros_like(conductance)

    @property
    def read_redraw(self) -> ReadRedraw:
        """When the noise of a single read is drawn anew."""
        return "never"

    def current(self, conductance: Reals, voltage_v: Reals) -> Reals:
        """Return the current over g_max, volts: conductance times voltage unless the device is not linear."""
        return conductance * voltage_v


def checked_target(name: str, target: ArrayLike, low: float = 0.0) -> Reals:
    """Return `target` as float64 if all of it lies in [low, 1]; rounding errors of 1e-9 are forgiven."""
    wanted = np.asarray(target, dtype=np.float64)
    wrong = ~((wanted >= low - 1e-9) & (wanted <= 1.0 + 1e-9))  # NaN is wrong too
    if wrong.any():
        raise InputError(f"target: {name} takes fractions of g_max from {low:.4g} to 1 (got {wanted[wrong].flat[0]})")
    return np.clip(wanted, low, 1.0)


def checked_time(name: str, time_s: float, low: float = 0.0, high: float = TIME_END_S) -> float:
    """Return `time_s` if it lies in [low, high]."""
    if not low <= time_s <= high:
        raise InputError(f"time_s: {name} is valid from {low:g} s to {high:g} s after programming (got {time_s})")
    return float(time_s)


def _check_parameter(model: str, name: str, value: Any, limits: Any) -> None:
    if "range" in limits:
        low, high = limits["range"]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ConfigError(f"{model}.{name} must be a number from {low:g} to {high:g} (got {value!r})")
    elif "options" in limits and value not in limits["options"]:
        options = limits["options"]
        hint = did_you_mean(value, map(str, options))
        raise ConfigError(f"{model}.{name} must be {' or '.join(map(str, options))} (got {value!r}).{hint}")


_models: dict[str, type[DeviceModel]] = {}

Model = TypeVar("Model", bound=type[DeviceModel])


def register(model: Model) -> Model:
    """Make a model known by its `name`; a decorator for classes.

    Raises
    ------
    ValueError    If another model has the name.
    """
    if _models.setdefault(model.name, model) is not model:
        raise ValueError(f"there is a device model named {model.name} already")
    return model


def names() -> tuple[str, ...]:
    """Return the names of all models there are."""
    return tuple(sorted(_models))


def device(name: str, **parameters: Any) -> DeviceModel:
    """Return the model called `name` with `parameters`; those left out have the values of its source.

    Raises
    ------
    ReferenceError_      If there is no such model.
    UnknownFieldError    If it has no such parameter.
    ConfigError          If a parameter is outside its range.
    """
    if name not in _models:
        raise ReferenceError_(f"no device model {name!r}; there are {', '.join(names())}.{did_you_mean(name, names())}")
    known = [one.name for one in fields(_models[name])]
    for parameter in parameters:
        if parameter not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise UnknownFieldError(f"{name} has no parameter {parameter!r}; {has}.{did_you_mean(parameter, known)}")
    return _models[name](**parameters)
