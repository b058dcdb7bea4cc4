/* Random numbers for one instruction set; normals.c includes this file once for each.
 *
 * Needs NAME(x), VECTOR_BYTES, MULTIPLY(a, b) (product of the lower halves of 64-bit lanes) and SQUARE_ROOT(x).
 * Readable twin: normals_twin.py.
 *
 * Design
 * a. Every lane is 64 bits wide: one 32-bit word of Philox4x32-10 [Salmon11] or one double. The upper halves of words
 *    hold what is left of products; MULTIPLY does not look at them, and they are cut off at the end.
 * b. A counter gives two elements. Sixteen counters make a group of 32 elements, first halves before second halves, so
 *    that results are stored in order at every vector width up to sixteen lanes and need no shuffle.
 * c. Only additions, multiplications, divisions and square roots of doubles, each rounded once: all instruction sets
 *    and the twin agree bit for bit. Logarithm, sine and cosine are Taylor sums on reduced arguments; what they leave
 *    out is below a quarter of a unit in the last place.
 */
typedef uint64_t NAME(words) __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
typedef double NAME(reals) __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define LANES (VECTOR_BYTES / 8)
#define BITS(x) ((NAME(words))(x))
#define REAL(x) ((NAME(reals))(x))

/* Doubles (0, 1): the middles of 2^52 intervals, from the upper 52 bits. */
INLINE NAME(reals) NAME(unit_interval)(NAME(words) bits)
{
    return REAL(bits >> 12 | ONE_BITS) - 1.0 + HALF_STEP;
}

