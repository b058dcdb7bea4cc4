/* Compiles normals_impl.h once per instruction set and hands each call to the one asked for, as array.c does.
 *
 * [Salmon11]    J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011: Philox4x32 and its constants.
 * [BoxMuller58] G. Box and M. Muller, "A note on the generation of random normal deviates", Ann. Math. Stat. 29, 1958.
 */
#include "normals.h"

#include <math.h>
#include <string.h>

#if AIMCSIM_X86
#include <immintrin.h>
#endif

#define ONE_BITS 0x3FF0000000000000u       /* 1.0 */
#define ROOT_HALF_BITS 0x3FE6A09E667F3BCDu /* sqrt(1/2) */
#define TWO52_BITS 0x4330000000000000u     /* 2^52, whose last bit counts 1 */
#define TWO52 4503599627370496.0
#define HALF_STEP 0x1p-53 /* from the end of an interval of 2^-52 to its middle */
#define SIGN_BIT 0x8000000000000000u
#define LOW_WORD 0xFFFFFFFFu
#define LN2 0.6931471805599453
#define HALF_PI 1.5707963267948966

#if AIMCSIM_X86
#define MULTIPLY(a, b) ((words_baseline)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))
#define SQUARE_ROOT(x) ((reals_baseline)_mm_sqrt_pd((__m128d)(x)))
#else
#define MULTIPLY(a, b) (((a) & LOW_WORD) * ((b) & LOW_WORD))
#define SQUARE_ROOT(x) roots(x)
typedef double pair __attribute__((vector_size(16), aligned(8), may_alias));
static inline pair roots(pair x)
{
    return (pair){sqrt(x[0]), sqrt(x[1])};
}
#endif
#define NAME(x) x##_baseline
#define VECTOR_BYTES 16
#include "normals_impl.h"
#undef NAME
#undef VECTOR_BYTES
#undef MULTIPLY
#undef SQUARE_ROOT

#if AIMCSIM_X86
#pragma GCC push_options
#pragma GCC target("avx2")
#define NAME(x) x##_avx2
#define VECTOR_BYTES 32
#define MULTIPLY(a, b) ((words_avx2)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#define SQUARE_ROOT(x) ((reals_avx2)_mm256_sqrt_pd((__m256d)(x)))
#include "normals_impl.h"
#undef NAME
#undef VECTOR_BYTES
#undef MULTIPLY
#undef SQUARE_ROOT
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,prefer-vector-width=512")
#define NAME(x) x##_avx512
#define VECTOR_BYTES 64
#define MULTIPLY(a, b) ((words_avx512)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#define SQUARE_ROOT(x) ((reals_avx512)_mm512_sqrt_pd((__m512d)(x)))
#include "normals_impl.h"
#undef NAME
#undef VECTOR_BYTES
#undef MULTIPLY
#undef SQUARE_ROOT
#pragma GCC pop_options
#endif

void aimcsim_fill_uniforms(int isa, const stream_fill *fill)
{
    AIMCSIM_CALL(isa, fill_uniforms, fill);
}

void aimcsim_fill_normals(int isa, const stream_fill *fill)
{
    AIMCSIM_CALL(isa, fill_normals, fill);
}

void aimcsim_add_normals(int isa, const stream_fill *fill)
{
    AIMCSIM_CALL(isa, add_normals, fill);
}
