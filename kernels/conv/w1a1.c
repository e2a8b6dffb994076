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

TC_INLINE uint32_t count3(const uint32_t *w, const uint32_t *a, uint32_t total) {
    const tc_carry_save sum = add3(w[0] ^ a[0], w[1] ^ a[1], w[2] ^ a[2]);
    return __usada8(bytes(nibbles(sum.ones) + 2 * nibbles(sum.twos)), 0, total);
}

TC_INLINE uint32_t count2(const uint32_t *w, const uint32_t *a, uint32_t total) {
    const uint32_t first = w[0] ^ a[0];
    const uint32_t second = w[1] ^ a[1];
    return __usada8(bytes(nibbles(first) + nibbles(second)), 0, total);
}

TC_INLINE uint32_t count1(const uint32_t *w, const uint32_t *a, uint32_t total) {
    return __usada8(bytes(nibbles(w[0] ^ a[0])), 0, total);
}

TC_INLINE uint32_t count9(const uint32_t *w, const uint32_t *a, uint32_t total) {
    const tc_carry_save x = add3(w[0] ^ a[0], w[1] ^ a[1], w[2] ^ a[2]);
    const tc_carry_save y = add3(w[3] ^ a[3], w[4] ^ a[4], w[5] ^ a[5]);
    const tc_carry_save z = add3(w[6] ^ a[6], w[7] ^ a[7], w[8] ^ a[8]);
    const tc_carry_save ones = add3(x.ones, y.ones, z.ones);
    const tc_carry_save twos = add3(x.twos, y.twos, z.twos);
    const uint32_t two = twos.ones ^ ones.twos;
    const uint32_t fours = twos.ones & ones.twos;
    const uint32_t four = fours ^ twos.twos;
    const uint32_t eight = fours & twos.twos;
    const uint32_t low = bytes(nibbles(ones.ones) + 2 * nibbles(two));
    const uint32_t high = bytes(nibbles(four) + 2 * nibbles(eight));
    return __usada8(low + 4 * high, 0, total);
}

TC_INLINE uint32_t count(const uint32_t *w, const uint32_t *a, int32_t words) {
    uint32_t total = 0;
    for (; words >= 9; words -= 9, w += 9, a += 9) {
        total = count9(w, a, total);
    }
    for (; words >= 3; words -= 3, w += 3, a += 3) {
        total = count3(w, a, total);
    }
    return words == 2 ? count2(w, a, total) : words == 1 ? count1(w, a, total) : total;
}

TC_INLINE uint32_t *keep(const uint8_t *words, int32_t count, uint32_t *column, int32_t *sum) {
    (void)sum;
    return (uint32_t *)(void *)tc_copy((uint8_t *)column, words, 4 * count);
}

void tc_conv_w1a1(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_b1 *requant, uint8_t *output, void *scratch) {
    const tc_window window = tc_window_of(shape, 1, 1);
    uint32_t *const column = scratch;
    uint8_t *const gathered = (uint8_t *)(column + window.words);
    for (int32_t i = 0; i < window.words; ++i) {
        column[i] = 0;
        __asm__("" : "+r"(i)); /* not a call of memset */
    }

    tc_position at = tc_first(shape);
    for (int32_t left = shape->out_h * shape->out_w; left > 0; --left) {
        tc_column(keep, shape, &window, input, at.y, at.x, 0, gathered, column);
        at = tc_next(shape, at);
        const uint32_t *w = weights;
        const int32_t *limit = requant->mismatches;
        uint32_t byte = 0;
        for (int32_t channel = 0; channel < shape->out_c; ++channel, w += window.words) {
            const int32_t missed = (int32_t)count(w, column, window.words) - *limit++;
            byte |= (uint32_t)(missed - 1) >> 31 << (channel & 7);
            if ((channel & 7) == 7) {
                *output++ = (uint8_t)byte;
                byte = 0;
            }
        }
        if ((shape->out_c & 7) != 0) {
            *output++ = (uint8_t)byte;
        }
    }
}
