"""Arrays whose whole product is one call of a compiled kernel: drivers, sums, noise, converters and recombination.

Which arrays these are is decided by their spec and size, never by the batch, so the bits of an output do not depend on
how it was asked for. The kernels find levels by multiplying in float32, and clip after rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim._kernels.values import Rounding
from aimcsim.analog.array.converters import Converters
from aimcsim.analog.array.encoding import Encoded
from aimcsim.analog.array.inputs import level_step
from aimcsim.analog.array.spec import AnalogSpec, InputSpec
from aimcsim.analog.devices import Ideal
from aimcsim.errors import InputError

Floats = NDArray[np.float64]

_LARGEST_DIGIT_BITS = 7  # whose differences are signed bytes


@dataclass(frozen=True, slots=True)
class Columns:
    """What a kernel is made of.

    Attributes
    ----------
    difference : float64 [slices, K, N]            Conductances of the positive line less those of the negative one.
    variance : float64 [slices, K, N] or None      Of their noise in a read.
    worth : float64 [N]                            What a scaled output of 1 is in the matrix's outputs.
    """

    difference: Floats
    variance: Floats | None
    worth: Floats


def fused_product(
    columns: Columns, encoded: Encoded, converters: Converters, spec: AnalogSpec
) -> _kernels.Product | None:
    """Return the kernel that computes the outputs of an array, [B, N], or None if it takes the general path.

    The array has linear cells in pairs whose lines are subtracted as currents. A kernel is for uniform converters, and
    for one read, or one read with a conversion of its own for every few bits.
    """
    if not _plain(spec) or not _codes_fuse(spec):
        return None
    try:
        if spec.inputs.encoding == "bit_serial":
            serial = spec.inputs.sign in ("bipolar", "two_phase") and spec.readout.accumulation == "digital"
            coded = serial and spec.converter.kind == "uniform" and columns.variance is None
            return _serial(columns, encoded, converters, spec) if coded else None
        return _single(columns, encoded, converters, spec) if _one_read(spec.inputs, slices=spec.cells.slices) else None
    except InputError:  # sums or levels that a kernel's numbers cannot hold
        return None


def _plain(spec: AnalogSpec) -> bool:
    """Return whether nothing but drivers, cells and converters does anything."""
    single = spec.precision == "float32"
    readout = not spec.readout.column_limit and spec.readout.gain > 0 and spec.readout.read_noise == "lumped"
    inputs = not spec.inputs.asymmetry and not spec.inputs.noise_sigma and spec.inputs.bound_management == "none"
    return single and readout and inputs and not spec.has_periphery


def _codes_fuse(spec: AnalogSpec) -> bool:
    converter = spec.converter
    if converter.kind == "ideal":
        return converter.range.kind != "fixed"
    return converter.kind == "uniform" and not converter.step and converter.rounding != "half_up"


def _one_read(inputs: InputSpec, slices: int) -> bool:
    free = not inputs.bits and not inputs.step and np.isinf(inputs.limit) and inputs.is_signed
    return slices == 1 and inputs.sign != "two_phase" and (inputs.bits > 0 or free)


def _drivers(inputs: InputSpec) -> _kernels.Levels | None:
    """Return the levels that rows are driven with."""
    if not inputs.bits:
        return None
    step = level_step(inputs)
    if inputs.sign == "offset":
        return _kernels.Levels(step, 0, (1 << inputs.bits) - 1, origin=-1.0)
    high = (1 << inputs.magnitude_bits) - 1
    return _kernels.Levels(step, -high if inputs.is_signed else 0, high)


def _single(columns: Columns, encoded: Encoded, converters: Converters, spec: AnalogSpec) -> _kernels.Product:
    """Return the kernel of one read, with currents in the unit of the outputs."""
    worth = columns.worth * (encoded.factors[0] / encoded.span)
    noise = None
    if columns.variance is not None:
        noise = _kernels.Noise((columns.variance[0] * worth**2).astype(np.float32))
    return _kernels.converted_product(
        (columns.difference[0] * worth).astype(np.float32),
        drivers=_drivers(spec.inputs),
        converters=None if spec.converter.kind == "ideal" else _converters(converters, worth[np.newaxis]),
        noise=noise,
    )


def _serial(columns: Columns, encoded: Encoded, converters: Converters, spec: AnalogSpec) -> _kernels.Product:
    """Return the kernel of a read and a conversion for every slice and phase; sums are in units of its state."""
    inputs, cells = spec.inputs, spec.cells
    slices, rows, cols = columns.difference.shape
    planes, weights = _kernels.serial_planes(inputs.magnitude_bits, inputs.bits_per_phase)
    if inputs.sign == "two_phase":
        count = len(weights)
        planes = [(phase + count * (sign < 0), sign, bit, scale) for phase, sign, bit, scale in planes]
        planes, weights = sorted(planes, key=lambda plane: plane[0]), weights * 2
    largest = (1 << inputs.bits_per_phase) - 1
    state, unit = columns.difference, 1.0 / largest
    if isinstance(spec.device, Ideal) and spec.wires is None and _whole(spec):
        unit *= encoded.span / ((1 << cells.digit_bits) - 1)
        state = np.rint(columns.difference / (unit * largest))
    kind = np.float32 if state is columns.difference else np.int8
    factors = encoded.factors / encoded.span * unit * largest / ((1 << inputs.magnitude_bits) - 1)
    return _kernels.sliced_product(
        state.transpose(1, 0, 2).reshape(rows, slices * cols).astype(kind),
        drivers=_drivers(inputs) or _kernels.Levels(1.0, 0, 1),
        planes=planes,
        weights=weights,
        converters=_converters(converters, np.full((slices, cols), 1.0 / unit)),
        factors=factors[:, np.newaxis] * columns.worth,
    )


def _whole(spec: AnalogSpec) -> bool:
    """Return whether cells hold whole digits exactly."""
    cells = spec.cells
    exact = not cells.cell_bits and not cells.stuck_on and not cells.stuck_off
    return exact and cells.weight_bits > 0 and cells.digit_bits <= _LARGEST_DIGIT_BITS


def _converters(converters: Converters, worth: Floats) -> _kernels.Converters:
    """Return the converters of all columns, [slices, N] of them, with currents multiplied by `worth`."""
    step, low = (
        np.broadcast_to(values[:, :, 0], worth.shape) * worth for values in (converters.step(), converters.low)
    )
    gain, offset = (
        np.broadcast_to(values, (*worth.shape[:1], 1, *worth.shape[1:]))[:, 0] for values in converters.errors()
    )
    rounding: Rounding = "floor" if converters.spec.rounding == "floor" else "half_even"
    levels = _kernels.Levels(step.ravel(), 0, converters.code_count() - 1, origin=low.ravel(), rounding=rounding)
    return _kernels.Converters(levels, gain=gain.ravel(), offset=(offset * worth).ravel())
