/*
 * How the kernel with constant weights walks over its image; thumbclock.kernels.conv.lines computes
 * the numbers. Elements are 16-bit lanes of widened activations.
 */
#ifndef TC_UNROLLED_H
#define TC_UNROLLED_H

#include <stdint.h>

typedef struct {
    int32_t pad;                         /* the input's zero point: what padding holds */
    int32_t out_lines, out_pixels;       /* output: lines, and pixels in one */
    int32_t out_line_bytes, last_out_line_bytes, out_pixel_bytes;
    int32_t block_pixels;                /* what one call of the emitted function computes */
    int32_t pixel_elements;              /* from a window to that of the next pixel */
    int32_t in_lines;                    /* input: lines without padding */
    int32_t line_bytes, last_line_bytes; /* from line to line, and where the last one starts */
    int32_t runs, run_elements, run_bytes; /* contiguous pieces of a line, from one to the next */
    int32_t pad_lines, pad_elements;     /* before the first line, and at the start of each */
    int32_t kernel_lines, step_lines;    /* a window, and from one to the next */
    int32_t quads;                       /* whether lanes come in the order of SXTB16 */
    int32_t word_step;                   /* from word to word of a pixel: 1, or a block's pixels */
    int32_t copy_elements;               /* from a line to its copy shifted by one, or 0 */
    int32_t line_words, buffer_lines;    /* a widened line with its copy, and the buffer */
} tc_lines;

/* All output channels of the pixels of one block, from the window of its first pixel. */
typedef void (*tc_block)(const int16_t *window, int8_t *output);

/* scratch: buffer_lines lines. */
void tc_conv_unrolled(const tc_lines *lines, const int8_t *input, tc_block block,
                      int8_t *output, uint32_t *scratch);

#endif
