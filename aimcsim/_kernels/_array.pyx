# cython: language_level=3
"""Float products and sliced integer reads of analog arrays: a thin door to array.c.

Design
    a. Shapes, bounds and overflow are checked once, in dispatch.py and reads.py; nothing here checks them again.
    b. The work is C (product_impl.h, digits_impl.h, array_impl.h), compiled once per instruction set; `isa` chooses among them per call.
    c. Every output has one accumulator and a fixed order of additions, so all instruction sets, batch splits and
       the twin agree bit for bit.
Inputs, shapes, dtypes
    mvm_f32        x float32 [B, G, K] (last axis contiguous), w float32 [G, ceil(N / 32), K, 32],
                   out float32 [B, G, N]
    read_columns   levels uint16 [B, channels, K], digits uint8 [ceil(cells * N / 64), K, 64] packed by packing.py,
                   planes int32 [P, 4] (phase, channel, bit, scale), gains int64 [phases], factors int64 [cells, N],
                   out int64 [B, N], codes int32 [B, phases, cells * N] or None
Ownership
    The caller owns all arrays. Scratch is three small arrays made and dropped in `read_columns`.
GIL
    Released around both C calls; no shared state, so calls may run side by side on different outputs.
Complexity
    mvm_f32 B G K N multiplications; read_columns B P K (list the driven rows) + B (set input bits) cells N / 64
    byte-vector additions + B phases cells N conversions.
Twin
    array_twin.py, same names and arguments without `isa`.
"""

from cython.view cimport array as cvarray
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t


cdef extern from "array.h" nogil:
    const int AIMCSIM_ISAS

    ctypedef struct float_product:
        Py_ssize_t batch, groups, rows, cols, panels
        const float *x
        Py_ssize_t x_batch, x_group
        const float *w
        float *out

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

    ctypedef struct column_read:
        digit_array array
        Py_ssize_t batch, phases, cells, outputs
        const uint16_t *levels
        const int64_t *gain
        const int64_t *factor
        int32_t step, low, high
        int32_t wide
        int64_t *accumulator
        int64_t *out
        int32_t *codes

    const char *aimcsim_isa_name(int isa)
    void aimcsim_mvm_f32(int isa, const float_product *product)
    void aimcsim_read_columns(int isa, const column_read *read)


def isa_names():
    """Return the name of each instruction set, weakest first; None for what this build or this processor lacks."""
    names = []
    cdef const char *name
    for isa in range(AIMCSIM_ISAS):
        name = aimcsim_isa_name(isa)
        names.append(None if name == NULL else name.decode())
    return names


def mvm_f32(
    int isa,
    const float[:, :, :] x,         # IN
    const float[:, :, :, ::1] w,    # IN
    float[:, :, ::1] out,           # OUT
):
    """Write the product of `x` and `w` to `out`."""
    cdef float_product p
    if out.shape[0] == 0 or out.shape[1] == 0 or out.shape[2] == 0:
        return
    p.batch, p.groups, p.rows, p.cols = out.shape[0], out.shape[1], w.shape[2], out.shape[2]
    p.x, p.w, p.out = &x[0, 0, 0], &w[0, 0, 0, 0], &out[0, 0, 0]
    p.x_batch, p.x_group = x.strides[0] // <Py_ssize_t> sizeof(float), x.strides[1] // <Py_ssize_t> sizeof(float)
    p.panels = w.shape[1]
    with nogil:
        aimcsim_mvm_f32(isa, &p)


def read_columns(
    int isa,
    const uint16_t[:, :, ::1] levels,   # IN
    const uint8_t[:, :, ::1] digits,    # IN
    const int32_t[:, ::1] planes,       # IN
    const int64_t[::1] gains,           # IN
    const int64_t[:, ::1] factors,      # IN
    converter,                          # IN: (step, low, high)
    int digit_max,                      # IN
    bint wide,                          # IN
    int64_t[:, ::1] out,                # OUT
    int32_t[:, :, ::1] codes,           # OUT, may be None
):
    """Write the recombined converter values to `out` and, if wished, every code to `codes`."""
    cdef column_read r
    if levels.shape[0] == 0:
        return
    r.batch, r.array.channels, r.array.rows = levels.shape[0], levels.shape[1], levels.shape[2]
    r.phases, r.array.planes = gains.shape[0], planes.shape[0]
    r.cells, r.outputs, r.array.width = factors.shape[0], factors.shape[1], digits.shape[0] * 64
    r.step, r.low, r.high = converter
    r.array.digit_max, r.wide = digit_max, wide
    cdef uint16_t[:, ::1] driven = cvarray((r.array.planes, r.array.rows), sizeof(uint16_t), "H")
    cdef int32_t[::1] count = cvarray((r.array.planes,), sizeof(int32_t), "i")
    cdef int64_t[::1] accumulator = cvarray((r.array.width,), sizeof(int64_t), "q")
    r.levels = &levels[0, 0, 0]
    r.array.digits, r.array.plane = &digits[0, 0, 0], <const input_plane *> &planes[0, 0]
    r.gain, r.factor = &gains[0], &factors[0, 0]
    r.array.driven, r.array.count, r.accumulator = &driven[0, 0], &count[0], &accumulator[0]
    r.out = &out[0, 0]
    r.codes = NULL if codes is None else &codes[0, 0, 0]
    with nogil:
        aimcsim_read_columns(isa, &r)
