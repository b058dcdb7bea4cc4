/* The two array kernels for one instruction set; array.c includes this file once for each.
 *
 * Needs NAME(x), VECTOR_BYTES, PANELS (64-column panels summed together) and BATCH_ROWS (float vectors kept in
 * registers together). Readable twin: array_twin.py.
 *
 * Design of the integer read
 * a. A phase's column sum is a sum of digits over driven rows, so only rows with a set input bit are visited; levels of
 *    several bits are summed one bit plane at a time and scaled. No multiplication stands in the inner loop.
 * b. Digits are summed as bytes, 64 columns in one 64-byte panel, for as many rows as cannot overflow a byte
 *    (255 / digit_max); then split into even and odd bytes and added as 16-bit numbers for as many rows as cannot
 *    overflow those (65535 / digit_max); then split again into 32 bits.
 * c. Splitting twice deals byte 4 l + q of a panel to lane l of result q. Digits are packed so that this byte is
 *    column 16 q + l, whatever the vector width: no shuffle is needed and the packing is the same everywhere.
 * d. One input vector is finished for up to PANELS panels, all phases, before the next panels are touched, so a
 *    panel's digits come from the nearest cache after the first phase.
 */
typedef uint8_t NAME(bytes) __attribute__((vector_size(VECTOR_BYTES), aligned(1), may_alias));
typedef uint16_t NAME(halves) __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t NAME(words) __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t NAME(ints) __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef float NAME(floats) __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define LANES (VECTOR_BYTES / 4)
#define PARTS (AIMCSIM_PANEL / VECTOR_BYTES) /* vectors per panel */

/* ---- float product ---- */

/* `mr` batch vectors by `nr` column vectors; both are constants at every call, so the accumulators are registers. */
INLINE void NAME(mvm_tile)(const float_product *p, const float *x, const float *w, float *out, ptrdiff_t cols,
                           int mr, int nr)
{
    NAME(floats) sum[BATCH_ROWS][2];
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nr; j++)
            sum[i][j] = (NAME(floats)){0};
    for (ptrdiff_t k = 0; k < p->rows; k++) {
        NAME(floats) weight[2];
        for (int j = 0; j < nr; j++)
            weight[j] = *(const NAME(floats) *)(w + k * AIMCSIM_FLOAT_PANEL + j * LANES);
        for (int i = 0; i < mr; i++) {
            float drive = x[i * p->x_batch + k];
            for (int j = 0; j < nr; j++)
                sum[i][j] += drive * weight[j];
        }
    }
    for (int i = 0; i < mr; i++) {
        float *to = out + i * p->groups * p->cols;
        if (cols >= nr * LANES)
            memcpy(to, sum[i], (size_t)(nr * VECTOR_BYTES));
        else
            memcpy(to, sum[i], (size_t)cols * sizeof(float));
    }
}

/* One strip of columns for every batch vector of group g. */
INLINE void NAME(mvm_strip)(const float_product *p, ptrdiff_t g, ptrdiff_t n, int nr)
{
    const float *x = p->x + g * p->x_group;
    const float *w = p->w + (g * p->panels + n / AIMCSIM_FLOAT_PANEL) * p->rows * AIMCSIM_FLOAT_PANEL
                     + n % AIMCSIM_FLOAT_PANEL;
    float *out = p->out + g * p->cols + n;
    ptrdiff_t b = 0;
    for (; b + BATCH_ROWS <= p->batch; b += BATCH_ROWS)
        NAME(mvm_tile)(p, x + b * p->x_batch, w, out + b * p->groups * p->cols, p->cols - n, BATCH_ROWS, nr);
    for (; b < p->batch; b++)
        NAME(mvm_tile)(p, x + b * p->x_batch, w, out + b * p->groups * p->cols, p->cols - n, 1, nr);
}

static void NAME(mvm_f32)(const float_product *p)
{
    for (ptrdiff_t g = 0; g < p->groups; g++) {
        ptrdiff_t n = 0;
        for (; n + LANES < p->cols; n += 2 * LANES)
            NAME(mvm_strip)(p, g, n, 2);
        if (n < p->cols)
            NAME(mvm_strip)(p, g, n, 1);
    }
}

/* ---- sliced, phase-by-phase integer read ---- */

