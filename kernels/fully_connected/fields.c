/* The frame of tc_fc_fields.h. */
#include "tc_fc_fields.h"

/* Lane by lane of bytes, value - offset; a field whose top bit is inverted is a value plus it. */
TC_INLINE void unpack(const uint8_t *packed, int32_t bytes, uint32_t *values, int32_t bits,
                      uint32_t inverted, int32_t doubled, uint32_t offset) {
    const uint32_t mask = ((1u << bits) - 1) * 0x01010101u;
    for (; bytes > 0; bytes -= 4, packed += 4) {
        const uint32_t word = bytes < 4 ? tc_load_part(packed, bytes) : tc_load32(packed);
        for (int32_t at = 0; at < 8; at += bits) {
            const uint32_t fields = ((word ^ inverted) >> at & mask) << doubled;
            *values++ = (uint32_t)__ssub8((int8x4_t)fields, (int8x4_t)offset);
        }
    }
}

/* Of 1 bit, -1 and +1 are twice the field less 1. */
static void unpack_any(const tc_fc_parts *parts, const uint8_t *packed, uint32_t *values) {
    const int32_t bytes = parts->vector_bytes;
    const int32_t is_signed = parts->is_signed;
    switch (parts->bits) {
    case 4:
        unpack(packed, bytes, values, 4, is_signed ? 0x88888888u : 0, 0,
               is_signed ? 0x08080808u : 0);
        break;
    case 2:
        unpack(packed, bytes, values, 2, is_signed ? 0xAAAAAAAAu : 0, 0,
               is_signed ? 0x02020202u : 0);
        break;
    default: unpack(packed, bytes, values, 1, 0, 1, 0x01010101u);
    }
}

/* Each sum twice, as the finishing parts take two pixels; sums stand behind where they go. */
static void double_sums(const int32_t *sums, int32_t *pairs, int32_t channels) {
    for (; channels > 0; --channels, pairs += 2) {
        const int32_t sum = *sums++;
        pairs[0] = sum;
        pairs[1] = sum;
    }
}

/* Scratch: columns and what loads run ahead of, sums twice, starts of the parts, int8 inputs. */
void tc_fc_fields(const tc_fc_shape *shape, const tc_fc_parts *parts, const void *input,
                  const uint32_t *weights, const void *requant, void *output, void *scratch) {
    const tc_fc_kernel *const kernel = parts->kernel;
    const int32_t steps = (shape->in_c + kernel->inputs - 1) / kernel->inputs;
    const int32_t channels = (shape->out_c + 3) & ~3;
    const int32_t part_count = (steps + shape->steps_at_once - 1) / shape->steps_at_once;
    const uint8_t *packed = input;
    uint8_t *to = output;
    uint32_t *const columns = scratch;
    int32_t *const pairs = (int32_t *)(columns + kernel->column_words * steps + 2);
    int32_t *const sums = pairs + channels;
    uint32_t *const starts = (uint32_t *)(sums + channels);
    uint32_t *const values = starts + part_count;

    for (int32_t vectors = shape->batch; vectors > 0; --vectors) {
        const int8_t *vector = (const int8_t *)packed;
        if (parts->bits < 8) {
            unpack_any(parts, packed, values);
            vector = (const int8_t *)values;
        }
        tc_fc_columns(kernel, shape, vector, columns, starts);
        tc_fc_sums(kernel, weights, columns, starts, sums, steps, shape->steps_at_once,
                   channels >> 2);
        double_sums(sums, pairs, shape->out_c);
        parts->finish(requant, shape->out_c, pairs, to, to);
        packed += parts->vector_bytes;
        to += parts->output_bytes;
    }
}
