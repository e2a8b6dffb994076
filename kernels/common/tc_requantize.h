/* From int32 sums to int8 or packed unsigned outputs. */
#ifndef TC_REQUANTIZE_H
#define TC_REQUANTIZE_H

#include <arm_acle.h>

#include "tc_base.h"

/* TensorFlow Lite's int8 arithmetic: bias holds input_offset * sum(weights) as well. */
typedef struct {
    int32_t bias;
    int32_t multiplier; /* Q31 */
    uint16_t left;      /* 1 + left shift before the multiplication; the 1 makes SMMULR Q31 */
    uint16_t right;     /* rounding right shift after it, ties away from zero */
} tc_channel_s8;

typedef struct {
    const tc_channel_s8 *channels;
    int32_t pad; /* the input's zero point: what padding holds */
    int32_t output_offset;
    int32_t activation_min, activation_max;
} tc_requant_s8;

/* Sub-byte outputs: y = clamp((((acc + bias) << left) * multiplier + 2^31) >> 32). */
typedef struct {
    int32_t bias;
    int32_t multiplier;
} tc_channel_un;

typedef struct {
    const tc_channel_un *channels;
    uint32_t left; /* one shift for the layer, so that the product keeps its precision */
} tc_requant_un;

/*
 * Outputs of 4, 2 and 1 bit by thresholds: how many of a channel's 2^bits - 1 ascending thresholds
 * the sum reaches, XORed with its first word. Inverting all bits makes a channel fall; inverting
 * the top bit makes the count two's complement.
 */
typedef struct {
    const int32_t *channels; /* 2^bits words each */
} tc_requant_thresholds;

/* Binary outputs: 1 where start[channel] plus the number of products that are -1 is negative. */
typedef struct {
    const int32_t *start;
} tc_requant_b1;

/*
 * The same for 32 channels at a time: counters of products that are -1 begin at start, such that
 * they reach 2^(5 + planes) where the output is 0. Bit j belongs to channel 32 * group + j. For
 * each group 5 + planes words of weights 1, 2, 4 ... and the complement of the next.
 */
typedef struct {
    const uint32_t *start;
    int32_t planes; /* of weight 32 and up: 2, 4 or 8 */
} tc_requant_sliced;

/* (a * b + 2^31) >> 32; ACLE has no intrinsic for SMMULR. */
#if defined(__ARM_FEATURE_DSP)
TC_INLINE int32_t tc_smmulr(int32_t a, int32_t b) {
    int32_t product;
    __asm__("smmulr %0, %1, %2" : "=r"(product) : "r"(a), "r"(b));
    return product;
}
#elif defined(__ARM_ARCH_6M__) /* multiplies to 32 bits only: from halfwords */
TC_INLINE int32_t tc_smmulr(int32_t a, int32_t b) {
    const uint32_t a_low = (uint32_t)a & 0xFFFF, b_low = (uint32_t)b & 0xFFFF;
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const uint32_t low = a_low * b_low;
    const int32_t first = a_high * (int32_t)b_low + (int32_t)(low >> 16);
    const int32_t second = (int32_t)a_low * b_high + (first & 0xFFFF);
    return a_high * b_high + (first >> 16) + (second >> 16) + (second >> 15 & 1);
}
#else
TC_INLINE int32_t tc_smmulr(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + INT64_C(0x80000000)) >> 32);
}
#endif

/*
 * A rounding shift right by right > 0, ties away from zero, plus an offset, saturated to int8.
 * The last bit is shifted out together with the saturation; offset comes as 2 * offset + 1.
 */
TC_INLINE int32_t tc_round_s8(int32_t value, int32_t right, int32_t offset) {
    value = ((value + (value >> 31)) >> (right - 1)) + offset;
#if defined(__ARM_FEATURE_SAT)
    __asm__("ssat %0, #8, %0, asr #1" : "+r"(value));
    return value;
#else
    return tc_clamp(value >> 1, -128, 127);
#endif
}

