/*
 * Convolution with int8 activations and weights of 8 or 4 bits, requantized as TensorFlow Lite
 * does: two output pixels at a time, of which the inner loops (*_dot_m4.S, *_dot_m7.S) compute
 * four output channels at a time.
 *
 * Columns: the activations under the kernel at an output pixel, widened to 16-bit lanes in the
 * order in which SXTB16 takes them from a word, (0, 2) (1, 3); those of the two pixels word by
 * word in turn. Weights are stored biased, so the sum of a pixel's activations is needed too.
 *
 * Two ways lead there. Any shape: gather each window and widen it (tc_next_windows). Where pixels
 * are whole words and windows overlap: widen each input row once into a ring of kernel_h rows,
 * where every position holds the activations of both pixels of a block that starts there, and copy
 * rows of windows from it (tc_copy_block). Padding is written once: input rows never cover it.
 *
 * Most layers take outputs straight from the accumulators; those that do not fit that (see
 * dense.py) have their sums in memory, in parts that the scaled accumulators hold.
 */
#ifndef TC_DENSE_H
#define TC_DENSE_H

#include <arm_acle.h>

#include "tc_requantize.h"
#include "tc_window.h"

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
typedef void tc_dense_dot(const void *weights, const uint32_t *columns, int32_t steps,
                          int32_t channels, int32_t sum_0, int32_t sum_1,
                          const tc_dense_group *table, void *first, int8_t *second,
                          int32_t output_offset, int32_t beside);
tc_dense_dot tc_dot_w8a8, tc_dot_w4a8;

/* count is a multiple of 4 and not 0, as positions of the ring are. */
uint32_t *tc_copy_words(uint32_t *to, const uint32_t *from, int32_t count);

typedef struct {
    tc_window window;
    const uint8_t *input;
    int32_t pad;
    uint32_t *columns; /* 4 * window.words, and 2 that the loops read ahead */
    int32_t sums[2];   /* of the pixels' activations */
    uint8_t *gathered; /* one window */
    int32_t position_words, positions;
    uint32_t *ring;    /* kernel_h rows of positions */
    int32_t *totals;   /* sums of the activations of a row of the ring before each position */
    int32_t kept;      /* padded input rows that have been in the ring */
} tc_dense;

/* total and the four int8 of a word. */
TC_INLINE int32_t tc_add_bytes(uint32_t word, int32_t total) {
    return (int32_t)__usada8(word ^ 0x80808080u, 0, (uint32_t)total - 4 * 128);
}

/* ---------------------------------------------------------------- windows one by one */

/* The window at input row y, column x; the bytes behind it meet weights of zero. */
static __attribute__((noinline)) void tc_gather_dense(const tc_conv_shape *shape, const tc_dense *at,
                                                      int32_t y, int32_t x) {
    const int32_t row_bytes = at->window.row_bytes;
    const int32_t first = x < 0 ? -x : 0;
    const int32_t inside = shape->in_w - x;
    const int32_t last = inside < shape->kernel_w ? inside : shape->kernel_w;
    int32_t top = y < 0 ? -y : 0;
    const int32_t rows = shape->in_h - y < shape->kernel_h ? shape->in_h - y : shape->kernel_h;
    if (top > 0 || first > 0 || last < shape->kernel_w || rows < shape->kernel_h) {
        tc_fill(at->gathered, (uint8_t)at->pad * 0x01010101u, 4 * at->window.words);
    }
    const int32_t skip = first * at->window.pixel_bytes;
    const int32_t bytes = (last - first) * at->window.pixel_bytes;
    uint8_t *to = at->gathered + top * row_bytes + skip;
    const uint8_t *from =
        at->input + (y + top) * at->window.stride_bytes + x * at->window.pixel_bytes + skip;
    for (; top < rows && bytes > 0; ++top) {
        tc_copy(to, from, bytes);
        to += row_bytes;
        from += at->window.stride_bytes;
    }
}

/* Words of four activations into every second word of column; returns sum and theirs. */
TC_INLINE int32_t tc_widen_bytes(const uint8_t *from, int32_t words, uint32_t *column,
                                 int32_t sum) {
    for (; words > 0; --words, from += 4, column += 4) {
        const uint32_t word = tc_load32(from);
        column[0] = (uint32_t)__sxtb16((int8x4_t)word);
        column[2] = (uint32_t)__sxtb16((int8x4_t)(word >> 8 | word << 24));
        sum = tc_add_bytes(word, sum);
    }
    return sum;
}

