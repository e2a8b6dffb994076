/* int8 additions: TensorFlow Lite's steps, for any core and any scales. */
#include "tc_elementwise.h"
#include "tc_fields.h"
#include "tc_scale.h"

TC_INLINE int32_t rescale(const tc_add_operand *operand, int32_t value) {
    const int32_t shifted = (int32_t)((uint32_t)(value + operand->offset) << 20);
    return tc_round_shift(tc_mul_q31(shifted, operand->multiplier), operand->right);
}

void tc_add_a8(const tc_add_shape *add, const int8_t *first, const int8_t *second, int32_t count,
               int8_t *output) {
    for (; count > 0; --count) {
        const int32_t sum = rescale(&add->first, *first++) + rescale(&add->second, *second++);
        const int32_t scaled = tc_round_shift(tc_mul_q31(sum, add->multiplier), add->right);
        *output++ = (int8_t)tc_clamp(scaled + add->output_offset, add->low, add->high);
    }
}