/* The rows each plane drives, without a branch on the data: every row is written, only driven ones advance. */
static void NAME(list_driven_rows)(const column_read *r, const uint16_t *levels)
{
    for (ptrdiff_t i = 0; i < r->planes; i++) {
        const uint16_t *level = levels + r->plane[i].channel * r->rows;
        uint16_t *driven = r->driven + i * r->rows;
        int bit = r->plane[i].bit;
        ptrdiff_t count = 0;
        for (ptrdiff_t k = 0; k < r->rows; k++) {
            driven[count] = (uint16_t)k;
            count += (level[k] >> bit) & 1;
        }
        r->count[i] = (int32_t)count;
    }
}

/* Adds scale * (digits of the driven rows) to the sums of `panels` panels (a constant at every call). */
INLINE void NAME(add_rows)(const column_read *r, const uint8_t *digits, const uint16_t *driven, ptrdiff_t count,
                           int32_t scale, int panels, int32_t *sums)
{
    const ptrdiff_t rows8 = 255 / r->digit_max, rows16 = 65535 / r->digit_max;
    const NAME(halves) low_byte = (NAME(halves)){0} + 0xFF;
    const NAME(words) low_half = (NAME(words)){0} + 0xFFFF;
    ptrdiff_t i = 0;
    while (i < count) {
        NAME(halves) even[PANELS * PARTS], odd[PANELS * PARTS];
        for (int v = 0; v < panels * PARTS; v++)
            even[v] = odd[v] = (NAME(halves)){0};
        const ptrdiff_t end16 = count - i < rows16 ? count : i + rows16;
        while (i < end16) {
            NAME(bytes) sum[PANELS * PARTS];
            for (int v = 0; v < panels * PARTS; v++)
                sum[v] = (NAME(bytes)){0};
            const ptrdiff_t end8 = end16 - i < rows8 ? end16 : i + rows8;
            for (; i < end8; i++) {
                const uint8_t *row = digits + driven[i] * r->width;
                for (int v = 0; v < panels * PARTS; v++)
                    sum[v] += *(const NAME(bytes) *)(row + v * VECTOR_BYTES);
            }
            for (int v = 0; v < panels * PARTS; v++) {
                even[v] += (NAME(halves))sum[v] & low_byte;
                odd[v] += (NAME(halves))sum[v] >> 8;
            }
        }
        for (int v = 0; v < panels * PARTS; v++) {
            NAME(words) part[4] = {(NAME(words))even[v] & low_half, (NAME(words))odd[v] & low_half,
                                   (NAME(words))even[v] >> 16, (NAME(words))odd[v] >> 16};
            int32_t *to = sums + v / PARTS * AIMCSIM_PANEL + v % PARTS * LANES;
            for (int q = 0; q < 4; q++)
                *(NAME(ints) *)(to + q * 16) += (NAME(ints))part[q] * scale;
        }
    }
}

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
    enum { MOST = PANELS * AIMCSIM_PANEL };
    const int columns = panels * AIMCSIM_PANEL;
    int32_t narrow[MOST] __attribute__((aligned(64))) = {0};
    int64_t wide[MOST] __attribute__((aligned(64))) = {0};
    ptrdiff_t i = 0;
    for (ptrdiff_t phase = 0; phase < r->phases; phase++) {
        int32_t sums[MOST] __attribute__((aligned(64)));
        memset(sums, 0, (size_t)columns * sizeof *sums);
        for (; i < r->planes && r->plane[i].phase == phase; i++)
            NAME(add_rows)(r, r->digits + first, r->driven + i * r->rows, r->count[i], r->plane[i].scale, panels, sums);
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
    assert(i == r->planes); /* else a plane names no phase, or planes are not in order */
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
    assert(r->width % AIMCSIM_PANEL == 0 && r->width >= r->cells * r->outputs);
    assert(r->step > 0 && r->digit_max > 0 && r->digit_max < 256 && r->rows < 65536);
    for (ptrdiff_t b = 0; b < r->batch; b++) {
        NAME(list_driven_rows)(r, r->levels + b * r->channels * r->rows);
        ptrdiff_t first = 0;
        for (; first + PANELS * AIMCSIM_PANEL <= r->width; first += PANELS * AIMCSIM_PANEL)
            NAME(read_panels)(r, b, first, PANELS);
        for (; first + 2 * AIMCSIM_PANEL <= r->width; first += 2 * AIMCSIM_PANEL)
            NAME(read_panels)(r, b, first, 2);
        if (first < r->width)
            NAME(read_panels)(r, b, first, 1);
        NAME(combine)(r, r->out + b * r->outputs);
    }
}

#undef INLINE
#undef LANES
#undef PARTS
