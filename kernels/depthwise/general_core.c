/* Multiply-accumulate cores: four channels of an output pixel, one for each kind of activation. */
#include "tc_depthwise.h"

/* The pixel's own bytes of a word. */
TC_INLINE uint32_t load(const uint8_t *from, int32_t bytes) {
    if (bytes == 4) {
        return tc_load32(from);
    }
    uint32_t word = from[0];
    word |= bytes > 1 ? (uint32_t)from[1] << 8 : 0;
    return word | (bytes > 2 ? (uint32_t)from[2] << 16 : 0);
}

/* Adds the products of one tap: fields holds a channel in each byte, signed where it says so. */
#if defined(__ARM_FEATURE_DSP)
TC_INLINE void add_tap(int32_t *sums, uint32_t fields, const uint32_t *lanes, uint32_t offsets,
                       int is_signed) {
    uint32_t even, odd;
    if (is_signed) {
        __asm__("sxtab16 %0, %1, %2" : "=r"(even) : "r"(offsets), "r"(fields));
        __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(odd) : "r"(offsets), "r"(fields));
    } else {
        __asm__("uxtab16 %0, %1, %2" : "=r"(even) : "r"(offsets), "r"(fields));
        __asm__("uxtab16 %0, %1, %2, ror #8" : "=r"(odd) : "r"(offsets), "r"(fields));
    }
    sums[0] = __smlabb((int32_t)even, (int32_t)lanes[0], sums[0]);
    sums[1] = __smlabb((int32_t)odd, (int32_t)lanes[1], sums[1]);
    sums[2] = __smlatt((int32_t)even, (int32_t)lanes[0], sums[2]);
    sums[3] = __smlatt((int32_t)odd, (int32_t)lanes[1], sums[3]);
}
#else
TC_INLINE void add_tap(int32_t *sums, uint32_t fields, const uint32_t *lanes, uint32_t offsets,
                       int is_signed) {
    const int32_t offset = (int16_t)offsets;
    for (int32_t i = 0; i < 4; ++i, fields >>= 8) {
        const int32_t field = is_signed ? (int8_t)fields : (uint8_t)fields;
        sums[i] += (field + offset) * (int16_t)(lanes[i & 1] >> (i >> 1) * 16);
    }
}
#endif

/* A field is what mask leaves in a byte; inverting the top bit of a signed one adds 2^(bits-1). */
TC_INLINE void add_taps(const tc_depthwise_window *w, int32_t *to, int32_t bytes, uint32_t mask,
                        uint32_t inverted, int is_signed) {
    const uint8_t *row = w->input;
    const uint32_t *row_lanes = w->lanes;
    const uint32_t offsets = w->offsets;
    const int32_t column_bytes = w->column_bytes;
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t rows = w->rows; rows > 0; --rows) {
        const uint8_t *at = row;
        const uint32_t *lanes = row_lanes;
        for (int32_t columns = w->columns; columns > 0; --columns, lanes += 2) {
            const uint32_t fields = load(at, bytes);
            add_tap(sums, is_signed ? fields : (fields >> w->shift & mask) ^ inverted, lanes,
                    offsets, is_signed);
            at += column_bytes;
        }
        row += w->row_bytes;
        row_lanes += w->row_lanes;
    }
    for (int32_t i = 0; i < 4; ++i) {
        to[i] = sums[i];
    }
}

#define CORE(kind, mask, inverted, is_signed)                                                     \
    void tc_depthwise_core_##kind(const tc_depthwise_window *window, int32_t *sums) {             \
        if (window->bytes == 4) {                                                                 \
            add_taps(window, sums, 4, mask, inverted, is_signed);                                 \
        } else {                                                                                  \
            add_taps(window, sums, window->bytes, mask, inverted, is_signed);                     \
        }                                                                                         \
    }

CORE(s8, 0xFFFFFFFFu, 0, 1)
CORE(u4, 0x0F0F0F0Fu, 0, 0)
CORE(s4, 0x0F0F0F0Fu, 0x08080808u, 0)
CORE(u2, 0x03030303u, 0, 0)
CORE(s2, 0x03030303u, 0x02020202u, 0)
CORE(b1, 0x01010101u, 0, 0)
