"""An analog array as a bench engineer would work it out by hand: one vector, one cell, one conversion at a time.

Written from the description of the array alone, in plain Python integers, and slow. It shares no code with the package
and takes only the undigested fields of a specification.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

# For each polarity and phase, the level that a row is driven with and what the phase counts.
Drive = list[list[tuple[int, int]]]


@dataclass
class Reading:
    """What one vector gives: codes[polarity][phase][cell][column], integer outputs[column], saturated conversions."""

    codes: list[list[list[list[int]]]]
    outputs: list[int]
    saturated: int


def to_integers(values: list[float], bits: int) -> tuple[list[int], float]:
    """Round to levels -m .. m, m = 2^(bits-1) - 1, of which m stands for the largest magnitude."""
    scale = max(abs(value) for value in values) / (2 ** (bits - 1) - 1)
    return [round(value / scale) if scale else 0 for value in values], scale


def phases_of(spec: Any, value: int) -> Drive:
    """Return how an input drives its row."""
    magnitude_bits = spec.input_bits - 1
    positive, negative = max(value, 0), max(-value, 0)
    if spec.encoding == "pulse_width":
        return [[(value, 1)]] if spec.sign == "bipolar" else [[(positive, 1)], [(negative, -1)]]

    def serial(number: int, sign: int) -> list[tuple[int, int]]:
        return [
            (number % 2**magnitude_bits // 2**bit % 2**spec.bits_per_phase, sign * 2**bit)
            for bit in range(0, magnitude_bits, spec.bits_per_phase)
        ]

    if spec.sign == "two_pass":
        return [serial(positive, 1), serial(negative, -1)]
    stored = value % 2**spec.input_bits
    return [[*serial(stored, 1), (stored // 2**magnitude_bits, -(2**magnitude_bits))]]


def slices_of(spec: Any, weight: int) -> list[int]:
    """Return the digits of one weight, in the order of its columns."""

    def digits(number: int, bits: int) -> list[int]:
        count = math.ceil(bits / spec.cell_bits)
        return [number // 2 ** (spec.cell_bits * index) % 2**spec.cell_bits for index in range(count)]

    if spec.cells == "offset":
        return digits(weight + 2 ** (spec.weight_bits - 1), spec.weight_bits)
    positive, negative = (digits(max(sign * weight, 0), spec.weight_bits - 1) for sign in (1, -1))
    return [digit for pair in zip(positive, negative, strict=True) for digit in pair]


def converter_of(spec: Any) -> tuple[int, int, int]:
    """Return step, least and greatest code."""
    if spec.sign == "bipolar":
        low, high = -(2 ** (spec.adc_bits - 1)), 2 ** (spec.adc_bits - 1) - 1
    else:
        low, high = 0, 2**spec.adc_bits - 1
    if spec.adc_step:
        return spec.adc_step, low, high
    magnitude_bits = spec.input_bits - 1
    level_bits = magnitude_bits if spec.encoding == "pulse_width" else min(spec.bits_per_phase, magnitude_bits)
    digit_sum = spec.rows * (2**spec.cell_bits - 1)
    largest = (digit_sum // 2 if spec.flip else digit_sum) * (2**level_bits - 1)
    step = 1
    while math.floor((largest + step // 2) / step) > high:
        step *= 2
    return step, low, high


def read_column(spec: Any, digits: list[int], drives: list[Drive]) -> tuple[list[list[int]], int, int]:
    """Return the codes [polarity][phase] of one physical column, its value after shift and add, and what saturated."""
    step, low, high = converter_of(spec)
    most = 2**spec.cell_bits - 1
    flipped = spec.flip and sum(digits) > len(digits) * most / 2
    if flipped:
        digits = [most - digit for digit in digits]
    codes, total, saturated = [], 0, 0
    for polarity in range(len(drives[0])):
        codes.append([0] * len(drives[0][polarity]))
        for phase, (_, counts) in enumerate(drives[0][polarity]):
            levels = [drive[polarity][phase][0] for drive in drives]
            column_sum = sum(level * digit for level, digit in zip(levels, digits, strict=True))
            wanted = (column_sum + step // 2) // step
            code = min(max(wanted, low), high)
            value = code * step
            total += counts * (most * sum(levels) - value if flipped else value)
            saturated += code != wanted
            codes[polarity][phase] = code
    return codes, total, saturated


def read_block(spec: Any, weights: list[list[list[int]]], inputs: list[list[int]]) -> Reading:
    """Read integer weights [group][row][column] with integer inputs [group][row], groups block-diagonal."""
    cells: list[list[list[list[int]]]] = []  # [column][cell][polarity][phase]
    outputs, saturated = [], 0
    for values, block in zip(inputs, weights, strict=True):
        drives = [phases_of(spec, value) for value in values]
        for col in range(len(block[0])):
            stored = [slices_of(spec, row[col]) for row in block]
            output = 0 if spec.cells == "differential" else -(2 ** (spec.weight_bits - 1)) * sum(values)
            cells.append([])
            for cell, digits in enumerate(zip(*stored, strict=True)):
                codes, value, lost = read_column(spec, list(digits), drives)
                cells[-1].append(codes)
                output += value * worth_of(spec, cell)
                saturated += lost
            outputs.append(output)
    polarities, phases = len(cells[0][0]), len(cells[0][0][0])
    by_cell = [[column[cell] for column in cells] for cell in range(len(cells[0]))]
    return Reading(
        [[[[codes[p][f] for codes in row] for row in by_cell] for f in range(phases)] for p in range(polarities)],
        outputs,
        saturated,
    )


def worth_of(spec: Any, cell: int) -> int:
    """Return what a weight's cell counts: slices ascend; differential cells alternate positive and negative."""
    if spec.cells == "offset":
        return 2 ** (spec.cell_bits * cell)
    return 2 ** (spec.cell_bits * (cell // 2)) * (1 if cell % 2 == 0 else -1)


def product(weights: list[list[list[int]]], inputs: list[list[int]]) -> list[int]:
    """Return the plain integer product that an array without error gives."""
    return [
        sum(value * row[col] for value, row in zip(group, block, strict=True))
        for group, block in zip(inputs, weights, strict=True)
        for col in range(len(block[0]))
    ]
