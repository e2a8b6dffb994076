/* Max pooling of int8 and of packed fields: channels side by side, a word of them at a time. */
#include "tc_pool_window.h"

/* The greatest of words * bytes bytes of channels so far, and count further pixels. */
TC_INLINE void across(tc_field field, const uint8_t *at, int32_t pixel_bytes, int32_t count,
                      int32_t words, int32_t bytes, uint32_t *most) {
    for (; count > 0; --count, at += pixel_bytes) {
        for (int32_t i = 0; i < words; ++i) {
            most[i] = tc_max_fields(field, tc_load_bytes(at + 4 * i, bytes), most[i]);
        }
    }
}

/* Channels of one output pixel: words of them in registers, bytes to a word; both constants. */
TC_INLINE void greatest(tc_field field, const tc_pool_window *window, const uint8_t *at,
                        int32_t words, int32_t bytes, uint8_t *output) {
    const int32_t pixel_bytes = window->pixel_bytes;
    uint32_t most[4];
    for (int32_t i = 0; i < words; ++i) {
        most[i] = tc_load_bytes(at + 4 * i, bytes);
    }
    across(field, at + pixel_bytes, pixel_bytes, window->columns - 1, words, bytes, most);
    for (int32_t rows = window->rows; rows > 1; --rows) {
        at += window->row_bytes;
        across(field, at, pixel_bytes, window->columns, words, bytes, most);
    }
    for (int32_t i = 0; i < words; ++i) {
        tc_store_bytes(output + 4 * i, most[i], bytes);
    }
}

TC_INLINE void maxpool(tc_field field, const tc_pool_shape *shape, const uint8_t *input,
                       uint8_t *output) {
    for (int32_t row = 0; row < shape->out_h; ++row) {
        for (int32_t column = 0; column < shape->out_w; ++column) {
            const tc_pool_window window = tc_pool_at(shape, input, row, column);
            const uint8_t *at = window.first;
            int32_t left = window.pixel_bytes;
            for (; left >= 16; left -= 16, at += 16, output += 16) {
                greatest(field, &window, at, 4, 4, output);
            }
            for (; left >= 4; left -= 4, at += 4, output += 4) {
                greatest(field, &window, at, 1, 4, output);
            }
            for (; left > 0; --left, ++at, ++output) {
                greatest(field, &window, at, 1, 1, output);
            }
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
