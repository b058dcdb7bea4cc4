# cython: language_level=3
"""Products of analog values: a lean door to values.c.

Design
    a. An object holds the parts of one product and the instruction set it was made for. Its calls check in C what comes
       with them; only what is not plainly right goes to value_parts.py, which makes it so or says what is wrong.
    b. The work is C (values_impl.h, slices_impl.h, dots_impl.h), compiled once per instruction set.
    c. Every output has one accumulator and a fixed order of additions, so all instruction sets, batch splits and
       the twin agree bit for bit.
Inputs, shapes, dtypes
    x float32 [B, K], scale float32 [B] or None, normal float64 [B, N] or None; parts as value_parts.py packs them
Ownership
    An object keeps its parts; scratch is made and dropped in each call; outputs belong to the caller.
GIL
    Released around the C calls; objects do not change, so calls may run side by side.
Complexity
    ConvertedProduct B K N multiplications, twice that with noise; SlicedProduct B times phases times driven rows times
    columns additions and B phases columns conversions.
Twin
    values_twin.py, same classes without `isa`.
"""

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyObject_CheckBuffer, PyObject_GetBuffer, PyBuffer_Release,
)
from libc.stdint cimport int32_t, uint8_t, uint16_t, uintptr_t
from libc.stdlib cimport free, malloc

import numpy as np

from aimcsim._kernels.value_parts import Conversions, as_companion, as_vectors, odd_vector, too_large
from aimcsim.errors import InputError


cdef extern from "values.h" nogil:
    const int AIMCSIM_CHUNK

    ctypedef struct input_plane:
        int32_t phase, channel, bit, scale

    ctypedef struct digit_array:
        Py_ssize_t channels, rows, planes
        const uint8_t *digits
        Py_ssize_t width
        const input_plane *plane
        int32_t digit_max
        uint16_t *driven
        int32_t *count

    ctypedef struct level_range:
        float low, high
        int32_t floors

    ctypedef struct row_driver:
        level_range levels
        float gain, shift, step, origin

    ctypedef struct column_converter:
        level_range levels
        const float *gain
        const float *shift
        const float *step
        const float *origin

    ctypedef struct vectors_in:
        Py_ssize_t batch, rows
        const float *x
        Py_ssize_t x_batch
        const float *scale

    ctypedef struct converted_product:
        vectors_in inputs "in"
        Py_ssize_t cols, panels
        const row_driver *driver
        const float *w
        const float *variance
        const float *floor
        const double *normal
        const column_converter *converter
        float *drive
        float *square
        float *spread
        float *out
        int32_t *codes
        int32_t *clipped

    ctypedef struct sliced_product:
        vectors_in inputs "in"
        digit_array array
        const uint8_t *dots
        const float *state
        int32_t bias
        Py_ssize_t phases, cells, outputs
        row_driver driver
        column_converter converter
        const int32_t *weight
        const double *factor
        const double *constant
        float *level
        uint16_t *levels
        float *drive
        int32_t *accumulator
        double *total
        float *out
        int32_t *codes
        int32_t *clipped

    int aimcsim_abs_max_scales(const vectors_in *inputs, float least, float cap, float most, float *scale)
    int aimcsim_has_dots(int isa)
    Py_ssize_t aimcsim_convert_product(int isa, const converted_product *product)
    Py_ssize_t aimcsim_slice_product(int isa, const sliced_product *product)


def has_dots(int isa):
    """Return whether sliced products of this instruction set take their digits packed for dot products of bytes."""
    return bool(aimcsim_has_dots(isa))


cdef object empty = np.empty
cdef object ndarray = np.ndarray
cdef object float32 = np.dtype(np.float32)
cdef object int32 = np.dtype(np.int32)


cdef struct plain_array:
    void *data
    Py_ssize_t length, width, stride


cdef bint look(object array, char kind, int ndim, plain_array *seen) noexcept:
    """Whether `array` is of this kind and rank, aligned, and its last axis contiguous; then `seen` says where it is.

    Who calls keeps a reference to the array while it reads there.
    """
    cdef Py_buffer view
    if not isinstance(array, ndarray):
        return False
    try:
        PyObject_GetBuffer(array, &view, PyBUF_FORMAT | PyBUF_STRIDES)
    except (BufferError, ValueError):
        return False
    cdef Py_ssize_t item = view.itemsize
    cdef bint fits = view.ndim == ndim and view.format[0] == kind and view.format[1] == 0
    if fits:
        seen.data, seen.length, seen.width = view.buf, view.shape[0], view.shape[ndim - 1]
        seen.stride = view.strides[0] // item
        fits = (
            <uintptr_t> view.buf % item == 0 and view.strides[0] % item == 0
            and (view.strides[ndim - 1] == item or seen.width == 1)
        )
    PyBuffer_Release(&view)
    return fits


