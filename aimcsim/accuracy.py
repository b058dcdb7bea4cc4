"""What an evaluation found: outputs for every seed and time, and how far they are from the float network."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops import FloatArray
from aimcsim.workload import float_reference
from aimcsim.workload.graph import Workload

BATCH = 32
"""Samples whose tensors are in memory at a time."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LayerError:
    """How far a layer's outputs are from float: root of the mean square of the difference over that of the outputs.

    Attributes
    ----------
    layer : str
    own : float            Against what exact weights make of the same inputs, those that the chip gave the layer.
    accumulated : float    Against the layer's outputs in the float network.
    """

    layer: str
    own: float
    accumulated: float


@dataclass(frozen=True, slots=True)
class Point:
    """The outputs of one programming at one time.

    Attributes
    ----------
    seed : int
    time_s : float     Since programming.
    outputs : mapping  Arrays [samples, ...] in the network's own layout, by output name.
    layers : tuple     Error of every layer with static weights, in the order of the layers; empty for ideal values.
    """

    seed: int
    time_s: float
    outputs: MappingOf[str, FloatArray]
    layers: tuple[LayerError, ...]


class Evaluation(MappingOf[str, FloatArray]):
    """What a chip computes. As a mapping: the outputs of the first seed at the first time, by name.

    Agreement and accuracy are about the largest element of the network's first output.

    Attributes
    ----------
    points : tuple of Point      By seed, then by time.
    compensation_reads : int     Products of single arrays that one compensation of the whole chip takes.
    is_drawn : bool              Whether anything depends on the seed.
    """

    def __init__(
        self,
        workload: Workload,
        packed: MappingOf[str, FloatArray],
        points: tuple[Point, ...],
        labels: NDArray[Any] | None = None,
        compensation_reads: int = 0,
        *,
        is_drawn: bool = False,
    ) -> None:
        self.points = points
        self.is_drawn = is_drawn
        self.compensation_reads = compensation_reads
        self._workload, self._packed, self._labels = workload, packed, labels

    def __getitem__(self, name: str) -> FloatArray:
        return self.points[0].outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.points[0].outputs)

    def __len__(self) -> int:
        return len(self.points[0].outputs)

    def __repr__(self) -> str:
        seeds, times = (len({getattr(point, name) for point in self.points}) for name in ("seed", "time_s"))
        samples = len(next(iter(self.values())))
        return f"<evaluation of {self._workload.name}: {samples} samples, seeds: {seeds}, times: {times}>"

    @cached_property
    def float_classes(self) -> NDArray[np.int64]:
        """What the float network, in float64, takes each sample for."""
        name = self._workload.outputs[0]
        samples = len(next(iter(self._packed.values())))
        batches = [slice(first, first + BATCH) for first in range(0, samples, BATCH)]
        parts = [
            float_reference(self._workload, {key: values[batch] for key, values in self._packed.items()})[name]
            for batch in batches
        ]
        return _classes(self._workload.unpack_outputs(name, np.concatenate(parts)))

    @property
    def agreement(self) -> NDArray[np.float64]:
        """Part of the samples that are taken for the same as in float, [points]."""
        return self._share_of(self.float_classes)

    @property
    def accuracy(self) -> NDArray[np.float64] | None:
        """Part of the samples that are taken for what they are, [points]; None without labels."""
        return None if self._labels is None else self._share_of(self._labels)

    @property
    def float_accuracy(self) -> float | None:
        """The same of the float network."""
        return None if self._labels is None else float(np.mean(self.float_classes == self._labels))

    def rows(self) -> list[Row]:
        """Return a row for each time: means over the seeds and their standard deviations (None for a single seed)."""
        columns: dict[str, NDArray[np.float64]] = {"agreement": self.agreement}
        if self.accuracy is not None:
            columns["accuracy"] = self.accuracy
        columns["layer_error"] = np.array(
            [point.layers[-1].accumulated if point.layers else 0.0 for point in self.points]
        )
        rows: list[Row] = []
        for time_s in dict.fromkeys(point.time_s for point in self.points):
            chosen = np.array([point.time_s == time_s for point in self.points])
            row: Row = {"time_s": time_s, "seeds": int(chosen.sum())}
            for name, values in columns.items():
                found = values[chosen]
                row |= {name: float(found.mean()), f"{name}_sd": float(found.std(ddof=1)) if len(found) > 1 else None}
            rows.append(row | {"float_accuracy": self.float_accuracy})
        return rows

    def layer_rows(self) -> list[Row]:
        """Return a row for each time and layer: errors, means over the seeds."""
        found: dict[tuple[float, str], list[LayerError]] = {}
        for point in self.points:
            for error in point.layers:
                found.setdefault((point.time_s, error.layer), []).append(error)
        return [
            {
                "time_s": time_s,
                "layer": layer,
                "own": float(np.mean([error.own for error in errors])),
                "accumulated": float(np.mean([error.accumulated for error in errors])),
            }
            for (time_s, layer), errors in found.items()
        ]

    def _share_of(self, classes: NDArray[Any]) -> NDArray[np.float64]:
        name = self._workload.outputs[0]
        return np.array([np.mean(_classes(point.outputs[name]) == classes) for point in self.points])


def _classes(outputs: NDArray[Any]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = outputs.reshape(len(outputs), -1).argmax(axis=1)
    return found


class ErrorSums:
    """Squares of what a layer's outputs are off by, added up over batches of samples."""

    def __init__(self) -> None:
        self._sums = np.zeros(4)

    def add(self, found: FloatArray, same_inputs: FloatArray, float_network: FloatArray) -> None:
        """Take in a batch: outputs, and what exact weights give for the same inputs and for those of the network."""
        pairs = ((found - same_inputs, same_inputs), (found - float_network, float_network))
        self._sums += [float(np.square(part, dtype=np.float64).sum()) for pair in pairs for part in pair]

    def error(self, layer: str) -> LayerError:
        """Return the errors of the batches so far."""
        own, of_own, accumulated, of_accumulated = self._sums
        tiny = np.finfo(np.float64).tiny
        return LayerError(
            layer, float(np.sqrt(own / max(of_own, tiny))), float(np.sqrt(accumulated / max(of_accumulated, tiny)))
        )
