/* Uniform and normal random numbers from counters; the work is in normals_impl.h, the readable twin is normals_twin.py. */
#ifndef AIMCSIM_NORMALS_H
#define AIMCSIM_NORMALS_H

#include <stddef.h>
#include <stdint.h>

#include "array.h" /* the numbers of the instruction sets */

enum {
    AIMCSIM_COUNTERS = 16,                /* Philox counters that one group of elements takes */
    AIMCSIM_GROUP = 2 * AIMCSIM_COUNTERS, /* elements in a group: two to a counter */
};

typedef struct {
    uint32_t key[2], stream[2]; /* key and upper counter words: what the elements depend on besides their index */
    ptrdiff_t rows, count;
    const uint64_t *start; /* [rows]: index of the first element of each row */
    double *out;           /* [rows, count] */
    double scale;          /* of what aimcsim_add_normals adds */
} stream_fill;

void aimcsim_fill_uniforms(int isa, const stream_fill *fill);
void aimcsim_fill_normals(int isa, const stream_fill *fill);
void aimcsim_add_normals(int isa, const stream_fill *fill); /* out += scale * normal */

#endif
