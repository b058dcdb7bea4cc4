"""One array: its cells as they were programmed, its periphery and converters, and what it makes of driven rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.analog.array.columns import build_reader
from aimcsim.analog.array.converters import build_converters, converter_ranges
from aimcsim.analog.array.encoding import encode
from aimcsim.analog.array.epoch import Epoch
from aimcsim.analog.array.inputs import Driven, drive
from aimcsim.analog.array.noise import Noise
from aimcsim.analog.array.periphery import Periphery
from aimcsim.analog.array.spec import AnalogSpec
from aimcsim.analog.devices import DeviceState, Ideal, collapse
from aimcsim.analog.devices.fixed import FixedState
from aimcsim.analog.draws import Draws

Floats = NDArray[np.float64]

EPOCHS_KEPT = 2  # times after programming whose matrices are kept for the next read


@dataclass(frozen=True, slots=True)
class Read:
    """What an array makes of some vectors.

    Attributes
    ----------
    values : float64 [B, N]                      Outputs in units of input scale times weight scale.
    seen : float64 [B, F, slices, lines, M]      Currents as converters saw them.
    codes : int32, of the same shape, or None
    limited, clipped : int64 [B]                 Currents cut off by the column limit, and beyond a converter's range.
    charge : float64 [B]                         See `Counts.column_charge`.
    """

    values: Floats
    seen: Floats
    codes: NDArray[np.int32] | None
    limited: NDArray[np.int64]
    clipped: NDArray[np.int64]
    charge: Floats


class Array:
    """The array that holds `stored` [K, N], weights in units of their scale; one of 1 is `worth` [N] outputs.

    What is drawn once about it (programming, stuck cells, converters, periphery) is drawn here, from `draws`; reads do
    not change it.
    """

    def __init__(self, stored: Floats, worth: Floats, spec: AnalogSpec, draws: Draws) -> None:
        self.spec = spec
        self._worth = worth
        self.encoded = encode(stored, spec.cells)
        self.state: DeviceState = FixedState(spec.model.name, self.encoded.targets)
        if not isinstance(spec.device, Ideal):  # which would refuse conductances beyond the largest
            self.state = spec.model.program(self.encoded.targets, draws.child("cells", 0))
        if spec.cells.pair_state == "collapsed":
            self.state = collapse(spec.model, self.state, draws.child("cells", 0), axis=1)
        slices, lines, rows, columns = self.encoded.targets.shape
        self._stuck_on, self._stuck_off = _stuck_cells(self.encoded.targets.shape, spec, draws)
        converted = lines if spec.readout.subtraction == "digital" and not spec.cells.interleaved else 1
        ranges = converter_ranges(spec, rows)
        shape = (slices, converted, columns)
        self.converters = build_converters(spec.converter, ranges, shape, draws.child("converters", 0))
        self._periphery = (
            Periphery(spec.periphery, columns, draws.child("periphery", 0)) if spec.has_periphery else None
        )
        self.epoch = lru_cache(maxsize=EPOCHS_KEPT)(self._epoch)
        self.product = lru_cache(maxsize=EPOCHS_KEPT)(self._product)

    def conductances(self, time_s: float) -> Floats:
        """Return the conductances [slices, lines, K, M] at a time after programming, in parts of the largest."""
        now = self.state.conductance(time_s)
        if self._stuck_on is not None:
            now = np.where(self._stuck_on, 1.0, now)
        if self._stuck_off is not None:
            now = np.where(self._stuck_off, self.spec.cells.least_conductance, now)
        return now

    def largest_code(self) -> float:
        """Return the most that one more code of a single conversion changes, in units of scaled outputs."""
        counts = self.converters.step()[:, 0, 0] * self.encoded.factors / self.encoded.span
        phases = 1.0
        if self.spec.readout.accumulation == "digital":
            phases = float(np.abs(drive(np.zeros((1, 1)), self.spec.inputs).weights).max())
        return float(counts.max()) * phases

    def _epoch(self, time_s: float) -> Epoch:
        return Epoch(self.conductances(time_s), self.spec)

    def _product(self, time_s: float) -> _kernels.Product | None:
        return self.epoch(time_s).product(self._worth, self.encoded, self.converters)

    def read(self, driven: Driven, time_s: float, noise: Noise) -> Read:
        """Return what comes of the driven rows `time_s` after programming."""
        epoch = self.epoch(time_s)
        current, limited = self._limit(self._currents(epoch, driven, noise))
        if current.shape[3] > self.converters.shape[1]:
            current = current[:, :, :, :1] - current[:, :, :, 1:]
        current = self._before_conversion(current, epoch, driven, noise)
        converted = self.converters.convert(current)
        values = converted.values[:, 0]
        if self.spec.readout.accumulation == "digital":
            values = _weighted_sum(converted.values, driven.weights)
        charge = epoch.charge(driven.phases)
        clipped = converted.clipped.sum(axis=(1, 2, 3, 4))
        return Read(self._combine(values, driven.sums), current, converted.codes, limited, clipped, charge)

    def _currents(self, epoch: Epoch, driven: Driven, noise: Noise) -> Floats:
        """Return the currents [B, F, slices, lines, M] with the noise of the cells."""
        if epoch.sigma is None or epoch.variance_matrix is None:
            return epoch.reader.currents(driven.phases)
        by_product = self.spec.model.read_redraw == "product" and driven.phases.shape[1] > 1
        if by_product or self.spec.readout.read_noise == "sampled":
            vectors = [self._sampled(epoch, driven.phases[[b]], noise.of(b)) for b in range(len(driven.phases))]
            return np.concatenate(vectors) if vectors else epoch.reader.currents(driven.phases)
        current = epoch.reader.currents(driven.phases)
        sigma = np.sqrt(epoch.variance_matrix.times(driven.phases * driven.phases)).reshape(current.shape)
        return current + sigma * noise.normal("read noise", current.shape[1:])

    def _sampled(self, epoch: Epoch, phases: Floats, noise: Noise) -> Floats:
        """Return the currents of one vector with the noise of every cell drawn, none of which is read below 0."""
        assert epoch.sigma is not None  # else there is nothing to sample
        shape = epoch.sigma.shape
        redraws = phases.shape[1] if self.spec.model.read_redraw == "phase" else 1
        drawn = noise.normal("cell noise", (redraws, *shape))[0]
        noisy = [np.maximum(epoch.conductances + epoch.sigma * one, 0.0) for one in drawn]
        if redraws == 1:
            return build_reader(noisy[0], self.spec).currents(phases)
        reads = [build_reader(noisy[f], self.spec).currents(phases[:, [f]]) for f in range(redraws)]
        return np.concatenate(reads, axis=1)

    def _limit(self, current: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Return currents within the column limit, and how many of every vector were not."""
        limit = self.spec.readout.column_limit
        if not limit:
            return current, np.zeros(len(current), dtype=np.int64)
        beyond = (np.abs(current) > limit).sum(axis=(1, 2, 3, 4))
        return np.clip(current, -limit, limit), beyond

    def _before_conversion(self, current: Floats, epoch: Epoch, driven: Driven, noise: Noise) -> Floats:
        """Return the currents as the converters see them: after the periphery, and after analog accumulation."""
        analog = self.spec.readout.accumulation == "analog"
        if self._periphery is None:
            return _weighted_sum(current, driven.weights)[:, np.newaxis] if analog else current
        span, (positive, negative) = self.encoded.span, epoch.conductances[0]
        y = current[:, :, 0, 0] / span
        y = self._periphery.read(y, driven.phases, (positive - negative) / span, noise)
        if analog:
            y = _weighted_sum(y, driven.weights)[:, np.newaxis]
        return self._periphery.finish(y, noise)[:, :, np.newaxis, np.newaxis] * span

    def _combine(self, values: Floats, sums: Floats) -> Floats:
        """Return the outputs [B, N] of converted columns [B, slices, lines, M]."""
        encoded = self.encoded
        removal = self.spec.cells.offset_removal
        if self.spec.cells.is_pair:
            lines = values[:, :, 0] - values[:, :, 1] if values.shape[2] == 2 else values[:, :, 0]
            return _weighted_sum(lines / encoded.span, encoded.factors)
        column = values[:, :, 0]
        if removal == "zero_column":
            return _weighted_sum((column[:, :, 1:] - column[:, :, :1]) / encoded.span, encoded.factors)
        inputs = np.broadcast_to(sums[:, np.newaxis, np.newaxis], (*column.shape[:2], 1))
        if removal == "unit_column":
            inputs = column[:, :, :1] / (encoded.least + encoded.span * encoded.unit)
            column = column[:, :, 1:]
        y = (column - encoded.least * inputs) / encoded.span
        y = np.where(encoded.flipped, inputs - y, y)
        return _weighted_sum(y, encoded.factors) - encoded.offset * inputs[:, 0]


def _weighted_sum(values: Floats, weights: Floats) -> Floats:
    """Return the sum over axis 1 of values [B, F, ...] times weights [F], in order."""
    total: Floats = weights[0] * values[:, 0]
    for index in range(1, len(weights)):
        total = total + weights[index] * values[:, index]
    return total


def _stuck_cells(
    shape: tuple[int, ...], spec: AnalogSpec, draws: Draws
) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
    """Return which cells are stuck at the largest and at the least conductance; None for none."""
    on, off = spec.cells.stuck_on, spec.cells.stuck_off
    if not on and not off:
        return None, None
    drawn = draws.uniform("stuck cells", shape)
    return drawn < on, drawn > 1.0 - off
