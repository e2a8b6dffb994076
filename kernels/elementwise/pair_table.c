/* Functions of two packed tensors by a table of all pairs of nibbles. */
#include "tc_elementwise.h"
#include "tc_fields.h"

/* Four bytes or one; bytes is a constant. */
TC_INLINE void look_up(const uint8_t *first, const uint8_t *second, const uint8_t *table,
                       int32_t bytes, uint8_t *output) {
    const uint32_t low = 0x0F0F0F0Fu;
    const uint32_t a = tc_load_bytes(first, bytes);
    const uint32_t b = tc_load_bytes(second, bytes);
    const uint32_t even = (a & low) | (b & low) << 4;
    const uint32_t odd = (a >> 4 & low) | (b & ~low);
    uint32_t word = 0;
    for (int32_t i = 0; i < 8 * bytes; i += 8) {
        word |= (uint32_t)table[even >> i & 0xFF] << i;
        word |= (uint32_t)table[odd >> i & 0xFF] << (i + 4);
    }
    tc_store_bytes(output, word, bytes);
}

void tc_pair_table(const tc_packed_shape *shape, const uint8_t *first, const uint8_t *second,
                   const uint8_t *table, uint8_t *output) {
    uint8_t *to = output;
    int32_t left = shape->pixels * shape->pixel_bytes;
    for (; left >= 4; left -= 4, first += 4, second += 4, to += 4) {
        look_up(first, second, table, 4, to);
    }
    for (; left > 0; --left, ++first, ++second, ++to) {
        look_up(first, second, table, 1, to);
    }
    tc_clear_spare(output, shape->pixels, shape->pixel_bytes, shape->mask);
}
