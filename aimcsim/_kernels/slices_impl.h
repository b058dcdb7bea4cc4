/* The product read in slices and phases for one instruction set; values.c includes this file once for each.
 *
 * Needs digits_impl.h, levels_impl.h, PANELS and DOTS (whether there are dot products of bytes, see dots_impl.h).
 * a. Integer state: sums of digits over driven rows, exact; digits of either sign stand above a bias, which is taken off
 *    again for each driven row.
 * b. Real state: one float32 accumulator per column, rows ascending, multiply then add. Rows that are not driven would
 *    add zero, which changes no sum, so only the others are visited.
 * c. An addition takes several cycles, so PHASES phases are summed side by side. Their lists of driven rows are padded
 *    with undriven ones to one length.
 */
#define PHASES 4

/* Levels of vector `b` as magnitudes of either sign, one channel each. */
static int NAME(channels_of)(const sliced_product *p, ptrdiff_t b)
{
    const ptrdiff_t rows = p->in.rows;
    if (!NAME(scale_vector)(&p->in, b, p->level))
        return 0;
    NAME(levels_of)(&p->driver, rows, p->level);
    for (ptrdiff_t k = 0; k < rows; k++) {
        const int32_t level = (int32_t)p->level[k];
        p->levels[k] = (uint16_t)(level > 0 ? level : 0);
        p->levels[rows + k] = (uint16_t)(level < 0 ? -level : 0);
    }
    return 1;
}

/* The driven rows of each phase and what drives them, ascending; returns the length of the longest list, to which the
 * others are padded. */
static ptrdiff_t NAME(list_drives)(const sliced_product *p)
{
    const digit_array *a = &p->array;
    const ptrdiff_t rows = p->in.rows;
    ptrdiff_t longest = 0, i = 0;
    for (ptrdiff_t phase = 0; phase < p->phases; phase++) {
        memset(p->level, 0, (size_t)rows * sizeof *p->level);
        for (; i < a->planes && a->plane[i].phase == phase; i++) {
            const uint16_t *level = p->levels + a->plane[i].channel * rows;
            const int bit = a->plane[i].bit;
            const float scale = (float)a->plane[i].scale;
            for (ptrdiff_t k = 0; k < rows; k++)
                p->level[k] += (float)(level[k] >> bit & 1) * scale;
        }
        uint16_t *driven = a->driven + phase * rows;
        float *drive = p->drive + phase * rows;
        ptrdiff_t count = 0;
        for (ptrdiff_t k = 0; k < rows; k++) {
            driven[count] = (uint16_t)k;
            drive[count] = p->level[k];
            count += p->level[k] != 0.0f;
        }
        a->count[phase] = (int32_t)count;
        longest = count > longest ? count : longest;
    }
    for (ptrdiff_t phase = 0; phase < p->phases; phase++)
        for (ptrdiff_t k = a->count[phase]; k < longest; k++) {
            a->driven[phase * rows + k] = 0;
            p->drive[phase * rows + k] = 0.0f;
        }
    return longest;
}

/* Column sums of `phases` phases (a constant at every call) from `phase` on, for one panel of 32 columns. */
INLINE void NAME(sum_state)(const sliced_product *p, const float *state, ptrdiff_t phase, int phases, ptrdiff_t count,
                            float (*sums)[AIMCSIM_FLOAT_PANEL])
{
    enum { VECTORS = AIMCSIM_FLOAT_PANEL / LANES };
    const uint16_t *driven = p->array.driven + phase * p->in.rows;
    const float *drive = p->drive + phase * p->in.rows;
    for (int v = 0; v < VECTORS; v += SUM_VECTORS) {
        NAME(floats) sum[PHASES][SUM_VECTORS];
        for (int f = 0; f < phases; f++)
            for (int j = 0; j < SUM_VECTORS; j++)
                sum[f][j] = (NAME(floats)){0};
        for (ptrdiff_t i = 0; i < count; i++)
            for (int f = 0; f < phases; f++) {
                const float *row = state + driven[f * p->in.rows + i] * AIMCSIM_FLOAT_PANEL + v * LANES;
                for (int j = 0; j < SUM_VECTORS; j++)
                    sum[f][j] += drive[f * p->in.rows + i] * *(const NAME(floats) *)(row + j * LANES);
            }
        for (int f = 0; f < phases; f++)
            for (int j = 0; j < SUM_VECTORS; j++)
                *(NAME(floats) *)(sums[f] + (v + j) * LANES) = sum[f][j];
    }
}

/* Converts the sums of one phase and adds codes times `weight` to the columns' accumulators; returns how many clip. */
INLINE int32_t NAME(convert_sums)(const sliced_product *p, ptrdiff_t first, int columns, int32_t weight,
                                  const float *sums, int32_t *codes)
{
    const column_converter *c = &p->converter;
    const float low = c->levels.low, high = c->levels.high, down = c->levels.floors ? 1.0f : 0.0f;
    const float *gain = c->gain + first, *shift = c->shift + first;
    int32_t *accumulator = p->accumulator + first, clipped = 0;
    for (int n = 0; n < columns; n++) {
        float level = NAME(round_level)(sums[n] * gain[n] + shift[n], low, high, down);
        clipped += (level < low) | (level > high);
        codes[n] = (int32_t)NAME(clip_level)(level, low, high);
        accumulator[n] += codes[n] * weight;
    }
    return clipped;
}

