/* What values.c compiles for one instruction set; it takes the parameters back afterwards. */
#include "vectors_impl.h"
#include "product_impl.h"
#include "digits_impl.h"
#include "levels_impl.h"
#include "values_impl.h"
#include "slices_impl.h"

#undef NAME
#undef VECTOR_BYTES
#undef BATCH_ROWS
#undef BATCH_VECTORS
#undef SUM_VECTORS
#undef DOTS
