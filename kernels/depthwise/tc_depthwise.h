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

#endif
