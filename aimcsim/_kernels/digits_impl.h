/* Sums of cell digits over driven rows for one instruction set. Needs vectors_impl.h and PANELS (64-column panels summed
 * together).
 *
 * a. A phase's column sum is a sum of digits over driven rows, so only rows with a set input bit are visited; levels of
 *    several bits are summed one bit plane at a time and scaled. No multiplication stands in the inner loop.
 * b. Digits are summed as bytes, 64 columns in one 64-byte panel, for as many rows as cannot overflow a byte
 *    (255 / digit_max); then split into even and odd bytes and added as 16-bit numbers for as many rows as cannot
 *    overflow those (65535 / digit_max); then split again into 32 bits.
 * c. Splitting twice deals byte 4 l + q of a panel to lane l of result q. Digits are packed so that this byte is
 *    column 16 q + l, whatever the vector width: no shuffle is needed and the packing is the same everywhere.
 * d. A panel's rows follow one another, so that a panel stays in the nearest cache while its phases are read.
 */

/* The rows each plane drives, without a branch on the data: every row is written, only driven ones advance. */
static void NAME(list_driven_rows)(const digit_array *a, const uint16_t *levels)
{
    for (ptrdiff_t i = 0; i < a->planes; i++) {
        const uint16_t *level = levels + a->plane[i].channel * a->rows;
        uint16_t *driven = a->driven + i * a->rows;
        int bit = a->plane[i].bit;
        ptrdiff_t count = 0;
        for (ptrdiff_t k = 0; k < a->rows; k++) {
            driven[count] = (uint16_t)k;
            count += (level[k] >> bit) & 1;
        }
        a->count[i] = (int32_t)count;
    }
}

/* Adds scale * (digits of the driven rows) to the sums of `panels` panels (a constant at every call). */
INLINE void NAME(add_rows)(const digit_array *a, const uint8_t *digits, const uint16_t *driven, ptrdiff_t count,
                           int32_t scale, int panels, int32_t *sums)
{
    const ptrdiff_t panel = a->rows * AIMCSIM_PANEL;
    const ptrdiff_t rows8 = 255 / a->digit_max, rows16 = 65535 / a->digit_max;
    const NAME(halves) low_byte = (NAME(halves)){0} + 0xFF;
    const NAME(words) low_half = (NAME(words)){0} + 0xFFFF;
    ptrdiff_t i = 0;
    while (i < count) {
        NAME(halves) even[PANELS * PARTS], odd[PANELS * PARTS];
        for (int v = 0; v < panels * PARTS; v++)
            even[v] = odd[v] = (NAME(halves)){0};
        const ptrdiff_t end16 = count - i < rows16 ? count : i + rows16;
        while (i < end16) {
            NAME(bytes) sum[PANELS * PARTS];
            for (int v = 0; v < panels * PARTS; v++)
                sum[v] = (NAME(bytes)){0};
            const ptrdiff_t end8 = end16 - i < rows8 ? end16 : i + rows8;
            for (; i < end8; i++) {
                const uint8_t *row = digits + driven[i] * AIMCSIM_PANEL;
                for (int v = 0; v < panels * PARTS; v++)
                    sum[v] += *(const NAME(bytes) *)(row + v / PARTS * panel + v % PARTS * VECTOR_BYTES);
            }
            for (int v = 0; v < panels * PARTS; v++) {
                even[v] += (NAME(halves))sum[v] & low_byte;
                odd[v] += (NAME(halves))sum[v] >> 8;
            }
        }
        for (int v = 0; v < panels * PARTS; v++) {
            NAME(words) part[4] = {(NAME(words))even[v] & low_half, (NAME(words))odd[v] & low_half,
                                   (NAME(words))even[v] >> 16, (NAME(words))odd[v] >> 16};
            int32_t *to = sums + v / PARTS * AIMCSIM_PANEL + v % PARTS * LANES;
            for (int q = 0; q < 4; q++)
                *(NAME(ints) *)(to + q * 16) += (NAME(ints))part[q] * scale;
        }
    }
}

/* Adds what plane `i` drives to the sums of `panels` panels from column `first` on. */
INLINE void NAME(add_plane)(const digit_array *a, ptrdiff_t i, ptrdiff_t first, int panels, int32_t *sums)
{
    NAME(add_rows)(a, a->digits + first * a->rows, a->driven + i * a->rows, a->count[i], a->plane[i].scale, panels, sums);
}
