/* Clamping of int8 and of packed fields: ReLU, ReLU6 and any other range. */
#include "tc_elementwise.h"
#include "tc_fields.h"

void tc_clamp_a8(const tc_packed_shape *shape, const int8_t *input, int32_t low, int32_t high,
                 int8_t *output) {
    const tc_field field = {.bits = 8, .is_signed = 1};
    tc_clamp_fields(field, (const uint8_t *)input, shape->pixels * shape->pixel_bytes,
                    tc_four_times(low), tc_four_times(high), (uint8_t *)output);
}

#define CLAMP(name, ...)                                                                         \
    void name(const tc_packed_shape *shape, const uint8_t *input, uint32_t low, uint32_t high,   \
              uint8_t *output) {                                                                 \
        const tc_field field = {__VA_ARGS__};                                                    \
        tc_clamp_fields(field, input, shape->pixels * shape->pixel_bytes, low, high, output);    \
        tc_clear_spare(output, shape->pixels, shape->pixel_bytes, shape->mask);                  \
    }

CLAMP(tc_clamp_a4, .bits = 4)
CLAMP(tc_clamp_a4s, .bits = 4, .is_signed = 1)
CLAMP(tc_clamp_a2, .bits = 2)
CLAMP(tc_clamp_a2s, .bits = 2, .is_signed = 1)
