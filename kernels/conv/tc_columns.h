/*
 * From packed input to columns: the activations of a block of output pixels in 16-bit lanes, two
 * to a word, the pixels of the block interleaved word by word.
 *
 * Lanes come in the order in which one AND or SXTB16 takes them from a packed word: (0, 2) (1, 3)
 * of bytes, (0, 4) ... (3, 7) of nibbles, (0, 8) ... (7, 15) of pairs of bits. packing.py lays
 * out weights to match.
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

/* Constants of a kernel: bits of an activation, pixels of a block, packed words of a step. */
typedef struct {
    int32_t bits, pixels, step_words;
} tc_format;

typedef struct {
    tc_window window;
    const uint8_t *input;
    uint32_t pad;         /* four packed pad bytes */
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

#define TC_LANES(bits) (16 / (bits)) /* words of lanes in a packed word */

TC_INLINE uint32_t tc_lane(uint32_t word, int32_t index, int32_t bits) {
    switch (bits) {
    case 8: return (uint32_t)__sxtb16((int8x4_t)(index ? word >> 8 | word << 24 : word));
    case 4: return word >> 4 * index & 0x000F000Fu;
    default: return word >> 2 * index & 0x00030003u;
    }
}

/* total and the unsigned activations of a packed word. */
TC_INLINE int32_t tc_add_word(uint32_t word, int32_t bits, int32_t total) {
    if (bits == 2) {
        word = (word & 0x33333333u) + (word >> 2 & 0x33333333u);
    }
    word = (word & 0x0F0F0F0Fu) + (word >> 4 & 0x0F0F0F0Fu);
    return (int32_t)__usada8(word, 0, (uint32_t)total);
}

/* Packed words into their place of a column; returns sum plus their activations' sum. */
TC_INLINE int32_t tc_widen(tc_format format, const uint8_t *words, int32_t count,
                           uint32_t *column, int32_t sum) {
    for (; count > 0; --count, words += 4, column += TC_LANES(format.bits) * format.pixels) {
        const uint32_t word = tc_load32(words);
        for (int32_t i = 0; i < TC_LANES(format.bits); ++i) {
            column[i * format.pixels] = tc_lane(word, i, format.bits);
        }
        if (format.bits < 8) {
            sum = tc_add_word(word, format.bits, sum);
        }
    }
    return sum;
}

/* The column of one pixel from its window, and the sum of its activations. */
TC_INLINE int32_t tc_widen_window(tc_format format, const tc_conv_shape *shape,
                                  const tc_columns *at, uint32_t *column) {
    if (!tc_direct(shape, &at->window, at->y, at->x)) {
        tc_gather(shape, &at->window, at->input, at->y, at->x, at->pad, at->gathered);
        return tc_widen(format, at->gathered, at->window.words, column, 0);
    }
    const uint8_t *row =
        at->input + at->y * at->window.stride_bytes + at->x * at->window.pixel_bytes;
    const int32_t words = at->window.row_bytes >> 2;
    int32_t sum = 0;
    for (int32_t rows = shape->kernel_h; rows > 0; --rows) {
        sum = tc_widen(format, row, words, column, sum);
        row += at->window.stride_bytes;
        column += words * TC_LANES(format.bits) * format.pixels;
    }
    return sum;
}

TC_INLINE void tc_fill_words(uint32_t *to, uint32_t word, int32_t count) {
    for (; count > 0; --count) {
        *to++ = word;
        __asm__("" : "+r"(to)); /* not a call of memset */
    }
}

/* Widen the next padded input row into the ring, at each place of a block that it can have. */
TC_INLINE void tc_keep_row(tc_format format, const tc_conv_shape *shape, tc_columns *at) {
    const int32_t slot = at->next_row % shape->kernel_h;
    const int32_t y = at->next_row++ - shape->pad_top;
    uint32_t *const row = at->ring + slot * at->length * at->pixel_words;
    int32_t *const sums = at->row_sums + slot * at->length;
    if (y < 0 || y >= shape->in_h) {
        const uint32_t lanes = tc_lane(at->pad, 0, format.bits);
        tc_fill_words(row, lanes, at->length * at->pixel_words);
        tc_fill_words((uint32_t *)sums, 0, format.bits < 8 ? at->length : 0);
        return;
    }
    const uint8_t *words = at->input + y * at->window.stride_bytes;
    const int32_t first = at->front + shape->pad_left;
    const int32_t back = shape->stride_w * at->pixel_words - 1;
    uint32_t *to = row + first * at->pixel_words;
    for (int32_t count = at->window.stride_bytes >> 2; count > 0; --count, words += 4) {
        const uint32_t word = tc_load32(words);
        for (int32_t i = 0; i < TC_LANES(format.bits); ++i, to += format.pixels) {
            const uint32_t lanes = tc_lane(word, i, format.bits);
            uint32_t *place = to;
            for (int32_t pixel = 0; pixel < format.pixels; ++pixel, place -= back) {
                *place = lanes;
            }
        }
    }
    if (format.bits < 8) {
        words = at->input + y * at->window.stride_bytes;
        for (int32_t x = 0; x < shape->in_w; ++x) {
            int32_t sum = 0;
            for (int32_t bytes = at->window.pixel_bytes; bytes > 0; bytes -= 4, words += 4) {
                sum = tc_add_word(tc_load32(words), format.bits, sum);
            }
            sums[first + x] = sum;
        }
    }
}

/* Before the first block of an output row: its rows of input, and the sums over them. */
TC_INLINE void tc_keep_rows(tc_format format, const tc_conv_shape *shape, tc_columns *at) {
    const int32_t top = at->y + shape->pad_top;
    at->next_row = at->next_row < top ? top : at->next_row;
    while (at->next_row < top + shape->kernel_h) {
        tc_keep_row(format, shape, at);
    }
    for (int32_t i = 0; format.bits < 8 && i < at->length; ++i) {
        int32_t sum = 0;
        for (int32_t row = 0; row < shape->kernel_h; ++row) {
            sum += at->row_sums[row * at->length + i];
        }
        at->window_sums[i] = sum;
    }
}

/* count is a multiple of 4 and not 0, as positions are. Returns the end of the copy. */
uint32_t *tc_copy_words(uint32_t *to, const uint32_t *from, int32_t count);

/* The block at the next output column from the ring. */
TC_INLINE void tc_copy_block(tc_format format, const tc_conv_shape *shape, const tc_columns *at,
                             uint32_t *columns, int32_t *sums) {
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
    for (int32_t pixel = 0; format.bits < 8 && pixel < format.pixels; ++pixel) {
        int32_t sum = 0;
        const int32_t first = position + pixel * shape->stride_w;
        for (int32_t x = first; x < first + shape->kernel_w; ++x) {
            sum += at->window_sums[x];
        }
        sums[pixel] = sum;
    }
}

/* scratch: what the columns need of it, behind the kernel's own part. */
TC_INLINE tc_columns tc_columns_of(tc_format format, const tc_conv_shape *shape,
                                   const void *input, int32_t pad, void *scratch) {
    tc_columns at;
    at.window = tc_window_of(shape, format.bits, format.step_words);
    at.input = input;
    at.pad = (uint8_t)pad * 0x01010101u;
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
        const int32_t blocks = (shape->out_w + format.pixels - 1) / format.pixels;
        const int32_t read =
            shape->stride_w * (format.pixels * blocks - 1) + shape->kernel_w;
        const int32_t written = shape->pad_left + shape->in_w;
        at.front = shape->stride_w * (format.pixels - 1);
        at.length = at.front + (read > written ? read : written);
        at.pixel_words = (at.window.pixel_bytes >> 2) * TC_LANES(format.bits) * format.pixels;
        const int32_t words = shape->kernel_h * at.length * at.pixel_words;
        at.row_sums = (int32_t *)(at.ring + words);
        at.window_sums = at.row_sums + shape->kernel_h * at.length;
        tc_fill_words(at.ring, tc_lane(at.pad, 0, format.bits), words);
        tc_fill_words((uint32_t *)at.row_sums, 0,
                      format.bits < 8 ? shape->kernel_h * at.length : 0);
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
 * Make the columns of the next block, and of activations of less than 8 bits the sums of its
 * pixels. Returns how many pixels of the block exist; what stands for the others is undefined.
 */
TC_INLINE int32_t tc_next_block(tc_format format, const tc_conv_shape *shape, tc_columns *at,
                                uint32_t *columns, int32_t *sums) {
    int32_t now = at->left < format.pixels ? at->left : format.pixels;
    if (shape->keep_rows) {
        if (now > 0 && at->column == 0) {
            tc_keep_rows(format, shape, at);
        }
        const int32_t in_row = shape->out_w - at->column;
        now = now < in_row ? now : in_row;
        if (now > 0) {
            tc_copy_block(format, shape, at, columns, sums);
        }
    }
    for (int32_t pixel = 0; pixel < now; ++pixel) {
        if (!shape->keep_rows) {
            const int32_t sum = tc_widen_window(format, shape, at, columns + pixel);
            if (format.bits < 8) {
                sums[pixel] = sum;
            }
        }
        tc_advance(shape, at);
    }
    at->left -= now;
    return now;
}

#endif
