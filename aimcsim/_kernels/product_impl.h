/* The float product for one instruction set: one accumulator per output, k ascending, multiply then add.
 *
 * Needs vectors_impl.h, BATCH_ROWS by BATCH_VECTORS (batch vectors and column vectors whose sums are in registers
 * together) and LONE_VECTORS (column vectors for a batch vector by itself, enough to hide the latency of an addition). Readable twin: array_twin.mvm_f32.
 *
 * Batch vectors are taken AIMCSIM_CHUNK at a time, so that their inputs stay in a near cache while the columns pass.
 */

/* `mr` batch vectors by `nr` column vectors; both are constants at every call, so the accumulators are registers. */
INLINE void NAME(mvm_tile)(const float_product *p, const float *x, const float *w, float *out, ptrdiff_t cols,
                           int mr, int nr)
{
    const ptrdiff_t panel = p->rows * AIMCSIM_FLOAT_PANEL;
    NAME(floats) sum[BATCH_ROWS][LONE_VECTORS];
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nr; j++)
            sum[i][j] = (NAME(floats)){0};
    for (ptrdiff_t k = 0; k < p->rows; k++) {
        NAME(floats) weight[LONE_VECTORS];
        for (int j = 0; j < nr; j++)
            weight[j] = *(const NAME(floats) *)(w + j * LANES / AIMCSIM_FLOAT_PANEL * panel + k * AIMCSIM_FLOAT_PANEL
                                                + j * LANES % AIMCSIM_FLOAT_PANEL);
        for (int i = 0; i < mr; i++) {
            float drive = x[i * p->x_batch + k];
            for (int j = 0; j < nr; j++)
                sum[i][j] += drive * weight[j];
        }
    }
    for (int i = 0; i < mr; i++) {
        for (int j = 0; j < nr; j++) {
            float *to = out + i * p->groups * p->cols + j * LANES;
            const ptrdiff_t left = cols - j * LANES;
            NAME(floats) last = sum[i][j];
            if (left >= LANES)
                *(NAME(floats) *)to = last;
            else if (left > 0)
                memcpy(to, &last, (size_t)left * sizeof(float));
        }
    }
}

/* Columns from `n` on, `nr` vectors of them, for `batch` batch vectors that are taken `mr` at a time. */
INLINE void NAME(mvm_strip)(const float_product *p, ptrdiff_t g, ptrdiff_t first, ptrdiff_t batch, ptrdiff_t n, int mr,
                            int nr)
{
    const float *w = p->w + (g * p->panels + n / AIMCSIM_FLOAT_PANEL) * p->rows * AIMCSIM_FLOAT_PANEL
                     + n % AIMCSIM_FLOAT_PANEL;
    for (ptrdiff_t b = first; b < first + batch; b += mr)
        NAME(mvm_tile)(p, p->x + b * p->x_batch + g * p->x_group, w, p->out + (b * p->groups + g) * p->cols + n,
                       p->cols - n, mr, nr);
}

/* All columns of group g for `batch` batch vectors, a multiple of `mr`. Wide strips may end in a padded panel. */
INLINE void NAME(mvm_rows)(const float_product *p, ptrdiff_t g, ptrdiff_t first, ptrdiff_t batch, int mr, int nr)
{
    const ptrdiff_t stored = p->panels * AIMCSIM_FLOAT_PANEL;
    ptrdiff_t n = 0;
    for (; n + nr * LANES <= stored && n < p->cols; n += nr * LANES)
        NAME(mvm_strip)(p, g, first, batch, n, mr, nr);
    for (; n + LANES < p->cols; n += 2 * LANES)
        NAME(mvm_strip)(p, g, first, batch, n, mr, 2);
    if (n < p->cols)
        NAME(mvm_strip)(p, g, first, batch, n, mr, 1);
}

static void NAME(mvm_f32)(const float_product *p)
{
    for (ptrdiff_t first = 0; first < p->batch; first += AIMCSIM_CHUNK) {
        const ptrdiff_t batch = p->batch - first < AIMCSIM_CHUNK ? p->batch - first : AIMCSIM_CHUNK;
        const ptrdiff_t many = batch / BATCH_ROWS * BATCH_ROWS, some = (batch - many) / 4 * 4;
        for (ptrdiff_t g = 0; g < p->groups; g++) {
            NAME(mvm_rows)(p, g, first, many, BATCH_ROWS, BATCH_VECTORS);
            if (BATCH_ROWS > 4)
                NAME(mvm_rows)(p, g, first + many, some, 4, BATCH_VECTORS);
            const ptrdiff_t done = BATCH_ROWS > 4 ? many + some : many;
            for (ptrdiff_t b = first + done; b < first + batch; b++)
                NAME(mvm_rows)(p, g, b, 1, 1, LONE_VECTORS);
        }
    }
}
