/*
 * Softmax of int8 rows to int8 with scale 1/256 and zero point -128: TensorFlow Lite's fixed
 * point. What an input contributes depends only on its distance from its row's maximum, so that
 * 256 exponentials serve all rows: 1 KiB of constants instead of two exponentials per element.
 */
#ifndef TC_SOFTMAX_H
#define TC_SOFTMAX_H

#include "tc_base.h"

/* exponentials[255 - d]: Q31 exponential of an input d below the maximum; columns up to 1023. */
void tc_softmax_a8(const int8_t *input, int32_t rows, int32_t columns,
                   const int32_t *exponentials, int8_t *output);

#endif
