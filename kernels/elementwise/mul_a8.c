/* int8 multiplications: TensorFlow Lite's steps. */
#include "tc_elementwise.h"
#include "tc_fields.h"
#include "tc_scale.h"

#if defined(__ARM_FEATURE_DSP)
#include "tc_dsp.h"
#endif

TC_INLINE int32_t product(const tc_mul_shape *mul, int32_t a, int32_t b) {
    const int32_t raw = (a + mul->offset1) * (b + mul->offset2);
    const int32_t shifted = (int32_t)((uint32_t)raw << mul->left);
    const int32_t scaled = tc_round_shift(tc_mul_q31(shifted, mul->multiplier), mul->right);
    return tc_clamp(scaled + mul->output_offset, -128, 127);
}

#if defined(__ARM_FEATURE_DSP)

/* What stays the same for all words; left is 0 and right is 1 to 22. */
typedef struct {
    uint32_t offsets1, offsets2;
    int32_t multiplier, start, right;
} tc_mul_words;

/* (2 * product * multiplier + 2^31) >> 32 is the Q31 product; the sign makes ties go away from zero. */
TC_INLINE int32_t scaled(const tc_mul_words *by, int32_t twice) {
    int32_t sum;
    __asm__("smmlar %0, %1, %2, %3"
            : "=r"(sum)
            : "r"(twice), "r"(by->multiplier), "r"(by->start));
    return __ssat((sum + (twice >> 31)) >> by->right, 8);
}

TC_INLINE uint32_t mul_word(const tc_mul_words *by, uint32_t a, uint32_t b) {
    int32_t a02 = tc_even_add_s8(by->offsets1, a), a13 = tc_odd_add_s8(by->offsets1, a);
    const int32_t b02 = tc_even_add_s8(by->offsets2, b), b13 = tc_odd_add_s8(by->offsets2, b);
    a02 = (int32_t)__sadd16((int16x2_t)a02, (int16x2_t)a02);
    a13 = (int32_t)__sadd16((int16x2_t)a13, (int16x2_t)a13);
    return tc_pack_s8(scaled(by, __smulbb(a02, b02)), scaled(by, __smulbb(a13, b13)),
                      scaled(by, __smultt(a02, b02)), scaled(by, __smultt(a13, b13)));
}

/* Elements in whole words; returns how many. */
TC_INLINE int32_t mul_words(const tc_mul_shape *mul, const int8_t *first, const int8_t *second,
                            int32_t count, int8_t *output) {
    if (mul->left != 0 || mul->right < 1 || mul->right > 22) {
        return 0;
    }
    const tc_mul_words by = {
        .offsets1 = (uint32_t)(mul->offset1 & 0xFFFF) * 0x00010001u,
        .offsets2 = (uint32_t)(mul->offset2 & 0xFFFF) * 0x00010001u,
        .multiplier = mul->multiplier,
        .start = mul->output_offset * (1 << mul->right) + (1 << (mul->right - 1)),
        .right = mul->right,
    };
    int32_t done = 0;
    for (; count - done >= 4; done += 4) {
        const uint32_t a = tc_load32((const uint8_t *)first + done);
        const uint32_t b = tc_load32((const uint8_t *)second + done);
        tc_store32((uint8_t *)output + done, mul_word(&by, a, b));
    }
    return done;
}

#else

TC_INLINE int32_t mul_words(const tc_mul_shape *mul, const int8_t *first, const int8_t *second,
                            int32_t count, int8_t *output) {
    (void)mul, (void)first, (void)second, (void)count, (void)output;
    return 0;
}

#endif

void tc_mul_a8(const tc_mul_shape *mul, const int8_t *first, const int8_t *second, int32_t count,
               int8_t *output) {
    for (int32_t i = mul_words(mul, first, second, count, output); i < count; ++i) {
        output[i] = (int8_t)product(mul, first[i], second[i]);
    }
    tc_clamp_outputs(output, count, mul->low, mul->high);
}
