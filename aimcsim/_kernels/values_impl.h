/* The product between converters for one instruction set; values.c includes this file once for each.
 *
 * Needs product_impl.h and levels_impl.h. AIMCSIM_CHUNK vectors at a time: drive the rows, multiply, add the noise,
 * convert. No step looks at more than its own vector, so results do not depend on how a batch is cut.
 */

/* Writes what the rows are driven with for vectors first..first + count, and its squares where there is noise. */
static ptrdiff_t NAME(drive_rows)(const converted_product *p, ptrdiff_t first, ptrdiff_t count)
{
    const ptrdiff_t rows = p->in.rows;
    for (ptrdiff_t b = 0; b < count; b++) {
        float *drive = p->drive + b * rows;
        if (!NAME(scale_vector)(&p->in, first + b, drive))
            return first + b;
        if (p->driver) {
            const float step = p->driver->step, origin = p->driver->origin;
            NAME(levels_of)(p->driver, rows, drive);
            for (ptrdiff_t k = 0; k < rows; k++)
                drive[k] = drive[k] * step + origin;
        }
        for (ptrdiff_t k = 0; p->variance && k < rows; k++)
            p->square[b * rows + k] = drive[k] * drive[k];
    }
    return -1;
}

static void NAME(multiply)(const converted_product *p, ptrdiff_t count, const float *x, const float *w, float *out)
{
    float_product product = {.batch = count, .groups = 1, .rows = p->in.rows, .cols = p->cols, .panels = p->panels,
                             .x = x, .x_batch = p->in.rows, .x_group = 0, .w = w, .out = out};
    NAME(mvm_f32)(&product);
}

static void NAME(add_noise)(const converted_product *p, ptrdiff_t first, ptrdiff_t count)
{
    NAME(multiply)(p, count, p->square, p->variance, p->spread);
    for (ptrdiff_t b = 0; b < count; b++) {
        const float *variance = p->spread + b * p->cols, *floor = p->floor;
        const double *normal = p->normal + (first + b) * p->cols;
        float *out = p->out + (first + b) * p->cols;
        for (ptrdiff_t n = 0; n < p->cols; n++)
            out[n] += __builtin_sqrtf(variance[n] + floor[n]) * (float)normal[n];
    }
}

/* Turns the sums of vector `b` into values in place, keeping codes and counting what clips where asked to. */
static void NAME(convert_vector)(const converted_product *p, ptrdiff_t b)
{
    const column_converter *c = p->converter;
    const float low = c->levels.low, high = c->levels.high, down = c->levels.floors ? 1.0f : 0.0f;
    const float *gain = c->gain, *shift = c->shift, *step = c->step, *origin = c->origin;
    float *out = p->out + b * p->cols;
    if (!p->codes) {
        for (ptrdiff_t n = 0; n < p->cols; n++) {
            float level = NAME(round_level)(out[n] * gain[n] + shift[n], low, high, down);
            out[n] = NAME(clip_level)(level, low, high) * step[n] + origin[n];
        }
        return;
    }
    int32_t *codes = p->codes + b * p->cols, clipped = 0;
    for (ptrdiff_t n = 0; n < p->cols; n++) {
        float level = NAME(round_level)(out[n] * gain[n] + shift[n], low, high, down);
        clipped += (level < low) | (level > high);
        level = NAME(clip_level)(level, low, high);
        codes[n] = (int32_t)level;
        out[n] = level * step[n] + origin[n];
    }
    p->clipped[b] = clipped;
}

static ptrdiff_t NAME(convert_product)(const converted_product *p)
{
    assert(p->in.rows > 0 && p->panels * AIMCSIM_FLOAT_PANEL >= p->cols && !p->codes == !p->clipped);
    for (ptrdiff_t first = 0; first < p->in.batch; first += AIMCSIM_CHUNK) {
        const ptrdiff_t left = p->in.batch - first, count = left < AIMCSIM_CHUNK ? left : AIMCSIM_CHUNK;
        const ptrdiff_t odd = NAME(drive_rows)(p, first, count);
        if (odd >= 0)
            return odd;
        NAME(multiply)(p, count, p->drive, p->w, p->out + first * p->cols);
        if (p->variance)
            NAME(add_noise)(p, first, count);
        for (ptrdiff_t b = first; b < first + count; b++) {
            if (p->converter)
                NAME(convert_vector)(p, b);
            for (ptrdiff_t n = 0; p->in.scale && n < p->cols; n++)
                p->out[b * p->cols + n] *= p->in.scale[b];
        }
    }
    return -1;
}
