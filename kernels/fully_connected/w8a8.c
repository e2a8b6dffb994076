/* int8 weights, int8 activations: TensorFlow Lite's arithmetic. */
#include "tc_fully_connected.h"

/* The columns of four inputs; returns start less what unsigned even weights have too much. */
TC_INLINE uint32_t widen_word(uint32_t word, uint32_t *columns, uint32_t start) {
    const int16x2_t even = (int16x2_t)(word << 8 & 0xFF00FF00u); /* times 256 */
    const int16x2_t odd = __sxtb16((int8x4_t)(word >> 8 | word << 24));
    const int16x2_t x = __ssub16(odd, (int16x2_t)0x007F007F);
    columns[0] = (uint32_t)__ssub16(even, x);
    columns[1] = (uint32_t)x;
    return (uint32_t)__smlad(even, (int16x2_t)0xFF80FF80, (int32_t)start);
}

static uint32_t widen(const int8_t *input, int32_t count, uint32_t *columns) {
    const uint8_t *from = (const uint8_t *)input;
    uint32_t start = 0;
    for (; count >= 8; count -= 8, from += 8, columns += 4) {
        const uint32_t first = tc_load32(from);
        const uint32_t second = tc_load32(from + 4);
        start = widen_word(first, columns, start);
        start = widen_word(second, columns + 2, start);
    }
    for (; count > 0; count -= 4, from += 4, columns += 2) {
        const uint32_t word = count < 4 ? tc_load_part(from, count) : tc_load32(from);
        start = widen_word(word, columns, start);
    }
    return start;
}

const tc_fc_kernel tc_fc_kernel_w8[1] = {{4, 2, widen, tc_fc_dot_w8a8}};

void tc_fc_w8a8(const tc_fc_shape *shape, const int8_t *input, const uint32_t *weights,
                const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    tc_fc_s8(tc_fc_kernel_w8, shape, input, weights, requant, output, scratch);
}
