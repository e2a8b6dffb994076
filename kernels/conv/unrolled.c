/* int8 weights as constants in emitted code, int8 activations: four pixels to a constant. */
#include "tc_columns.h"
#include "tc_requantize.h"

static const tc_format format = {.bits = 8, .pixels = 4, .step_words = 1};

/* Not inlined: the loop wants the registers for itself. */
static __attribute__((noinline)) void finish(const tc_requant_s8 *requant, int32_t channels,
                                             const int32_t *sums, int8_t *first, int8_t *second) {
    tc_requantize_s8(requant, channels, sums, 4, 0, first, second);
}

void tc_conv_unrolled(const tc_conv_shape *shape, const int8_t *input, tc_block_dot dot,
                      const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    const int32_t words = tc_window_of(shape, format.bits, format.step_words).words;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 8 * words);
    int32_t *const rest = sums + 4 * ((shape->out_c + 1) & ~1);
    tc_columns at = tc_columns_of(format, shape, input, requant->pad, rest);

    for (int32_t now; (now = tc_next_block(format, shape, &at, columns, 0)) > 0;) {
        dot(columns, sums);
        for (int32_t pixel = 0; pixel < now; pixel += 2) {
            int8_t *const second = pixel + 1 < now ? output + shape->out_c : output;
            finish(requant, shape->out_c, sums + pixel, output, second);
            output = second + shape->out_c;
        }
    }
}
