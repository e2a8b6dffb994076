/* int8 weights, int8 activations: TensorFlow Lite's arithmetic. */
#include "tc_dot.h"
#include "tc_requantize.h"
#include "tc_widen.h"
#include "tc_window.h"

TC_INLINE uint32_t *widen(const uint8_t *words, int32_t count, uint32_t *column, int32_t *sum) {
    (void)sum;
    return tc_widen_bytes(words, count, column, 2);
}

void tc_conv_w8a8(const tc_conv_shape *shape, const int8_t *input, const void *weights,
                  const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    const tc_window window = tc_window_of(shape, 8, 1);
    const int32_t groups = (shape->out_c + 1) >> 1;
    const uint32_t pad = (uint8_t)requant->pad * 0x01010101u;
    const uint8_t *const bytes = (const uint8_t *)input;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 4 * window.words + 2);
    uint8_t *const gathered = (uint8_t *)(sums + 4 * groups);

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
        tc_dot_w8a8(weights, columns, sums, window.words, groups);
        tc_requantize_s8(requant, shape->out_c, sums, 2, 0, output, second);
        output = second + shape->out_c;
    }
}
