/*
 * Standard 2-D convolutions, a function for each precision. All but the binary ones need the DSP
 * extension (M4, M7, M33 with DSP); tc_mixed.h serves other cores, pairs of widths, groups and
 * dilation.
 *
 * Activations are NHWC with one image, weights OHWI, packed by thumbclock.kernels.conv.packing
 * (of w1a1_sliced by sliced.py, of w8a8_winograd by winograd.py). Sub-byte activations are packed
 * per pixel, least significant field first; the fields that fill a pixel's last byte are zero, in
 * inputs and in outputs. No function keeps state between calls, allocates, or writes outside its
 * output and its scratch; reads stay inside the arrays that packing lays out, whose weights end in
 * a few bytes for loads that run ahead.
 */
#ifndef TC_CONV_H
#define TC_CONV_H

#include "tc_requantize.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left; /* bottom and right follow from out_h and out_w */
    int32_t keep_rows; /* whether scratch has room for a ring of widened rows */
} tc_conv_shape;

/*
 * Channels of w8a8 and w4a8, four at a time: bias and multiplier, bias and multiplier of the next
 * channel, and so on, then 2^(32 - right shift) + 1. Biases are doubled, which makes SMMULR Q31.
 */
typedef struct {
    int32_t bias_and_multiplier[8];
    int32_t power[4];
} tc_dense_group;

typedef struct {
    tc_requant_s8 plain;
    const tc_dense_group *groups; /* null where dense.py says that only plain serves */
} tc_requant_dense;

void tc_conv_w8a8(const tc_conv_shape *shape, const int8_t *input, const void *weights,
                  const tc_requant_dense *requant, int8_t *output, void *scratch);
void tc_conv_w4a8(const tc_conv_shape *shape, const int8_t *input, const void *weights,
                  const tc_requant_dense *requant, int8_t *output, void *scratch);
void tc_conv_w4a4(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_un *requant, uint8_t *output, void *scratch);
void tc_conv_w4a4_thresholds(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                             const tc_requant_thresholds *requant, uint8_t *output,
                             void *scratch);
void tc_conv_w2a2(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_un *requant, uint8_t *output, void *scratch);
void tc_conv_w2a2_thresholds(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                             const tc_requant_thresholds *requant, uint8_t *output,
                             void *scratch);
void tc_conv_w1a1(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_b1 *requant, uint8_t *output, void *scratch);
void tc_conv_w1a1_sliced(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                         const tc_requant_sliced *requant, uint8_t *output, void *scratch);
void tc_conv_w8a8_winograd(const tc_conv_shape *shape, const int8_t *input, const void *weights,
                           const tc_requant_s8 *requant, int8_t *output, void *scratch);

#endif
