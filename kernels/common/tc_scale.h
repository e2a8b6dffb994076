/* TensorFlow Lite's rescaling of int32 on any core. */
#ifndef TC_SCALE_H
#define TC_SCALE_H

#include "tc_base.h"

/* (a * b + 2^30) >> 31: the product of two Q31 numbers, rounded. */
TC_INLINE int32_t tc_mul_q31(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* A shift right by 0 to 31, rounded to nearest, ties away from zero. */
TC_INLINE int32_t tc_round_shift(int32_t value, int32_t right) {
    const int32_t half = (int32_t)((1u << right) >> 1);
    return right == 0 ? value : (value + (value >> 31) + half) >> right;
}

#endif
