/*
 * What the kernel covers at one output pixel, its window: kernel_h rows of kernel_w packed pixels,
 * row after row without gaps, and as many bytes more as fill the last step.
 */
#ifndef TC_WINDOW_H
#define TC_WINDOW_H

#include "tc_base.h"
#include "tc_conv.h"

typedef struct {
    int32_t pixel_bytes;  /* one input pixel, packed */
    int32_t row_bytes;    /* kernel_w pixels */
    int32_t stride_bytes; /* one input row */
    int32_t words;        /* window, rounded up to the kernel's step */
} tc_window;

TC_INLINE tc_window tc_window_of(const tc_conv_shape *shape, int32_t bits, int32_t step_words) {
    tc_window window;
    window.pixel_bytes = (shape->in_c * bits + 7) >> 3;
    window.row_bytes = shape->kernel_w * window.pixel_bytes;
    window.stride_bytes = shape->in_w * window.pixel_bytes;
    const int32_t bytes = shape->kernel_h * window.row_bytes;
    window.words = (bytes + 4 * step_words - 1) / (4 * step_words) * step_words;
    return window;
}

/* Gather the window at input row y, column x (either may be outside); padding is fields of 0. */
static __attribute__((noinline, unused)) void tc_gather(const tc_conv_shape *shape,
                                                        const tc_window *window,
                                                        const uint8_t *input, int32_t y, int32_t x,
                                                        uint8_t *to) {
    const int32_t first = x < 0 ? (-x < shape->kernel_w ? -x : shape->kernel_w) : 0;
    const int32_t inside = shape->in_w - x;
    int32_t last = inside < shape->kernel_w ? inside : shape->kernel_w;
    last = last < first ? first : last;
    const int32_t left = first * window->pixel_bytes;
    const int32_t middle = (last - first) * window->pixel_bytes;
    const uint8_t *const end = to + 4 * window->words;
    for (int32_t row = y; row < y + shape->kernel_h; ++row) {
        if (row < 0 || row >= shape->in_h) {
            to = tc_fill(to, 0, window->row_bytes);
            continue;
        }
        to = tc_fill(to, 0, left);
        to = tc_copy(to, input + row * window->stride_bytes + (x + first) * window->pixel_bytes,
                     middle);
        to = tc_fill(to, 0, window->row_bytes - left - middle);
    }
    tc_fill(to, 0, (int32_t)(end - to));
}

/* Whether each row of the window at (y, x) can be read from the input word by word. */
TC_INLINE int tc_direct(const tc_conv_shape *shape, const tc_window *window, int32_t y, int32_t x) {
    return (window->row_bytes & 3) == 0 && y >= 0 && x >= 0 && y + shape->kernel_h <= shape->in_h &&
           x + shape->kernel_w <= shape->in_w;
}

/* From a ring of widened rows. count is a multiple of 4 and not 0. Returns the copy's end. */
uint32_t *tc_copy_words(uint32_t *to, const uint32_t *from, int32_t count);

#endif
