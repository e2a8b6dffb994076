/* int8 additions in one step, where Python has shown that it equals TensorFlow Lite's. */
#include <arm_acle.h>

#include "tc_elementwise.h"
#include "tc_fields.h"
#include "tc_dsp.h"

/* Bytes 0 and 2, or 1 and 3, times 256 in 16-bit lanes. */
TC_INLINE int32_t even_lanes(uint32_t bytes) {
    return (int32_t)(bytes << 8 & 0xFF00FF00u);
}

TC_INLINE int32_t odd_lanes(uint32_t bytes) {
    return (int32_t)(bytes & 0xFF00FF00u);
}

TC_INLINE uint32_t add_word(const tc_add_affine *add, uint32_t a, uint32_t b) {
    const int32_t f = add->factor1, g = add->factor2, start = add->start;
    const int32_t a02 = even_lanes(a), a13 = odd_lanes(a), b02 = even_lanes(b), b13 = odd_lanes(b);
    const int32_t y0 = __smlawb(f, a02, __smlawb(g, b02, start));
    const int32_t y1 = __smlawb(f, a13, __smlawb(g, b13, start));
    const int32_t y2 = __smlawt(f, a02, __smlawt(g, b02, start));
    const int32_t y3 = __smlawt(f, a13, __smlawt(g, b13, start));
    return tc_pack_s8(tc_saturate_s8(y0, TC_ADD_SHIFT), tc_saturate_s8(y1, TC_ADD_SHIFT),
                      tc_saturate_s8(y2, TC_ADD_SHIFT), tc_saturate_s8(y3, TC_ADD_SHIFT));
}

TC_INLINE void add_block(const tc_add_affine *add, const int8_t *first, const int8_t *second,
                         int32_t words, int32_t bytes, int8_t *output) {
    uint32_t a[2], b[2];
    for (int32_t i = 0; i < words; ++i) {
        a[i] = tc_load_bytes((const uint8_t *)first + 4 * i, bytes);
        b[i] = tc_load_bytes((const uint8_t *)second + 4 * i, bytes);
    }
    for (int32_t i = 0; i < words; ++i) {
        tc_store_bytes((uint8_t *)output + 4 * i, add_word(add, a[i], b[i]), bytes);
    }
}

void tc_add_affine_a8(const tc_add_affine *add, const int8_t *first, const int8_t *second,
                      int32_t count, int8_t *output) {
    const tc_add_affine by = *add;
    int8_t *to = output;
    int32_t left = count;
    for (; left >= 8; left -= 8, first += 8, second += 8, to += 8) {
        add_block(&by, first, second, 2, 4, to);
    }
    for (; left > 0; --left, ++first, ++second, ++to) {
        add_block(&by, first, second, 1, 1, to);
    }
    tc_clamp_outputs(output, count, by.low, by.high);
}
