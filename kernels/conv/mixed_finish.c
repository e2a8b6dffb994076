/* Requantizations: sums of two pixels to packed outputs. */
#include "tc_mixed.h"

void tc_finish_s8(const void *requant, int32_t channels, const int32_t *sums, uint8_t *first,
                  uint8_t *second) {
    tc_requantize_s8(requant, channels, sums, 2, 0, (int8_t *)first, (int8_t *)second);
}

/* The fields of an output of each pixel. */
typedef struct {
    uint32_t a, b;
} fields;

/* A requantization of two pixels' sums in a channel. */
typedef fields of_two(const void *requant, int32_t channel, const int32_t *sums);

/* A byte of each pixel, of as many channels as it holds or fewer; least significant field first. */
TC_INLINE fields pack_byte(of_two *requantize, int32_t bits, const void *requant, int32_t channel,
                           int32_t channels, const int32_t *sums) {
    fields byte = {0, 0};
    for (int32_t i = 0; i < channels; ++i) {
        const fields y = requantize(requant, channel + i, sums + 2 * i);
        byte.a |= y.a << bits * i;
        byte.b |= y.b << bits * i;
    }
    return byte;
}

/* The spare fields of the last byte are zero. */
TC_INLINE void pack(of_two *requantize, int32_t bits, const void *requant, int32_t channels,
                    const int32_t *sums, uint8_t *first, uint8_t *second) {
    const int32_t whole = 8 / bits;
    int32_t channel = 0;
    for (; channel + whole <= channels; channel += whole, sums += 2 * whole) {
        const fields byte = pack_byte(requantize, bits, requant, channel, whole, sums);
        *second++ = (uint8_t)byte.b;
        *first++ = (uint8_t)byte.a;
    }
    if (channel < channels) {
        const fields byte = pack_byte(requantize, bits, requant, channel, channels - channel, sums);
        *second = (uint8_t)byte.b;
        *first = (uint8_t)byte.a;
    }
}

/* By multiplier and shift, from low to high. */
TC_INLINE fields scale(const void *requant, int32_t channel, const int32_t *sums, int32_t low,
                       int32_t high) {
    const tc_requant_un *const layer = requant;
    const tc_channel_un *const c = layer->channels + channel;
    const int32_t a = tc_smmulr((sums[0] + c->bias) << layer->left, c->multiplier);
    const int32_t b = tc_smmulr((sums[1] + c->bias) << layer->left, c->multiplier);
    const uint32_t mask = (uint32_t)(high - low);
    return (fields){(uint32_t)tc_clamp(a, low, high) & mask,
                    (uint32_t)tc_clamp(b, low, high) & mask};
}

/* As tc_count_thresholds, but both searches side by side: one waits for its load meanwhile. */
TC_INLINE fields count(const void *requant, int32_t channel, const int32_t *sums, int32_t bits) {
    const tc_requant_thresholds *const layer = requant;
    const int32_t *const table = layer->channels + (channel << bits);
    const int32_t *a = table;
    const int32_t *b = table;
    for (int32_t half = 1 << (bits - 1); half > 0; half >>= 1) {
        a = sums[0] >= a[half] ? a + half : a;
        b = sums[1] >= b[half] ? b + half : b;
    }
    const uint32_t inverted = (uint32_t)*table;
    return (fields){(uint32_t)(a - table) ^ inverted, (uint32_t)(b - table) ^ inverted};
}

#define FINISH(name, bits, value)                                                                \
    TC_INLINE fields name##_of(const void *requant, int32_t channel, const int32_t *sums) {       \
        return value;                                                                             \
    }                                                                                             \
    void tc_finish_##name(const void *requant, int32_t channels, const int32_t *sums,             \
                          uint8_t *first, uint8_t *second) {                                      \
        pack(name##_of, bits, requant, channels, sums, first, second);                            \
    }

FINISH(u4, 4, scale(requant, channel, sums, 0, 15))
FINISH(s4, 4, scale(requant, channel, sums, -8, 7))
FINISH(u2, 2, scale(requant, channel, sums, 0, 3))
FINISH(s2, 2, scale(requant, channel, sums, -2, 1))
FINISH(thresholds4, 4, count(requant, channel, sums, 4))
FINISH(thresholds2, 2, count(requant, channel, sums, 2))
FINISH(thresholds1, 1, count(requant, channel, sums, 1))