/* The column of one pixel whose window is at input row y, column x. */
TC_INLINE void tc_widen_pixel(const tc_conv_shape *shape, tc_dense *at, int32_t y, int32_t x,
                              int32_t pixel) {
    uint32_t *column = at->columns + pixel;
    if (!tc_direct(shape, &at->window, y, x)) {
        tc_gather_dense(shape, at, y, x);
        at->sums[pixel] = tc_widen_bytes(at->gathered, at->window.words, column, 0);
        return;
    }
    const uint8_t *row = at->input + y * at->window.stride_bytes + x * at->window.pixel_bytes;
    const int32_t words = at->window.row_bytes >> 2;
    int32_t sum = 0;
    for (int32_t rows = shape->kernel_h; rows > 0; --rows, column += 4 * words) {
        sum = tc_widen_bytes(row, words, column, sum);
        row += at->window.stride_bytes;
    }
    at->sums[pixel] = sum;
}

/* ---------------------------------------------------------------- a ring of widened rows */

TC_INLINE void tc_fill_lanes(uint32_t *to, uint32_t lanes, int32_t words) {
    for (; words > 0; --words) {
        *to++ = lanes;
        __asm__("" : "+r"(to)); /* not a call of memset */
    }
}

/* Widen input row y, which may be padding, into its place in the ring. */
static __attribute__((noinline)) void tc_keep_row_dense(const tc_conv_shape *shape,
                                                        const tc_dense *at, int32_t y) {
    const int32_t slot = (y + shape->pad_top) % shape->kernel_h;
    uint32_t *const row = at->ring + slot * at->positions * at->position_words;
    int32_t *totals = at->totals + slot * (at->positions + 1);
    const int32_t pad_sum = at->pad * shape->in_c;
    const int outside = y < 0 || y >= shape->in_h;
    if (outside) {
        const uint32_t lanes = (uint16_t)at->pad * 0x00010001u;
        tc_fill_lanes(row, lanes, at->positions * at->position_words);
    }
    int32_t total = 0;
    const int32_t before = shape->stride_w + shape->pad_left;
    for (int32_t i = 0; i <= before; ++i, total += pad_sum) {
        *totals++ = total;
    }
    total -= pad_sum;
    const uint8_t *from = at->input + y * at->window.stride_bytes;
    uint32_t *first = row + before * at->position_words;
    uint32_t *second = first - shape->stride_w * at->position_words + 1;
    const int32_t pixels = outside ? 0 : shape->in_w;
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t words = at->window.pixel_bytes; words > 0; words -= 4, from += 4) {
            const uint32_t word = tc_load32(from);
            const uint32_t even = (uint32_t)__sxtb16((int8x4_t)word);
            const uint32_t odd = (uint32_t)__sxtb16((int8x4_t)(word >> 8 | word << 24));
            first[0] = even;
            second[0] = even;
            first[2] = odd;
            second[2] = odd;
            first += 4;
            second += 4;
            total = tc_add_bytes(word, total);
        }
        *totals++ = total;
    }
    for (int32_t left = at->positions - before - pixels; left > 0; --left) {
        total += pad_sum;
        *totals++ = total;
    }
}

/* The columns and sums of the block whose first pixel's window is at a padded row and column. */
TC_INLINE void tc_copy_block_dense(const tc_conv_shape *shape, tc_dense *at, int32_t slot,
                                   int32_t column) {
    const int32_t row_words = at->positions * at->position_words;
    const int32_t position = shape->stride_w + column;
    const int32_t words = shape->kernel_w * at->position_words;
    const uint32_t *from = at->ring + slot * row_words + position * at->position_words;
    const int32_t *totals = at->totals + slot * (at->positions + 1) + position;
    uint32_t *to = at->columns;
    int32_t sum_0 = 0;
    int32_t sum_1 = 0;
    for (int32_t row = slot, rows = shape->kernel_h; rows > 0; --rows) {
        to = tc_copy_words(to, from, words);
        sum_0 += totals[shape->kernel_w] - totals[0];
        sum_1 += totals[shape->kernel_w + shape->stride_w] - totals[shape->stride_w];
        from += row_words;
        totals += at->positions + 1;
        if (++row == shape->kernel_h) {
            row = 0;
            from -= shape->kernel_h * row_words;
            totals -= shape->kernel_h * (at->positions + 1);
        }
    }
    at->sums[0] = sum_0;
    at->sums[1] = sum_1;
}

