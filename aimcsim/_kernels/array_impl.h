/* The sliced, phase-by-phase integer read for one instruction set; array.c includes this file once for each.
 *
 * Needs digits_impl.h and PANELS. Readable twin: array_twin.read_columns. One input vector is finished for up to PANELS
 * panels, all phases, before the next panels are touched, so a panel's digits come from the nearest cache after the
 * first phase.
 */

/* Turns column sums into codes in place. */
INLINE void NAME(convert)(const column_read *r, int columns, int32_t *sums)
{
    const int32_t step = r->step, half = step / 2, low = r->low, high = r->high;
    if ((step & (step - 1)) == 0) {
        const int shift = __builtin_ctz((unsigned)step);
        for (int n = 0; n < columns; n++)
            sums[n] = (sums[n] + half) >> shift; /* arithmetic: rounds down for negative sums too */
    } else {
        /* The double quotient of two 31-bit integers never rounds up to the next integer, so truncation is exact. */
        const double divisor = step;
        for (int n = 0; n < columns; n++) {
            int32_t shifted = sums[n] + half;
            int32_t quotient = (int32_t)(shifted / divisor);
            sums[n] = quotient - (quotient * step > shifted);
        }
    }
    for (int n = 0; n < columns; n++) {
        int32_t code = sums[n] < low ? low : sums[n];
        sums[n] = code > high ? high : code;
    }
}

static void NAME(keep_codes)(const column_read *r, ptrdiff_t b, ptrdiff_t phase, ptrdiff_t first, int columns,
                             const int32_t *codes)
{
    const ptrdiff_t converted = r->cells * r->outputs;
    const ptrdiff_t kept = converted - first < columns ? converted - first : columns;
    memcpy(r->codes + (b * r->phases + phase) * converted + first, codes, (size_t)kept * sizeof *codes);
}

/* All phases of one input vector for `panels` panels (a constant at every call) from column `first` on. */
INLINE void NAME(read_panels)(const column_read *r, ptrdiff_t b, ptrdiff_t first, int panels)
{
    const digit_array *a = &r->array;
    enum { MOST = PANELS * AIMCSIM_PANEL };
    const int columns = panels * AIMCSIM_PANEL;
    int32_t narrow[MOST] __attribute__((aligned(64))) = {0};
    int64_t wide[MOST] __attribute__((aligned(64))) = {0};
    ptrdiff_t i = 0;
    for (ptrdiff_t phase = 0; phase < r->phases; phase++) {
        int32_t sums[MOST] __attribute__((aligned(64)));
        memset(sums, 0, (size_t)columns * sizeof *sums);
        for (; i < a->planes && a->plane[i].phase == phase; i++)
            NAME(add_plane)(a, i, first, panels, sums);
        NAME(convert)(r, columns, sums);
        if (r->codes)
            NAME(keep_codes)(r, b, phase, first, columns, sums);
        if (r->wide) {
            for (int n = 0; n < columns; n++)
                wide[n] += sums[n] * r->gain[phase];
        } else {
            const int32_t gain = (int32_t)r->gain[phase];
            for (int n = 0; n < columns; n++)
                narrow[n] += sums[n] * gain;
        }
    }
    assert(i == a->planes); /* else a plane names no phase, or planes are not in order */
    for (int n = 0; n < columns; n++)
        r->accumulator[first + n] = r->wide ? wide[n] : narrow[n];
}

/* Slices and signs of each output put together. */
static void NAME(combine)(const column_read *r, int64_t *out)
{
    memset(out, 0, (size_t)r->outputs * sizeof *out);
    for (ptrdiff_t cell = 0; cell < r->cells; cell++)
        for (ptrdiff_t n = 0; n < r->outputs; n++)
            out[n] += r->factor[cell * r->outputs + n] * r->accumulator[cell * r->outputs + n];
}

static void NAME(read_columns)(const column_read *r)
{
    const digit_array *a = &r->array;
    assert(a->width % AIMCSIM_PANEL == 0 && a->width >= r->cells * r->outputs);
    assert(r->step > 0 && a->digit_max > 0 && a->digit_max < 256 && a->rows < 65536);
    for (ptrdiff_t b = 0; b < r->batch; b++) {
        NAME(list_driven_rows)(a, r->levels + b * a->channels * a->rows);
        ptrdiff_t first = 0;
        for (; first + PANELS * AIMCSIM_PANEL <= a->width; first += PANELS * AIMCSIM_PANEL)
            NAME(read_panels)(r, b, first, PANELS);
        for (; first + 2 * AIMCSIM_PANEL <= a->width; first += 2 * AIMCSIM_PANEL)
            NAME(read_panels)(r, b, first, 2);
        if (first < a->width)
            NAME(read_panels)(r, b, first, 1);
        NAME(combine)(r, r->out + b * r->outputs);
    }
}
