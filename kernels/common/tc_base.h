/* What every kernel uses: inlining, unaligned words, copies without a library. */
#ifndef TC_BASE_H
#define TC_BASE_H

#include <stdint.h>

#define TC_INLINE static inline __attribute__((always_inline))

/* Before a loop whose trips are few, or whose body fills the registers as it is. */
#if defined(__clang__)
#define TC_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define TC_ROLLED _Pragma("GCC unroll 1")
#endif

/* Cortex-M3 and up load and store unaligned words; the compiler must not pair these. */
TC_INLINE uint32_t tc_load32(const uint8_t *from) {
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

TC_INLINE void tc_store32(uint8_t *to, uint32_t word) {
    __builtin_memcpy(to, &word, sizeof word);
}

TC_INLINE int32_t tc_clamp(int32_t value, int32_t low, int32_t high) {
    value = value < low ? low : value;
    return value > high ? high : value;
}

/* The empty asm keeps compilers from calling a memcpy or memset that firmware may not have. */
TC_INLINE uint8_t *tc_fill(uint8_t *to, uint32_t word, int32_t bytes) {
    for (; bytes >= 4; bytes -= 4, to += 4) {
        tc_store32(to, word);
        __asm__("" : "+r"(to));
    }
    for (; bytes > 0; --bytes) {
        *to++ = (uint8_t)word;
        __asm__("" : "+r"(to));
    }
    return to;
}

TC_INLINE void tc_fill_words(uint32_t *to, uint32_t word, int32_t words) {
    for (; words > 0; --words) {
        *to++ = word;
        __asm__("" : "+r"(to));
    }
}

TC_INLINE uint8_t *tc_copy(uint8_t *to, const uint8_t *from, int32_t bytes) {
    for (; bytes >= 4; bytes -= 4, to += 4, from += 4) {
        tc_store32(to, tc_load32(from));
        __asm__("" : "+r"(to));
    }
    for (; bytes > 0; --bytes) {
        *to++ = *from++;
        __asm__("" : "+r"(to));
    }
    return to;
}

#endif
