/* int8 multiplications: TensorFlow Lite's steps, for any core and any scales. */
#include "tc_elementwise.h"
#include "tc_fields.h"
#include "tc_scale.h"

TC_INLINE int32_t product(const tc_mul_shape *mul, int32_t a, int32_t b) {
    const int32_t raw = (a + mul->offset1) * (b + mul->offset2);
    const int32_t shifted = (int32_t)((uint32_t)raw << mul->left);
    const int32_t scaled = tc_round_shift(tc_mul_q31(shifted, mul->multiplier), mul->right);
    return tc_clamp(scaled + mul->output_offset, mul->low, mul->high);
}

void tc_mul_a8(const tc_mul_shape *mul, const int8_t *first, const int8_t *second, int32_t count,
               int8_t *output) {
    for (; count > 0; --count) {
        *output++ = (int8_t)product(mul, *first++, *second++);
    }
}
