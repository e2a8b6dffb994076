/* Max pooling of int8 and of packed fields: channels side by side, a word of them at a time. */
#include "tc_pool_window.h"

/* A word of nibbles is kept as two, each with the nibbles that count at the top of its bytes. */
typedef struct {
    uint32_t high, low;
} tc_most;

TC_INLINE tc_most start(tc_field field, uint32_t word) {
    const tc_most most = {word, field.bits == 4 ? word << 4 : 0};
    return most;
}

TC_INLINE tc_most meet(tc_field field, tc_most most, uint32_t word) {
    if (field.bits == 4) {
        most.high = tc_max_bytes(word, most.high, field.is_signed);
        most.low = tc_max_bytes(word << 4, most.low, field.is_signed);
    } else {
        most.high = tc_max_fields(field, word, most.high);
    }
    return most;
}

TC_INLINE uint32_t packed(tc_field field, tc_most most) {
    return field.bits == 4 ? tc_join_nibbles(most.high, most.low) : most.high;
}

/* Channels of count further pixels: words of them, bytes to a word; both constants. */
TC_INLINE void across(tc_field field, const uint8_t *at, int32_t pixel_bytes, int32_t count,
                      int32_t words, int32_t bytes, tc_most *most) {
    TC_ROLLED
    for (; count > 0; --count, at += pixel_bytes) {
        uint32_t loaded[4];
        for (int32_t i = 0; i < words; ++i) {
            loaded[i] = tc_load_bytes(at + 4 * i, bytes);
        }
        for (int32_t i = 0; i < words; ++i) {
            most[i] = meet(field, most[i], loaded[i]);
        }
    }
}

/* Channels of one output pixel. */
TC_INLINE void greatest(tc_field field, const tc_pool_run *run, const uint8_t *at,
                        int32_t words, int32_t bytes, uint8_t *output) {
    const int32_t pixel_bytes = run->pixel_bytes;
    tc_most most[4];
    for (int32_t i = 0; i < words; ++i) {
        most[i] = start(field, tc_load_bytes(at + 4 * i, bytes));
    }
    if (run->rows == 2 && run->columns == 2) { /* usual, and faster without loops */
        across(field, at + pixel_bytes, pixel_bytes, 1, words, bytes, most);
        at += run->row_bytes;
        across(field, at, pixel_bytes, 1, words, bytes, most);
        across(field, at + pixel_bytes, pixel_bytes, 1, words, bytes, most);
    } else {
        across(field, at + pixel_bytes, pixel_bytes, run->columns - 1, words, bytes, most);
        TC_ROLLED
        for (int32_t rows = run->rows; rows > 1; --rows) {
            at += run->row_bytes;
            across(field, at, pixel_bytes, run->columns, words, bytes, most);
        }
    }
    for (int32_t i = 0; i < words; ++i) {
        tc_store_bytes(output + 4 * i, packed(field, most[i]), bytes);
    }
}

TC_INLINE uint8_t *maxpool_run(tc_field field, const tc_pool_run *run, uint8_t *output) {
    const int32_t block = field.bits == 4 ? 8 : 16;
    const uint8_t *first = run->first;
    for (int32_t windows = run->windows; windows > 0; --windows, first += run->step_bytes) {
        const uint8_t *at = first;
        int32_t left = run->pixel_bytes;
        TC_ROLLED
        for (; left >= block; left -= block, at += block, output += block) {
            greatest(field, run, at, block / 4, 4, output);
        }
        TC_ROLLED
        for (; left >= 4; left -= 4, at += 4, output += 4) {
            greatest(field, run, at, 1, 4, output);
        }
        TC_ROLLED
        for (; left > 0; --left, ++at, ++output) {
            greatest(field, run, at, 1, 1, output);
        }
    }
    return output;
}

#if defined(__ARM_FEATURE_DSP)

/* In max_2x2.S; pixel_bytes a multiple of 8. */
void tc_max_2x2(const tc_pool_run *run, uint8_t *output);

TC_INLINE int32_t takes_2x2(tc_field field, const tc_pool_run *run) {
    return field.bits == 8 && run->rows == 2 && run->columns == 2 && run->pixel_bytes % 8 == 0;
}

#else

#define takes_2x2(field, run) 0
#define tc_max_2x2(run, output) (void)0

#endif

TC_INLINE void maxpool(tc_field field, const tc_pool_shape *shape, const uint8_t *input,
                       uint8_t *output) {
    const int32_t inside = tc_pool_inside(shape);
    for (int32_t row = 0; row < shape->out_h; ++row) {
        for (int32_t column = 0; column < shape->out_w;) {
            const tc_pool_run run = tc_pool_at(shape, input, row, column, inside);
            if (takes_2x2(field, &run)) {
                tc_max_2x2(&run, output);
                output += run.windows * run.pixel_bytes;
            } else {
                output = maxpool_run(field, &run, output);
            }
            column += run.windows;
        }
    }
}

void tc_maxpool_a8(const tc_pool_shape *shape, const int8_t *input, int32_t low, int32_t high,
                   int8_t *output) {
    const tc_field field = {.bits = 8, .is_signed = 1};
    maxpool(field, shape, (const uint8_t *)input, (uint8_t *)output);
    tc_clamp_outputs(output, shape->out_h * shape->out_w * shape->pixel_bytes, low, high);
}

#define MAXPOOL(name, ...)                                                                      \
    void name(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output) {              \
        const tc_field field = {__VA_ARGS__};                                                   \
        maxpool(field, shape, input, output);                                                   \
    }

MAXPOOL(tc_maxpool_a4, .bits = 4)
MAXPOOL(tc_maxpool_a4s, .bits = 4, .is_signed = 1)
MAXPOOL(tc_maxpool_a2, .bits = 2)
MAXPOOL(tc_maxpool_a2s, .bits = 2, .is_signed = 1)
MAXPOOL(tc_maxpool_a1, .bits = 1)
