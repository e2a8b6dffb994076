/*
 * int8 weights, int8 activations: TensorFlow Lite's arithmetic. tc_dense.h makes the columns of two
 * pixels; the loop over them stands in w8a8_dot_m4.S and w8a8_dot_m7.S, how it unpacks weights in
 * w8a8_dot.h, and what surrounds it, requantization included, in dense_dot.h.
 */
#include "tc_dense.h"

void tc_conv_w8a8(const tc_conv_shape *shape, const int8_t *input, const void *weights,
                  const tc_requant_dense *requant, int8_t *output, void *scratch) {
    /* A step takes 16 bytes of weights, four channels by four inputs, stored biased by 128. */
    tc_conv_dense(tc_dot_w8a8, 16, 128, shape, input, weights, requant, output, scratch);
}
