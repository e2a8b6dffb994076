/* int8 in 16-bit lanes, with the DSP extension. */
#ifndef TC_DSP_H
#define TC_DSP_H

#include <arm_acle.h>

#include "tc_base.h"

/* Bytes 0 and 2, or 1 and 3, each plus its lane of offsets. */
TC_INLINE int32_t tc_even_add_s8(uint32_t offsets, uint32_t bytes) {
    return (int32_t)__sxtab16((int16x2_t)offsets, (int8x4_t)bytes);
}

TC_INLINE int32_t tc_odd_add_s8(uint32_t offsets, uint32_t bytes) {
    return (int32_t)__sxtab16((int16x2_t)offsets, (int8x4_t)(bytes >> 8 | bytes << 24));
}

#endif
