/* int4 weights, int8 activations, requantized as TensorFlow Lite does. */
#include "tc_dot.h"
#include "tc_requantize.h"
#include "tc_widen.h"
#include "tc_window.h"

/* 504 products of at most 128 * 8, times the 4096 that the accumulator is scaled by: < 2^31. */
#define STEPS_AT_ONCE 63
#define MASK 0xF000F000u

TC_INLINE uint32_t *widen(const uint8_t *words, int32_t count, uint32_t *column, int32_t *sum) {
    (void)sum;
    return tc_widen_bytes(words, count, column, 2);
}

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

void tc_conv_w4a8(const tc_conv_shape *shape, const int8_t *input, const void *weights,
                  const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    const tc_window window = tc_window_of(shape, 8, 2);
    const int32_t groups = (shape->out_c + 1) >> 1;
    const int32_t steps = window.words >> 1;
    const uint32_t pad = (uint8_t)requant->pad * 0x01010101u;
    const uint8_t *const bytes = (const uint8_t *)input;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 4 * window.words + 2);
    uint8_t *const gathered = (uint8_t *)(sums + 8 * groups);

    tc_position at = tc_first(shape);
    for (int32_t left = shape->out_h * shape->out_w; left > 0; left -= 2) {
        int8_t *second = output;
        tc_column(widen, shape, &window, bytes, at.y, at.x, pad, gathered, columns);
        at = tc_next(shape, at);
        if (left > 1) {
            tc_column(widen, shape, &window, bytes, at.y, at.x, pad, gathered, columns + 1);
            at = tc_next(shape, at);
            second += shape->out_c;
        }
        if (steps <= STEPS_AT_ONCE) {
            tc_dot_masked(weights, columns, sums, steps, groups, MASK);
            tc_requantize_s8(requant, shape->out_c, sums, 2, 12, output, second);
        } else {
            dot(weights, columns, sums, steps, groups);
            tc_requantize_s8(requant, shape->out_c, sums, 2, 0, output, second);
        }
        output = second + shape->out_c;
    }
}
