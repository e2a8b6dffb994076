/* int8 in 16-bit lanes and back, with the DSP extension. */
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

TC_INLINE int32_t tc_even_s8(uint32_t bytes) {
    return (int32_t)__sxtb16((int8x4_t)bytes);
}

TC_INLINE int32_t tc_odd_s8(uint32_t bytes) {
    return (int32_t)__sxtb16((int8x4_t)(bytes >> 8 | bytes << 24));
}

/* value >> shift, saturated to int8; shift is a constant. */
#define tc_saturate_s8(value, shift)                                                             \
    __extension__({                                                                              \
        int32_t result;                                                                          \
        __asm__("ssat %0, #8, %1, asr %2" : "=r"(result) : "r"(value), "I"(shift));              \
        result;                                                                                  \
    })

/* The low bytes of four words. */
TC_INLINE uint32_t tc_pack_s8(int32_t a, int32_t b, int32_t c, int32_t d) {
    __asm__("bfi %0, %1, #8, #8" : "+r"(a) : "r"(b));
    __asm__("bfi %0, %1, #8, #8" : "+r"(c) : "r"(d));
    return ((uint32_t)a & 0xFFFFu) | (uint32_t)c << 16;
}

#endif
