/* Column sums of integer state by dot products of four bytes, for an instruction set that has them (AVX-512 VNNI).
 *
 * Part of slices_impl.h. An instruction multiplies four digits (unsigned) of each of 16 columns by the drives (signed) of
 * their rows and adds the products to 32-bit sums: exact, and as fast for inputs with many bits as for inputs with few.
 * Digits stand as [width / 16][quads][16][4], a quad being four rows; drives as [phases][4 * quads].
 */
#define DOT_PHASES 8 /* phases whose sums are in registers together */
enum { NAME(dot_columns) = 2 * LANES };

/* What drives the rows in each phase, and the sum of it over the rows. */
static void NAME(write_drives)(const sliced_product *p, int8_t *drives)
{
    const digit_array *a = &p->array;
    const ptrdiff_t rows = a->rows, padded = (rows + 3) / 4 * 4;
    memset(drives, 0, (size_t)(p->phases * padded));
    memset(a->count, 0, (size_t)p->phases * sizeof *a->count);
    for (ptrdiff_t i = 0; i < a->planes; i++) {
        const uint16_t *level = p->levels + a->plane[i].channel * rows;
        const int32_t bit = a->plane[i].bit, scale = a->plane[i].scale, phase = a->plane[i].phase;
        int8_t *drive = drives + phase * padded;
        int32_t set = 0;
        for (ptrdiff_t k = 0; k < rows; k++) {
            const int32_t on = level[k] >> bit & 1;
            drive[k] = (int8_t)(drive[k] + on * scale);
            set += on;
        }
        a->count[phase] += set * scale;
    }
}

/* Sums of `phases` phases (a constant at every call) for two vectors of columns. */
INLINE void NAME(add_dots)(const sliced_product *p, const uint8_t *digits, const int8_t *drive, int phases,
                           int32_t (*sums)[NAME(dot_columns)])
{
    const ptrdiff_t quads = (p->array.rows + 3) / 4;
    __m512i sum[DOT_PHASES][2];
    for (int f = 0; f < phases; f++)
        sum[f][0] = sum[f][1] = _mm512_setzero_si512();
    for (ptrdiff_t q = 0; q < quads; q++) {
        const __m512i left = _mm512_loadu_si512(digits + q * 64);
        const __m512i right = _mm512_loadu_si512(digits + (quads + q) * 64);
        for (int f = 0; f < phases; f++) {
            int32_t four;
            memcpy(&four, drive + (f * quads + q) * 4, sizeof four);
            const __m512i driven = _mm512_set1_epi32(four);
            sum[f][0] = _mm512_dpbusd_epi32(sum[f][0], left, driven);
            sum[f][1] = _mm512_dpbusd_epi32(sum[f][1], right, driven);
        }
    }
    for (int f = 0; f < phases; f++) {
        _mm512_storeu_si512(sums[f], sum[f][0]);
        _mm512_storeu_si512(sums[f] + LANES, sum[f][1]);
    }
}

/* All phases of two vectors of columns from column `first` on. */
static void NAME(read_dots)(const sliced_product *p, ptrdiff_t b, ptrdiff_t first, const int8_t *drives)
{
    const ptrdiff_t padded = (p->array.rows + 3) / 4 * 4;
    const uint8_t *digits = p->dots + first * padded;
    for (ptrdiff_t phase = 0; phase < p->phases; phase += DOT_PHASES) {
        int32_t whole[DOT_PHASES][NAME(dot_columns)] __attribute__((aligned(64)));
        const ptrdiff_t left = p->phases - phase, phases = left < DOT_PHASES ? left : DOT_PHASES;
        const int8_t *drive = drives + phase * padded;
        switch (phases) {
        case 1: NAME(add_dots)(p, digits, drive, 1, whole); break;
        case 2: NAME(add_dots)(p, digits, drive, 2, whole); break;
        case 3: NAME(add_dots)(p, digits, drive, 3, whole); break;
        case 4: NAME(add_dots)(p, digits, drive, 4, whole); break;
        case 5: NAME(add_dots)(p, digits, drive, 5, whole); break;
        case 6: NAME(add_dots)(p, digits, drive, 6, whole); break;
        case 7: NAME(add_dots)(p, digits, drive, 7, whole); break;
        default: NAME(add_dots)(p, digits, drive, DOT_PHASES, whole);
        }
        for (ptrdiff_t f = 0; f < phases; f++) {
            float sums[NAME(dot_columns)] __attribute__((aligned(64)));
            const int32_t below = p->array.count[phase + f] * p->bias;
            for (int n = 0; n < NAME(dot_columns); n++)
                sums[n] = (float)(whole[f][n] - below);
            NAME(finish_phase)(p, b, phase + f, first, NAME(dot_columns), sums);
        }
    }
}

static void NAME(read_vector_by_dots)(const sliced_product *p, ptrdiff_t b)
{
    int8_t *drives = (int8_t *)p->drive; /* as many bytes as floats of it, and more */
    NAME(write_drives)(p, drives);
    for (ptrdiff_t first = 0; first < p->cells * p->outputs; first += NAME(dot_columns))
        NAME(read_dots)(p, b, first, drives);
}

#undef DOT_PHASES
