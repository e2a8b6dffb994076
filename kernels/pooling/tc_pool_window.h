/* Which part of the image a window covers. */
#ifndef TC_POOL_WINDOW_H
#define TC_POOL_WINDOW_H

#include "tc_fields.h"
#include "tc_pooling.h"

/* Windows of one row of the output that cover as many pixels, each step_bytes behind the last. */
typedef struct {
    const uint8_t *first;
    int32_t rows, columns;
    int32_t windows;
    int32_t pixel_bytes, row_bytes, step_bytes;
} tc_pool_run;

typedef struct {
    int32_t from, count;
} tc_pool_span;

/* The part of [start, start + kernel) that lies in [0, extent). */
TC_INLINE tc_pool_span tc_pool_clip(int32_t start, int32_t kernel, int32_t extent) {
    const int32_t end = start + kernel;
    const int32_t from = start < 0 ? 0 : start;
    const tc_pool_span span = {from, (end < extent ? end : extent) - from};
    return span;
}

/* How many columns of the output have windows that end within the image. */
TC_INLINE int32_t tc_pool_inside(const tc_pool_shape *shape) {
    int32_t end = shape->kernel_w - shape->pad_left;
    int32_t columns = 0;
    for (; columns < shape->out_w && end <= shape->in_w; end += shape->stride_w) {
        ++columns;
    }
    return columns;
}

/* The run that starts at row and column of the output; inside is of tc_pool_inside. */
TC_INLINE tc_pool_run tc_pool_at(const tc_pool_shape *shape, const uint8_t *input, int32_t row,
                                 int32_t column, int32_t inside) {
    const int32_t row_bytes = shape->in_w * shape->pixel_bytes;
    const tc_pool_span y =
        tc_pool_clip(row * shape->stride_h - shape->pad_top, shape->kernel_h, shape->in_h);
    const tc_pool_span x =
        tc_pool_clip(column * shape->stride_w - shape->pad_left, shape->kernel_w, shape->in_w);
    const tc_pool_run run = {
        .first = input + y.from * row_bytes + x.from * shape->pixel_bytes,
        .rows = y.count,
        .columns = x.count,
        .windows = x.count == shape->kernel_w ? inside - column : 1,
        .pixel_bytes = shape->pixel_bytes,
        .row_bytes = row_bytes,
        .step_bytes = shape->stride_w * shape->pixel_bytes,
    };
    return run;
}

#endif
