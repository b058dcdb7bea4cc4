/* The kernels of analog values behind _values.pyx: a product between converters, and a read in slices and phases.
 *
 * values.c compiles them once per instruction set and calls the one asked for; all give the same bits. Nothing here
 * allocates: the caller owns every pointer and has checked every shape and bound. Readable twin: values_twin.py.
 */
#ifndef AIMCSIM_VALUES_H
#define AIMCSIM_VALUES_H

#include "array.h"

/* Levels low..high, whole numbers below 2^22; a value v is at level round(v * gain + shift), clipped.
 * Half-way values go to the even level, or, with `floors`, every value to the level below it. */
typedef struct {
    float low, high;
    int32_t floors;
} level_range;

/* Row drivers: x -> level * step + origin. */
typedef struct {
    level_range levels;
    float gain, shift, step, origin;
} row_driver;

/* Converters, one per column: code = level of the column's sum, value = code * step + origin. */
typedef struct {
    level_range levels;
    const float *gain, *shift, *step, *origin; /* [columns] */
} column_converter;

/* Vectors as they come: x / scale goes in and outputs are multiplied by scale. */
typedef struct {
    ptrdiff_t batch, rows;
    const float *x;     /* IN  [batch][rows], last axis contiguous */
    ptrdiff_t x_batch;  /* stride in floats */
    const float *scale; /* IN  [batch], or NULL for 1 */
} vectors_in;

/* out = converter(sum over k of w * driver(x / scale) + spread * normal) * scale, with
 * spread^2 = floor + sum over k of variance * driver(x / scale)^2. */
typedef struct {
    vectors_in in;
    ptrdiff_t cols, panels;
    const row_driver *driver;          /* NULL: values are driven as they are */
    const float *w;                    /* IN  [panels][rows][32] */
    const float *variance;             /* IN  [panels][rows][32], or NULL: no noise */
    const float *floor;                /* IN  [cols] */
    const double *normal;              /* IN  [batch][cols] */
    const column_converter *converter; /* NULL: sums are passed on */
    float *drive;                      /* SCRATCH [AIMCSIM_CHUNK][rows] */
    float *square;                     /* SCRATCH [AIMCSIM_CHUNK][rows], with noise */
    float *spread;                     /* SCRATCH [AIMCSIM_CHUNK][cols], with noise */
    float *out;                        /* OUT [batch][cols] */
    int32_t *codes;                    /* OUT [batch][cols], or NULL */
    int32_t *clipped;                  /* OUT [batch]: columns beyond the levels, or NULL */
} converted_product;

/* For each phase, each column's sum of (drive * state) -> code; codes * weight of the phase add up to an integer per
 * column; out = (constant + sum over cells of factor * that) * scale. */
typedef struct {
    vectors_in in;
    digit_array array;          /* planes name channel 0 for levels above 0, channel 1 for those below */
    const uint8_t *dots;        /* IN  [width / 16][ceil(rows / 4)][16][4] in place of the array's digits, or NULL */
    const float *state;         /* IN  [width / 32][rows][32] in place of digits, or NULL: integer state */
    int32_t bias;               /* what a digit stands above its value */
    ptrdiff_t phases, cells, outputs; /* columns are cell-major: cell * outputs + output */
    row_driver driver;
    column_converter converter; /* its columns are padded to `width` */
    const int32_t *weight;      /* IN  [phases] */
    const double *factor;       /* IN  [cells][outputs] */
    const double *constant;     /* IN  [outputs] */
    float *level;               /* SCRATCH [rows] */
    uint16_t *levels;           /* SCRATCH [2][rows] */
    float *drive;               /* SCRATCH [phases][rows]; driven is [phases][rows] too with real state */
    int32_t *accumulator;       /* SCRATCH [width] */
    double *total;              /* SCRATCH [outputs] */
    float *out;                 /* OUT [batch][outputs] */
    int32_t *codes;             /* OUT [batch][phases][cells * outputs], or NULL */
    int32_t *clipped;           /* OUT [batch]: conversions beyond the levels, or NULL */
} sliced_product;

/* Fill scale [batch] with the largest magnitude of every vector, but `cap` at most, and 1 where that is at most `least`.
 * Return whether all of the largest ones are numbers up to `most`. */
int aimcsim_abs_max_scales(const vectors_in *in, float least, float cap, float most, float *scale);

/* Return -1, or the first vector that is not finite or whose scale is not a positive number. */
int aimcsim_has_dots(int isa); /* whether this processor can take `dots` with this instruction set */
ptrdiff_t aimcsim_convert_product(int isa, const converted_product *product);
ptrdiff_t aimcsim_slice_product(int isa, const sliced_product *product);

#endif
