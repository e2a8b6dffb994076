/* Requantizations of one channel of a block of outputs. */
#include "tc_depthwise.h"

void tc_depthwise_finish_s8(const void *requant, int32_t channel,
                            const tc_depthwise_block *block) {
    const tc_requant_s8 *const layer = requant;
    const tc_channel_s8 c = layer->channels[channel];
    const int32_t low = layer->activation_min;
    const int32_t high = layer->activation_max;
    const int32_t offset = layer->output_offset;
    for (int32_t row = 0; row < block->rows; ++row) {
        const int32_t *const sums = block->sums + row * block->row_sums;
        uint8_t *at = block->output + row * block->row_bytes + channel;
        for (int32_t x = 0; x < block->columns; ++x, at += block->pixel_bytes) {
            const int32_t scaled = tc_smmulr((sums[x] + c.bias) << c.left, c.multiplier);
            const int32_t value =
                c.right == 0 ? scaled + offset : tc_round_s8(scaled, c.right, 2 * offset + 1);
            *at = (uint8_t)tc_clamp(value, low, high);
        }
    }
}

/* Adds a field to an output, which started as zero. */
#define FOR_EACH_FIELD(block, channel, bits, field)                                               \
    for (int32_t row = 0; row < (block)->rows; ++row) {                                           \
        const int32_t *const sums = (block)->sums + row * (block)->row_sums;                      \
        uint8_t *at = (block)->output + row * (block)->row_bytes + ((channel) * (bits) >> 3);     \
        for (int32_t x = 0; x < (block)->columns; ++x, at += (block)->pixel_bytes) {              \
            *at = (uint8_t)(*at | (field) << ((channel) * (bits) & 7));                           \
        }                                                                                         \
    }

/* By multiplier and shift, to bits from low on. */
TC_INLINE void scale(const void *requant, int32_t channel, const tc_depthwise_block *block,
                     int32_t bits, int32_t low) {
    const tc_requant_un *const layer = requant;
    const tc_channel_un c = layer->channels[channel];
    const uint32_t left = layer->left;
    const int32_t high = low + (1 << bits) - 1;
    FOR_EACH_FIELD(block, channel, bits,
                   (uint32_t)tc_clamp(tc_smmulr((sums[x] + c.bias) << left, c.multiplier), low,
                                      high) & (uint32_t)((1 << bits) - 1))
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
    FOR_EACH_FIELD(block, channel, bits, reached(table, sums[x], bits))
}

#define FINISH(kind, ...)                                                                         \
    void tc_depthwise_finish_##kind(const void *requant, int32_t channel,                         \
                                    const tc_depthwise_block *block) {                            \
        __VA_ARGS__;                                                                              \
    }

FINISH(u4, scale(requant, channel, block, 4, 0))
FINISH(s4, scale(requant, channel, block, 4, -8))
FINISH(u2, scale(requant, channel, block, 2, 0))
FINISH(s2, scale(requant, channel, block, 2, -2))
FINISH(thresholds4, count(requant, channel, block, 4))
FINISH(thresholds2, count(requant, channel, block, 2))
FINISH(thresholds1, count(requant, channel, block, 1))
