/* The two array kernels behind _array.pyx: a float product and a sliced, phase-by-phase integer read.
 *
 * array.c compiles them once per instruction set and calls the one asked for; all give the same bits.
 * Nothing here allocates: the caller owns every pointer and has checked every shape and bound.
 */
#ifndef AIMCSIM_ARRAY_H
#define AIMCSIM_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#define AIMCSIM_PANEL 64       /* columns handled together; digits and accumulators are padded to it */
#define AIMCSIM_CHUNK 96       /* batch vectors of a float product that go through all columns together */
#define AIMCSIM_FLOAT_PANEL 32 /* float columns stored together; weights are padded to it */

enum { AIMCSIM_BASELINE, AIMCSIM_AVX2, AIMCSIM_AVX512, AIMCSIM_ISAS };

/* Only GCC on x86-64 gets more than the baseline: the target pragma is GCC's. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define AIMCSIM_X86 1
#else
#define AIMCSIM_X86 0
#endif

/* Calls `kernel` as it was compiled for instruction set `isa`. */
#if AIMCSIM_X86
#define AIMCSIM_CALL(isa, kernel, ...) \
    ((isa) == AIMCSIM_AVX512 ? kernel##_avx512(__VA_ARGS__) \
     : (isa) == AIMCSIM_AVX2 ? kernel##_avx2(__VA_ARGS__) \
                             : kernel##_baseline(__VA_ARGS__))
#else
#define AIMCSIM_CALL(isa, kernel, ...) ((void)(isa), kernel##_baseline(__VA_ARGS__))
#endif

/* out[b][g][n] = sum over k ascending of x[b][g][k] * w[g][k][n], multiply then add, one accumulator per output. */
typedef struct {
    ptrdiff_t batch, groups, rows, cols, panels; /* panels = ceil(cols / 32) */
    const float *x;                      /* IN  [batch][groups][rows], last axis contiguous */
    ptrdiff_t x_batch, x_group;          /* strides in floats */
    const float *w;                      /* IN  [groups][panels][rows][32] */
    float *out;                          /* OUT [batch][groups][cols], contiguous */
} float_product;

/* One input bit plane: the rows whose level in `channel` has `bit` set are driven with `scale` in `phase`. */
typedef struct {
    int32_t phase, channel, bit, scale;
} input_plane;

/* Cell digits and the planes that drive them. */
typedef struct {
    ptrdiff_t channels, rows, planes;
    const uint8_t *digits;      /* IN  [width / 64][rows][64], packed (see packing.py) */
    ptrdiff_t width;            /* columns, padded to a multiple of 64 */
    const input_plane *plane;   /* IN  [planes], ordered by phase */
    int32_t digit_max;          /* largest digit, 1..255 */
    uint16_t *driven;           /* SCRATCH [planes][rows]: the driven rows of each plane, ascending */
    int32_t *count;             /* SCRATCH [planes]: how many they are */
} digit_array;

/* For each phase: column sums -> converter codes -> code * gain[phase] into the column's accumulator;
 * then out[b][n] = sum over cells of factor[cell][n] * accumulator[cell * outputs + n]. */
typedef struct {
    digit_array array;          /* its columns are cell-major: cell * outputs + output */
    ptrdiff_t batch, phases, cells, outputs;
    const uint16_t *levels;     /* IN  [batch][channels][rows] */
    const int64_t *gain;        /* IN  [phases], phase weight * converter step */
    const int64_t *factor;      /* IN  [cells][outputs] */
    int32_t step, low, high;    /* converter: clamp(floor((sum + step / 2) / step), low, high) */
    int32_t wide;               /* 1: a column's accumulator may pass 31 bits */
    int64_t *accumulator;       /* SCRATCH [width] */
    int64_t *out;               /* OUT [batch][outputs] */
    int32_t *codes;             /* OUT [batch][phases][cells * outputs], or NULL */
} column_read;

const char *aimcsim_isa_name(int isa); /* NULL if this build or this processor lacks it */
void aimcsim_mvm_f32(int isa, const float_product *product);
void aimcsim_read_columns(int isa, const column_read *read);

#endif
