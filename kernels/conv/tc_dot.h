/*
 * The inner loop of w4a4 in assembly: the same instructions under every compiler.
 *
 * It computes, for two columns (pixels) at a time, the sums of all output channels. Columns
 * interleave the two pixels word by word, two 16-bit activations to a word:
 * columns[2 * i + pixel].
 */
#ifndef TC_DOT_H
#define TC_DOT_H

#include <stdint.h>

/*
 * steps of 16 products a channel and column; groups of four channels in two accumulators. Comes
 * out as sums[8 * group + 4 * pair + 2 * pixel] = low + (high << 12) modulo 2^32 and, beside it,
 * high, where low sums the even channel's biased weights.
 */
void tc_dot_w4a4(const void *weights, const uint32_t *columns, int32_t *sums, int32_t steps,
                 int32_t groups);

#endif
