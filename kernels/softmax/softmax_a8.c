/* Softmax of int8: maximum, sum of exponentials and quotients of each row. */
#include "tc_softmax.h"

#include "tc_bytes.h"
#include "tc_scale.h"

#if defined(__ARM_FEATURE_SAT)
#include <arm_acle.h>
#endif

static int32_t greatest(const int8_t *row, int32_t columns) {
    uint32_t most = TC_SIGNS;
    for (; columns >= 4; columns -= 4, row += 4) {
        most = tc_max_s8x4(most, tc_load32((const uint8_t *)row));
    }
    TC_ROLLED
    for (; columns > 0; --columns) {
        most = tc_max_s8x4(most, tc_four_times(*row++));
    }
    most = tc_max_s8x4(most, most >> 16);
    most = tc_max_s8x4(most, most >> 8);
    return (int8_t)most;
}

/* Exponentials of four inputs, or of one; count is a constant. */
TC_INLINE void look_up(const int8_t *row, const int32_t *by_input, int32_t count, int32_t *found) {
    for (int32_t i = 0; i < count; ++i) {
        found[i] = row[i];
    }
    for (int32_t i = 0; i < count; ++i) {
        found[i] = by_input[found[i]];
    }
}

/* The sum with 12 integer bits, each exponential rounded to them. */
static uint32_t sum_up(const int8_t *row, int32_t columns, const int32_t *by_input) {
    const int32_t half = 1 << 11;
    int32_t found[4];
    uint32_t sum = 0;
    for (; columns >= 4; columns -= 4, row += 4) {
        look_up(row, by_input, 4, found);
        for (int32_t i = 0; i < 4; ++i) {
            sum += (uint32_t)(found[i] + half) >> 12;
        }
    }
    TC_ROLLED
    for (; columns > 0; --columns) {
        look_up(row++, by_input, 1, found);
        sum += (uint32_t)(found[0] + half) >> 12;
    }
    return sum;
}

/*
 * 1 / sum as Q31, for a sum of 1 to 2, Q31: Newton's iteration for the reciprocal of half the
 * sum, with two integer bits, from 48/17 - 32/17 times it. The reciprocal of 1 saturates.
 */
static int32_t reciprocal(uint32_t sum) {
    const int32_t half_sum = (int32_t)(sum >> 1);
    int32_t x = 1515870810 + tc_mul_q31(half_sum, -1010580540);
    for (int32_t i = 0; i < 3; ++i) {
        const int32_t rest = (1 << 29) - tc_mul_q31(half_sum, x);
        x += tc_mul_q31(x, rest) * 4;
    }
    return x > 0x3FFFFFFF ? INT32_MAX : x * 2;
}

/* An exponential's share of the sum, 0 to 255: ((product + 2^30) >> 31) rounded by right bits. */
TC_INLINE uint32_t share_of(int32_t exponential, int32_t inverse, uint32_t right) {
    const uint64_t rounding = (1ull << 30) + (1ull << (30 + right));
    const uint64_t product = (uint64_t)(uint32_t)inverse * (uint32_t)exponential + rounding;
    const int32_t share = (int32_t)((uint32_t)(product >> 32) >> (right - 1));
#if defined(__ARM_FEATURE_SAT)
    return __usat(share, 8);
#else
    return share > 255 ? 255 : (uint32_t)share;
#endif
}

static void divide_up(const int8_t *row, int32_t columns, const int32_t *by_input,
                      int32_t inverse, uint32_t right, int8_t *output) {
    int32_t found[4];
    for (; columns >= 4; columns -= 4, row += 4, output += 4) {
        uint32_t word = 0;
        look_up(row, by_input, 4, found);
        for (int32_t i = 0; i < 4; ++i) {
            word |= share_of(found[i], inverse, right) << 8 * i;
        }
        tc_store32((uint8_t *)output, word ^ TC_SIGNS);
    }
    TC_ROLLED
    for (; columns > 0; --columns) {
        look_up(row++, by_input, 1, found);
        *output++ = (int8_t)(share_of(found[0], inverse, right) ^ 0x80);
    }
}

void tc_softmax_a8(const int8_t *input, int32_t rows, int32_t columns,
                   const int32_t *exponentials, int8_t *output) {
    for (; rows > 0; --rows, input += columns, output += columns) {
        const int32_t *const by_input = exponentials + 255 - greatest(input, columns);
        const uint32_t sum = sum_up(input, columns, by_input);
        const uint32_t headroom = (uint32_t)__builtin_clz(sum);
        divide_up(input, columns, by_input, reciprocal(sum << headroom), 35 - headroom, output);
    }
}
