"""Converters as circuits: successive approximation, ramp, pipeline and cyclic, with capacitors that do not match.

All have a reference voltage R, the larger end of the range, and 2^N codes that stand for the middle of their interval:
``R (2 code + 1 - 2^N) / 2^N``. Without mismatch and with endless gain all four give ``floor((v + R) 2^N / 2 R)``, but
for currents exactly on a threshold, which stay below it.

Source: M. Spear, J. E. Kim, C. H. Bennett, S. Agarwal, M. J. Marinella, T. P. Xiao, IEEE JXCDC 9, 2023.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.array.converter_spec import ConverterSpec
from aimcsim.analog.array.converters import Converted, Converters
from aimcsim.analog.draws import Draws

Floats = NDArray[np.float64]


class _Circuit(Converters):
    """What the four have in common."""

    def __init__(self, spec: ConverterSpec, ranges: Floats, shape: tuple[int, int, int], draws: Draws) -> None:
        super().__init__(spec, ranges, shape, draws)
        self.reference = np.maximum(abs(self.low), abs(self.high))
        self.codes = 1 << spec.bits
        self.amplifier = 10.0 ** (spec.gain_db / 20.0)

    def step(self) -> Floats:
        """Return the distance of two levels."""
        return 2.0 * self.reference / self.codes

    def convert(self, current: Floats) -> Converted:
        """Return codes and values for `current` [..., slices, lines, M]."""
        seen = self.seen(current)
        clipped = (seen < self.low) | (seen > self.high)
        codes = self._codes(np.clip(seen, self.low, self.high))
        return Converted(self._values(codes), codes, clipped)

    def tie_distance(self, current: Floats) -> Floats:
        """Return how far currents lie from where the next code begins, in codes, as if there were no mismatch."""
        steps = (np.clip(self.seen(current), self.low, self.high) + self.reference) / self.step()
        return np.abs(steps - np.rint(steps))

    @abstractmethod
    def _codes(self, inside: Floats) -> NDArray[np.int32]: ...

    def _values(self, codes: NDArray[np.int32]) -> Floats:
        values: Floats = self.reference * ((2.0 * codes + 1 - self.codes) / self.codes)
        return values


def capacitor_levels(spec: ConverterSpec, mismatch: Floats, raised: float = 0.0) -> Floats:
    """Return the voltages that a capacitor array makes for every code, in parts of the reference: [..., 2^bits].

    The array makes the magnitude of ``code - 2^(bits - 1)``; the sign is that of the reference.

    Parameters
    ----------
    mismatch : float64 [..., bits + 1]    What each capacitor deviates by, for a unit capacitor; the last one is that of
                                          the feedback, or of the bridge of a split array.
    raised : float                        What all levels are raised by ahead of the amplifier.
    """
    signed = np.arange(1 << spec.bits) - (1 << spec.bits - 1)
    bits = (abs(signed)[:, np.newaxis] >> np.arange(spec.bits) & 1).astype(np.float64)
    amplifier = 10.0 ** (spec.gain_db / 20.0)
    if spec.kind == "sar" and spec.split_capacitors and spec.bits > 1:
        halves = np.sign(signed) * _split_levels(spec.bits, bits, mismatch)
        split: Floats = (halves + raised) / (1.0 + 1.0 / amplifier)
        return split
    sizes = 2.0 ** np.arange(spec.bits)
    capacitors = sizes + mismatch[..., :-1] * np.sqrt(sizes)
    half = 2.0 ** (spec.bits - 1)
    feedback = half + mismatch[..., -1:] * np.sqrt(half)
    ratio = _switched(bits, capacitors) / feedback
    levels: Floats = (np.sign(signed) * ratio + raised) / (1.0 + (1.0 + ratio) / amplifier)
    return levels


def _switched(bits: Floats, capacitors: Floats) -> Floats:
    """Return the sum of the capacitors [..., N] whose bits [codes, N] are set, in order: [..., codes]."""
    total = np.zeros((*capacitors.shape[:-1], len(bits)))
    for index in range(bits.shape[1]):
        total += bits[:, index] * capacitors[..., index, np.newaxis]
    return total


def _split_levels(count: int, bits: Floats, mismatch: Floats) -> Floats:
    """Return magnitudes from two halves of the array behind a bridge: [..., 2^bits]."""
    half = count // 2
    sizes = 2.0 ** np.concatenate([np.arange(half), np.arange(count - 1 - half)])
    capacitors = sizes + mismatch[..., : count - 1] * np.sqrt(sizes)
    last = 1.0 + mismatch[..., count - 1]  # ends the lower half
    ratio = 2.0**half / (2.0**half - 1.0)
    bridge = ratio + mismatch[..., count] * np.sqrt(ratio)
    lower = last + capacitors[..., :half].sum(axis=-1) + bridge
    upper = capacitors[..., half:].sum(axis=-1) + bridge
    low = _switched(bits[:, :half], capacitors[..., :half])
    high = _switched(bits[:, half : count - 1], capacitors[..., half:])
    shared = (lower * upper - bridge**2)[..., np.newaxis]
    levels = (low * bridge[..., np.newaxis] + high * lower[..., np.newaxis]) / shared
    return np.where(bits[:, count - 1] > 0, 1.0, levels)


def one_sided_levels(spec: ConverterSpec, mismatch: Floats) -> Floats:
    """Return the levels, in parts of the reference, of an array that counts up from the lowest one: [2^bits].

    Parameters
    ----------
    mismatch : float64 [bits + 1]    As `capacitor_levels`.
    """
    codes = np.arange(1 << spec.bits)
    sizes = 2.0 ** np.arange(spec.bits + 1)
    capacitors = sizes + mismatch * np.sqrt(sizes)
    bits = (codes[:, np.newaxis] >> np.arange(spec.bits) & 1).astype(np.float64)
    ratio = _switched(bits, capacitors[:-1]) / capacitors[-1]
    amplifier = 10.0 ** (spec.gain_db / 20.0)
    levels: Floats = (2.0 * ratio - (len(codes) - 1) / len(codes)) / (1.0 + (1.0 + ratio) / amplifier)
    return levels


class SarConverters(_Circuit):
    """Compares with a capacitor array, bit by bit from the top; one array and comparator per converter."""

    def __init__(self, spec: ConverterSpec, ranges: Floats, shape: tuple[int, int, int], draws: Draws) -> None:
        super().__init__(spec, ranges, shape, draws)
        mismatch = self._drawn("converter capacitors", spec.capacitor_sigma, draws, each=spec.bits + 1)
        half_step = 1.0 / self.codes
        levels = self.reference[..., np.newaxis] * (capacitor_levels(spec, mismatch, half_step) - half_step)
        self._levels = np.broadcast_to(levels, (*shape, self.codes))
        self._comparator = self.reference * self._drawn("converter comparators", spec.comparator_sigma, draws)

    def _codes(self, inside: Floats) -> NDArray[np.int32]:
        code = np.zeros(inside.shape, dtype=np.int32)
        levels = np.broadcast_to(self._levels, (*inside.shape, self.codes))
        for bit in reversed(range(self.spec.bits)):
            tried = code | 1 << bit
            level = np.take_along_axis(levels, tried[..., np.newaxis], axis=-1)[..., 0]
            code = np.where(inside > level - self._comparator, tried, code)
        return code


class RampConverters(_Circuit):
    """The nearest of the levels of a ramp that one capacitor array makes for all columns; a comparator per column."""

    def __init__(self, spec: ConverterSpec, ranges: Floats, shape: tuple[int, int, int], draws: Draws) -> None:
        super().__init__(spec, ranges, shape, draws)
        mismatch = np.zeros(spec.bits + 1)
        if spec.capacitor_sigma:
            mismatch = spec.capacitor_sigma * draws.normal("converter capacitors", (spec.bits + 1,))
        one_sided = spec.ramp_levels == "one_sided"
        levels = one_sided_levels(spec, mismatch) if one_sided else capacitor_levels(spec, mismatch, 1.0 / self.codes)
        self._order = np.argsort(levels, kind="stable")
        ordered = levels[self._order]
        self._middles = (ordered[1:] + ordered[:-1]) / 2
        offset = np.zeros((1, 1, 1))
        if spec.comparator_sigma:
            offset = spec.comparator_sigma * draws.normal("converter comparators", shape)
        self._comparator = self.reference * offset

    def _codes(self, inside: Floats) -> NDArray[np.int32]:
        seen = (inside + self._comparator) / self.reference
        return self._order[np.searchsorted(self._middles, seen, side="left")].astype(np.int32)


class PipelineConverters(_Circuit):
    """Stages of one and a half bits: compare with -R/4 and R/4, double what is left, take off or add R.

    With capacitors C1, C2, Cp: residue ``((1 + g) v - d g R) / (1 + 1 / (A b))``, ``g = C2 / C1``,
    ``b = C1 / (C1 + C2 + Cp)``, and d in -1, 0, 1 by the comparators.
    """

    stages_differ = True

    def __init__(self, spec: ConverterSpec, ranges: Floats, shape: tuple[int, int, int], draws: Draws) -> None:
        super().__init__(spec, ranges, shape, draws)
        stages = max(spec.bits - 1, 1) if self.stages_differ else 1
        c1 = 1.0 + self._drawn("converter c1", spec.c1_sigma, draws, each=stages)
        c2 = 1.0 + self._drawn("converter c2", spec.c2_sigma, draws, each=stages)
        parasitic = self._drawn("converter parasitics", spec.parasitic_sigma, draws, each=stages)
        self._ratio = c2 / c1
        self._loss = 1.0 + (c1 + c2 + parasitic) / c1 / self.amplifier
        comparators = self._drawn("converter comparators", spec.comparator_sigma, draws, each=2 * stages + 1)
        self._comparators = comparators * self.reference[..., np.newaxis]

    def _codes(self, inside: Floats) -> NDArray[np.int32]:
        voltage, code = inside, np.zeros(inside.shape, dtype=np.int32)
        for cycle in range(self.spec.bits - 1):
            stage = cycle if self.stages_differ else 0
            upper = self.reference / 4 + self._comparators[..., 2 * stage]
            lower = -self.reference / 4 + self._comparators[..., 2 * stage + 1]
            digit = (voltage > upper).astype(np.int32) + (voltage > lower)
            ratio = self._ratio[..., stage]
            left = (1.0 + ratio) * voltage - (digit - 1) * ratio * self.reference
            voltage = left / self._loss[..., stage]
            code += digit << self.spec.bits - 2 - cycle
        last: NDArray[np.int32] = code + (voltage > self._comparators[..., -1])
        return last


class CyclicConverters(PipelineConverters):
    """A single stage that the residue passes again and again."""

    stages_differ = False


CIRCUIT_CLASSES: dict[str, type[Converters]] = {
    "sar": SarConverters,
    "ramp": RampConverters,
    "pipeline": PipelineConverters,
    "cyclic": CyclicConverters,
}
