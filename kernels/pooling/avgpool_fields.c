/*
 * Average pooling of packed fields. Fields of one position in their bytes are a plane: they are
 * summed up in bytes as long as these hold the sum, and then in 16-bit lanes.
 */
#include "tc_average.h"
#include "tc_pool_window.h"

#define MOST_PLANES 8

/* count pixels of one to four bytes, added to the lanes of each plane. */
TC_INLINE void across(tc_field field, const uint8_t *at, int32_t pixel_bytes, int32_t count,
                      int32_t bytes, tc_lanes *lanes) {
    const int32_t planes = 8 / field.bits;
    const uint32_t mask = tc_four_times((1 << field.bits) - 1);
    const uint32_t flip = field.is_signed ? tc_sign_bits(field) : 0;
    const int32_t most = 255 / ((1 << field.bits) - 1);
    for (int32_t now; count > 0; count -= now) {
        uint32_t sums[MOST_PLANES] = {0};
        now = count < most ? count : most;
        for (int32_t left = now; left > 0; --left, at += pixel_bytes) {
            const uint32_t word = tc_load_bytes(at, bytes) ^ flip;
            for (int32_t i = 0; i < planes; ++i) {
                sums[i] += word >> field.bits * i & mask;
            }
        }
        for (int32_t i = 0; i < planes; ++i) {
            lanes[i] = tc_add_u8(lanes[i], sums[i]);
        }
    }
}

TC_INLINE void average(tc_field field, const tc_pool_run *run, const uint8_t *at,
                       tc_divisor by, int32_t bytes, uint8_t *output) {
    const int32_t planes = 8 / field.bits;
    const uint32_t mask = tc_four_times((1 << field.bits) - 1);
    tc_lanes lanes[MOST_PLANES] = {{0, 0}};
    TC_ROLLED
    for (int32_t rows = run->rows; rows > 0; --rows, at += run->row_bytes) {
        across(field, at, run->pixel_bytes, run->columns, bytes, lanes);
    }
    uint32_t word = 0;
    for (int32_t i = 0; i < planes; ++i) {
        word |= (tc_average(lanes[i], by) & mask) << field.bits * i;
    }
    tc_store_bytes(output, word, bytes);
}

TC_INLINE uint8_t *avgpool_run(tc_field field, const tc_pool_run *run, tc_divisor by,
                               uint8_t *output) {
    const uint8_t *first = run->first;
    for (int32_t windows = run->windows; windows > 0; --windows, first += run->step_bytes) {
        const uint8_t *at = first;
        int32_t left = run->pixel_bytes;
        TC_ROLLED
        for (; left >= 4; left -= 4, at += 4, output += 4) {
            average(field, run, at, by, 4, output);
        }
        TC_ROLLED
        for (; left > 0; --left, ++at, ++output) {
            average(field, run, at, by, 1, output);
        }
    }
    return output;
}

TC_INLINE void avgpool(tc_field field, const tc_pool_shape *shape, const uint8_t *input,
                       uint8_t *output) {
    const int32_t offset = field.is_signed ? 1 << (field.bits - 1) : 0;
    const int32_t inside = tc_pool_inside(shape);
    tc_divisor by = tc_divisor_of(1, offset);
    for (int32_t row = 0; row < shape->out_h; ++row) {
        for (int32_t column = 0; column < shape->out_w;) {
            const tc_pool_run run = tc_pool_at(shape, input, row, column, inside);
            const int32_t count = run.rows * run.columns;
            if (count != by.count) {
                by = tc_divisor_of(count, offset);
            }
            output = avgpool_run(field, &run, by, output);
            column += run.windows;
        }
    }
}

#define AVGPOOL(name, ...)                                                                      \
    void name(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output) {              \
        const tc_field field = {__VA_ARGS__};                                                   \
        avgpool(field, shape, input, output);                                                   \
    }

AVGPOOL(tc_avgpool_a4, .bits = 4)
AVGPOOL(tc_avgpool_a4s, .bits = 4, .is_signed = 1)
AVGPOOL(tc_avgpool_a2, .bits = 2)
AVGPOOL(tc_avgpool_a2s, .bits = 2, .is_signed = 1)
AVGPOOL(tc_avgpool_a1, .bits = 1)
