/* What kernels for int8 inputs have in common: chunks of inputs, blocks of channels, outputs. */
#ifndef TC_FC_BLOCKS_H
#define TC_FC_BLOCKS_H

#include "tc_fully_connected.h"

#define TC_FC_BLOCK 64 /* channels whose sums wait in scratch for their requantization */

/* Constants of a kernel: inputs of a step, words of columns that they become. */
typedef struct {
    int32_t inputs, column_words;
} tc_fc_format;

/* Widens count inputs; returns what accumulators start at. */
typedef uint32_t tc_fc_widen(const int8_t *input, int32_t count, uint32_t *columns);

TC_INLINE int32_t tc_min(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* The last one to three bytes, below zeros. */
TC_INLINE uint32_t tc_load_part(const uint8_t *from, int32_t bytes) {
    uint32_t word = from[0];
    word |= bytes > 1 ? (uint32_t)from[1] << 8 : 0;
    return word | (bytes > 2 ? (uint32_t)from[2] << 16 : 0);
}

/* Sums of groups of four channels whose accumulators hold a layer in parts only. */
TC_INLINE void tc_fc_parts(tc_fc_format format, const uint32_t *weights, const uint32_t *columns,
                           const uint32_t *starts, int32_t *sums, int32_t steps, int32_t at_once,
                           int32_t groups, tc_fc_dot *dot) {
    for (; groups > 0; --groups, sums += 4) {
        const uint32_t *column = columns;
        int32_t total[4] = {0, 0, 0, 0};
        for (int32_t part = 0, left = steps; left > 0; ++part, left -= at_once) {
            const int32_t now = tc_min(left, at_once);
            dot(weights, column, sums, now, 1, starts[part]);
            for (int32_t i = 0; i < 4; ++i) {
                total[i] += sums[i];
            }
            weights += 4 * now;
            column += format.column_words * now;
        }
        for (int32_t i = 0; i < 4; ++i) {
            sums[i] = total[i];
        }
    }
}

/* Scratch: columns and what loads run ahead of, sums of a block, starts of the parts. */
TC_INLINE void tc_fc_s8(tc_fc_format format, const tc_fc_shape *shape, const int8_t *input,
                        const uint32_t *weights, const tc_requant_s8 *requant, int8_t *output,
                        void *scratch, tc_fc_widen *widen, tc_fc_dot *dot) {
    const int32_t steps = (shape->in_c + format.inputs - 1) / format.inputs;
    const int32_t at_once = shape->steps_at_once;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + format.column_words * steps + 2);
    uint32_t *const starts = (uint32_t *)(sums + tc_min(TC_FC_BLOCK, (shape->out_c + 3) & ~3));

    for (int32_t row = shape->batch; row > 0; --row) {
        for (int32_t part = 0, first = 0; first < steps; ++part, first += at_once) {
            const int32_t done = first * format.inputs;
            const int32_t now = tc_min(at_once * format.inputs, shape->in_c - done);
            starts[part] = widen(input + done, now, columns + first * format.column_words);
        }
        for (int32_t first = 0; first < shape->out_c; first += TC_FC_BLOCK) {
            const uint32_t *const block = weights + first * steps;
            const int32_t channels = tc_min(TC_FC_BLOCK, shape->out_c - first);
            const int32_t groups = (channels + 3) >> 2;
            if (steps <= at_once) {
                dot(block, columns, sums, steps, groups, starts[0]);
            } else {
                tc_fc_parts(format, block, columns, starts, sums, steps, at_once, groups, dot);
            }
            tc_fc_requantize_s8(requant, requant->channels + first, sums, channels, output);
            output += channels;
        }
        input += shape->in_c;
    }
}

#endif
