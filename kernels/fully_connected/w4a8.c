/* int4 weights, int8 activations, requantized as TensorFlow Lite does. */
#include "tc_fully_connected.h"

/* 16 times the lanes of a word, which fit int8. */
TC_INLINE int16x2_t times16(int16x2_t lanes) {
    return (int16x2_t)((uint32_t)lanes << 4 & 0xFFF0FFF0u);
}

/* The columns of eight inputs; returns start less what the unsigned weights have too much. */
TC_INLINE uint32_t widen_words(uint32_t first, uint32_t second, uint32_t *columns,
                               uint32_t start) {
    const int16x2_t a3 = __sxtb16((int8x4_t)(first >> 8 | first << 24));
    const int16x2_t a2 = times16(__sxtb16((int8x4_t)first));
    const int16x2_t a1 = (int16x2_t)(second & 0xFF00FF00u); /* times 256 */
    const int16x2_t a0 = times16(__sxtb16((int8x4_t)second));
    const int16x2_t x = __ssub16(a3, (int16x2_t)0x007F007F);
    columns[0] = (uint32_t)__ssub16(a2, x);
    columns[1] = (uint32_t)x;
    columns[2] = (uint32_t)__ssub16(a0, __sxtb16((int8x4_t)(second >> 8 | second << 24)));
    columns[3] = (uint32_t)__ssub16(a1, x);
    start = (uint32_t)__smlad(a2, (int16x2_t)0xF800F800, (int32_t)start);
    start = (uint32_t)__smlad(a1, (int16x2_t)0xFF80FF80, (int32_t)start);
    return (uint32_t)__smlad(a0, (int16x2_t)0xF800F800, (int32_t)start);
}

static uint32_t widen(const int8_t *input, int32_t count, uint32_t *columns) {
    const uint8_t *from = (const uint8_t *)input;
    uint32_t start = 0;
    for (; count >= 8; count -= 8, from += 8, columns += 4) {
        start = widen_words(tc_load32(from), tc_load32(from + 4), columns, start);
    }
    if (count > 4) {
        start = widen_words(tc_load32(from), tc_load_part(from + 4, count - 4), columns, start);
    } else if (count > 0) {
        start = widen_words(tc_load_part(from, count), 0, columns, start);
    }
    return start;
}

const tc_fc_kernel tc_fc_kernel_w4[1] = {{8, 4, widen, tc_fc_dot_w4a8}};

void tc_fc_w4a8(const tc_fc_shape *shape, const int8_t *input, const uint32_t *weights,
                const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    tc_fc_s8(tc_fc_kernel_w4, shape, input, weights, requant, output, scratch);
}
