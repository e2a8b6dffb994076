/* Average pooling of int8: TensorFlow Lite's arithmetic. */
#include "tc_average.h"
#include "tc_pool_window.h"

/* As many values as 16-bit lanes can sum up. */
#define LANE_COUNT 256

/* words * bytes bytes of channels of count pixels, added to sums. */
TC_INLINE void across(const uint8_t *at, int32_t pixel_bytes, int32_t count, int32_t words,
                      int32_t bytes, tc_lanes *sums) {
    for (; count > 0; --count, at += pixel_bytes) {
        uint32_t loaded[4];
        for (int32_t i = 0; i < words; ++i) {
            loaded[i] = tc_load_bytes(at + 4 * i, bytes);
        }
        for (int32_t i = 0; i < words; ++i) {
            sums[i] = tc_add_s8(sums[i], loaded[i]);
        }
    }
}

/* Channels of one output pixel: words of them in registers, bytes to a word; both constants. */
TC_INLINE void average(const tc_pool_window *window, const uint8_t *at, tc_divisor by,
                       int32_t words, int32_t bytes, uint8_t *output) {
    tc_lanes sums[4] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
    for (int32_t rows = window->rows; rows > 0; --rows, at += window->row_bytes) {
        across(at, window->pixel_bytes, window->columns, words, bytes, sums);
    }
    for (int32_t i = 0; i < words; ++i) {
        tc_store_bytes(output + 4 * i, tc_average(sums[i], by), bytes);
    }
}

/* The same for windows of more than LANE_COUNT pixels, one to four channels. */
TC_INLINE void average_large(const tc_pool_window *window, const uint8_t *at, int32_t count,
                             int32_t bytes, uint8_t *output) {
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t rows = window->rows; rows > 0; --rows, at += window->row_bytes) {
        const uint8_t *from = at;
        for (int32_t left = window->columns; left > 0; left -= LANE_COUNT) {
            const int32_t now = left < LANE_COUNT ? left : LANE_COUNT;
            tc_lanes lanes = {0, 0};
            across(from, window->pixel_bytes, now, 1, bytes, &lanes);
            from += LANE_COUNT * window->pixel_bytes;
            for (int32_t i = 0; i < bytes; ++i) {
                sums[i] += tc_lane_sum(lanes, i, TC_OFFSET_S8 * now);
            }
        }
    }
    for (int32_t i = 0; i < bytes; ++i) {
        output[i] = (uint8_t)tc_divide(sums[i], count);
    }
}

/* Out of line: the loops of small windows want the registers for themselves. */
static __attribute__((noinline)) uint8_t *large_pixel(const tc_pool_window *window, int32_t count,
                                                      uint8_t *output) {
    const uint8_t *at = window->first;
    int32_t left = window->pixel_bytes;
    for (; left >= 4; left -= 4, at += 4, output += 4) {
        average_large(window, at, count, 4, output);
    }
    for (; left > 0; --left, ++at, ++output) {
        average_large(window, at, count, 1, output);
    }
    return output;
}

TC_INLINE uint8_t *pixel(const tc_pool_window *window, tc_divisor by, uint8_t *output) {
    const uint8_t *at = window->first;
    int32_t left = window->pixel_bytes;
    for (; left >= 16; left -= 16, at += 16, output += 16) {
        average(window, at, by, 4, 4, output);
    }
    for (; left >= 4; left -= 4, at += 4, output += 4) {
        average(window, at, by, 1, 4, output);
    }
    for (; left > 0; --left, ++at, ++output) {
        average(window, at, by, 1, 1, output);
    }
    return output;
}

void tc_avgpool_a8(const tc_pool_shape *shape, const int8_t *input, int32_t low, int32_t high,
                   int8_t *output) {
    uint8_t *to = (uint8_t *)output;
    tc_divisor by = tc_divisor_of(1, TC_OFFSET_S8);
    for (int32_t row = 0; row < shape->out_h; ++row) {
        for (int32_t column = 0; column < shape->out_w; ++column) {
            const tc_pool_window window = tc_pool_at(shape, (const uint8_t *)input, row, column);
            const int32_t count = window.rows * window.columns;
            if (count > LANE_COUNT) {
                to = large_pixel(&window, count, to);
                continue;
            }
            if (count != by.count) {
                by = tc_divisor_of(count, TC_OFFSET_S8);
            }
            to = pixel(&window, by, to);
        }
    }
    tc_clamp_outputs(output, shape->out_h * shape->out_w * shape->pixel_bytes, low, high);
}
