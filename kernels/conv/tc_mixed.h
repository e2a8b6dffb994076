/*
 * Convolutions of any pair of weight and activation widths, with groups and dilation.
 *
 * A kernel for a pair is put together from three parts, and firmware links those that it names:
 *
 * - widen: an unpack stage per kind of activation, from packed fields to 16-bit lanes;
 * - dot: a multiply-accumulate core per width of weights, which takes weights out of their words
 *   on the way and multiplies lanes with SMLAD, some output channels times two pixels;
 * - finish: a requantization per kind of output, from sums to packed fields.
 *
 * A step is eight neighbours of a channel's products: (kernel row, kernel column, channel of the
 * group), each pixel's channels filled up to whole bytes. Of activations a step takes as many
 * bytes as an activation has bits. Its lanes make four words of a column: elements (0, 2) (1, 3)
 * (4, 6) (5, 7) where they have 8 bits, (0, 4) (1, 5) (2, 6) (3, 7) where they have fewer.
 *
 * Weights of 4, 2 and 1 bit are stored as unsigned fields: w + 8, w + 2, and (w + 1) / 2 for -1
 * and +1. AND takes them out as w + 8, w + 2 and w + 1. What is too much is weight_bias times the
 * sum of a pixel's activations: minus that is where its accumulators start. Binary activations,
 * -1 and +1, become lanes of 0 and 2; the sum of a channel's weights, which is then too much, is
 * in its requantization.
 */
#ifndef TC_MIXED_H
#define TC_MIXED_H

#include "tc_requantize.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left; /* bottom and right follow from out_h and out_w */
    int32_t dilation_h, dilation_w;
    int32_t groups;
    int32_t pad; /* a byte of padding: the input's zero point, or 0 of less than 8 bits */
} tc_mixed_shape;

/* Widens steps of packed activations to column[0], column[2] ...; returns their sum. */
typedef int32_t tc_widen(const uint8_t *packed, int32_t steps, uint32_t *column);

/*
 * Sums of blocks of channels, as many as the parts state, over two interleaved columns, to
 * sums[2 * channel + pixel]; start holds what each pixel's accumulators start from. Reads up to
 * 8 bytes behind weights and columns. Returns the next weights.
 */
typedef const void *tc_dot(const void *weights, const uint32_t *columns, int32_t *sums,
                           int32_t steps, int32_t blocks, const int32_t *start);

/* Packs the outputs of two pixels; of a lone one, second equals first, which is written last. */
typedef void tc_finish(const void *requant, int32_t channels, const int32_t *sums, uint8_t *first,
                       uint8_t *second);

typedef struct {
    tc_widen *widen;
    tc_dot *dot;
    tc_finish *finish;
    int32_t activation_bits, output_bits;
    int32_t weight_bias;
    int32_t block; /* channels that the core computes at a time */
} tc_mixed_parts;

tc_widen tc_widen_s8, tc_widen_u4, tc_widen_s4, tc_widen_u2, tc_widen_s2, tc_widen_b1;
tc_dot tc_dot_8, tc_dot_4, tc_dot_2, tc_dot_1;
tc_finish tc_finish_s8;                                               /* of a tc_requant_s8 */
tc_finish tc_finish_u4, tc_finish_s4, tc_finish_u2, tc_finish_s2;     /* of a tc_requant_un */
tc_finish tc_finish_thresholds4, tc_finish_thresholds2, tc_finish_thresholds1;

/* requant is what the finishing part takes. */
void tc_conv_mixed(const tc_mixed_shape *shape, const tc_mixed_parts *parts, const uint8_t *input,
                   const void *weights, const void *requant, uint8_t *output, void *scratch);

#endif
