/* int8 weights, int8 activations: TensorFlow Lite's arithmetic. */
#include "tc_fc_blocks.h"

/* The columns of four inputs; returns start less what unsigned even weights have too much. */
TC_INLINE uint32_t widen_word(uint32_t word, uint32_t *column, uint32_t start) {
    const int16x2_t even = (int16x2_t)(word << 8 & 0xFF00FF00u); /* times 256 */
    const int16x2_t odd = __sxtb16((int8x4_t)(word >> 8));
    const int16x2_t x = __ssub16(odd, (int16x2_t)0x007F007F);
    column[0] = (uint32_t)__ssub16(even, x);
    column[1] = (uint32_t)x;
    return (uint32_t)__smlad(even, (int16x2_t)0xFF80FF80u, (int32_t)start);
}

static uint32_t widen(const int8_t *input, int32_t count, uint32_t *columns) {
    uint32_t start = 0;
    for (; count >= 4; count -= 4, input += 4, columns += 2) {
        start = widen_word(tc_load32((const uint8_t *)input), columns, start);
    }
    if (count > 0) {
        start = widen_word(tc_load_part((const uint8_t *)input, count), columns, start);
    }
    return start;
}

void tc_fc_w8a8(const tc_fc_shape *shape, const int8_t *input, const uint32_t *weights,
                const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    static const tc_fc_format format = {.inputs = 4, .column_words = 2};
    tc_fc_s8(format, shape, input, weights, requant, output, scratch, widen, tc_fc_dot_w8a8);
}
