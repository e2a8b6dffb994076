/* From int32 sums to int8 or packed unsigned outputs. */
#ifndef TC_REQUANTIZE_H
#define TC_REQUANTIZE_H

#include "tc_conv.h"
#include "tc_window.h"

/* (a * b + 2^31) >> 32; ACLE has no intrinsic for it. */
TC_INLINE int32_t tc_smmulr(int32_t a, int32_t b) {
    int32_t product;
    __asm__("smmulr %0, %1, %2" : "=r"(product) : "r"(a), "r"(b));
    return product;
}

TC_INLINE int8_t tc_clamp_s8(int32_t value, int32_t low, int32_t high) {
    value = value < low ? low : value;
    return (int8_t)(value > high ? high : value);
}

/* Two pixels at a time, for sums that stand shift bits too high. A lone pixel comes twice. */
TC_INLINE void tc_requantize_s8(const tc_requant_s8 *requant, int32_t channels,
                                const int32_t *sums, int32_t pixels_in_block, unsigned shift,
                                int8_t *first, int8_t *second) {
    const tc_channel_s8 *channel = requant->channels;
    const int32_t offset = requant->output_offset;
    const int32_t low = requant->activation_min;
    const int32_t high = requant->activation_max;
    for (; channels > 0; --channels, ++channel, sums += pixels_in_block) {
        const int32_t bias = channel->bias;
        int32_t a = tc_smmulr(((sums[0] >> shift) + bias) << channel->left, channel->multiplier);
        int32_t b = tc_smmulr(((sums[1] >> shift) + bias) << channel->left, channel->multiplier);
        if (channel->right != 0) {
            const int32_t half = 1 << (channel->right - 1);
            a = (a + half + (a >> 31)) >> channel->right;
            b = (b + half + (b >> 31)) >> channel->right;
        }
        *second++ = tc_clamp_s8(b + offset, low, high);
        *first++ = tc_clamp_s8(a + offset, low, high);
    }
}

/* One unsigned output of bits bits. */
TC_INLINE uint32_t tc_requantize_un(int32_t sum, const tc_channel_un *channel, uint32_t left,
                                    int32_t high) {
    const int32_t y = tc_smmulr((sum + channel->bias) << left, channel->multiplier);
    return (uint32_t)(y < 0 ? 0 : y > high ? high : y);
}

#endif
