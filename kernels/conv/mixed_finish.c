/* Requantizations: sums of two pixels to packed outputs. */
#include "tc_mixed.h"

void tc_finish_s8(const void *requant, int32_t channels, const int32_t *sums, uint8_t *first,
                  uint8_t *second) {
    tc_requantize_s8(requant, channels, sums, 2, 0, (int8_t *)first, (int8_t *)second);
}

/* A requantization of one sum in channel: an output's field. */
typedef uint32_t tc_field(const void *requant, int32_t channel, int32_t sum);

/* Least significant field first; the spare fields of the last byte are zero. */
TC_INLINE void pack(tc_field *field, int32_t bits, const void *requant, int32_t channels,
                    const int32_t *sums, uint8_t *first, uint8_t *second) {
    uint32_t a = 0;
    uint32_t b = 0;
    int32_t at = 0;
    for (int32_t channel = 0; channel < channels; ++channel, sums += 2) {
        a |= field(requant, channel, sums[0]) << at;
        b |= field(requant, channel, sums[1]) << at;
        at += bits;
        if (at == 8 || channel == channels - 1) {
            *second++ = (uint8_t)b;
            *first++ = (uint8_t)a;
            a = 0;
            b = 0;
            at = 0;
        }
    }
}

/* By multiplier and shift; bits is 4 or 2. */
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

#define FINISH(name, bits, value)                                                                \
    TC_INLINE uint32_t name##_field(const void *requant, int32_t channel, int32_t sum) {          \
        return value;                                                                             \
    }                                                                                             \
    void tc_finish_##name(const void *requant, int32_t channels, const int32_t *sums,             \
                          uint8_t *first, uint8_t *second) {                                      \
        pack(name##_field, bits, requant, channels, sums, first, second);                         \
    }

FINISH(u4, 4, (uint32_t)__usat(scaled(requant, channel, sum), 4))
FINISH(s4, 4, (uint32_t)tc_clamp(scaled(requant, channel, sum), -8, 7) & 15u)
FINISH(u2, 2, (uint32_t)__usat(scaled(requant, channel, sum), 2))
FINISH(s2, 2, (uint32_t)tc_clamp(scaled(requant, channel, sum), -2, 1) & 3u)
FINISH(thresholds4, 4, counted(requant, channel, sum, 4))
FINISH(thresholds2, 2, counted(requant, channel, sum, 2))
FINISH(thresholds1, 1, counted(requant, channel, sum, 1))