/*
 * Two pixels at a time, for sums that stand shift bits too high; pixels is how many a block has
 * side by side. A lone pixel comes with second equal to first, which is written last.
 */
TC_INLINE void tc_requantize_s8(const tc_requant_s8 *requant, int32_t channels,
                                const int32_t *sums, int32_t pixels, unsigned shift,
                                int8_t *first, int8_t *second) {
    const tc_channel_s8 *channel = requant->channels;
    const int32_t offset = requant->output_offset;
    const int32_t low = requant->activation_min;
    const int32_t high = requant->activation_max;
    const int32_t rounding = 2 * offset + 1;
    const int full_range = low == -128 && high == 127;
    for (; channels > 0; --channels, ++channel, sums += pixels) {
        const int32_t bias = channel->bias;
        const int32_t right = channel->right;
        int32_t a = tc_smmulr(((sums[0] >> shift) + bias) << channel->left, channel->multiplier);
        int32_t b = tc_smmulr(((sums[1] >> shift) + bias) << channel->left, channel->multiplier);
        if (right != 0) {
            a = tc_round_s8(a, right, rounding);
            b = tc_round_s8(b, right, rounding);
        } else {
            a = tc_clamp(a + offset, low, high);
            b = tc_clamp(b + offset, low, high);
        }
        if (!full_range) {
            a = tc_clamp(a, low, high);
            b = tc_clamp(b, low, high);
        }
        *second++ = (int8_t)b;
        *first++ = (int8_t)a;
    }
}

/* One unsigned output of bits bits. */
TC_INLINE uint32_t tc_requantize_un(int32_t sum, const tc_channel_un *channel, uint32_t left,
                                    int32_t bits) {
    const int32_t y = tc_smmulr((sum + channel->bias) << left, channel->multiplier);
#if defined(__ARM_FEATURE_SAT)
    return bits == 4 ? __usat(y, 4) : __usat(y, 2);
#else
    return (uint32_t)tc_clamp(y, 0, (1 << bits) - 1);
#endif
}

/* One output of bits bits, a constant, by a channel's 2^bits words; a search by halving. */
TC_INLINE uint32_t tc_count_thresholds(int32_t sum, const int32_t *channel, int32_t bits) {
    const int32_t *at = channel;
    for (int32_t half = 1 << (bits - 1); half > 0; half >>= 1) {
        at = sum >= at[half] ? at + half : at;
    }
    return (uint32_t)(at - channel) ^ (uint32_t)*channel;
}

/*
 * How a kernel for unsigned activations requantizes: by multiplier and shift or, where thresholds
 * (a constant) says so, by thresholds.
 */
typedef struct {
    int thresholds;
    const void *channels;
    uint32_t left;
} tc_rule;

TC_INLINE tc_rule tc_rule_un(const tc_requant_un *requant) {
    return (tc_rule){0, requant->channels, requant->left};
}

TC_INLINE tc_rule tc_rule_thresholds(const tc_requant_thresholds *requant) {
    return (tc_rule){1, requant->channels, 0};
}

/* The output of a channel, counted from those that were skipped. */
TC_INLINE uint32_t tc_requantized(tc_rule rule, int32_t channel, int32_t sum, int32_t bits) {
    if (rule.thresholds) {
        return tc_count_thresholds(sum, (const int32_t *)rule.channels + (channel << bits), bits);
    }
    return tc_requantize_un(sum, (const tc_channel_un *)rule.channels + channel, rule.left, bits);
}

TC_INLINE tc_rule tc_skip(tc_rule rule, int32_t channels, int32_t bits) {
    const uint32_t bytes = rule.thresholds ? 4u << bits : sizeof(tc_channel_un);
    rule.channels = (const uint8_t *)rule.channels + (uint32_t)channels * bytes;
    return rule;
}

#endif
