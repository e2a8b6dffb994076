/* int8 weights as constants in emitted code, int8 activations: four pixels to a constant. */
#include "tc_requantize.h"
#include "tc_widen.h"
#include "tc_window.h"

#define PIXELS 4

TC_INLINE uint32_t *widen(const uint8_t *words, int32_t count, uint32_t *column, int32_t *sum) {
    (void)sum;
    return tc_widen_bytes(words, count, column, PIXELS);
}

void tc_conv_unrolled(const tc_conv_shape *shape, const int8_t *input, tc_block_dot dot,
                      const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    const tc_window window = tc_window_of(shape, 8, 1);
    const uint32_t pad = (uint8_t)requant->pad * 0x01010101u;
    const uint8_t *const bytes = (const uint8_t *)input;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 2 * PIXELS * window.words);
    uint8_t *const gathered = (uint8_t *)(sums + PIXELS * ((shape->out_c + 1) & ~1));

    tc_position at = tc_first(shape);
    for (int32_t left = shape->out_h * shape->out_w; left > 0; left -= PIXELS) {
        const int32_t now = left < PIXELS ? left : PIXELS;
        for (int32_t pixel = 0; pixel < now; ++pixel) {
            tc_column(widen, shape, &window, bytes, at.y, at.x, pad, gathered, columns + pixel);
            at = tc_next(shape, at);
        }
        dot(columns, sums);
        for (int32_t pixel = 0; pixel < now; pixel += 2) {
            int8_t *const second = pixel + 1 < now ? output + shape->out_c : output;
            tc_requantize_s8(requant, shape->out_c, sums + pixel, PIXELS, 0, output, second);
            output = second + shape->out_c;
        }
    }
}
