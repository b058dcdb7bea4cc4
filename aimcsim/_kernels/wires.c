/* Compiles wires_impl.h once per instruction set and hands each call to the one asked for.
 *
 * The numbers of the instruction sets are those of array.h, whose extension says which of them this processor has.
 */
#include "wires.h"

#include "array.h"

#include <stddef.h>
#include <string.h>

#define NAME(x) x##_baseline
#define VECTOR_BYTES 16
#define ROWS 4
#include "wires_impl.h"
#undef NAME
#undef VECTOR_BYTES
#undef ROWS

#if AIMCSIM_X86
#pragma GCC push_options
#pragma GCC target("avx2")
#define NAME(x) x##_avx2
#define VECTOR_BYTES 32
#define ROWS 4
#include "wires_impl.h"
#undef NAME
#undef VECTOR_BYTES
#undef ROWS
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,prefer-vector-width=512")
#define NAME(x) x##_avx512
#define VECTOR_BYTES 64
#define ROWS 8
#include "wires_impl.h"
#undef NAME
#undef VECTOR_BYTES
#undef ROWS
#pragma GCC pop_options
#endif

void aimcsim_eliminate(int isa, const elimination *e, ptrdiff_t i)
{
    AIMCSIM_CALL(isa, eliminate, e, i);
}

void aimcsim_read_supplied(int isa, const supplied_read *r)
{
    AIMCSIM_CALL(isa, read_supplied, r);
}
