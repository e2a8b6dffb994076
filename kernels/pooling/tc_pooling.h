/*
 * Max and average pooling of one HWC image, with outputs of the input's precision, scale and zero
 * point. Every window covers a part of the image; padding does not count, neither as a value nor
 * in an average. Packed fields are averaged and rounded half away from zero, like int8; binary
 * ones take the sign of their sum, +1 where it is 0.
 *
 * Spare fields of a pixel's last byte are zero, in inputs and in outputs.
 */
#ifndef TC_POOLING_H
#define TC_POOLING_H

#include "tc_base.h"

typedef struct {
    int32_t in_h, in_w;
    int32_t out_h, out_w;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left; /* bottom and right follow from out_h and out_w */
    int32_t pixel_bytes;
} tc_pool_shape;

/* int8, clamped to a range. */
void tc_maxpool_a8(const tc_pool_shape *shape, const int8_t *input, int32_t low, int32_t high,
                   int8_t *output);
void tc_avgpool_a8(const tc_pool_shape *shape, const int8_t *input, int32_t low, int32_t high,
                   int8_t *output);

/* Packed fields of 4 and 2 bits, unsigned or (s) signed, and bits. */
void tc_maxpool_a4(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output);
void tc_maxpool_a4s(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output);
void tc_maxpool_a2(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output);
void tc_maxpool_a2s(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output);
void tc_maxpool_a1(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output);
void tc_avgpool_a4(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output);
void tc_avgpool_a4s(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output);
void tc_avgpool_a2(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output);
void tc_avgpool_a2s(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output);
void tc_avgpool_a1(const tc_pool_shape *shape, const uint8_t *input, uint8_t *output);

#endif
