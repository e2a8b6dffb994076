/*
 * int8 weights and activations on cores without DSP instructions. Weights are bytes, plus 128, in
 * groups of four channels, input by input: loads of unsigned bytes take a constant offset on every
 * core, those of signed ones do not.
 */
#include "tc_fully_connected.h"

TC_INLINE int8_t requantized(const tc_requant_s8 *requant, const tc_channel_s8 *channel,
                             int32_t sum) {
    const int32_t right = channel->right;
    const int32_t offset = requant->output_offset;
    int32_t y = tc_smmulr((sum + channel->bias) << channel->left, channel->multiplier);
    y = right != 0 ? tc_round_s8(y, right, 2 * offset + 1) : y + offset;
    return (int8_t)tc_clamp(y, requant->activation_min, requant->activation_max);
}

void tc_fc_w8a8_portable(const tc_fc_shape *shape, const int8_t *input, const uint8_t *weights,
                         const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    (void)scratch;
    for (int32_t vectors = shape->batch; vectors > 0; --vectors, input += shape->in_c) {
        const int8_t *const end = input + shape->in_c;
        const tc_channel_s8 *channel = requant->channels;
        const uint8_t *w = weights;
        int32_t start = 0; /* minus what the weights have too much */
        for (const int8_t *x = input; x != end; ++x) {
            start -= 128 * *x;
        }
        for (int32_t left = shape->out_c; left > 0; left -= 4) {
            int32_t s0 = start, s1 = start, s2 = start, s3 = start;
            for (const int8_t *x = input; x != end; ++x, w += 4) {
                const int32_t a = *x;
                s0 += a * w[0];
                s1 += a * w[1];
                s2 += a * w[2];
                s3 += a * w[3];
                __asm__("" : "+r"(w)); /* rounds joined together would not find registers */
            }
            const int32_t sums[4] = {s0, s1, s2, s3};
            for (int32_t i = 0; i < (left < 4 ? left : 4); ++i) {
                *output++ = requantized(requant, channel++, sums[i]);
            }
        }
    }
}
