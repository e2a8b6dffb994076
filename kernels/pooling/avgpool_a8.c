/* Average pooling of int8: TensorFlow Lite's arithmetic. */
#include "tc_average.h"
#include "tc_pool_window.h"

/* As many values as 16-bit lanes can sum up. */
#define LANE_COUNT 256

/* words * bytes bytes of channels of count pixels, added to sums. */
TC_INLINE void across(const uint8_t *at, int32_t pixel_bytes, int32_t count, int32_t words,
                      int32_t bytes, tc_lanes *sums) {
    TC_ROLLED
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
TC_INLINE void average(const tc_pool_run *run, const uint8_t *at, tc_divisor by,
                       int32_t words, int32_t bytes, uint8_t *output) {
    tc_lanes sums[4] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
    TC_ROLLED
    for (int32_t rows = run->rows; rows > 0; --rows, at += run->row_bytes) {
        across(at, run->pixel_bytes, run->columns, words, bytes, sums);
    }
    for (int32_t i = 0; i < words; ++i) {
        tc_store_bytes(output + 4 * i, tc_average(sums[i], by), bytes);
    }
}

/* The same for windows of more than LANE_COUNT pixels, one to four channels. */
TC_INLINE void average_large(const tc_pool_run *run, const uint8_t *at, int32_t count,
                             int32_t bytes, uint8_t *output) {
    int32_t sums[4] = {0, 0, 0, 0};
    TC_ROLLED
    for (int32_t rows = run->rows; rows > 0; --rows, at += run->row_bytes) {
        const uint8_t *from = at;
        for (int32_t left = run->columns; left > 0; left -= LANE_COUNT) {
            const int32_t now = left < LANE_COUNT ? left : LANE_COUNT;
            tc_lanes lanes = {0, 0};
            across(from, run->pixel_bytes, now, 1, bytes, &lanes);
            from += LANE_COUNT * run->pixel_bytes;
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
static __attribute__((noinline)) uint8_t *large_windows(const tc_pool_run *run, int32_t count,
                                                        uint8_t *output) {
    const uint8_t *first = run->first;
    for (int32_t windows = run->windows; windows > 0; --windows, first += run->step_bytes) {
        const uint8_t *at = first;
        int32_t left = run->pixel_bytes;
        TC_ROLLED
        for (; left >= 4; left -= 4, at += 4, output += 4) {
            average_large(run, at, count, 4, output);
        }
        TC_ROLLED
        for (; left > 0; --left, ++at, ++output) {
            average_large(run, at, count, 1, output);
        }
    }
    return output;
}

TC_INLINE uint8_t *small_windows(const tc_pool_run *run, tc_divisor by, uint8_t *output) {
    const uint8_t *first = run->first;
    for (int32_t windows = run->windows; windows > 0; --windows, first += run->step_bytes) {
        const uint8_t *at = first;
        int32_t left = run->pixel_bytes;
        TC_ROLLED
        for (; left >= 16; left -= 16, at += 16, output += 16) {
            average(run, at, by, 4, 4, output);
        }
        TC_ROLLED
        for (; left >= 8; left -= 8, at += 8, output += 8) {
            average(run, at, by, 2, 4, output);
        }
        TC_ROLLED
        for (; left >= 4; left -= 4, at += 4, output += 4) {
            average(run, at, by, 1, 4, output);
        }
        TC_ROLLED
        for (; left > 0; --left, ++at, ++output) {
            average(run, at, by, 1, 1, output);
        }
    }
    return output;
}

void tc_avgpool_a8(const tc_pool_shape *shape, const int8_t *input, int32_t low, int32_t high,
                   int8_t *output) {
    uint8_t *to = (uint8_t *)output;
    tc_divisor by = tc_divisor_of(1, TC_OFFSET_S8);
    const int32_t inside = tc_pool_inside(shape);
    for (int32_t row = 0; row < shape->out_h; ++row) {
        for (int32_t column = 0; column < shape->out_w;) {
            const tc_pool_run run = tc_pool_at(shape, (const uint8_t *)input, row, column, inside);
            const int32_t count = run.rows * run.columns;
            column += run.windows;
            if (count > LANE_COUNT) {
                to = large_windows(&run, count, to);
                continue;
            }
            if (count != by.count) {
                by = tc_divisor_of(count, TC_OFFSET_S8);
            }
            to = small_windows(&run, by, to);
        }
    }
    tc_clamp_outputs(output, shape->out_h * shape->out_w * shape->pixel_bytes, low, high);
}
