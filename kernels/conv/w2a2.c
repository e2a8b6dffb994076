/* int2 weights, unsigned 2-bit activations, four to a byte in and out. */
#include "tc_columns.h"
#include "tc_dot.h"
#include "tc_requantize.h"

static const tc_format format = {.bits = 2, .pixels = 2, .step_words = 1};

/* 1816 products of at most 3 * 3 stay below the 2^14 where the upper channel's sum starts. */
#define STEPS_AT_ONCE 227
#define MASK 0xC003C003u
#define SPLIT 14

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

/* Two channels of one pixel; the low one's weights were biased by 2. */
TC_INLINE uint32_t two_channels(int32_t low, int32_t high, const tc_channel_un *channel,
                                uint32_t left, int32_t correction) {
    const uint32_t even = tc_requantize_un(low - correction, channel, left, 2);
    const uint32_t odd = tc_requantize_un(high, channel + 1, left, 2);
    return even | odd << 2;
}

/* Not inlined: the loops want the registers for themselves. A lone pixel is written last. */
static __attribute__((noinline)) void finish(const tc_requant_un *requant, int32_t groups,
                                             const int32_t *s, const int32_t *inputs,
                                             uint8_t *first, uint8_t *second) {
    const tc_channel_un *c = requant->channels;
    const uint32_t left = requant->left;
    const int32_t a = 2 * inputs[0];
    const int32_t b = 2 * inputs[1];
    for (; groups > 0; --groups, c += 4, s += 4) {
        const uint32_t a01 = two_channels(low_of(s[0]), s[0] >> SPLIT, c, left, a);
        const uint32_t b01 = two_channels(low_of(s[1]), s[1] >> SPLIT, c, left, b);
        const uint32_t a23 = two_channels(low_of(s[2]), s[2] >> SPLIT, c + 2, left, a);
        const uint32_t b23 = two_channels(low_of(s[3]), s[3] >> SPLIT, c + 2, left, b);
        *second++ = (uint8_t)(b01 | b23 << 4);
        *first++ = (uint8_t)(a01 | a23 << 4);
    }
}

/* The same for sums that dot has taken apart. */
static __attribute__((noinline)) void finish_parts(const tc_requant_un *requant, int32_t groups,
                                                   const int32_t *s, const int32_t *inputs,
                                                   uint8_t *first, uint8_t *second) {
    const tc_channel_un *c = requant->channels;
    const uint32_t left = requant->left;
    const int32_t a = 2 * inputs[0];
    const int32_t b = 2 * inputs[1];
    for (; groups > 0; --groups, c += 4, s += 8) {
        const uint32_t a01 = two_channels(s[0], s[1], c, left, a);
        const uint32_t b01 = two_channels(s[2], s[3], c, left, b);
        const uint32_t a23 = two_channels(s[4], s[5], c + 2, left, a);
        const uint32_t b23 = two_channels(s[6], s[7], c + 2, left, b);
        *second++ = (uint8_t)(b01 | b23 << 4);
        *first++ = (uint8_t)(a01 | a23 << 4);
    }
}

void tc_conv_w2a2(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_un *requant, uint8_t *output, void *scratch) {
    const int32_t words = tc_window_of(shape, format.bits, format.step_words).words;
    const int32_t groups = (shape->out_c + 3) >> 2;
    const int32_t steps = 2 * words;
    uint32_t *const columns = scratch;
    int32_t *const sums = (int32_t *)(columns + 16 * words + 2);
    tc_columns at = tc_columns_of(format, shape, input, 0, sums + 12 * groups);
    int32_t inputs[2] = {0, 0};

    for (int32_t now; (now = tc_next_block(format, shape, &at, columns, inputs)) > 0;) {
        uint8_t *const second = now > 1 ? output + groups : output;
        if (steps <= STEPS_AT_ONCE) {
            tc_dot_masked(weights, columns, sums, steps, groups, MASK);
            finish(requant, groups, sums, inputs, output, second);
        } else {
            dot(weights, columns, sums, steps, groups);
            finish_parts(requant, groups, sums, inputs, output, second);
        }
        output = second + groups;
    }
}
