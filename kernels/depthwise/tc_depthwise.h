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

/*
 * Kernel 3x3, stride and dilation 1, multiplier 1, at least four channels and two output rows;
 * left shifts of at most 8 bits, rounding right shifts of at least 2.
 */
void tc_depthwise_w8a8_3x3(const tc_depthwise_shape *shape, const int8_t *input,
                           const int8_t *weights, const tc_requant_s8 *requant, int8_t *output,
                           void *scratch);

/*
 * Any shape, and any pair of weight and activation widths. Such a kernel is put together from two
 * parts, and firmware links those that it names: a multiply-accumulate core per kind of
 * activation, and a requantization per kind of output.
 */

/* What a core sees of one output pixel: a quad of channels on the taps that lie on the input. */
typedef struct {
    const uint8_t *input;            /* the word of the first tap */
    int32_t bytes;                   /* of it that are the pixel's own, at most 4 */
    uint32_t shift;                  /* of the quad's fields in it */
    int32_t rows, columns;           /* of taps */
    int32_t row_bytes, column_bytes; /* from tap to tap */
    const uint32_t *lanes;           /* two words of weights to a tap */
    int32_t row_lanes;               /* words from a row of taps to the next */
    uint32_t offsets;                /* what is added to both lanes of a word of activations */
} tc_depthwise_window;

/* Writes the quad's four sums. */
typedef void tc_depthwise_core(const tc_depthwise_window *window, int32_t *sums);

/* Requantizes every fourth of the sums, all of one channel, to as many pixels of output. */
typedef void tc_depthwise_finish(const void *requant, int32_t channel, const int32_t *sums,
                                 int32_t pixels, uint8_t *output, int32_t pixel_bytes);

typedef struct {
    tc_depthwise_core *core;
    tc_depthwise_finish *finish;
    int32_t weight_bits, activation_bits, output_bits;
    int32_t offset; /* makes fields values: minus the zero point of 8 bits, -2^(bits-1) if signed */
} tc_depthwise_parts;

tc_depthwise_core tc_depthwise_core_s8, tc_depthwise_core_b1;
tc_depthwise_core tc_depthwise_core_u4, tc_depthwise_core_s4;
tc_depthwise_core tc_depthwise_core_u2, tc_depthwise_core_s2;
tc_depthwise_finish tc_depthwise_finish_s8; /* of a tc_requant_s8 */
/* Of a tc_requant_un. */
tc_depthwise_finish tc_depthwise_finish_u4, tc_depthwise_finish_s4;
tc_depthwise_finish tc_depthwise_finish_u2, tc_depthwise_finish_s2;
/* Of a tc_requant_thresholds. */
tc_depthwise_finish tc_depthwise_finish_thresholds4, tc_depthwise_finish_thresholds2;
tc_depthwise_finish tc_depthwise_finish_thresholds1;

void tc_depthwise(const tc_depthwise_shape *shape, const tc_depthwise_parts *parts,
                  const uint8_t *input, const uint8_t *weights, const void *requant,
                  uint8_t *output, void *scratch);

#endif
