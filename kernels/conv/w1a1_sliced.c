/*
 * Binary weights and activations, bit-sliced over 32 output channels: outputs, weights and
 * counters hold a channel in each bit, so neither popcount nor packing is needed. A set bit is +1;
 * the counters count the products that are -1, from where a channel's threshold makes the topmost
 * one end as its output. For multiples of 32 channels in and out, up to 255 blocks of 32 inputs;
 * w1a1.c serves the others. The counting is assembly, described in tc_sliced_dot.h.
 *
 * What the windows of one output row cover is transformed as tc_sliced_dot.h wants it (a bit
 * stays a bit) and laid out column by column, kernel_h pixels to a column: so each window is
 * contiguous, and the next one starts a few columns further on.
 */
#include "tc_base.h"
#include "tc_conv.h"

/* 32 channels of an input pixel; carries is what counting them leaves, and tc_pixel_w1a1 writes. */
typedef struct {
    uint32_t activations, carries;
} tc_sliced_block;

typedef struct {
    const uint32_t *weights;
    const uint32_t *start;
    tc_sliced_block *blocks, *end; /* the window; three behind it are overwritten */
    int32_t groups, planes;
} tc_sliced_pixel;

/* The outputs of one pixel, 4 bytes a group. */
void tc_pixel_w1a1(const tc_sliced_pixel *pixel, uint8_t *output);

/* Differences of neighbours, and from parities: see tc_sliced_dot.h. */
TC_INLINE uint32_t transformed(uint32_t word) {
    uint32_t parity = word ^ word << 1;
    parity ^= parity << 2;
    parity ^= parity << 4;
    parity ^= parity << 8;
    parity ^= parity << 16;
    return ((word ^ word >> 1) & 0xAAAAAAAAu) | ((word ^ parity << 2) & 0x55555555u);
}

/*
 * Columns x to x + count - 1 of an input row, each into its place among the kernel_h * words
 * blocks of a column. Outside the input (a row outside is 0) all channels are -1. Not inlined, not
 * unrolled: the loop wants the registers for itself.
 */
static __attribute__((noinline)) void transform_row(const tc_conv_shape *shape, const uint8_t *row,
                                                    int32_t x, int32_t count, tc_sliced_block *to) {
    const int32_t words = shape->in_c >> 5;
    const int32_t below = (shape->kernel_h - 1) * words;
    const int32_t width = row == 0 ? 0 : shape->in_w;
    const uint8_t *from = row + 4 * words * x;
    for (; count > 0; --count, ++x, to += below) {
        const int inside = (uint32_t)x < (uint32_t)width;
        for (int32_t i = words; i > 0; --i, from += 4, ++to) {
            uint32_t word = 0;
            if (inside) {
                word = transformed(tc_load32(from));
            }
            to->activations = word;
            __asm__("" : "+r"(to));
        }
    }
}

/* scratch: the blocks of an output row's windows, and three. */
void tc_conv_w1a1_sliced(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                         const tc_requant_sliced *requant, uint8_t *output, void *scratch) {
    const int32_t words = shape->in_c >> 5;
    const int32_t column = shape->kernel_h * words;
    const int32_t apart = shape->stride_w < shape->kernel_w ? shape->stride_w : shape->kernel_w;
    const int32_t step = apart * column;
    tc_sliced_block *const blocks = scratch;
    tc_sliced_pixel pixel;
    pixel.weights = weights;
    pixel.start = requant->start;
    pixel.groups = shape->out_c >> 5;
    pixel.planes = requant->planes;

    int32_t y = -shape->pad_top;
    for (int32_t rows = shape->out_h; rows > 0; --rows, y += shape->stride_h) {
        for (int32_t i = 0; i < shape->kernel_h; ++i) {
            const int inside = y + i >= 0 && y + i < shape->in_h;
            const uint8_t *const row = inside ? input + 4 * words * shape->in_w * (y + i) : 0;
            tc_sliced_block *to = blocks + i * words;
            int32_t x = -shape->pad_left;
            if (shape->stride_w <= shape->kernel_w) {
                const int32_t count = (shape->out_w - 1) * apart + shape->kernel_w;
                transform_row(shape, row, x, count, to);
                continue;
            }
            for (int32_t left = shape->out_w; left > 0; --left, x += shape->stride_w, to += step) {
                transform_row(shape, row, x, shape->kernel_w, to);
            }
        }
        pixel.blocks = blocks;
        for (int32_t left = shape->out_w; left > 0; --left, pixel.blocks += step) {
            pixel.end = pixel.blocks + shape->kernel_w * column;
            tc_pixel_w1a1(&pixel, output);
            output += 4 * pixel.groups;
        }
    }
}
