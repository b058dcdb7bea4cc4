/* Compiles the array kernels once per instruction set and hands each call to the one asked for.
 *
 * Both kernels are plain vector extensions, so the baseline is whatever the platform's compiler makes of 16-byte vectors.
 */
#include "array.h"

#include <assert.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the packed digit layout assumes a little-endian processor"
#endif

#define NAME(x) x##_baseline
#define VECTOR_BYTES 16
#define PANELS 2
#define BATCH_ROWS 4
#define BATCH_VECTORS 2
#define LONE_VECTORS 8
#include "vectors_impl.h"
#include "product_impl.h"
#include "digits_impl.h"
#include "array_impl.h"
#undef NAME
#undef VECTOR_BYTES
#undef PANELS
#undef BATCH_ROWS
#undef BATCH_VECTORS
#undef LONE_VECTORS

#if AIMCSIM_X86
#pragma GCC push_options
#pragma GCC target("avx2")
#define NAME(x) x##_avx2
#define VECTOR_BYTES 32
#define PANELS 2
#define BATCH_ROWS 6
#define BATCH_VECTORS 2
#define LONE_VECTORS 8
#include "vectors_impl.h"
#include "product_impl.h"
#include "digits_impl.h"
#include "array_impl.h"
#undef NAME
#undef VECTOR_BYTES
#undef PANELS
#undef BATCH_ROWS
#undef BATCH_VECTORS
#undef LONE_VECTORS
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,prefer-vector-width=512")
#define NAME(x) x##_avx512
#define VECTOR_BYTES 64
#define PANELS 2
#define BATCH_ROWS 6
#define BATCH_VECTORS 4
#define LONE_VECTORS 8
#include "vectors_impl.h"
#include "product_impl.h"
#include "digits_impl.h"
#include "array_impl.h"
#undef NAME
#undef VECTOR_BYTES
#undef PANELS
#undef BATCH_ROWS
#undef BATCH_VECTORS
#undef LONE_VECTORS
#pragma GCC pop_options
#endif

const char *aimcsim_isa_name(int isa)
{
#if AIMCSIM_X86
    __builtin_cpu_init();
    if (isa == AIMCSIM_BASELINE)
        return "sse2";
    if (isa == AIMCSIM_AVX2 && __builtin_cpu_supports("avx2"))
        return "avx2";
    if (isa == AIMCSIM_AVX512 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return "avx512";
    return NULL;
#else
    return isa == AIMCSIM_BASELINE ? "baseline" : NULL;
#endif
}

void aimcsim_mvm_f32(int isa, const float_product *product)
{
    AIMCSIM_CALL(isa, mvm_f32, product);
}

void aimcsim_read_columns(int isa, const column_read *read)
{
    AIMCSIM_CALL(isa, read_columns, read);
}
