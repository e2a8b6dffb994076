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
 * rows of windows from it (tc_next_from_ring). Padding is written once: input rows never cover it.
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
 * Channels of two pixels, from steps of four products. sum_0, sum_1: the pixels' sums of
 * activations times what the weights' bias subtracts; beside: bytes of weights between groups of
 * four channels that belong to other steps.
 *
 * With a table, int8 outputs: the second pixel is written first, so that one that does not exist
 * may stand in the first one's place. Without: sums added to first, as channel, pixel.
 */
typedef void tc_dense_dot(const void *weights, const uint32_t *columns, int32_t steps,
                          int32_t channels, int32_t sum_0, int32_t sum_1,
                          const tc_dense_group *table, void *first, int8_t *second,
                          int32_t output_offset_and_128, int32_t beside);
tc_dense_dot tc_dot_w8a8, tc_dot_w4a8;

typedef struct {
    tc_window window;
    const uint8_t *input;
    int32_t pad;
    uint32_t *columns; /* 4 * window.words, and 2 that the loops read ahead */
    int32_t sums[2];   /* of the pixels' activations */
    uint8_t *gathered; /* one window and a word */
    int32_t position_words, positions;
    uint32_t *ring;    /* kernel_h rows of positions */
    int32_t *totals;   /* sums of the activations of a row of the ring before each position */
    int32_t kept;      /* padded input rows that have been in the ring */
    int32_t row, column; /* of the next output pixel */
} tc_dense;

/* total and the four int8 of a word, 128 added to each. */
TC_INLINE int32_t tc_add_bytes(uint32_t word, int32_t total) {
    return (int32_t)__usada8(word ^ 0x80808080u, 0, (uint32_t)total);
}

/* ---------------------------------------------------------------- windows one by one */

/* bytes > 0 that stand anywhere, and up to three more. */
TC_INLINE void tc_copy_over(uint8_t *to, const uint8_t *from, int32_t bytes) {
    do {
        tc_store32(to, tc_load32(from));
        to += 4;
        from += 4;
        bytes -= 4;
        __asm__("" : "+r"(to)); /* not a call of memcpy */
    } while (bytes > 0);
}

/*
 * The window at input row y, column x; what stands behind it meets weights of zero. Rows are copied
 * as words, unless they end where the input does: what is copied too much is written over by the
 * next row, or stands in the word behind the window.
 */
static __attribute__((noinline)) void tc_gather_window(const tc_conv_shape *shape,
                                                      const tc_dense *at, int32_t y, int32_t x) {
    const int32_t row_bytes = at->window.row_bytes;
    const int32_t stride_bytes = at->window.stride_bytes;
    const uint8_t *const end = at->input + shape->in_h * stride_bytes - 3;
    const uint8_t *from = at->input + y * stride_bytes + x * at->window.pixel_bytes;
    uint8_t *to = at->gathered;
    int32_t rows = shape->kernel_h;
    if (y >= 0 && x >= 0 && y + rows <= shape->in_h && x + shape->kernel_w <= shape->in_w) {
        for (; rows > 0 && from + row_bytes <= end; --rows) {
            tc_copy_over(to, from, row_bytes);
            to += row_bytes;
            from += stride_bytes;
        }
        for (; rows > 0; --rows) {
            to = tc_copy(to, from, row_bytes);
            from += stride_bytes;
        }
        return;
    }
    tc_fill(to, (uint8_t)at->pad * 0x01010101u, 4 * at->window.words);
    const int32_t top = y < 0 ? -y : 0;
    const int32_t first = x < 0 ? -x : 0;
    const int32_t last = shape->in_w - x < shape->kernel_w ? shape->in_w - x : shape->kernel_w;
    const int32_t bytes = (last - first) * at->window.pixel_bytes;
    rows = shape->in_h - y < rows ? shape->in_h - y : rows;
    to += top * row_bytes + first * at->window.pixel_bytes;
    from += top * stride_bytes + first * at->window.pixel_bytes;
    for (rows -= top; rows > 0 && bytes > 0; --rows) {
        tc_copy(to, from, bytes);
        to += row_bytes;
        from += stride_bytes;
    }
}

