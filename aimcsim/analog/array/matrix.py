"""A matrix in analog arrays, usable alone: NumPy in, NumPy out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim import _kernels
from aimcsim.analog.array.array import EPOCHS_KEPT, Array, Read
from aimcsim.analog.array.encoding import stored_weights, weight_scales
from aimcsim.analog.array.inputs import (
    LEAST_SCALE,
    Driven,
    drive,
    driven_vectors,
    input_scales,
    level_step,
    no_clip_scales,
)
from aimcsim.analog.array.noise import Noise
from aimcsim.analog.array.result import Counts, Product
from aimcsim.analog.array.spec import AnalogSpec, InputSpec, Split
from aimcsim.analog.devices import Compensation, compensate_columns, compensate_globally
from aimcsim.analog.draws import Draws
from aimcsim.errors import InputError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

LARGEST = 1e15  # of weights and inputs: products of many are float32
_FLOAT32 = np.dtype(np.float32)
PASSES = 32  # of bound management; every pass of a vector has noise of its own
_CURRENTS_AT_ONCE = 1 << 22  # of a batch; larger batches are cut, which changes nothing but memory


def program(weights: ArrayLike, spec: AnalogSpec | None = None, seed: int | Draws = 0) -> AnalogMatrix:
    """Return `weights` programmed into analog arrays.

    Parameters
    ----------
    weights : [K, N]       Real numbers; outputs are ``x @ weights`` with the errors of the arrays.
    spec : AnalogSpec      None: arrays that compute the exact product.
    seed : int or Draws    Of all that is drawn; or a place in a tree of draws, such as one for a layer.

    Raises
    ------
    InputError     If `weights` are not a matrix of finite numbers.
    ConfigError    If `seed` or `spec` cannot be used.
    """
    return AnalogMatrix(weights, AnalogSpec() if spec is None else spec, seed)


class AnalogMatrix:
    """A matrix [K, N] in one array, or in as many as it takes; made by `program`.

    An output is a function of the weights, the spec, the seed, the vector, the time since programming and the vector's
    number alone: the same for any split of a batch, in any process, on any processor.

    Attributes
    ----------
    shape : (K, N)
    spec : AnalogSpec
    weight_scales : float64 [N]          What a stored weight of 1 is worth.
    row_parts, column_parts : lists of slice    Inputs and outputs of every row and column of arrays.
    arrays : tuple of tuples of Array    By row of arrays, then by column.
    output_bound : float                 Least end of the converters' ranges.
    """

    def __init__(self, weights: ArrayLike, spec: AnalogSpec, seed: int | Draws) -> None:
        if not isinstance(spec, AnalogSpec):
            raise InputError(f"spec: must be an AnalogSpec (got {type(spec).__name__})")
        matrix = finite_matrix("weights", weights)
        draws = seed if isinstance(seed, Draws) else Draws.of(seed)
        self.shape: tuple[int, int] = (matrix.shape[0], matrix.shape[1])
        self.spec = spec
        self.weight_scales = weight_scales(matrix, spec.cells)
        stored = stored_weights(matrix, self.weight_scales, spec.cells)
        worth = self.weight_scales * spec.readout.gain
        self.row_parts = split_evenly(self.shape[0], spec.rows, spec.split)
        self.column_parts = split_evenly(self.shape[1], spec.cols, spec.split)
        self.arrays = tuple(
            tuple(
                Array(stored[rows, cols], worth[cols], spec, draws.child("array row", r).child("array column", c))
                for c, cols in enumerate(self.column_parts)
            )
            for r, rows in enumerate(self.row_parts)
        )
        self.output_bound = float(self.arrays[0][0].converters.high.min())
        self._reads = draws.child("reads", 0)
        self._places = [
            [self._reads.child("row", r).child("column", c) for c in range(len(self.column_parts))]
            for r in range(len(self.row_parts))
        ]
        self._has_levels = spec.inputs.bits > 0  # which end, so that no input is too large
        self._lone_read = lru_cache(maxsize=EPOCHS_KEPT)(self._find_lone_read)

    def mvm(self, x: ArrayLike, time_s: float = 0.0, request: int = 0, *, codes: bool = False) -> Product:
        """Return the products of vectors with the matrix.

        Parameters
        ----------
        x : [B, K]         Real numbers.
        time_s : float     Time since programming, seconds: what drift and 1/f noise have done by then.
        request : int      Number of the first vector; the noise of a read belongs to the vector's number.
        codes : bool       Whether to keep the codes of the converters.

        Raises
        ------
        InputError    If `x` does not hold finite vectors of K numbers, or the device model does not know `time_s`.
        """
        vectors = driven_vectors(finite_matrix("x", x, self.shape[0], empty=True), self.spec.inputs)
        request, time_s = checked_request(request), checked_seconds(time_s)
        together = self.spec.inputs.bound_management == "iterative_together"
        size = len(vectors) if together else self._batch_size()
        parts = [
            _Batch(self, vectors[first : first + size], time_s, request + first, codes=codes).product()
            for first in range(0, max(len(vectors), 1), max(size, 1))
        ]
        return joined(parts)

    def outputs(self, x: ArrayLike, time_s: float = 0.0, request: int = 0, *, threads: int = 1) -> NDArray[Any]:
        """Return the outputs of `mvm` alone, the same bits; where a kernel fits, float32 vectors take little else.

        Inputs beyond the limit of `mvm` are clipped where fixed levels end, like all beyond the largest level. A matrix
        in one array shares its vectors out to `threads`, which changes no bit; others take one.

        Raises
        ------
        InputError    As `mvm`, or if `threads` is below 1.
        """
        request, time_s = checked_request(request), checked_seconds(time_s)
        lone = self._lone_read(time_s)
        if lone is not None and isinstance(x, np.ndarray) and x.dtype == _FLOAT32 and x.ndim == 2:
            if lone.plain and threads == 1:
                return lone.outputs(x)
            if not self._has_levels and not (np.abs(x) <= LARGEST).all():
                finite_matrix("x", x, self.shape[0], empty=True)
            noise = self.read_noise(0, 0, time_s, request, len(x)) if lone.noisy else None
            scale = kernel_scales(x, self.spec.inputs, self.output_bound)
            if threads != 1:
                return _kernels.in_threads(lone.outputs, threads, x, scale, noise)
            return lone.outputs(x, scale, noise)
        vectors = driven_vectors(finite_matrix("x", x, self.shape[0], empty=True), self.spec.inputs)
        if self.kernels(time_s) is None:
            return self.mvm(vectors, time_s, request).outputs
        single = vectors.astype(np.float32)
        scale = kernel_scales(single, self.spec.inputs, self.output_bound)
        parts = self.kernel_reads(single, time_s, request)
        return self.sum_of_arrays(len(single), {at: one.kernel.outputs(one.x, scale, one.normal) for at, one in parts})

    def _find_lone_read(self, time_s: float) -> _LoneRead | None:
        """Return how a matrix that stands in one array is read, if a kernel does it."""
        kernels = self.kernels(time_s)
        if kernels is None or len(kernels) > 1 or len(kernels[0]) > 1 or self.spec.inputs.range == "positive_max":
            return None
        noisy = self.arrays[0][0].epoch(time_s).variance is not None
        inputs = self.spec.inputs
        plain = self._has_levels and not noisy and inputs.range == "fixed" and inputs.scale == 1.0
        return _LoneRead(kernels[0][0].outputs, noisy, plain)

    def compensation(
        self, time_s: float, per: Literal["matrix", "column"] = "matrix", request: int = 0
    ) -> Compensation:
        """Return what outputs at `time_s` are to be multiplied by for drift, found by reading every row alone.

        The factor is the mean magnitude of those outputs right after programming over that of now, for the matrix or
        for each of its columns. Finding it out takes `Compensation.reads` products of the array's time; the noise of
        these reads is that of the vectors from `request` on.

        Raises
        ------
        InputError    As `mvm`, or if nothing is left of a column.
        """
        if per not in ("matrix", "column"):
            raise InputError(f"per: must be matrix or column (got {per!r})")
        rows = np.eye(self.shape[0]) * (self.spec.inputs.scale if self.spec.inputs.range == "fixed" else 1.0)
        then, now = (self.outputs(rows, time, request).astype(np.float64) for time in (0.0, time_s))
        return compensate_globally(then, now) if per == "matrix" else compensate_columns(then, now)

    def kernels(self, time_s: float) -> list[list[_kernels.Product]] | None:
        """Return the kernel of every array, or None if they take the general path."""
        found = [[array.product(time_s) for array in row] for row in self.arrays]
        whole = [[product for product in row if product is not None] for row in found]
        return whole if all(len(row) == len(self.column_parts) for row in whole) else None

    def kernel_reads(
        self, x: NDArray[np.float32], time_s: float, request: int
    ) -> Iterator[tuple[tuple[int, int], KernelRead]]:
        """Yield, for every array by row and column, its kernel and what that takes; all arrays have one."""
        for r, (row, rows) in enumerate(zip(self.kernels(time_s) or (), self.row_parts, strict=True)):
            part = np.ascontiguousarray(x[:, rows])
            for c, kernel in enumerate(row):
                yield (r, c), KernelRead(kernel, part, self.read_noise(r, c, time_s, request, len(x)))

    def sum_of_arrays(self, batch: int, found: Mapping[tuple[int, int], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return outputs [batch, N] from those of every array, the rows of arrays added in order."""
        total = np.zeros((batch, self.shape[1]), dtype=np.float32)
        for (row, column), outputs in found.items():
            cols = self.column_parts[column]
            total[:, cols] = total[:, cols] + outputs if row else outputs
        return total

    def read_noise(self, row: int, column: int, time_s: float, request: int, batch: int) -> Floats | None:
        """Return the normal numbers of the read noise of an array, [batch, N]; None for none."""
        if self.arrays[row][column].epoch(time_s).variance is None:
            return None
        cols = self.column_parts[column]
        numbers = range(request * PASSES, (request + batch) * PASSES, PASSES)
        return self.noise_of(row, column, numbers).normal("read noise", (cols.stop - cols.start,))

    def noise_of(self, row: int, column: int, numbers: Sequence[int]) -> Noise:
        """Return where the noise of an array's reads for the vectors with `numbers` comes from."""
        return Noise(self._places[row][column], numbers)

    def _batch_size(self) -> int:
        """Return how many vectors are computed at once."""
        slices, lines, rows, columns = self.arrays[0][0].encoded.targets.shape
        phases = 2 * max(self.spec.inputs.bits, 1)
        return max(1, _CURRENTS_AT_ONCE // int(phases * max(slices * lines * columns, rows)))

    def outputs_of(self, values: Floats, scales: Floats) -> NDArray[Any]:
        """Return outputs, in the precision of the spec, of values [B, N] with input scales [B]."""
        outputs = values * scales[:, np.newaxis] * (self.weight_scales * self.spec.readout.gain)
        return outputs.astype(np.float32 if self.spec.precision == "float32" else np.float64)

    def reads_of(self, driven: Sequence[Driven], time_s: float, numbers: Sequence[int]) -> list[list[Read]]:
        """Return what every array makes of its rows' part of the vectors with `numbers`."""
        return [
            [array.read(part, time_s, self.noise_of(r, c, numbers)) for c, array in enumerate(row)]
            for r, (row, part) in enumerate(zip(self.arrays, driven, strict=True))
        ]

    def drive(self, x: Floats, scales: Floats, numbers: Sequence[int]) -> list[Driven]:
        """Return how vectors [B, K] with input scales [B] drive every row of arrays."""
        inputs = self.spec.inputs
        factors = (1.0 / scales)[:, np.newaxis]
        scaled: NDArray[Any] = x * factors
        if self.spec.precision == "float32":
            scaled = x.astype(np.float32) * factors.astype(np.float32)
        noise = None
        if inputs.noise_sigma:
            noise = inputs.noise_sigma * Noise(self._reads, tuple(numbers)).normal("input noise", x.shape[1:])
        return [drive(scaled[:, rows], inputs, None if noise is None else noise[:, rows]) for rows in self.row_parts]


class _LoneRead(NamedTuple):
    """How the only array is read at one time: by a kernel's `outputs`, which takes nothing but vectors if `plain`."""

    outputs: Callable[..., NDArray[np.float32]]
    noisy: bool
    plain: bool


class KernelRead(NamedTuple):
    """A kernel with the vectors [B, K] of its rows, and the normal numbers of their noise if there is any."""

    kernel: _kernels.Product
    x: NDArray[np.float32]
    normal: Floats | None


class _Batch:
    """Some vectors on their way through the arrays, once, or again where converters clip."""

    def __init__(self, matrix: AnalogMatrix, x: Floats, time_s: float, request: int, *, codes: bool) -> None:
        self._matrix = matrix
        self._x = x
        self._time_s = time_s
        self._request = request
        self._counts = Counts.zeros(len(x))
        self._values = np.zeros((len(x), matrix.shape[1]))
        self._scales = input_scales(x, matrix.spec.inputs, matrix.output_bound) if len(x) else np.zeros(0)
        self._codes: dict[tuple[int, int], NDArray[np.int32]] | None = {} if codes else None
        self._seen: dict[tuple[int, int], Floats] | None = {} if codes else None

    def product(self) -> Product:
        """Return the product, all passes done."""
        kernels = self._matrix.kernels(self._time_s)
        return self._general() if kernels is None else self._fused()

    def _fused(self) -> Product:
        """Return the product as kernels give it."""
        matrix, vectors = self._matrix, np.arange(len(self._x))
        x = self._x.astype(np.float32)
        scale = kernel_scales(x, matrix.spec.inputs, matrix.output_bound)
        found: dict[tuple[int, int], NDArray[np.float32]] = {}
        conversions: dict[tuple[int, int], _kernels.Conversions] = {}
        for at, one in matrix.kernel_reads(x, self._time_s, self._request):
            if matrix.spec.converter.kind == "ideal":
                found[at] = one.kernel.outputs(one.x, scale, one.normal)
            else:
                conversions[at] = one.kernel.conversions(one.x, scale, one.normal)
                found[at] = conversions[at].outputs
        numbers = [(self._request + vector) * PASSES for vector in vectors.tolist()]
        driven = matrix.drive(self._x, self._scales, numbers)
        for r, row in enumerate(matrix.arrays):
            self._counts.add(fused_counts(driven[r], row, self._time_s), vectors)
            for c, array in enumerate(row):
                if (r, c) in conversions:
                    self._counts.clipped_columns[:] += conversions[r, c].clipped
                if self._codes is not None and self._seen is not None:
                    seen = array.epoch(self._time_s).reader.currents(driven[r].phases)
                    self._seen[r, c] = seen
                    if (r, c) in conversions:
                        self._codes[r, c] = conversions[r, c].codes.reshape(seen.shape)
        outputs = matrix.sum_of_arrays(len(x), found)
        return Product(outputs, self._counts, self._scales, self._codes, self._seen)

    def _general(self) -> Product:
        """Return the product by the readable way through every stage."""
        inputs = self._matrix.spec.inputs
        vectors = np.arange(len(self._x))
        factor, index = 1.0, 0
        clipped = self._pass(vectors, index)
        while inputs.bound_management != "none" and clipped.any() and self._may_go_on(factor, index):
            vectors = vectors if inputs.bound_management == "iterative_together" else vectors[clipped]
            factor, index = 2.0 * factor, index + 1
            if inputs.bound_management == "worst_case" and index == 1:
                factor = 1.0
                self._scales[vectors] = no_clip_scales(self._x[vectors], inputs, self._matrix.output_bound)
            else:
                self._scales[vectors] *= 2.0
            clipped = self._pass(vectors, index)
        return Product(
            self._matrix.outputs_of(self._values, self._scales), self._counts, self._scales, self._codes, self._seen
        )

    def _may_go_on(self, factor: float, index: int) -> bool:
        inputs = self._matrix.spec.inputs
        step = inputs.step or (level_step(inputs) if inputs.bits else 0.0)
        fine = not step or factor <= inputs.coarsest_step / step
        return fine and factor <= inputs.most_passes_factor and index + 1 < PASSES

    def _pass(self, vectors: Indices, index: int) -> NDArray[np.bool_]:
        """Read `vectors` of the batch, note what came of it, and return which of them clipped a converter."""
        numbers = [(self._request + vector) * PASSES + index for vector in vectors.tolist()]
        driven = self._matrix.drive(self._x[vectors], self._scales[vectors], numbers)
        reads = self._matrix.reads_of(driven, self._time_s, numbers)
        self._values[vectors] = sum_of_rows(reads)
        self._counts.add(counts_of(driven, reads, len(vectors), second=index > 0), vectors)
        if self._codes is not None:
            self._keep_codes(reads, vectors)
        clipped = np.zeros(len(vectors), dtype=np.bool_)
        for row in reads:
            for read in row:
                clipped |= read.clipped > 0
        return clipped

    def _keep_codes(self, reads: Sequence[Sequence[Read]], vectors: Indices) -> None:
        assert self._codes is not None  # asked for
        assert self._seen is not None  # with the codes
        for r, row in enumerate(reads):
            for c, read in enumerate(row):
                shape = (len(self._x), *read.seen.shape[1:])
                self._seen.setdefault((r, c), np.zeros(shape))[vectors] = read.seen
                if read.codes is not None:
                    self._codes.setdefault((r, c), np.zeros(shape, dtype=np.int32))[vectors] = read.codes


def sum_of_rows(reads: Sequence[Sequence[Read]]) -> Floats:
    """Return the outputs [B, N]: those of the rows of arrays added in order."""
    rows = [np.concatenate([read.values for read in row], axis=1) for row in reads]
    total = rows[0]
    for values in rows[1:]:
        total = total + values
    return total


def counts_of(driven: Sequence[Driven], reads: Sequence[Sequence[Read]], batch: int, *, second: bool) -> Counts:
    """Return the counts of one pass."""
    counts = Counts.zeros(batch)
    counts.second_passes[:] = second
    for part, row in zip(driven, reads, strict=True):
        counts.clipped_inputs[:] += part.clipped
        counts.driven_rows[:] += np.count_nonzero(part.phases, axis=(1, 2)) * len(row)
        for read in row:
            slices, lines, columns = read.seen.shape[2:]
            counts.reads[:] += part.phases.shape[1] * slices * lines
            counts.conversions[:] += read.seen.shape[1] * slices * lines * columns
            counts.clipped_columns[:] += read.clipped + read.limited
            counts.column_charge[:] += read.charge
    return counts


def fused_counts(driven: Driven, row: Sequence[Array], time_s: float) -> Counts:
    """Return the counts of one row of arrays that kernels read, but for the clipped columns."""
    counts = Counts.zeros(len(driven.phases))
    counts.clipped_inputs[:] = driven.clipped
    counts.driven_rows[:] = np.count_nonzero(driven.phases, axis=(1, 2)) * len(row)
    for array in row:
        slices, _, _, columns = array.encoded.targets.shape
        reads = driven.phases.shape[1] * slices
        counts.reads[:] += reads
        counts.conversions[:] += reads * columns
        counts.column_charge[:] += array.epoch(time_s).charge(driven.phases)
    return counts


def joined(parts: Sequence[Product]) -> Product:
    """Return the products of consecutive parts of a batch as one."""
    if len(parts) == 1:
        return parts[0]
    counts = Counts(*(np.concatenate([getattr(part.counts, one.name) for part in parts]) for one in fields(Counts)))
    outputs = np.concatenate([part.outputs for part in parts])
    scales = np.concatenate([part.input_scales for part in parts])
    return Product(
        outputs, counts, scales, *(_joined_maps([getattr(part, name) for part in parts]) for name in ("codes", "seen"))
    )


def _joined_maps(parts: Sequence[Mapping[Any, NDArray[Any]] | None]) -> dict[Any, NDArray[Any]] | None:
    if parts[0] is None:
        return None
    return {key: np.concatenate([part[key] for part in parts if part is not None]) for key in parts[0]}


def checked_request(request: int) -> int:
    """Return the number of a batch's first vector, if it is one."""
    if type(request) is not int or not 0 <= request < 1 << 40:
        raise InputError(f"request: must be an integer from 0 to 2^40 (got {request!r})")
    return request


def checked_seconds(time_s: float) -> float:
    """Return a time after programming, if it is a number; which ones a device model knows is its own matter."""
    if type(time_s) is float:
        return time_s
    if isinstance(time_s, bool) or not isinstance(time_s, int | float | np.integer | np.floating):
        raise InputError(f"time_s: must be a number of seconds (got {time_s!r})")
    return float(time_s)


def kernel_scales(x: NDArray[np.float32], inputs: InputSpec, bound: float) -> NDArray[np.float32] | None:
    """Return the input scales of vectors as kernels take them; None where all are 1."""
    if inputs.range == "fixed" and inputs.scale == 1.0:
        return None
    if inputs.range == "abs_max" and x.size:
        scales = _kernels.abs_max_scales(x, LEAST_SCALE, inputs.scale or LARGEST, LARGEST)
        if scales is None:
            finite_matrix("x", x, x.shape[1])
        return scales
    if not len(x):
        return np.zeros(0, dtype=np.float32)
    return input_scales(x.astype(np.float64), inputs, bound).astype(np.float32)


def split_evenly(size: int, most: int, split: Split) -> list[slice]:
    """Return the parts of `size` rows or columns that stand in arrays of `most` (0: any number).

    `rounded` parts are followed by a last one that may be larger.
    """
    count = -(-size // most) if most else 1
    each = most if split == "full" and size % count else round(size / count)
    even = split == "equal" and most and size - each * (count - 1) > most
    bounds = [size * index // count if even else each * index for index in range(count)] + [size]
    return [slice(*pair) for pair in pairwise(bounds)]


def finite_matrix(name: str, values: ArrayLike, columns: int = 0, *, empty: bool = False) -> Floats:
    """Return `values` as float64 [B, columns] (0: any number), C-contiguous, if they are finite real numbers.

    Raises
    ------
    InputError    Naming the argument: not an array of real numbers, another shape, NaN, infinity or beyond `LARGEST`,
                  no rows unless `empty`.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: must be an array of real numbers ({error})") from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name}: must hold real numbers (got {array.dtype})")
    wanted = f"[{'B' if columns else 'K'}, {columns or 'N'}]"
    if array.ndim != 2 or array.shape[1] == 0 or (columns and array.shape[1] != columns):
        raise InputError(f"{name}: must be {wanted} (got {list(array.shape)})")
    if not empty and array.shape[0] == 0:
        raise InputError(f"{name}: must have at least one row (got {list(array.shape)})")
    exact = np.ascontiguousarray(array, dtype=np.float64)
    wrong = ~(np.abs(exact) <= LARGEST)  # NaN is wrong too
    if wrong.any():
        first = tuple(int(axis[0]) for axis in np.nonzero(wrong))
        wanted = f"within {LARGEST:g}" if np.isfinite(exact[first]) else "finite"
        raise InputError(f"{name}: holds {exact[first]} at {list(first)}; must be {wanted}")
    return exact
