/* Requantizations of one channel of a block of outputs. */
#include "tc_depthwise.h"

/* A channel's numbers, of which each kind of output has its own. */
typedef struct {
    int32_t bias, multiplier;
    uint32_t left;
    int32_t right, offset, low, high; /* of 8 bits */
    const int32_t *table;             /* of thresholds */
    int32_t threshold;                /* of 1 bit, as is inverted */
    uint32_t inverted;
} tc_channel;

/* From a sum to an output's field. */
typedef uint32_t tc_field(const tc_channel *channel, int32_t sum);

/* Pixels of less than 8 bits start as zero. */
TC_INLINE void put(uint8_t *at, int32_t bits, int32_t shift, uint32_t field) {
    *at = (uint8_t)(bits == 8 ? field : *at | field << shift);
}

/* Two pixels at a time, as each waits for its own results. */
TC_INLINE void finish(const tc_depthwise_block *block, int32_t index, int32_t bits,
                      tc_field *field, const tc_channel *channel) {
    const int32_t pixel_bytes = block->pixel_bytes;
    const int32_t columns = block->columns;
    const int32_t shift = index * bits & 7;
    for (int32_t row = 0; row < block->rows; ++row) {
        const int32_t *sums = block->sums + row * block->row_sums;
        uint8_t *at = block->output + row * block->row_bytes + (index * bits >> 3);
        for (int32_t pairs = columns >> 1; pairs > 0; --pairs, sums += 2) {
            const uint32_t first = field(channel, sums[0]);
            const uint32_t second = field(channel, sums[1]);
            put(at, bits, shift, first);
            put(at + pixel_bytes, bits, shift, second);
            at += 2 * pixel_bytes;
        }
        if (columns & 1) {
            put(at, bits, shift, field(channel, *sums));
        }
    }
}

TC_INLINE uint32_t rounded(const tc_channel *c, int32_t sum) {
    const int32_t scaled = tc_smmulr((sum + c->bias) << c->left, c->multiplier);
    return (uint32_t)tc_clamp(tc_round_s8(scaled, c->right, c->offset), c->low, c->high);
}

TC_INLINE uint32_t unshifted(const tc_channel *c, int32_t sum) {
    const int32_t scaled = tc_smmulr((sum + c->bias) << c->left, c->multiplier);
    return (uint32_t)tc_clamp(scaled + c->offset, c->low, c->high);
}

void tc_depthwise_finish_s8(const void *requant, int32_t channel,
                            const tc_depthwise_block *block) {
    const tc_requant_s8 *const layer = requant;
    const tc_channel_s8 *const from = layer->channels + channel;
    tc_channel c = {
        .bias = from->bias,
        .multiplier = from->multiplier,
        .left = from->left,
        .right = from->right,
        .offset = layer->output_offset,
        .low = layer->activation_min,
        .high = layer->activation_max,
    };
    if (c.right == 0) {
        finish(block, channel, 8, unshifted, &c);
    } else {
        c.offset = 2 * c.offset + 1; /* as tc_round_s8 takes it */
        finish(block, channel, 8, rounded, &c);
    }
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
TC_INLINE int32_t scaled(const tc_channel *c, int32_t sum) {
    return tc_smmulr((sum + c->bias) << c->left, c->multiplier);
}

TC_INLINE uint32_t scaled_u4(const tc_channel *c, int32_t sum) {
    return saturate(scaled(c, sum), 4, 0);
}

TC_INLINE uint32_t scaled_s4(const tc_channel *c, int32_t sum) {
    return saturate(scaled(c, sum), 4, 1);
}

TC_INLINE uint32_t scaled_u2(const tc_channel *c, int32_t sum) {
    return saturate(scaled(c, sum), 2, 0);
}

TC_INLINE uint32_t scaled_s2(const tc_channel *c, int32_t sum) {
    return saturate(scaled(c, sum), 2, 1);
}

/* As tc_count_thresholds, by an index: `finish` has two of these side by side in its registers. */
TC_INLINE uint32_t reached(const int32_t *table, int32_t sum, int32_t bits) {
    uint32_t count = 0;
    for (uint32_t half = 1u << (bits - 1); half > 0; half >>= 1) {
        count += sum >= table[count + half] ? half : 0;
    }
    return count ^ (uint32_t)table[0];
}

TC_INLINE uint32_t reached_4(const tc_channel *c, int32_t sum) {
    return reached(c->table, sum, 4);
}

TC_INLINE uint32_t reached_2(const tc_channel *c, int32_t sum) {
    return reached(c->table, sum, 2);
}

TC_INLINE uint32_t reached_1(const tc_channel *c, int32_t sum) {
    return (uint32_t)(sum >= c->threshold) ^ c->inverted;
}

#define FINISH_SCALED(kind, bits)                                                                 \
    void tc_depthwise_finish_##kind(const void *requant, int32_t channel,                         \
                                    const tc_depthwise_block *block) {                            \
        const tc_requant_un *const layer = requant;                                               \
        const tc_channel_un *const from = layer->channels + channel;                              \
        const tc_channel c = {                                                                    \
            .bias = from->bias, .multiplier = from->multiplier, .left = layer->left};             \
        finish(block, channel, bits, scaled_##kind, &c);                                          \
    }

#define FINISH_REACHED(bits)                                                                      \
    void tc_depthwise_finish_thresholds##bits(const void *requant, int32_t channel,               \
                                              const tc_depthwise_block *block) {                  \
        const tc_requant_thresholds *const layer = requant;                                       \
        const int32_t *const table = layer->channels + (channel << bits);                         \
        const tc_channel c = {                                                                    \
            .table = table, .threshold = table[1], .inverted = (uint32_t)table[0]};               \
        finish(block, channel, bits, reached_##bits, &c);                                         \
    }

FINISH_SCALED(u4, 4)
FINISH_SCALED(s4, 4)
FINISH_SCALED(u2, 2)
FINISH_SCALED(s2, 2)
FINISH_REACHED(4)
FINISH_REACHED(2)
FINISH_REACHED(1)
