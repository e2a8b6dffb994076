/* Greatest and least of packed fields, a word at a time. */
#ifndef TC_FIELDS_H
#define TC_FIELDS_H

#include "tc_bytes.h"

/* Constants of a kernel: bits of a field; whether fields of 4 and 2 bits are two's complement. */
typedef struct {
    int32_t bits, is_signed;
} tc_field;

/* The sign bits of the fields; flipping them turns the signed order into the unsigned one. */
TC_INLINE uint32_t tc_sign_bits(tc_field field) {
    return field.bits == 4 ? 0x88888888u : 0xAAAAAAAAu;
}

TC_INLINE uint32_t tc_max_bytes(uint32_t a, uint32_t b, int32_t is_signed) {
    return is_signed ? tc_max_s8x4(a, b) : tc_max_u8x4(a, b);
}

/* The high nibbles of two words' bytes. */
TC_INLINE uint32_t tc_join_nibbles(uint32_t high, uint32_t low) {
    return (high & 0xF0F0F0F0u) | (low >> 4 & 0x0F0F0F0Fu);
}

/* A byte's high nibble decides which byte is greater, so that the low one may hold anything. */
TC_INLINE uint32_t tc_max_nibbles(uint32_t a, uint32_t b, int32_t is_signed) {
    return tc_join_nibbles(tc_max_bytes(a, b, is_signed),
                           tc_max_bytes(a << 4, b << 4, is_signed));
}

/* Unsigned pairs of bits: where only one has the high bit, the other's low bit does not count. */
TC_INLINE uint32_t tc_max_pairs(uint32_t a, uint32_t b) {
    const uint32_t above = a & ~b & 0xAAAAAAAAu;
    const uint32_t below = b & ~a & 0xAAAAAAAAu;
    return (a & ~(below >> 1)) | (b & ~(above >> 1));
}

TC_INLINE uint32_t tc_max_fields(tc_field field, uint32_t a, uint32_t b) {
    const uint32_t flip = field.is_signed ? tc_sign_bits(field) : 0;
    switch (field.bits) {
    case 8: return tc_max_s8x4(a, b);
    case 4: return tc_max_nibbles(a, b, field.is_signed);
    case 2: return tc_max_pairs(a ^ flip, b ^ flip) ^ flip;
    default: return a | b;
    }
}

/* In two's complement, the complement reverses the order. */
TC_INLINE uint32_t tc_min_fields(tc_field field, uint32_t a, uint32_t b) {
    return field.bits == 8 ? tc_min_s8x4(a, b) : ~tc_max_fields(field, ~a, ~b);
}

TC_INLINE void tc_clamp_block(tc_field field, const uint8_t *from, int32_t words, int32_t bytes,
                              uint32_t low, uint32_t high, uint8_t *to) {
    uint32_t block[4];
    for (int32_t i = 0; i < words; ++i) {
        block[i] = tc_load_bytes(from + 4 * i, bytes);
    }
    for (int32_t i = 0; i < words; ++i) {
        block[i] = tc_min_fields(field, tc_max_fields(field, block[i], low), high);
    }
    for (int32_t i = 0; i < words; ++i) {
        tc_store_bytes(to + 4 * i, block[i], bytes);
    }
}

/* bytes bytes of fields into the range of low to high, which are repeated in each field. */
TC_INLINE void tc_clamp_fields(tc_field field, const uint8_t *from, int32_t bytes, uint32_t low,
                               uint32_t high, uint8_t *to) {
    for (; bytes >= 16; bytes -= 16, from += 16, to += 16) {
        tc_clamp_block(field, from, 4, 4, low, high, to);
    }
    TC_ROLLED
    for (; bytes > 0; --bytes, ++from, ++to) {
        tc_clamp_block(field, from, 1, 1, low, high, to);
    }
}

/* An activation range of int8 outputs in place; most layers have the whole range. */
TC_INLINE void tc_clamp_outputs(int8_t *outputs, int32_t count, int32_t low, int32_t high) {
    if (low > -128 || high < 127) {
        const tc_field field = {.bits = 8, .is_signed = 1};
        tc_clamp_fields(field, (const uint8_t *)outputs, count, tc_four_times(low),
                        tc_four_times(high), (uint8_t *)outputs);
    }
}

/* Zeros for the spare fields of each pixel's last byte; mask has the fields that are not spare. */
TC_INLINE void tc_clear_spare(uint8_t *pixel, int32_t pixels, int32_t pixel_bytes,
                              uint32_t mask) {
    if (mask != 0xFF) {
        for (pixel += pixel_bytes - 1; pixels > 0; --pixels, pixel += pixel_bytes) {
            *pixel &= (uint8_t)mask;
        }
    }
}

#endif
