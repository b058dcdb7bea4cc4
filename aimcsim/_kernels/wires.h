/* The elimination kernel behind _wires.pyx: the effective conductances of an array with resistive lines.
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

#endif
