/* What the kernels for int8 inputs have in common: vectors, blocks of channels, parts of a sum. */
#include "tc_fully_connected.h"

#define BLOCK 64 /* channels whose sums wait in scratch for their requantization */
#define GROUP 4

TC_INLINE int32_t min(int32_t a, int32_t b) {
    return a < b ? a : b;
}

void tc_fc_columns(const tc_fc_kernel *kernel, const tc_fc_shape *shape, const int8_t *input,
                   uint32_t *columns, uint32_t *starts) {
    const int32_t at_once = shape->steps_at_once * kernel->inputs;
    for (int32_t left = shape->in_c; left > 0; left -= at_once, input += at_once) {
        *starts++ = kernel->widen(input, min(left, at_once), columns);
        columns += shape->steps_at_once * kernel->column_words;
    }
}

/* One group of channels, whose accumulators hold only a part of a sum. */
static void dot_in_parts(const tc_fc_kernel *kernel, const uint32_t *weights,
                         const uint32_t *columns, const uint32_t *starts, int32_t *sums,
                         int32_t steps, int32_t at_once) {
    int32_t part[GROUP];
    kernel->dot(weights, columns, sums, at_once, 1, *starts);
    while ((steps -= at_once) > 0) {
        weights += GROUP * at_once;
        columns += kernel->column_words * at_once;
        kernel->dot(weights, columns, part, min(steps, at_once), 1, *++starts);
        for (int32_t i = 0; i < GROUP; ++i) {
            sums[i] += part[i];
        }
    }
}

void tc_fc_sums(const tc_fc_kernel *kernel, const uint32_t *weights, const uint32_t *columns,
                const uint32_t *starts, int32_t *sums, int32_t steps, int32_t at_once,
                int32_t groups) {
    if (steps <= at_once) {
        kernel->dot(weights, columns, sums, steps, groups, *starts);
        return;
    }
    for (; groups > 0; --groups, weights += GROUP * steps, sums += GROUP) {
        dot_in_parts(kernel, weights, columns, starts, sums, steps, at_once);
    }
}

/* Scratch: columns and what loads run ahead of, sums of a block, starts of the parts. */
void tc_fc_s8(const tc_fc_kernel *kernel, const tc_fc_shape *shape, const int8_t *input,
              const uint32_t *weights, const tc_requant_s8 *requant, int8_t *output,
              void *scratch) {
    const int32_t steps = (shape->in_c + kernel->inputs - 1) / kernel->inputs;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + kernel->column_words * steps + 2);
    uint32_t *const starts = (uint32_t *)(sums + min(BLOCK, (shape->out_c + 3) & ~3));

    for (int32_t vectors = shape->batch; vectors > 0; --vectors, input += shape->in_c) {
        tc_fc_columns(kernel, shape, input, columns, starts);
        for (int32_t first = 0; first < shape->out_c; first += BLOCK) {
            const int32_t now = min(BLOCK, shape->out_c - first);
            tc_fc_sums(kernel, weights + first * steps, columns, starts, sums, steps,
                       shape->steps_at_once, (now + GROUP - 1) / GROUP);
            tc_fc_requantize_s8(requant, requant->channels + first, sums, now, output);
            output += now;
        }
    }
}
