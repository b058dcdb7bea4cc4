"""Calibrations: ranges of inputs and converters that samples found for each layer, as a file that people read.

`aimcsim.calibrating` finds them. What a calibration holds of a layer takes the place of the range that the chip file
says; what it does not hold stays as it is.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aimcsim.analog import Ranges
from aimcsim.arrays import SMALLEST, array_spec
from aimcsim.errors import ConfigError, Problem
from aimcsim.located import Document, PathKeys, check_keys, one_of, parse_document, quoted, read_document
from aimcsim.ops import MatrixKind
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Workload

SCHEMA: Final = "aimcsim-calibration/1"
DIGITS: Final = 6
"""Significant digits that a range is kept with, in memory as in a file."""

_FIELDS = ("schema", "chip", "workload", "samples", "percentile", "layers")
_LAYER_FIELDS = ("inputs", "converters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Ranges of the layers of a workload on a chip.

    Attributes
    ----------
    chip, workload : str    Names of those that they are for.
    samples : int           Samples that they come from.
    percentile : float      Per cent of what these samples gave that lies within the ranges.
    layers : mapping        Layer with static weights -> its `Ranges`.
    """

    chip: str
    workload: str
    samples: int
    percentile: float
    layers: Mapping[str, Ranges]

    def data(self) -> dict[str, Any]:
        """Return it as plain data, as its file has it."""
        layers = {name: _ranges_data(ranges) for name, ranges in self.layers.items()}
        same = {"chip": self.chip, "workload": self.workload, "samples": self.samples, "percentile": self.percentile}
        return {"schema": SCHEMA, **same, "layers": layers}

    def text(self) -> str:
        """Return it as the text of a file that `load_calibration` reads."""
        from ruamel.yaml import YAML
        from ruamel.yaml.comments import CommentedMap

        found = self.data()
        for name, one in found["layers"].items():
            found["layers"][name] = CommentedMap(one)
            found["layers"][name].fa.set_flow_style()
        text = io.StringIO()
        yaml = YAML()
        yaml.width = 10**6
        yaml.dump(found, text)
        return text.getvalue()

    def save(self, path: str | Path) -> None:
        """Write it to a file, over what is there."""
        Path(path).write_text(self.text(), encoding="utf-8")


def _ranges_data(ranges: Ranges) -> dict[str, Any]:
    data: dict[str, Any] = {} if ranges.inputs is None else {"inputs": ranges.inputs}
    return data if ranges.converters is None else {**data, "converters": list(ranges.converters)}


def kept(value: float) -> float:
    """Return a range with the digits that a calibration keeps."""
    return float(f"{value:.{DIGITS}g}")


def load_calibration(path: str | Path, workload: Workload, chip: ChipFile) -> Calibration:
    """Return the calibration that a file holds for a workload on a chip.

    Raises
    ------
    ConfigError
        With everything in it that does not fit, and where it stands.
    """
    return _Reader(read_document(Path(path)), workload, chip).read()


def calibration_for(given: Calibration | str | Path | None, workload: Workload, chip: ChipFile) -> Calibration | None:
    """Return a calibration for this workload and chip, from an object or a file; raises as `load_calibration`."""
    if isinstance(given, Calibration):
        return _Reader(parse_document(given.text(), "calibration"), workload, chip).read()
    return None if given is None else load_calibration(given, workload, chip)


class _Reader:
    """Reads one document; notes problems and goes on, so that all are reported at once."""

    def __init__(self, document: Document, workload: Workload, chip: ChipFile) -> None:
        self._document, self._workload, self._chip = document, workload, chip
        self._problems: list[Problem] = list(document.problems)

    def read(self) -> Calibration:
        """Return the calibration; raise ConfigError if there is any problem."""
        data = self._fields((), self._document.data, _FIELDS)
        if not data:
            raise ConfigError.of(self._problems)
        if data.get("schema") != SCHEMA:
            said = f"a calibration begins with `schema: {SCHEMA}` (got {quoted(data.get('schema'))})"
            raise ConfigError(self._document.problem(("schema",), said))
        self._for("chip", data.get("chip"), self._chip.name)
        self._for("workload", data.get("workload"), self._workload.name)
        if self._problems:
            raise ConfigError.of(self._problems)
        samples = self._number(("samples",), data.get("samples"), 1, 1 / SMALLEST)
        percentile = self._number(("percentile",), data.get("percentile"), SMALLEST, 100)
        layers = self._layers(data.get("layers"))
        if self._problems:
            raise ConfigError.of(sorted(self._problems, key=lambda problem: (problem.line, problem.column)))
        return Calibration(
            chip=self._chip.name,
            workload=self._workload.name,
            samples=int(samples),
            percentile=percentile,
            layers=layers,
        )

    def _complain(self, path: PathKeys, message: str, *, key: bool = False) -> None:
        self._problems.append(self._document.problem(path, message, key=key))

    def _fields(self, path: PathKeys, data: Any, allowed: Sequence[str]) -> dict[str, Any]:
        """Return fields with known names; nothing if there are no fields."""
        if not isinstance(data, dict):
            self._complain(path, f"expected fields (got {quoted(data)})")
            return {}
        self._problems += check_keys(self._document, path, data, allowed)
        return data

    def _for(self, what: str, value: Any, name: str) -> None:
        if value != name:
            self._complain((what,), f"this calibration is for another {what} than `{name}` (got {quoted(value)})")

    def _number(self, path: PathKeys, value: Any, low: float, high: float) -> float:
        right = isinstance(value, int | float) and not isinstance(value, bool)
        if not right or not low <= value <= high:
            self._complain(path, f"expected a number from {low:g} to {high:g} (got {quoted(value)})")
            return high
        return float(value)

    def _layers(self, data: Any) -> dict[str, Ranges]:
        known = [layer.name for layer in self._workload.layers if isinstance(layer.op, MatrixKind)]
        if not isinstance(data, dict):
            self._complain(("layers",), f"expected the layers of the workload (got {quoted(data)})")
            return {}
        for name in data:
            if name not in known:
                message = f"`{self._workload.name}` has no such layer with weights {one_of(name, known)}"
                self._complain(("layers", name), message, key=True)
        for name in known:
            if name not in data:
                self._complain(("layers",), f"layer `{name}` is missing; every layer with weights has ranges")
        return {name: self._layer(name, data[name]) for name in known if name in data}

    def _layer(self, name: str, data: Any) -> Ranges:
        path: PathKeys = ("layers", name)
        fields = self._fields(path, data, _LAYER_FIELDS)
        inputs = self._range((*path, "inputs"), fields["inputs"]) if "inputs" in fields else None
        return Ranges(inputs=inputs, converters=self._converters((*path, "converters"), fields.get("converters")))

    def _range(self, path: PathKeys, value: Any) -> float:
        return self._number(path, value, SMALLEST, 1 / SMALLEST)

    def _converters(self, path: PathKeys, value: Any) -> tuple[float, ...] | None:
        """Return a range for each slice of the weights; None where there is none."""
        if value is None:
            return None
        slices = array_spec(self._chip).slices
        if not isinstance(value, list) or len(value) != slices:
            self._complain(path, f"expected a range for each of the {slices} slices of a weight (got {quoted(value)})")
            return None
        return tuple(self._range((*path, place), one) for place, one in enumerate(value))
