/* int8 additions in one step, where Python has shown that it equals TensorFlow Lite's. */
#include "tc_elementwise.h"
#include "tc_fields.h"

/* In add_words.S; words > 0 of four elements. */
void tc_add_words(const int8_t *first, const int8_t *second, int8_t *output, int32_t words,
                  const tc_add_affine *add);

/* 256 * value * factor / 2^16, rounded down. */
TC_INLINE int32_t times(int32_t factor, int32_t value) {
    return (int32_t)((int64_t)factor * value >> 8);
}

void tc_add_affine_a8(const tc_add_affine *add, const int8_t *first, const int8_t *second,
                      int32_t count, int8_t *output) {
    if (count >= 4) {
        tc_add_words(first, second, output, count >> 2, add);
    }
    for (int32_t i = count & ~3; i < count; ++i) {
        const int32_t sum =
            times(add->factor1, first[i]) + times(add->factor2, second[i]) + add->start;
        output[i] = (int8_t)tc_clamp(sum >> TC_ADD_SHIFT, -128, 127);
    }
    tc_clamp_outputs(output, count, add->low, add->high);
}
