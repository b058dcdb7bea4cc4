/* Vector types of one instruction set, for the other _impl.h files. Needs NAME(x) and VECTOR_BYTES. */
typedef uint8_t NAME(bytes) __attribute__((vector_size(VECTOR_BYTES), aligned(1), may_alias));
typedef uint16_t NAME(halves) __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t NAME(words) __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t NAME(ints) __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef float NAME(floats) __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

#undef INLINE
#undef LANES
#undef PARTS
#define INLINE static inline __attribute__((always_inline))
#define LANES (VECTOR_BYTES / 4)
#define PARTS (AIMCSIM_PANEL / VECTOR_BYTES) /* byte vectors per panel */
