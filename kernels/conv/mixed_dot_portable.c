/*
 * Multiply-accumulate cores of tc_mixed.h for cores without SMLAD: one product at a time, two
 * output channels times two pixels, weights and columns as for mixed_dot_m7.S.
 */
#include "tc_base.h"
#include "tc_mixed.h"

typedef struct {
    int32_t first, second;
} tc_lanes;

TC_INLINE tc_lanes split(uint32_t word) {
    const tc_lanes lanes = {(int16_t)word, (int32_t)word >> 16};
    return lanes;
}

/* Lanes index of a word of weights: signed of 8 bits, biased fields of fewer. */
TC_INLINE tc_lanes unpack(uint32_t word, int32_t index, int32_t bits) {
    if (bits == 8) {
        const tc_lanes lanes = {(int8_t)(word >> 8 * index), (int8_t)(word >> (8 * index + 16))};
        return lanes;
    }
    const uint32_t mask = bits == 1 ? 2 : (1u << bits) - 1; /* a bit stands for 2 */
    const uint32_t low = bits == 1 ? word << 1 >> index : word >> bits * index;
    const uint32_t high = bits == 1 ? word >> (index + 15) : word >> (bits * index + 16);
    const tc_lanes lanes = {(int32_t)(low & mask), (int32_t)(high & mask)};
    return lanes;
}

/* Lanes index of two channels' words, on two pixels' lanes: a word of each column. */
TC_INLINE void multiply(uint32_t u, uint32_t v, int32_t index, int32_t bits,
                        const uint32_t *column, int32_t sums[4]) {
    const tc_lanes x = split(column[0]);
    const tc_lanes y = split(column[1]);
    const tc_lanes c = unpack(u, index, bits);
    const tc_lanes d = unpack(v, index, bits);
    sums[0] += c.first * x.first + c.second * x.second;
    sums[1] += c.first * y.first + c.second * y.second;
    sums[2] += d.first * x.first + d.second * x.second;
    sums[3] += d.first * y.first + d.second * y.second;
}

/* Two channels' words of weights, from lanes index on; returns the next columns. */
TC_INLINE const uint32_t *dot_word(const uint32_t *w, int32_t index, int32_t bits,
                                   const uint32_t *column, int32_t sums[4]) {
    for (; index < 16 / bits; ++index, column += 2) {
        multiply(w[0], w[1], index, bits, column, sums);
    }
    return column;
}

/* As tc_dot says. Of 2 and 1 bit the lower lanes of the first word may be unused. */
TC_INLINE const void *dot(const void *weights, const uint32_t *columns, int32_t *sums,
                          int32_t steps, int32_t pairs, const int32_t *start, int32_t bits) {
    const uint32_t *const end = columns + 8 * steps;
    const int32_t unused = -4 * steps & (16 / bits - 1);
    const uint32_t *w = weights;
    for (; pairs > 0; --pairs, sums += 4) {
        int32_t total[4] = {start[0], start[1], start[0], start[1]};
        const uint32_t *column = columns;
        if (unused) {
            column = dot_word(w, unused, bits, column, total);
            w += 2;
        }
        for (; column < end; w += 2) {
            column = dot_word(w, 0, bits, column, total);
        }
        for (int32_t i = 0; i < 4; ++i) {
            sums[i] = total[i];
        }
    }
    return w;
}

#define DOT(bits)                                                                                 \
    const void *tc_dot_##bits(const void *weights, const uint32_t *columns, int32_t *sums,        \
                              int32_t steps, int32_t pairs, const int32_t *start) {               \
        return dot(weights, columns, sums, steps, pairs, start, bits);                            \
    }

DOT(8)
DOT(4)
DOT(2)
DOT(1)
