"""Whether an array gives what was recorded, and how close it comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.analog.array import AnalogMatrix, Product, program
from aimcsim.analog.conformance.cases import Comparison, read_arrays, read_case
from aimcsim.analog.conformance.curves import WITHIN, curve_errors, failed_curves, holds_curves
from aimcsim.analog.conformance.statistics import (
    FACTOR_WITHIN,
    MEANS_WITHIN,
    Line,
    draw_statistics,
    read_statistics,
)

Floats = NDArray[np.float64]

WITHOUT_CONVERTER: Final = 1e-5
WITH_FOUR_SLICES: Final = 2e-5
EXACT_CURRENTS: Final = 1e-9
LEAST_EQUAL: Final = 0.995  # part of the outputs behind converters that must be equal
AT_TIE: Final = 2e-5  # codes; a current so near to where the next code begins is one that rounding decides
FLOAT_ERROR: Final = 2e-6  # of the largest current, which is what float32 sums are good to; so near to it is, too
TIE_RICH: Final = 0.005  # part of the outputs with a conversion at a tie from which on a case is called rich in ties


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file's comparison gave.

    Attributes
    ----------
    file : str
    outputs : int            Compared.
    exact : int              Equal to within the float tolerance, relative to the largest output.
    within_one_step : int    Within what one more code of the conversion that counts most changes; without converters
                             the exact ones.
    max_rel_err : float      Largest difference over the largest output; None of a file that is no case.
    verdict : str
    reason : str             Why, in words; also which exception was made.
    lines : tuple of Line    Of a file of statistics: its records one by one. `row` has it only then.
    """

    file: str
    outputs: int
    exact: int
    within_one_step: int
    max_rel_err: float | None
    verdict: Literal["pass", "fail"]
    reason: str
    lines: tuple[Line, ...] = ()

    def row(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        row = asdict(self)
        lines = row.pop("lines")
        if lines:
            row["lines"] = [{**line, "verdict": one.verdict} for line, one in zip(lines, self.lines, strict=True)]
        return row


@dataclass(frozen=True, slots=True)
class _Difference:
    """One comparison: differences [B, N] and what they are measured by, all in units of the recorded outputs."""

    difference: Floats
    largest: float
    gate: float
    step: Floats | None
    ties: Floats
    same_bits: bool

    @property
    def exact(self) -> NDArray[np.bool_]:
        return self.difference <= self.gate * self.largest


def conform(path: str | Path) -> Verdict:
    """Return whether the case at `path` comes out as recorded, on the kernels in use and on their readable twin.

    Statistics of devices (``.npz`` of curves, ``.json`` of whole programmings) are drawn anew.

    Raises
    ------
    ConfigError    If the file is no case, or its settings are not modelled.
    """
    if Path(path).suffix == ".json":
        return _judge_lines(str(path), draw_statistics(Path(path), read_statistics(Path(path))))
    arrays = read_arrays(Path(path))
    if holds_curves(arrays):
        return _judge_curves(str(path), curve_errors(arrays))
    found = [_compare(comparison) for comparison in read_case(Path(path), arrays)]
    ok, reason = _judge(found)
    within = sum(int(_within_one_step(one).sum()) for one in found)
    return Verdict(
        file=str(path),
        outputs=sum(one.difference.size for one in found),
        exact=sum(int(one.exact.sum()) for one in found),
        within_one_step=within,
        max_rel_err=max(float(one.difference.max()) / one.largest for one in found),
        verdict="pass" if ok else "fail",
        reason=reason,
    )


def _judge_curves(file: str, errors: Mapping[str, Floats]) -> Verdict:
    off = np.abs(np.concatenate(list(errors.values())))
    within, failed = int((off <= WITHIN).sum()), failed_curves(errors)
    reason = f"{', '.join(failed)} not as recorded" if failed else f"curves, {within} points within {100 * WITHIN:g} %"
    return Verdict(file, off.size, within, within, float(off.max()), "fail" if failed else "pass", reason)


def _judge_lines(file: str, lines: list[Line]) -> Verdict:
    failed = [f"{line.model} {line.time}".rstrip() for line in lines if line.verdict == "fail"]
    passed = len(lines) - len(failed)
    gates = f"means within {100 * MEANS_WITHIN:g} %, factors within {100 * FACTOR_WITHIN:g} %"
    reason = f"{passed} of {len(lines)} records: {gates}"
    if failed:
        reason += f"; not as recorded: {', '.join(failed)}"
    largest = max((abs(line.means_off) for line in lines), default=0.0)
    return Verdict(file, len(lines), passed, passed, largest, "fail" if failed else "pass", reason, tuple(lines))


def _within_one_step(one: _Difference) -> NDArray[np.bool_]:
    if one.step is None:
        return one.exact
    return one.difference <= one.step + one.gate * one.largest


def _judge(found: list[_Difference]) -> tuple[bool, str]:
    """Return the verdict on all comparisons of a file, and its reason."""
    if not all(one.same_bits for one in found):
        return False, f"kernels ({_kernels.active().name}) and twin give different bits"
    if all(one.step is None for one in found):
        beyond = sum(int((~one.exact).sum()) for one in found)
        return (not beyond), f"{beyond} beyond {found[0].gate:g}" if beyond else f"within {found[0].gate:g}"
    one = found[0]  # cases with converters have a single comparison
    count = one.difference.size
    tied = int((one.ties > 0).sum())
    if tied / count >= TIE_RICH:
        return _judge_tie_rich(one, tied)
    beyond = int((one.difference > _allowed(one)).sum())
    if beyond:
        return False, f"{beyond} off by more than a step"
    equal = int(one.exact.sum())
    if equal < LEAST_EQUAL * count:
        return False, f"{equal} of {count} equal, {100 * LEAST_EQUAL:g} % needed"
    return True, "all equal" if equal == count else f"{equal} of {count} equal"


def _judge_tie_rich(one: _Difference, tied: int) -> tuple[bool, str]:
    """Return the verdict on a case where rounding decides many codes: outputs without such codes must be equal."""
    count = one.difference.size
    wrong = int(((one.difference > _allowed(one)) | (~one.exact & (one.ties == 0))).sum())
    name = f"tie-rich: {tied} of {count} have codes that rounding decides"
    return not wrong, f"{name}, {wrong} differ by more" if wrong else name


def _allowed(one: _Difference) -> Floats:
    """Return how far outputs may be off: a step, or one for each of their codes that stand at a tie."""
    assert one.step is not None  # only what has codes has steps
    return np.maximum(one.ties, 1) * one.step + one.gate * one.largest


def _compare(case: Comparison) -> _Difference:
    matrix = program(case.weights, case.spec)
    product = matrix.mvm(case.inputs, codes=True)
    expected = case.outputs * case.scale
    largest = float(np.abs(expected).max()) or 1.0
    difference = np.abs(product.outputs.astype(np.float64) - expected)
    step, ties = _steps(matrix, product, case)
    return _Difference(difference, largest, _gate(case), step, ties, _same_bits(case, product))


def _gate(case: Comparison) -> float:
    if case.spec.wires is not None and case.spec.precision == "float64":
        return EXACT_CURRENTS
    return WITH_FOUR_SLICES if case.spec.cells.slices >= 4 else WITHOUT_CONVERTER


def _same_bits(case: Comparison, product: Product) -> bool:
    """Return whether the readable twin gives the same bits as the kernels in use."""
    with _on_twin() as switched:
        return not switched or np.array_equal(
            program(case.weights, case.spec).mvm(case.inputs).outputs, product.outputs
        )


@contextmanager
def _on_twin() -> Iterator[bool]:
    """Use the twin for a while; tell whether something else was in use."""
    before = _kernels.active().name
    _kernels.select("twin")
    try:
        yield before != "twin"
    finally:
        _kernels.select(before)


def _steps(matrix: AnalogMatrix, product: Product, case: Comparison) -> tuple[Floats | None, Floats]:
    """Return what one code counts at most, and how many conversions of an output stand at a tie: float64 [B, N]."""
    ties = np.zeros(case.outputs.shape)
    step = np.zeros(case.outputs.shape)
    if not product.codes or product.seen is None:
        return None, ties
    for (row, column), seen in product.seen.items():
        array = matrix.arrays[row][column]
        cols = matrix.column_parts[column]
        steps = array.converters.step()
        near = np.maximum(AT_TIE, FLOAT_ERROR * np.abs(seen).max() / np.where(steps > 0, steps, np.inf))
        at_tie = array.converters.tie_distance(seen) <= near
        extra = case.spec.cells.extra_columns
        ties[:, cols] += at_tie[..., extra:].sum(axis=(1, 2, 3))
        if extra:
            ties[:, cols] += at_tie[..., :1].sum(axis=(1, 2, 3))
        step[:, cols] = np.maximum(step[:, cols], array.largest_code())
    return step * product.input_scales[:, np.newaxis] * matrix.weight_scales, ties
