/* Levels of row drivers and converters for one instruction set. Needs vectors_impl.h.
 *
 * Plain loops, which the compiler turns into vectors: every lane does the same float32 operations in the same order.
 */

/* The level of `v` before it is clipped to the range: at most one level beyond it, so that rounding by the float32 whose
 * last bit counts 1 is exact. A NaN, which only sums beyond float32 can give, counts as below the range. */
INLINE float NAME(round_level)(float v, float low, float high, float down)
{
    v = v > low - 1.0f ? v : low - 1.0f;
    v = v < high + 1.0f ? v : high + 1.0f;
    const float nearest = (v + ROUND_AT) - ROUND_AT;
    return nearest - (nearest > v ? down : 0.0f);
}

INLINE float NAME(clip_level)(float level, float low, float high)
{
    level = level > low ? level : low;
    return level < high ? level : high;
}

/* Writes x / scale; returns whether all of it is finite and the scale a positive number. */
static int NAME(scale_vector)(const vectors_in *in, ptrdiff_t b, float *to)
{
    const float *x = in->x + b * in->x_batch;
    const float scale = in->scale ? in->scale[b] : 1.0f;
    uint32_t odd = 0;
    if (in->scale) {
        if (!(scale > 0.0f) || scale - scale != 0.0f)
            return 0;
        for (ptrdiff_t k = 0; k < in->rows; k++)
            to[k] = x[k] / scale;
    } else {
        memcpy(to, x, (size_t)in->rows * sizeof *to);
    }
    for (ptrdiff_t k = 0; k < in->rows; k++)
        odd |= to[k] - to[k] != 0.0f; /* NaN for infinity and NaN */
    return !odd;
}

/* Turns scaled inputs into levels in place. */
static void NAME(levels_of)(const row_driver *d, ptrdiff_t rows, float *x)
{
    const float low = d->levels.low, high = d->levels.high, down = d->levels.floors ? 1.0f : 0.0f;
    const float gain = d->gain, shift = d->shift;
    for (ptrdiff_t k = 0; k < rows; k++)
        x[k] = NAME(clip_level)(NAME(round_level)(x[k] * gain + shift, low, high, down), low, high);
}
