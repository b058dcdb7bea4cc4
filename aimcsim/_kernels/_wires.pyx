# cython: language_level=3
"""Arrays with resistive lines, as a matrix and, where there is none, vector by vector: a thin door to wires.c.

Design
    a. Shapes and values are checked once, in elimination.py; nothing here checks them again.
    b. The work is C (wires_impl.h), compiled once per instruction set; `isa` chooses among them per call.
    c. Every element has one order of operations, so all instruction sets and the twin agree bit for bit.
Inputs, shapes, dtypes
    eliminate      g float64 [inputs, outputs], below float64 [inputs], out float64 [outputs, inputs]
    read_supplied  g float64 [supplies, inputs, outputs padded to 16], bits float64 [batch, inputs], volts float64
                   [supplies], out float64 [batch, outputs padded to 16]
Ownership
    The caller owns all arrays. `eliminate` makes and drops about 8 (outputs + 35) (outputs + inputs) bytes of scratch.
GIL
    Released around the C calls, one for each input line, between which signals are heard; no shared state, so calls may run side by side on different outputs.
Complexity
    eliminate inputs outputs^2 (outputs + inputs) / 2 multiplications each followed by a subtraction; read_supplied some
    forty operations per cell and vector.
Twin
    wires_twin.py, same names and arguments without `isa`.
"""

from cpython.exc cimport PyErr_CheckSignals
from cython.view cimport array as cvarray


cdef extern from "wires.h" nogil:
    const int AIMCSIM_DEPTH

    ctypedef struct elimination:
        Py_ssize_t inputs, outputs
        const double *g
        double head, pitch
        const double *below
        Py_ssize_t y_width, j_width
        double *y
        double *j
        double *line
        double *column
        double *left
        double *right

    ctypedef struct supplied_read:
        Py_ssize_t inputs, width
        int supplies
        const double *g
        const double *bits
        const double *volts
        double head, rail, line, end
        double *out

    void aimcsim_read_supplied(int isa, const supplied_read *r)
    void aimcsim_eliminate(int isa, const elimination *e, Py_ssize_t i)


cdef Py_ssize_t padded(Py_ssize_t columns):
    """Return an odd multiple of 16 columns: rows of a power of two would all fall on the same cache lines."""
    return ((columns + AIMCSIM_DEPTH - 1) // AIMCSIM_DEPTH | 1) * AIMCSIM_DEPTH


cdef double[:, ::1] zeros(Py_ssize_t rows, Py_ssize_t columns):
    cdef double[:, ::1] made = cvarray((rows, columns), sizeof(double), "d")
    made[:, :] = 0.0
    return made


def eliminate(
    int isa,
    const double[:, ::1] g,     # IN
    double head,                # IN
    double pitch,               # IN
    const double[::1] below,    # IN
    double[:, ::1] out,         # OUT
):
    """Write the effective conductances to `out`."""
    cdef elimination e
    e.inputs, e.outputs = g.shape[0], g.shape[1]
    e.g, e.below, e.head, e.pitch = &g[0, 0], &below[0], head, pitch
    e.y_width, e.j_width = padded(e.outputs), padded(1 + e.inputs)
    cdef double[:, ::1] y = zeros(e.outputs, e.y_width), j = zeros(e.outputs, e.j_width)
    cdef double[:, ::1] line = zeros(4, e.y_width), column = zeros(AIMCSIM_DEPTH, e.y_width)
    cdef double[:, ::1] left = zeros(e.y_width, AIMCSIM_DEPTH), right = zeros(e.y_width + e.j_width, AIMCSIM_DEPTH)
    e.y, e.j, e.line, e.column = &y[0, 0], &j[0, 0], &line[0, 0], &column[0, 0]
    e.left, e.right = &left[0, 0], &right[0, 0]
    cdef Py_ssize_t i
    for i in range(e.inputs):
        with nogil:
            aimcsim_eliminate(isa, &e, i)
        PyErr_CheckSignals()  # big arrays take minutes
    out[:, :] = j[:, 1 : 1 + e.inputs]


def read_supplied(
    int isa,
    const double[:, :, ::1] g,      # IN
    const double[:, ::1] bits,      # IN
    const double[::1] volts,        # IN
    siemens,                        # IN: (head, rail, line, end)
    double[:, ::1] out,             # OUT
):
    """Write the output currents to `out`."""
    cdef supplied_read r
    cdef Py_ssize_t b
    r.supplies, r.inputs, r.width = g.shape[0], g.shape[1], g.shape[2]
    r.g, r.volts = &g[0, 0, 0], &volts[0]
    r.head, r.rail, r.line, r.end = siemens
    for b in range(bits.shape[0]):
        r.bits, r.out = &bits[b, 0], &out[b, 0]
        with nogil:
            aimcsim_read_supplied(isa, &r)
        PyErr_CheckSignals()