/* One phase of `columns` columns (a constant at every call) from `first` on, from sums to accumulators. */
INLINE void NAME(finish_phase)(const sliced_product *p, ptrdiff_t b, ptrdiff_t phase, ptrdiff_t first, int columns,
                               const float *sums)
{
    int32_t codes[PANELS * AIMCSIM_PANEL];
    const ptrdiff_t converted = p->cells * p->outputs;
    const ptrdiff_t there = converted - first < columns ? converted - first : columns;
    const int32_t weight = p->weight[phase];
    const int32_t clipped = there == columns ? NAME(convert_sums)(p, first, columns, weight, sums, codes)
                                             : NAME(convert_sums)(p, first, (int)there, weight, sums, codes);
    if (p->clipped)
        p->clipped[b] += clipped;
    if (p->codes)
        memcpy(p->codes + (b * p->phases + phase) * converted + first, codes, (size_t)there * sizeof *codes);
}

/* All phases of `panels` digit panels (a constant at every call) from column `first` on. */
INLINE void NAME(read_digits)(const sliced_product *p, ptrdiff_t b, ptrdiff_t first, int panels)
{
    const digit_array *a = &p->array;
    const int columns = panels * AIMCSIM_PANEL;
    ptrdiff_t i = 0;
    for (ptrdiff_t phase = 0; phase < p->phases; phase++) {
        int32_t whole[PANELS * AIMCSIM_PANEL] __attribute__((aligned(64))) = {0};
        float sums[PANELS * AIMCSIM_PANEL] __attribute__((aligned(64)));
        int32_t net = 0;
        for (; i < a->planes && a->plane[i].phase == phase; i++) {
            NAME(add_plane)(a, i, first, panels, whole);
            net += a->plane[i].scale * a->count[i];
        }
        for (int n = 0; n < columns; n++)
            sums[n] = (float)(whole[n] - net * p->bias);
        NAME(finish_phase)(p, b, phase, first, columns, sums);
    }
    assert(i == a->planes); /* else a plane names no phase, or planes are not in order */
}

/* All phases of one panel of real state. */
static void NAME(read_state)(const sliced_product *p, ptrdiff_t b, ptrdiff_t first, ptrdiff_t count)
{
    const float *state = p->state + first * p->in.rows;
    for (ptrdiff_t phase = 0; phase < p->phases; phase += PHASES) {
        float sums[PHASES][AIMCSIM_FLOAT_PANEL] __attribute__((aligned(64)));
        const ptrdiff_t phases = p->phases - phase < PHASES ? p->phases - phase : PHASES;
        switch (phases) {
        case 1: NAME(sum_state)(p, state, phase, 1, count, sums); break;
        case 2: NAME(sum_state)(p, state, phase, 2, count, sums); break;
        case 3: NAME(sum_state)(p, state, phase, 3, count, sums); break;
        default: NAME(sum_state)(p, state, phase, PHASES, count, sums);
        }
        for (ptrdiff_t f = 0; f < phases; f++)
            NAME(finish_phase)(p, b, phase + f, first, AIMCSIM_FLOAT_PANEL, sums[f]);
    }
}

/* Slices of each output put together. */
static void NAME(combine_cells)(const sliced_product *p, ptrdiff_t b)
{
    const float scale = p->in.scale ? p->in.scale[b] : 1.0f;
    memcpy(p->total, p->constant, (size_t)p->outputs * sizeof *p->total);
    for (ptrdiff_t cell = 0; cell < p->cells; cell++) {
        const double *factor = p->factor + cell * p->outputs;
        const int32_t *accumulator = p->accumulator + cell * p->outputs;
        for (ptrdiff_t n = 0; n < p->outputs; n++)
            p->total[n] += factor[n] * accumulator[n];
    }
    for (ptrdiff_t n = 0; n < p->outputs; n++)
        p->out[b * p->outputs + n] = (float)p->total[n] * scale;
}

#if DOTS
#pragma GCC push_options
#pragma GCC target("avx512vnni")
#include "dots_impl.h"
#pragma GCC pop_options
#endif

static void NAME(read_vector)(const sliced_product *p, ptrdiff_t b)
{
    const digit_array *a = &p->array;
#if DOTS
    if (p->dots) {
        NAME(read_vector_by_dots)(p, b);
        return;
    }
#endif
    if (p->state) {
        const ptrdiff_t count = NAME(list_drives)(p);
        for (ptrdiff_t first = 0; first < p->cells * p->outputs; first += AIMCSIM_FLOAT_PANEL)
            NAME(read_state)(p, b, first, count);
        return;
    }
    NAME(list_driven_rows)(a, p->levels);
    ptrdiff_t first = 0;
    for (; first + PANELS * AIMCSIM_PANEL <= a->width; first += PANELS * AIMCSIM_PANEL)
        NAME(read_digits)(p, b, first, PANELS);
    if (first < a->width)
        NAME(read_digits)(p, b, first, 1);
}

static ptrdiff_t NAME(slice_product)(const sliced_product *p)
{
    assert(p->array.width >= p->cells * p->outputs && p->in.rows == p->array.rows && p->in.rows < 65536);
    for (ptrdiff_t b = 0; b < p->in.batch; b++) {
        if (!NAME(channels_of)(p, b))
            return b;
        memset(p->accumulator, 0, (size_t)p->array.width * sizeof *p->accumulator);
        if (p->clipped)
            p->clipped[b] = 0;
        NAME(read_vector)(p, b);
        NAME(combine_cells)(p, b);
    }
    return -1;
}

#undef PHASES
