/* Requantizations of one channel of a block of outputs. */
#include "tc_depthwise.h"

void tc_depthwise_finish_s8(const void *requant, int32_t channel,
                            const tc_depthwise_block *block) {
    const tc_requant_s8 *const layer = requant;
    const tc_channel_s8 c = layer->channels[channel];
    const int32_t low = layer->activation_min;
    const int32_t high = layer->activation_max;
    const int32_t offset = layer->output_offset;
    const int32_t pixel_bytes = block->pixel_bytes, columns = block->columns;
    for (int32_t row = 0; row < block->rows; ++row) {
        const int32_t *const sums = block->sums + row * block->row_sums;
        uint8_t *at = block->output + row * block->row_bytes + channel;
        for (int32_t x = 0; x < columns; ++x, at += pixel_bytes) {
            const int32_t scaled = tc_smmulr((sums[x] + c.bias) << c.left, c.multiplier);
            const int32_t value =
                c.right == 0 ? scaled + offset : tc_round_s8(scaled, c.right, 2 * offset + 1);
            *at = (uint8_t)tc_clamp(value, low, high);
        }
    }
}

/* Adds a field to each output, which started as zero. */
#define FOR_EACH_FIELD(block, channel, bits, field)                                               \
    const int32_t pixel_bytes = (block)->pixel_bytes, columns = (block)->columns;                 \
    for (int32_t row = 0; row < (block)->rows; ++row) {                                           \
        const int32_t *const sums = (block)->sums + row * (block)->row_sums;                      \
        uint8_t *at = (block)->output + row * (block)->row_bytes + ((channel) * (bits) >> 3);     \
        for (int32_t x = 0; x < columns; ++x, at += pixel_bytes) {                                \
            *at = (uint8_t)(*at | (field) << ((channel) * (bits) & 7));                           \
        }                                                                                         \
    }

/* An output of 4 or 2 bits as a field, from a value of any size. */
TC_INLINE uint32_t saturate(int32_t value, int32_t bits, int is_signed) {
#if defined(__ARM_FEATURE_SAT)
    if (is_signed && bits == 4) {
        __asm__("ssat %0, #4, %0" : "+r"(value));
    } else if (is_signed) {
        __asm__("ssat %0, #2, %0" : "+r"(value));
    } else if (bits == 4) {
        __asm__("usat %0, #4, %0" : "+r"(value));
    } else {
        __asm__("usat %0, #2, %0" : "+r"(value));
    }
    return (uint32_t)value & ((1u << bits) - 1);
#else
    const int32_t low = is_signed ? -(1 << (bits - 1)) : 0;
    const int32_t high = low + (1 << bits) - 1;
    return (uint32_t)tc_clamp(value, low, high) & ((1u << bits) - 1);
#endif
}

/* By multiplier and shift. */
TC_INLINE void scale(const void *requant, int32_t channel, const tc_depthwise_block *block,
                     int32_t bits, int is_signed) {
    const tc_requant_un *const layer = requant;
    const tc_channel_un c = layer->channels[channel];
    const uint32_t left = layer->left;
    FOR_EACH_FIELD(block, channel, bits,
                   saturate(tc_smmulr((sums[x] + c.bias) << left, c.multiplier), bits, is_signed))
}

/* How many thresholds a sum reaches, by halving; the channel's first word inverts some bits. */
TC_INLINE uint32_t reached(const int32_t *table, int32_t sum, int32_t bits) {
    uint32_t count = 0;
    for (uint32_t half = 1u << (bits - 1); half > 0; half >>= 1) {
        count += sum >= table[count + half] ? half : 0;
    }
    return count ^ (uint32_t)table[0];
}

TC_INLINE void count(const void *requant, int32_t channel, const tc_depthwise_block *block,
                     int32_t bits) {
    const tc_requant_thresholds *const layer = requant;
    const int32_t *const table = layer->channels + (channel << bits);
    if (bits == 1) {
        const uint32_t inverted = (uint32_t)table[0];
        const int32_t threshold = table[1];
        FOR_EACH_FIELD(block, channel, 1, (uint32_t)(sums[x] >= threshold) ^ inverted)
        return;
    }
    FOR_EACH_FIELD(block, channel, bits, reached(table, sums[x], bits))
}

#define FINISH(kind, ...)                                                                         \
    void tc_depthwise_finish_##kind(const void *requant, int32_t channel,                         \
                                    const tc_depthwise_block *block) {                            \
        __VA_ARGS__;                                                                              \
    }

FINISH(u4, scale(requant, channel, block, 4, 0))
FINISH(s4, scale(requant, channel, block, 4, 1))
FINISH(u2, scale(requant, channel, block, 2, 0))
FINISH(s2, scale(requant, channel, block, 2, 1))
FINISH(thresholds4, count(requant, channel, block, 4))
FINISH(thresholds2, count(requant, channel, block, 2))
FINISH(thresholds1, count(requant, channel, block, 1))
