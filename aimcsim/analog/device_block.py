"""One block of a matrix in devices: programmed once, and read at a time after that.

Columns are those of the integer array (`cells.Cells`), with the state of devices in place of digits: a column's current
is counted in unit cells, converted to a code in every phase, and codes are shifted and added as integers.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aimcsim.analog.bank import ColumnConverters, Seat, code_steps
from aimcsim.analog.cells import program_cells
from aimcsim.analog.device_read import BlockState, DeviceRead, QuietRead, StepwiseRead
from aimcsim.analog.draws import Draws
from aimcsim.analog.error_spec import ErrorSpec, Ranges
from aimcsim.analog.spec import ArraySpec

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EPOCHS_KEPT = 2


class DeviceBlock:
    """Integer weights [groups, K, N] in devices. What is drawn once about them is drawn here; reads change nothing.

    Cells where the rows of one group meet the columns of another are devices, too: they hold digit 0, are driven by the
    other group's inputs, and err like all others.

    Parameters
    ----------
    draws : Draws    Of its cells.
    seat : Seat      Where it stands, which says what drives its rows and converts its columns.
    """

    def __init__(
        self, level: Integers, spec: ArraySpec, errors: ErrorSpec, ranges: Ranges, draws: Draws, seat: Seat
    ) -> None:
        self.spec, self.errors = spec, errors
        cells = program_cells(level, spec)
        rows, count, outputs = cells.digits.shape
        self.factors = cells.factors
        least = errors.least_conductance
        self.unit = (1.0 - least) / spec.cell_max
        self._input_factors = cells.input_factors
        self._leak = -least / self.unit * cells.factors.sum(axis=0)  # for what digit 0 conducts, in digits
        self._groups = level.shape[0]
        targets = least + self.unit * cells.digits.reshape(rows, count * outputs)
        self._state = errors.device.program(targets, draws.child("cells", 0))
        self._stuck = draws.uniform("stuck cells", targets.shape) if errors.stuck_on or errors.stuck_off else None
        self._steps = code_steps(spec, errors, ranges)
        self.converters = ColumnConverters(spec, errors, seat, np.repeat(self._steps, outputs))
        self.driver_gains = seat.driver_gains(errors.driver_gain_sigma, rows)
        self.at = lru_cache(maxsize=EPOCHS_KEPT)(self._at)

    def _at(self, time_s: float) -> DeviceRead:
        """Return what reads the block `time_s` after programming."""
        conductance = self._state.conductance(time_s)
        if self._stuck is not None:
            least = self.errors.least_conductance
            conductance = np.where(self._stuck < self.errors.stuck_on, 1.0, conductance)
            conductance = np.where(self._stuck > 1.0 - self.errors.stuck_off, least, conductance)
        sigma = self.errors.device.read_sigma(conductance)
        noisy = self.errors.device.read_redraw != "never" and bool(sigma.any())
        state = BlockState(conductance, sigma if noisy else None, self.unit, self.driver_gains)
        quiet = not noisy and QuietRead.can_read(self.spec, self.errors)
        return (QuietRead if quiet else StepwiseRead)(self, state)

    def outputs(self, level: Integers, accumulated: Floats) -> Floats:
        """Return [B, groups * N], in input level times weight level, of what columns of all cells add up to.

        Parameters
        ----------
        level : int64 [B, groups, K]
        accumulated : float64 [B, cells, groups * N]    Codes times weights of phases.
        """
        out = np.zeros((len(level), self.factors.shape[1]))
        for cell, factor in enumerate(self.factors):
            out += (factor * self._steps[cell]) * accumulated[:, cell]
        sums = level.sum(axis=2)
        if self._input_factors.any():
            out += self._input_factors * np.repeat(sums, self.factors.shape[1] // self._groups, axis=1)
        if self._leak.any():
            out += self._leak * sums.sum(axis=1, keepdims=True)
        return out
