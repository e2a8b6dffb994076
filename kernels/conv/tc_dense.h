/*
 * Convolution with int8 activations and weights of 8 or 4 bits, requantized as TensorFlow Lite
 * does: two output pixels at a time, of which the inner loops (*_dot_m4.S, *_dot_m7.S) compute
 * four output channels at a time.
 *
 * Most layers take the short way: a table for SMMULR and SMMLAR, outputs straight from the
 * accumulators. Those that do not fit it (see packing.py) have their sums in memory, and split
 * where the accumulators' scaled channels might overflow.
 */
#ifndef TC_DENSE_H
#define TC_DENSE_H

#include "tc_columns.h"
#include "tc_requantize.h"

/* 504 products of at most 128 * 128 times 256, or 128 * 8 times 4096: below 2^31. */
#define TC_STEPS_AT_ONCE 126

/*
 * channels of two pixels, from steps of four products. sums: the pixels' sums of activations times
 * what the weights' bias is worth; beside: bytes of weights between groups of four channels that
 * belong to other steps.
 *
 * With a table, int8 outputs: the second pixel is written first, so that one that does not exist
 * may stand in the first one's place. Without: sums added to first, as channel, pixel.
 */
typedef void (*tc_dense_dot)(const void *weights, const uint32_t *columns, int32_t steps,
                             int32_t channels, int32_t sum_0, int32_t sum_1,
                             const tc_dense_group *table, void *first, int8_t *second,
                             int32_t output_offset, int32_t beside);

void tc_dot_w8a8(const void *weights, const uint32_t *columns, int32_t steps, int32_t channels,
                 int32_t sum_0, int32_t sum_1, const tc_dense_group *table, void *first,
                 int8_t *second, int32_t output_offset, int32_t beside);
void tc_dot_w4a8(const void *weights, const uint32_t *columns, int32_t steps, int32_t channels,
                 int32_t sum_0, int32_t sum_1, const tc_dense_group *table, void *first,
                 int8_t *second, int32_t output_offset, int32_t beside);

/* Constants of a kernel: its loop, bytes of weights in a step, what biases of weights subtract. */
typedef struct {
    tc_dense_dot dot;
    int32_t step_bytes, bias;
} tc_dense_kernel;

/* The block's sums by way of memory, in parts that fit the accumulators. */
static __attribute__((noinline)) void tc_dense_by_sums(
    const tc_dense_kernel *kernel, const tc_conv_shape *shape, const uint8_t *weights,
    const uint32_t *columns, int32_t steps, const tc_requant_dense *requant, int32_t *sums,
    int8_t *first, int8_t *second) {
    const int32_t count = 2 * ((shape->out_c + 3) & ~3);
    for (int32_t i = 0; i < count; ++i) {
        sums[i] = 0;
        __asm__("" : "+r"(i)); /* not a call of memset */
    }
    for (int32_t left = steps; left > 0;) {
        const int32_t now = left < TC_STEPS_AT_ONCE ? left : TC_STEPS_AT_ONCE;
        int32_t bias[2] = {0, 0};
        for (int32_t i = 0; i < 4 * now; ++i) {
            bias[i & 1] -= kernel->bias * (int16_t)columns[i];
            bias[i & 1] -= kernel->bias * ((int32_t)columns[i] >> 16);
        }
        kernel->dot(weights, columns, now, shape->out_c, bias[0], bias[1], 0, sums, 0, 0,
                    (steps - now) * kernel->step_bytes);
        weights += now * kernel->step_bytes;
        columns += 4 * now;
        left -= now;
    }
    tc_requantize_s8(&requant->plain, shape->out_c, sums, 2, 0, first, second);
}

TC_INLINE void tc_conv_dense(tc_dense_kernel kernel, const tc_conv_shape *shape,
                             const int8_t *input, const void *weights,
                             const tc_requant_dense *requant, int8_t *output, void *scratch) {
    const tc_format format = {.bits = 8, .pixels = 2, .step_words = 1, .sums_of_bytes = 1};
    const int32_t steps = tc_window_of(shape, format.bits, format.step_words).words;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 4 * steps + 2);
    int32_t *const rest = requant->groups ? sums : sums + 2 * ((shape->out_c + 3) & ~3);
    tc_columns at = tc_columns_of(format, shape, input, requant->plain.pad, rest);

    int32_t pixel_sums[2] = {0, 0};
    for (int32_t now; (now = tc_next_block(format, shape, &at, columns, pixel_sums)) > 0;) {
        int8_t *const second = now > 1 ? output + shape->out_c : output;
        if (requant->groups) {
            kernel.dot(weights, columns, steps, shape->out_c, -kernel.bias * pixel_sums[0],
                       -kernel.bias * pixel_sums[1], requant->groups, output, second,
                       requant->plain.output_offset, 0);
        } else {
            tc_dense_by_sums(&kernel, shape, weights, columns, steps, requant, sums, output,
                             second);
        }
        output = second + shape->out_c;
    }
}

#endif
