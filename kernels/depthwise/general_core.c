/* Multiply-accumulate cores: four channels of an output pixel. */
#include <arm_acle.h>

#include "tc_core.h"
#include "tc_lanes.h"

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
    const uint32_t even = is_signed ? tc_sxtab16(offsets, fields) : tc_uxtab16(offsets, fields);
    const uint32_t odd =
        is_signed ? tc_sxtab16_ror8(offsets, fields) : tc_uxtab16_ror8(offsets, fields);
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

TC_INLINE void add_taps(const tc_core_window *w, int32_t *to, int32_t bytes, int is_signed) {
    const uint8_t *row = w->input;
    const uint32_t *row_lanes = w->lanes;
    const uint32_t offsets = w->offsets, mask = w->mask, inverted = w->inverted;
    const int32_t column_bytes = w->column_bytes;
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t rows = w->rows; rows > 0; --rows) {
        const uint8_t *at = row;
        const uint32_t *lanes = row_lanes;
        for (int32_t columns = w->columns; columns > 0; --columns, lanes += 2) {
            const uint32_t word = load(at, bytes);
            add_tap(sums, is_signed ? word : (word >> w->shift & mask) ^ inverted, lanes, offsets,
                    is_signed);
            at += column_bytes;
        }
        row += w->row_bytes;
        row_lanes += w->row_lanes;
    }
    for (int32_t i = 0; i < 4; ++i) {
        to[i * TC_RUN_PIXELS] = sums[i];
    }
}

void tc_core_s8(const tc_core_window *window, int32_t *sums) {
    if (window->bytes == 4) {
        add_taps(window, sums, 4, 1);
    } else {
        add_taps(window, sums, window->bytes, 1);
    }
}

void tc_core_narrow(const tc_core_window *window, int32_t *sums) {
    if (window->bytes == 4) {
        add_taps(window, sums, 4, 0);
    } else {
        add_taps(window, sums, window->bytes, 0);
    }
}
