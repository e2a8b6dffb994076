/* Runs of bytes and of fields. */
#include "tc_movement.h"

/* Four words at a time, which cores load and store side by side. */
TC_INLINE uint8_t *copy(uint8_t *to, const uint8_t *from, int32_t bytes) {
    for (; bytes >= 16; bytes -= 16, to += 16, from += 16) {
        const uint32_t a = tc_load32(from), b = tc_load32(from + 4);
        const uint32_t c = tc_load32(from + 8), d = tc_load32(from + 12);
        tc_store32(to, a);
        tc_store32(to + 4, b);
        tc_store32(to + 8, c);
        tc_store32(to + 12, d);
    }
    return tc_copy(to, from, bytes);
}

void tc_move_bytes(const tc_move *move, const uint8_t *input, uint8_t *output) {
    output += move->first;
    for (int32_t row = 0; row < move->rows; ++row) {
        const uint8_t *from = input + row * move->from_row;
        uint8_t *to = output + row * move->to_row;
        for (int32_t runs = move->runs; runs > 0; --runs) {
            copy(to, from, move->size);
            from += move->from_run;
            to += move->to_run;
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
