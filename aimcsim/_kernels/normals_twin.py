"""Readable twin of normals.c: the same elements, bit for bit, a few hundred times slower for short rows.

[Salmon11] J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. [BoxMuller58] G. Box and M. Muller,
Ann. Math. Stat. 29, 1958.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

COUNTERS: Final = 16  # in a group
GROUP: Final = 2 * COUNTERS  # elements: first halves of all counters, then second halves
MULTIPLIERS: Final = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))  # [Salmon11] table 2
WEYL: Final = (0x9E3779B9, 0xBB67AE85)  # [Salmon11] section 4.3: golden ratio and sqrt(3) - 1
LOW_WORD: Final = np.uint64(0xFFFFFFFF)
WORD: Final = np.uint64(32)
ONE_BITS: Final = np.uint64(0x3FF0000000000000)
ROOT_HALF_BITS: Final = np.uint64(0x3FE6A09E667F3BCD)
SIGN_BIT: Final = np.uint64(0x8000000000000000)

LOG_EVEN_TERMS: Final = [2.0 / n for n in (21, 17, 13, 9, 5, 1)]  # 2 artanh(s) / s, its even powers of z = s^2
LOG_ODD_TERMS: Final = [2.0 / n for n in (19, 15, 11, 7, 3)]
SINE_TERMS: Final = [(-1) ** (n // 2) / math.factorial(n) for n in range(15, 2, -2)]
COSINE_TERMS: Final = [(-1) ** (n // 2) / math.factorial(n) for n in range(16, 1, -2)]

Words = NDArray[np.uint64]
Reals = NDArray[np.float64]


def philox(identity: NDArray[np.uint32], counter: Words) -> tuple[Words, Words]:
    """Return the four 32-bit words of Philox4x32-10 for each 64-bit `counter`, as two times 64 bits (lower word first).

    Words 0 and 1 of `identity` are the key; words 2 and 3 the upper half of the 128-bit counter, whose lower half is
    `counter`.
    """
    key0, key1, upper0, upper1 = (int(word) for word in identity)
    x0, x1 = counter & LOW_WORD, counter >> WORD
    x2, x3 = np.full_like(counter, upper0), np.full_like(counter, upper1)
    for turn in range(10):
        p0, p1 = x0 * MULTIPLIERS[0], x2 * MULTIPLIERS[1]
        round0, round1 = (
            np.uint64(key + turn * weyl & 0xFFFFFFFF) for key, weyl in zip((key0, key1), WEYL, strict=True)
        )
        x0, x1, x2, x3 = p1 >> WORD ^ x1 ^ round0, p1 & LOW_WORD, p0 >> WORD ^ x3 ^ round1, p0 & LOW_WORD
    return x0 | x1 << WORD, x2 | x3 << WORD


def unit_interval(bits: Words) -> Reals:
    """Return doubles in (0, 1): the middles of 2^52 equal intervals, chosen by the upper 52 bits."""
    return (bits >> np.uint64(12) | ONE_BITS).view(np.float64) - 1.0 + 2.0**-53


def box_muller(bits: Words, turn: Words) -> tuple[Reals, Reals]:
    """Return two normals: the radius from `bits`, the quadrant and the angle in it from `turn` [BoxMuller58]."""
    radius = np.sqrt(_logarithm(unit_interval(bits)) * -2.0)
    offset = (turn << np.uint64(2) >> np.uint64(12) | ONE_BITS).view(np.float64) - 1.5 + 2.0**-53
    sine, cosine = _sine_cosine(offset * (math.pi / 2))
    swap = (turn >> np.uint64(62) & np.uint64(1)).astype(bool)
    across, up = np.where(swap, sine, cosine), np.where(swap, cosine, sine)
    left = (turn ^ turn << np.uint64(1)) & SIGN_BIT
    down = turn & SIGN_BIT
    return radius * np.where(left, -across, across), radius * np.where(down, -up, up)


def _logarithm(x: Reals) -> Reals:
    """Return log x as e log 2 + 2 artanh((m - 1) / (m + 1)), x = 2^e m, m between the roots of 1/2 and 2."""
    biased = x.view(np.uint64) + (ONE_BITS - ROOT_HALF_BITS) >> np.uint64(52)
    m = (x.view(np.uint64) - (biased << np.uint64(52)) + ONE_BITS).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    y = z * z
    series = z * _horner(LOG_ODD_TERMS, y) + _horner(LOG_EVEN_TERMS, y)
    return (biased.astype(np.float64) - 1023.0) * math.log(2.0) + s * series


def _sine_cosine(x: Reals) -> tuple[Reals, Reals]:
    z = x * x
    return x + x * (z * _horner(SINE_TERMS, z)), z * _horner(COSINE_TERMS, z) + 1.0


def _horner(terms: list[float], z: Reals) -> Reals:
    total = z * terms[0] + terms[1]
    for term in terms[2:]:
        total = total * z + term
    return total


def fill_uniforms(identity: NDArray[np.uint32], start: Words, out: Reals) -> None:
    """Write uniform numbers in (0, 1): elements ``start[row] + column`` of the stream `identity`."""
    _fill(identity, start, out, lambda first, second: (unit_interval(first), unit_interval(second)))


def fill_normals(identity: NDArray[np.uint32], start: Words, out: Reals) -> None:
    """Write standard normal numbers: elements ``start[row] + column`` of the stream `identity`."""
    _fill(identity, start, out, box_muller)


def add_normals(identity: NDArray[np.uint32], start: Words, scale: float, out: Reals) -> None:
    """Add `scale` times standard normal numbers to `out`; product and sum are rounded one after the other."""
    added = np.empty_like(out)
    fill_normals(identity, start, added)
    out += scale * added


def _fill(
    identity: NDArray[np.uint32], start: Words, out: Reals, elements: Callable[[Words, Words], tuple[Reals, Reals]]
) -> None:
    for row, first in enumerate(start.tolist()):
        index = np.uint64(first) + np.arange(out.shape[1], dtype=np.uint64)
        counter = index // np.uint64(GROUP) * np.uint64(COUNTERS) + index % np.uint64(COUNTERS)
        second = (index // np.uint64(COUNTERS) % np.uint64(2)).astype(bool)
        halves = elements(*philox(identity, counter))
        out[row] = np.where(second, halves[1], halves[0])
