"""Logarithm, exponential and powers that give the same bits on every processor.

NumPy's own differ between instruction sets in the last bit, and a device's state must not. These use additions,
multiplications and divisions alone, each rounded once, and are right to a few units in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reals = NDArray[np.float64]

LN2: Final = math.log(2.0)
LN2_HIGH: Final = math.ldexp(math.floor(math.ldexp(LN2, 32)), -32)  # 32 bits, so that k * LN2_HIGH is exact
LN2_LOW: Final = 1.9082149292705877e-10 - (LN2_HIGH - 0.6931471803691238)  # log 2 - LN2_HIGH
ROOT_HALF: Final = math.sqrt(0.5)
LOG_TERMS: Final = tuple(2.0 / n for n in range(1, 22, 2))  # 2 artanh(s) / s in powers of s^2
EXP_TERMS: Final = tuple(1.0 / math.factorial(n) for n in range(15))


def polynomial(coefficients: Sequence[float], x: Reals) -> Reals:
    """Return ``sum of coefficients[n] * x ** n`` by Horner's rule."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total *= x
        total += coefficient
    return total


def log(x: ArrayLike) -> Reals:
    """Return the natural logarithm of positive, finite `x`."""
    m, e = np.frexp(np.asarray(x, dtype=np.float64))
    low = m < ROOT_HALF
    m, e = np.where(low, 2.0 * m, m), e - low
    s = (m - 1.0) / (m + 1.0)
    return e * LN2 + s * polynomial(LOG_TERMS, s * s)


def log10(x: ArrayLike) -> Reals:
    """Return the decimal logarithm of positive, finite `x`."""
    return log(x) / math.log(10.0)


def exp(x: ArrayLike) -> Reals:
    """Return e to the power `x`, for `x` between -700 and 700."""
    x = np.asarray(x, dtype=np.float64)
    k = np.rint(x / LN2)
    return np.ldexp(polynomial(EXP_TERMS, x - k * LN2_HIGH - k * LN2_LOW), k.astype(np.int64))


def power(x: ArrayLike, exponent: ArrayLike) -> Reals:
    """Return positive `x` to the power `exponent`."""
    return exp(np.asarray(exponent) * log(x))
