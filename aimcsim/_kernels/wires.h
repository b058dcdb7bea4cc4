/* The kernels behind _wires.pyx: arrays with resistive lines, as a matrix and, where there is none, vector by vector.
 *
 * wires.c compiles wires_impl.h once per instruction set and calls the one asked for; all give the same bits.
 * Nothing here allocates: the caller owns every pointer and has checked every shape and value.
 */
#ifndef AIMCSIM_WIRES_H
#define AIMCSIM_WIRES_H

#include <stddef.h>

#define AIMCSIM_DEPTH 16 /* pivots applied together, and columns packed together; widths are multiples of it */

/* Input line i: source, `head` ohm, cell 0, `pitch` ohm, cell 1, ...; output line j: cell 0, below[0] ohm, cell 1, ...,
 * the last cell, below[inputs - 1] ohm, ground. */
typedef struct {
    ptrdiff_t inputs, outputs;
    const double *g;      /* IN  [inputs][outputs] siemens */
    double head, pitch;
    const double *below;  /* IN  [inputs] ohm */
    ptrdiff_t y_width, j_width;
    double *y;            /* IN zeros; SCRATCH [outputs][y_width], width at least outputs */
    double *j;            /* IN zeros; OUT [outputs][j_width], width at least 1 + inputs: column 1 + i of row j is the
                             effective conductance from input i to output j, column 0 their sum, once all lines are in */
    double *line;         /* SCRATCH [4][y_width] */
    double *column;       /* SCRATCH [16][y_width] */
    double *left;         /* SCRATCH [y_width][16] */
    double *right;        /* SCRATCH [y_width + j_width][16] */
} elimination;

/* Adds input line i and the segments below it; lines come in ascending order. */
void aimcsim_eliminate(int isa, const elimination *e, ptrdiff_t i);

/* Output lines with one or two supply rails beside them: where an input's bit is set, its cells join rail and line.
 * Conductances in siemens: supply to rail, along a rail, along an output line, from its last cell to ground. */
typedef struct {
    ptrdiff_t inputs, width; /* width: outputs, padded to a multiple of 16 */
    int supplies;
    const double *g;      /* IN  [supplies][inputs][width] siemens */
    const double *bits;   /* IN  [inputs], 0 or 1 */
    const double *volts;  /* IN  [supplies] */
    double head, rail, line, end;
    double *out;          /* OUT [width] ampere */
} supplied_read;

void aimcsim_read_supplied(int isa, const supplied_read *r);

#endif
