/* Four int8 or uint8 in a word: DSP instructions where a core has them, whole words elsewhere. */
#ifndef TC_BYTES_H
#define TC_BYTES_H

#include "tc_base.h"

#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif

#define TC_SIGNS 0x80808080u

/* 4, 2 or 1 bytes of memory, in the low bytes of a word; count is a constant. */
TC_INLINE uint32_t tc_load_bytes(const uint8_t *from, int32_t count) {
    switch (count) {
    case 4: return tc_load32(from);
    case 2: return from[0] | (uint32_t)from[1] << 8;
    default: return *from;
    }
}

TC_INLINE void tc_store_bytes(uint8_t *to, uint32_t word, int32_t count) {
    switch (count) {
    case 4: tc_store32(to, word); break;
    case 2: to[1] = (uint8_t)(word >> 8); /* fall through */
    default: *to = (uint8_t)word;
    }
}

TC_INLINE uint32_t tc_four_times(int32_t byte) {
    return (uint32_t)(byte & 0xFF) * 0x01010101u;
}

#if defined(__ARM_FEATURE_DSP)

TC_INLINE uint32_t tc_max_s8x4(uint32_t a, uint32_t b) {
    (void)__ssub8((int8x4_t)a, (int8x4_t)b);
    return (uint32_t)__sel((uint8x4_t)a, (uint8x4_t)b);
}

TC_INLINE uint32_t tc_min_s8x4(uint32_t a, uint32_t b) {
    (void)__ssub8((int8x4_t)a, (int8x4_t)b);
    return (uint32_t)__sel((uint8x4_t)b, (uint8x4_t)a);
}

TC_INLINE uint32_t tc_max_u8x4(uint32_t a, uint32_t b) {
    (void)__usub8((uint8x4_t)a, (uint8x4_t)b);
    return (uint32_t)__sel((uint8x4_t)a, (uint8x4_t)b);
}

#else

/* 0xFF in each byte where a >= b, without borrows from one byte to the next. */
TC_INLINE uint32_t tc_at_least_u8x4(uint32_t a, uint32_t b) {
    const uint32_t low = (a | TC_SIGNS) - (b & ~TC_SIGNS);
    const uint32_t sign = ((a & ~b) | (~(a ^ b) & low)) & TC_SIGNS;
    return (sign - (sign >> 7)) | sign;
}

TC_INLINE uint32_t tc_max_u8x4(uint32_t a, uint32_t b) {
    return b ^ ((a ^ b) & tc_at_least_u8x4(a, b));
}

TC_INLINE uint32_t tc_max_s8x4(uint32_t a, uint32_t b) {
    return b ^ ((a ^ b) & tc_at_least_u8x4(a ^ TC_SIGNS, b ^ TC_SIGNS));
}

TC_INLINE uint32_t tc_min_s8x4(uint32_t a, uint32_t b) {
    return a ^ ((a ^ b) & tc_at_least_u8x4(a ^ TC_SIGNS, b ^ TC_SIGNS));
}

#endif

#endif