/* Words of four activations into every second word of column; returns sum and theirs. */
TC_INLINE int32_t tc_widen_bytes(const uint8_t *from, int32_t words, uint32_t *column,
                                 int32_t sum) {
    sum -= 4 * 128 * words;
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
        tc_gather_window(shape, at, y, x);
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

/* Widen input row y, which may be padding, into its place in the ring. */
static __attribute__((noinline)) void tc_keep_padded_row(const tc_conv_shape *shape,
                                                        const tc_dense *at, int32_t y) {
    const int32_t slot = (y + shape->pad_top) % shape->kernel_h;
    uint32_t *const row = at->ring + slot * at->positions * at->position_words;
    int32_t *totals = at->totals + slot * (at->positions + 1);
    const int32_t pad_sum = at->pad * shape->in_c;
    const int outside = y < 0 || y >= shape->in_h;
    if (outside) {
        const uint32_t lanes = (uint16_t)at->pad * 0x00010001u;
        tc_fill_words(row, lanes, at->positions * at->position_words);
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
        total -= 128 * shape->in_c;
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

/* Columns and sums of the next block from the ring. */
TC_INLINE void tc_copy_block(const tc_conv_shape *shape, tc_dense *at) {
    const int32_t row_words = at->positions * at->position_words;
    const int32_t slot = at->row * shape->stride_h % shape->kernel_h;
    const int32_t position = shape->stride_w * (at->column + 1);
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

/*
 * Make the columns of the next block of one or two pixels of a row, and their sums. Returns how
 * many; what stands for a second that does not exist is undefined.
 */
TC_INLINE int32_t tc_next_from_ring(const tc_conv_shape *shape, tc_dense *at) {
    const int32_t top = at->row * shape->stride_h;
    at->kept = at->kept < top ? top : at->kept;
    for (; at->kept < top + shape->kernel_h; ++at->kept) {
        tc_keep_padded_row(shape, at, at->kept - shape->pad_top);
    }
    tc_copy_block(shape, at);
    const int32_t pixels = at->column + 1 < shape->out_w ? 2 : 1;
    at->column += pixels;
    if (at->column >= shape->out_w) {
        at->column = 0;
        ++at->row;
    }
    return pixels;
}

/* The same for windows one by one: the block's pixels may stand in different rows. */
TC_INLINE int32_t tc_next_windows(const tc_conv_shape *shape, tc_dense *at) {
    int32_t pixels = 0;
    for (; pixels < 2 && at->row < shape->out_h; ++pixels) {
        tc_widen_pixel(shape, at, at->row * shape->stride_h - shape->pad_top,
                       at->column * shape->stride_w - shape->pad_left, pixels);
        if (++at->column == shape->out_w) {
            at->column = 0;
            ++at->row;
        }
    }
    return pixels;
}

/* ---------------------------------------------------------------- outputs */

/* A block's outputs by way of sums in memory; bias: what each weight was stored too large. */
TC_INLINE void tc_dense_by_sums(tc_dense_dot *dot, int32_t step_bytes, int32_t bias,
                                const tc_conv_shape *shape, const tc_dense *at,
                                const uint8_t *weights, const tc_requant_s8 *requant,
                                int32_t *sums, int8_t *first, int8_t *second) {
    const uint32_t *columns = at->columns;
    tc_fill_words((uint32_t *)sums, 0, 2 * ((shape->out_c + 3) & ~3));
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

TC_INLINE tc_dense tc_dense_of(const tc_conv_shape *shape, const int8_t *input, int32_t pad,
                               uint32_t *columns, uint32_t *rest, tc_window window) {
    tc_dense at = {.window = window, .input = (const uint8_t *)input, .pad = pad};
    at.columns = columns;
    at.gathered = (uint8_t *)rest;
    at.ring = rest;
    at.position_words = window.pixel_bytes;
    if (shape->keep_rows) {
        const int32_t read = shape->stride_w * ((shape->out_w - 1) | 1) + shape->kernel_w;
        const int32_t written = shape->pad_left + shape->in_w;
        at.positions = shape->stride_w + (read > written ? read : written);
        const int32_t words = shape->kernel_h * at.positions * at.position_words;
        at.totals = (int32_t *)(rest + words);
        tc_fill_words(rest, (uint16_t)pad * 0x00010001u, words);
    }
    return at;
}

/* A kernel is this, with its constants: the loop, bytes of weights in a step, and their bias. */
TC_INLINE void tc_conv_dense(tc_dense_dot *dot, int32_t step_bytes, int32_t bias,
                             const tc_conv_shape *shape, const int8_t *input, const void *weights,
                             const tc_requant_dense *requant, int8_t *output, void *scratch) {
    const tc_window window = tc_window_of(shape, 8, 1);
    uint32_t *const columns = scratch;
    uint32_t *const sums = columns + 4 * window.words + 2;
    uint32_t *const rest = requant->groups ? sums : sums + 2 * ((shape->out_c + 3) & ~3);
    tc_dense at = tc_dense_of(shape, input, requant->plain.pad, columns, rest, window);

    while (at.row < shape->out_h) {
        const int32_t pixels =
            shape->keep_rows ? tc_next_from_ring(shape, &at) : tc_next_windows(shape, &at);
        int8_t *const second = pixels > 1 ? output + shape->out_c : output;
        if (requant->groups) {
            dot(weights, columns, window.words, shape->out_c, -bias * at.sums[0],
                -bias * at.sums[1], requant->groups, output, second,
                requant->plain.output_offset + 128, 0);
        } else {
            tc_dense_by_sums(dot, step_bytes, bias, shape, &at, weights, &requant->plain,
                             (int32_t *)sums, output, second);
        }
        output = second + shape->out_c;
    }
}

#endif
