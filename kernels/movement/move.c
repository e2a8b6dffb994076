/* Runs of bytes and of fields. */
#include "tc_movement.h"

/* Whether both can be accessed word by word; Cortex-M3 and up can wherever they start. */
TC_INLINE int by_words(const uint8_t *to, const uint8_t *from) {
#if defined(__ARM_FEATURE_UNALIGNED)
    (void)to;
    (void)from;
    return 1;
#else
    return (((uintptr_t)to | (uintptr_t)from) & 3) == 0;
#endif
}

/* tc_load32 and tc_store32 where by_words has said so. */
TC_INLINE uint32_t load_word(const uint8_t *from) {
#if defined(__ARM_FEATURE_UNALIGNED)
    return tc_load32(from);
#else
    return tc_load32(__builtin_assume_aligned(from, 4));
#endif
}

TC_INLINE void store_word(uint8_t *to, uint32_t word) {
#if defined(__ARM_FEATURE_UNALIGNED)
    tc_store32(to, word);
#else
    tc_store32(__builtin_assume_aligned(to, 4), word);
#endif
}

/* Four words at a time, as cores pipeline loads beside loads; the asm keeps it at four. */
TC_INLINE uint8_t *copy(uint8_t *to, const uint8_t *from, int32_t bytes) {
    if (by_words(to, from)) {
        for (; bytes >= 16; bytes -= 16, to += 16, from += 16) {
            const uint32_t a = load_word(from), b = load_word(from + 4);
            const uint32_t c = load_word(from + 8), d = load_word(from + 12);
            store_word(to, a);
            store_word(to + 4, b);
            store_word(to + 8, c);
            store_word(to + 12, d);
            __asm__("" : "+r"(to));
        }
        for (; bytes >= 4; bytes -= 4, to += 4, from += 4) {
            store_word(to, load_word(from));
            __asm__("" : "+r"(to));
        }
    }
    for (; bytes > 0; --bytes) {
        *to++ = *from++;
        __asm__("" : "+r"(to));
    }
    return to;
}

void tc_move_bytes(const tc_move *move, const uint8_t *input, uint8_t *output) {
    const tc_move m = *move;
    output += m.first;
    for (int32_t rows = m.rows; rows > 0; --rows, input += m.from_row, output += m.to_row) {
        const uint8_t *from = input;
        uint8_t *to = output;
        for (int32_t runs = m.runs; runs > 0; --runs, from += m.from_run, to += m.to_run) {
            copy(to, from, m.size);
        }
    }
}

/* Bytes of fields to any bit; a byte's second half is written only where it has fields. */
TC_INLINE void join(uint8_t *to, int32_t shift, const uint8_t *from, int32_t bytes) {
    uint32_t fields = *to;
    for (; bytes > 0; --bytes) {
        fields |= (uint32_t)*from++ << shift;
        *to++ = (uint8_t)fields;
        fields >>= 8;
    }
    if (fields != 0) {
        *to = (uint8_t)fields;
    }
}

void tc_move_fields(const tc_move *move, const uint8_t *input, uint8_t *output) {
    const int32_t bytes = (move->size + 7) >> 3;
    for (int32_t row = 0; row < move->rows; ++row) {
        const uint8_t *from = input + row * (move->from_row >> 3);
        int32_t to = move->first + row * move->to_row;
        for (int32_t runs = move->runs; runs > 0; --runs) {
            join(output + (to >> 3), to & 7, from, bytes);
            from += move->from_run >> 3;
            to += move->to_run;
        }
    }
}

void tc_pad_bytes(const tc_move *move, const void *input, void *output, int32_t output_bytes,
                  int32_t value) {
    const uint32_t word = (uint8_t)value * 0x01010101u;
    uint8_t *const start = output;
    uint8_t *to = start; /* all before it is written */
    for (int32_t row = 0; row < move->rows; ++row) {
        const uint8_t *from = (const uint8_t *)input + row * move->from_row;
        uint8_t *run = start + move->first + row * move->to_row;
        for (int32_t runs = move->runs; runs > 0; --runs) {
            tc_fill(to, word, (int32_t)(run - to));
            to = copy(run, from, move->size);
            from += move->from_run;
            run += move->to_run;
        }
    }
    tc_fill(to, word, (int32_t)(start + output_bytes - to));
}

void tc_pad_fields(const tc_move *move, const void *input, void *output, int32_t output_bytes) {
    tc_fill(output, 0, output_bytes);
    tc_move_fields(move, input, output);
}

void tc_concat_bytes(const tc_concat *concat, void *output) {
    for (int32_t i = 0; i < concat->count; ++i) {
        tc_move_bytes(&concat->parts[i].move, concat->parts[i].input, output);
    }
}

void tc_concat_fields(const tc_concat *concat, void *output) {
    tc_fill(output, 0, concat->output_bytes);
    for (int32_t i = 0; i < concat->count; ++i) {
        tc_move_fields(&concat->parts[i].move, concat->parts[i].input, output);
    }
}
