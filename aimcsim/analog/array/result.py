"""What a product gives: outputs, codes, and how much work it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Counts:
    """What every vector of a batch cost, each int64 [B] but the charge; additional passes are in all of them.

    Attributes
    ----------
    reads : int64            Array reads: one for every array, phase and slice, two where the lines of a pair are
                             converted apart.
    conversions : int64      Analog-to-digital conversions.
    driven_rows : int64      Rows driven with something else than 0, over all reads.
    clipped_inputs : int64   Inputs beyond the largest level.
    clipped_columns : int64  Column currents beyond the range of their converter, or cut off by the column limit.
    second_passes : int64    Passes after the first one.
    column_charge : float64  Magnitudes of all cell currents, summed over rows, columns and reads, in largest cell
                             currents: times the current of a cell and the time of a read, a charge.
    """

    reads: Integers
    conversions: Integers
    driven_rows: Integers
    clipped_inputs: Integers
    clipped_columns: Integers
    second_passes: Integers
    column_charge: NDArray[np.float64]

    @classmethod
    def zeros(cls, batch: int) -> Self:
        """Return the counts of nothing."""
        names = [field.name for field in fields(cls)[:-1]]
        return cls(**{name: np.zeros(batch, dtype=np.int64) for name in names}, column_charge=np.zeros(batch))

    def add(self, other: Counts, vectors: Integers) -> None:
        """Add the counts of a part of the batch, whose vectors are `vectors`."""
        for field in fields(self):
            getattr(self, field.name)[vectors] += getattr(other, field.name)

    def total(self) -> dict[str, int | float]:
        """Return the sums over the batch, by name."""
        return {field.name: getattr(self, field.name).sum().item() for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Product:
    """A batch of vectors times the matrix.

    Attributes
    ----------
    outputs : float32 or float64 [B, N]
    counts : Counts
    input_scales : float64 [B]    What an input of 1 was worth at the rows, in a vector's last pass.
    codes : mapping or None
        When asked for, and not from ideal converters: (row of arrays, column of arrays) -> int32
        [B, conversions of a vector, slices, lines, columns] of its last pass. Lines: 1 where the lines of a pair are
        subtracted before conversion; columns: an extra column, if there is one, comes first.
    seen : mapping or None
        With the codes: the currents that the converters saw, float64 of the same shapes.
    """

    outputs: NDArray[np.float32] | NDArray[np.float64]
    counts: Counts
    input_scales: NDArray[np.float64]
    codes: Mapping[tuple[int, int], NDArray[np.int32]] | None = None
    seen: Mapping[tuple[int, int], NDArray[np.float64]] | None = None
