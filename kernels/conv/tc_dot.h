/*
 * Inner loops in assembly: the same instructions under every compiler.
 *
 * Each computes, for two columns (pixels) at a time, the sums of all output channels. Columns
 * interleave the two pixels word by word, two 16-bit activations to a word:
 * columns[2 * i + pixel]. Sums come out as sums[2 * i + pixel], i counting pairs of channels
 * that share an accumulator (w4a4, w2a2).
 */
#ifndef TC_DOT_H
#define TC_DOT_H

#include <stdint.h>

/*
 * steps of 8 products a channel and column. One AND with the mask takes the operands of a SMLAD
 * out of a word of weights rotated by 0, 4, 8 and 12 bits; groups of two accumulators.
 */
void tc_dot_masked(const void *weights, const uint32_t *columns, int32_t *sums, int32_t steps,
                   int32_t groups, uint32_t mask);

/*
 * steps of 16 products a channel and column; groups of four channels in two accumulators. Comes
 * out as sums[8 * group + 4 * pair + 2 * pixel] = low + (high << 12) modulo 2^32 and, beside it,
 * high, where low sums the even channel's biased weights.
 */
void tc_dot_w4a4(const void *weights, const uint32_t *columns, int32_t *sums, int32_t steps,
                 int32_t groups);

#endif
