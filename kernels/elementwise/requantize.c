/*
 * From one precision to another by a table of what each field becomes: TensorFlow Lite's
 * requantization, thresholds, or any other rule.
 */
#include "tc_bytes.h"
#include "tc_elementwise.h"

/* Four entries of a table; the empty asm keeps the loads side by side, where the M4 joins them. */
TC_INLINE void look_up(const uint8_t *table, uint32_t *found) {
    __asm__("" : "+r"(found[0]), "+r"(found[1]), "+r"(found[2]), "+r"(found[3]));
    for (int32_t i = 0; i < 4; ++i) {
        found[i] = table[found[i]];
    }
    __asm__("" : "+r"(found[0]), "+r"(found[1]), "+r"(found[2]), "+r"(found[3]));
}

/* Eight fields, which are as many bytes as a field has bits; in and out are constants. */
TC_INLINE void eight_fields(int32_t in, int32_t out, const uint8_t *from, const uint8_t *table,
                            uint8_t *to) {
    uint32_t fields = 0, results = 0, found[4];
    for (int32_t i = 0; i < 8; i += 4) {
        if (i * in % 32 == 0) {
            fields = tc_load_bytes(from + i * in / 8, in < 4 ? in : 4);
        }
        for (int32_t k = 0; k < 4; ++k) {
            found[k] = fields >> (i + k) * in % 32 & ((1u << in) - 1);
        }
        look_up(table, found);
        for (int32_t k = 0; k < 4; ++k) {
            results |= found[k] << (i + k) * out % 32;
        }
        if (out == 8 || i == 4) {
            tc_store_bytes(to + i * out / 32 * 4, results, out < 4 ? out : 4);
            results = 0;
        }
    }
}

/* The last fields of a pixel, fewer than eight. */
TC_INLINE uint8_t *last_fields(int32_t in, int32_t out, int32_t count, const uint8_t *from,
                               const uint8_t *table, uint8_t *to) {
    uint32_t results = 0;
    int32_t bits = 0;
    for (int32_t i = 0; i < count * in; i += in) {
        const uint32_t field = (uint32_t)from[i >> 3] >> (i & 7) & ((1u << in) - 1);
        results |= (uint32_t)table[field] << bits;
        bits += out;
        if (bits == 8) {
            *to++ = (uint8_t)results;
            results = 0;
            bits = 0;
        }
    }
    if (bits != 0) {
        *to++ = (uint8_t)results;
    }
    return to;
}

TC_INLINE void requantize(int32_t in, int32_t out, int32_t pixels, int32_t channels,
                          const uint8_t *from, const uint8_t *table, uint8_t *to) {
    if (channels % 8 == 0) {
        channels *= pixels; /* no pixel ends within a byte */
        pixels = 1;
    }
    for (; pixels > 0; --pixels) {
        int32_t left = channels;
        for (; left >= 8; left -= 8, from += in, to += out) {
            eight_fields(in, out, from, table, to);
        }
        to = last_fields(in, out, left, from, table, to);
        from += (left * in + 7) >> 3;
    }
}

#define REQUANTIZE(in, out)                                                                      \
    TC_REQUANTIZE(in, out) {                                                                     \
        requantize(in, out, pixels, channels, input, table, output);                             \
    }

REQUANTIZE(8, 8)
REQUANTIZE(8, 4)
REQUANTIZE(8, 2)
REQUANTIZE(8, 1)
REQUANTIZE(4, 8)
REQUANTIZE(4, 4)
REQUANTIZE(4, 2)
REQUANTIZE(4, 1)
REQUANTIZE(2, 8)
REQUANTIZE(2, 4)
REQUANTIZE(2, 2)
REQUANTIZE(2, 1)
REQUANTIZE(1, 8)
REQUANTIZE(1, 4)
REQUANTIZE(1, 2)
REQUANTIZE(1, 1)