cdef object take_inputs(object x, object scale, vectors_in *inputs):
    """Fill `inputs`, whose rows are set; return what has to live as long as they are read."""
    cdef plain_array seen
    if not (look(x, b"f", 2, &seen) and seen.width == inputs.rows):
        x = as_vectors("x", x, inputs.rows)
        look(x, b"f", 2, &seen)
    inputs.batch, inputs.x, inputs.x_batch, inputs.scale = seen.length, <const float *> seen.data, seen.stride, NULL
    if scale is None:
        return x, None
    if not (look(scale, b"f", 1, &seen) and seen.length == inputs.batch and seen.stride == 1):
        scale = as_companion("scale", scale, (inputs.batch,), np.float32)
        look(scale, b"f", 1, &seen)
    inputs.scale = <const float *> seen.data
    return x, scale


cdef object room(tuple shape, object dtype):
    """Return a fresh array."""
    try:
        return empty(shape, dtype)
    except (MemoryError, ValueError) as error:
        raise too_large("x: what it gives,", shape) from error


cdef void *place(object array, char kind, int ndim) except? NULL:
    """Return where a fresh array stands."""
    cdef plain_array seen
    look(array, kind, ndim, &seen)
    return seen.data


def abs_max_scales(x, float least, float cap, float most):
    """See `values.abs_max_scales`."""
    cdef vectors_in inputs
    cdef int fits
    inputs.rows = x.shape[1]
    x, _ = take_inputs(x, None, &inputs)
    scales = room((inputs.batch,), float32)
    cdef float *scale = <float *> place(scales, b"f", 1)
    with nogil:
        fits = aimcsim_abs_max_scales(&inputs, least, cap, most, scale)
    return scales if fits else None


cdef level_range range_of(levels) except *:
    cdef level_range found
    found.low, found.high, found.floors = levels.low, levels.high, levels.floors
    return found


cdef const float *floats(const float[::1] values) except? NULL:
    return &values[0]


cdef const float *panels(const float[:, :, :, ::1] values) except? NULL:
    return &values[0, 0, 0, 0]


cdef row_driver driver_of(levels) except *:
    cdef row_driver found
    found.levels = range_of(levels)
    found.gain, found.shift, found.step, found.origin = (
        levels.gain[0], levels.shift[0], levels.step[0], levels.origin[0]
    )
    return found


cdef column_converter converter_of(levels) except *:
    cdef column_converter found
    found.levels = range_of(levels)
    found.gain, found.shift = floats(levels.gain), floats(levels.shift)
    found.step, found.origin = floats(levels.step), floats(levels.origin)
    return found


cdef class ConvertedProduct:
    """See `values.converted_product`."""

    cdef readonly object parts
    cdef int isa
    cdef converted_product call
    cdef row_driver driver
    cdef column_converter converter

    def __init__(self, int isa, parts):
        self.parts, self.isa = parts, isa
        self.call.inputs.rows, self.call.cols = parts.rows, parts.cols
        self.call.panels, self.call.w = parts.weights.shape[1], panels(parts.weights)
        self.call.driver, self.call.converter, self.call.variance = NULL, NULL, NULL
        self.call.floor = floats(parts.floor)
        if parts.driver is not None:
            self.driver = driver_of(parts.driver)
            self.call.driver = &self.driver
        if parts.converter is not None:
            self.converter = converter_of(parts.converter)
            self.call.converter = &self.converter
        if parts.variance is not None:
            self.call.variance = panels(parts.variance)

    def outputs(self, x, scale=None, normal=None):
        """See `values.Product`."""
        return self.compute(x, scale, normal, False)

    def conversions(self, x, scale=None, normal=None):
        """See `values.Product`."""
        if self.call.converter == NULL:
            raise InputError("conversions: a product without converters has no codes")
        return self.compute(x, scale, normal, True)

    cdef object compute(self, x, scale, normal, bint codes_too):
        cdef converted_product call = self.call
        cdef plain_array seen
        x, scale = take_inputs(x, scale, &call.inputs)
        cdef Py_ssize_t batch = call.inputs.batch
        if call.variance == NULL:
            if normal is not None:
                raise InputError("normal: this product has no noise")
        else:
            normal = as_companion("normal", normal, (batch, call.cols), np.float64)
            look(normal, b"d", 2, &seen)
            call.normal = <const double *> seen.data
        out = room((batch, call.cols), float32)
        codes = room((batch, call.cols), int32) if codes_too else None
        clipped = empty(batch, int32) if codes_too else None
        call.out = <float *> place(out, b"f", 2)
        call.codes = <int32_t *> place(codes, b"i", 2) if codes_too else NULL
        call.clipped = <int32_t *> place(clipped, b"i", 1) if codes_too else NULL
        cdef Py_ssize_t odd = self.run(&call) if batch > 0 else -1
        if odd >= 0:
            raise odd_vector(x, scale, odd)
        return Conversions(out, codes, clipped) if codes_too else out

    cdef Py_ssize_t run(self, converted_product *call) except -2:
        cdef Py_ssize_t chunk = min(call.inputs.batch, <Py_ssize_t> AIMCSIM_CHUNK), odd
        cdef Py_ssize_t drives = chunk * call.inputs.rows
        cdef bint noisy = call.variance != NULL
        call.drive = <float *> malloc(((2 if noisy else 1) * drives + (chunk * call.cols if noisy else 0)) * sizeof(float))
        if call.drive == NULL:
            raise MemoryError
        call.square = call.drive + drives
        call.spread = call.square + drives
        with nogil:
            odd = aimcsim_convert_product(self.isa, call)
        free(call.drive)
        return odd


