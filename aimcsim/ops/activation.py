"""Activation functions that a layer applies to each of its output elements."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.floating[Any])
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A function of one element: its formula in float64, and its parameters with their defaults (those of ONNX)."""

    formula: Callable[..., Doubles]
    defaults: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ActivationFunction:
    """Limits every element to ``low..high``, or maps it by one of `CURVES`.

    Parameters
    ----------
    name : str
        `none`, `relu`, `clip` or a key of `CURVES`, as workload files spell it.
    low, high : float
        Limits; infinite where there is none.
    parameters : tuple of float
        All parameters of the curve, in its order.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf
    parameters: tuple[float, ...] = ()

    def apply(self, x: NDArray[T]) -> NDArray[T]:
        """Return the function of `x`, of the same dtype; the same array where nothing is done.

        Which zero `maximum` and `minimum` return for (-0, +0) depends on the vector instructions in use and on the
        element's position, and outputs must not: adding +0 makes every zero positive. Curves are computed in float64
        for the same reason: what instruction sets differ by there is far below what float32 keeps.
        """
        if self.name in CURVES:
            with np.errstate(all="ignore"):
                y = CURVES[self.name].formula(x.astype(np.float64), *self.parameters)
            return np.asarray(y + 0.0, dtype=x.dtype)
        if self.low > -math.inf:
            x = np.maximum(x, self.low) + 0.0
        if self.high < math.inf:
            x = np.minimum(x, self.high) + 0.0
        return x


NO_ACTIVATION = ActivationFunction("none")
RELU = ActivationFunction("relu", low=0.0)


def clip(low: float, high: float) -> ActivationFunction:
    """Return the function that limits to ``low..high``.

    Raises
    ------
    ValueError
        If `low` is not below `high`.
    """
    if not low < high:
        raise ValueError(f"clip needs a low limit below its high limit (got {low:g} and {high:g})")
    return ActivationFunction("clip", low, high)


def curve(name: str, *parameters: float) -> ActivationFunction:
    """Return a function of `CURVES`; parameters that are not given have their defaults.

    Raises
    ------
    ValueError
        If there is no such curve, or it has fewer parameters, or one is not finite.
    """
    if name not in CURVES:
        raise ValueError(f"there is no activation {name}")
    defaults = CURVES[name].defaults
    if len(parameters) > len(defaults):
        raise ValueError(f"{name} takes {len(defaults)} parameters (got {len(parameters)})")
    chosen = (*map(float, parameters), *defaults[len(parameters) :])
    if not all(map(math.isfinite, chosen)):
        raise ValueError(f"{name} takes finite parameters (got {', '.join(f'{one:g}' for one in chosen)})")
    return ActivationFunction(name, parameters=chosen)


def _erf(x: Doubles) -> Doubles:
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x), dtype=np.float64)


def _sigmoid(x: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-x)))


def _softplus(x: Doubles) -> Doubles:
    return np.asarray(np.logaddexp(0.0, x))


def _exponential_below_zero(x: Doubles, alpha: float, gamma: float, width: float) -> Doubles:
    """Return gamma * x above zero, and gamma * alpha * (exp(x / width) - 1) below: ELU, SELU and CELU."""
    return gamma * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / width))


def _gelu(x: Doubles) -> Doubles:
    return 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def _gelu_tanh(x: Doubles) -> Doubles:
    return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


CURVES: dict[str, Curve] = {
    "abs": Curve(np.abs),
    "celu": Curve(lambda x, alpha: _exponential_below_zero(x, alpha, 1.0, alpha), (1.0,)),
    "elu": Curve(lambda x, alpha: _exponential_below_zero(x, alpha, 1.0, 1.0), (1.0,)),
    "erf": Curve(_erf),
    "exp": Curve(np.exp),
    "gelu": Curve(_gelu),
    "gelu_tanh": Curve(_gelu_tanh),
    "hard_sigmoid": Curve(lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1), (0.2, 0.5)),
    "hard_swish": Curve(lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "leaky_relu": Curve(lambda x, slope: np.where(x < 0, slope * x, x), (0.01,)),
    "mish": Curve(lambda x: x * np.tanh(_softplus(x))),
    "negative": Curve(np.negative),
    "reciprocal": Curve(lambda x: 1 / x),
    "selu": Curve(
        lambda x, alpha, gamma: _exponential_below_zero(x, alpha, gamma, 1.0),
        (1.67326319217681884765625, 1.05070102214813232421875),
    ),
    "sigmoid": Curve(_sigmoid),
    "silu": Curve(lambda x: x * _sigmoid(x)),
    "softplus": Curve(_softplus),
    "softsign": Curve(lambda x: x / (1 + np.abs(x))),
    "sqrt": Curve(np.sqrt),
    "tanh": Curve(np.tanh),
    "thresholded_relu": Curve(lambda x, threshold: np.where(x > threshold, x, 0.0), (1.0,)),
}
"""The curves by name. `silu` is x * sigmoid(x), also called swish; SELU's constants are those of the ONNX standard."""
