"""An array at one time after programming: what its columns conduct, how noisy they are, which kernel reads them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.analog.array.columns import LinearReader, Reader, SolvedReader, effective_lines, is_linear, lines_apart
from aimcsim.analog.array.converters import Converters
from aimcsim.analog.array.encoding import Encoded
from aimcsim.analog.array.fused import Columns, fused_product
from aimcsim.analog.array.product import ExactMatrix, Matrix, matrix_of
from aimcsim.analog.array.spec import AnalogSpec

Floats = NDArray[np.float64]


class Epoch:
    """The state of an array between two times at which it changes. What takes time is made when it is first needed.

    Parameters
    ----------
    conductances : float64 [slices, lines, K, M]    In parts of the largest.
    """

    def __init__(self, conductances: Floats, spec: AnalogSpec) -> None:
        self.conductances = conductances
        self._spec = spec

    @cached_property
    def sigma(self) -> Floats | None:
        """Noise of every cell in a read, of the shape of the conductances; None for none."""
        if self._spec.model.read_redraw == "never":
            return None
        sigma = self._spec.model.read_sigma(self.conductances)
        return sigma if sigma.any() else None

    @cached_property
    def variance(self) -> Floats | None:
        """Variance of the noise of what columns give together, [slices, lines, K, M]; None for none."""
        if self.sigma is None:
            return None
        squares = self.sigma * self.sigma
        return squares if lines_apart(self._spec) else squares.sum(axis=1, keepdims=True)

    @cached_property
    def variance_matrix(self) -> Matrix | ExactMatrix | None:
        """The variance as a matrix to multiply squared voltages with."""
        return None if self.variance is None else matrix_of(self.variance, self._spec.precision)

    @cached_property
    def lines(self) -> Floats:
        """What every line conducts, or a pair as one, [slices, lines, K, M], after the resistance of the wires."""
        return effective_lines(self.conductances, self._spec)

    @cached_property
    def reader(self) -> Reader:
        """Currents from voltages."""
        if is_linear(self._spec):
            return LinearReader(self.lines, self._spec)
        return SolvedReader.of(self.conductances, self._spec)

    @cached_property
    def row_total(self) -> Floats:
        """Conductance at every row, [K]."""
        total: Floats = self.conductances.sum(axis=(0, 1, 3))
        return total

    def charge(self, phases: Floats) -> Floats:
        """Return the currents of all cells, summed over the reads `phases` [B, F, K], without their signs: [B]."""
        charge: Floats = (np.abs(phases).sum(axis=1) * self.row_total).sum(axis=1)
        return charge

    def product(self, worth: Floats, encoded: Encoded, converters: Converters) -> _kernels.Product | None:
        """Return the kernel that computes the whole product, or None if there is none for such an array."""
        if not self._spec.cells.is_pair or lines_apart(self._spec) or not is_linear(self._spec):
            return None
        variance = None if self.variance is None else self.variance[:, 0]
        return fused_product(Columns(self.lines[:, 0], variance, worth), encoded, converters, self._spec)
