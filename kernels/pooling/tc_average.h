/* Sums of four channels in 16-bit lanes, and their averages, rounded half away from zero. */
#ifndef TC_AVERAGE_H
#define TC_AVERAGE_H

#include "tc_bytes.h"

/* Channels 0 and 2 in even, 1 and 3 in odd. */
typedef struct {
    uint32_t even, odd;
} tc_lanes;

/* What sums are averages of: count values, each greater by offset than what it stands for. */
typedef struct {
    int32_t count, offset;
    int32_t reciprocal; /* above 2^32 / count, so that ties go away from zero */
} tc_divisor;

/* The sum in lane 0, 1, 2 or 3, less the offsets; unsigned lanes where there are offsets. */
TC_INLINE int32_t tc_lane_sum(tc_lanes lanes, int32_t index, int32_t offsets) {
    const uint32_t lane = (index & 1 ? lanes.odd : lanes.even) >> 8 * (index & 2);
    return offsets == 0 ? (int16_t)lane : (int32_t)(lane & 0xFFFF) - offsets;
}

TC_INLINE int32_t tc_divide(int32_t sum, int32_t count) {
    return (sum < 0 ? sum - (count >> 1) : sum + (count >> 1)) / count;
}

/* Adds unsigned bytes. */
TC_INLINE tc_lanes tc_add_u8(tc_lanes sums, uint32_t bytes) {
    sums.even += bytes & 0x00FF00FFu;
    sums.odd += bytes >> 8 & 0x00FF00FFu;
    return sums;
}

#if defined(__ARM_FEATURE_DSP)

#include "tc_dsp.h"

#define TC_OFFSET_S8 0

TC_INLINE tc_lanes tc_add_s8(tc_lanes sums, uint32_t bytes) {
    const tc_lanes result = {
        (uint32_t)tc_even_add_s8(sums.even, bytes),
        (uint32_t)tc_odd_add_s8(sums.odd, bytes),
    };
    return result;
}

/*
 * An average is the sum times a reciprocal that is too large by at most 2^-31: exact while its
 * error, at most 2^bits * count / 2^31 for values of magnitude 2^bits, stays below half of
 * 1 / count. A count of 1 or 2 has no reciprocal of 31 bits; there it and the sums are taken
 * four times.
 */
TC_INLINE tc_divisor tc_divisor_of(int32_t count, int32_t offset) {
    const uint32_t divisor = (uint32_t)(count < 3 ? 4 * count : count);
    const tc_divisor by = {count, offset, (int32_t)(0xFFFFFFFFu / divisor + 2)};
    return by;
}

TC_INLINE uint32_t tc_average_pair(uint32_t lanes, tc_divisor by) {
    if (by.offset != 0) {
        const uint32_t offsets = (uint32_t)(by.offset * by.count) * 0x00010001u;
        lanes = (uint32_t)__ssub16((int16x2_t)lanes, (int16x2_t)offsets);
    }
    if (by.count < 3) {
        lanes = (uint32_t)__sadd16((int16x2_t)lanes, (int16x2_t)lanes);
        lanes = (uint32_t)__sadd16((int16x2_t)lanes, (int16x2_t)lanes);
    }
    const int32_t low = __smlawb(by.reciprocal, (int32_t)lanes, 1 << 15);
    const int32_t high = __smlawt(by.reciprocal, (int32_t)lanes, 1 << 15);
    return ((uint32_t)high & 0xFFFF0000u) | ((uint32_t)(low >> 16) & 0xFFFFu);
}

/* The four averages as bytes. */
TC_INLINE uint32_t tc_average(tc_lanes lanes, tc_divisor by) {
    const uint32_t even = tc_average_pair(lanes.even, by);
    const uint32_t odd = tc_average_pair(lanes.odd, by);
    return (even & 0x00FF00FFu) | (odd & 0x00FF00FFu) << 8;
}

#else

/* Without signed lanes: bytes are counted from -128. */
#define TC_OFFSET_S8 128

TC_INLINE tc_lanes tc_add_s8(tc_lanes sums, uint32_t bytes) {
    return tc_add_u8(sums, bytes ^ TC_SIGNS);
}

TC_INLINE tc_divisor tc_divisor_of(int32_t count, int32_t offset) {
    const tc_divisor by = {count, offset, 0};
    return by;
}

TC_INLINE uint32_t tc_average(tc_lanes lanes, tc_divisor by) {
    uint32_t bytes = 0;
    for (int32_t i = 0; i < 4; ++i) {
        const int32_t sum = tc_lane_sum(lanes, i, by.offset * by.count);
        bytes |= (uint32_t)(tc_divide(sum, by.count) & 0xFF) << 8 * i;
    }
    return bytes;
}

#endif

#endif
