/* The frame of tc_mixed.h: columns for two pixels, their sums group by group, their outputs. */
#include "tc_mixed.h"

#include "tc_base.h"

typedef struct {
    int32_t pixel_bytes;  /* one input pixel, packed */
    int32_t group_bits;   /* a group's channels of it */
    int32_t group_bytes;  /* the same in a window, where they start with a byte */
    int32_t row_bytes;    /* kernel_w of these */
    int32_t steps;        /* of a window */
    int32_t window_bytes; /* kernel_h rows, filled up to whole steps */
    int contiguous;       /* whether a row of the window lies in the input as it is */
} tc_extents;

static tc_extents extents_of(const tc_mixed_shape *shape, int32_t bits) {
    tc_extents e;
    e.pixel_bytes = (shape->in_c * bits + 7) >> 3;
    e.group_bits = shape->in_c / shape->groups * bits;
    e.group_bytes = (e.group_bits + 7) >> 3;
    e.row_bytes = shape->kernel_w * e.group_bytes;
    e.steps = (shape->kernel_h * e.row_bytes + bits - 1) / bits;
    e.window_bytes = e.steps * bits;
    e.contiguous = shape->groups == 1 && shape->dilation_w == 1;
    return e;
}

/* The channels of a group, wherever in a byte they start; spare fields become zero. */
TC_INLINE uint8_t *copy_group(uint8_t *to, const uint8_t *pixel, int32_t first_bit,
                              int32_t bits) {
    const uint8_t *from = pixel + (first_bit >> 3);
    const int32_t shift = first_bit & 7;
    if (shift == 0 && (bits & 7) == 0) {
        return tc_copy(to, from, bits >> 3);
    }
    for (; bits > 0; bits -= 8) {
        uint32_t fields = (uint32_t)*from++ >> shift;
        if (shift + (bits < 8 ? bits : 8) > 8) {
            fields |= (uint32_t)*from << (8 - shift);
        }
        *to++ = (uint8_t)(bits < 8 ? fields & ((1u << bits) - 1) : fields);
    }
    return to;
}

/* The part of a window's row that lies in the input, between its padding. */
TC_INLINE uint8_t *copy_run(const tc_mixed_shape *shape, const tc_extents *e, const uint8_t *row,
                            int32_t x, uint32_t pad, uint8_t *to) {
    const int32_t first = x < 0 ? (-x < shape->kernel_w ? -x : shape->kernel_w) : 0;
    const int32_t inside = shape->in_w - x;
    const int32_t end = inside < shape->kernel_w ? inside : shape->kernel_w;
    const int32_t last = end < first ? first : end;
    to = tc_fill(to, pad, first * e->pixel_bytes);
    to = tc_copy(to, row + (x + first) * e->pixel_bytes, (last - first) * e->pixel_bytes);
    return tc_fill(to, pad, (shape->kernel_w - last) * e->pixel_bytes);
}

/* Gather a group's window at input row y, column x; either may be outside. */
static __attribute__((noinline)) void gather(const tc_mixed_shape *shape, const tc_extents *e,
                                             const uint8_t *input, int32_t group, int32_t y,
                                             int32_t x, uint8_t *to) {
    const uint32_t pad = (uint8_t)shape->pad * 0x01010101u;
    const uint8_t *const end = to + e->window_bytes;
    for (int32_t rows = shape->kernel_h; rows > 0; --rows, y += shape->dilation_h) {
        if (y < 0 || y >= shape->in_h) {
            to = tc_fill(to, pad, e->row_bytes);
            continue;
        }
        const uint8_t *const row = input + y * shape->in_w * e->pixel_bytes;
        if (e->contiguous) {
            to = copy_run(shape, e, row, x, pad, to);
            continue;
        }
        int32_t at = x;
        for (int32_t columns = shape->kernel_w; columns > 0; --columns, at += shape->dilation_w) {
            if (at < 0 || at >= shape->in_w) {
                to = tc_fill(to, pad, e->group_bytes);
            } else {
                to = copy_group(to, row + at * e->pixel_bytes, group * e->group_bits,
                                e->group_bits);
            }
        }
    }
    tc_fill(to, 0, (int32_t)(end - to));
}

/* One pixel's column and the sum of its activations, from the input itself where that can be. */
static int32_t make_column(const tc_mixed_shape *shape, const tc_mixed_parts *parts,
                           const tc_extents *e, const uint8_t *input, int32_t group, int32_t y,
                           int32_t x, uint32_t *column, uint8_t *gathered) {
    const int32_t row_steps = e->row_bytes / parts->activation_bits;
    const int32_t below = y + (shape->kernel_h - 1) * shape->dilation_h;
    const int inside =
        y >= 0 && x >= 0 && below < shape->in_h && x + shape->kernel_w <= shape->in_w;
    if (!e->contiguous || !inside || row_steps * parts->activation_bits != e->row_bytes) {
        gather(shape, e, input, group, y, x, gathered);
        return parts->widen(gathered, e->steps, column);
    }
    const uint8_t *row = input + (y * shape->in_w + x) * e->pixel_bytes;
    int32_t sum = 0;
    for (int32_t rows = shape->kernel_h; rows > 0; --rows, column += 8 * row_steps) {
        sum += parts->widen(row, row_steps, column);
        row += shape->dilation_h * shape->in_w * e->pixel_bytes;
    }
    return sum;
}

void tc_conv_mixed(const tc_mixed_shape *shape, const tc_mixed_parts *parts, const uint8_t *input,
                   const void *weights, const void *requant, uint8_t *output, void *scratch) {
    const tc_extents e = extents_of(shape, parts->activation_bits);
    const int32_t channels = shape->out_c / shape->groups;
    const int32_t blocks = (channels + parts->block - 1) / parts->block;
    const int32_t output_bytes = (shape->out_c * parts->output_bits + 7) >> 3;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 8 * e.steps);
    uint8_t *const gathered = (uint8_t *)(sums + 2 * (shape->out_c + parts->block - 1));
    int32_t out_x = 0;
    int32_t out_y = 0;

    for (int32_t left = shape->out_h * shape->out_w; left > 0; left -= 2) {
        const int32_t pixels = left < 2 ? left : 2;
        int32_t x[2], y[2], start[2] = {0, 0};
        for (int32_t pixel = 0; pixel < pixels; ++pixel) {
            x[pixel] = out_x * shape->stride_w - shape->pad_left;
            y[pixel] = out_y * shape->stride_h - shape->pad_top;
            if (++out_x == shape->out_w) {
                out_x = 0;
                ++out_y;
            }
        }
        const void *group_weights = weights;
        for (int32_t group = 0; group < shape->groups; ++group) {
            for (int32_t pixel = 0; pixel < pixels; ++pixel) {
                const int32_t sum = make_column(shape, parts, &e, input, group, y[pixel],
                                                x[pixel], columns + pixel, gathered);
                start[pixel] = -parts->weight_bias * sum;
            }
            /* What fills a group's last block is written over, or unused. */
            group_weights = parts->dot(group_weights, columns, sums + 2 * channels * group,
                                       e.steps, blocks, start);
        }
        uint8_t *const second = pixels > 1 ? output + output_bytes : output;
        parts->finish(requant, shape->out_c, sums, output, second);
        output = second + output_bytes;
    }
}
