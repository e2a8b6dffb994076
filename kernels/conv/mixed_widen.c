/* Unpack stages: packed activations to 16-bit lanes. */
#include <arm_acle.h>

#include "tc_base.h"
#include "tc_mixed.h"

#if defined(__ARM_FEATURE_DSP)
TC_INLINE uint32_t subtract(uint32_t a, uint32_t b) {
    return (uint32_t)__ssub16((int16x2_t)a, (int16x2_t)b);
}

TC_INLINE int32_t add_lanes(uint32_t lanes, int32_t sum) {
    return __smlad((int16x2_t)lanes, 0x00010001, sum);
}

/* The even or odd bytes of a word. */
TC_INLINE uint32_t signed_lanes(uint32_t word, int odd) {
    return (uint32_t)__sxtb16((int8x4_t)(odd ? word >> 8 | word << 24 : word));
}
#else
TC_INLINE uint32_t subtract(uint32_t a, uint32_t b) {
    return ((a - b) & 0xFFFFu) | ((a - (b & 0xFFFF0000u)) & 0xFFFF0000u);
}

TC_INLINE int32_t add_lanes(uint32_t lanes, int32_t sum) {
    return sum + (int16_t)lanes + ((int32_t)lanes >> 16);
}

TC_INLINE uint32_t signed_lanes(uint32_t word, int odd) {
    const uint32_t bytes = (odd ? word >> 8 : word) & 0x00FF00FFu;
    return subtract(bytes ^ 0x00800080u, 0x00800080u);
}
#endif

/* A step's fields such that lane i of them is what a mask takes after a shift by i fields. */
TC_INLINE uint32_t spread(const uint8_t *packed, int32_t bits) {
    switch (bits) {
    case 4: return tc_load32(packed);
    case 2: {
        uint16_t half;
        __builtin_memcpy(&half, packed, sizeof half);
        return half | (uint32_t)half << 8;
    }
    default: return (uint32_t)*packed << 1 | (uint32_t)*packed << 13; /* lanes of 0 and 2 */
    }
}

/*
 * Fields of less than 8 bits. A field whose top bit is inverted is a signed value plus offset:
 * subtracting lane by lane leaves the value.
 */
TC_INLINE int32_t widen(const uint8_t *packed, int32_t steps, uint32_t *column, int32_t bits,
                        uint32_t inverted, uint32_t mask, uint32_t offset) {
    int32_t sum = 0;
    for (; steps > 0; --steps, packed += bits, column += 8) {
        const uint32_t fields = spread(packed, bits) ^ inverted;
        for (int32_t i = 0; i < 4; ++i) {
            uint32_t lanes = fields >> bits * i & mask;
            if (offset != 0) {
                lanes = subtract(lanes, offset);
            }
            sum = add_lanes(lanes, sum);
            column[2 * i] = lanes;
        }
    }
    return sum;
}

int32_t tc_widen_u4(const uint8_t *packed, int32_t steps, uint32_t *column) {
    return widen(packed, steps, column, 4, 0, 0x000F000Fu, 0);
}

int32_t tc_widen_s4(const uint8_t *packed, int32_t steps, uint32_t *column) {
    return widen(packed, steps, column, 4, 0x88888888u, 0x000F000Fu, 0x00080008u);
}

int32_t tc_widen_u2(const uint8_t *packed, int32_t steps, uint32_t *column) {
    return widen(packed, steps, column, 2, 0, 0x00030003u, 0);
}

int32_t tc_widen_s2(const uint8_t *packed, int32_t steps, uint32_t *column) {
    return widen(packed, steps, column, 2, 0x00AA00AAu, 0x00030003u, 0x00020002u);
}

int32_t tc_widen_b1(const uint8_t *packed, int32_t steps, uint32_t *column) {
    return widen(packed, steps, column, 1, 0, 0x00020002u, 0);
}

int32_t tc_widen_s8(const uint8_t *packed, int32_t steps, uint32_t *column) {
    int32_t sum = 0;
    for (int32_t words = 2 * steps; words > 0; --words, packed += 4, column += 4) {
        const uint32_t word = tc_load32(packed);
        column[0] = signed_lanes(word, 0);
        column[2] = signed_lanes(word, 1);
        sum = add_lanes(column[2], add_lanes(column[0], sum));
    }
    return sum;
}
