"""How integer inputs reach the rows: levels, the bits driven in each phase, and the weight of each phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.spec import ArraySpec


@dataclass(frozen=True, slots=True)
class DrivePlan:
    """What the row drivers do, phase after phase; phase ``polarity * input_phases + index``.

    Attributes
    ----------
    planes : int32 [P, 4]     (phase, channel, bit, scale): in `phase`, rows whose level in `channel` has `bit` set are
                              driven with `scale`, besides what other planes of the phase drive.
    weights : tuple of int    What a column value of each phase counts: values times weights add up to the product.
    """

    planes: NDArray[np.int32]
    weights: tuple[int, ...]


def drive_plan(spec: ArraySpec) -> DrivePlan:
    """Return the plan of `spec`'s encoding; the channels are those of `drive_levels`."""
    top = spec.input_bits - 1  # the sign bit; magnitudes lie below it
    if spec.encoding == "pulse_width":
        positive, negative = Drive(0, range(top)), Drive(1, range(top))
        if spec.sign == "bipolar":
            return _plan([[positive, replace(negative, sign=-1)]], [1])
        return _plan([[positive], [negative]], [1, -1])
    bits = [range(first, min(first + spec.bits_per_phase, top)) for first in range(0, top, spec.bits_per_phase)]
    weights = [1 << phase[0] for phase in bits]
    if spec.sign == "twos_complement":
        return _plan([[Drive(0, phase)] for phase in (*bits, range(top, top + 1))], [*weights, -(1 << top)])
    passes = [[Drive(channel, phase)] for channel in (0, 1) for phase in bits]
    return _plan(passes, [*weights, *(-weight for weight in weights)])


@dataclass(frozen=True, slots=True)
class Drive:
    """`bits` of the levels in `channel`, applied to the rows at once; the lowest of them counts `sign`."""

    channel: int
    bits: range
    sign: int = 1


def _plan(phases: Sequence[Sequence[Drive]], weights: Sequence[int]) -> DrivePlan:
    planes = [
        (index, drive.channel, bit, drive.sign << bit - drive.bits[0])
        for index, phase in enumerate(phases)
        for drive in phase
        for bit in drive.bits
    ]
    return DrivePlan(np.array(planes, dtype=np.int32), tuple(weights))


def drive_levels(level: NDArray[np.int64], spec: ArraySpec) -> NDArray[np.uint16]:
    """Return integer inputs [B, rows] as what the planes take bits of: uint16 [B, channels, rows].

    Two's complement has one channel, the input's bits; otherwise channel 0 holds the magnitudes of positive inputs
    (0 for others) and channel 1 those of negative ones.
    """
    if spec.sign == "twos_complement":
        return (level & 0xFFFF).astype(np.uint16)[:, np.newaxis]
    return np.stack([np.maximum(level, 0), np.maximum(-level, 0)], axis=1).astype(np.uint16)
