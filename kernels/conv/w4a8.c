/* int4 weights, int8 activations: TensorFlow Lite's arithmetic. */
#include "tc_dense.h"

void tc_conv_w4a8(const tc_conv_shape *shape, const int8_t *input, const void *weights,
                  const tc_requant_dense *requant, int8_t *output, void *scratch) {
    tc_conv_dense(tc_dot_w4a8, 8, 8, shape, input, weights, requant, output, scratch);
}
