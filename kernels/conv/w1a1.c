/*
 * Binary weights and activations, +1 as 1 and -1 as 0, 32 to a word: XOR finds the products that
 * are -1, carry-save adders count them. Padding is -1. A pixel takes ceil(channels / 8) bytes
 * whose spare bits are 0; so are those of the weights, so spare bits never count.
 */
#include <arm_acle.h>

#include "tc_window.h"

typedef struct {
    uint32_t ones, twos;
} tc_carry_save;

TC_INLINE tc_carry_save add3(uint32_t a, uint32_t b, uint32_t c) {
    const uint32_t either = a ^ b;
    const tc_carry_save sum = {either ^ c, (a & b) | (either & c)};
    return sum;
}

/* Bits set in each nibble. */
TC_INLINE uint32_t nibbles(uint32_t bits) {
    const uint32_t pairs = bits - (bits >> 1 & 0x55555555u);
    return (pairs & 0x33333333u) + (pairs >> 2 & 0x33333333u);
}

TC_INLINE uint32_t bytes(uint32_t nibbles) {
    return (nibbles & 0x0F0F0F0Fu) + (nibbles >> 4 & 0x0F0F0F0Fu);
}

/* total and the sum of four bytes. */
TC_INLINE uint32_t add_bytes(uint32_t word, uint32_t total) {
#if defined(__ARM_FEATURE_SIMD32)
    return __usada8(word, 0, total);
#else
    const uint32_t halves = (word & 0x00FF00FFu) + (word >> 8 & 0x00FF00FFu);
    return total + (halves >> 16) + (halves & 0xFFFFu);
#endif
}

/* total and the bits set in words of weight 1, 2, 4 and 8; constant zeros cost nothing. */
TC_INLINE uint32_t weigh(uint32_t one, uint32_t two, uint32_t four, uint32_t eight,
                         uint32_t total) {
    const uint32_t low = bytes(nibbles(one) + 2 * nibbles(two));
    const uint32_t high = bytes(nibbles(four) + 2 * nibbles(eight));
    return add_bytes(low + 4 * high, total);
}

/* total and the bits that differ in 1 to 9 words; words is a constant wherever this is inlined. */
TC_INLINE uint32_t differing(const uint32_t *w, const uint32_t *a, int32_t words,
                             uint32_t total) {
    uint32_t d[9] = {0};
    for (int32_t i = 0; i < words; ++i) {
        d[i] = w[i] ^ a[i];
    }
    const tc_carry_save x = add3(d[0], d[1], d[2]);
    const tc_carry_save y = add3(d[3], d[4], d[5]);
    const tc_carry_save z = add3(d[6], d[7], d[8]);
    const tc_carry_save ones = add3(x.ones, y.ones, z.ones);
    const tc_carry_save twos = add3(x.twos, y.twos, z.twos);
    const uint32_t two = twos.ones ^ ones.twos;
    const uint32_t fours = twos.ones & ones.twos;
    return weigh(ones.ones, two, fours ^ twos.twos, fours & twos.twos, total);
}

/*
 * The outputs of one pixel from its column. words is a constant where one is known, so that the
 * loop over words unrolls; rest is what is left of them after blocks of nine.
 */
TC_INLINE uint8_t *outputs(const uint32_t *w, const uint32_t *column, int32_t words, int32_t rest,
                           const int32_t *start, int32_t channels, uint8_t *to) {
    for (; channels > 0; channels -= 8) {
        const int32_t now = channels < 8 ? channels : 8;
        uint32_t byte = 0;
        for (int32_t channel = 0; channel < now; ++channel) {
            uint32_t total = (uint32_t)*start++;
            const uint32_t *a = column;
            for (int32_t block = words - rest; block > 0; block -= 9, w += 9, a += 9) {
                total = differing(w, a, 9, total);
            }
            total = rest ? differing(w, a, rest, total) : total;
            w += rest;
            byte = byte >> 1 | (total & 0x80000000u);
        }
        *to++ = (uint8_t)(byte >> (32 - now));
    }
    return to;
}

/* The column is the packed window itself. */
TC_INLINE void gather(const tc_conv_shape *shape, const tc_window *window, const uint8_t *input,
                      int32_t y, int32_t x, uint32_t *column) {
    if (!tc_direct(shape, window, y, x)) {
        tc_gather(shape, window, input, y, x, (uint8_t *)column);
        return;
    }
    const uint8_t *row = input + y * window->stride_bytes + x * window->pixel_bytes;
    for (int32_t rows = shape->kernel_h; rows > 0; --rows, row += window->stride_bytes) {
        for (int32_t i = 0; i < window->row_bytes; i += 4) {
            *column++ = tc_load32(row + i);
        }
    }
}

void tc_conv_w1a1(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_b1 *requant, uint8_t *output, void *scratch) {
    const tc_window window = tc_window_of(shape, 1, 1);
    const int32_t words = window.words;
    const int32_t *const start = requant->start;
    uint32_t *const column = scratch;

    for (int32_t row = 0, x = 0; row < shape->out_h;) {
        gather(shape, &window, input, row * shape->stride_h - shape->pad_top,
               x * shape->stride_w - shape->pad_left, column);
        if (++x == shape->out_w) {
            x = 0;
            ++row;
        }
#define OUTPUTS(words, rest) outputs(weights, column, words, rest, start, shape->out_c, output)
        switch (words) {
        case 1: output = OUTPUTS(1, 1); break;
        case 2: output = OUTPUTS(2, 2); break;
        case 5: output = OUTPUTS(5, 5); break; /* 3x3 of 16 channels */
        case 9: output = OUTPUTS(9, 0); break; /* 3x3 of 32 channels */
        default:
            switch (words % 9) {
            case 0: output = OUTPUTS(words, 0); break;
            case 1: output = OUTPUTS(words, 1); break;
            case 2: output = OUTPUTS(words, 2); break;
            case 3: output = OUTPUTS(words, 3); break;
            case 4: output = OUTPUTS(words, 4); break;
            case 5: output = OUTPUTS(words, 5); break;
            case 6: output = OUTPUTS(words, 6); break;
            case 7: output = OUTPUTS(words, 7); break;
            default: output = OUTPUTS(words, 8); break;
            }
        }
#undef OUTPUTS
    }
}