/* ---------------------------------------------------------------- outputs */

/* A block's outputs by way of sums in memory; bias: what each weight was stored too large. */
TC_INLINE void tc_dense_by_sums(tc_dense_dot *dot, int32_t step_bytes, int32_t bias,
                                const tc_conv_shape *shape, const tc_dense *at,
                                const uint8_t *weights, const tc_requant_s8 *requant,
                                int32_t *sums, int8_t *first, int8_t *second) {
    const uint32_t *columns = at->columns;
    tc_fill_lanes((uint32_t *)sums, 0, 2 * ((shape->out_c + 3) & ~3));
    for (int32_t left = at->window.words; left > 0;) {
        const int32_t now = left < TC_STEPS_AT_ONCE ? left : TC_STEPS_AT_ONCE;
        int32_t activations[2] = {0, 0};
        for (int32_t i = 0; i < 4 * now; ++i) {
            activations[i & 1] = __smlad((int16x2_t)columns[i], 0x00010001, activations[i & 1]);
        }
        dot(weights, columns, now, shape->out_c, -bias * activations[0], -bias * activations[1],
            0, sums, 0, 0, (at->window.words - now) * step_bytes);
        weights += now * step_bytes;
        columns += 4 * now;
        left -= now;
    }
    tc_requantize_s8(requant, shape->out_c, sums, 2, 0, first, second);
}

/* A kernel is this, with its constants: the loop, bytes of weights in a step, and their bias. */
TC_INLINE void tc_conv_dense(tc_dense_dot *dot, int32_t step_bytes, int32_t bias,
                             const tc_conv_shape *shape, const int8_t *input, const void *weights,
                             const tc_requant_dense *requant, int8_t *output, void *scratch) {
    tc_dense at;
    at.window = tc_window_of(shape, 8, 1);
    at.input = (const uint8_t *)input;
    at.pad = requant->plain.pad;
    at.columns = scratch;
    int32_t *const sums = (int32_t *)(at.columns + 4 * at.window.words + 2);
    at.ring = (uint32_t *)(requant->groups ? sums : sums + 2 * ((shape->out_c + 3) & ~3));
    at.gathered = (uint8_t *)at.ring;
    at.positions = 0;
    at.position_words = at.window.pixel_bytes;
    at.totals = 0;
    at.kept = 0;
    if (shape->keep_rows) {
        const int32_t read = shape->stride_w * ((shape->out_w - 1) | 1) + shape->kernel_w;
        const int32_t written = shape->pad_left + shape->in_w;
        at.positions = shape->stride_w + (read > written ? read : written);
        const int32_t words = shape->kernel_h * at.positions * at.position_words;
        at.totals = (int32_t *)(at.ring + words);
        tc_fill_lanes(at.ring, (uint16_t)at.pad * 0x00010001u, words);
    }

    int32_t row = 0;
    int32_t column = 0;
    while (row < shape->out_h) {
        int32_t pixels = 2;
        if (shape->keep_rows) {
            const int32_t top = row * shape->stride_h;
            at.kept = at.kept < top ? top : at.kept;
            for (; at.kept < top + shape->kernel_h; ++at.kept) {
                tc_keep_row_dense(shape, &at, at.kept - shape->pad_top);
            }
            tc_copy_block_dense(shape, &at, top % shape->kernel_h, column * shape->stride_w);
            pixels = column + 1 < shape->out_w ? 2 : 1;
            column += pixels;
            if (column >= shape->out_w) {
                column = 0;
                ++row;
            }
        } else {
            for (int32_t pixel = 0; pixel < 2; ++pixel) {
                if (row == shape->out_h) {
                    pixels = 1;
                    break;
                }
                tc_widen_pixel(shape, &at, row * shape->stride_h - shape->pad_top,
                               column * shape->stride_w - shape->pad_left, pixel);
                if (++column == shape->out_w) {
                    column = 0;
                    ++row;
                }
            }
        }
        int8_t *const second = pixels > 1 ? output + shape->out_c : output;
        if (requant->groups) {
            dot(weights, at.columns, at.window.words, shape->out_c, -bias * at.sums[0],
                -bias * at.sums[1], requant->groups, output, second, requant->plain.output_offset,
                0);
        } else {
            tc_dense_by_sums(dot, step_bytes, bias, shape, &at, weights, &requant->plain, sums,
                             output, second);
        }
        output = second + shape->out_c;
    }
}

#endif
