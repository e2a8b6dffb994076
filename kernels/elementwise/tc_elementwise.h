/*
 * Element by element: addition, multiplication, clamping and requantization. Int8 has TensorFlow
 * Lite's arithmetic. Packed fields of 4, 2 and 1 bit go through tables that Python fills by the
 * same arithmetic. Outputs may take the place of inputs of as many bits.
 *
 * Spare fields of a pixel's last byte are zero, in inputs and in outputs; mask has the bits of the
 * others in that byte, and is 0xFF where no field is spare.
 */
#ifndef TC_ELEMENTWISE_H
#define TC_ELEMENTWISE_H

#include "tc_base.h"

/* How one input of an addition is rescaled: (x + offset) << 20, times the multiplier. */
typedef struct {
    int32_t offset;
    int32_t multiplier; /* Q31 */
    int32_t right;
} tc_add_operand;

typedef struct {
    tc_add_operand first, second;
    int32_t multiplier, right; /* of the sum */
    int32_t output_offset;
    int32_t low, high;
} tc_add_shape;

/*
 * An addition in one step: (factor1 * x / 256 + factor2 * y / 256 + start) >> TC_ADD_SHIFT,
 * quotients rounded down, the result saturated to int8. Python tries all pairs x, y, and uses it
 * where it equals the steps of tc_add_a8.
 */
#define TC_ADD_SHIFT 21

typedef struct {
    int32_t factor1, factor2;
    int32_t start;
    int32_t low, high;
} tc_add_affine;

typedef struct {
    int32_t offset1, offset2;
    int32_t multiplier; /* Q31 */
    int32_t left, right;
    int32_t output_offset;
    int32_t low, high;
} tc_mul_shape;

void tc_add_a8(const tc_add_shape *add, const int8_t *first, const int8_t *second, int32_t count,
               int8_t *output);
void tc_add_affine_a8(const tc_add_affine *add, const int8_t *first, const int8_t *second,
                      int32_t count, int8_t *output);
void tc_mul_a8(const tc_mul_shape *mul, const int8_t *first, const int8_t *second, int32_t count,
               int8_t *output);
/* The same where left is 0 and right 1 to 22. */
void tc_mul_dsp_a8(const tc_mul_shape *mul, const int8_t *first, const int8_t *second,
                   int32_t count, int8_t *output);

typedef struct {
    int32_t pixels, pixel_bytes;
    uint32_t mask;
} tc_packed_shape;

/* Any function of two nibbles, of one field of 4 bits, two of 2 or four of 1: table[a | b << 4]. */
void tc_pair_table(const tc_packed_shape *shape, const uint8_t *first, const uint8_t *second,
                   const uint8_t *table, uint8_t *output);

void tc_clamp_a8(const tc_packed_shape *shape, const int8_t *input, int32_t low, int32_t high,
                 int8_t *output);
/* low and high repeated in each field of a word. */
void tc_clamp_a4(const tc_packed_shape *shape, const uint8_t *input, uint32_t low, uint32_t high,
                 uint8_t *output);
void tc_clamp_a4s(const tc_packed_shape *shape, const uint8_t *input, uint32_t low, uint32_t high,
                  uint8_t *output);
void tc_clamp_a2(const tc_packed_shape *shape, const uint8_t *input, uint32_t low, uint32_t high,
                 uint8_t *output);
void tc_clamp_a2s(const tc_packed_shape *shape, const uint8_t *input, uint32_t low, uint32_t high,
                  uint8_t *output);

/* tc_requantize_aXoY: from fields of X bits to fields of Y bits, table[field]. */
#define TC_REQUANTIZE(in, out)                                                                   \
    void tc_requantize_a##in##o##out(int32_t pixels, int32_t channels, const uint8_t *input,     \
                                     const uint8_t *table, uint8_t *output)

TC_REQUANTIZE(8, 8);
TC_REQUANTIZE(8, 4);
TC_REQUANTIZE(8, 2);
TC_REQUANTIZE(8, 1);
TC_REQUANTIZE(4, 8);
TC_REQUANTIZE(4, 4);
TC_REQUANTIZE(4, 2);
TC_REQUANTIZE(4, 1);
TC_REQUANTIZE(2, 8);
TC_REQUANTIZE(2, 4);
TC_REQUANTIZE(2, 2);
TC_REQUANTIZE(2, 1);
TC_REQUANTIZE(1, 8);
TC_REQUANTIZE(1, 4);
TC_REQUANTIZE(1, 2);
TC_REQUANTIZE(1, 1);

#endif
