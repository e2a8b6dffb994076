/* int4 weights, unsigned 4-bit activations, two to a byte in and out. */
#include "tc_columns.h"
#include "tc_dot.h"
#include "tc_requantize.h"

static const tc_format format = {.bits = 4, .pixels = 2, .step_words = 2};

/* Two channels of one pixel: the low one's weights were biased by 8. */
TC_INLINE uint8_t two_channels(const int32_t *totals, const tc_channel_un *channel, uint32_t left,
                               int32_t correction) {
    const int32_t high = totals[1];
    const int32_t low = totals[0] - (int32_t)((uint32_t)high << 12) - correction;
    const uint32_t even = tc_requantize_un(low, channel, left, 4);
    const uint32_t odd = tc_requantize_un(high, channel + 1, left, 4);
    return (uint8_t)(even | odd << 4);
}

/* Not inlined: the loop wants the registers for itself. A lone pixel is written last. */
static __attribute__((noinline)) void finish(const tc_requant_un *requant, int32_t pairs,
                                             const int32_t *totals, const int32_t *inputs,
                                             uint8_t *first, uint8_t *second) {
    const tc_channel_un *channel = requant->channels;
    const uint32_t left = requant->left;
    const int32_t a = 8 * inputs[0];
    const int32_t b = 8 * inputs[1];
    for (; pairs > 0; --pairs, channel += 2, totals += 4) {
        *second++ = two_channels(totals + 2, channel, left, b);
        *first++ = two_channels(totals, channel, left, a);
    }
}

void tc_conv_w4a4(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_un *requant, uint8_t *output, void *scratch) {
    const int32_t words = tc_window_of(shape, format.bits, format.step_words).words;
    const int32_t groups = (shape->out_c + 3) >> 2;
    const int32_t pairs = (shape->out_c + 1) >> 1;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 8 * words + 2);
    tc_columns at = tc_columns_of(format, shape, input, 0, sums + 8 * groups);
    int32_t inputs[2] = {0, 0};

    for (int32_t now; (now = tc_next_block(format, shape, &at, columns, inputs)) > 0;) {
        uint8_t *const second = now > 1 ? output + pairs : output;
        tc_dot_w4a4(weights, columns, sums, words >> 1, groups);
        finish(requant, pairs, sums, inputs, output, second);
        output = second + pairs;
    }
}
