/* int8 multiplications with DSP instructions, for scales below 1/2 as almost all are. */
#include "tc_elementwise.h"
#include "tc_fields.h"

/* What the loop keeps in registers. */
typedef struct {
    uint32_t offsets1, offsets2; /* in both lanes */
    int32_t multiplier, start, right;
} tc_mul_constants;

/* In mul_words.S; words > 0 of four elements. */
void tc_mul_words(const int8_t *first, const int8_t *second, int8_t *output, int32_t words,
                  const tc_mul_constants *constants);

void tc_mul_dsp_a8(const tc_mul_shape *mul, const int8_t *first, const int8_t *second,
                   int32_t count, int8_t *output) {
    const int32_t whole = count & ~3;
    const tc_mul_constants constants = {
        .offsets1 = (uint32_t)(mul->offset1 & 0xFFFF) * 0x00010001u,
        .offsets2 = (uint32_t)(mul->offset2 & 0xFFFF) * 0x00010001u,
        .multiplier = mul->multiplier,
        .start = mul->output_offset * (1 << mul->right) + (1 << (mul->right - 1)),
        .right = mul->right,
    };
    if (whole > 0) {
        tc_mul_words(first, second, output, whole >> 2, &constants);
        tc_clamp_outputs(output, whole, mul->low, mul->high);
    }
    tc_mul_a8(mul, first + whole, second + whole, count - whole, output + whole);
}
