"""Finding a calibration: which ranges of inputs and of converters the layers of a workload need, from samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim.analog import DeviceMatrix, Ranges
from aimcsim.arrays import SMALLEST, RangesOf, array_spec, program_layers
from aimcsim.calibration import Calibration, kept
from aimcsim.errors import ConfigError, TraceError
from aimcsim.evaluation import Tensors, check_choice, matrix_inputs, pack_samples, placed_on
from aimcsim.mapping import Mapping, MappingPolicy, joined, on_engines
from aimcsim.spec import load_chip
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload import load_workload
from aimcsim.workload.graph import Workload

Which = Literal["both", "inputs", "converters"]

BINS: Final = 1 << 16
LEAST_TOP: Final = 2.0**-60


def calibrate(
    chip: ChipFile | str | Path,
    workload: Workload | str | Path,
    inputs: MappingOf[str, ArrayLike],
    *,
    samples: int | None = None,
    percentile: float = 100.0,
    ranges: Which = "both",
    seed: int = 0,
    overrides: Sequence[str] = (),
    mapping: MappingPolicy | str | Path | None = None,
    chips: int | Literal["auto"] | None = None,
) -> Calibration:
    """Return the ranges that samples need.

    The samples pass through the network with exact weights. The range of a layer's inputs is the magnitude that
    `percentile` per cent of what its rows are driven with do not exceed. With these ranges, or those of the chip file,
    the layer's arrays are read as they are right after programming, behind converters without end; the range of a slice
    is what `percentile` per cent of its column sums do not exceed, over all reads.

    Parameters
    ----------
    samples : int, optional    Take the first so many.
    percentile : float         Above 0, to 100.
    ranges : str               Whether to find ranges of `inputs`, of `converters`, or of both.
    seed : int                 Of the arrays that are read.
    chip, workload, inputs, overrides, mapping, chips
        As `aimcsim.evaluate`.

    Raises
    ------
    ConfigError, CapacityError, TraceError
        As `aimcsim.evaluate`.
    """
    check_choice("ranges", ranges, get_args(Which))
    if isinstance(percentile, bool) or not isinstance(percentile, int | float) or not SMALLEST <= percentile <= 100:
        raise ConfigError(f"percentile must be above 0 and at most 100 (got {percentile!r})")
    spec = chip if isinstance(chip, ChipFile) else load_chip(chip, overrides)
    network = on_engines(workload if isinstance(workload, Workload) else load_workload(workload), spec)
    packed = pack_samples(network, inputs)
    there = len(next(iter(packed.values())))
    if not there or (samples is not None and not 1 <= samples <= there):
        raise TraceError(f"--samples {samples}: the inputs have {there}")
    packed = {name: values[:samples] for name, values in packed.items()}
    if chips is not None:
        spec = joined(spec, network, mapping if isinstance(mapping, MappingPolicy) else MappingPolicy(), chips)
    search = _Search(network, placed_on(network, spec, mapping), spec, packed, float(percentile))
    found: RangesOf = {} if ranges == "converters" else search.inputs()
    if ranges != "inputs":
        found = search.converters(found, seed)
    return Calibration(
        chip=spec.name, workload=network.name, samples=samples or there, percentile=float(percentile), layers=found
    )


class _Search:
    """Samples on their way through a network, and what is seen of them."""

    def __init__(self, network: Workload, placed: Mapping, chip: ChipFile, packed: Tensors, percentile: float) -> None:
        self._network, self._placed, self._chip, self._packed = network, placed, chip, packed
        self._percentile = percentile
        self._exact = program_layers(network, placed, chip, "ideal").at(0.0, "none", None)

    def inputs(self) -> dict[str, Ranges]:
        """Return ranges of the inputs of every layer."""
        seen = {name: Magnitudes() for name in self._exact}
        for name, vectors, _ in matrix_inputs(self._network, self._exact, self._packed):
            seen[name].add(vectors)
        return {name: Ranges(inputs=self._range(one)) for name, one in seen.items()}

    def converters(self, given: RangesOf, seed: int) -> dict[str, Ranges]:
        """Return the ranges that there are, with those of converters."""
        analog = replace(self._chip.tile.analog, adc_kind="ideal", adc_range="step")
        chip = replace(self._chip, tile=replace(self._chip.tile, analog=analog))
        programmed = program_layers(self._network, self._placed, chip, "analog", seed=seed, calibration=given)
        arrays = programmed.at(0.0, "none", None)
        slices = array_spec(chip).slices
        seen = {name: [Magnitudes() for _ in range(slices)] for name in self._exact}
        for name, vectors, reads in matrix_inputs(self._network, self._exact, self._packed):
            matrix = arrays[name]
            assert isinstance(matrix, DeviceMatrix)  # ideal converters are no integers
            for sums in matrix.column_sums(vectors, reads):
                for place, one in enumerate(_by_slice(sums, slices)):
                    seen[name][place].add(one)
        return {
            name: replace(given.get(name, Ranges()), converters=tuple(map(self._range, ones)))
            for name, ones in seen.items()
        }

    def _range(self, seen: Magnitudes) -> float:
        """Return a range of what was seen, with the digits that a file keeps; 1 where that is next to nothing."""
        found = kept(seen.percentile(self._percentile))
        return found if found >= SMALLEST else 1.0


def _by_slice(sums: NDArray[np.float64], slices: int) -> Iterator[NDArray[np.float64]]:
    """Yield the sums [B, phases, cells, columns] of each slice; cells run over slices, then over their signs."""
    signs = sums.shape[2] // slices
    for place in range(slices):
        yield sums[:, :, place * signs : (place + 1) * signs]


class Magnitudes:
    """How large many values are: counts in `BINS` bins from 0 on, twice as wide whenever a larger one comes.

    What it tells does not depend on the order in which values come.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(BINS, dtype=np.int64)
        self._top = LEAST_TOP
        self.largest = 0.0

    def add(self, values: NDArray[Any]) -> None:
        """Count the magnitudes of `values`."""
        found = np.abs(values, dtype=np.float64).ravel()
        self.largest = max(self.largest, float(found.max(initial=0.0)))
        while self._top < self.largest:
            self._counts = np.concatenate([self._counts.reshape(-1, 2).sum(axis=1), np.zeros(BINS // 2, np.int64)])
            self._top *= 2
        places = np.minimum(found * (BINS / self._top), BINS - 1).astype(np.int64)
        self._counts += np.bincount(places, minlength=BINS)

    def percentile(self, percent: float) -> float:
        """Return what so many per cent do not exceed: the end of the bin that the last of them is in, at most the
        largest value.
        """
        wanted = percent / 100.0 * int(self._counts.sum())
        place = int(np.searchsorted(np.cumsum(self._counts), wanted))
        return min((place + 1) * self._top / BINS, self.largest)
