/*
 * Depthwise convolutions: output channel c sees input channel c / multiplier alone.
 *
 * Activations are NHWC with one image, weights 1HWC as in TensorFlow Lite; both packed per pixel
 * (of weights: per tap), least significant field first. The fields that fill a last byte are zero,
 * in inputs and in outputs. No function keeps state between calls, allocates, or writes outside
 * its output and its scratch, whose size thumbclock.kernels.depthwise.packing states.
 *
 * The input's zero point is subtracted from activations, so padding is left out, and the bias of a
 * channel is the network's own.
 */
#ifndef TC_DEPTHWISE_H
#define TC_DEPTHWISE_H

#include "tc_requantize.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, multiplier; /* out_c is in_c * multiplier */
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left; /* bottom and right follow from out_h and out_w */
} tc_depthwise_shape;

/* From fields of packed activations to values; a value is a field plus offset. */
typedef struct {
    int32_t bits;
    uint32_t mask;     /* of less than 8 bits: the lowest field of each byte */
    uint32_t inverted; /* the top bits of signed fields, which makes them unsigned */
    int32_t offset;    /* of 8 bits minus the zero point, of narrower signed ones -2^(bits - 1) */
} tc_activations;

/*
 * int8 inputs and outputs, weights of any width; kernel 3x3 without dilation, strides both 1 or
 * both 2, multiplier 1, at least four channels and two output rows; left shifts of at most 8 bits,
 * rounding right shifts of at least 2.
 */
void tc_depthwise_s8_3x3(const tc_depthwise_shape *shape, const int8_t *input,
                         const uint8_t *weights, int32_t weight_bits,
                         const tc_requant_s8 *requant, int8_t *output, void *scratch);

/*
 * Any pair of weight and activation widths. Such a kernel calls a requantization for its kind of
 * outputs, and firmware links those that it names.
 */

/* Sums of one channel, and the pixels that they become a part of. */
typedef struct {
    const int32_t *sums;
    int32_t rows, columns;
    int32_t row_sums; /* from a row to the next */
    uint8_t *output;
    int32_t pixel_bytes, row_bytes;
} tc_depthwise_block;

/* Outputs of less than 8 bits are added to pixels that start as zero. */
typedef void tc_depthwise_finish(const void *requant, int32_t channel,
                                 const tc_depthwise_block *block);

typedef struct {
    tc_depthwise_finish *finish;
    int32_t weight_bits, output_bits;
    tc_activations activations;
} tc_depthwise_parts;

tc_depthwise_finish tc_depthwise_finish_s8; /* of a tc_requant_s8 */
/* Of a tc_requant_un. */
tc_depthwise_finish tc_depthwise_finish_u4, tc_depthwise_finish_s4;
tc_depthwise_finish tc_depthwise_finish_u2, tc_depthwise_finish_s2;
/* Of a tc_requant_thresholds. */
tc_depthwise_finish tc_depthwise_finish_thresholds4, tc_depthwise_finish_thresholds2;
tc_depthwise_finish tc_depthwise_finish_thresholds1;

/* Any shape. */
void tc_depthwise(const tc_depthwise_shape *shape, const tc_depthwise_parts *parts,
                  const uint8_t *input, const uint8_t *weights, const void *requant,
                  uint8_t *output, void *scratch);

/*
 * Kernel 3x3 without dilation, strides both 1 or both 2, multiplier 1, at least four bytes to an
 * input pixel; faster.
 */
void tc_depthwise_3x3(const tc_depthwise_shape *shape, const tc_depthwise_parts *parts,
                      const uint8_t *input, const uint8_t *weights, const void *requant,
                      uint8_t *output, void *scratch);

#endif
