/* Requantizations of one channel along a run of pixels. */
#include "tc_depthwise.h"

void tc_depthwise_finish_s8(const void *requant, int32_t channel, const int32_t *sums,
                            int32_t pixels, uint8_t *output, int32_t pixel_bytes) {
    const tc_requant_s8 *const layer = requant;
    const tc_channel_s8 c = layer->channels[channel];
    const int32_t low = layer->activation_min;
    const int32_t high = layer->activation_max;
    const int32_t offset = layer->output_offset;
    output += channel;
    for (; pixels > 0; --pixels, sums += 4, output += pixel_bytes) {
        const int32_t scaled = tc_smmulr((*sums + c.bias) << c.left, c.multiplier);
        const int32_t value =
            c.right == 0 ? scaled + offset : tc_round_s8(scaled, c.right, 2 * offset + 1);
        *output = (uint8_t)tc_clamp(value, low, high);
    }
}

/* A requantization of one sum in channel: an output's field. */
typedef uint32_t tc_field(const void *requant, int32_t channel, int32_t sum);

/* Adds a field of the output, which starts as zero, to each pixel. */
TC_INLINE void put(tc_field *field, int32_t bits, const void *requant, int32_t channel,
                   const int32_t *sums, int32_t pixels, uint8_t *output, int32_t pixel_bytes) {
    const int32_t bit = channel * bits;
    output += bit >> 3;
    for (; pixels > 0; --pixels, sums += 4, output += pixel_bytes) {
        *output = (uint8_t)(*output | field(requant, channel, *sums) << (bit & 7));
    }
}

/* By multiplier and shift. */
TC_INLINE int32_t scaled(const void *requant, int32_t channel, int32_t sum) {
    const tc_requant_un *const layer = requant;
    const tc_channel_un *const c = layer->channels + channel;
    return tc_smmulr((sum + c->bias) << layer->left, c->multiplier);
}

/* How many thresholds a sum reaches, by halving, XORed with the channel's first word. */
TC_INLINE uint32_t counted(const void *requant, int32_t channel, int32_t sum, int32_t bits) {
    const tc_requant_thresholds *const layer = requant;
    const int32_t *const table = layer->channels + (channel << bits);
    uint32_t count = 0;
    for (uint32_t half = 1u << (bits - 1); half > 0; half >>= 1) {
        count += sum >= table[count + half] ? half : 0;
    }
    return count ^ (uint32_t)table[0];
}

#define FINISH(kind, bits, value)                                                                 \
    TC_INLINE uint32_t kind##_field(const void *requant, int32_t channel, int32_t sum) {          \
        return value;                                                                             \
    }                                                                                             \
    void tc_depthwise_finish_##kind(const void *requant, int32_t channel, const int32_t *sums,    \
                                    int32_t pixels, uint8_t *output, int32_t pixel_bytes) {       \
        put(kind##_field, bits, requant, channel, sums, pixels, output, pixel_bytes);             \
    }

FINISH(u4, 4, (uint32_t)tc_clamp(scaled(requant, channel, sum), 0, 15))
FINISH(s4, 4, (uint32_t)tc_clamp(scaled(requant, channel, sum), -8, 7) & 15u)
FINISH(u2, 2, (uint32_t)tc_clamp(scaled(requant, channel, sum), 0, 3))
FINISH(s2, 2, (uint32_t)tc_clamp(scaled(requant, channel, sum), -2, 1) & 3u)
FINISH(thresholds4, 4, counted(requant, channel, sum, 4))
FINISH(thresholds2, 2, counted(requant, channel, sum, 2))
FINISH(thresholds1, 1, counted(requant, channel, sum, 1))
