/* int4 weights, unsigned 4-bit activations, two to a byte in and out. */
#include "tc_dot.h"
#include "tc_requantize.h"
#include "tc_widen.h"
#include "tc_window.h"

/* Two channels of one pixel: the low one's weights were biased by 8. */
TC_INLINE uint8_t finish(const int32_t *totals, const tc_requant_un *requant,
                         const tc_channel_un *channel, int32_t correction) {
    const int32_t high = totals[1];
    const int32_t low = totals[0] - (int32_t)((uint32_t)high << 12) - correction;
    const uint32_t even = tc_requantize_un(low, channel, requant->left, 15);
    const uint32_t odd = tc_requantize_un(high, channel + 1, requant->left, 15);
    return (uint8_t)(even | odd << 4);
}

void tc_conv_w4a4(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_un *requant, uint8_t *output, void *scratch) {
    const tc_window window = tc_window_of(shape, 4, 2);
    const int32_t groups = (shape->out_c + 3) >> 2;
    const int32_t pairs = (shape->out_c + 1) >> 1;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 8 * window.words + 2);
    uint8_t *const gathered = (uint8_t *)(sums + 8 * groups);

    tc_position at = tc_first(shape);
    for (int32_t left = shape->out_h * shape->out_w; left > 0; left -= 2) {
        uint8_t *first = output;
        uint8_t *second = output;
        int32_t b = 0;
        const int32_t a = 8 * tc_column(tc_widen_nibbles, shape, &window, input, at.y, at.x, 0,
                                        gathered, columns);
        at = tc_next(shape, at);
        if (left > 1) {
            b = 8 * tc_column(tc_widen_nibbles, shape, &window, input, at.y, at.x, 0, gathered,
                              columns + 1);
            at = tc_next(shape, at);
            second += pairs;
        }
        tc_dot_w4a4(weights, columns, sums, window.words >> 1, groups);
        const tc_channel_un *channel = requant->channels;
        const int32_t *totals = sums;
        for (int32_t pair = 0; pair < pairs; ++pair, channel += 2, totals += 4) {
            *second++ = finish(totals + 2, requant, channel, b);
            *first++ = finish(totals, requant, channel, a);
        }
        output = second;
    }
}
