/* int2 weights, unsigned 2-bit activations, four to a byte in and out. */
#include "tc_dot.h"
#include "tc_requantize.h"
#include "tc_widen.h"
#include "tc_window.h"

/* 1816 products of at most 3 * 3 stay below the 2^14 where the upper channel's sum starts. */
#define STEPS_AT_ONCE 227
#define MASK 0xC003C003u
#define SPLIT 14

/* Sums of one channel pair of one pixel; the low channel's weights were biased by 2. */
TC_INLINE uint32_t finish(int32_t low, int32_t high, const tc_requant_un *requant,
                          const tc_channel_un *channel, int32_t correction) {
    const uint32_t even = tc_requantize_un(low - correction, channel, requant->left, 3);
    const uint32_t odd = tc_requantize_un(high, channel + 1, requant->left, 3);
    return even | odd << 2;
}

TC_INLINE int32_t low_of(int32_t sum) {
    return sum & ((1 << SPLIT) - 1);
}

/* Windows of more products: the parts' low and high sums are added apart. */
static void dot(const uint32_t *weights, const uint32_t *columns, int32_t *sums, int32_t steps,
                int32_t groups) {
    int32_t *const part = sums + 8 * groups;
    for (int32_t i = 0; i < 8 * groups; ++i) {
        sums[i] = 0;
        __asm__("" : "+r"(i)); /* not a call of memset */
    }
    while (steps > 0) {
        const int32_t now = steps < STEPS_AT_ONCE ? steps : STEPS_AT_ONCE;
        tc_dot_masked(weights, columns, part, now, groups, MASK);
        for (int32_t i = 0; i < 4 * groups; ++i) {
            sums[2 * i] += low_of(part[i]);
            sums[2 * i + 1] += part[i] >> SPLIT;
        }
        weights += 2 * now * groups;
        columns += 8 * now;
        steps -= now;
    }
}

void tc_conv_w2a2(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_un *requant, uint8_t *output, void *scratch) {
    const tc_window window = tc_window_of(shape, 2, 1);
    const int32_t groups = (shape->out_c + 3) >> 2;
    const int32_t steps = 2 * window.words;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 16 * window.words + 2);
    uint8_t *const gathered = (uint8_t *)(sums + 12 * groups);

    tc_position at = tc_first(shape);
    for (int32_t left = shape->out_h * shape->out_w; left > 0; left -= 2) {
        uint8_t *first = output;
        uint8_t *second = output;
        int32_t b = 0;
        const int32_t a = 2 * tc_column(tc_widen_crumbs, shape, &window, input, at.y, at.x, 0,
                                        gathered, columns);
        at = tc_next(shape, at);
        if (left > 1) {
            b = 2 * tc_column(tc_widen_crumbs, shape, &window, input, at.y, at.x, 0, gathered,
                              columns + 1);
            at = tc_next(shape, at);
            second += groups;
        }
        const tc_channel_un *channel = requant->channels;
        const int32_t *s = sums;
        if (steps <= STEPS_AT_ONCE) {
            tc_dot_masked(weights, columns, sums, steps, groups, MASK);
            for (int32_t group = 0; group < groups; ++group, channel += 4, s += 4) {
                const uint32_t b01 = finish(low_of(s[1]), s[1] >> SPLIT, requant, channel, b);
                const uint32_t b23 = finish(low_of(s[3]), s[3] >> SPLIT, requant, channel + 2, b);
                const uint32_t a01 = finish(low_of(s[0]), s[0] >> SPLIT, requant, channel, a);
                const uint32_t a23 = finish(low_of(s[2]), s[2] >> SPLIT, requant, channel + 2, a);
                *second++ = (uint8_t)(b01 | b23 << 4);
                *first++ = (uint8_t)(a01 | a23 << 4);
            }
        } else {
            dot(weights, columns, sums, steps, groups);
            for (int32_t group = 0; group < groups; ++group, channel += 4, s += 8) {
                const uint32_t b01 = finish(s[2], s[3], requant, channel, b);
                const uint32_t b23 = finish(s[6], s[7], requant, channel + 2, b);
                const uint32_t a01 = finish(s[0], s[1], requant, channel, a);
                const uint32_t a23 = finish(s[4], s[5], requant, channel + 2, a);
                *second++ = (uint8_t)(b01 | b23 << 4);
                *first++ = (uint8_t)(a01 | a23 << 4);
            }
        }
        output = second;
    }
}
