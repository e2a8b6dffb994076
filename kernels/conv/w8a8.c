/* int8 weights, int8 activations: TensorFlow Lite's arithmetic. */
#include "tc_columns.h"
#include "tc_dot.h"
#include "tc_requantize.h"

static const tc_format format = {.bits = 8, .pixels = 2, .step_words = 1};

/* Not inlined: the loop wants the registers for itself. */
static __attribute__((noinline)) void finish(const tc_requant_s8 *requant, int32_t channels,
                                             const int32_t *sums, int8_t *first, int8_t *second) {
    tc_requantize_s8(requant, channels, sums, 2, 0, first, second);
}

void tc_conv_w8a8(const tc_conv_shape *shape, const int8_t *input, const void *weights,
                  const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    const int32_t words = tc_window_of(shape, format.bits, format.step_words).words;
    const int32_t groups = (shape->out_c + 1) >> 1;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 4 * words + 2);
    tc_columns at = tc_columns_of(format, shape, input, requant->pad, sums + 4 * groups);

    for (int32_t now; (now = tc_next_block(format, shape, &at, columns, 0)) > 0;) {
        int8_t *const second = now > 1 ? output + shape->out_c : output;
        tc_dot_w8a8(weights, columns, sums, words, groups);
        finish(requant, shape->out_c, sums, output, second);
        output = second + shape->out_c;
    }
}
