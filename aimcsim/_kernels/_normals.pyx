# cython: language_level=3
"""Uniform and normal random numbers from counters: a thin door to normals.c.

Design
    a. Shapes and ranges are checked once, in normals.py; nothing here checks them again.
    b. The work is C (normals_impl.h), compiled once per instruction set; `isa` chooses among them per call, numbered
       as `_array.isa_names` does.
    c. An element depends on the key, the stream and its index alone. There is no state.
Inputs, shapes, dtypes
    identity uint32 [4] (key, then upper counter words), start uint64 [rows], out float64 [rows, count]
Ownership
    The caller owns all arrays.
GIL
    Released around the C calls.
Complexity
    One Philox block for two elements; a row costs at most 62 elements more than it asks for.
Twin
    normals_twin.py, same names and arguments without `isa`.
"""

from libc.stdint cimport uint32_t, uint64_t


cdef extern from "normals.h" nogil:
    ctypedef struct stream_fill:
        uint32_t key[2]
        uint32_t stream[2]
        Py_ssize_t rows, count
        const uint64_t *start
        double *out
        double scale

    void aimcsim_fill_uniforms(int isa, const stream_fill *fill)
    void aimcsim_fill_normals(int isa, const stream_fill *fill)
    void aimcsim_add_normals(int isa, const stream_fill *fill)


ctypedef void (*filling)(int isa, const stream_fill *fill) noexcept nogil


cdef int fill(
    filling how, int isa, const uint32_t[::1] identity, const uint64_t[::1] start, double scale, double[:, ::1] out
) except -1:
    cdef stream_fill f
    if out.shape[0] == 0 or out.shape[1] == 0:
        return 0
    f.key[0], f.key[1], f.stream[0], f.stream[1] = identity[0], identity[1], identity[2], identity[3]
    f.rows, f.count = out.shape[0], out.shape[1]
    f.start, f.out, f.scale = &start[0], &out[0, 0], scale
    with nogil:
        how(isa, &f)
    return 0


def fill_uniforms(
    int isa,
    const uint32_t[::1] identity,   # IN
    const uint64_t[::1] start,      # IN
    double[:, ::1] out,             # OUT
):
    """Write uniform numbers in (0, 1) to `out`."""
    fill(aimcsim_fill_uniforms, isa, identity, start, 1.0, out)


def fill_normals(
    int isa,
    const uint32_t[::1] identity,   # IN
    const uint64_t[::1] start,      # IN
    double[:, ::1] out,             # OUT
):
    """Write standard normal numbers to `out`."""
    fill(aimcsim_fill_normals, isa, identity, start, 1.0, out)


def add_normals(
    int isa,
    const uint32_t[::1] identity,   # IN
    const uint64_t[::1] start,      # IN
    double scale,                   # IN
    double[:, ::1] out,             # IN and OUT
):
    """Add `scale` times standard normal numbers to `out`."""
    fill(aimcsim_add_normals, isa, identity, start, scale, out)
