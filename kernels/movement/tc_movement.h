/*
 * Operators that only move data: padding, concatenation, transposition, reshaping. Tensors are HWC
 * and packed per pixel: a pixel starts with a byte, least significant field first, and the spare
 * fields of its last byte are zero, in inputs and in outputs.
 *
 * thumbclock.kernels.movement.plan works out what is moved where, and joins what is contiguous:
 * rows that are copied as a whole come as one run.
 */
#ifndef TC_MOVEMENT_H
#define TC_MOVEMENT_H

#include "tc_base.h"

/*
 * rows times runs of as many bytes (tc_move_bytes) or bits (tc_move_fields), and how far each is
 * from the one before. Runs of fields start with a byte of the input, anywhere in the output.
 */
typedef struct {
    int32_t rows, runs, size;
    int32_t from_row, from_run;
    int32_t first, to_row, to_run;
} tc_move;

/* The rest of the output stays as it is; tc_move_fields wants zeros where it writes. */
void tc_move_bytes(const tc_move *move, const uint8_t *input, uint8_t *output);
void tc_move_fields(const tc_move *move, const uint8_t *input, uint8_t *output);

/* A byte (8 bits) or zeros around the input. */
void tc_pad_bytes(const tc_move *move, const void *input, void *output, int32_t output_bytes,
                  int32_t value);
void tc_pad_fields(const tc_move *move, const void *input, void *output, int32_t output_bytes);

#define TC_CONCAT_INPUTS 4

typedef struct {
    const void *input;
    tc_move move;
} tc_concat_part;

typedef struct {
    int32_t output_bytes, count;
    tc_concat_part parts[TC_CONCAT_INPUTS];
} tc_concat;

void tc_concat_bytes(const tc_concat *concat, void *output);
void tc_concat_fields(const tc_concat *concat, void *output);

/*
 * slices matrices of rows times columns elements become matrices of columns times rows; strides
 * are in bytes for tc_transpose_a8, in bits of the input and bytes of the output elsewhere.
 */
typedef struct {
    int32_t slices, rows, columns;
    int32_t from_slice, from_row;
    int32_t to_slice, to_row;
} tc_transpose;

void tc_transpose_a8(const tc_transpose *shape, const int8_t *input, int8_t *output);
void tc_transpose_a4(const tc_transpose *shape, const uint8_t *input, uint8_t *output);
void tc_transpose_a2(const tc_transpose *shape, const uint8_t *input, uint8_t *output);
void tc_transpose_a1(const tc_transpose *shape, const uint8_t *input, uint8_t *output);

/* Fields of pixels of in_c channels to pixels of out_c, of which there are out_pixels. */
void tc_reshape_fields(int32_t in_c, int32_t out_c, int32_t out_pixels, int32_t bits,
                       const uint8_t *input, uint8_t *output);

#endif