cdef class SlicedProduct:
    """See `values.sliced_product`."""

    cdef readonly object parts
    cdef int isa
    cdef sliced_product call

    def __init__(self, int isa, parts):
        cdef const int32_t[:, ::1] planes = parts.planes
        cdef const int32_t[::1] weights = parts.weights
        cdef const double[:, ::1] factors = parts.factors
        cdef const double[::1] constants = parts.constants
        cdef const uint8_t[:, :, ::1] digits = parts.digits
        cdef const uint8_t[:, :, :, ::1] dots = parts.dots
        self.parts, self.isa = parts, isa
        self.call.inputs.rows = self.call.array.rows = parts.rows
        self.call.cells, self.call.outputs, self.call.phases = parts.cells, parts.outputs, weights.shape[0]
        self.call.driver, self.call.converter = driver_of(parts.driver), converter_of(parts.converter)
        self.call.array.channels, self.call.array.planes = 2, planes.shape[0]
        self.call.array.plane = <const input_plane *> &planes[0, 0]
        self.call.array.digit_max, self.call.bias = parts.digit_max, parts.bias
        self.call.weight, self.call.factor, self.call.constant = &weights[0], &factors[0, 0], &constants[0]
        self.call.array.digits, self.call.dots, self.call.state = NULL, NULL, NULL
        if parts.digits is not None:
            self.call.array.digits, self.call.array.width = &digits[0, 0, 0], digits.shape[0] * digits.shape[2]
        elif parts.dots is not None:
            self.call.dots, self.call.array.width = &dots[0, 0, 0, 0], dots.shape[0] * dots.shape[2]
        else:
            self.call.state, self.call.array.width = panels(parts.state), parts.state.shape[1] * parts.state.shape[3]

    def outputs(self, x, scale=None, normal=None):
        """See `values.Product`."""
        return self.compute(x, scale, normal, False)

    def conversions(self, x, scale=None, normal=None):
        """See `values.Product`."""
        return self.compute(x, scale, normal, True)

    cdef object compute(self, x, scale, normal, bint codes_too):
        cdef sliced_product call = self.call
        if normal is not None:
            raise InputError("normal: this product has no noise")
        x, scale = take_inputs(x, scale, &call.inputs)
        cdef Py_ssize_t batch = call.inputs.batch
        out = room((batch, call.outputs), float32)
        codes = room((batch, call.phases, call.cells * call.outputs), int32) if codes_too else None
        clipped = empty(batch, int32) if codes_too else None
        call.out = <float *> place(out, b"f", 2)
        call.codes = <int32_t *> place(codes, b"i", 3) if codes_too else NULL
        call.clipped = <int32_t *> place(clipped, b"i", 1) if codes_too else NULL
        cdef Py_ssize_t odd = self.run(&call) if batch > 0 else -1
        if odd >= 0:
            raise odd_vector(x, scale, odd)
        return Conversions(out, codes, clipped) if codes_too else out

    cdef Py_ssize_t run(self, sliced_product *call) except -2:
        cdef Py_ssize_t rows = call.inputs.rows, lists = max(call.array.planes, call.phases), odd
        # From wide elements to narrow ones, so that each part is aligned.
        cdef Py_ssize_t words = call.array.width + lists + rows + call.phases * rows
        cdef char *scratch = <char *> malloc(call.outputs * 8 + words * 4 + (2 + lists) * rows * 2)
        if scratch == NULL:
            raise MemoryError
        call.total = <double *> scratch
        call.accumulator = <int32_t *> (call.total + call.outputs)
        call.array.count = call.accumulator + call.array.width
        call.level = <float *> (call.array.count + lists)
        call.drive = call.level + rows
        call.levels = <uint16_t *> (call.drive + call.phases * rows)
        call.array.driven = call.levels + 2 * rows
        with nogil:
            odd = aimcsim_slice_product(self.isa, call)
        free(scratch)
        return odd
