/* Which part of the image a window covers. */
#ifndef TC_POOL_WINDOW_H
#define TC_POOL_WINDOW_H

#include "tc_fields.h"
#include "tc_pooling.h"

typedef struct {
    const uint8_t *first;
    int32_t rows, columns;
    int32_t pixel_bytes, row_bytes;
} tc_pool_window;

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

/* The window at row and column of the output. */
TC_INLINE tc_pool_window tc_pool_at(const tc_pool_shape *shape, const uint8_t *input,
                                    int32_t row, int32_t column) {
    const int32_t row_bytes = shape->in_w * shape->pixel_bytes;
    const tc_pool_span y =
        tc_pool_clip(row * shape->stride_h - shape->pad_top, shape->kernel_h, shape->in_h);
    const tc_pool_span x =
        tc_pool_clip(column * shape->stride_w - shape->pad_left, shape->kernel_w, shape->in_w);
    const tc_pool_window window = {
        .first = input + y.from * row_bytes + x.from * shape->pixel_bytes,
        .rows = y.count,
        .columns = x.count,
        .pixel_bytes = shape->pixel_bytes,
        .row_bytes = row_bytes,
    };
    return window;
}

#endif
