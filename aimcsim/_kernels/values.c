/* Compiles the kernels of analog values once per instruction set and hands each call to the one asked for. */
#include "values.h"

#include <assert.h>
#include <string.h>

#if AIMCSIM_X86
#include <immintrin.h>
#endif

#define ROUND_AT 12582912.0f /* 1.5 * 2^23: the last bit of a float32 counts 1 there, on either side */
#define PANELS 2
#define LONE_VECTORS 8

#define NAME(x) x##_baseline
#define VECTOR_BYTES 16
#define BATCH_ROWS 4
#define BATCH_VECTORS 2
#define SUM_VECTORS 2
#define DOTS 0
#include "values_isa.h"

#if AIMCSIM_X86
#pragma GCC push_options
#pragma GCC target("avx2")
#define NAME(x) x##_avx2
#define VECTOR_BYTES 32
#define BATCH_ROWS 6
#define BATCH_VECTORS 2
#define SUM_VECTORS 2
#define DOTS 0
#include "values_isa.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,prefer-vector-width=512")
#define NAME(x) x##_avx512
#define VECTOR_BYTES 64
#define BATCH_ROWS 6
#define BATCH_VECTORS 4
#define SUM_VECTORS 2
#define DOTS 1
#include "values_isa.h"
#pragma GCC pop_options
#endif

int aimcsim_abs_max_scales(const vectors_in *in, float least, float cap, float most, float *scale)
{
    int fits = 1;
    for (ptrdiff_t b = 0; b < in->batch; b++) {
        const float *x = in->x + b * in->x_batch;
        int32_t bits = 0; /* magnitudes are ordered as their bits are, and what is no number is above all of them */
        for (ptrdiff_t k = 0; k < in->rows; k++) {
            int32_t one;
            memcpy(&one, x + k, sizeof one);
            one &= INT32_MAX;
            bits = one > bits ? one : bits;
        }
        float largest;
        memcpy(&largest, &bits, sizeof bits);
        fits &= largest <= most;
        largest = largest < cap ? largest : cap;
        scale[b] = largest <= least ? 1.0f : largest;
    }
    return fits;
}

int aimcsim_has_dots(int isa)
{
#if AIMCSIM_X86
    __builtin_cpu_init();
    return isa == AIMCSIM_AVX512 && __builtin_cpu_supports("avx512vnni");
#else
    (void)isa;
    return 0;
#endif
}

ptrdiff_t aimcsim_convert_product(int isa, const converted_product *product)
{
    return AIMCSIM_CALL(isa, convert_product, product);
}

ptrdiff_t aimcsim_slice_product(int isa, const sliced_product *product)
{
    return AIMCSIM_CALL(isa, slice_product, product);
}
