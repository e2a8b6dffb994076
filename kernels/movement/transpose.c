/* Matrices of bytes and of fields, and pixels of another number of channels. */
#include "tc_movement.h"

#define BYTES 0x00FF00FFu

/* Four rows of four bytes become four columns, through registers. */
TC_INLINE void transpose_block(const uint8_t *from, int32_t from_row, uint8_t *to,
                               int32_t to_row) {
    const uint32_t a = tc_load32(from);
    const uint32_t b = tc_load32(from + from_row);
    const uint32_t c = tc_load32(from + 2 * from_row);
    const uint32_t d = tc_load32(from + 3 * from_row);
    const uint32_t ab02 = (a & BYTES) | (b & BYTES) << 8;
    const uint32_t cd02 = (c & BYTES) | (d & BYTES) << 8;
    const uint32_t ab13 = (a >> 8 & BYTES) | (b & ~BYTES);
    const uint32_t cd13 = (c >> 8 & BYTES) | (d & ~BYTES);
    tc_store32(to, (ab02 & 0xFFFF) | cd02 << 16);
    tc_store32(to + to_row, (ab13 & 0xFFFF) | cd13 << 16);
    tc_store32(to + 2 * to_row, ab02 >> 16 | (cd02 & 0xFFFF0000));
    tc_store32(to + 3 * to_row, ab13 >> 16 | (cd13 & 0xFFFF0000));
}

/* Rows below and columns beside the whole blocks. */
TC_INLINE void transpose_bytes(const uint8_t *from, int32_t from_row, int32_t rows,
                               int32_t columns, uint8_t *to, int32_t to_row) {
    for (int32_t row = 0; row < rows; ++row) {
        for (int32_t column = 0; column < columns; ++column) {
            to[column * to_row + row] = from[row * from_row + column];
        }
    }
}

static void transpose_slice(const tc_transpose *shape, const uint8_t *from, uint8_t *to) {
    const int32_t from_row = shape->from_row, to_row = shape->to_row;
    const int32_t rows = shape->rows & ~3, columns = shape->columns & ~3;
    for (int32_t row = 0; row < rows; row += 4) {
        const uint8_t *block = from + row * from_row;
        for (int32_t column = 0; column < columns; column += 4) {
            transpose_block(block + column, from_row, to + column * to_row + row, to_row);
        }
    }
    transpose_bytes(from + columns, from_row, rows, shape->columns - columns,
                    to + columns * to_row, to_row);
    transpose_bytes(from + rows * from_row, from_row, shape->rows - rows, shape->columns, to + rows,
                    to_row);
}

void tc_transpose_a8(const tc_transpose *shape, const int8_t *input, int8_t *output) {
    const uint8_t *from = (const uint8_t *)input;
    uint8_t *to = (uint8_t *)output;
    for (int32_t slices = shape->slices; slices > 0; --slices) {
        transpose_slice(shape, from, to);
        from += shape->from_slice;
        to += shape->to_slice;
    }
}

TC_INLINE uint32_t field_at(const uint8_t *from, int32_t bit, int32_t bits) {
    return (uint32_t)from[bit >> 3] >> (bit & 7) & ((1u << bits) - 1);
}

/* An output row's bytes, each from 8 / bits rows of the input. */
TC_INLINE void transpose_fields(const tc_transpose *shape, const uint8_t *input, uint8_t *output,
                                int32_t bits) {
    for (int32_t slice = 0; slice < shape->slices; ++slice) {
        for (int32_t column = 0; column < shape->columns; ++column) {
            uint8_t *to = output + slice * shape->to_slice + column * shape->to_row;
            int32_t from = slice * shape->from_slice + column * bits;
            for (int32_t rows = shape->rows * bits; rows > 0; rows -= 8) {
                uint32_t byte = 0;
                for (int32_t at = 0; at < 8 && at < rows; at += bits) {
                    byte |= field_at(input, from, bits) << at;
                    from += shape->from_row;
                }
                *to++ = (uint8_t)byte;
            }
        }
    }
}

void tc_transpose_a4(const tc_transpose *shape, const uint8_t *input, uint8_t *output) {
    transpose_fields(shape, input, output, 4);
}

void tc_transpose_a2(const tc_transpose *shape, const uint8_t *input, uint8_t *output) {
    transpose_fields(shape, input, output, 2);
}

void tc_transpose_a1(const tc_transpose *shape, const uint8_t *input, uint8_t *output) {
    transpose_fields(shape, input, output, 1);
}

void tc_reshape_fields(int32_t in_c, int32_t out_c, int32_t out_pixels, int32_t bits,
                       const uint8_t *input, uint8_t *output) {
    const int32_t pixel_bytes = (in_c * bits + 7) >> 3;
    int32_t channel = 0;
    for (; out_pixels > 0; --out_pixels) {
        for (int32_t left = out_c * bits; left > 0; left -= 8) {
            uint32_t byte = 0;
            for (int32_t at = 0; at < 8 && at < left; at += bits) {
                byte |= field_at(input, channel * bits, bits) << at;
                if (++channel == in_c) {
                    channel = 0;
                    input += pixel_bytes;
                }
            }
            *output++ = (uint8_t)byte;
        }
    }
}