/* Two times 64 random bits for each lane's counter. */
INLINE void NAME(philox)(const stream_fill *f, NAME(words) counter, NAME(words) *first, NAME(words) *second)
{
    const NAME(words) zero = {0}, multiplier0 = zero + 0xD2511F53u, multiplier1 = zero + 0xCD9E8D57u;
    uint32_t key0 = f->key[0], key1 = f->key[1];
    NAME(words) x0 = counter, x1 = counter >> 32, x2 = zero + f->stream[0], x3 = zero + f->stream[1];
    for (int round = 0; round < 10; round++) {
        NAME(words) p0 = MULTIPLY(x0, multiplier0), p1 = MULTIPLY(x2, multiplier1);
        x0 = p1 >> 32 ^ x1 ^ (zero + key0);
        x2 = p0 >> 32 ^ x3 ^ (zero + key1);
        x1 = p1;
        x3 = p0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    *first = (x0 & LOW_WORD) | x1 << 32;
    *second = (x2 & LOW_WORD) | x3 << 32;
}

/* Natural logarithm of x in (0, 1): x = 2^e m with m in [sqrt 1/2, sqrt 2), log m = 2 artanh s, s = (m - 1) / (m + 1). */
INLINE NAME(reals) NAME(logarithm)(NAME(reals) x)
{
    NAME(words) biased = (BITS(x) + (ONE_BITS - ROOT_HALF_BITS)) >> 52;
    NAME(reals) e = REAL(biased | TWO52_BITS) - (TWO52 + 1023.0);
    NAME(reals) m = REAL(BITS(x) - (biased << 52) + ONE_BITS);
    NAME(reals) s = (m - 1.0) / (m + 1.0), z = s * s;
    /* Two sums over every other power: one would wait for itself twice as long. */
    NAME(reals) y = z * z, even = y * (2.0 / 21) + 2.0 / 17, odd = y * (2.0 / 19) + 2.0 / 15;
    even = even * y + 2.0 / 13;
    odd = odd * y + 2.0 / 11;
    even = even * y + 2.0 / 9;
    odd = odd * y + 2.0 / 7;
    even = even * y + 2.0 / 5;
    odd = odd * y + 2.0 / 3;
    even = even * y + 2.0;
    return e * LN2 + s * (z * odd + even);
}

/* Sine and cosine of x in [-pi/4, pi/4]. */
INLINE void NAME(sine_cosine)(NAME(reals) x, NAME(reals) *sine, NAME(reals) *cosine)
{
    NAME(reals) z = x * x;
    NAME(reals) odd = z * (-1.0 / 1307674368000) + 1.0 / 6227020800;
    odd = odd * z - 1.0 / 39916800;
    odd = odd * z + 1.0 / 362880;
    odd = odd * z - 1.0 / 5040;
    odd = odd * z + 1.0 / 120;
    odd = odd * z - 1.0 / 6;
    *sine = x + x * (z * odd);
    NAME(reals) even = z * (1.0 / 20922789888000) - 1.0 / 87178291200;
    even = even * z + 1.0 / 479001600;
    even = even * z - 1.0 / 3628800;
    even = even * z + 1.0 / 40320;
    even = even * z - 1.0 / 720;
    even = even * z + 1.0 / 24;
    even = even * z - 0.5;
    *cosine = z * even + 1.0;
}

/* Two normals from two times 64 bits [BoxMuller58]: the upper two bits of `turn` are the quadrant. */
INLINE void NAME(box_muller)(NAME(words) bits, NAME(words) turn, double *first, double *second)
{
    NAME(reals) radius = SQUARE_ROOT(NAME(logarithm)(NAME(unit_interval)(bits)) * -2.0);
    NAME(reals) angle = (REAL(turn << 2 >> 12 | ONE_BITS) - 1.5 + HALF_STEP) * HALF_PI, sine, cosine;
    NAME(sine_cosine)(angle, &sine, &cosine);
    NAME(words) swap = -(turn >> 62 & 1);
    NAME(words) across = (BITS(cosine) & ~swap) | (BITS(sine) & swap);
    NAME(words) up = (BITS(sine) & ~swap) | (BITS(cosine) & swap);
    *(NAME(reals) *)first = radius * REAL(across ^ ((turn ^ turn << 1) & SIGN_BIT));
    *(NAME(reals) *)second = radius * REAL(up ^ (turn & SIGN_BIT));
}

/* The 32 elements of one group; `normal` is a constant at every call. */
INLINE void NAME(group)(const stream_fill *f, uint64_t number, double *out, int normal)
{
    NAME(words) lane;
    for (int l = 0; l < LANES; l++)
        lane[l] = (uint64_t)l;
    NAME(words) first[AIMCSIM_COUNTERS / LANES], second[AIMCSIM_COUNTERS / LANES];
    for (int v = 0; v < AIMCSIM_COUNTERS / LANES; v++)
        NAME(philox)(f, lane + (number * AIMCSIM_COUNTERS + (uint64_t)(v * LANES)), first + v, second + v);
    for (int v = 0; v < AIMCSIM_COUNTERS / LANES; v++) {
        double *to = out + v * LANES;
        if (normal) {
            NAME(box_muller)(first[v], second[v], to, to + AIMCSIM_COUNTERS);
        } else {
            *(NAME(reals) *)to = NAME(unit_interval)(first[v]);
            *(NAME(reals) *)(to + AIMCSIM_COUNTERS) = NAME(unit_interval)(second[v]);
        }
    }
}

/* `count` elements from `index` on: whole groups in place, the ends of others and what is added by way of a copy. */
INLINE void NAME(fill_row)(const stream_fill *f, uint64_t index, double *out, int normal, int add)
{
    ptrdiff_t left = f->count;
    while (left > 0) {
        const ptrdiff_t skip = (ptrdiff_t)(index % AIMCSIM_GROUP);
        const ptrdiff_t room = AIMCSIM_GROUP - skip, taken = left < room ? left : room;
        if (taken == AIMCSIM_GROUP && !add) {
            NAME(group)(f, index / AIMCSIM_GROUP, out, normal);
        } else {
            double whole[AIMCSIM_GROUP];
            NAME(group)(f, index / AIMCSIM_GROUP, whole, normal);
            if (add)
                for (ptrdiff_t i = 0; i < taken; i++)
                    out[i] += f->scale * whole[skip + i];
            else
                memcpy(out, whole + skip, (size_t)taken * sizeof *out);
        }
        index += (uint64_t)taken;
        out += taken;
        left -= taken;
    }
}

static void NAME(fill_uniforms)(const stream_fill *f)
{
    for (ptrdiff_t row = 0; row < f->rows; row++)
        NAME(fill_row)(f, f->start[row], f->out + row * f->count, 0, 0);
}

static void NAME(fill_normals)(const stream_fill *f)
{
    for (ptrdiff_t row = 0; row < f->rows; row++)
        NAME(fill_row)(f, f->start[row], f->out + row * f->count, 1, 0);
}

static void NAME(add_normals)(const stream_fill *f)
{
    for (ptrdiff_t row = 0; row < f->rows; row++)
        NAME(fill_row)(f, f->start[row], f->out + row * f->count, 1, 1);
}

#undef INLINE
#undef LANES
#undef BITS
#undef REAL
