/* int4 weights, unsigned 4-bit activations, two to a byte in and out. */
#include "tc_columns.h"
#include "tc_requantize.h"

/*
 * Sums of all output channels for the two pixels of columns: steps of 16 products a channel and
 * pixel; groups of four channels in two accumulators a pixel, two channels to each. Comes out as
 * sums[8 * group + 4 * pair + 2 * pixel] = low + (high << 12) modulo 2^32 and, beside it, high,
 * where low sums the even channel's biased weights.
 */
void tc_dot_w4a4(const void *weights, const uint32_t *columns, int32_t *sums, int32_t steps,
                 int32_t groups);

/* Outputs of two pixels: see w4a4_finish.S. */
void tc_finish_w4a4(const tc_channel_un *channels, const int32_t *sums, uint8_t *first,
                    uint32_t left, int32_t first_correction, int32_t second_correction,
                    uint8_t *second, const uint8_t *end);

/* Two channels of one pixel: the low one's weights were biased by 8. */
TC_INLINE uint8_t two_channels(const int32_t *totals, tc_rule rule, int32_t correction) {
    const int32_t high = totals[1];
    const int32_t low = totals[0] - (int32_t)((uint32_t)high << 12) - correction;
    const uint32_t even = tc_requantized(rule, 0, low, 4);
    const uint32_t odd = tc_requantized(rule, 1, high, 4);
    return (uint8_t)(even | odd << 4);
}

/*
 * The outputs of two pixels; a lone one is written last. Called by address, so not inlined: the
 * loops want the registers for themselves.
 */
typedef void tc_epilogue(const void *requant, int32_t channels, const int32_t *totals,
                         const int32_t *inputs, uint8_t *first, uint8_t *second);

static void finish_un(const void *requant, int32_t channels, const int32_t *totals,
                      const int32_t *inputs, uint8_t *first, uint8_t *second) {
    const tc_requant_un *const layer = requant;
    tc_finish_w4a4(layer->channels, totals, first, layer->left, 8 * inputs[0], 8 * inputs[1],
                   second, first + ((channels + 1) >> 1));
}

static void finish_thresholds(const void *requant, int32_t channels, const int32_t *totals,
                              const int32_t *inputs, uint8_t *first, uint8_t *second) {
    const int32_t a = 8 * inputs[0];
    const int32_t b = 8 * inputs[1];
    tc_rule rule = tc_rule_thresholds(requant);
    for (; channels > 0; channels -= 2, totals += 4, rule = tc_skip(rule, 2, 4)) {
        *second++ = two_channels(totals + 2, rule, b);
        *first++ = two_channels(totals, rule, a);
    }
}

static void conv(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                 tc_epilogue *epilogue, const void *requant, uint8_t *output, void *scratch) {
    const tc_window window = tc_window_of(shape, 4, 2);
    const int32_t groups = (shape->out_c + 3) >> 2;
    const int32_t pairs = (shape->out_c + 1) >> 1;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 8 * window.words + 2);
    tc_columns at = tc_columns_of(shape, window, input, sums + 8 * groups);
    int32_t inputs[2] = {0, 0};

    for (int32_t now; (now = tc_next_block(shape, &at, columns, inputs)) > 0;) {
        uint8_t *const second = now > 1 ? output + pairs : output;
        tc_dot_w4a4(weights, columns, sums, window.words >> 1, groups);
        epilogue(requant, shape->out_c, sums, inputs, output, second);
        output = second + pairs;
    }
}

void tc_conv_w4a4(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_un *requant, uint8_t *output, void *scratch) {
    conv(shape, input, weights, finish_un, requant, output, scratch);
}

void tc_conv_w4a4_thresholds(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                             const tc_requant_thresholds *requant, uint8_t *output,
                             void *scratch) {
    conv(shape, input, weights, finish_thresholds, requant, output, scratch);
}
