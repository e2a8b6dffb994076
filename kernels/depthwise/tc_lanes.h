/* From packed fields to 16-bit lanes. */
#ifndef TC_LANES_H
#define TC_LANES_H

#include "tc_depthwise.h"

/* A channel's weight of a packed tap. */
TC_INLINE int32_t tc_weight(const uint8_t *tap, int32_t channel, int32_t bits) {
    if (bits == 8) {
        return (int8_t)tap[channel];
    }
    const int32_t bit = channel * bits;
    const int32_t field = (tap[bit >> 3] >> (bit & 7)) & ((1 << bits) - 1);
    const int32_t top = 1 << (bits - 1);
    return bits == 1 ? 2 * field - 1 : (field ^ top) - top;
}

/* Binary activations come as 0 and 1 where -1 and +1 are meant: their weights count twice. */
TC_INLINE int32_t tc_lane_weight(const tc_depthwise_parts *parts, const uint8_t *tap,
                                 int32_t channel) {
    const int32_t weight = tc_weight(tap, channel, parts->weight_bits);
    return parts->activations.bits == 1 ? 2 * weight : weight;
}

TC_INLINE uint32_t tc_pair(int32_t low, int32_t high) {
    return ((uint32_t)low & 0xFFFF) | (uint32_t)high << 16;
}

#if defined(__ARM_FEATURE_DSP)
/* Bytes 0 and 2 of fields, or 1 and 3, plus offsets. */
TC_INLINE uint32_t tc_uxtab16(uint32_t offsets, uint32_t fields) {
    uint32_t lanes;
    __asm__("uxtab16 %0, %1, %2" : "=r"(lanes) : "r"(offsets), "r"(fields));
    return lanes;
}

TC_INLINE uint32_t tc_uxtab16_ror8(uint32_t offsets, uint32_t fields) {
    uint32_t lanes;
    __asm__("uxtab16 %0, %1, %2, ror #8" : "=r"(lanes) : "r"(offsets), "r"(fields));
    return lanes;
}

TC_INLINE uint32_t tc_sxtab16(uint32_t offsets, uint32_t fields) {
    uint32_t lanes;
    __asm__("sxtab16 %0, %1, %2" : "=r"(lanes) : "r"(offsets), "r"(fields));
    return lanes;
}

TC_INLINE uint32_t tc_sxtab16_ror8(uint32_t offsets, uint32_t fields) {
    uint32_t lanes;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(lanes) : "r"(offsets), "r"(fields));
    return lanes;
}
#endif

#endif
