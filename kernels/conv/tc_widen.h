/*
 * Packed activations to 16-bit lanes, in the order in which one AND or SXTB16 takes them from
 * their word: (0, 2) (1, 3) of bytes, (0, 4) ... (3, 7) of nibbles, (0, 8) ... (7, 15) of pairs of
 * bits. packing.py lays out weights to match. stride is the number of pixels that a column
 * interleaves.
 */
#ifndef TC_WIDEN_H
#define TC_WIDEN_H

#include <arm_acle.h>

#include "tc_window.h"

TC_INLINE uint32_t *tc_widen_bytes(const uint8_t *words, int32_t count, uint32_t *column,
                                   int32_t stride) {
    for (; count > 0; --count, words += 4, column += 2 * stride) {
        const uint32_t word = tc_load32(words);
        column[0] = (uint32_t)__sxtb16((int8x4_t)word);
        column[stride] = (uint32_t)__sxtb16((int8x4_t)(word >> 8 | word << 24));
    }
    return column;
}

TC_INLINE uint32_t *tc_widen_nibbles(const uint8_t *words, int32_t count, uint32_t *column,
                                     int32_t *sum) {
    int32_t total = *sum;
    for (; count > 0; --count, words += 4, column += 8) {
        const uint32_t word = tc_load32(words);
        column[0] = word & 0x000F000Fu;
        column[2] = word >> 4 & 0x000F000Fu;
        column[4] = word >> 8 & 0x000F000Fu;
        column[6] = word >> 12 & 0x000F000Fu;
        const uint32_t pairs = (word & 0x0F0F0F0Fu) + (word >> 4 & 0x0F0F0F0Fu);
        total = (int32_t)__usada8(pairs, 0, (uint32_t)total);
    }
    *sum = total;
    return column;
}

TC_INLINE uint32_t *tc_widen_crumbs(const uint8_t *words, int32_t count, uint32_t *column,
                                    int32_t *sum) {
    int32_t total = *sum;
    for (; count > 0; --count, words += 4, column += 16) {
        const uint32_t word = tc_load32(words);
        column[0] = word & 0x00030003u;
        column[2] = word >> 2 & 0x00030003u;
        column[4] = word >> 4 & 0x00030003u;
        column[6] = word >> 6 & 0x00030003u;
        column[8] = word >> 8 & 0x00030003u;
        column[10] = word >> 10 & 0x00030003u;
        column[12] = word >> 12 & 0x00030003u;
        column[14] = word >> 14 & 0x00030003u;
        const uint32_t pairs = (word & 0x33333333u) + (word >> 2 & 0x33333333u);
        const uint32_t fours = (pairs & 0x0F0F0F0Fu) + (pairs >> 4 & 0x0F0F0F0Fu);
        total = (int32_t)__usada8(fours, 0, (uint32_t)total);
    }
    *sum = total;
    return column;
}

#endif
