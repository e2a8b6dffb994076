/* int4 weights, int8 activations, requantized as TensorFlow Lite does. */
#include "tc_columns.h"
#include "tc_dot.h"
#include "tc_requantize.h"

/* 504 products of at most 128 * 8, times the 4096 that the accumulator is scaled by: < 2^31. */
#define STEPS_AT_ONCE 63
#define MASK 0xF000F000u

static const tc_format format = {.bits = 8, .pixels = 2, .step_words = 2};

static void dot(const uint32_t *weights, const uint32_t *columns, int32_t *sums, int32_t steps,
                int32_t groups) {
    int32_t *const part = sums + 4 * groups;
    for (int32_t i = 0; i < 4 * groups; ++i) {
        sums[i] = 0;
        __asm__("" : "+r"(i)); /* not a call of memset */
    }
    while (steps > 0) {
        const int32_t now = steps < STEPS_AT_ONCE ? steps : STEPS_AT_ONCE;
        tc_dot_masked(weights, columns, part, now, groups, MASK);
        for (int32_t i = 0; i < 4 * groups; ++i) {
            sums[i] += part[i] >> 12;
        }
        weights += 2 * now * groups;
        columns += 8 * now;
        steps -= now;
    }
}

/* Not inlined: the loops want the registers for themselves. */
static __attribute__((noinline)) void finish(const tc_requant_s8 *requant, int32_t channels,
                                             const int32_t *sums, int32_t scaled, int8_t *first,
                                             int8_t *second) {
    if (scaled) {
        tc_requantize_s8(requant, channels, sums, 2, 12, first, second);
    } else {
        tc_requantize_s8(requant, channels, sums, 2, 0, first, second);
    }
}

void tc_conv_w4a8(const tc_conv_shape *shape, const int8_t *input, const void *weights,
                  const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    const int32_t words = tc_window_of(shape, format.bits, format.step_words).words;
    const int32_t groups = (shape->out_c + 1) >> 1;
    const int32_t steps = words >> 1;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 4 * words + 2);
    tc_columns at = tc_columns_of(format, shape, input, requant->pad, sums + 8 * groups);

    for (int32_t now; (now = tc_next_block(format, shape, &at, columns, 0)) > 0;) {
        int8_t *const second = now > 1 ? output + shape->out_c : output;
        const int scaled = steps <= STEPS_AT_ONCE;
        if (scaled) {
            tc_dot_masked(weights, columns, sums, steps, groups, MASK);
        } else {
            dot(weights, columns, sums, steps, groups);
        }
        finish(requant, shape->out_c, sums, scaled, output, second);
        output = second + shape->out_c;
    }
}
