/*
 * From packed activations of 4 bits to columns: those of two output pixels in 16-bit lanes, two to
 * a word, the pixels interleaved word by word.
 *
 * Lanes come in the order in which one AND takes them from a packed word: nibbles (0, 4) (1, 5)
 * (2, 6) (3, 7). packing.py lays out weights to match.
 *
 * Two ways lead there. Any shape: widen each window by itself. Where pixels are whole words and
 * windows overlap: widen each input row once into a ring of kernel_h rows, where every position
 * already holds the pixels of a block side by side, and copy rows of windows from there. Padding
 * is written once: input rows never cover it.
 */
#ifndef TC_COLUMNS_H
#define TC_COLUMNS_H

#include <arm_acle.h>

#include "tc_window.h"

#define TC_PIXELS 2 /* of a block */
#define TC_LANES  4 /* words of lanes in a packed word */

typedef struct {
    tc_window window;
    const uint8_t *input;
    int32_t x, y;         /* input position of the next window */
    int32_t column;       /* its output column */
    int32_t left;         /* output pixels left */
    uint8_t *gathered;    /* one packed window */
    int32_t front;        /* ring: positions in a row before the left padding */
    int32_t length;       /* positions in a row */
    int32_t pixel_words;  /* words of a position */
    int32_t next_row;     /* the first padded input row not yet in the ring */
    uint32_t *ring;
    int32_t *row_sums;    /* sum of the activations of each pixel in the ring */
    int32_t *window_sums; /* their sums over kernel_h rows */
} tc_columns;

TC_INLINE uint32_t tc_lane(uint32_t word, int32_t index) {
    return word >> 4 * index & 0x000F000Fu;
}

/* total and the activations of a packed word. */
TC_INLINE int32_t tc_add_word(uint32_t word, int32_t total) {
    word = (word & 0x0F0F0F0Fu) + (word >> 4 & 0x0F0F0F0Fu);
    return (int32_t)__usada8(word, 0, (uint32_t)total);
}

/* Packed words into their place of a column; returns sum plus their activations' sum. */
TC_INLINE int32_t tc_widen(const uint8_t *words, int32_t count, uint32_t *column, int32_t sum) {
    for (; count > 0; --count, words += 4, column += TC_LANES * TC_PIXELS) {
        const uint32_t word = tc_load32(words);
        for (int32_t i = 0; i < TC_LANES; ++i) {
            column[i * TC_PIXELS] = tc_lane(word, i);
        }
        sum = tc_add_word(word, sum);
    }
    return sum;
}

/* The column of one pixel from its window, and the sum of its activations. */
TC_INLINE int32_t tc_widen_window(const tc_conv_shape *shape, const tc_columns *at,
                                  uint32_t *column) {
    if (!tc_direct(shape, &at->window, at->y, at->x)) {
        tc_gather(shape, &at->window, at->input, at->y, at->x, at->gathered);
        return tc_widen(at->gathered, at->window.words, column, 0);
    }
    const uint8_t *row =
        at->input + at->y * at->window.stride_bytes + at->x * at->window.pixel_bytes;
    const int32_t words = at->window.row_bytes >> 2;
    int32_t sum = 0;
    for (int32_t rows = shape->kernel_h; rows > 0; --rows) {
        sum = tc_widen(row, words, column, sum);
        row += at->window.stride_bytes;
        column += words * TC_LANES * TC_PIXELS;
    }
    return sum;
}

/* Widen the next padded input row into the ring, at each place of a block that it can have. */
TC_INLINE void tc_keep_row(const tc_conv_shape *shape, tc_columns *at) {
    const int32_t slot = at->next_row % shape->kernel_h;
    const int32_t y = at->next_row++ - shape->pad_top;
    uint32_t *const row = at->ring + slot * at->length * at->pixel_words;
    int32_t *const sums = at->row_sums + slot * at->length;
    if (y < 0 || y >= shape->in_h) {
        tc_fill_words(row, 0, at->length * at->pixel_words);
        tc_fill_words((uint32_t *)sums, 0, at->length);
        return;
    }
    const uint8_t *words = at->input + y * at->window.stride_bytes;
    const int32_t first = at->front + shape->pad_left;
    const int32_t back = shape->stride_w * at->pixel_words - 1;
    uint32_t *to = row + first * at->pixel_words;
    for (int32_t count = at->window.stride_bytes >> 2; count > 0; --count, words += 4) {
        const uint32_t word = tc_load32(words);
        for (int32_t i = 0; i < TC_LANES; ++i, to += TC_PIXELS) {
            const uint32_t lanes = tc_lane(word, i);
            uint32_t *place = to;
            for (int32_t pixel = 0; pixel < TC_PIXELS; ++pixel, place -= back) {
                *place = lanes;
            }
        }
    }
    words = at->input + y * at->window.stride_bytes;
    for (int32_t x = 0; x < shape->in_w; ++x) {
        int32_t sum = 0;
        for (int32_t bytes = at->window.pixel_bytes; bytes > 0; bytes -= 4, words += 4) {
            sum = tc_add_word(tc_load32(words), sum);
        }
        sums[first + x] = sum;
    }
}

/* Before the first block of an output row: its rows of input, and the sums over them. */
TC_INLINE void tc_keep_rows(const tc_conv_shape *shape, tc_columns *at) {
    const int32_t top = at->y + shape->pad_top;
    at->next_row = at->next_row < top ? top : at->next_row;
    while (at->next_row < top + shape->kernel_h) {
        tc_keep_row(shape, at);
    }
    for (int32_t i = 0; i < at->length; ++i) {
        int32_t sum = 0;
        for (int32_t row = 0; row < shape->kernel_h; ++row) {
            sum += at->row_sums[row * at->length + i];
        }
        at->window_sums[i] = sum;
    }
}

/* The block at the next output column from the ring. */
TC_INLINE void tc_copy_block(const tc_conv_shape *shape, const tc_columns *at, uint32_t *columns,
                             int32_t *sums) {
    const int32_t position = at->x + shape->pad_left + at->front;
    const int32_t row_words = at->length * at->pixel_words;
    const uint32_t *const end = at->ring + shape->kernel_h * row_words;
    const uint32_t *from = at->ring + position * at->pixel_words +
                           (at->y + shape->pad_top) % shape->kernel_h * row_words;
    for (int32_t rows = shape->kernel_h; rows > 0; --rows) {
        columns = tc_copy_words(columns, from, shape->kernel_w * at->pixel_words);
        from += row_words;
        from = from >= end ? from - shape->kernel_h * row_words : from;
    }
    for (int32_t pixel = 0; pixel < TC_PIXELS; ++pixel) {
        int32_t sum = 0;
        const int32_t first = position + pixel * shape->stride_w;
        for (int32_t x = first; x < first + shape->kernel_w; ++x) {
            sum += at->window_sums[x];
        }
        sums[pixel] = sum;
    }
}

/* scratch: what the columns need of it, behind the kernel's own part. */
TC_INLINE tc_columns tc_columns_of(const tc_conv_shape *shape, tc_window window, const void *input,
                                   void *scratch) {
    tc_columns at;
    at.window = window;
    at.input = input;
    at.x = -shape->pad_left;
    at.y = -shape->pad_top;
    at.column = 0;
    at.left = shape->out_h * shape->out_w;
    at.gathered = scratch;
    at.ring = scratch;
    at.next_row = 0;
    at.front = 0;
    at.length = 0;
    at.pixel_words = 0;
    at.row_sums = 0;
    at.window_sums = 0;
    if (shape->keep_rows) {
        const int32_t blocks = (shape->out_w + TC_PIXELS - 1) / TC_PIXELS;
        const int32_t read = shape->stride_w * (TC_PIXELS * blocks - 1) + shape->kernel_w;
        const int32_t written = shape->pad_left + shape->in_w;
        at.front = shape->stride_w * (TC_PIXELS - 1);
        at.length = at.front + (read > written ? read : written);
        at.pixel_words = (at.window.pixel_bytes >> 2) * TC_LANES * TC_PIXELS;
        const int32_t words = shape->kernel_h * at.length * at.pixel_words;
        at.row_sums = (int32_t *)(at.ring + words);
        at.window_sums = at.row_sums + shape->kernel_h * at.length;
        tc_fill_words(at.ring, 0, words);
        tc_fill_words((uint32_t *)at.row_sums, 0, shape->kernel_h * at.length);
    }
    return at;
}

TC_INLINE void tc_advance(const tc_conv_shape *shape, tc_columns *at) {
    at->x += shape->stride_w;
    if (++at->column >= shape->out_w) {
        at->column = 0;
        at->x = -shape->pad_left;
        at->y += shape->stride_h;
    }
}

/*
 * Make the columns of the next block, and the sums of its pixels' activations. Returns how many
 * pixels of the block exist; what stands for the others is undefined.
 */
TC_INLINE int32_t tc_next_block(const tc_conv_shape *shape, tc_columns *at, uint32_t *columns,
                                int32_t *sums) {
    int32_t now = at->left < TC_PIXELS ? at->left : TC_PIXELS;
    if (shape->keep_rows) {
        if (now > 0 && at->column == 0) {
            tc_keep_rows(shape, at);
        }
        const int32_t in_row = shape->out_w - at->column;
        now = now < in_row ? now : in_row;
        if (now > 0) {
            tc_copy_block(shape, at, columns, sums);
        }
    }
    for (int32_t pixel = 0; pixel < now; ++pixel) {
        if (!shape->keep_rows) {
            sums[pixel] = tc_widen_window(shape, at, columns + pixel);
        }
        tc_advance(shape, at);
    }
    at->left -= now;
    return now;
}

#endif
